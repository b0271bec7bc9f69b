/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench [ITEM...]: times the operations of the tables and prints a line for each, when it is done:
 *
 *	bench NAME t|b THOUSANDTHS	nanoseconds for one operation, or for one KiB
 *	bench NAME missing WHY		the kernel has no such thing
 *	bench NAME failed WHY
 *
 * First comes `loop`, whose number of instructions is known: under icount it must read 1.000. An
 * item is warmed up, then timed ROUNDS times; the median counts. BENCH_SHARE=N does one N-th of the
 * operations (wall-clock runs). As PID 1 it says how many units the machine's counter shows and
 * powers off: that is the boot item. `bench --list` prints names, units and N; `bench --exit` ends at once
 * (what exec is measured with).
 */
#include "bench.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <termios.h>

#define ROUNDS 5
#define ITEM_SECONDS 120	/* of guest time; an item takes a few milliseconds */
#define MISSING_STATUS 77

long bench_argument;

static const struct item *const tables[] = {
	items_syscall, items_clock, items_file, items_memory, items_ipc, items_process, items_net,
};
static int report_fd = 2;	/* the child tells its parent through this */

int64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

void bench_missing(const char *what)
{
	dprintf(report_fd, "missing %s: errno %d", what, errno);
	_exit(MISSING_STATUS);
}

void bench_fail(const char *file, int line, const char *what)
{
	dprintf(report_fd, "failed %s:%d: %s (errno %d)", file, line, what, errno);
	_exit(1);
}

pid_t bench_partner(void (*f)(void))
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		f();
		_exit(0);
	}
	return pid;
}

void bench_reap(pid_t pid, int status)
{
	int got = -1;

	must(pid > 0);
	must(waitpid(pid, &got, 0) == pid);
	must(WIFEXITED(got) && WEXITSTATUS(got) == status);
}

/* 16 instructions each time round: 14 that do nothing, the count and the branch. */
void bench_loop(long n)
{
	long left = n / 16;

#if defined(__x86_64__)
	__asm__ volatile("1: .rept 14\n\tnop\n\t.endr\n\tsub $1, %0\n\tjnz 1b" : "+r"(left) : : "cc");
#elif defined(__aarch64__)
	__asm__ volatile("1: .rept 14\n\tnop\n\t.endr\n\tsubs %0, %0, #1\n\tb.ne 1b" : "+r"(left) : : "cc");
#elif defined(__riscv)
	__asm__ volatile(".option push\n\t.option norvc\n1: .rept 14\n\tnop\n\t.endr\n\taddi %0, %0, -1\n\t"
			 "bnez %0, 1b\n\t.option pop" : "+r"(left));
#endif
}

static const struct item loop_item = { "loop", 't', 16000000, 0, bench_loop, 0, 0, 0 };

/* What the machine's counter says, and how often it ticks in a second (x86_64: 1 GHz under icount). */
static uint64_t counter(uint64_t *hz)
{
	uint64_t value;

#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	value = (uint64_t)high << 32 | low;
	*hz = 1000000000;
#elif defined(__aarch64__)
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(*hz));
#elif defined(__riscv)
	__asm__ volatile("rdtime %0" : "=r"(value));
	*hz = 10000000;	/* QEMU's virt board */
#endif
	return value;
}

static int as_init(void)
{
	uint64_t hz, value = counter(&hz);
	int fd = open("/dev/console", O_RDWR);

	dprintf(fd < 0 ? 1 : fd, "\nbench-boot %llu\n", (unsigned long long)(value * (1000000000 / hz)));
	if (fd >= 0)
		tcdrain(fd);
	reboot(RB_POWER_OFF);
	while (pause())
		;
	return 1;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Instructions without effect that tell a profiler (ci/tools/qemu_profile.c) where the measured part is. */
static inline void bench_mark(bool begins)
{
#if defined(__x86_64__)
	if (begins)
		__asm__ volatile(".byte 0x0f, 0x1f, 0x80, 0x76, 0x69, 0x72, 0x75" : : : "memory");
	else
		__asm__ volatile(".byte 0x0f, 0x1f, 0x80, 0x76, 0x69, 0x72, 0x74" : : : "memory");
#elif defined(__aarch64__)
	if (begins)
		__asm__ volatile("movz xzr, #0x7473" : : : "memory");
	else
		__asm__ volatile("movz xzr, #0x7472" : : : "memory");
#elif defined(__riscv)
	if (begins)
		__asm__ volatile(".4byte 0x74727037" : : : "memory");
	else
		__asm__ volatile(".4byte 0x74726037" : : : "memory");
#endif
}

/* The median duration of f(n), warmed up, in thousandths of a nanosecond for each of the n. */
static int64_t measure(void (*f)(long), long n, bool is_marked)
{
	int64_t took[ROUNDS];

	f(n / 8 + 1);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = bench_now();

		if (is_marked)
			bench_mark(true);
		f(n);
		bench_mark(false);
		took[i] = bench_now() - start;
	}
	qsort(took, ROUNDS, sizeof took[0], by_value);
	return took[ROUNDS / 2] * 1000 / n;
}

/* Runs in the item's child. */
__attribute__((noreturn))
static void run_child(const struct item *item, long n)
{
	int64_t value;

	alarm(ITEM_SECONDS);
	bench_argument = item->argument;
	if (item->setup)
		item->setup();
	value = measure(item->body, n, item != &loop_item);
	if (item->less)
		value -= measure(item->less, n, false);
	if (item->after)
		item->after();
	dprintf(report_fd, "%c %lld", item->unit, (long long)value);
	_exit(0);
}

/* One item in a child; prints its line. Nothing of the printing falls into the next item's time. */
static void run_item(const struct item *item, long share)
{
	struct timespec pause_a_little = { 0, 100000000 };
	char text[300];
	int fd[2], got, length = 0, status = 0;
	long n = item->n / share ? item->n / share : 1;
	pid_t pid;

	if (item == &loop_item)
		n = (n + 15) & -16;
	if (pipe(fd)) {
		printf("bench %s failed no pipe\n", item->name);
		return;
	}
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		close(fd[0]);
		report_fd = fd[1];
		run_child(item, n);
	}
	close(fd[1]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	while (length < (int)sizeof text - 1 &&
	       (got = read(fd[0], text + length, sizeof text - 1 - length)) > 0)
		length += got;
	text[length] = 0;
	close(fd[0]);
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
	if (WIFSIGNALED(status))
		printf("bench %s failed signal %d %s\n", item->name, WTERMSIG(status), text);
	else
		printf("bench %s %s\n", item->name, length ? text : "failed without a word");
	fflush(stdout);
	nanosleep(&pause_a_little, 0);
}

static bool is_wanted(const struct item *item, int argc, char **argv)
{
	bool wanted = argc < 2;

	for (int i = 1; i < argc; i++)
		wanted |= !strcmp(argv[i], item->name);
	return wanted;
}

int main(int argc, char **argv)
{
	const char *share = getenv("BENCH_SHARE");
	bool list = argc > 1 && !strcmp(argv[1], "--list");

	if (getpid() == 1)
		return as_init();
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 0;
	mkdir("/tmp", 0777);
	mkdir("/tmp/bench", 0777);
	if (chdir("/tmp/bench"))
		return 1;
	if (!list)
		run_item(&loop_item, share ? atol(share) : 1);
	for (unsigned int t = 0; t < sizeof tables / sizeof tables[0]; t++) {
		for (const struct item *item = tables[t]; item->name; item++) {
			if (list)
				printf("%s %c %ld\n", item->name, item->unit, item->n);
			else if (is_wanted(item, argc, argv))
				run_item(item, share ? atol(share) : 1);
		}
	}
	return 0;
}

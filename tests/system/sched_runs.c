/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each scheduling class promises while threads run, policies and settings that change meanwhile, and what is shown of
 * it. Cases about Trivet's own settings pass by themselves where those do not exist. How much each gets is asked only with
 * EXACT in the environment: ci/suites/trace.py runs that with a clock that counts instructions. A host that takes the CPU away
 * for long charges whoever runs just then.
 */
#include "sched.h"
#include <stdlib.h>
#include <sys/mman.h>

static long long cpu_ms(pid_t pid)
{
	char path[64], text[512], *s;
	long long u = 0, v = 0;
	int fd, n;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	s = strrchr(text, ')');
	sscanf(s ? s + 2 : "", "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &u, &v);
	return (u + v) * 10;
}

static pid_t hog(int policy, int priority, int nice)
{
	pid_t pid = fork();

	if (!pid) {
		setpriority(PRIO_PROCESS, 0, nice);
		if (policy)
			set(0, policy, priority);
		while (1)
			;
	}
	return pid;
}

/* On one CPU: the nicer one gets clearly less, but something. */
static void nice_shares(void)
{
	pid_t a, b;

	pin();
	check_ok(set(0, SCHED_FIFO, 50));
	a = fork();
	if (!a) {
		set(0, SCHED_OTHER, 0);
		while (1)
			;
	}
	b = fork();
	if (!b) {
		set(0, SCHED_OTHER, 0);
		setpriority(PRIO_PROCESS, 0, 19);
		while (1)
			;
	}
	for (int i = 0; i < 300 && cpu_ms(a) + cpu_ms(b) < 1500; i++)
		sleep_ms(20);
	long long x = cpu_ms(a), y = cpu_ms(b);

	kill(a, SIGKILL);
	kill(b, SIGKILL);
	if (x <= 0 || y <= 0 || (getenv("EXACT") && (x < 3 * y || x > 6 * y)))	/* turns of 20 and 5 ms */
		test_fail(__LINE__, "nice 0: %lld ms, nice 19: %lld ms", x, y);
}

/* SCHED_IDLE takes what others leave; SCHED_FIFO takes nearly all but not all (sched_rt_runtime_us). */
static void precedence(void)
{
	pid_t normal, other;

	pin();
	check_ok(set(0, SCHED_FIFO, 50));
	normal = fork();
	if (!normal) {
		set(0, SCHED_OTHER, 0);
		while (1)
			;
	}
	other = hog(SCHED_IDLE, 0, 0);
	for (int i = 0; i < 300 && cpu_ms(normal) < 300; i++)
		sleep_ms(20);
	if (getenv("EXACT") && cpu_ms(other) > cpu_ms(normal) / 20)
		test_fail(__LINE__, "idle class: %lld ms, normal: %lld ms", cpu_ms(other), cpu_ms(normal));
	kill(other, SIGKILL);
	wait_for(other);
	long long before = cpu_ms(normal);

	other = hog(SCHED_FIFO, 10, 0);
	/* Two periods' shares: begun in the middle of one, it may use the rest of that and nearly all of the next first. */
	for (int i = 0; i < 500 && cpu_ms(other) < 2200; i++)
		sleep_ms(20);
	long long fifo = cpu_ms(other), rest = cpu_ms(normal) - before;

	kill(other, SIGKILL);
	kill(normal, SIGKILL);
	if (rest < 20 || (getenv("EXACT") && rest > fifo / 10))
		test_fail(__LINE__, "fifo: %lld ms, normal meanwhile: %lld ms", fifo, rest);
}

static void preempts_by_priority(void)
{
	int *order = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static const int priority[4] = { 10, 40, 20, 30 };
	pid_t pid[4];
	int p[2];
	char c;

	pin();
	check_ok(set(0, SCHED_FIFO, 60));
	check_ok(pipe(p));
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			set(0, SCHED_FIFO, 50);
			close(p[1]);
			set(0, SCHED_FIFO, priority[i]);
			if (read(p[0], &c, 1) < 0)
				_exit(1);
			order[__atomic_fetch_add(&order[8], 1, __ATOMIC_SEQ_CST)] = priority[i];
			_exit(0);
		}
	}
	sleep_ms(200);		/* all are in read now */
	close(p[1]);
	for (int i = 0; i < 4; i++)
		check_equal(wait_for(pid[i]), 0);
	for (int i = 0; i < 4; i++)
		check_equal(order[i], 40 - 10 * i);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), n = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		n = errno;
	close(fd);
	return n;
}

#define POLICY "/proc/sys/kernel/sched_policy"

/* Every policy, changed while pairs wake each other, sleepers sleep and others compute: nobody is lost. */
static void policy_storm(void)
{
	static const char *const names[] = { "rr", "priority", "fair", "mlfq" };
	char was[32] = "";
	int fd = open(POLICY, O_RDONLY), n;
	pid_t pid[12];

	if (fd < 0)
		return;		/* not Trivet */
	n = read(fd, was, sizeof was - 1);
	was[n > 0 ? n : 0] = 0;
	check_equal(write_text(POLICY, "lottery"), EINVAL);
	for (int i = 0; i < 12; i++) {
		int a[2], b[2];

		check_ok(pipe(a));
		check_ok(pipe(b));
		pid[i] = fork();
		if (!pid[i]) {
			char c = 0;

			for (int k = 0; i >= 8 && k < 150; k++) {
				if (i & 1)
					sleep_ms(2);
				for (volatile int j = 0; !(i & 1) && j < 100000; j++)
					;
			}
			if (i >= 8)
				_exit(0);
			if (!fork()) {
				for (int k = 0; k < 2000; k++)
					if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1)
						_exit(1);
				_exit(0);
			}
			for (int k = 0; k < 2000; k++)
				if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
					_exit(1);
			_exit(wait(NULL) < 0);
		}
		close(a[0]), close(a[1]), close(b[0]), close(b[1]);
	}
	for (int i = 0; i < 60; i++) {
		check_equal(write_text(POLICY, names[i % 4]), 0);
		sleep_ms(5);
	}
	for (int i = 0; i < 12; i++)
		check_equal(wait_for(pid[i]), 0);
	check_equal(write_text(POLICY, was), 0);
}

static void settings(void)
{
	struct timespec ts;

	if (access(POLICY, F_OK))
		return;
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "0"), EINVAL);
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "x"), EINVAL);
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "40"), 0);
	check_equal(write_text(POLICY, "rr"), 0);
	check_ok(sched_rr_get_interval(0, &ts));
	check_equal(ts.tv_nsec, 40000000);
	check_ok(setpriority(PRIO_PROCESS, 0, 10));
	check_ok(sched_rr_get_interval(0, &ts));
	check_equal(ts.tv_nsec, 20000000);
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "20"), 0);
	check_equal(write_text(POLICY, "mlfq"), 0);
	check_equal(write_text("/proc/sys/kernel/sched_deadline_order", "rm"), 0);
	struct attr a = contract(50, 100, 100);

	check_ok(setattr(0, &a, 0));
	check_equal(write_text("/proc/sys/kernel/sched_deadline_order", "edf"), EBUSY);
	check_ok(set(0, SCHED_OTHER, 0));
	check_equal(write_text("/proc/sys/kernel/sched_deadline_order", "edf"), 0);
	/* CPU sets that do not count. */
	check_equal(write_text("/proc/sys/kernel/sched_affinity", "0"), 0);
	pin();
	check_equal(write_text("/proc/sys/kernel/sched_affinity", "1"), 0);
	unsigned cpu = 9;

	check_ok(syscall(SYS_getcpu, &cpu, NULL, NULL));
	check_equal(cpu, 0);
}

#define BALANCE "/proc/sys/kernel/sched_balance"

static int cpu_of(pid_t pid)
{
	char path[64], text[512], *s;
	int fd, n, cpu = -1;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	s = strrchr(text, ')');
	for (int i = 2; s && i < 39; i++)
		s = strchr(s + 1, ' ');
	if (s)
		cpu = atoi(s + 1);
	return cpu;
}

/* Three that compute on one CPU: without balancing they stay there, with it one goes to the CPU that has nothing to do. */
static void balancing_off(void)
{
	unsigned long all = 3;
	pid_t pid[3];
	bool moved = false;

	if (access(BALANCE, F_OK) || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	check_equal(write_text(BALANCE, "2"), EINVAL);
	check_equal(write_text("/proc/sys/kernel/sched_balance_ms", "0"), EINVAL);
	check_equal(write_text("/proc/sys/kernel/sched_balance_ms", "20"), 0);
	check_equal(write_text(BALANCE, "0"), 0);
	pin();
	for (int i = 0; i < 3; i++)
		pid[i] = hog(0, 0, 0);
	sleep_ms(100);
	for (int i = 0; i < 3; i++)
		check_ok(syscall(SYS_sched_setaffinity, pid[i], sizeof all, &all));
	sleep_ms(300);
	for (int i = 0; i < 3; i++)
		check_equal(cpu_of(pid[i]), 0);
	check_equal(write_text(BALANCE, "1"), 0);
	for (int tries = 0; tries < 300 && !moved; tries++) {
		sleep_ms(10);
		for (int i = 0; i < 3; i++)
			moved = moved || cpu_of(pid[i]) == 1;
	}
	check(moved);
	for (int i = 0; i < 3; i++)
		kill(pid[i], SIGKILL);
	check_equal(write_text("/proc/sys/kernel/sched_balance_ms", "50"), 0);
}

/* /proc tells the class and counts. */
static void shown(void)
{
	char text[4096];
	int fd, n;

	check_ok(set(0, SCHED_RR, 33));
	for (int i = 0; i < 25; i++)
		sleep_ms(3);
	fd = open("/proc/self/sched", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	check(strstr(text, "nr_voluntary_switches"));
	check(strstr(text, "policy"));
	char *s = strstr(text, "nr_voluntary_switches");

	check(atol(strchr(s, ':') + 1) >= 20);
	fd = open("/proc/self/schedstat", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	unsigned long long a = 0, b = 0, c = 0;

	check_equal(sscanf(text, "%llu %llu %llu", &a, &b, &c), 3);
	check(a > 0 && c >= 20);
	fd = open("/proc/schedstat", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	check(!strncmp(text, "version ", 8) && strstr(text, "\ncpu0 "));
}

static const struct test table[] = {
	{ "nice-shares", nice_shares }, { "precedence", precedence }, { "preempts-by-priority", preempts_by_priority },
	{ "policy-storm", policy_storm }, { "settings", settings }, { "balancing-off", balancing_off }, { "shown", shown },
	{ 0 },
};

TEST_MAIN(table)

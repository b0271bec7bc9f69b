/* SPDX-License-Identifier: BSD-2-Clause */
/* rseq: registration, the CPU number, sections cut by preemption, migration and signals, hostile areas. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SIG 0x53053053u

struct area {
	uint32_t cpu_id_start, cpu_id;
	volatile uint64_t section;
	volatile uint32_t flags;
	uint32_t node_id;
	volatile uint32_t mm_cid;
	uint32_t rest;
} __attribute__((aligned(32)));
struct section {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

static struct area area;
static struct section section;
static volatile uint32_t stop;

/*
 * A section that turns round and round until it is cut (1) or told to stop (0). Global labels tell where it
 * begins and ends.
 */
extern char turn_start[], turn_end[], turn_abort[];
uint64_t turn(volatile uint32_t *stop_word, volatile uint64_t *section_word, struct section *s);
#if defined(__x86_64__)
__asm__(".text\n.globl turn, turn_start, turn_end, turn_abort\n"
	"turn: movq %rdx, (%rsi)\n"
	"turn_start: cmpl $0, (%rdi)\n je turn_start\n"
	"turn_end: xorl %eax, %eax\n ret\n"
	".byte 0x0f, 0xb9, 0x3d\n.long 0x53053053\n"
	"turn_abort: movl $1, %eax\n ret\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl turn, turn_start, turn_end, turn_abort\n.balign 4\n"
	"turn: str x2, [x1]\n"
	"turn_start: ldr w3, [x0]\n cbz w3, turn_start\n"
	"turn_end: mov x0, #0\n ret\n"
	".long 0x53053053\n"
	"turn_abort: mov x0, #1\n ret\n");
#else
__asm__(".text\n.globl turn, turn_start, turn_end, turn_abort\n.balign 4\n.option push\n.option norvc\n"
	"turn: sd a2, 0(a1)\n"
	"turn_start: lw t0, 0(a0)\n beqz t0, turn_start\n"
	"turn_end: li a0, 0\n ret\n"
	".long 0x53053053\n"
	"turn_abort: li a0, 1\n ret\n.option pop\n");
#endif

static long rseq(void *a, uint32_t len, int flags, uint32_t sig)
{
	return syscall(SYS_rseq, a, len, flags, sig);
}

static void begin(void)
{
	section = (struct section){ 0, 0, (uint64_t)turn_start, (uint64_t)(turn_end - turn_start), (uint64_t)turn_abort };
	check_ok(rseq(&area, sizeof area, 0, SIG));
}

/* musl counts the CPUs we may use: asked before anything is pinned. */
static int cpus;
__attribute__((constructor)) static void count_cpus(void)
{
	cpus = sysconf(_SC_NPROCESSORS_CONF);
}

static int pin(int cpu)
{
	cpu_set_t set;

	cpu %= cpus;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	check_ok(sched_setaffinity(0, sizeof set, &set));
	return cpu;
}

static void registration(void)
{
	struct area other = { 0 };

	check_errno(rseq(&area, sizeof area, 4, SIG), EINVAL);
	check_errno(rseq(&area, 31, 0, SIG), EINVAL);
	check_errno(rseq((char *)&area + 8, 32, 0, SIG), EINVAL);
	check_errno(rseq((void *)(1ul << 63), 32, 0, SIG), EFAULT);
	check_errno(rseq(&area, sizeof area, 1, SIG), EINVAL);	/* not registered */
	begin();
	check_errno(rseq(&area, sizeof area, 0, SIG), EBUSY);
	check_errno(rseq(&area, sizeof area, 0, SIG + 1), EPERM);
	check_errno(rseq(&other, sizeof area, 0, SIG), EINVAL);
	check_errno(rseq(&area, 64, 0, SIG), EINVAL);
	check_errno(rseq(&area, sizeof area, 1, SIG + 1), EPERM);
	check_errno(rseq(&area, sizeof area, 3, SIG), EINVAL);
	check_errno(rseq(&other, sizeof area, 1, SIG), EINVAL);
	check(area.cpu_id < 64 && area.cpu_id == area.cpu_id_start);
	check_ok(rseq(&area, sizeof area, 1, SIG));
	check_equal(area.cpu_id, 0xffffffffu);
	check_equal(area.cpu_id_start, 0);
	begin();
	check(area.cpu_id < 64);
}

static void cpu_number_follows(void)
{
	begin();
	for (int i = 0; i < 200; i++) {
		int cpu = pin(i & 1);

		check_equal(area.cpu_id, cpu);
		check_equal(area.cpu_id_start, cpu);
		check_equal(area.node_id, 0);
	}
}

static void fork_keeps_it(void)
{
	begin();
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			unsigned cpu = pin(i & 1);

			_exit(area.cpu_id != cpu || rseq(&area, sizeof area, 0, SIG) != -1 || errno != EBUSY);
		}
		check_equal(wait_for(pid), 0);
	}
}

static void *has_none(void *arg)
{
	static struct area mine;

	return (void *)(long)(rseq(&mine, sizeof mine, 0, SIG) != 0 || mine.cpu_id > 64);
}

static void threads_begin_without(void)
{
	pthread_t t;
	void *bad;

	begin();
	check_equal(pthread_create(&t, 0, has_none, 0), 0);
	check_equal(pthread_join(t, &bad), 0);
	check(!bad);
}

static void preemption_cuts(void)
{
	pid_t rival;

	pin(0);
	rival = fork();
	if (rival == 0)
		while (1)
			;
	begin();
	for (int i = 0; i < 5; i++) {
		check_equal(turn(&stop, &area.section, &section), 1);
		check_equal(area.section, 0);
	}
	kill(rival, SIGKILL);
	wait_for(rival);
}

static void *mover(void *arg)
{
	pid_t tid = *(pid_t *)arg;
	cpu_set_t set;

	for (int i = 0; !stop; i++) {
		CPU_ZERO(&set);
		CPU_SET(i & 1, &set);
		sched_setaffinity(tid, sizeof set, &set);
		sleep_ms(2);
	}
	return 0;
}

static void migration_cuts(void)
{
	pid_t tid = getpid();
	pthread_t t;

	begin();
	check_equal(pthread_create(&t, 0, mover, &tid), 0);
	for (int i = 0; i < 10; i++)
		check_equal(turn(&stop, &area.section, &section), 1);
	stop = 1;
	pthread_join(t, 0);
	check_equal(turn(&stop, &area.section, &section), 0);
}

static volatile uint64_t seen;
static volatile int caught;
static void on_signal(int sig)
{
	caught++;
	seen = area.section;
}

static void signal_cuts(void)
{
	struct itimerval v = { { 0, 3000 }, { 0, 3000 } };

	signal(SIGALRM, on_signal);
	begin();
	alarm(0);
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	for (int i = 0; i < 10; i++) {
		seen = 1;
		check_equal(turn(&stop, &area.section, &section), 1);
	}
	check(caught > 0);
	check_equal(seen, 0);	/* the handler ran outside the section */
}

static void outside_is_left_alone(void)
{
	begin();
	signal(SIGUSR1, on_signal);
	area.section = (uint64_t)&section;
	check_ok(raise(SIGUSR1));
	check_equal(caught, 1);
	check_equal(area.section, 0);
}

/* The child's signal handler meets what prepare did: it must die of SIGSEGV. */
static void dies(int line, void (*prepare)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		begin();
		signal(SIGUSR1, on_signal);
		/* Last: a switch that meets a sound section outside of it takes it away. */
		prepare();
		if (!area.section)
			area.section = (uint64_t)&section;
		raise(SIGUSR1);
		_exit(0);
	}
	status = wait_for(pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		test_fail(line, "status %#x, not SIGSEGV", status);
}

static void bad_version(void) { section.version = 1; }
static void bad_pointer(void) { area.section = 16; }
static void kernel_pointer(void) { area.section = 0xffffffff80000000ull; }
static void bad_signature(void) { section.abort = (uint64_t)turn_start; section.start = (uint64_t)turn_end; }
static void abort_inside(void) { section.start = (uint64_t)turn_abort - 4; section.length = 64; }
static void high_start(void) { section.start = 1ull << 63; }
static void wraps(void) { section.length = ~0ull; }
static void high_abort(void) { section.abort = ~0ull - 64; }
static void low_abort(void) { section.abort = 2; }

static void hostile_sections(void)
{
	dies(__LINE__, bad_version);
	dies(__LINE__, bad_pointer);
	dies(__LINE__, kernel_pointer);
	dies(__LINE__, bad_signature);
	dies(__LINE__, abort_inside);
	dies(__LINE__, high_start);
	dies(__LINE__, wraps);
	dies(__LINE__, high_abort);
	dies(__LINE__, low_abort);
}

/* The area disappears, or cannot be written: the next way back to user mode ends the program. */
static void hostile_area(void)
{
	if (cpus == 1)
		return;		/* the number never changes: nobody has to write it */
	for (int i = 0; i < 2; i++) {
		char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pid_t pid = fork();
		int status;

		check(page != MAP_FAILED);
		if (pid == 0) {
			pin(0);
			check_ok(rseq(page + 64, 32, 0, SIG));
			if (i)
				check_ok(mprotect(page, 4096, PROT_READ));
			else
				check_ok(munmap(page, 4096));
			pin(1);
			_exit(0);
		}
		status = wait_for(pid);
		check(WIFSIGNALED(status));
		check_equal(WTERMSIG(status), SIGSEGV);
	}
}

static struct area areas[4];
static atomic_int quit;
static atomic_ulong apart, beyond;

/* Compares its own id with another thread's until told to stop. What one that does not run left behind may be the same. */
static void *look(void *arg)
{
	struct area *mine = arg, *other = &areas[(mine - areas + 1) % 4];

	if (rseq(mine, sizeof *mine, 0, SIG))
		return "no area";
	while (!atomic_load(&quit)) {
		uint32_t own = mine->mm_cid, theirs = other->mm_cid;

		if (own >= (uint32_t)cpus)
			atomic_fetch_add(&beyond, 1);
		if (own != theirs)
			atomic_fetch_add(&apart, 1);
	}
	return NULL;
}

/* Ids of threads that run at a time differ, and are below the number of CPUs however many threads there are. */
static void concurrency_ids(void)
{
	pthread_t t[4];
	void *why;

	check_equal(getauxval(27), 28);		/* AT_RSEQ_FEATURE_SIZE */
	check_equal(getauxval(28), 32);		/* AT_RSEQ_ALIGN */
	area.mm_cid = 77;
	begin();
	check_equal(area.mm_cid, 0);		/* alone */
	check_ok(rseq(&area, sizeof area, 1, SIG));
	for (int n = 2; n <= 4; n += 2) {
		atomic_store(&quit, 0);
		atomic_store(&apart, 0);
		for (int i = 0; i < n; i++)
			check_equal(pthread_create(&t[i], NULL, look, &areas[i]), 0);
		sleep_ms(300);
		atomic_store(&quit, 1);
		for (int i = 0; i < n; i++) {
			check_equal(pthread_join(t[i], &why), 0);
			check(!why);
		}
		check_equal(atomic_load(&beyond), 0);
		if (cpus > 1)
			check(atomic_load(&apart) > 0);
	}
}

static const struct test tests[] = {
	{ "registration", registration },
	{ "cpu_number_follows", cpu_number_follows },
	{ "fork_keeps_it", fork_keeps_it },
	{ "threads_begin_without", threads_begin_without },
	{ "preemption_cuts", preemption_cuts },
	{ "migration_cuts", migration_cuts },
	{ "signal_cuts", signal_cuts },
	{ "outside_is_left_alone", outside_is_left_alone },
	{ "hostile_sections", hostile_sections },
	{ "hostile_area", hostile_area },
	{ "concurrency_ids", concurrency_ids },
	{ 0 },
};
TEST_MAIN(tests)

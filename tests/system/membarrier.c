/* SPDX-License-Identifier: BSD-2-Clause */
/* membarrier: registrations, what they allow, ordering between threads without barriers of their own. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

enum { QUERY = 0, GLOBAL = 1, GLOBAL_EXPEDITED = 2, REGISTER_GLOBAL = 4, PRIVATE = 8, REGISTER_PRIVATE = 16, SYNC_CORE = 32,
       REGISTER_SYNC_CORE = 64, RSEQ = 128, REGISTER_RSEQ = 256, GET_REGISTRATIONS = 512 };

static long membarrier(int cmd, unsigned flags, int cpu)
{
	return syscall(SYS_membarrier, cmd, flags, cpu);
}

static void query(void)
{
	long known = membarrier(QUERY, 0, 0);

	check_equal(known & 1023, 1023);
	check_errno(membarrier(QUERY, 1, 0), EINVAL);
	check_errno(membarrier(1 << 20, 0, 0), EINVAL);
	check_errno(membarrier(3, 0, 0), EINVAL);
	check_errno(membarrier(-1, 0, 0), EINVAL);
	check_errno(membarrier(GLOBAL, 1, 0), EINVAL);
	check_errno(membarrier(REGISTER_PRIVATE, 1, 0), EINVAL);
}

static void registrations(void)
{
	check_equal(membarrier(GET_REGISTRATIONS, 0, 0), 0);
	check_errno(membarrier(PRIVATE, 0, 0), EPERM);
	check_errno(membarrier(SYNC_CORE, 0, 0), EPERM);
	check_errno(membarrier(RSEQ, 0, 0), EPERM);
	check_ok(membarrier(GLOBAL_EXPEDITED, 0, 0));
	check_ok(membarrier(GLOBAL, 0, 0));
	check_ok(membarrier(REGISTER_PRIVATE, 0, 0));
	check_ok(membarrier(PRIVATE, 0, 0));
	check_errno(membarrier(SYNC_CORE, 0, 0), EPERM);
	check_equal(membarrier(GET_REGISTRATIONS, 0, 0), REGISTER_PRIVATE);
	check_ok(membarrier(REGISTER_SYNC_CORE, 0, 0));
	check_ok(membarrier(SYNC_CORE, 0, 0));
	check_ok(membarrier(REGISTER_RSEQ, 0, 0));
	check_ok(membarrier(RSEQ, 0, 0));
	check_ok(membarrier(RSEQ, 1, 0));
	check_ok(membarrier(RSEQ, 1, 60));
	check_errno(membarrier(RSEQ, 2, 0), EINVAL);
	check_errno(membarrier(PRIVATE, 1, 0), EINVAL);
	check_ok(membarrier(REGISTER_GLOBAL, 0, 0));
	check_equal(membarrier(GET_REGISTRATIONS, 0, 0), REGISTER_PRIVATE | REGISTER_SYNC_CORE | REGISTER_RSEQ | REGISTER_GLOBAL);
	pid_t pid = fork();		/* a copy of the memory is as registered as it */

	if (pid == 0)
		_exit(membarrier(PRIVATE, 0, 0) ? 1 : 0);
	check_equal(wait_for(pid), 0);
	pid = fork();
	if (pid == 0) {			/* a new program is not */
		char *argv[] = { "self", "after-exec", 0 };

		execv("/proc/self/exe", argv);
		_exit(9);
	}
	check_equal(wait_for(pid), 7 << 8);
}

/*
 * Store buffering: each side writes its own and then reads the other's. The fast side has nothing but the compiler's order;
 * the slow side's membarrier stands for both. Both reading 0 would be a lost barrier.
 */
static volatile int x, y, turn_a, turn_b, seen_a, seen_b, stop;
static void *fast(void *arg)
{
	for (int i = 1; !stop; i++) {
		while (turn_a < i && !stop)
			;
		x = 1;
		__asm__ volatile("" ::: "memory");
		seen_a = y;
		__atomic_store_n(&turn_b, i, __ATOMIC_RELEASE);
	}
	return 0;
}

static void orders(void)
{
	pthread_t t;

	check_ok(membarrier(REGISTER_PRIVATE, 0, 0));
	check_equal(pthread_create(&t, 0, fast, 0), 0);
	for (int i = 1; i <= 100; i++) {
		x = y = 0;
		__atomic_store_n(&turn_a, i, __ATOMIC_SEQ_CST);
		y = 1;
		check_ok(membarrier(PRIVATE, 0, 0));
		seen_b = x;
		while (__atomic_load_n(&turn_b, __ATOMIC_ACQUIRE) < i)
			sched_yield();
		check(seen_a || seen_b);
	}
	stop = 1;
	turn_a = 1000000;
	pthread_join(t, 0);
}

static void *calls(void *arg)
{
	for (int i = 0; i < 40; i++)
		if (membarrier((int[]){ PRIVATE, SYNC_CORE, RSEQ, GLOBAL_EXPEDITED }[i & 3], 0, 0))
			return (void *)1;
	return 0;
}

static void all_at_once(void)
{
	pthread_t t[4];
	void *bad;

	check_ok(membarrier(REGISTER_PRIVATE, 0, 0));
	check_ok(membarrier(REGISTER_SYNC_CORE, 0, 0));
	check_ok(membarrier(REGISTER_RSEQ, 0, 0));
	for (int i = 0; i < 4; i++)
		check_equal(pthread_create(&t[i], 0, calls, 0), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		check(!bad);
	}
}

static const struct test table[] = {
	{ "query", query }, { "registrations", registrations }, { "orders", orders }, { "all_at_once", all_at_once }, { 0 },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "after-exec"))
		return membarrier(GET_REGISTRATIONS, 0, 0) == 0 && membarrier(PRIVATE, 0, 0) == -1 && errno == EPERM ? 7 : 8;
	return test_main(argc, argv, table);
}

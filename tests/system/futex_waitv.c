/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for several futexes, and the newer calls with flags per word. Numbers are the same on all architectures. */
#include "test.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SIZE_U32 2u
#define PRIVATE 128u
#define ALL 0xffffffffu

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static long waitv(const struct waitv *w, unsigned n, unsigned flags, const struct timespec *timeout, int clock)
{
	return syscall(449, w, n, flags, timeout, clock);
}

static long wake(volatile unsigned *word, unsigned long mask, int n, unsigned flags)
{
	return syscall(454, word, mask, n, flags);
}

static long wait2(volatile unsigned *word, unsigned long val, unsigned long mask, unsigned flags, const struct timespec *timeout,
		  int clock)
{
	return syscall(455, word, val, mask, flags, timeout, clock);
}

static long requeue(const struct waitv *w, unsigned flags, int n_wake, int n_move)
{
	return syscall(456, w, flags, n_wake, n_move);
}

static volatile unsigned words[130];
static struct waitv all[130];

static void fill(void)
{
	for (int i = 0; i < 130; i++)
		all[i] = (struct waitv){ 0, (uintptr_t)&words[i], SIZE_U32 | PRIVATE, 0 };
}

static struct timespec later(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static volatile int started, woken;
static volatile long result;
static void *waits_for_all(void *arg)
{
	started++;
	result = waitv(all, (unsigned)(long)arg, 0, 0, 0);
	woken++;
	return 0;
}

static void any_of_many(void)
{
	static const unsigned counts[] = { 1, 3, 128 };
	pthread_t t;

	fill();
	for (int i = 0; i < 3; i++) {
		unsigned last = counts[i] - 1;

		started = woken = 0;
		check_equal(pthread_create(&t, 0, waits_for_all, (void *)(long)counts[i]), 0);
		while (!started)
			sleep_ms(1);
		sleep_ms(100);
		check_equal(woken, 0);
		check_equal(wake(&words[last], ALL, 1, SIZE_U32 | PRIVATE), 1);
		pthread_join(t, 0);
		check_equal(result, last);
		/* It left the others. */
		check_equal(wake(&words[0], ALL, 1, SIZE_U32 | PRIVATE), 0);
	}
}

static void values_differ(void)
{
	fill();
	words[2] = 7;
	check_errno(waitv(all, 5, 0, 0, 0), EAGAIN);
	all[2].val = 7;
	struct timespec ts = later(CLOCK_MONOTONIC, 30);

	check_errno(waitv(all, 5, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	ts = later(CLOCK_REALTIME, 30);
	check_errno(waitv(all, 5, 0, &ts, CLOCK_REALTIME), ETIMEDOUT);
}

static volatile int caught;
static void on_signal(int sig)
{
	caught++;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval v = { { 0, 0 }, { 0, 30000 } };

	fill();
	check_ok(sigaction(SIGALRM, &sa, 0));
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	check_errno(waitv(all, 4, 0, 0, 0), EINTR);
	check_equal(caught, 1);
	sa.sa_flags = SA_RESTART;
	check_ok(sigaction(SIGALRM, &sa, 0));
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	struct timespec ts = later(CLOCK_MONOTONIC, 120);

	check_errno(waitv(all, 4, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	check_equal(caught, 2);
}

/* Private and shared words in one call, the shared one in two processes. */
static void between_processes(void)
{
	volatile unsigned *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct waitv w[2] = { { 0, (uintptr_t)&words[0], SIZE_U32 | PRIVATE, 0 }, { 0, (uintptr_t)shared, SIZE_U32, 0 } };
	pid_t pid = fork();

	if (pid == 0) {
		long r = waitv(w, 2, 0, 0, 0);

		_exit(r == 1 || (r < 0 && errno == EAGAIN) ? 0 : 1);
	}
	sleep_ms(100);
	*shared = 1;
	wake(shared, ALL, 1, SIZE_U32);
	check_equal(wait_for(pid), 0);
}

static void *producer(void *arg)
{
	for (int i = 0; i < 400; i++) {
		volatile unsigned *w = &words[i % 8];

		__atomic_store_n(w, 1, __ATOMIC_SEQ_CST);
		wake(w, ALL, 1, SIZE_U32 | PRIVATE);
		while (__atomic_load_n(w, __ATOMIC_SEQ_CST))
			sched_yield();
	}
	return 0;
}

static void no_wake_up_is_lost(void)
{
	pthread_t t;
	int n = 0;

	fill();
	check_equal(pthread_create(&t, 0, producer, 0), 0);
	while (n < 400) {
		long r = waitv(all, 8, 0, 0, 0);

		check(r >= 0 || errno == EAGAIN);
		for (int i = 0; i < 8; i++)
			if (__atomic_load_n(&words[i], __ATOMIC_SEQ_CST)) {
				n++;
				__atomic_store_n(&words[i], 0, __ATOMIC_SEQ_CST);
			}
	}
	pthread_join(t, 0);
}

static void *waits_with_mask(void *arg)
{
	started++;
	while (wait2(&words[0], 0, (unsigned long)arg, SIZE_U32 | PRIVATE, 0, 0) && errno == EINTR)
		;
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void masks(void)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		check_equal(pthread_create(&t[i], 0, waits_with_mask, (void *)(1l << i)), 0);
	while (started < 3)
		sleep_ms(1);
	sleep_ms(100);
	check_equal(wake(&words[0], 8, 9, SIZE_U32 | PRIVATE), 0);
	check_equal(wake(&words[0], 2, 9, SIZE_U32 | PRIVATE), 1);
	check_equal(wake(&words[0], 5, 0, SIZE_U32 | PRIVATE), 0);	/* none is none here */
	check_equal(wake(&words[0], 5, 9, SIZE_U32 | PRIVATE), 2);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
}

static void moved(void)
{
	struct waitv w[2] = { { 0, (uintptr_t)&words[0], SIZE_U32 | PRIVATE, 0 },
			      { 0, (uintptr_t)&words[1], SIZE_U32 | PRIVATE, 0 } };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		check_equal(pthread_create(&t[i], 0, waits_with_mask, (void *)(long)ALL), 0);
	while (started < 4)
		sleep_ms(1);
	sleep_ms(100);
	w[0].val = 3;
	check_errno(requeue(w, 0, 1, 9), EAGAIN);
	w[0].val = 0;
	check_equal(requeue(w, 0, 1, 2), 3);
	check_equal(wake(&words[1], ALL, 9, SIZE_U32 | PRIVATE), 2);
	check_equal(wake(&words[0], ALL, 9, SIZE_U32 | PRIVATE), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], 0);
	check_errno(requeue(w, 1, 1, 1), EINVAL);
	check_errno(requeue(0, 0, 1, 1), EINVAL);
	check_errno(requeue((void *)8, 0, 1, 1), EFAULT);
	check_errno(requeue(w, 0, -1, 1), EINVAL);
	check_errno(requeue(w, 0, 1, -1), EINVAL);
	w[1].flags = PRIVATE;
	check_errno(requeue(w, 0, 1, 1), EINVAL);
}

static void bad_calls(void)
{
	struct timespec ts = later(CLOCK_MONOTONIC, 10);

	fill();
	check_errno(waitv(all, 0, 0, 0, 0), EINVAL);
	check_errno(waitv(all, 129, 0, 0, 0), EINVAL);
	check_errno(waitv(0, 1, 0, 0, 0), EINVAL);
	check_errno(waitv((void *)8, 1, 0, 0, 0), EFAULT);
	check_errno(waitv(all, 1, 1, 0, 0), EINVAL);
	check_errno(waitv(all, 1, 0, &ts, CLOCK_BOOTTIME), EINVAL);
	check_errno(waitv(all, 1, 0, (void *)8, CLOCK_MONOTONIC), EFAULT);
	ts.tv_nsec = 1000000000;
	check_errno(waitv(all, 1, 0, &ts, CLOCK_MONOTONIC), EINVAL);
	all[1].flags = PRIVATE;				/* one byte wide */
	check_errno(waitv(all, 2, 0, 0, 0), EINVAL);
	all[1].flags = PRIVATE | 3;			/* eight */
	check_errno(waitv(all, 2, 0, 0, 0), EINVAL);
	all[1].flags = SIZE_U32 | 0x100;
	check_errno(waitv(all, 2, 0, 0, 0), EINVAL);
	fill();
	all[1].reserved = 1;
	check_errno(waitv(all, 2, 0, 0, 0), EINVAL);
	fill();
	all[1].val = 1ull << 32;
	check_errno(waitv(all, 2, 0, 0, 0), EINVAL);
	fill();
	all[1].uaddr = 3;
	check_errno(waitv(all, 2, 0, 0, 0), EINVAL);
	all[1].uaddr = 8;
	check_errno(waitv(all, 2, 0, 0, 0), EFAULT);
	check_errno(wake(&words[0], ALL, 1, PRIVATE), EINVAL);
	check_errno(wake(&words[0], 0, 1, SIZE_U32), EINVAL);
	check_errno(wake(&words[0], 1ul << 32, 1, SIZE_U32), EINVAL);
	check_errno(wait2(&words[0], 0, 0, SIZE_U32, 0, 0), EINVAL);
	check_errno(wait2(&words[0], 1, ALL, SIZE_U32, 0, 0), EAGAIN);
	check_errno(wait2(&words[0], 1ul << 32, ALL, SIZE_U32, 0, 0), EINVAL);
	ts = later(CLOCK_MONOTONIC, 20);
	check_errno(wait2(&words[0], 0, ALL, SIZE_U32, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	check_errno(wait2(&words[0], 0, ALL, SIZE_U32, &ts, CLOCK_TAI), EINVAL);
}

static const struct test table[] = {
	{ "any_of_many", any_of_many }, { "values_differ", values_differ }, { "interrupted", interrupted },
	{ "between_processes", between_processes }, { "no_wake_up_is_lost", no_wake_up_is_lost }, { "masks", masks },
	{ "moved", moved }, { "bad_calls", bad_calls }, { 0 },
};

TEST_MAIN(table)

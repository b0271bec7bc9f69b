/* SPDX-License-Identifier: BSD-2-Clause */
/* Futexes that lend priority: handing over, chains, deadlocks, owners that die, moving from a condition variable, bad words. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI 12
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

static long futex(volatile unsigned *word, int op, unsigned value, const struct timespec *timeout, volatile unsigned *word2,
		  unsigned value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static pid_t tid(void)
{
	return syscall(SYS_gettid);
}

static volatile unsigned a_word, b_word, c_word;

/* As a C library does it: the kernel is asked only when the word says so. */
static void lock(volatile unsigned *w)
{
	unsigned zero = 0;

	if (!__atomic_compare_exchange_n(w, &zero, tid(), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		check_ok(futex(w, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0));
	check_equal(*w & FUTEX_TID_MASK, tid());
}

static void unlock(volatile unsigned *w)
{
	unsigned mine = tid();

	if (!__atomic_compare_exchange_n(w, &mine, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		check_ok(futex(w, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0));
}

static void alone(void)
{
	check_ok(futex(&a_word, FUTEX_LOCK_PI, 0, 0, 0, 0));
	check_equal(a_word, tid());
	check_errno(futex(&a_word, FUTEX_LOCK_PI, 0, 0, 0, 0), EDEADLK);
	check_errno(futex(&a_word, FUTEX_TRYLOCK_PI, 0, 0, 0, 0), EDEADLK);
	check_ok(futex(&a_word, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	check_equal(a_word, 0);
	check_errno(futex(&a_word, FUTEX_UNLOCK_PI, 0, 0, 0, 0), EPERM);
	check_ok(futex(&a_word, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
	check_equal(a_word, tid());
	check_ok(futex(&a_word, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	a_word = FUTEX_OWNER_DIED;		/* nobody's since its owner died */
	check_ok(futex(&a_word, FUTEX_LOCK_PI, 0, 0, 0, 0));
	check_equal(a_word, tid() | FUTEX_OWNER_DIED);
}

static volatile long counter;
static void *adder(void *arg)
{
	for (int i = 0; i < 400; i++) {
		long seen;

		lock(&a_word);
		seen = counter;
		if (i % 16 == 0)
			sched_yield();
		counter = seen + 1;
		unlock(&a_word);
	}
	return 0;
}

static void excludes(void)
{
	pthread_t t[6];

	for (int i = 0; i < 6; i++)
		check_equal(pthread_create(&t[i], 0, adder, 0), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], 0);
	check_equal(counter, 2400);
	check_equal(a_word & FUTEX_TID_MASK, 0);
}

static volatile int started, got, order[8], leave;
static pid_t tids[8];

static void wait_started(int n)
{
	while (started < n)
		sleep_ms(1);
	sleep_ms(100);
}

static void *holder(void *arg)
{
	lock(&a_word);
	started++;
	while (!leave)
		sleep_ms(1);
	unlock(&a_word);
	return 0;
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

static void times_out(void)
{
	struct timespec ts;
	pthread_t t;
	long long start;

	check_equal(pthread_create(&t, 0, holder, 0), 0);
	wait_started(1);
	check_errno(futex(&a_word, FUTEX_TRYLOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EAGAIN);
	start = now_ms();
	ts = later(CLOCK_REALTIME, 50);
	check_errno(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), ETIMEDOUT);
	check(now_ms() - start >= 49);
	start = now_ms();
	ts = later(CLOCK_MONOTONIC, 50);
	check_errno(futex(&a_word, FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), ETIMEDOUT);
	check(now_ms() - start >= 49);
	ts = later(CLOCK_REALTIME, 50);
	check_errno(futex(&a_word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), ETIMEDOUT);
	check_errno(futex(&a_word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), ENOSYS);
	ts = (struct timespec){ 1, 0 };			/* long past */
	check_errno(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), ETIMEDOUT);
	ts.tv_nsec = -1;
	check_errno(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), EINVAL);
	check_errno(futex(&a_word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EPERM);
	leave = 1;
	pthread_join(t, 0);
	lock(&a_word);
}

static void set_fifo(pid_t who, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	check_ok(syscall(SYS_sched_setscheduler, who, priority ? SCHED_FIFO : SCHED_OTHER, &p));
}

static void *ranked(void *arg)
{
	int me = (int)(long)arg;

	set_fifo(0, me);
	tids[started] = tid();
	started++;
	lock(&a_word);
	order[got++] = me;
	unlock(&a_word);
	return 0;
}

/* The highest first, whoever came first. */
static void served_by_priority(void)
{
	static const int priorities[] = { 10, 30, 20, 30, 5 };
	pthread_t t[5];

	lock(&a_word);
	for (int i = 0; i < 5; i++) {
		check_equal(pthread_create(&t[i], 0, ranked, (void *)(long)priorities[i]), 0);
		wait_started(i + 1);
	}
	check_equal(a_word, tid() | FUTEX_WAITERS);
	set_fifo(tids[4], 40);			/* the one with 5 goes to the front while it waits */
	unlock(&a_word);
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], 0);
	check_equal(order[0], 5);
	check_equal(order[1], 30);
	check_equal(order[2], 30);
	check_equal(order[3], 20);
	check_equal(order[4], 10);
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	check_ok(sched_setaffinity(0, sizeof set, &set));
}

static long long cpu_ms(clockid_t clock)
{
	struct timespec ts;

	check_ok(clock_gettime(clock, &ts));
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void burn(int ms)
{
	long long end = cpu_ms(CLOCK_THREAD_CPUTIME_ID) + ms;

	while (cpu_ms(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void *burner(void *arg)
{
	pin();
	set_fifo(0, 20);
	started++;
	while (!leave)
		;
	return 0;
}

/* Ordinary, owns A and has much to do with it. */
static void *low(void *arg)
{
	pin();
	lock(&a_word);
	started++;
	while (!leave && started < 10)
		sleep_ms(1);
	burn(150);
	unlock(&a_word);
	return 0;
}

/* Ordinary, owns B and waits for A. */
static void *middle(void *arg)
{
	pin();
	lock(&b_word);
	started++;
	lock(&a_word);
	unlock(&a_word);
	unlock(&b_word);
	return 0;
}

/*
 * An ordinary owner on a CPU that a FIFO thread keeps busy gets it as soon as somebody more important waits, directly or over a
 * chain of two locks.
 */
static void lends(volatile unsigned *w, bool has_chain)
{
	pthread_t l, m, b;
	clockid_t clock;
	long long before;

	check_equal(pthread_create(&l, 0, low, 0), 0);
	wait_started(1);
	if (has_chain) {
		check_equal(pthread_create(&m, 0, middle, 0), 0);
		wait_started(2);
	}
	pin();
	set_fifo(0, 40);
	check_equal(pthread_create(&b, 0, burner, 0), 0);
	sleep_ms(50);
	check_equal(pthread_getcpuclockid(b, &clock), 0);
	started = 10;
	before = cpu_ms(clock);
	lock(w);
	/* What the burner got meanwhile: nothing but odd moments. Without the loan it would be all there is. */
	check(cpu_ms(clock) - before < 100);
	unlock(w);
	leave = 1;
	pthread_join(b, 0);
	pthread_join(l, 0);
	if (has_chain)
		pthread_join(m, 0);
}

static void lends_priority(void) { lends(&a_word, false); }
static void lends_through_a_chain(void) { lends(&b_word, true); }

/* The loan ends with the lock: then the burner is back. */
static void *low_two(void *arg)
{
	pin();
	lock(&a_word);
	started++;
	while (started < 10)
		sleep_ms(1);
	unlock(&a_word);
	got = 1;
	burn(20);
	got = 2;
	return 0;
}

static void loan_ends(void)
{
	pthread_t l, b;

	check_equal(pthread_create(&l, 0, low_two, 0), 0);
	wait_started(1);
	pin();
	set_fifo(0, 40);
	check_equal(pthread_create(&b, 0, burner, 0), 0);
	sleep_ms(20);
	started = 10;
	lock(&a_word);
	unlock(&a_word);
	sleep_ms(40);
	check(got != 2);		/* starved by the burner */
	leave = 1;
	pthread_join(b, 0);
	pthread_join(l, 0);
	check_equal(got, 2);
}

static volatile int second_errno;
static void *second(void *arg)
{
	lock(&b_word);
	started++;
	while (!leave)
		sleep_ms(1);
	second_errno = futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0) ? errno : 0;
	unlock(&b_word);
	return 0;
}

static void *third(void *arg)
{
	lock(&c_word);
	started++;
	lock(&b_word);
	unlock(&b_word);
	unlock(&c_word);
	return 0;
}

static void deadlocks(void)
{
	struct timespec ts;
	pthread_t t, u;

	lock(&a_word);
	check_equal(pthread_create(&t, 0, second, 0), 0);
	wait_started(1);
	check_equal(pthread_create(&u, 0, third, 0), 0);
	wait_started(2);
	leave = 1;		/* second waits for a, which is ours */
	sleep_ms(100);
	check_errno(futex(&b_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EDEADLK);
	check_errno(futex(&c_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EDEADLK);
	ts = later(CLOCK_REALTIME, 1000);
	check_errno(futex(&b_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0), EDEADLK);
	unlock(&a_word);
	pthread_join(t, 0);
	pthread_join(u, 0);
	check_equal(second_errno, 0);
}

static void *dies(void *arg)
{
	lock(&a_word);
	started++;
	while (!leave)
		sleep_ms(1);
	syscall(SYS_exit, 0);
	return 0;
}

static void owner_dies(void)
{
	pthread_t t;
	pid_t pid;

	check_equal(pthread_create(&t, 0, dies, 0), 0);
	wait_started(1);
	pid = fork();			/* something else to wait for, so that the exit comes while we wait */
	if (pid == 0) {
		sleep_ms(100);
		_exit(0);
	}
	leave = 1;
	check_ok(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0) == 0 || errno == ESRCH ? 0 : -1);
	wait_for(pid);
}

static void *waits_for_a(void *arg)
{
	started++;
	check_ok(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0));
	order[got++] = a_word & FUTEX_OWNER_DIED ? 1 : 2;
	check_equal(a_word & FUTEX_TID_MASK, tid());
	check_ok(futex(&a_word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0));
	return 0;
}

/* Three wait when the owner goes: the first gets the lock and learns of it. */
static void owner_dies_under_waiters(void)
{
	pthread_t t, w[3];

	check_equal(pthread_create(&t, 0, dies, 0), 0);
	wait_started(1);
	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&w[i], 0, waits_for_a, 0), 0);
	wait_started(4);
	leave = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(w[i], 0);
	check_equal(got, 3);
	check_equal(order[0], 1);
	check_equal(a_word & FUTEX_TID_MASK, 0);
}

/* The owner is another process, killed; the lock lies in shared memory at another address there. */
static void process_dies(void)
{
	volatile unsigned *mine = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	check(mine != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		volatile unsigned *theirs = mremap((void *)mine, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED,
						   (void *)0x7000000000 - 0);

		if (theirs == MAP_FAILED)
			_exit(1);
		if (futex(theirs, FUTEX_LOCK_PI, 0, 0, 0, 0))
			_exit(2);
		theirs[1] = 1;
		while (1)
			pause();
	}
	while (!mine[1] && waitpid(pid, 0, WNOHANG) == 0)
		sleep_ms(1);
	check_equal(mine[1], 1);
	pid_t killer = fork();

	if (killer == 0) {
		sleep_ms(150);
		kill(pid, SIGKILL);
		_exit(0);
	}
	check_ok(futex(mine, FUTEX_LOCK_PI, 0, 0, 0, 0));
	check_equal(*mine & (FUTEX_TID_MASK | FUTEX_OWNER_DIED), tid() | FUTEX_OWNER_DIED);
	wait_for(killer);
	wait_for(pid);
}

static pthread_mutex_t robust;
static void *leaves_it_locked(void *arg)
{
	pthread_mutex_lock(&robust);
	started++;
	while (!leave)
		sleep_ms(1);
	return 0;
}

static void robust_mutex(void)
{
	pthread_mutexattr_t attr;
	pthread_t t;
	int err;

	pthread_mutexattr_init(&attr);
	check_equal(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
	check_equal(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
	check_equal(pthread_mutex_init(&robust, &attr), 0);
	check_equal(pthread_create(&t, 0, leaves_it_locked, 0), 0);
	wait_started(1);
	check_equal(pthread_mutex_trylock(&robust), EBUSY);
	leave = 1;
	err = pthread_mutex_lock(&robust);
	check_equal(err, EOWNERDEAD);
	check_equal(pthread_mutex_consistent(&robust), 0);
	check_equal(pthread_mutex_unlock(&robust), 0);
	check_equal(pthread_mutex_lock(&robust), 0);
	check_equal(pthread_mutex_unlock(&robust), 0);
	pthread_join(t, 0);
}

static volatile int caught;
static void on_signal(int sig)
{
	caught++;
}

static void *signalled(void *arg)
{
	tids[0] = tid();
	started++;
	check_ok(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0));
	unlock(&a_word);
	return 0;
}

/* A handler runs and the wait goes on. */
static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t t;

	check_ok(sigaction(SIGUSR1, &sa, 0));
	lock(&a_word);
	check_equal(pthread_create(&t, 0, signalled, 0), 0);
	wait_started(1);
	for (int i = 1; i <= 3; i++) {
		check_ok(syscall(SYS_tgkill, getpid(), tids[0], SIGUSR1));
		while (caught < i)
			sleep_ms(1);
	}
	sleep_ms(20);
	unlock(&a_word);
	pthread_join(t, 0);
	check_equal(caught, 3);
}

static void bad_words(void)
{
	volatile unsigned *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t t, u;

	check_errno(futex((void *)3, FUTEX_LOCK_PI, 0, 0, 0, 0), EINVAL);
	check_errno(futex((void *)8, FUTEX_LOCK_PI, 0, 0, 0, 0), EFAULT);
	check_errno(futex(page, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EFAULT);
	check_errno(futex((void *)8, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EFAULT);
	a_word = 0x3ffffff0;			/* no such thread */
	check_errno(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), ESRCH);
	a_word = 0;
	check_equal(pthread_create(&t, 0, holder, 0), 0);
	wait_started(1);
	check_equal(pthread_create(&u, 0, waits_for_a, 0), 0);
	wait_started(2);
	/* PI waiters are no ordinary ones. */
	check_errno(futex(&a_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0), EINVAL);
	check_errno(futex(&a_word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)1l, &b_word, a_word), EINVAL);
	/* The word is scribbled over: the kernel does not believe it. */
	unsigned right = a_word;

	a_word = getppid() | FUTEX_WAITERS;
	check_errno(futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EINVAL);
	a_word = tid() | FUTEX_WAITERS;
	check_errno(futex(&a_word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0), EINVAL);
	a_word = right;
	leave = 1;
	pthread_join(t, 0);
	pthread_join(u, 0);
}

/* ---- from a condition variable to the lock ---- */

static volatile long results[8];
static void *waits_on_condition(void *arg)
{
	int i = (int)(long)arg;

	started++;
	results[i] = futex(&c_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, 0, &a_word, 0);
	if (results[i])
		results[i] = errno;
	else if ((a_word & FUTEX_TID_MASK) != (unsigned)tid())
		results[i] = -1;
	else
		counter++;
	if (!results[i])
		unlock(&a_word);
	return 0;
}

static void broadcast(bool is_held)
{
	pthread_t t[5];
	long n;

	if (is_held)
		lock(&a_word);
	for (int i = 0; i < 5; i++)
		check_equal(pthread_create(&t[i], 0, waits_on_condition, (void *)(long)i), 0);
	wait_started(5);
	check_errno(futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100l, &a_word, 9), EAGAIN);
	check_errno(futex(&c_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0), EINVAL);
	check_errno(futex(&c_word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)100l, &b_word, 0), EINVAL);
	check_errno(futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100l, &b_word, 0), EINVAL);
	n = futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)1l, &a_word, 0);
	check_equal(n, 2);
	n = futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100l, &a_word, 0);
	check_equal(n, 3);
	if (is_held) {
		sleep_ms(50);
		check_equal(counter, 0);
		unlock(&a_word);
	}
	for (int i = 0; i < 5; i++) {
		pthread_join(t[i], 0);
		check_equal(results[i], 0);
	}
	check_equal(counter, 5);
	check_equal(a_word & FUTEX_TID_MASK, 0);
}

static void condition_with_lock_held(void) { broadcast(true); }
static void condition_with_lock_free(void) { broadcast(false); }

static void condition_times_out(void)
{
	struct timespec ts = later(CLOCK_MONOTONIC, 50);

	check_errno(futex(&c_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &ts, &a_word, 0), ETIMEDOUT);
	check_errno(futex(&c_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, &ts, &a_word, 0), EAGAIN);
	check_errno(futex(&c_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &ts, &c_word, 0), EINVAL);
	check_errno(futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)1l, &c_word, 0), EINVAL);
	check_errno(futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 2, (void *)1l, &a_word, 0), EINVAL);
	check_errno(futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)-1l, &a_word, 0), EINVAL);
	check_equal(futex(&c_word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)1l, &a_word, 0), 0);
}

static void *pesters(void *arg)
{
	for (int i = 0; i < 80; i++) {
		struct timespec ts = later(CLOCK_REALTIME, i % 3);

		if (!futex(&a_word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, &ts, 0, 0)) {
			if (i % 7 == 0)
				sleep_ms(1);
			unlock(&a_word);
		} else if (errno != ETIMEDOUT) {
			return (void *)(long)errno;
		}
	}
	return 0;
}

static void storm(void)
{
	pthread_t t[6];
	void *why;

	for (int i = 0; i < 6; i++)
		check_equal(pthread_create(&t[i], 0, pesters, 0), 0);
	for (int i = 0; i < 6; i++) {
		pthread_join(t[i], &why);
		check_equal((long)why, 0);
	}
}

/* Killed in the middle of everything: nothing is left that holds the next one up. */
static void storm_killed(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[4];

			for (int k = 0; k < 4; k++)
				pthread_create(&t[k], 0, adder, 0);
			for (;;)
				pause();
		}
		sleep_ms(10 + i);
		check_ok(kill(pid, SIGKILL));
		check_equal(wait_for(pid), SIGKILL);
	}
}

static const struct test table[] = {
	{ "alone", alone }, { "excludes", excludes }, { "times_out", times_out },
	{ "served_by_priority", served_by_priority }, { "lends_priority", lends_priority },
	{ "lends_through_a_chain", lends_through_a_chain }, { "loan_ends", loan_ends }, { "deadlocks", deadlocks },
	{ "owner_dies", owner_dies }, { "owner_dies_under_waiters", owner_dies_under_waiters },
	{ "process_dies", process_dies }, { "robust_mutex", robust_mutex }, { "signals", signals },
	{ "bad_words", bad_words }, { "condition_with_lock_held", condition_with_lock_held },
	{ "condition_with_lock_free", condition_with_lock_free }, { "condition_times_out", condition_times_out },
	{ "storm", storm }, { "storm_killed", storm_killed }, { 0 },
};

TEST_MAIN(table)

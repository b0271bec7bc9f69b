/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and futexes: waiting, waking, requeue, time-outs; pthreads over them. */
#include "test.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* futex(2); musl does not bring the kernel's header. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_BITSET_MATCH_ANY (-1)

static long futex(volatile int *word, int op, int value, const struct timespec *timeout, volatile int *word2,
		  int value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static volatile int word, word2, ready, woken;

static void value_differs(void)
{
	word = 5;
	check_errno(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 6, 0, 0, 0), EAGAIN);
	check_errno(futex((int *)3, FUTEX_WAIT, 6, 0, 0, 0), EINVAL);
	check_errno(futex((int *)8, FUTEX_WAIT, 6, 0, 0, 0), EFAULT);
	check_errno(futex(&word, 77, 6, 0, 0, 0), ENOSYS);
	check_equal(futex(&word, FUTEX_WAKE, 1, 0, 0, 0), 0);
}

static void times_out(void)
{
	struct timespec ts = { 0, 80000000 };
	long long start = now_ms();

	check_errno(futex(&word, FUTEX_WAIT, 0, &ts, 0, 0), ETIMEDOUT);
	check(now_ms() - start >= 79);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 50000000;
	if (ts.tv_nsec >= 1000000000)
		ts.tv_nsec -= 1000000000, ts.tv_sec++;
	check_errno(futex(&word, FUTEX_WAIT_BITSET, 0, &ts, 0, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
	ts.tv_nsec = 1000000000;
	check_errno(futex(&word, FUTEX_WAIT, 0, &ts, 0, 0), EINVAL);
}

static void *waiter(void *arg)
{
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0) && errno == EINTR)
		;
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void start_waiters(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		check_equal(pthread_create(&t[i], 0, waiter, 0), 0);
	while (ready < n)
		sleep_ms(5);
	sleep_ms(100);
}

static void wake_counts(void)
{
	pthread_t t[4];

	start_waiters(t, 4);
	check_equal(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0), 1);
	sleep_ms(100);
	check_equal(woken, 1);
	check_equal(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, 0, 0, 0), 3);
	for (int i = 0; i < 4; i++)
		check_equal(pthread_join(t[i], 0), 0);
	check_equal(woken, 4);
}

static void requeue(void)
{
	pthread_t t[4];

	start_waiters(t, 4);
	check_errno(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)10l, &word2, 9), EAGAIN);
	check_equal(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)10l, &word2, 0), 4);
	check_equal(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, 0, 0), 0);
	check_equal(futex(&word2, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, 0, 0), 3);
	for (int i = 0; i < 4; i++)
		check_equal(pthread_join(t[i], 0), 0);
}

static void between_processes(void)
{
	volatile int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0) {
		while (*shared == 0)
			futex(shared, FUTEX_WAIT, 0, 0, 0, 0);
		_exit(*shared);
	}
	sleep_ms(100);
	*shared = 9;
	futex(shared, FUTEX_WAKE, 1, 0, 0, 0);
	check_equal(wait_for(pid), 9 << 8);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;

static void *adder(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void mutexes(void)
{
	pthread_t t[8];
	void *back;

	for (long i = 0; i < 8; i++)
		check_equal(pthread_create(&t[i], 0, adder, (void *)i), 0);
	for (long i = 0; i < 8; i++) {
		check_equal(pthread_join(t[i], &back), 0);
		check_equal((long)back, i);
	}
	check_equal(counter, 160000);
}

static void *consumer(void *arg)
{
	long sum = 0;

	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		while (!ready)
			pthread_cond_wait(&cond, &mutex);
		sum += word;
		ready = 0;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return (void *)sum;
}

static void conditions(void)
{
	pthread_t t;
	void *sum;

	check_equal(pthread_create(&t, 0, consumer, 0), 0);
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		while (ready)
			pthread_cond_wait(&cond, &mutex);
		word = i;
		ready = 1;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	check_equal(pthread_join(t, &sum), 0);
	check_equal((long)sum, 499500);
}

static __thread int own = 3;

static void *changes_own(void *arg)
{
	own = (int)(long)arg;
	sleep_ms(20);
	return (void *)(long)own;
}

static void thread_local_values(void)
{
	pthread_t t[5];
	void *back;

	for (long i = 0; i < 5; i++)
		check_equal(pthread_create(&t[i], 0, changes_own, (void *)(i + 10)), 0);
	for (long i = 0; i < 5; i++) {
		check_equal(pthread_join(t[i], &back), 0);
		check_equal((long)back, i + 10);
	}
	check_equal(own, 3);
}

static void *leaves_process(void *arg)
{
	exit(33);
}

static void exit_takes_all_threads(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t[3];

		pthread_create(&t[0], 0, waiter, 0);
		pthread_create(&t[1], 0, waiter, 0);
		sleep_ms(50);
		pthread_create(&t[2], 0, leaves_process, 0);
		for (;;)
			pause();
	}
	check_equal(wait_for(pid), 33 << 8);
}

static void *thread_ids(void *arg)
{
	return (void *)(long)(getpid() == (pid_t)(long)arg && syscall(SYS_gettid) != getpid());
}

static volatile pthread_t handled_by;

static void note_thread(int signo)
{
	handled_by = pthread_self();
}

static void *sleeps(void *arg)
{
	while (!handled_by)
		sleep_ms(5);
	return arg;
}

static void signal_to_one_thread(void)
{
	pthread_t t;
	void *back;

	check_equal(pthread_create(&t, 0, thread_ids, (void *)(long)getpid()), 0);
	check_equal(pthread_join(t, &back), 0);
	check_equal((long)back, 1);
	struct sigaction sa = { .sa_handler = note_thread };

	check_ok(sigaction(SIGUSR1, &sa, 0));
	check_equal(pthread_create(&t, 0, sleeps, 0), 0);
	check_equal(pthread_kill(t, SIGUSR1), 0);
	check_equal(pthread_join(t, 0), 0);
	check(handled_by == t);
	check_errno(syscall(SYS_tgkill, getpid(), 999999, 0), ESRCH);
}

static void *many(void *arg)
{
	return arg;
}

static void many_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 200; i++) {
		check_equal(pthread_create(&t, 0, many, 0), 0);
		check_equal(pthread_join(t, 0), 0);
	}
}

static void *fork_in_thread(void *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	return (void *)(long)wait_for(pid);
}

static void fork_from_thread(void)
{
	pthread_t t;
	void *back;

	check_equal(pthread_create(&t, 0, fork_in_thread, 0), 0);
	check_equal(pthread_join(t, &back), 0);
	check_equal((long)back, 5 << 8);
}

static void *exec_in_thread(void *arg)
{
	execl("/bin/sh", "sh", "-c", "exit 6", (char *)0);
	return 0;
}

static void exec_from_thread(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, 0, exec_in_thread, 0);
		for (;;)
			pause();
	}
	check_equal(wait_for(pid), 6 << 8);
}

static const struct test table[] = {
	{ "value-differs", value_differs }, { "times-out", times_out }, { "wake-counts", wake_counts },
	{ "requeue", requeue }, { "between-processes", between_processes }, { "mutexes", mutexes },
	{ "conditions", conditions }, { "thread-local", thread_local_values }, { "exit-group", exit_takes_all_threads },
	{ "signal-to-thread", signal_to_one_thread }, { "many-threads", many_threads },
	{ "fork-from-thread", fork_from_thread }, { "exec-from-thread", exec_from_thread },
	{ 0 },
};

TEST_MAIN(table)

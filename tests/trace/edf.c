/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SCHED_DEADLINE at its limit: three threads whose contracts take 30 + 25 + 40 = 95 % of a CPU keep PERIODS periods in
 * all beside a thread that always computes; a fourth contract is refused. Prints `late N of M`; every job uses its runtime
 * but for what switching costs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SWITCH_NS 15000

static long wanted;
static volatile long done, late;
static volatile unsigned long long missed;
static pthread_barrier_t begin;

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

struct contract {
	long long runtime, period;
};

static int promise(const struct contract *c)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { sizeof attr, 6, 0, 0, 0, (uint64_t)c->runtime, (uint64_t)c->period, (uint64_t)c->period };

	return syscall(SYS_sched_setattr, 0, &attr, 0) ? errno : 0;
}

/* What the kernel counted: this thread ran past a deadline. */
static unsigned long long misses(void)
{
	char path[64], text[4096];
	const char *at;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%ld/sched", (long)syscall(SYS_gettid));
	f = fopen(path, "r");
	if (!f)
		return 1;
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	at = strstr(text, "dl.misses");
	at = at ? strchr(at, ':') : NULL;
	return at ? strtoull(at + 1, NULL, 10) : 0;	/* Linux does not count them */
}

static void *keep(void *arg)
{
	const struct contract *c = arg;
	long long release;
	int err;

	err = promise(c);
	if (err) {
		printf("a contract that fits is refused: errno %d\n", err);
		exit(1);
	}
	pthread_barrier_wait(&begin);
	sched_yield();
	for (release = clock_ns(CLOCK_MONOTONIC); __atomic_load_n(&done, __ATOMIC_RELAXED) < wanted; release += c->period) {
		long long until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + c->runtime - SWITCH_NS;

		while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
			;
		if (clock_ns(CLOCK_MONOTONIC) > release + c->period)
			__atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	__atomic_fetch_add(&missed, misses(), __ATOMIC_RELAXED);
	return NULL;
}

static void *compute(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&begin);
	while (__atomic_load_n(&done, __ATOMIC_RELAXED) < wanted)
		;
	return NULL;
}

static void *too_much(void *unused)
{
	static const struct contract one_more = { 50000, 1000000 };

	(void)unused;
	return (void *)(intptr_t)promise(&one_more);
}

int main(int argc, char **argv)
{
	static struct contract contracts[] = { { 150000, 500000 }, { 500000, 2000000 }, { 1000000, 2500000 } };
	pthread_t t[4], fourth;
	void *answer;

	wanted = argc == 2 ? atol(argv[1]) : 0;
	pthread_barrier_init(&begin, NULL, 5);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, keep, &contracts[i]);
	pthread_create(&t[3], NULL, compute, NULL);
	pthread_barrier_wait(&begin);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	pthread_join(t[3], NULL);
	printf("late %ld of %ld, the kernel counted %llu\n", late, done, missed);
	/* The same three again, this time to fill the CPU and have one more refused. */
	wanted = done + 30;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, keep, &contracts[i]);
	struct timespec nap = { 0, 2000000 };

	nanosleep(&nap, NULL);
	pthread_create(&fourth, NULL, too_much, NULL);
	pthread_join(fourth, &answer);
	printf("one more: %s\n", (intptr_t)answer == EBUSY ? "EBUSY" : strerror((int)(intptr_t)answer));
	pthread_create(&t[3], NULL, compute, NULL);
	pthread_barrier_wait(&begin);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return 0;
}

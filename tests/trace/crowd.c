/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowd SECONDS: a hundred threads of all nice values, every tenth of SCHED_IDLE, that compute beside a SCHED_FIFO thread that
 * never sleeps. Prints the longest time for which one of them did not run, and what part of the time the real-time thread had.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 100
#define SECOND 1000000000ll

static volatile long long end;
static volatile long long last[THREADS];
static long long longest[THREADS], turns[THREADS];
static pthread_barrier_t begin;

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

/* Some microseconds: emulators are slow at reading clocks. */
static void work(void)
{
	for (volatile int i = 0; i < 1000; i++)
		;
}

static int become(int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &p);
}

static void *compute(void *arg)
{
	int i = (int)(long)arg;
	long long now;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), i * 40 / THREADS - 20);
	if (become(i % 10 == 7 ? SCHED_IDLE : SCHED_OTHER, 0))
		exit(3);
	pthread_barrier_wait(&begin);
	for (last[i] = clock_ns(CLOCK_MONOTONIC); last[i] < end; last[i] = now) {
		work();
		now = clock_ns(CLOCK_MONOTONIC);
		if (now - last[i] > SECOND / 10000)
			turns[i]++;
		if (now - last[i] > longest[i])
			longest[i] = now - last[i];
	}
	return NULL;
}

static void *hog(void *arg)
{
	long long *ran = arg;

	while (clock_ns(CLOCK_MONOTONIC) < end)
		work();
	*ran = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

int main(int argc, char **argv)
{
	long long length = argc == 2 ? atoll(argv[1]) * SECOND : 0, start, ran = 0, most = 0, fewest = 1 << 30;
	pthread_t t[THREADS + 1];
	int worst = 0;

	end = 1ll << 62;
	if (become(SCHED_FIFO, 60))
		return 3;
	pthread_attr_t how;
	struct sched_param zero = { 0 }, fifty = { .sched_priority = 50 };

	pthread_attr_init(&how);
	pthread_attr_setinheritsched(&how, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&how, SCHED_OTHER);
	pthread_attr_setschedparam(&how, &zero);
	pthread_barrier_init(&begin, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], &how, compute, (void *)i))
			return 3;
	pthread_barrier_wait(&begin);
	start = clock_ns(CLOCK_MONOTONIC);
	end = start + length;
	pthread_attr_setschedpolicy(&how, SCHED_FIFO);
	pthread_attr_setschedparam(&how, &fifty);
	if (pthread_create(&t[THREADS], &how, hog, &ran))
		return 3;
	struct timespec nap = { length / SECOND, 0 };

	nanosleep(&nap, NULL);
	for (int i = 0; i < THREADS; i++) {
		long long waits = end - (last[i] ? last[i] : start);	/* since it ran last */

		if (longest[i] > waits)
			waits = longest[i];
		if (waits > most)
			most = waits, worst = i;
		if (turns[i] < fewest)
			fewest = turns[i];
	}
	for (int i = 0; i <= THREADS; i++)
		pthread_join(t[i], NULL);
	printf("longest wait %lld ms (nice %d), fewest waits %lld, real-time %lld of %lld ms\n", most / 1000000,
	       worst * 40 / THREADS - 20, fewest, ran / 1000000, length / 1000000);
	return 0;
}

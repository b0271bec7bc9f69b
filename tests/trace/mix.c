/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ci/suites/trace.py and the pictures of docs/scheduling.md show: a mix of threads for MILLISECONDS, on one CPU.
 * mix normal: a, b and c compute, d computes at nice 10, ui works 1 ms and sleeps 15 ms.
 * mix deadline: t1 and t2 have a contract of 6 in 20 and 20 in 38 ms, keep it and yield; a computes. As much as both orders
 * admit, and so that they differ: now and then t2 is due before t1 though its period is longer.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ll

static long long end_ns;
static pthread_barrier_t begin;

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int is_over(void) { return clock_ns(CLOCK_MONOTONIC) >= end_ns; }

static void work(long long ns)
{
	long long until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		;
}

static void *compute(void *name)
{
	prctl(PR_SET_NAME, name);
	if (!strcmp(name, "d"))
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
	pthread_barrier_wait(&begin);
	while (!is_over())
		;
	return NULL;
}

static void *interact(void *name)
{
	struct timespec nap = { 0, 15 * MS };

	prctl(PR_SET_NAME, name);
	pthread_barrier_wait(&begin);
	while (!is_over()) {
		work(MS);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

struct contract {
	const char *name;
	long long runtime, period;
};

static void *keep(void *arg)
{
	const struct contract *c = arg;
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { sizeof attr, 6, 0, 0, 0, (uint64_t)(c->runtime * MS), (uint64_t)(c->period * MS), (uint64_t)(c->period * MS) };

	prctl(PR_SET_NAME, c->name);
	pthread_barrier_wait(&begin);
	if (syscall(SYS_sched_setattr, 0, &attr, 0)) {
		perror(c->name);
		exit(1);
	}
	sched_yield();		/* from the next period on it is in step */
	while (!is_over()) {
		work(c->runtime * MS * 9 / 10);
		sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct contract contracts[] = { { "t1", 6, 20 }, { "t2", 20, 38 } };
	static char *const names[] = { "a", "b", "c", "d" };
	pthread_t t[5];
	unsigned n = 0;

	if (argc != 3)
		return 2;
	end_ns = clock_ns(CLOCK_MONOTONIC) + atoll(argv[2]) * MS;
	if (!strcmp(argv[1], "deadline")) {
		pthread_barrier_init(&begin, NULL, 3);
		for (unsigned i = 0; i < 2; i++)
			pthread_create(&t[n++], NULL, keep, &contracts[i]);
		pthread_create(&t[n++], NULL, compute, "a");
	} else {
		pthread_barrier_init(&begin, NULL, 5);
		for (unsigned i = 0; i < 4; i++)
			pthread_create(&t[n++], NULL, compute, names[i]);
		pthread_create(&t[n++], NULL, interact, "ui");
	}
	while (n)
		pthread_join(t[--n], NULL);
	return 0;
}

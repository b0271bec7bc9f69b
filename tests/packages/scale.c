/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much more two CPUs do than one: each kind of work by one process (of some kinds: one thread of a process), then by
 * two at once, several times in turn. A
 * line `scale NAME HUNDREDTHS` per kind: 200 is twice the work in the same time. The median of the rounds counts, and
 * both sides of a round run right after each other, since the host's own load changes. Ends with 1 if a worker failed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void must(int holds)
{
	if (!holds)
		_exit(1);
}

static void compute(long n)
{
	volatile unsigned x = 1;

	while (n--)
		x = x * 1664525 + 1013904223;
}

static void calls(long n)
{
	while (n--)
		must(getppid() > 0);
}

static void pipes(long n)
{
	char c = 'x';
	int p[2];

	must(pipe(p) == 0);
	while (n--)
		must(write(p[1], &c, 1) == 1 && read(p[0], &c, 1) == 1);
}

static void faults(long n)
{
	while (n--) {
		char *m = mmap(NULL, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(m != MAP_FAILED);
		for (int i = 0; i < 64; i++)
			m[i << 12] = 1;
		munmap(m, 64 << 12);
	}
}

/* Fresh pages of a space that both threads share: each touches its own half, which lies in other page tables. */
static void thread_faults(long n)
{
	size_t size = (size_t)n << 12;
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(m != MAP_FAILED && madvise(m, size, MADV_NOHUGEPAGE) == 0);
	for (size_t at = 0; at < size; at += 1 << 12)
		m[at] = 1;
}

static void files(long n)
{
	char name[64];

	snprintf(name, sizeof name, "/tmp/scale.%d", (int)getpid());
	while (n--) {
		int fd = open(name, O_CREAT | O_RDWR, 0600);

		must(fd >= 0 && write(fd, name, sizeof name) == sizeof name);
		close(fd);
		must(unlink(name) == 0);
	}
}

static void forks(long n)
{
	int status;

	while (n--) {
		pid_t p = fork();

		if (p == 0)
			_exit(0);
		must(p > 0 && waitpid(p, &status, 0) == p);
	}
}

static const struct kind {
	const char *name;
	void (*work)(long n);
	long n;
	int in_threads;		/* of one process */
} kinds[] = {
	{ "compute", compute, 20000000, 0 }, { "calls", calls, 200000, 0 }, { "pipes", pipes, 60000, 0 },
	{ "faults", faults, 500, 0 }, { "files", files, 10000, 0 }, { "forks", forks, 400, 0 },
	{ "thread-faults", thread_faults, 16000, 1 },
};

static const struct kind *threads_do;
static int go_fd;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof set, &set) == 0);
}

static void *thread(void *cpu)
{
	char c;

	pin((int)(long)cpu);
	must(read(go_fd, &c, 1) == 0);
	threads_do->work(threads_do->n);
	return NULL;
}

/* As many threads of this process, each on its own CPU. */
static void be_threads(const struct kind *k, int workers, int go)
{
	pthread_t t[2];

	threads_do = k;
	go_fd = go;
	for (long i = 0; i < workers; i++)
		must(pthread_create(&t[i], NULL, thread, (void *)i) == 0);
	for (int i = 0; i < workers; i++)
		must(pthread_join(t[i], NULL) == 0);
	_exit(0);
}

/* Seconds for so many workers at once, each on its own CPU, from the moment both are there. */
static double run(const struct kind *k, int workers)
{
	int go[2], status, ok = 1;
	double start;
	char c;

	if (pipe(go))
		exit(1);
	for (int i = 0; i < (k->in_threads ? 1 : workers); i++) {
		pid_t p = fork();

		if (p == 0) {
			close(go[1]);
			if (k->in_threads)
				be_threads(k, workers, go[0]);
			pin(i);
			must(read(go[0], &c, 1) == 0);
			k->work(k->n);
			_exit(0);
		}
		if (p < 0)
			exit(1);
	}
	usleep(20000);
	start = now();
	close(go[1]);
	close(go[0]);
	for (int i = 0; i < (k->in_threads ? 1 : workers); i++)
		ok &= wait(&status) > 0 && status == 0;
	if (!ok) {
		printf("scale %s failed\n", k->name);
		exit(1);
	}
	return now() - start;
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (argc > 1 && strcmp(argv[1], kinds[i].name))
			continue;
		double found[ROUNDS];

		for (int r = 0; r < ROUNDS; r++) {
			double one = run(&kinds[i], 1);

			found[r] = 2 * one / run(&kinds[i], 2);
		}
		qsort(found, ROUNDS, sizeof found[0], compare);
		printf("scale %s %d\n", kinds[i].name, (int)(found[ROUNDS / 2] * 100 + 0.5));
		fflush(stdout);
	}
	return 0;
}

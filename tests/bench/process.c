/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and processes: from making one to having waited for it.
 */
#include "bench.h"

#include <pthread.h>

static long ran;

static void *thread_body(void *argument)
{
	__atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
	return argument;
}

static void thread_join(long n)
{
	ran = 0;
	for (long i = 0; i < n; i++) {
		pthread_t t;
		void *result;

		must(pthread_create(&t, 0, thread_body, &ran) == 0);
		must(pthread_join(t, &result) == 0 && result == &ran);
	}
	must(ran == n);
}

static void do_fork(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(7);
		bench_reap(pid, 7);
	}
}

static void do_vfork(long n)
{
	while (n--) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(7);
		bench_reap(pid, 7);
	}
}

static void fork_exec(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/bench", "bench", "--exit", (char *)0);
			_exit(9);
		}
		bench_reap(pid, 0);
	}
}

static void shell(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", "/bin/bench --exit && exit 3", (char *)0);
			_exit(9);
		}
		bench_reap(pid, 3);
	}
}

/* A process of 64 MiB, all written, forks; the child leaves at once. */
static void setup_large(void)
{
	size_t size = 64 << 20;
	char *area = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(area != MAP_FAILED);
	for (size_t at = 0; at < size; at += 4096)
		area[at] = 1;
}

const struct item items_process[] = {
	{ "thread", 't', 200, 0, thread_join, 0, 0, 0 },
	{ "fork", 't', 40, 0, do_fork, 0, 0, 0 },
	{ "vfork", 't', 60, 0, do_vfork, 0, 0, 0 },
	{ "fork-exec", 't', 20, 0, fork_exec, 0, 0, 0 },
	{ "shell", 't', 8, 0, shell, 0, 0, 0 },
	{ "fork-64M", 't', 4, setup_large, do_fork, 0, 0, 0 },
	{ 0 },
};

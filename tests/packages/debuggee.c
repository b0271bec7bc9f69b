/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that strace and gdb are tried on: debuggee quick|spin|parent|threads|crash. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile int total;

__attribute__((noinline)) int add(int a, int b)
{
	int sum = a + b;

	return sum;
}

__attribute__((noinline)) void *thread_part(void *arg)
{
	return arg;
}

__attribute__((noinline)) static void crash_here(volatile int *where)
{
	*where = 1;
}

static int threads(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, thread_part, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static void spin(void)
{
	struct timespec ts = { 0, 20000000 };

	while (1)
		nanosleep(&ts, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "quick";

	if (!strcmp(what, "spin"))
		spin();
	if (!strcmp(what, "parent"))
		printf("parent %d\n", (int)getppid());
	if (!strcmp(what, "threads"))
		return threads();
	if (!strcmp(what, "crash"))
		crash_here(NULL);
	total = add(1, 2);
	printf("sum %d\n", total);
	return 0;
}

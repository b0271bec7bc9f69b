/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the items of the benchmark share. An item does N operations in body() and checks each one;
 * main.c times it. Every item runs in a child of its own, so setup() need not undo anything.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct item {
	const char *name;	/* one word */
	char unit;		/* 't': time of one operation; 'b': N counts KiB, told as bandwidth */
	long n;			/* operations that are timed at once */
	void (*setup)(void);	/* not timed; may be 0 */
	void (*body)(long n);
	void (*less)(long n);	/* timed too and subtracted (what the operation's frame costs); may be 0 */
	void (*after)(void);	/* last look at what was done; may be 0 */
	long argument;		/* the item's own, in bench_argument */
};

extern long bench_argument;
extern const struct item items_syscall[], items_ipc[], items_process[], items_memory[], items_file[],
	items_net[], items_clock[];

/* Ends the item: the operation does not exist here. */
__attribute__((noreturn)) void bench_missing(const char *what);
/* Ends the item as failed; says where and errno. */
__attribute__((noreturn)) void bench_fail(const char *file, int line, const char *what);

/* The operation gave what it must. */
#define must(c) do { if (__builtin_expect(!(c), 0)) bench_fail(__FILE__, __LINE__, #c); } while (0)
/* The same, but an error that says "there is no such thing" ends the item as missing. */
#define must_exist(c) do { \
	if (!(c)) { \
		if (errno == ENOSYS || errno == EAFNOSUPPORT || errno == ENODEV || errno == ENOPROTOOPT) \
			bench_missing(#c); \
		bench_fail(__FILE__, __LINE__, #c); \
	} \
} while (0)

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t bench_now(void);
/* Exactly n instructions (n a multiple of 16). */
void bench_loop(long n);
/* Forks a partner that runs f and never returns; it dies with the item. */
pid_t bench_partner(void (*f)(void));
/* The loopback interface, which may be down right after boot; ends the item when there is none. */
void bench_loopback_up(void);
/* Waits for the child and checks that it ended with that status. */
void bench_reap(pid_t pid, int status);

#endif

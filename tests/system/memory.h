/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs about memory share: areas, faults that are caught, numbers of /proc. */
#ifndef TESTS_SYSTEM_MEMORY_H
#define TESTS_SYSTEM_MEMORY_H

#include "test.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGE 4096

static sigjmp_buf jump;
static volatile int fault_signal;

static inline void on_fault(int signo)
{
	fault_signal = signo;
	siglongjmp(jump, 1);
}

static inline void catch_faults(void)
{
	check(signal(SIGSEGV, on_fault) != SIG_ERR);
	check(signal(SIGBUS, on_fault) != SIG_ERR);
}

/* The signal that touching the byte raises, 0 if none. */
static inline int touch(volatile char *p, bool store)
{
	fault_signal = 0;
	if (!sigsetjmp(jump, 1)) {
		if (store)
			*p = 1;
		else
			(void)*p;
	}
	return fault_signal;
}

static inline char *map(size_t n, int prot, int flags)
{
	char *p = mmap(0, n, prot, flags | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	return p;
}

static inline char *anon(size_t n) { return map(n, PROT_READ | PROT_WRITE, MAP_PRIVATE); }

/* How many of the n pages are in memory. */
static inline int resident(void *p, int n)
{
	unsigned char vec[64];
	int sum = 0;

	check(n <= 64);
	check_ok(mincore(p, n * PAGE, vec));
	for (int i = 0; i < n; i++)
		sum += vec[i] & 1;
	return sum;
}

/* The number behind "NAME:" in a file of /proc, -1 if it is not there. */
static inline long field(const char *path, const char *name)
{
	char line[256];
	FILE *f = fopen(path, "r");
	long v = -1;

	check(f);
	while (v < 0 && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			v = strtol(line + strlen(name) + 1, 0, 10);
	fclose(f);
	return v;
}

static inline void drop_root(void)
{
	check_ok(setgid(65534));
	check_ok(setuid(65534));
}

#endif

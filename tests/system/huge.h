/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of 2 MiB for the programs that look at large pages: filling them, and how many are large. */
#ifndef TESTS_SYSTEM_HUGE_H
#define TESTS_SYSTEM_HUGE_H

#include "test.h"
#include <sys/mman.h>

#define PAGE 4096ul
#define LARGE (2ul << 20)
#define ENABLED "/sys/kernel/mm/transparent_hugepage/enabled"

/* Writes the word to a file of /sys or /proc; want: 0 or the errno. */
static inline void put_word(const char *file, const char *word, int want)
{
	int fd = open(file, O_WRONLY), n;

	check_ok(fd);
	n = (int)write(fd, word, strlen(word));
	check_equal(n < 0 ? errno : 0, want);
	close(fd);
}

static inline void set_mode(const char *word, int want) { put_word(ENABLED, word, want); }

/* n blocks of 2 MiB, aligned, for which large pages were asked. */
static inline char *blocks(unsigned n)
{
	static bool is_on;
	char *p = mmap(NULL, (n + 1) * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	if (!is_on)	/* Linux has it off on machines below 512 MiB */
		set_mode("always", 0);
	is_on = true;
	p = (char *)(((uintptr_t)p + LARGE - 1) & ~(LARGE - 1));
	check_ok(madvise(p, n * LARGE, MADV_HUGEPAGE));
	return p;
}

/* Each page says in its first and last word where it is. */
static inline void fill(char *p, size_t len, unsigned long salt)
{
	for (size_t at = 0; at < len; at += PAGE) {
		*(unsigned long *)(p + at) = at + salt;
		*(unsigned long *)(p + at + PAGE - 8) = at ^ salt;
	}
}

static inline bool is_filled(const char *p, size_t from, size_t to, unsigned long salt)
{
	for (size_t at = from; at < to; at += PAGE)
		if (*(unsigned long *)(p + at) != at + salt || *(unsigned long *)(p + at + PAGE - 8) != (at ^ salt))
			return false;
	return true;
}

/* KiB in large pages of the areas that begin in [p, p + len). */
static inline unsigned long large_kib(const char *p, size_t len)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start = 0, kib, sum = 0;
	char line[512];

	check(f != NULL);
	while (fgets(line, sizeof line, f)) {
		if (strstr(line, "-") && strchr("0123456789abcdef", line[0]))
			sscanf(line, "%lx-", &start);
		if (sscanf(line, "AnonHugePages: %lu kB", &kib) == 1 && start >= (uintptr_t)p && start < (uintptr_t)p + len)
			sum += kib;
	}
	fclose(f);
	return sum;
}

static inline unsigned long stat_of(const char *file, const char *name)
{
	unsigned long value = ~0ul;
	char line[256];
	FILE *f = fopen(file, "r");
	size_t n = strlen(name);

	check(f != NULL);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, name, n) && strchr(" :", line[n]))
			value = strtoul(line + n + 1, NULL, 10);
	fclose(f);
	return value;
}

#endif

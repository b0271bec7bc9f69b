/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings and page faults.
 */
#include "bench.h"

#define MIB (1l << 20)
#define PAGE 4096l

static int fd = -1;
static char *area;

static void setup_file(void)
{
	char page[PAGE];

	memset(page, 'm', sizeof page);
	must((fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	for (long i = 0; i < 4 * MIB; i += PAGE)
		must(write(fd, page, PAGE) == PAGE);
}

/* Maps a file of 1 MiB, reads from a page of every ten, unmaps. */
static void map_file(long n)
{
	while (n--) {
		char *p = mmap(0, MIB, PROT_READ, MAP_SHARED, fd, 0);

		must(p != MAP_FAILED);
		for (long at = 0; at < MIB; at += 10 * PAGE)
			must(((volatile char *)p)[at] == 'm');
		must(munmap(p, MIB) == 0);
	}
}

static void map_only(long n)
{
	while (n--) {
		char *p = mmap(0, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(p != MAP_FAILED);
		must(munmap(p, MIB) == 0);
	}
}

/* n pages of a cached file, read through a mapping in an order that no read-around foresees. */
static void fault_file(long n)
{
	long pages = 4 * MIB / PAGE;
	char *p = mmap(0, 4 * MIB, PROT_READ, MAP_PRIVATE, fd, 0);

	must(p != MAP_FAILED && n <= pages);
	must(madvise(p, 4 * MIB, MADV_RANDOM) == 0);
	for (long i = 0; i < n; i++)
		must(((volatile char *)p)[i * 397 % pages * PAGE] == 'm');
	must(munmap(p, 4 * MIB) == 0);
}

static void fault_none(long n)
{
	char *p = mmap(0, 4 * MIB, PROT_READ, MAP_PRIVATE, fd, 0);

	must(p != MAP_FAILED);
	must(madvise(p, 4 * MIB, MADV_RANDOM) == 0);
	must(munmap(p, 4 * MIB) == 0);
}

/* n fresh pages, written; the time of giving them back is in it. */
static void fault_fresh(long n)
{
	char *p = mmap(0, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	for (long i = 0; i < n; i++) {
		p[i * PAGE] = 1;
		must(p[i * PAGE + 1] == 0);
	}
	must(munmap(p, n * PAGE) == 0);
}

/* The child of a fork writes n pages that it shares with its parent. */
static void setup_copy(void)
{
	area = mmap(0, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area != MAP_FAILED);
	memset(area, 5, 2 * MIB);
}

static void copy_on_write(long n)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		for (long i = 0; i < n; i++) {
			if (area[i * PAGE] != 5)
				_exit(1);
			area[i * PAGE] = 6;
		}
		_exit(0);
	}
	bench_reap(pid, 0);
	must(area[0] == 5);
}

static void copy_none(long n)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0)
		_exit(0);
	bench_reap(pid, 0);
}

static void do_mprotect(long n)
{
	while (n--)
		must(mprotect(area, 2 * MIB, n & 1 ? PROT_READ : PROT_READ | PROT_WRITE) == 0);
	must(mprotect(area, 2 * MIB, PROT_READ | PROT_WRITE) == 0);
}

static void do_brk(long n)
{
	char *base = (char *)syscall(SYS_brk, 0);

	while (n--) {
		must((char *)syscall(SYS_brk, base + 65536) == base + 65536);
		base[65535] = 1;
		must((char *)syscall(SYS_brk, base) == base);
	}
}

const struct item items_memory[] = {
	{ "mmap-1M", 't', 200, setup_file, map_file, 0, 0, 0 },
	{ "mmap-munmap", 't', 2000, 0, map_only, 0, 0, 0 },
	{ "fault-file", 't', 1000, setup_file, fault_file, fault_none, 0, 0 },
	{ "fault-anon", 't', 1000, 0, fault_fresh, 0, 0, 0 },
	{ "fault-copy", 't', 500, setup_copy, copy_on_write, copy_none, 0, 0 },
	{ "mprotect-2M", 't', 200, setup_copy, do_mprotect, 0, 0, 0 },
	{ "brk-64K", 't', 1000, 0, do_brk, 0, 0, 0 },
	{ 0 },
};

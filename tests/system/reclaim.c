/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More file pages than memory (Trivet runs it with 12 MiB): mapped and dirty ones are written, unmapped and
 * given back, and come again with what they held. And nothing stays behind when processes are gone.
 */
#include "test.h"
#include <sys/mman.h>

#define PAGE 4096
#define PAGES 2560		/* 10 MiB */
#define WORDS (PAGE / 4)

static unsigned page[WORDS];

static int make_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	check_ok(fd);
	for (unsigned i = 0; i < PAGES; i++) {
		for (unsigned k = 0; k < WORDS; k++)
			page[k] = i * 7 + k;
		check_equal(write(fd, page, PAGE), PAGE);
	}
	return fd;
}

static void mapped_file(void)
{
	static unsigned char changed[PAGES];
	int fd = make_file("/root/mapped");
	volatile unsigned *p = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(p != MAP_FAILED);
	unlink("/root/mapped");
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < PAGES; i += 1 + round * 7) {
			unsigned at = round ? i * 577 % PAGES : i;

			check_equal(p[at * WORDS + 5], at * 7 + 5);
			if (i % 3 == 0) {
				p[at * WORDS + 9]++;
				changed[at]++;
			}
			check_equal(p[at * WORDS + 9], at * 7 + 9 + changed[at]);
		}
	for (unsigned i = 0; i < PAGES; i += 16) {
		check_equal(pread(fd, page, PAGE, (off_t)i * PAGE), PAGE);
		check_equal(page[9], i * 7 + 9 + changed[i]);
	}
}

static void locked_pages_stay(void)
{
	int fd = make_file("/root/locked");
	char *p = mmap(0, 64 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	unsigned char vec[64];

	unlink("/root/locked");
	check_ok(mlock(p, 64 * PAGE));
	for (unsigned i = 0; i < PAGES; i++)
		check_equal(pread(fd, page, PAGE, (off_t)i * PAGE), PAGE);
	check_ok(mincore(p, 64 * PAGE, vec));
	for (unsigned i = 0; i < 64; i++)
		check(vec[i] & 1);
}

/* ---- nothing is left ------------------------------------------------------------------------ */

/* Free memory and that of slabs, kB, with caches emptied; *objects: in all slabs together. */
static long free_kib(long *objects)
{
	char line[256];
	long v, sum = 0, used;
	FILE *f;
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	sync();
	check_ok(fd);
	check_equal(write(fd, "3\n", 2), 2);
	close(fd);
	f = fopen("/proc/meminfo", "r");
	check(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "MemFree: %ld", &v) == 1 || sscanf(line, "Slab: %ld", &v) == 1)
			sum += v;
	fclose(f);
	f = fopen("/proc/slabinfo", "r");
	check(f);
	*objects = 0;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "%*s %ld", &used) == 1)
			*objects += used;
	fclose(f);
	return sum;
}

/* The same when the kernel's threads have done what is left to them: three looks alike. */
static long settled(long *objects)
{
	long now = 0, last = -1, last_objects = -1;

	for (int alike = 0, tries = 0; alike < 3 && tries < 30; tries++) {
		now = free_kib(objects);
		alike = now == last && *objects == last_objects ? alike + 1 : 0;
		last = now;
		last_objects = *objects;
	}
	return now;
}

static void one_storm(int n)
{
	char *p = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[32];
	pid_t pid;
	int fd;

	check(p != MAP_FAILED);
	for (int i = 0; i < 64; i += 3)
		p[i * PAGE] = n;
	pid = fork();
	if (pid == 0) {
		p[3 * PAGE]++;
		if (n % 4 == 0) {
			execl("/bin/busybox", "true", (char *)0);
			_exit(1);
		}
		_exit(0);
	}
	/* Its files in /proc leave nothing behind either. */
	snprintf(text, sizeof text, "/proc/%d/status", pid);
	fd = open(text, O_RDONLY);
	if (fd >= 0) {
		(void)!read(fd, text, sizeof text);
		close(fd);
	}
	check_equal(wait_for(pid), 0);
	check_ok(munmap(p, 64 * PAGE));
}

static bool is_trivet(void)
{
	char text[256] = "";
	int fd = open("/proc/version", O_RDONLY);

	check(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return strstr(text, "Trivet");
}

static void storms(void)
{
	long before, after, objects, objects_after;

	for (int i = 0; i < 30; i++)
		one_storm(i);
	settled(&objects);
	before = settled(&objects);
	for (int i = 0; i < 100; i++)
		one_storm(i);
	after = settled(&objects_after);
	if (is_trivet() && (after != before || objects_after > objects + 16))
		test_fail(__LINE__, "%ld kB free, before %ld; %ld objects, before %ld", after, before, objects_after, objects);
}

static const struct test table[] = {
	{ "mapped-file", mapped_file }, { "locked-pages-stay", locked_pages_stay }, { "storms", storms }, { 0 },
};

TEST_MAIN(table)

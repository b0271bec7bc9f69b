/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory in small pieces becomes memory in large ones, because what is in use moves together; its contents stay. */
#include "huge.h"
#include <pthread.h>

#define COMPACT "/proc/sys/vm/compact_memory"

/* Free blocks of 2 MiB and more, in units of 2 MiB. */
static long free_blocks(void)
{
	char line[512];
	long sum = 0;
	FILE *f = fopen("/proc/buddyinfo", "r");

	check(f != NULL);
	while (fgets(line, sizeof line, f)) {
		char *at = strstr(line, "zone");
		int used = 0;

		check(at != NULL);
		sscanf(at, "zone %*s%n", &used);
		at += used;
		for (int order = 0; order < 11; order++) {
			long n = strtol(at, &at, 10);

			sum += order == 9 ? n : order == 10 ? 2 * n : 0;
		}
	}
	fclose(f);
	return sum;
}

/* len bytes of small pages, filled; of the frames they came from every second one was given back. */
static char *in_pieces(size_t len, unsigned long salt)
{
	char *p = mmap(NULL, 2 * len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *others = p + len;

	check(p != MAP_FAILED);
	check_ok(madvise(p, 2 * len, MADV_NOHUGEPAGE));
	for (size_t at = 0; at < len; at += PAGE)
		p[at] = others[at] = 1;
	fill(p, len, salt);
	check_ok(munmap(others, len));
	return p;
}

static bool are_right(const char *p, size_t len, unsigned long salt) { return is_filled(p, 0, len, salt); }

static size_t free_bytes(void) { return stat_of("/proc/meminfo", "MemFree") << 10; }

/*
 * Linux promises nothing here, and seldom gets blocks back on small machines of QEMU: there only contents count.
 * /proc/daemons is Trivet's own.
 */
static bool is_effective(void) { return !access("/proc/daemons", F_OK); }

static void told_to(void)
{
	size_t len = 24 * LARGE;
	char *p = in_pieces(len, 1);
	long before = free_blocks(), pieces = (long)(len / LARGE);
	unsigned long moved = stat_of("/proc/vmstat", "pgmigrate_success"), seen = stat_of("/proc/vmstat", "compact_migrate_scanned");

	put_word(COMPACT, "1", 0);
	check(are_right(p, len, 1));
	if (!is_effective())
		return;
	/* At least a third of what lay in pieces. */
	if (free_blocks() < before + pieces / 3)
		test_fail(__LINE__, "%ld large blocks were free, now %ld; %ld were in pieces", before, free_blocks(), pieces);
	check(stat_of("/proc/vmstat", "pgmigrate_success") > moved + 1000);
	check(stat_of("/proc/vmstat", "compact_migrate_scanned") > seen + 1000);
	check_ok(munmap(p, len));
}

/* A fault that wants a large page makes room for it. */
static void asked_for(void)
{
	size_t len = free_bytes() / 12 * 5 & ~(LARGE - 1), want = 26 * LARGE;
	unsigned long stalls;
	char *p, *q;

	q = blocks(26);		/* also turns large pages on */
	put_word("/sys/kernel/mm/transparent_hugepage/defrag", "madvise", 0);
	p = in_pieces(len, 3);
	stalls = stat_of("/proc/vmstat", "compact_stall");
	fill(q, want, 4);
	check(are_right(p, len, 3));
	check(is_filled(q, 0, want, 4));
	if (!is_effective())
		return;
	if (large_kib(q, want) < 18 * LARGE >> 10 || stat_of("/proc/vmstat", "compact_stall") == stalls)
		test_fail(__LINE__, "%lu KiB of %lu are large after %lu requests", large_kib(q, want), want >> 10,
			  stat_of("/proc/vmstat", "compact_stall") - stalls);
}

/* Pages that a parent and its children share, and those that only one of them has. */
static void with_children(void)
{
	size_t len = 8 * LARGE;
	char *p = in_pieces(len, 5);

	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		check_ok(pid);
		if (!pid) {
			for (int round = 0; round < 10; round++) {
				if (!are_right(p, len / 2, 5))
					_exit(1);
				fill(p + len / 2 + i * LARGE, LARGE, 50 + round);
				if (!is_filled(p + len / 2 + i * LARGE, 0, LARGE, 50 + round))
					_exit(2);
			}
			_exit(0);
		}
	}
	for (int round = 0; round < 3; round++)
		put_word(COMPACT, "1", 0);
	for (int i = 0, status; i < 3; i++) {
		check(wait(&status) > 0);
		check_equal(status, 0);
	}
	check(are_right(p, len, 5));
}

static char *shared;
static volatile bool is_over;

static void *write_on(void *arg)
{
	size_t me = (uintptr_t)arg;

	for (unsigned long n = 1; !is_over; n++)
		for (size_t at = 8 * me; at < 2 * LARGE; at += PAGE) {
			if (*(volatile unsigned long *)(shared + at) != n - 1)
				return (void *)at;
			*(volatile unsigned long *)(shared + at) = n;
		}
	return NULL;
}

static void while_written_to(void)
{
	pthread_t t[2];
	void *wrong;

	shared = in_pieces(2 * LARGE, 6);
	memset(shared, 0, 2 * LARGE);
	for (uintptr_t i = 0; i < 2; i++)
		check_equal(pthread_create(&t[i], NULL, write_on, (void *)i), 0);
	for (int round = 0; round < 3; round++)
		put_word(COMPACT, "1", 0);
	is_over = true;
	for (int i = 0; i < 2; i++) {
		check_equal(pthread_join(t[i], &wrong), 0);
		check_equal((uintptr_t)wrong, 0);
	}
}

/* Cached pages of a file, dirty ones and mapped ones. */
static void of_files(void)
{
	static char page[PAGE];
	size_t len = 2 * LARGE;
	int fd = open("compacted", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *p, *gaps;

	check_ok(fd);
	for (size_t at = 0; at < len; at += PAGE) {
		memset(page, (int)(at / PAGE % 251), PAGE);
		check_equal(write(fd, page, PAGE), (long)PAGE);
	}
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	gaps = in_pieces(8 * LARGE, 7);
	for (int round = 0; round < 2; round++) {
		for (size_t at = 0; at < len; at += 7 * PAGE)
			p[at + 1] = (char)round;
		put_word(COMPACT, "1", 0);
		for (size_t at = 0; at < len; at += PAGE) {
			check_equal(pread(fd, page, PAGE, (off_t)at), (long)PAGE);
			check_equal((unsigned char)page[2], at / PAGE % 251);
			check_equal((unsigned char)p[at + PAGE - 1], at / PAGE % 251);
			if (at % (7 * PAGE) == 0)
				check_equal(page[1], round);
		}
		check_ok(fsync(fd));
	}
	check(are_right(gaps, 8 * LARGE, 7));
	unlink("compacted");
}

static void refused(void)
{
	put_word(COMPACT, "perhaps", EINVAL);
	check_equal(access(COMPACT, W_OK), 0);
}

static const struct test table[] = {
	{ "told-to", told_to }, { "asked-for", asked_for }, { "with-children", with_children }, { "while-written-to", while_written_to },
	{ "of-files", of_files }, { "refused", refused },
	{ 0 },
};

TEST_MAIN(table)

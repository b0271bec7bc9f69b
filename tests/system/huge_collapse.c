/* SPDX-License-Identifier: BSD-2-Clause */
/* Small pages become large ones: by MADV_COLLAPSE at once, by the kernel's collector after a while; nobody sees it but by the counts. */
#include "huge.h"
#include <pthread.h>

#define COLLECTOR "/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define COLLAPSE 25	/* MADV_COLLAPSE, Linux 6.1 */

/* n blocks of small pages, nothing in them yet. */
static char *small_blocks(unsigned n)
{
	char *p = mmap(NULL, (n + 1) * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	set_mode("never", 0);
	return (char *)(((uintptr_t)p + LARGE - 1) & ~(LARGE - 1));
}

static void asked_for(void)
{
	char *p = small_blocks(3);

	fill(p, 3 * LARGE, 1);
	check_equal(large_kib(p, 3 * LARGE), 0);
	check_ok(madvise(p, 3 * LARGE, COLLAPSE));	/* whatever `enabled` says */
	check_equal(large_kib(p - LARGE, 5 * LARGE), 3 * LARGE >> 10);
	check(is_filled(p, 0, 3 * LARGE, 1));
	fill(p, 3 * LARGE, 2);
	check_ok(madvise(p, 3 * LARGE, COLLAPSE));	/* they are */
	check(is_filled(p, 0, 3 * LARGE, 2));
	check_ok(munmap(p, 3 * LARGE));
}

/* What was never there reads as zeros, also where the zero page was. */
static void of_a_few_pages(void)
{
	char *p = small_blocks(1);

	p[7 * PAGE] = 3;
	check_equal(p[100 * PAGE], 0);
	check_ok(madvise(p, LARGE, COLLAPSE));
	check_equal(large_kib(p - LARGE, 3 * LARGE), LARGE >> 10);
	for (size_t at = 0; at < LARGE; at += 64)
		check_equal(p[at], at == 7 * PAGE ? 3 : 0);
}

static void split_and_formed_again(void)
{
	char *p = small_blocks(2);

	for (int round = 0; round < 5; round++) {
		fill(p, 2 * LARGE, round);
		check_ok(madvise(p, 2 * LARGE, COLLAPSE));
		check_equal(large_kib(p - LARGE, 4 * LARGE), 2 * LARGE >> 10);
		check_ok(madvise(p + 5 * PAGE, PAGE, MADV_DONTNEED));
		check_equal(large_kib(p - LARGE, 4 * LARGE), LARGE >> 10);
		check_ok(mprotect(p + LARGE, PAGE, PROT_READ));
		check_ok(mprotect(p + LARGE, PAGE, PROT_READ | PROT_WRITE));
		check_equal(p[5 * PAGE], 0);
		check(is_filled(p, 0, 5 * PAGE, round) && is_filled(p, 6 * PAGE, 2 * LARGE, round));
	}
	check_ok(madvise(p, 2 * LARGE, COLLAPSE));
	check_equal(large_kib(p - LARGE, 4 * LARGE), 2 * LARGE >> 10);
}

/* The parent's become large while the child has its own. */
static void beside_a_child(void)
{
	char *p = small_blocks(1), c;
	int in[2], status;
	pid_t pid;

	fill(p, LARGE, 4);
	check_ok(pipe(in));
	pid = fork();
	check_ok(pid);
	if (!pid) {
		bool ok = read(in[0], &c, 1) == 1 && is_filled(p, 0, LARGE, 4);

		fill(p, LARGE, 40);
		_exit(!ok || !is_filled(p, 0, LARGE, 40));
	}
	fill(p, 10 * PAGE, 5);
	check_ok(madvise(p, LARGE, COLLAPSE));
	check_equal(large_kib(p - LARGE, 3 * LARGE), LARGE >> 10);
	fill(p + 10 * PAGE, 10 * PAGE, 6);
	check_equal(write(in[1], "x", 1), 1);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
	check(is_filled(p, 0, 10 * PAGE, 5) && is_filled(p + 10 * PAGE, 0, 10 * PAGE, 6) && is_filled(p, 20 * PAGE, LARGE, 4));
}

static void refused(void)
{
	char *p = small_blocks(4);

	check_errno(madvise(p, LARGE, COLLAPSE), EINVAL);		/* nothing is there */
	fill(p, 4 * LARGE, 7);
	check_errno(madvise(p + 1, LARGE, COLLAPSE), EINVAL);
	check_errno(madvise(p + PAGE, 9 * PAGE, COLLAPSE), EINVAL);	/* lies inside a block */
	check_ok(madvise(p + PAGE, LARGE, COLLAPSE));		/* has parts of two, none whole: nothing to do */
	check_equal(large_kib(p - LARGE, 6 * LARGE), 0);
	check_ok(madvise(p, LARGE, MADV_NOHUGEPAGE));
	check_errno(madvise(p, LARGE, COLLAPSE), EINVAL);
	check_ok(mprotect(p + LARGE, LARGE, PROT_READ));
	check_ok(madvise(p + 2 * LARGE, 2 * LARGE, COLLAPSE));
	check_ok(munmap(p + 3 * LARGE, LARGE));
	check_errno(madvise(p + 2 * LARGE, 2 * LARGE, COLLAPSE), ENOMEM);
	check_errno(madvise(p + 3 * LARGE, LARGE, COLLAPSE), ENOMEM);
	check(is_filled(p, 0, 3 * LARGE, 7));
}

static volatile bool is_over;
static char *written;

static void *write_on(void *arg)
{
	unsigned long me = (uintptr_t)arg;

	for (unsigned long n = 1; !is_over; n++)
		for (size_t at = 8 + 8 * me; at < 2 * LARGE; at += 16 * PAGE) {
			unsigned long was = n > 1 ? n - 1 : 0;

			if (*(volatile unsigned long *)(written + at) != was)
				return (void *)at;
			*(volatile unsigned long *)(written + at) = n;
		}
	return NULL;
}

/* Threads that write all the time find what they wrote, however often the pages change their size. */
static void while_written_to(void)
{
	pthread_t t[2];
	void *wrong;

	written = small_blocks(2);
	memset(written, 0, 2 * LARGE);
	for (uintptr_t i = 0; i < 2; i++)
		check_equal(pthread_create(&t[i], NULL, write_on, (void *)i), 0);
	for (int round = 0; round < 12; round++) {
		if (madvise(written, 2 * LARGE, COLLAPSE))
			check(errno == EAGAIN);
		check_ok(madvise(written + 4 * PAGE, PAGE, MADV_DONTNEED));	/* splits; nobody writes there */
		check_ok(mprotect(written + LARGE + 5 * PAGE, PAGE, PROT_READ));
		check_ok(mprotect(written + LARGE + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	}
	is_over = true;
	for (int i = 0; i < 2; i++) {
		check_equal(pthread_join(t[i], &wrong), 0);
		check_equal((uintptr_t)wrong, 0);
	}
}

static void collected(void)
{
	unsigned long before = stat_of("/proc/vmstat", "thp_collapse_alloc");
	char *p = small_blocks(4);

	fill(p, 4 * LARGE, 8);
	put_word(COLLECTOR "scan_sleep_millisecs", "50", 0);
	put_word(COLLECTOR "pages_to_scan", "100000", 0);
	set_mode("always", 0);
	check_ok(madvise(p, 4 * LARGE, MADV_HUGEPAGE));
	for (int i = 0; large_kib(p, 4 * LARGE) < 4 * LARGE >> 10; i++) {
		check(i < 150);
		usleep(100000);
	}
	check(is_filled(p, 0, 4 * LARGE, 8));
	check(stat_of("/proc/vmstat", "thp_collapse_alloc") >= before + 4);
	/* Not what was told to stay small. */
	p = small_blocks(2);
	fill(p, 2 * LARGE, 9);
	check_ok(madvise(p, 2 * LARGE, MADV_NOHUGEPAGE));
	set_mode("always", 0);
	usleep(500000);
	check_equal(large_kib(p, 2 * LARGE), 0);
	put_word(COLLECTOR "scan_sleep_millisecs", "10000", 0);
	put_word(COLLECTOR "pages_to_scan", "4096", 0);
}

static void switches(void)
{
	static const char *const numbers[] = {
		"alloc_sleep_millisecs", "scan_sleep_millisecs", "pages_to_scan", "max_ptes_none", "max_ptes_shared", "max_ptes_swap",
	};
	char file[120], was[32];

	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		int fd;

		snprintf(file, sizeof file, COLLECTOR "%s", numbers[i]);
		fd = open(file, O_RDONLY);
		check_ok(fd);
		memset(was, 0, sizeof was);
		check(read(fd, was, sizeof was - 1) > 1);
		close(fd);
		put_word(file, "few", EINVAL);
		put_word(file, i >= 3 ? "512" : "99999999999999", EINVAL);
		put_word(file, "100", 0);
		check_equal(strtol(was, NULL, 10) >= 0, true);
		fd = open(file, O_RDONLY);
		check(read(fd, file, 4) == 4 && !memcmp(file, "100\n", 4));
		close(fd);
		snprintf(file, sizeof file, COLLECTOR "%s", numbers[i]);
		put_word(file, was, 0);
	}
	put_word(COLLECTOR "defrag", "2", EINVAL);
	put_word(COLLECTOR "defrag", "0", 0);
	put_word(COLLECTOR "defrag", "1", 0);
	put_word("/sys/kernel/mm/transparent_hugepage/defrag", "sometimes", EINVAL);
	put_word("/sys/kernel/mm/transparent_hugepage/defrag", "defer+madvise", 0);
	put_word("/sys/kernel/mm/transparent_hugepage/defrag", "madvise", 0);
	check_ok(access(COLLECTOR "pages_collapsed", R_OK));
	check_ok(access(COLLECTOR "full_scans", R_OK));
}

static const struct test table[] = {
	{ "asked-for", asked_for }, { "of-a-few-pages", of_a_few_pages }, { "split-and-formed-again", split_and_formed_again },
	{ "beside-a-child", beside_a_child }, { "refused", refused }, { "while-written-to", while_written_to },
	{ "collected", collected }, { "switches", switches },
	{ 0 },
};

TEST_MAIN(table)

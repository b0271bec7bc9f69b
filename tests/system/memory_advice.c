/* SPDX-License-Identifier: BSD-2-Clause */
/* What madvise does with pages and areas: bringing, dropping, keeping from children; advice that cannot be followed. */
#include "memory.h"
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void advice_populate(void)
{
	char *p = anon(8 * PAGE), *q = map(2 * PAGE, PROT_READ, MAP_PRIVATE), *none = map(PAGE, PROT_NONE, MAP_PRIVATE);
	int fd = open("two", O_CREAT | O_RDWR, 0600);

	check_equal(resident(p, 8), 0);
	check_ok(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
	check_equal(resident(p, 8), 4);
	check_ok(madvise(q, 2 * PAGE, MADV_POPULATE_READ));
	check_errno(madvise(q, PAGE, MADV_POPULATE_WRITE), EINVAL);
	check_errno(madvise(none, PAGE, MADV_POPULATE_READ), EINVAL);
	check_ok(munmap(p + 6 * PAGE, PAGE));
	check_errno(madvise(p, 8 * PAGE, MADV_POPULATE_WRITE), ENOMEM);
	check_equal(resident(p, 6), 6);
	check_ok(ftruncate(fd, PAGE));
	p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_errno(madvise(p, 2 * PAGE, MADV_POPULATE_READ), EFAULT);
	p = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	check_equal(resident(p, 8), 8);
}

static void advice_fork(void)
{
	char *gone = anon(PAGE), *wiped = anon(2 * PAGE), *back = anon(PAGE);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char *file;
	pid_t pid;

	check_ok(ftruncate(fd, PAGE));
	file = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	gone[0] = wiped[0] = wiped[PAGE] = back[0] = 7;
	check_ok(madvise(gone, PAGE, MADV_DONTFORK));
	check_ok(madvise(wiped, PAGE, MADV_WIPEONFORK));
	check_ok(madvise(back, PAGE, MADV_WIPEONFORK));
	check_ok(madvise(back, PAGE, MADV_KEEPONFORK));
	check_errno(madvise(file, PAGE, MADV_WIPEONFORK), EINVAL);
	check_errno(madvise(map(PAGE, PROT_READ, MAP_SHARED), PAGE, MADV_WIPEONFORK), EINVAL);
	pid = fork();
	if (pid == 0) {
		catch_faults();
		if (touch(gone, false) != SIGSEGV)
			_exit(1);
		if (wiped[0] != 0 || wiped[PAGE] != 7 || back[0] != 7)
			_exit(2);
		wiped[0] = 9;
		/* The flag is inherited. */
		pid = fork();
		if (pid == 0)
			_exit(wiped[0]);
		_exit(wait_for(pid) ? 3 : 0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(wiped[0], 7);
}

static void advice_drop(void)
{
	char *p = anon(4 * PAGE), *s = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), buf[4];
	int fd = open("data", O_CREAT | O_RDWR, 0600);

	memset(p, 5, 4 * PAGE);
	check_ok(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	check(p[0] == 5 && p[PAGE] == 0 && p[2 * PAGE] == 5);
	check_ok(madvise(p + 2 * PAGE, PAGE, MADV_FREE));
	check(p[2 * PAGE] == 5 || p[2 * PAGE] == 0);
	p[2 * PAGE] = 6;
	check_equal(p[2 * PAGE], 6);
	memset(s, 5, 2 * PAGE);
	check_ok(madvise(s, 2 * PAGE, MADV_DONTNEED));	/* shared pages stay what they are */
	check_equal(s[PAGE], 5);
	check_errno(madvise(s, PAGE, MADV_FREE), EINVAL);
	check_ok(madvise(s, PAGE, MADV_REMOVE));
	check(s[0] == 0 && s[PAGE] == 5);
	check_errno(madvise(p, PAGE, MADV_REMOVE), EINVAL);
	check_equal(write(fd, "file", 4), 4);
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 'F';
	check_ok(madvise(p, PAGE, MADV_DONTNEED));
	check_equal(p[0], 'f');
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[0] = 'G';
	check_ok(madvise(p, PAGE, MADV_DONTNEED));
	check_equal(p[0], 'G');
	check_ok(madvise(p, PAGE, MADV_PAGEOUT));
	check_equal(p[0], 'G');
	check_equal(pread(fd, buf, 4, 0), 4);
	check(!memcmp(buf, "Gile", 4));
}

/* Clean pages of a file go at once, and come back as they were; who may not write to the file changes nothing. */
static void advice_page_out(void)
{
	int fd = open("/root/advised", O_CREAT | O_RDWR, 0644);
	char *p, block[PAGE];

	check_ok(fd);
	memset(block, 'b', PAGE);
	for (int i = 0; i < 8; i++)
		check_equal(write(fd, block, PAGE), PAGE);
	check_ok(fsync(fd));
	p = mmap(0, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	for (int i = 0; i < 8; i++)
		check_equal(p[i * PAGE], 'b');
	check_ok(madvise(p, 8 * PAGE, MADV_COLD));
	check_equal(resident(p, 8), 8);
	/* One that another mapping shows too stays. */
	char *q = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 7 * PAGE);

	check_equal(q[0], 'b');
	check_ok(madvise(p, 8 * PAGE, MADV_PAGEOUT));
	check(resident(p, 7) <= 1);	/* somebody else may just look at one */
	check_equal(resident(q, 1), 1);
	for (int i = 0; i < 8; i++)
		check_equal(p[i * PAGE], 'b');
	check_ok(munmap(q, PAGE));
	unlink("/root/advised");
	drop_root();
	check_ok(madvise(p, 7 * PAGE, MADV_PAGEOUT));
	check_equal(resident(p, 7), 7);
}

static void advice_bad(void)
{
	char *p = anon(4 * PAGE);
	int hints[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_COLD, MADV_PAGEOUT, MADV_DONTDUMP, MADV_DODUMP,
			MADV_DONTNEED };

	for (unsigned i = 0; i < sizeof hints / sizeof *hints; i++) {
		check_ok(madvise(p, 4 * PAGE, hints[i]));
		check_ok(madvise(p, 0, hints[i]));
		check_errno(madvise(p + 1, PAGE, hints[i]), EINVAL);
		check_errno(madvise(p, -1ul, hints[i]), EINVAL);
		check_errno(madvise(p, -PAGE * 2ul, hints[i]), EINVAL);
	}
	check_ok(mlock(p, PAGE));
	check_errno(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	check_errno(madvise(p, PAGE, MADV_COLD), EINVAL);
	check_errno(madvise(p, PAGE, MADV_PAGEOUT), EINVAL);
	check_ok(munlock(p, PAGE));
	check_ok(munmap(p + PAGE, PAGE));
	p[2 * PAGE] = 1;
	check_errno(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	check_equal(p[2 * PAGE], 0);	/* what lies behind the hole was done all the same */
	check_errno(madvise(p, 4 * PAGE, MADV_DONTFORK), ENOMEM);
	check_errno(madvise(p + PAGE, PAGE, MADV_NORMAL), ENOMEM);
	check_errno(madvise(p, PAGE, 12345), EINVAL);
	check_errno(madvise(p, PAGE, -1), EINVAL);
}

static const struct test table[] = {
	{ "advice-populate", advice_populate }, { "advice-fork", advice_fork }, { "advice-drop", advice_drop },
	{ "advice-bad", advice_bad }, { "advice-page-out", advice_page_out },
	{ 0 },
};

TEST_MAIN(table)

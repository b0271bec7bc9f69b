/* SPDX-License-Identifier: BSD-2-Clause */
/* Locked memory: mlock, mlock2, mlockall, their limit; and mincore, which tells what is in memory. */
#include "memory.h"
#define ONFAULT 4	/* MCL_ONFAULT */

static void locking(void)
{
	char *p = anon(8 * PAGE), *q = anon(8 * PAGE);
	long before = field("/proc/self/status", "VmLck");

	check(before >= 0);
	check_ok(mlock(p + 10, 2 * PAGE));
	check_equal(resident(p, 8), 3);
	check_equal(field("/proc/self/status", "VmLck"), before + 12);
	check_ok(syscall(SYS_mlock2, q, 4 * PAGE, 1));
	check_equal(resident(q, 8), 0);
	q[0] = 1;
	check_equal(field("/proc/self/status", "VmLck"), before + 28);
	check_errno(syscall(SYS_mlock2, q, PAGE, 2), EINVAL);
	check_ok(munlock(p, 8 * PAGE));
	check_ok(munmap(q, 8 * PAGE));
	check_equal(field("/proc/self/status", "VmLck"), before);
	check_ok(munmap(p + 4 * PAGE, PAGE));
	check_errno(mlock(p, 8 * PAGE), ENOMEM);
	check_errno(munlock(p, 8 * PAGE), ENOMEM);
	check_errno(mlock((void *)-PAGE, 2 * PAGE), EINVAL);
	check_ok(mlock(p, 0));
	p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	check_equal(resident(p, 4), 4);
}

static void locking_all(void)
{
	char *p;

	check_errno(mlockall(0), EINVAL);
	check_errno(mlockall(ONFAULT), EINVAL);
	check_errno(mlockall(8), EINVAL);
	check_ok(mlockall(MCL_FUTURE | ONFAULT));
	p = anon(8 * PAGE);
	check_equal(resident(p, 8), 0);
	check(field("/proc/self/status", "VmLck") >= 32);
	check_ok(mlockall(MCL_FUTURE));
	p = anon(8 * PAGE);
	check_equal(resident(p, 8), 8);
	check_ok(mlockall(MCL_CURRENT));
	check(field("/proc/self/status", "VmLck") > 100);
	p = anon(8 * PAGE);
	check_equal(resident(p, 8), 0);
	check_ok(munlockall());
	check_equal(field("/proc/self/status", "VmLck"), 0);
}

static void locking_limit(void)
{
	struct rlimit l = { 4 * PAGE, 4 * PAGE };
	char *p = anon(8 * PAGE);

	check_ok(setrlimit(RLIMIT_MEMLOCK, &l));
	check_ok(mlock(p, 8 * PAGE));	/* root may */
	check_ok(munlock(p, 8 * PAGE));
	drop_root();
	check_ok(mlock(p, 4 * PAGE));
	check_ok(mlock(p, 4 * PAGE));	/* what is locked already counts once */
	check_errno(mlock(p + 4 * PAGE, PAGE), ENOMEM);
	check_errno(mlockall(MCL_CURRENT), ENOMEM);
	check(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN);
	check_ok(munlock(p, PAGE));
	check_ok(mlock(p + 4 * PAGE, PAGE));
	l.rlim_cur = 0;
	check_ok(setrlimit(RLIMIT_MEMLOCK, &l));
	check_errno(mlock(p, PAGE), EPERM);
	check_errno(mlockall(MCL_FUTURE), EPERM);
	check_errno(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EPERM);
}

static void in_core(void)
{
	char *p = anon(4 * PAGE), *hole = anon(2 * PAGE);
	unsigned char vec[8];
	int fd = open("cached", O_CREAT | O_RDWR, 0600);

	p[PAGE] = 1;
	check_ok(mincore(p, 3 * PAGE + 1, vec));
	check(!(vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1) && !(vec[3] & 1));
	check_errno(mincore(p + 1, PAGE, vec), EINVAL);
	check_errno(mincore(p, PAGE, (void *)8), EFAULT);
	check_errno(mincore(p, -1ul, vec), ENOMEM);
	check_ok(munmap(hole + PAGE, PAGE));
	check_errno(mincore(hole, 2 * PAGE, vec), ENOMEM);
	check_ok(mincore(p, 0, vec));
	check_ok(ftruncate(fd, 2 * PAGE));
	check_equal(pwrite(fd, "x", 1, PAGE), 1);
	p = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check_ok(mincore(p, 2 * PAGE, vec));
	check(vec[1] & 1);	/* in the page cache, though not in this table */
}

static const struct test table[] = {
	{ "locking", locking }, { "locking-all", locking_all }, { "locking-limit", locking_limit },
	{ "mincore", in_core },
	{ 0 },
};

TEST_MAIN(table)

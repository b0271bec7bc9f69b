/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory files and their seals. */
#include "memory.h"
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif

static void memfd(void)
{
	char name[251], *p;
	int fd = memfd_create("test", MFD_CLOEXEC);
	char link[64], text[64] = "";

	check_ok(fd);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	check_ok(readlink(link, text, sizeof text - 1));
	check(!strcmp(text, "/memfd:test (deleted)"));
	check_ok(ftruncate(fd, 2 * PAGE));
	p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	p[PAGE] = 'm';
	check_equal(pread(fd, text, 1, PAGE), 1);
	check_equal(text[0], 'm');
	memset(name, 'n', 250);
	name[250] = 0;
	check_errno(memfd_create(name, 0), EINVAL);
	name[249] = 0;
	check_ok(memfd_create(name, 0));
	check_errno(memfd_create("x", 0x8000), EINVAL);
	check_errno(memfd_create((char *)8, 0), EFAULT);
	check_errno(fcntl(open("plain", O_CREAT | O_RDWR, 0600), F_GET_SEALS), EINVAL);
}

static void memfd_seals(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING), ro;
	char *p, *q, path[64];

	check_equal(fcntl(fd, F_GET_SEALS), 0);
	check_ok(ftruncate(fd, 2 * PAGE));
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	check_errno(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	check_errno(ftruncate(fd, PAGE), EPERM);
	check_ok(ftruncate(fd, 3 * PAGE));
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	check_errno(ftruncate(fd, 4 * PAGE), EPERM);
	check_errno(pwrite(fd, "x", 1, 3 * PAGE), EPERM);
	check_errno(fallocate(fd, 0, 0, 4 * PAGE), EPERM);
	check_equal(pwrite(fd, "x", 1, 0), 1);
	check_ok(munmap(p, PAGE));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	check_ok(ro);
	check_errno(fcntl(ro, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	q = mmap(0, PAGE, PROT_READ, MAP_SHARED, ro, 0);	/* readers do not stand in the way */
	check(q != MAP_FAILED);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	check_errno(write(fd, "x", 1), EPERM);
	check_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	check(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	check_equal(q[0], 'x');
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check(p != MAP_FAILED);
	p[0] = 'y';
	check_equal(q[0], 'x');
	check_errno(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	check_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

static void memfd_future_write(void)
{
	int fd = memfd_create("future", MFD_ALLOW_SEALING);
	char *p, *q;

	check_ok(ftruncate(fd, PAGE));
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'w';	/* who had it mapped may go on */
	check_errno(write(fd, "x", 1), EPERM);
	check(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	q = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check(q != MAP_FAILED && q[0] == 'w');
	check_errno(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

static const struct test table[] = {
	{ "memfd", memfd }, { "memfd-seals", memfd_seals }, { "memfd-future-write", memfd_future_write },
	{ 0 },
};

TEST_MAIN(table)

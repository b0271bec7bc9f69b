/* SPDX-License-Identifier: BSD-2-Clause */
/* openat2: its arguments, and where a path may not lead. */
#include "test.h"
#include <sys/mount.h>
#include <sys/syscall.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16, CACHED = 32 };

struct how {
	uint64_t flags, mode, resolve, more;
};

static int open2(int dir, const char *path, int flags, int mode, int resolve)
{
	struct how h = { (uint64_t)flags, (uint64_t)mode, (uint64_t)resolve, 0 };

	return (int)syscall(SYS_openat2, dir, path, &h, 24);
}

/* Opens and closes; 0 or -1. */
static int reach(int dir, const char *path, int resolve)
{
	int fd = open2(dir, path, O_RDONLY, 0, resolve);

	return fd < 0 ? -1 : close(fd);
}

static int top;

/* Each case in a folder of its own. */
static void set_up(const char *name)
{
	check_ok(mkdir(name, 0755));
	check_ok(chdir(name));
	check_ok(mkdir("top", 0755));
	check_ok(mkdir("top/dir", 0755));
	check_ok(mkdir("top/dir/deep", 0755));
	check_equal(close(open("top/file", O_CREAT | O_RDWR, 0644)), 0);
	check_equal(close(open("outside", O_CREAT | O_RDWR, 0644)), 0);
	check_ok(symlink("file", "top/link"));
	check_ok(symlink("../outside", "top/out"));
	check_ok(symlink("/file", "top/absolute"));
	check_ok(symlink("/proc/self/exe", "top/magic"));
	check_ok(symlink("dir/deep", "top/way"));
	top = open("top", O_RDONLY | O_DIRECTORY);
	check(top >= 0);
}

static void arguments(void)
{
	struct how h = { .flags = O_RDONLY };
	int fd;

	set_up("arguments");
	check_errno(syscall(SYS_openat2, top, "file", &h, 23), EINVAL);
	check_errno(syscall(SYS_openat2, top, "file", (void *)8, 24), EFAULT);
	check_equal(close((int)syscall(SYS_openat2, top, "file", &h, 32)), 0);
	h.more = 1;
	check_errno(syscall(SYS_openat2, top, "file", &h, 32), E2BIG);
	check_errno(open2(top, "file", O_RDONLY, 0644, 0), EINVAL);
	check_errno(open2(top, "new", O_CREAT | O_RDWR, 010000, 0), EINVAL);
	check_errno(open2(top, "file", O_RDONLY, 0, 0x100), EINVAL);
	check_errno(open2(top, "file", O_RDONLY, 0, BENEATH | IN_ROOT), EINVAL);
	check_errno(open2(top, "file", O_PATH | O_RDWR, 0, 0), EINVAL);
	h = (struct how){ .flags = 1ull << 40 };
	check_errno(syscall(SYS_openat2, top, "file", &h, 24), EINVAL);
	fd = open2(top, "new", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, BENEATH);
	check(fd >= 0);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_errno(open2(top, "new", O_CREAT | O_EXCL | O_RDWR, 0600, BENEATH), EEXIST);
	check_errno(open2(top, "none", O_RDONLY, 0, BENEATH), ENOENT);
}

static void beneath(void)
{
	set_up("beneath");
	check_ok(reach(top, "file", BENEATH));
	check_ok(reach(top, ".", BENEATH));
	check_ok(reach(top, "link", BENEATH));
	check_ok(reach(top, "dir/../file", BENEATH));
	check_ok(reach(top, "dir/deep/../../file", BENEATH));
	check_ok(reach(top, "way/../deep", BENEATH));
	check_errno(reach(top, "..", BENEATH), EXDEV);
	check_errno(reach(top, "../top/file", BENEATH), EXDEV);
	check_errno(reach(top, "dir/../../outside", BENEATH), EXDEV);
	check_errno(reach(top, "out", BENEATH), EXDEV);
	check_errno(reach(top, "absolute", BENEATH), EXDEV);
	check_errno(reach(top, "magic", BENEATH), EXDEV);
	check_errno(reach(top, "/file", BENEATH), EXDEV);
	check_errno(open2(top, "out", O_CREAT | O_RDWR, 0600, BENEATH), EXDEV);
	check_ok(reach(AT_FDCWD, "top/link", BENEATH));
	check_errno(reach(AT_FDCWD, "..", BENEATH), EXDEV);
}

static void in_root(void)
{
	struct stat a, b;
	int fd;

	set_up("in_root");
	check_ok(reach(top, "/file", IN_ROOT));
	check_ok(reach(top, "absolute", IN_ROOT));
	check_ok(reach(top, "../../file", IN_ROOT));
	check_ok(reach(top, "dir/../../file", IN_ROOT));
	check_errno(reach(top, "out", IN_ROOT), ENOENT);
	check_errno(reach(top, "/top/file", IN_ROOT), ENOENT);
	fd = open2(top, "/..", O_PATH, 0, IN_ROOT);
	check(fd >= 0);
	check_ok(fstat(fd, &a));
	check_ok(fstat(top, &b));
	check(a.st_ino == b.st_ino);
	fd = open2(top, "/", O_PATH, 0, IN_ROOT);
	check_ok(fstat(fd, &a));
	check(a.st_ino == b.st_ino);
	/* A link that leads nowhere is made where it points within the root. */
	check_ok(symlink("/made", "top/dangling"));
	fd = open2(top, "dangling", O_CREAT | O_RDWR, 0600, IN_ROOT);
	check(fd >= 0);
	check_ok(access("top/made", F_OK));
}

static void no_links(void)
{
	int fd;

	set_up("no_links");
	check_ok(reach(top, "file", NO_SYMLINKS));
	check_errno(reach(top, "link", NO_SYMLINKS), ELOOP);
	check_errno(reach(top, "way/../deep", NO_SYMLINKS), ELOOP);
	check_ok(reach(top, "link", NO_MAGICLINKS));
	check_errno(reach(AT_FDCWD, "/proc/self/exe", NO_MAGICLINKS), ELOOP);
	check_ok(reach(AT_FDCWD, "/proc/self/exe", 0));
	check_ok(reach(AT_FDCWD, "/proc/self/status", NO_MAGICLINKS));
	check_errno(reach(AT_FDCWD, "/proc/self/status", NO_SYMLINKS), ELOOP);
	/* The link itself may be had. */
	fd = open2(top, "link", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS);
	check(fd >= 0);
}

static void no_mounts(void)
{
	set_up("no_mounts");
	check_ok(mount("t", "top/dir", "tmpfs", 0, NULL));
	check_ok(mkdir("top/dir/in", 0755));
	check_ok(reach(top, "file", NO_XDEV));
	check_errno(reach(top, "dir", NO_XDEV), EXDEV);
	check_errno(reach(top, "dir/in", NO_XDEV), EXDEV);
	check_errno(reach(top, "dir/../file", NO_XDEV), EXDEV);
	int dir = open("top/dir", O_RDONLY);

	check_ok(reach(dir, "in/..", NO_XDEV));
	check_errno(reach(dir, "..", NO_XDEV), EXDEV);
	check_errno(reach(AT_FDCWD, "/proc/self", NO_XDEV), EXDEV);
	close(dir);
	check_ok(umount("top/dir"));
}

static void cached(void)
{
	set_up("cached");
	check_ok(reach(top, "file", 0));
	check_ok(reach(top, "file", CACHED));
	check_errno(open2(top, "file", O_RDWR | O_TRUNC, 0, CACHED), EAGAIN);
	check_errno(open2(top, "x", O_RDWR | O_CREAT, 0600, CACHED), EAGAIN);
}

static const struct test table[] = {
	{ "arguments", arguments }, { "beneath", beneath }, { "in-root", in_root }, { "no-links", no_links },
	{ "no-mounts", no_mounts }, { "cached", cached }, { 0 },
};

TEST_MAIN(table)

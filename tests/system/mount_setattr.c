/* SPDX-License-Identifier: BSD-2-Clause */
/* mount_setattr: flags of one mount and of a tree, access times, propagation, and what is refused. */
#include "test.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define SYS_setattr 442
#define RECURSIVE 0x8000
#define RDONLY 1
#define NOSUID 2
#define NODEV 4
#define NOEXEC 8
#define ATIME 0x70
#define NOATIME 0x10
#define STRICTATIME 0x20
#define NODIRATIME 0x80

struct attr {
	uint64_t set, clear, propagation, userns;
};

static long change(const char *path, unsigned flags, struct attr a)
{
	return syscall(SYS_setattr, AT_FDCWD, path, flags, &a, sizeof a);
}

static long set(const char *path, unsigned flags, uint64_t bits) { return change(path, flags, (struct attr){ .set = bits }); }
static long clear(const char *path, unsigned flags, uint64_t bits) { return change(path, flags, (struct attr){ .clear = bits }); }

static unsigned long flags_of(const char *path)
{
	struct statvfs v;

	check_ok(statvfs(path, &v));
	return v.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME | ST_RELATIME);
}

/* a, with a/b and a/b/c on it, in a directory and a namespace of its own that shares with nobody */
static void tree(void)
{
	char dir[] = "case-XXXXXX";

	check(mkdtemp(dir));
	check_ok(chdir(dir));
	check_ok(unshare(CLONE_NEWNS));
	check_ok(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	check_ok(mkdir("a", 0755));
	check_ok(mount("one", "a", "tmpfs", 0, NULL));
	check_ok(mkdir("a/b", 0755));
	check_ok(mount("two", "a/b", "tmpfs", MS_NODEV, NULL));
	check_ok(mkdir("a/b/c", 0755));
	check_ok(mount("three", "a/b/c", "tmpfs", 0, NULL));
}

static void one_mount(void)
{
	tree();
	check_equal(flags_of("a"), ST_RELATIME);
	check_ok(set("a", 0, RDONLY | NOSUID));
	check_equal(flags_of("a"), ST_RELATIME | ST_RDONLY | ST_NOSUID);
	check_equal(flags_of("a/b"), ST_RELATIME | ST_NODEV);
	check_errno(mkdir("a/x", 0755), EROFS);
	check_ok(mkdir("a/b/x", 0755));
	check_ok(change("a", 0, (struct attr){ .set = NOEXEC, .clear = RDONLY }));
	check_equal(flags_of("a"), ST_RELATIME | ST_NOSUID | ST_NOEXEC);
	check_ok(mkdir("a/x", 0755));
	/* what is cleared and set is set */
	check_ok(change("a", 0, (struct attr){ .set = RDONLY, .clear = RDONLY | NOSUID | NOEXEC }));
	check_equal(flags_of("a"), ST_RELATIME | ST_RDONLY);
}

/* Another mount of the same file system keeps its flags. */
static void bound_elsewhere(void)
{
	tree();
	check_ok(mkdir("d", 0755));
	check_ok(mount("a", "d", NULL, MS_BIND, NULL));
	check_ok(set("d", 0, RDONLY));
	check_equal(flags_of("d"), ST_RELATIME | ST_RDONLY);
	check_equal(flags_of("a"), ST_RELATIME);
	check_errno(mkdir("d/y", 0755), EROFS);
	check_ok(mkdir("a/y", 0755));
	check_ok(access("d/y", F_OK));
}

static void whole_tree(void)
{
	tree();
	check_ok(set("a", RECURSIVE, RDONLY));
	check_equal(flags_of("a"), ST_RELATIME | ST_RDONLY);
	check_equal(flags_of("a/b"), ST_RELATIME | ST_RDONLY | ST_NODEV);
	check_equal(flags_of("a/b/c"), ST_RELATIME | ST_RDONLY);
	check_ok(clear("a/b", RECURSIVE, RDONLY | NODEV));
	check_equal(flags_of("a"), ST_RELATIME | ST_RDONLY);
	check_equal(flags_of("a/b"), ST_RELATIME);
	check_equal(flags_of("a/b/c"), ST_RELATIME);
	check_errno(mkdir("a/z", 0755), EROFS);
	check_ok(mkdir("a/b/c/z", 0755));
	check_equal(flags_of("/") & ST_RDONLY, 0);
}

static void access_times(void)
{
	tree();
	check_ok(change("a", 0, (struct attr){ .set = NOATIME | NODIRATIME, .clear = ATIME }));
	check_equal(flags_of("a"), ST_NOATIME | ST_NODIRATIME);
	check_ok(change("a", 0, (struct attr){ .set = STRICTATIME, .clear = ATIME | NODIRATIME }));
	check_equal(flags_of("a"), 0);
	check_ok(change("a", 0, (struct attr){ .clear = ATIME }));
	check_equal(flags_of("a"), ST_RELATIME);
	/* the choice has to be taken back first, and whole */
	check_errno(set("a", 0, NOATIME), EINVAL);
	check_errno(change("a", 0, (struct attr){ .set = NOATIME, .clear = NOATIME }), EINVAL);
	check_errno(change("a", 0, (struct attr){ .set = NOATIME | STRICTATIME, .clear = ATIME }), EINVAL);
	check_equal(flags_of("a"), ST_RELATIME);
}

static bool is_shared(const char *end)
{
	static char text[65536];
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	ssize_t got, n = 0;
	bool shared = false;

	while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char point[300];

		if (sscanf(line, "%*d %*d %*s %*s %299s", point) == 1 && strlen(point) > strlen(end) &&
		    !strcmp(point + strlen(point) - strlen(end), end))
			shared = strstr(line, " shared:");
	}
	return shared;
}

static void propagation(void)
{
	tree();
	check(!is_shared("/a") && !is_shared("/a/b"));
	check_ok(change("a", 0, (struct attr){ .propagation = MS_SHARED }));
	check(is_shared("/a") && !is_shared("/a/b"));
	check_ok(change("a", RECURSIVE, (struct attr){ .propagation = MS_SHARED, .set = NOEXEC }));
	check(is_shared("/a") && is_shared("/a/b") && is_shared("/a/b/c"));
	check_equal(flags_of("a/b/c"), ST_RELATIME | ST_NOEXEC);
	check_ok(change("a/b", RECURSIVE, (struct attr){ .propagation = MS_PRIVATE }));
	check(is_shared("/a") && !is_shared("/a/b") && !is_shared("/a/b/c"));
	check_errno(change("a", 0, (struct attr){ .propagation = MS_PRIVATE | MS_SHARED }), EINVAL);
	check_errno(change("a", 0, (struct attr){ .propagation = MS_BIND }), EINVAL);
}

static void sizes(void)
{
	struct { struct attr a; uint64_t more[2]; } big = { .a.set = RDONLY };

	tree();
	check_errno(syscall(SYS_setattr, AT_FDCWD, "a", 0, &big, 31), EINVAL);
	check_errno(syscall(SYS_setattr, AT_FDCWD, "a", 0, &big, 0), EINVAL);
	check_errno(syscall(SYS_setattr, AT_FDCWD, "a", 0, &big, 65536), E2BIG);
	check_ok(syscall(SYS_setattr, AT_FDCWD, "a", 0, &big, sizeof big));
	check_equal(flags_of("a"), ST_RELATIME | ST_RDONLY);
	big.more[1] = 1;
	check_errno(syscall(SYS_setattr, AT_FDCWD, "a", 0, &big, sizeof big), E2BIG);
	check_errno(syscall(SYS_setattr, AT_FDCWD, "a", 0, (void *)8, 32), EFAULT);
	check_errno(syscall(SYS_setattr, AT_FDCWD, (void *)8, 0, &big, 32), EFAULT);
}

static void refused(void)
{
	int fd;

	tree();
	check_ok(change("nowhere", 0, (struct attr){ 0 }));	/* nothing is asked: nothing is looked at */
	check_errno(set("nowhere", 0, RDONLY), ENOENT);
	check_errno(set("a/..", 0, RDONLY), EINVAL);	/* no mount's top */
	check_errno(set("a", AT_REMOVEDIR, RDONLY), EINVAL);
	check_errno(set("a", 0, 1ull << 40), EINVAL);
	check_errno(clear("a", 0, 1ull << 40), EINVAL);
	check_errno(set("", 0, RDONLY), ENOENT);
	check((fd = open("a", O_PATH)) >= 0);
	check_ok(syscall(SYS_setattr, fd, "", AT_EMPTY_PATH, &(struct attr){ .set = NODEV }, 32));
	check_equal(flags_of("a"), ST_RELATIME | ST_NODEV);
	check_ok(symlink("a", "link"));
	check_errno(set("link", AT_SYMLINK_NOFOLLOW, RDONLY), EINVAL);
	check_ok(set("link", 0, NOSUID));
	check_equal(flags_of("a"), ST_RELATIME | ST_NODEV | ST_NOSUID);
	/* a mount that is gone from the tree */
	check_ok(umount2("a", MNT_DETACH));
	check_errno(syscall(SYS_setattr, fd, "", AT_EMPTY_PATH, &(struct attr){ .set = NOEXEC }, 32), EINVAL);
	check_ok(setuid(1000));
	check_errno(change("nowhere", 0, (struct attr){ 0 }), EPERM);
}

static const struct test tests[] = {
	{ "one-mount", one_mount }, { "bound-elsewhere", bound_elsewhere }, { "whole-tree", whole_tree },
	{ "access-times", access_times }, { "propagation", propagation }, { "sizes", sizes }, { "refused", refused }, { 0 },
};

TEST_MAIN(tests)

/* SPDX-License-Identifier: BSD-2-Clause */
/* mount, umount2, bind mounts, moving, propagation words, pivot_root, and how /proc/self/mountinfo shows them. */
#include "test.h"
#include <sys/mount.h>
#include <sys/syscall.h>

#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0644);

	check(fd >= 0);
	close(fd);
}

static bool exists(const char *path) { return !access(path, F_OK); }

/* The line of /proc/self/mountinfo whose mount point ends with suffix (the last one); empty: none. */
static const char *shown(const char *suffix)
{
	static char text[65536], found[500];
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	text[n] = found[0] = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char root[200], point[200];

		check_equal(sscanf(line, "%*d %*d %*s %199s %199s", root, point), 2);
		if (strlen(point) >= strlen(suffix) && !strcmp(point + strlen(point) - strlen(suffix), suffix))
			snprintf(found, sizeof found, "%s", line);
	}
	return found;
}

static void binds(void)
{
	struct stat a, b;

	check_ok(mkdir("a", 0755));
	check_ok(mkdir("b", 0755));
	touch("a/file");
	touch("plain");
	check_ok(mount("a", "b", NULL, MS_BIND, NULL));
	check(exists("b/file"));
	check(strstr(shown("/b"), "/a "));
	check_ok(stat("a", &a));
	check_ok(stat("b", &b));
	check(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	touch("b/new");
	check(exists("a/new"));
	check_errno(rmdir("b"), EBUSY);
	check_errno(rename("a/new", "b/newer"), EXDEV);
	/* Read-only through this mount alone. */
	check_ok(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	check_errno(open("b/x", O_CREAT | O_RDWR, 0600), EROFS);
	touch("a/x");
	check(strstr(shown("/b"), " ro,"));
	check_ok(umount("b"));
	check(!exists("b/file"));
	check_errno(umount("b"), EINVAL);
	/* A file over a file, not over a directory. */
	touch("cover");
	check_ok(mount("plain", "cover", NULL, MS_BIND, NULL));
	check_ok(umount("cover"));
	check_errno(mount("plain", "a", NULL, MS_BIND, NULL), ENOTDIR);
	check_errno(mount("a", "plain", NULL, MS_BIND, NULL), ENOTDIR);
	check_errno(mount("none", "a", NULL, MS_BIND, NULL), ENOENT);
}

static void recursive(void)
{
	check_ok(mkdir("src", 0755));
	check_ok(mkdir("dst", 0755));
	check_ok(mount("t1", "src", "tmpfs", 0, NULL));
	check_ok(mkdir("src/in", 0755));
	check_ok(mount("t2", "src/in", "tmpfs", 0, NULL));
	check_ok(mkdir("src/in/deep", 0755));
	check_ok(mount("t3", "src/in/deep", "tmpfs", 0, NULL));
	touch("src/in/deep/file");
	check_ok(mount("src", "dst", NULL, MS_BIND, NULL));
	check(exists("dst/in") && !exists("dst/in/deep"));
	check_ok(umount("dst"));
	check_ok(mount("src", "dst", NULL, MS_BIND | MS_REC, NULL));
	check(exists("dst/in/deep/file"));
	check(*shown("/dst/in/deep"));
	check_errno(umount("dst"), EBUSY);
	/* The copies are mounts of their own. */
	check_ok(umount("dst/in/deep"));
	check(exists("src/in/deep/file"));
	check_ok(umount2("dst", MNT_DETACH));
	check(!*shown("/dst/in"));
	/* Into itself: what is copied is what was there. */
	check_ok(mkdir("src/self", 0755));
	check_ok(mount("src", "src/self", NULL, MS_BIND | MS_REC, NULL));
	check(exists("src/self/in/deep/file"));
	check(exists("src/self/self") && !exists("src/self/self/in"));
	check_ok(umount2("src", MNT_DETACH));
	check(!exists("src/in"));
}

static void propagation(void)
{
	check_ok(mkdir("p", 0755));
	check_ok(mkdir("q", 0755));
	check_errno(mount(NULL, "p", NULL, MS_PRIVATE, NULL), EINVAL);	/* no mount */
	check_ok(mount("t", "p", "tmpfs", 0, NULL));
	check_ok(mount(NULL, "p", NULL, MS_PRIVATE, NULL));
	check_ok(mount(NULL, "p", NULL, MS_PRIVATE | MS_REC, NULL));
	check_ok(mount(NULL, "p", NULL, MS_SLAVE, NULL));
	check_errno(mount(NULL, "p", NULL, MS_PRIVATE | MS_SLAVE, NULL), EINVAL);
	check_errno(mount(NULL, "p", NULL, MS_PRIVATE | MS_RDONLY, NULL), EINVAL);
	check_ok(mkdir("p/in", 0755));
	check_ok(mount("t", "p/in", "tmpfs", 0, NULL));
	check_ok(mount(NULL, "p/in", NULL, MS_UNBINDABLE, NULL));
	check(strstr(shown("/p/in"), "unbindable"));
	check_errno(mount("p/in", "q", NULL, MS_BIND, NULL), EINVAL);
	touch("p/in/file");
	check_ok(mount("p", "q", NULL, MS_BIND | MS_REC, NULL));
	check(exists("q/in") && !exists("q/in/file"));
	check_ok(umount("q"));
	check_ok(mount(NULL, "p", NULL, MS_PRIVATE | MS_REC, NULL));
	check_ok(mount("p/in", "q", NULL, MS_BIND, NULL));
	check_ok(umount("q"));
	check_ok(umount2("p", MNT_DETACH));
}

static void moves(void)
{
	check_ok(mkdir("from", 0755));
	check_ok(mkdir("to", 0755));
	check_ok(mount("t", "from", "tmpfs", 0, NULL));
	touch("from/file");
	check_ok(mkdir("from/sub", 0755));
	check_errno(mount("from/sub", "to", NULL, MS_MOVE, NULL), EINVAL);
	check_errno(mount("from", "from/sub", NULL, MS_MOVE, NULL), ELOOP);
	check_ok(mount("from", "to", NULL, MS_MOVE, NULL));
	check(exists("to/file") && !exists("from/file"));
	check(*shown("/to") && !*shown("/from"));
	check_ok(umount("to"));
}

static void unmounting(void)
{
	int fd;

	check_ok(mkdir("m", 0755));
	check_ok(symlink("m", "link"));
	check_ok(mount("t", "m", "tmpfs", 0, NULL));
	fd = open("m/file", O_CREAT | O_RDWR, 0600);
	check(fd >= 0);
	check_errno(umount("m"), EBUSY);
	check_errno(umount2("link", UMOUNT_NOFOLLOW), EINVAL);
	check_errno(umount2("m", 0x100), EINVAL);
	check_errno(umount("nothing"), ENOENT);
	check_errno(umount("m/file"), EINVAL);
	/* Detached, it lives on for those who have it. */
	check_ok(umount2("m", MNT_DETACH));
	check(!exists("m/file"));
	check_equal(write(fd, "x", 1), 1);
	close(fd);
	check_ok(mount("t", "m", "tmpfs", 0, NULL));
	check_ok(mount("t", "m", "tmpfs", 0, NULL));	/* one over the other */
	touch("m/upper");
	check_ok(umount("link"));
	check(!exists("m/upper"));
	check_ok(umount("m"));
}

static void who(void)
{
	pid_t pid;

	check_ok(mkdir("mine", 0755));
	/* Who may not even look does not learn that he may not mount. */
	pid = fork();
	if (pid == 0) {
		check_ok(setuid(1000));
		check_errno(mount("t", "mine", "tmpfs", 0, NULL), EACCES);
		check_errno(umount("mine"), EACCES);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_ok(chmod(".", 0755));
	pid = fork();
	if (pid == 0) {
		check_ok(setuid(1000));
		check_errno(mount("t", "mine", "tmpfs", 0, NULL), EPERM);
		check_errno(umount("mine"), EPERM);
		check_errno(syscall(SYS_pivot_root, "mine", "mine"), EPERM);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void pivot(void)
{
	char here[200], back[300];

	check(getcwd(here, sizeof here));
	check_ok(mkdir("new", 0755));
	check_ok(mkdir("flat", 0755));
	check_errno(syscall(SYS_pivot_root, "flat", "flat"), EBUSY);	/* on the root's own mount */
	check_ok(mount("t", "new", "tmpfs", 0, NULL));
	check_errno(syscall(SYS_pivot_root, "new", "flat"), EBUSY);
	check_ok(mkdir("new/old", 0755));
	check_ok(mkdir("new/dir", 0755));
	touch("new/file");
	check_errno(syscall(SYS_pivot_root, "new/dir", "new/old"), EINVAL);
	check_errno(syscall(SYS_pivot_root, "new", "new/none"), ENOENT);
	check_errno(syscall(SYS_pivot_root, "new/file", "new/old"), ENOTDIR);
	check_ok(syscall(SYS_pivot_root, "new", "new/old"));
	check(exists("/file"));
	check(exists("/old/proc"));
	/* Our directory is where it was, seen from the new root. */
	check(exists("new"));
	snprintf(back, sizeof back, "/old%s/new", here);
	check(exists(back));
	check_ok(chdir("/"));
	check(exists("file"));
	check_ok(syscall(SYS_pivot_root, "/old", back));
	check_ok(chdir(here));
	check(exists("new/file"));
	check(exists("/proc/self"));
	check_ok(umount("new"));
}

static const struct test table[] = {
	{ "binds", binds }, { "recursive", recursive }, { "propagation", propagation }, { "moves", moves },
	{ "unmounting", unmounting }, { "who", who }, { "pivot", pivot }, { 0 },
};

TEST_MAIN(table)

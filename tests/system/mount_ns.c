/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount namespaces (mount_namespaces(7)): clone, unshare, setns, /proc/PID/ns/mnt, what propagates between them, how they end. */
#include "test.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x20000
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static bool exists(const char *path) { return !access(path, F_OK); }
static void tmpfs(const char *name) { check_ok(mount("t", name, "tmpfs", 0, NULL)); }

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0644);

	check(fd >= 0);
	close(fd);
}

static bool shows(const char *file, const char *words)
{
	static char text[1 << 18];
	int fd = open(file, O_RDONLY);
	ssize_t n = 0, more;

	check(fd >= 0);
	while ((more = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
		n += more;
	text[n] = 0;
	close(fd);
	return strstr(text, words) != 0;
}

static unsigned long ns_of(const char *path)
{
	struct stat st;

	check_ok(stat(path, &st));
	return st.st_ino;
}

/* Runs fn in a child that has a namespace of its own; the child's pid. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(unshare(CLONE_NEWNS));
		fn();
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void make(void)
{
	check(!mkdir("w", 0755) || errno == EEXIST);
	tmpfs("w");
	check_ok(mount(NULL, "w", NULL, MS_PRIVATE, NULL));
	check_ok(mkdir("w/a", 0755));
	check_ok(mkdir("w/b", 0755));
}

static void inside_alone(void)
{
	tmpfs("w/a");
	touch("w/a/mine");
	check(shows("/proc/self/mountinfo", "/w/a "));
	check(exists("w/a/mine"));
	check_ok(umount("w/b"));
}

static void alone(void)
{
	make();
	tmpfs("w/b");
	touch("w/b/file");
	in_child(inside_alone);
	check(!exists("w/a/mine") && exists("w/b/file") && !shows("/proc/self/mountinfo", "/w/a "));
	check_ok(umount("w/b"));
	check_ok(umount("w"));
}

static int pipes[2][2];

static void tell(int i) { check_equal(write(pipes[i][1], "x", 1), 1); }
static void wait_told(int i)
{
	char c;

	check_equal(read(pipes[i][0], &c, 1), 1);
}

/* Shared before: peers in both. A slave gets only. */
static void propagates(void)
{
	pid_t pid;

	make();
	check_ok(mount(NULL, "w", NULL, MS_SHARED, NULL));
	check_ok(pipe(pipes[0]));
	check_ok(pipe(pipes[1]));
	pid = fork();
	if (pid == 0) {
		check_ok(unshare(CLONE_NEWNS));
		tmpfs("w/a");
		touch("w/a/from-child");
		tell(0);
		wait_told(1);
		check(exists("w/b/from-parent"));
		check_ok(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL));
		check_ok(umount("w/a"));
		tell(0);
		wait_told(1);
		check(!exists("w/b/from-parent"));
		tmpfs("w/b");
		touch("w/b/own");
		tell(0);
		wait_told(1);
		_exit(0);
	}
	wait_told(0);
	check(exists("w/a/from-child"));
	tmpfs("w/b");
	touch("w/b/from-parent");
	tell(1);
	wait_told(0);
	check(exists("w/a/from-child"));	/* a slave's umount stays with it */
	check_ok(umount("w/b"));
	tell(1);
	wait_told(0);
	check(!exists("w/b/own"));
	tell(1);
	check_equal(wait_for(pid), 0);
	check_ok(umount("w/a"));
	check_ok(umount("w"));
}

static void files(void)
{
	char text[100], want[100];
	unsigned long mine = ns_of("/proc/self/ns/mnt");
	ssize_t n = readlink("/proc/self/ns/mnt", text, sizeof text - 1);
	pid_t pid;
	int fd;

	check(n > 0);
	text[n] = 0;
	snprintf(want, sizeof want, "mnt:[%lu]", mine);
	check(!strcmp(text, want));
	check_ok(pipe(pipes[0]));
	check_ok(pipe(pipes[1]));
	make();
	pid = fork();
	if (pid == 0) {
		check_equal(ns_of("/proc/self/ns/mnt"), mine);
		check_ok(unshare(CLONE_NEWNS));
		check(ns_of("/proc/self/ns/mnt") != mine);
		check(ns_of("/proc/thread-self/ns/mnt") != mine);
		tmpfs("w/a");
		touch("w/a/file");
		tell(0);
		wait_told(1);
		_exit(0);
	}
	wait_told(0);
	snprintf(text, sizeof text, "/proc/%d/ns/mnt", pid);
	check(ns_of(text) != mine);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	check(fd >= 0);
	check_errno(read(fd, want, 1), EINVAL);
	snprintf(want, sizeof want, "/proc/%d/mountinfo", pid);
	check(shows(want, "/w/a ") && !shows("/proc/self/mountinfo", "/w/a "));
	snprintf(want, sizeof want, "/proc/%d/mounts", pid);
	check(shows(want, "/w/a "));
	snprintf(want, sizeof want, "/proc/%d/mountstats", pid);
	check(shows(want, "/w/a with fstype tmpfs"));
	tell(1);
	check_equal(wait_for(pid), 0);
	/* Nobody is in it, but the file is open. */
	pid = fork();
	if (pid == 0) {
		char here[200];

		check(getcwd(here, sizeof here));
		check_errno(setns(fd, CLONE_NEWUTS), EINVAL);
		check_ok(setns(fd, CLONE_NEWNS));
		check(exists("/proc/self"));
		check(getcwd(want, sizeof want) && !strcmp(want, "/"));
		check_ok(chdir(here));
		check(exists("w/a/file"));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	/* Bound to a file, it lives without that. */
	touch("w/ns");
	check_ok(mount(text, "w/b", NULL, MS_BIND, NULL) == -1 ? 0 : -1);	/* the process has gone */
	snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
	check_errno(mount(text, "w/b", NULL, MS_BIND, NULL), ENOTDIR);
	check_ok(mount(text, "w/ns", NULL, MS_BIND, NULL));
	check(shows("/proc/self/mountinfo", "/w/ns rw") && shows("/proc/self/mountinfo", " - nsfs nsfs rw"));
	close(fd);
	pid = fork();
	if (pid == 0) {
		char here[200];

		check(getcwd(here, sizeof here));
		fd = open("w/ns", O_RDONLY);
		check_ok(setns(fd, 0));
		check_ok(chdir(here));
		check(exists("w/a/file"));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	/* A copy of this namespace has no such mount; one cannot hold itself. */
	pid = fork();
	if (pid == 0) {
		check_ok(unshare(CLONE_NEWNS));
		check(!shows("/proc/self/mountinfo", " - nsfs"));
		check_errno(mount("/proc/self/ns/mnt", "w/ns", NULL, MS_BIND, NULL), EINVAL);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_errno(mount("/proc/self/ns/mnt", "w/ns", NULL, MS_BIND, NULL), EINVAL);
	check_ok(umount("w/ns"));
	check_ok(umount("w"));
}

static long new_process(unsigned long flags) { return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }

static void flags(void)
{
	pid_t pid;
	unsigned long mine = ns_of("/proc/self/ns/mnt");

	check_errno(new_process(CLONE_NEWNS | CLONE_FS), EINVAL);
	pid = (pid_t)new_process(CLONE_NEWNS);
	check(pid >= 0);
	if (pid == 0)
		_exit(ns_of("/proc/self/ns/mnt") == mine);
	check_equal(wait_for(pid), 0);
	check_errno(unshare(0x1), EINVAL);
	check_ok(unshare(0));
	check_ok(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));
	check_ok(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM));
	/* Directory and descriptors shared, then not. */
	pid = (pid_t)new_process(CLONE_FS | CLONE_FILES);
	check(pid >= 0);
	if (pid == 0) {
		check_errno(setns(open("/proc/self/ns/mnt", O_RDONLY), 0), EINVAL);
		check_ok(unshare(CLONE_FS | CLONE_FILES));
		check_ok(chdir("/proc"));
		close(0);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check(!exists("self") && fcntl(0, F_GETFD) >= 0);
	check_errno(setns(-1, 0), EBADF);
	check_errno(setns(0, 0), EINVAL);
	pid = fork();
	if (pid == 0) {
		int fd = open("/proc/self/ns/mnt", O_RDONLY);

		check_ok(setuid(1000));
		check_errno(unshare(CLONE_NEWNS), EPERM);
		check_errno(new_process(CLONE_NEWNS), EPERM);
		check_errno(setns(fd, 0), EPERM);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

/* By the descriptor of a process. */
static void by_pidfd(void)
{
	pid_t pid, other;
	int fd;

	make();
	check_ok(pipe(pipes[0]));
	check_ok(pipe(pipes[1]));
	pid = (pid_t)new_process(CLONE_NEWNS);
	if (pid == 0) {
		tmpfs("w/a");
		touch("w/a/file");
		tell(0);
		wait_told(1);
		_exit(0);
	}
	wait_told(0);
	fd = (int)syscall(434, pid, 0);
	check(fd >= 0);
	other = fork();
	if (other == 0) {
		char here[200];

		check(getcwd(here, sizeof here));
		check_errno(setns(fd, 0), EINVAL);
		check_ok(setns(fd, CLONE_NEWNS));
		check_ok(chdir(here));
		check(exists("w/a/file"));
		_exit(0);
	}
	check_equal(wait_for(other), 0);
	tell(1);
	check_equal(wait_for(pid), 0);
	check_errno(setns(fd, CLONE_NEWNS), ESRCH);
	check_ok(umount("w"));
}

/* What is mounted in another namespace cannot be touched from here; a name that is covered there can go. */
static void others(void)
{
	char path[100];
	pid_t pid;
	int dir;

	make();
	check_ok(pipe(pipes[0]));
	check_ok(pipe(pipes[1]));
	pid = (pid_t)new_process(CLONE_NEWNS);
	if (pid == 0) {
		tmpfs("w/a");
		touch("w/a/file");
		check_ok(mkdir("w/a/d", 0755));
		tell(0);
		wait_told(1);
		check(!exists("w/a"));
		_exit(0);
	}
	wait_told(0);
	snprintf(path, sizeof path, "/proc/%d/cwd/w/a", pid);
	check(exists(path));
	check_errno(umount(path), EINVAL);
	check_errno(mount(path, "w/b", NULL, MS_BIND, NULL), EINVAL);
	check_errno(mount(path, "w/b", NULL, MS_MOVE, NULL), EINVAL);
	strcat(path, "/d");
	check_errno(mount("t", path, "tmpfs", 0, NULL), EINVAL);
	dir = open("w/a", O_RDONLY);
	check(dir >= 0 && faccessat(dir, "file", F_OK, 0));
	check_ok(rmdir("w/a"));
	tell(1);
	check_equal(wait_for(pid), 0);
	close(dir);
	check_ok(umount("w"));
}

static void inside_pivot(void)
{
	tmpfs("w/a");
	check_ok(mkdir("w/a/old", 0755));
	check_ok(mkdir("w/a/proc", 0755));
	check_ok(mount("/proc", "w/a/proc", NULL, MS_BIND, NULL));
	check_ok(chdir("w/a"));
	check_ok(syscall(SYS_pivot_root, ".", "old"));
	check_ok(umount2("/old", MNT_DETACH));
	check(exists("/proc/self") && !exists("/tests"));
	check_ok(rmdir("/old"));
	check(shows("/proc/self/mountinfo", " / / "));
}

static void pivots(void)
{
	make();
	in_child(inside_pivot);
	check(exists("/proc/self") && exists("w/b"));
	check_ok(umount("w"));
}

static void inside_chroot(void)
{
	check(exists("/in/jail"));
	tmpfs("/in");
	check(!exists("/in/jail"));
	check_ok(umount("/in"));
}

static void chroots(void)
{
	pid_t pid;

	make();
	check_ok(mkdir("w/a/in", 0755));
	touch("w/a/in/jail");
	pid = fork();
	if (pid == 0) {
		check_ok(chroot("w/a"));
		check_ok(chdir("/"));
		in_child(inside_chroot);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_ok(umount("w"));
}

/* By the hundred, one in the other and beside, with mounts of their own. */
static void many(void)
{
	make();
	check_ok(mount(NULL, "w", NULL, MS_SHARED, NULL));
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int n = 0; n < 40; n++) {
				check_ok(unshare(CLONE_NEWNS));
				check_ok(mount(NULL, "w", NULL, n & 1 ? MS_SLAVE : MS_SHARED, NULL));
				if (!mount("t", "w/b", "tmpfs", 0, NULL))
					umount2("w/b", MNT_DETACH);
			}
			_exit(0);
		}
		check(pid > 0);
	}
	for (int i = 0; i < 8; i++)
		check_equal(wait_for(-1), 0);
	while (!umount2("w/b", MNT_DETACH))
		;
	check_ok(umount("w"));
	check(!shows("/proc/self/mountinfo", "/w "));
}

static const struct test table[] = {
	{ "alone", alone }, { "propagates", propagates }, { "files", files }, { "flags", flags }, { "by-pidfd", by_pidfd },
	{ "others", others }, { "pivots", pivots }, { "chroots", chroots }, { "many", many }, { 0 },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify: which events come for which calls, in which order, to whom; watches and their ends; the queue's limits. */
#include "test.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static int in;

/* The next event must be this one; its cookie. */
static uint32_t expect_at(int line, int wd, uint32_t mask, const char *name)
{
	static char buf[8192];
	static int at, have;
	struct inotify_event *e;

	if (!name && wd < -1) {		/* start over */
		at = have = 0;
		return 0;
	}
	if (at >= have) {
		struct pollfd p = { in, POLLIN, 0 };

		if (!poll(&p, 1, 1000)) {
			if (!mask)
				return 0;
			test_fail(line, "no event, want %x %s of %d", mask, name, wd);
		}
		have = read(in, buf, sizeof buf);
		at = 0;
		if (have <= 0)
			test_fail(line, "read gives %d, errno %d", have, errno);
	}
	e = (void *)(buf + at);
	if (e->wd != wd || e->mask != mask || strcmp(e->len ? e->name : "", name) || e->len % 16 || (e->len && e->len < strlen(name) + 1))
		test_fail(line, "event %x \"%s\" of %d, want %x \"%s\" of %d", e->mask, e->len ? e->name : "", e->wd, mask, name, wd);
	at += sizeof *e + e->len;
	return e->cookie;
}
#define expect(wd, mask, name) expect_at(__LINE__, wd, mask, name)

/* Nothing (more) has come. */
static void expect_none_at(int line)
{
	struct pollfd p = { in, POLLIN, 0 };

	if (poll(&p, 1, 0))
		expect_at(line, 0, 0, "nothing");
}
#define expect_none() expect_none_at(__LINE__)

static void arguments(void)
{
	char small[16];
	int wd, n;

	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	check(in >= 0);
	check_equal(fcntl(in, F_GETFD), FD_CLOEXEC);
	check_errno(inotify_init1(1), EINVAL);
	check_errno(inotify_add_watch(1234, ".", IN_CREATE), EBADF);
	check_errno(inotify_add_watch(0, ".", IN_CREATE), EINVAL);
	check_errno(inotify_add_watch(in, ".", 0), EINVAL);
	check_errno(inotify_add_watch(in, "none", IN_CREATE), ENOENT);
	check_errno(syscall(SYS_inotify_add_watch, in, (void *)8, IN_CREATE), EFAULT);
	check_errno(inotify_rm_watch(in, 1), EINVAL);
	check_errno(inotify_rm_watch(0, 1), EINVAL);
	check_errno(read(in, small, 16), EAGAIN);
	check_errno(write(in, small, 16), EBADF);
	wd = inotify_add_watch(in, ".", IN_CREATE);
	check_equal(wd, 1);
	check_equal(inotify_add_watch(in, ".", IN_DELETE), 1);
	check_errno(inotify_add_watch(in, ".", IN_DELETE | IN_MASK_CREATE), EEXIST);
	check_equal(inotify_add_watch(in, ".", IN_CREATE | IN_MASK_ADD), 1);
	check_ok(close(open("name", O_CREAT | O_RDWR, 0600)));
	check_errno(inotify_add_watch(in, "name", IN_CREATE | IN_ONLYDIR), ENOTDIR);
	check_ok(ioctl(in, FIONREAD, &n));
	check_equal(n, 32);
	check_errno(read(in, small, 16), EINVAL);
	check_errno(read(in, (void *)8, 100), EFAULT);
	check_ok(unlink("name"));
	expect(1, IN_DELETE, "name");
	expect_none();
	check_ok(inotify_rm_watch(in, 1));
	expect(1, IN_IGNORED, "");
	check_equal(inotify_add_watch(in, ".", IN_CREATE), 2);
}

static void in_directory(void)
{
	int wd, fd;
	char c;
	uint32_t cookie;

	check_ok(mkdir("d", 0700));
	check_ok(mkdir("e", 0700));
	in = inotify_init1(0);
	wd = inotify_add_watch(in, "d", IN_ALL_EVENTS);
	fd = open("d/file", O_CREAT | O_RDWR, 0600);
	expect(wd, IN_CREATE, "file");
	expect(wd, IN_OPEN, "file");
	check_equal(write(fd, "abc", 3), 3);
	expect(wd, IN_MODIFY, "file");
	check_equal(pread(fd, &c, 1, 0), 1);
	expect(wd, IN_ACCESS, "file");
	check_equal(read(fd, &c, 1), 0);
	check_ok(ftruncate(fd, 1));
	expect(wd, IN_MODIFY, "file");
	check_ok(fchmod(fd, 0640));
	expect(wd, IN_ATTRIB, "file");
	check_ok(close(fd));
	expect(wd, IN_CLOSE_WRITE, "file");
	fd = open("d/file", O_RDONLY);
	expect(wd, IN_OPEN, "file");
	check_ok(close(fd));
	expect(wd, IN_CLOSE_NOWRITE, "file");
	check_ok(truncate("d/file", 5));
	expect(wd, IN_MODIFY, "file");
	check_ok(chown("d/file", 0, 0));
	expect(wd, IN_ATTRIB, "file");
	check_ok(utimensat(AT_FDCWD, "d/file", NULL, 0));
	expect(wd, IN_ATTRIB, "file");
	check_ok(close(open("d/file", O_WRONLY | O_TRUNC)));
	expect(wd, IN_OPEN, "file");
	expect(wd, IN_MODIFY, "file");
	expect(wd, IN_CLOSE_WRITE, "file");
	check_ok(link("d/file", "d/more"));
	expect(wd, IN_CREATE, "more");
	check_ok(symlink("x", "d/sym"));
	expect(wd, IN_CREATE, "sym");
	check_ok(mkdir("d/sub", 0700));
	expect(wd, IN_CREATE | IN_ISDIR, "sub");
	check_ok(mkfifo("d/fifo", 0600));
	expect(wd, IN_CREATE, "fifo");
	check_ok(rename("d/file", "d/name"));
	cookie = expect(wd, IN_MOVED_FROM, "file");
	check(cookie);
	check_equal(expect(wd, IN_MOVED_TO, "name"), cookie);
	check_ok(rename("d/name", "e/name"));
	check(expect(wd, IN_MOVED_FROM, "name") != cookie);
	check_ok(rename("e/name", "d/name"));
	expect(wd, IN_MOVED_TO, "name");
	check_ok(chmod("d/sub", 0711));
	expect(wd, IN_ATTRIB | IN_ISDIR, "sub");
	check_ok(rmdir("d/sub"));
	expect(wd, IN_DELETE | IN_ISDIR, "sub");
	check_ok(unlink("d/more"));
	expect(wd, IN_DELETE, "more");
	check_ok(unlink("d/name"));
	expect(wd, IN_DELETE, "name");
	check_ok(unlink("d/sym"));
	expect(wd, IN_DELETE, "sym");
	check_ok(unlink("d/fifo"));
	expect(wd, IN_DELETE, "fifo");
	/* The directory itself. */
	check_ok(chmod("d", 0755));
	expect(wd, IN_ATTRIB | IN_ISDIR, "");
	check_ok(rename("d", "e/d"));
	expect(wd, IN_MOVE_SELF, "");
	check_ok(rmdir("e/d"));
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	expect_none();
	check_errno(inotify_rm_watch(in, wd), EINVAL);
}

static void of_file(void)
{
	int wd, fd;

	in = inotify_init1(0);
	fd = open("file", O_CREAT | O_RDWR, 0600);
	wd = inotify_add_watch(in, "file", IN_ALL_EVENTS & ~IN_OPEN & ~IN_CLOSE);
	check_equal(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "");
	check_ok(link("file", "other"));
	expect(wd, IN_ATTRIB, "");
	check_equal(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "");
	check_ok(rename("file", "moved"));
	expect(wd, IN_MOVE_SELF, "");
	check_ok(unlink("moved"));
	expect(wd, IN_ATTRIB, "");
	check_ok(unlink("other"));	/* the last, though it is open by another */
	expect(wd, IN_ATTRIB, "");
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	check_ok(close(fd));
	expect_none();
	fd = open("file", O_CREAT | O_RDWR, 0600);
	wd = inotify_add_watch(in, "file", IN_ALL_EVENTS & ~IN_OPEN & ~IN_CLOSE);
	check_ok(unlink("file"));
	expect(wd, IN_ATTRIB, "");
	check_equal(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "");
	expect_none();
	check_ok(close(fd));		/* now it is gone */
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	/* Replaced by rename. */
	check_ok(close(open("a", O_CREAT | O_RDWR, 0600)));
	check_ok(close(open("b", O_CREAT | O_RDWR, 0600)));
	wd = inotify_add_watch(in, "b", IN_DELETE_SELF);
	check_ok(rename("a", "b"));
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	expect_none();
}

static void both(void)
{
	int dir, file, fd;

	check_ok(close(open("file", O_CREAT | O_RDWR, 0600)));
	in = inotify_init1(0);
	dir = inotify_add_watch(in, ".", IN_OPEN | IN_MODIFY);
	file = inotify_add_watch(in, "file", IN_OPEN | IN_MODIFY);
	fd = open("file", O_RDWR);
	expect(dir, IN_OPEN, "file");
	expect(file, IN_OPEN, "");
	check_equal(write(fd, "x", 1), 1);
	expect(dir, IN_MODIFY, "file");
	expect(file, IN_MODIFY, "");
	/* The same again and again is one event, until it is read. */
	for (int i = 0; i < 5; i++)
		check_equal(write(fd, "x", 1), 1);
	expect(dir, IN_MODIFY, "file");
	expect(file, IN_MODIFY, "");
}

static void flags(void)
{
	int wd, fd;

	in = inotify_init1(0);
	wd = inotify_add_watch(in, ".", IN_CREATE | IN_ONESHOT);
	check_ok(close(open("one", O_CREAT | O_RDWR, 0600)));
	check_ok(close(open("two", O_CREAT | O_RDWR, 0600)));
	expect(wd, IN_CREATE, "one");
	expect(wd, IN_IGNORED, "");
	expect_none();
	wd = inotify_add_watch(in, ".", IN_MODIFY | IN_EXCL_UNLINK);
	fd = open("one", O_RDWR);
	check_equal(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "one");
	check_ok(unlink("one"));
	check_equal(write(fd, "x", 1), 1);
	expect_none();
	check_equal(inotify_add_watch(in, ".", IN_MODIFY), wd);
	check_equal(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "one");
	check_ok(symlink("two", "sym"));
	wd = inotify_add_watch(in, "sym", IN_ATTRIB | IN_DONT_FOLLOW);
	check_ok(chmod("sym", 0600));
	expect_none();
	check(inotify_add_watch(in, "sym", IN_ATTRIB) != wd);
	check_ok(chmod("sym", 0640));
	expect(wd + 1, IN_ATTRIB, "");
}

static void permission(void)
{
	check_ok(mkdir("secret", 0711));
	check_ok(chmod(".", 0755));
	in = inotify_init1(0);
	check_ok(setgid(1000));
	check_ok(setuid(1000));
	check_errno(inotify_add_watch(in, "secret", IN_CREATE), EACCES);
}

static int limit(const char *name, int set)
{
	char path[100];
	int v = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/sys/fs/inotify/%s", name);
	f = fopen(path, "r+");
	check(f);
	check_equal(fscanf(f, "%d", &v), 1);
	if (set) {
		rewind(f);
		fprintf(f, "%d\n", set);
	}
	check_equal(fclose(f), 0);
	return v;
}

static void limits(void)
{
	int events = limit("max_queued_events", 10), wd, fd[200], n = 0;
	char name[16];

	in = inotify_init1(0);
	limit("max_queued_events", events);
	wd = inotify_add_watch(in, ".", IN_CREATE);
	check(wd > 0);
	check_ok(limit("max_user_instances", 0));
	int most = limit("max_user_instances", 20);

	while (n < 200 && (fd[n] = inotify_init1(0)) >= 0)
		n++;
	check(n < 20);
	check_equal(errno, EMFILE);
	limit("max_user_instances", most);
	while (n > 0)
		check_ok(close(fd[--n]));
	most = limit("max_user_watches", 1);
	check_ok(mkdir("sub", 0700));
	check_errno(inotify_add_watch(in, "sub", IN_CREATE), ENOSPC);
	limit("max_user_watches", most);
	expect(wd, IN_CREATE | IN_ISDIR, "sub");
	/* More than the queue takes. */
	events = limit("max_queued_events", 4);
	close(in);
	in = inotify_init1(0);		/* Linux takes the limit at creation, others at once */
	wd = inotify_add_watch(in, ".", IN_CREATE);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "f%d", i);
		check_ok(close(open(name, O_CREAT | O_RDWR, 0600)));
	}
	limit("max_queued_events", events);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "f%d", i);
		expect(wd, IN_CREATE, name);
	}
	expect(-1, IN_Q_OVERFLOW, "");
	expect_none();
}

static void unmounted(void)
{
	int wd;

	check_ok(mkdir("m", 0700));
	check_ok(mount("x", "m", "tmpfs", 0, NULL));
	check_ok(mkdir("m/d", 0700));
	in = inotify_init1(0);
	wd = inotify_add_watch(in, "m/d", IN_ALL_EVENTS);
	check_ok(umount("m"));
	expect(wd, IN_UNMOUNT | IN_ISDIR, "");
	expect(wd, IN_IGNORED, "");
	expect_none();
}

static void wakes(void)
{
	struct pollfd p;
	int wd;
	pid_t pid;

	in = inotify_init1(0);
	wd = inotify_add_watch(in, ".", IN_CREATE);
	pid = fork();
	if (pid == 0) {
		sleep_ms(50);
		_exit(mkdir("made", 0700));
	}
	p = (struct pollfd){ in, POLLIN, 0 };
	check_equal(poll(&p, 1, 5000), 1);
	expect(wd, IN_CREATE | IN_ISDIR, "made");
	check_equal(wait_for(pid), 0);
	pid = fork();
	if (pid == 0) {
		sleep_ms(50);
		_exit(mkdir("again", 0700));
	}
	char buf[256];

	check_equal(read(in, buf, sizeof buf), 32);
	check_equal(wait_for(pid), 0);
}

static const struct test table[] = {
	{ "arguments", arguments }, { "in-directory", in_directory }, { "of-file", of_file }, { "both", both },
	{ "flags", flags }, { "permission", permission }, { "limits", limits }, { "unmounted", unmounted },
	{ "wakes", wakes }, { NULL, NULL },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes of files on tmpfs: the calls, the classes and who may, sizes; preadv2 and pwritev2 with their flags. */
#include "test.h"
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

static void on_tmpfs(void)
{
	(void)mkdir("t", 0777);
	check_ok(mount("t", "t", "tmpfs", 0, NULL));
	check_ok(chmod("t", 0777));
	check_ok(chdir("t"));
}

static void leave(void)
{
	check_ok(chdir(".."));
	check_ok(umount2("t", MNT_DETACH));
}

static void basics(void)
{
	char buf[100];
	int fd;

	on_tmpfs();
	fd = open("file", O_CREAT | O_RDWR, 0644);
	check_errno(getxattr("file", "user.none", buf, 100), ENODATA);
	check_equal(listxattr("file", NULL, 0), 0);
	check_ok(setxattr("file", "user.one", "hello", 5, 0));
	check_ok(fsetxattr(fd, "user.two", "", 0, 0));
	check_equal(getxattr("file", "user.one", buf, 100), 5);
	check(!memcmp(buf, "hello", 5));
	check_equal(getxattr("file", "user.one", NULL, 0), 5);
	check_errno(getxattr("file", "user.one", buf, 4), ERANGE);
	check_equal(fgetxattr(fd, "user.two", buf, 100), 0);
	check_equal(listxattr("file", NULL, 0), 18);
	check_errno(listxattr("file", buf, 17), ERANGE);
	check_equal(flistxattr(fd, buf, 100), 18);
	check((!strcmp(buf, "user.one") && !strcmp(buf + 9, "user.two")) || (!strcmp(buf, "user.two") && !strcmp(buf + 9, "user.one")));
	check_errno(setxattr("file", "user.one", "x", 1, XATTR_CREATE), EEXIST);
	check_errno(setxattr("file", "user.three", "x", 1, XATTR_REPLACE), ENODATA);
	check_errno(setxattr("file", "user.one", "x", 1, 4), EINVAL);
	check_ok(setxattr("file", "user.one", "other", 5, XATTR_REPLACE));
	check_equal(getxattr("file", "user.one", buf, 100), 5);
	check(!memcmp(buf, "other", 5));
	check_ok(removexattr("file", "user.one"));
	check_errno(removexattr("file", "user.one"), ENODATA);
	check_equal(listxattr("file", NULL, 0), 9);
	/* A link is the same inode; a directory has its own. */
	check_ok(link("file", "again"));
	check_equal(listxattr("again", NULL, 0), 9);
	check_ok(mkdir("dir", 0755));
	check_ok(setxattr("dir", "user.d", "1", 1, 0));
	check_equal(getxattr("dir", "user.d", buf, 100), 1);
	leave();
}

static void classes(void)
{
	char buf[100];
	pid_t pid;

	on_tmpfs();
	check_equal(close(open("file", O_CREAT | O_RDWR, 0666)), 0);
	check_ok(chmod("file", 0666));
	check_ok(symlink("file", "link"));
	check_ok(mkfifo("fifo", 0666));
	check_errno(setxattr("file", "nothing.x", "1", 1, 0), EOPNOTSUPP);
	check_errno(setxattr("file", "x", "1", 1, 0), EOPNOTSUPP);
	check_errno(setxattr("file", "", "1", 1, 0), ERANGE);
	check_ok(setxattr("file", "trusted.t", "1", 1, 0));
	check_ok(setxattr("file", "security.s", "1", 1, 0));
	check_errno(setxattr("fifo", "user.x", "1", 1, 0), EPERM);
	check_errno(lsetxattr("link", "user.x", "1", 1, 0), EPERM);
	check_ok(lsetxattr("link", "trusted.x", "1", 1, 0));
	check_errno(getxattr("link", "trusted.x", buf, 100), ENODATA);
	check_equal(lgetxattr("link", "trusted.x", buf, 100), 1);
	check_errno(lgetxattr("link", "user.x", buf, 100), ENODATA);
	pid = fork();
	if (pid == 0) {
		check_ok(setuid(1000));
		check_errno(getxattr("file", "trusted.t", buf, 100), ENODATA);
		check_errno(setxattr("file", "trusted.t", "2", 1, 0), EPERM);
		check_errno(setxattr("file", "security.s", "2", 1, 0), EPERM);
		check_equal(getxattr("file", "security.s", buf, 100), 1);
		check_equal(listxattr("file", buf, 100), 11);
		check(!strcmp(buf, "security.s"));
		check_ok(setxattr("file", "user.mine", "1", 1, 0));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_ok(chmod("file", 0600));
	pid = fork();
	if (pid == 0) {
		check_ok(setuid(1000));
		check_errno(getxattr("file", "user.mine", buf, 100), EACCES);
		check_errno(setxattr("file", "user.mine", "2", 1, 0), EACCES);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	leave();
}

static void sizes(void)
{
	static char big[70000];
	char name[300] = "user.";

	on_tmpfs();
	check_equal(close(open("file", O_CREAT | O_RDWR, 0666)), 0);
	memset(big, 'x', sizeof big);
	check_ok(setxattr("file", "user.big", big, 65536, 0));
	check_equal(getxattr("file", "user.big", big, sizeof big), 65536);
	check_errno(setxattr("file", "user.big", big, 65537, 0), E2BIG);
	memset(name + 5, 'n', 250);
	check_ok(setxattr("file", name, "1", 1, 0));
	name[255] = 'n';
	check_errno(setxattr("file", name, "1", 1, 0), ERANGE);
	check_errno(setxattr("file", (char *)8, "1", 1, 0), EFAULT);
	check_errno(setxattr("file", "user.x", (char *)8, 1, 0), EFAULT);
	check_errno(setxattr("none", "user.x", "1", 1, 0), ENOENT);
	check_errno(fsetxattr(-1, "user.x", "1", 1, 0), EBADF);
	check_ok(mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	check_errno(setxattr("file", "user.y", "1", 1, 0), EROFS);
	leave();
}

static long pwv2(int fd, const char *text, long pos, int flags)
{
	struct iovec v = { (char *)text, strlen(text) };

	return syscall(SYS_pwritev2, fd, &v, 1L, pos, 0L, flags);
}

static long prv2(int fd, char *buf, size_t n, long pos, int flags)
{
	struct iovec v = { buf, n };

	return syscall(SYS_preadv2, fd, &v, 1L, pos, 0L, flags);
}

static void rw_flags(void)
{
	int fd = open("rw", O_CREAT | O_TRUNC | O_RDWR, 0600), app = open("rw", O_WRONLY | O_APPEND);
	char buf[100];

	check_equal(pwv2(fd, "0123456789", 0, 0), 10);
	check_equal(lseek(fd, 0, SEEK_CUR), 0);
	check_equal(pwv2(fd, "ab", 2, RWF_DSYNC), 2);
	check_equal(pwv2(fd, "cd", 4, RWF_SYNC), 2);
	check_equal(pwv2(fd, "end", 0, RWF_APPEND), 3);
	check_equal(pwv2(app, "E", 0, 0), 1);
	check_equal(pread(fd, buf, 100, 0), 14);
	check(!memcmp(buf, "01abcd6789endE", 14));
	/* At the file's own position. */
	check_equal(pwv2(fd, "XY", -1, 0), 2);
	check_equal(lseek(fd, 0, SEEK_CUR), 2);
	check_equal(prv2(fd, buf, 3, -1, 0), 3);
	check(!memcmp(buf, "abc", 3));
	check_equal(lseek(fd, 0, SEEK_CUR), 5);
	check_errno(pwv2(fd, "x", -2, 0), EINVAL);
	check_errno(pwv2(fd, "x", 0, 0x4000), EOPNOTSUPP);
	/* What was just written lies in memory. */
	check_equal(prv2(fd, buf, 100, 0, RWF_NOWAIT), 14);
	check_equal(prv2(fd, buf, 100, 14, RWF_NOWAIT), 0);
}

static void not_now(void)
{
	static char big[100000];
	char buf[10];
	int p[2], s[2];

	check_ok(pipe(p));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_errno(prv2(p[0], buf, 10, -1, RWF_NOWAIT), EAGAIN);
	check_errno(prv2(s[0], buf, 10, -1, RWF_NOWAIT), EAGAIN);
	check_equal(pwv2(p[1], "abc", -1, RWF_NOWAIT), 3);
	check_equal(prv2(p[0], buf, 10, -1, RWF_NOWAIT), 3);
	memset(big, 'x', sizeof big - 1);
	check_equal(pwv2(p[1], big, -1, RWF_NOWAIT), 65536);
	check_errno(pwv2(p[1], big, -1, RWF_NOWAIT), EAGAIN);
	check_errno(prv2(p[0], buf, 10, 0, 0), ESPIPE);
}

static const struct test table[] = {
	{ "basics", basics }, { "classes", classes }, { "sizes", sizes }, { "rw-flags", rw_flags }, { "not-now", not_now }, { 0 },
};

TEST_MAIN(table)

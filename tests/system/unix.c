/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX sockets: arguments that are refused, what a socket is, its options, names, who may connect, /proc/net/unix. */
#include "unix.h"

static void arguments(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, p[2], v;
	socklen_t len;

	check_errno(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	check_errno(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	check_errno(socket(AF_UNIX, 12, 0), EINVAL);
	check_errno(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	check_errno(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
	check_errno(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	check_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8), EFAULT);
	check_errno(bind(1234, (void *)&a, sizeof a), EBADF);
	check_ok(pipe(p));
	check_errno(bind(p[0], (void *)&a, sizeof a), ENOTSOCK);
	check_errno(listen(p[0], 1), ENOTSOCK);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	check(fd >= 0);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check(fcntl(fd, F_GETFL) & O_NONBLOCK);
	check_errno(bind(fd, (void *)8, sizeof a), EFAULT);
	check_errno(bind(fd, (void *)&a, 200), EINVAL);
	check_errno(bind(fd, (void *)&a, -1), EINVAL);
	check_errno(bind(fd, (void *)&a, 1), EINVAL);
	check_errno(listen(fd, 1), EINVAL);
	check_errno(accept(fd, NULL, NULL), EINVAL);
	check_errno(accept4(fd, NULL, NULL, 1), EINVAL);
	check_errno(shutdown(fd, 3), EINVAL);
	check_errno(shutdown(fd, -1), EINVAL);
	check_errno(getpeername(fd, (void *)&a, &len), ENOTCONN);
	len = sizeof a;
	check_ok(getsockname(fd, (void *)&a, &len));
	check_equal(len, 2);
	len = -1;
	check_errno(getsockname(fd, (void *)&a, &len), EINVAL);
	check_errno(getsockname(fd, (void *)&a, (void *)8), EFAULT);
	len = sizeof a;
	check_errno(getsockname(fd, (void *)8, &len), EFAULT);
	len = sizeof v;
	check_errno(getsockopt(fd, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	check_errno(setsockopt(fd, SOL_SOCKET, 9999, &v, sizeof v), ENOPROTOOPT);
	check_errno(setsockopt(fd, 6, 1, &v, sizeof v), EOPNOTSUPP);
	check_errno(getsockopt(fd, 6, 1, &v, &len), EOPNOTSUPP);
	check_errno(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, 3), EINVAL);
	check_errno(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, (void *)8, 4), EFAULT);
	check_errno(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, -4), EINVAL);
	check_errno(send(fd, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	check_errno(recv(fd, &v, 1, 0), EINVAL);
	check_errno(read(fd, &v, 1), EINVAL);
	check_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
	check_errno(pread(fd, &v, 1, 0), ESPIPE);
	check_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	check_errno(ioctl(fd, 0x1234, 0), ENOTTY);
	check_errno(connect(fd, (void *)&a, 200), EINVAL);
}

static void identity(void)
{
	char text[64], want[64];
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), v;
	socklen_t len = sizeof v;

	check_ok(fstat(fd, &st));
	check(S_ISSOCK(st.st_mode));
	check_equal(st.st_mode & 0777, 0777);
	snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
	snprintf(want, sizeof want, "socket:[%llu]", (unsigned long long)st.st_ino);
	char is[64] = "";

	check(readlink(text, is, sizeof is - 1) > 0);
	check(!strcmp(is, want));
	check_errno(open(text, O_RDWR), ENXIO);
	check_ok(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
	check_equal(v, SOCK_SEQPACKET);
	check_ok(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &v, &len));
	check_equal(v, AF_UNIX);
	check_ok(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &v, &len));
	check_equal(v, 0);
	check_ok(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &v, &len));
	check_equal(v, 0);
	check_ok(getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len));
	check_equal(v, 0);
	len = 2;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
	check_equal(len, 2);
	fd = socket(AF_UNIX, SOCK_RAW, 0);
	len = sizeof v;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
	check_equal(v, SOCK_DGRAM);
}

static void options(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), v, set;
	struct timeval tv = { 1, 500000 };
	struct linger l = { 1, 7 };
	struct ucred u;
	socklen_t len = sizeof v;
	static const int words[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE, SO_PASSCRED, SO_TIMESTAMP };

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		set = 5;
		check_ok(getsockopt(fd, SOL_SOCKET, words[i], &v, &len));
		check_equal(v, 0);
		check_ok(setsockopt(fd, SOL_SOCKET, words[i], &set, sizeof set));
		check_ok(getsockopt(fd, SOL_SOCKET, words[i], &v, &len));
		check_equal(v, 1);
		set = 0;
		check_ok(setsockopt(fd, SOL_SOCKET, words[i], &set, sizeof set));
		check_ok(getsockopt(fd, SOL_SOCKET, words[i], &v, &len));
		check_equal(v, 0);
	}
	check_ok(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, &len));
	check_equal(v, 212992);
	check_ok(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, &len));
	check_equal(v, 212992);
	set = 1;
	check_ok(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &set, sizeof set));
	check_ok(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, &len));
	check_equal(v, 4608);
	check_ok(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &set, sizeof set));
	check_ok(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, &len));
	check_equal(v, 2304);
	set = 10000;
	check_ok(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &set, sizeof set));
	check_ok(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, &len));
	check_equal(v, 20000);
	set = 1 << 30;
	check_ok(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &set, sizeof set));
	check_ok(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, &len));
	check_equal(v, 425984);
	check_ok(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	memset(&tv, 0, sizeof tv);
	len = sizeof tv;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	check_equal(tv.tv_sec, 1);
	check_equal(tv.tv_usec, 500000);
	tv.tv_usec = 1000000;
	check_errno(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), EDOM);
	check_errno(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, 8), EINVAL);
	check_ok(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
	memset(&l, 0, sizeof l);
	len = sizeof l;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	check_equal(l.l_onoff, 1);
	check_equal(l.l_linger, 7);
	len = sizeof u;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len));
	check_equal(u.pid, 0);
	check_equal(u.uid, (uid_t)-1);
	set = 4;
	check_errno(setsockopt(fd, SOL_SOCKET, SO_TYPE, &set, sizeof set), ENOPROTOOPT);
	check_errno(setsockopt(fd, SOL_SOCKET, SO_ERROR, &set, sizeof set), ENOPROTOOPT);
}

static void names(void)
{
	struct sockaddr_un a;
	socklen_t len;
	struct stat st;
	int fd, other;

	umask(027);
	fd = bound(SOCK_DGRAM, "one");
	check_ok(stat("one", &st));
	check(S_ISSOCK(st.st_mode));
	check_equal(st.st_mode & 07777, 0750);
	a = name_of("two", &len);
	check_errno(bind(fd, (void *)&a, len), EINVAL);
	other = socket(AF_UNIX, SOCK_DGRAM, 0);
	a = name_of("one", &len);
	check_errno(bind(other, (void *)&a, len), EADDRINUSE);
	a = name_of("none/x", &len);
	check_errno(bind(other, (void *)&a, len), ENOENT);
	a = name_of("one/x", &len);
	check_errno(bind(other, (void *)&a, len), ENOTDIR);
	check_errno(connect_to(other, "none"), ENOENT);
	check_ok(close(open("plain", O_CREAT | O_WRONLY, 0600)));
	check_errno(connect_to(other, "plain"), ECONNREFUSED);
	check_errno(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "one"), EPROTOTYPE);
	check_errno(open("one", O_RDWR), ENXIO);
	check_ok(connect_to(other, "one"));
	check_ok(rename("one", "moved"));
	check_ok(connect_to(other, "moved"));
	check_ok(link("moved", "linked"));
	check_ok(connect_to(other, "linked"));
	check_ok(symlink("moved", "sym"));
	check_ok(connect_to(other, "sym"));
	check_ok(unlink("linked"));
	check_ok(unlink("moved"));
	check_errno(connect_to(other, "moved"), ENOENT);
	check_equal(send(other, "x", 1, 0), 1);
	len = sizeof a;
	check_ok(getsockname(fd, (void *)&a, &len));
	check_equal(len, 6);
	check(!strcmp(a.sun_path, "one"));
	/* The longest path: no room for a NUL. */
	memset(&a, 'p', sizeof a);
	a.sun_family = AF_UNIX;
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	check_ok(bind(fd, (void *)&a, sizeof a));
	len = sizeof a;
	check_ok(getsockname(fd, (void *)&a, &len));
	check_equal(len, sizeof a + 1);
	/* A node that nobody serves. */
	check_ok(mknod("node", S_IFSOCK | 0600, 0));
	check_errno(connect_to(other, "node"), ECONNREFUSED);
}

static void abstract_names(void)
{
	int a = bound(SOCK_STREAM, "@same"), b;
	struct sockaddr_un n;
	socklen_t len;

	b = socket(AF_UNIX, SOCK_STREAM, 0);
	n = name_of("@same", &len);
	check_errno(bind(b, (void *)&n, len), EADDRINUSE);
	check_ok(bind(b, (void *)&n, len + 1));		/* a trailing NUL is another name */
	b = bound(SOCK_DGRAM, "@same");			/* as is another type */
	check_ok(close(a));
	a = bound(SOCK_STREAM, "@same");
	check_errno(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "@nobody"), ECONNREFUSED);
	/* Autobind. */
	a = socket(AF_UNIX, SOCK_DGRAM, 0);
	n.sun_family = AF_UNIX;
	check_ok(bind(a, (void *)&n, 2));
	len = sizeof n;
	check_ok(getsockname(a, (void *)&n, &len));
	check_equal(len, 8);
	check_equal(n.sun_path[0], 0);
	for (int i = 1; i < 6; i++)
		check(strchr("0123456789abcdef", n.sun_path[i]));
	check_equal(sendto(b, "x", 1, 0, (void *)&n, len), 1);
}

static void permissions(void)
{
	int l = bound(SOCK_STREAM, "private");

	check_ok(listen(l, 1));
	check_ok(chmod("private", 0600));
	check_ok(chmod(".", 0755));
	if (fork() == 0) {
		check_ok(setgid(1000));
		check_ok(setuid(1000));
		check_errno(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "private"), EACCES);
		struct sockaddr_un a;
		socklen_t len;

		a = name_of("mine", &len);
		check_errno(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, len), EACCES);
		_exit(42);
	}
	check_equal(WEXITSTATUS(wait_for(-1)), 42);
}

static void proc_file(void)
{
	int l = bound(SOCK_STREAM, "@shown");
	FILE *f = fopen("/proc/net/unix", "r");
	char line[300], want[64];
	bool found = false;
	struct stat st;

	check_ok(listen(l, 1));
	check_ok(fstat(l, &st));
	snprintf(want, sizeof want, "00010000 0001 01 %5llu @shown\n", (unsigned long long)st.st_ino);
	check(f);
	check(fgets(line, sizeof line, f));
	check(!strncmp(line, "Num ", 4));
	while (fgets(line, sizeof line, f))
		found |= strlen(line) > strlen(want) && !strcmp(line + strlen(line) - strlen(want), want);
	check(found);
}

static const struct test table[] = {
	{ "arguments", arguments }, { "identity", identity }, { "options", options }, { "names", names },
	{ "abstract-names", abstract_names }, { "permissions", permissions }, { "proc-file", proc_file },
	{ NULL, NULL },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX sockets: streams, datagrams, seqpackets, names, options, messages, descriptors in messages. */
#include "test.h"
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

static struct sockaddr_un name_of(const char *text, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(text);

	memcpy(a.sun_path, text, n);
	if (*text == '@') {
		a.sun_path[0] = 0;
		*len = offsetof(struct sockaddr_un, sun_path) + n;
	} else {
		*len = offsetof(struct sockaddr_un, sun_path) + n + 1;
	}
	return a;
}

static int bound(int type, const char *text)
{
	socklen_t len;
	struct sockaddr_un a = name_of(text, &len);
	int fd = socket(AF_UNIX, type, 0);

	check(fd >= 0);
	check_ok(bind(fd, (void *)&a, len));
	return fd;
}

static int connect_to(int fd, const char *text)
{
	socklen_t len;
	struct sockaddr_un a = name_of(text, &len);

	return connect(fd, (void *)&a, len);
}

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

static void pair_stream(void)
{
	int s[2], n;
	char buf[64];
	struct iovec v[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	struct sockaddr_un a;
	socklen_t len = sizeof a;
	struct ucred u;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_equal(write(s[0], "hello", 5), 5);
	check_equal(write(s[0], "world", 5), 5);
	check_ok(ioctl(s[1], FIONREAD, &n));
	check_equal(n, 10);
	check_equal(recv(s[1], buf, 3, MSG_PEEK), 3);
	check_equal(recv(s[1], buf, 20, MSG_PEEK), 10);
	check(!memcmp(buf, "helloworld", 10));
	check_equal(read(s[1], buf, 7), 7);
	check(!memcmp(buf, "hellowo", 7));
	check_equal(read(s[1], buf, 64), 3);
	check_errno(recv(s[1], buf, 64, MSG_DONTWAIT), EAGAIN);
	check_equal(writev(s[1], v, 3), 5);
	check_equal(recv(s[0], buf, 64, MSG_TRUNC), 5);
	check_equal(send(s[0], "", 0, 0), 0);
	check_errno(recv(s[1], buf, 64, MSG_DONTWAIT), EAGAIN);
	check_errno(send(s[0], (void *)8, 5, 0), EFAULT);
	check_equal(write(s[0], "x", 1), 1);
	check_errno(read(s[1], (void *)8, 1), EFAULT);
	check_equal(read(s[1], buf, 1), 1);
	check_errno(sendto(s[0], "x", 1, 0, (void *)&a, 4), EISCONN);
	check_ok(getpeername(s[0], (void *)&a, &len));
	check_equal(len, 2);
	check_equal(a.sun_family, AF_UNIX);
	len = sizeof u;
	check_ok(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
	check_equal(u.pid, getpid());
	check_equal(u.uid, getuid());
	check_errno(connect_to(s[0], "@none"), ECONNREFUSED);
	check_equal(read(s[1], buf, 0), 0);
}

static void end_of_file(void)
{
	struct pollfd p;
	int s[2];
	char c;

	signal(SIGPIPE, SIG_IGN);
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_equal(write(s[0], "x", 1), 1);
	check_ok(shutdown(s[0], SHUT_WR));
	check_errno(write(s[0], "x", 1), EPIPE);
	check_equal(read(s[1], &c, 1), 1);
	check_equal(read(s[1], &c, 1), 0);
	p = (struct pollfd){ s[1], POLLIN | POLLOUT | POLLRDHUP, 0 };
	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents, POLLIN | POLLOUT | POLLRDHUP);
	check_equal(write(s[1], "y", 1), 1);
	check_equal(read(s[0], &c, 1), 1);
	check_ok(close(s[1]));
	p.fd = s[0];
	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	check_equal(read(s[0], &c, 1), 0);
	/* Closed with something unread: the other end is told. */
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_equal(write(s[0], "x", 1), 1);
	check_ok(close(s[1]));
	p.fd = s[0];
	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	check_errno(read(s[0], &c, 1), ECONNRESET);
	check_equal(read(s[0], &c, 1), 0);
	check_errno(write(s[0], "x", 1), EPIPE);
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(shutdown(s[0], SHUT_RD));
	check_errno(write(s[1], "x", 1), EPIPE);
	check_equal(read(s[0], &c, 1), 0);
}

static void sigpipe(void)
{
	int s[2];
	pid_t pid;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(close(s[1]));
	signal(SIGPIPE, SIG_DFL);
	check_errno(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	pid = fork();
	if (pid == 0) {
		(void)!write(s[0], "x", 1);
		_exit(0);
	}
	check_equal(WTERMSIG(wait_for(pid)), SIGPIPE);
	check_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	check_ok(close(s[1]));
	check_errno(write(s[0], "x", 1), EPIPE);
	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	check_ok(close(s[1]));
	check_errno(write(s[0], "x", 1), ECONNREFUSED);
	check_errno(write(s[0], "x", 1), ENOTCONN);
}

static void server(const char *name, int type)
{
	int l = bound(type, name), c = socket(AF_UNIX, type, 0), a, v;
	struct sockaddr_un n;
	socklen_t len = sizeof n, want;
	struct ucred u;
	char buf[8];

	name_of(name, &want);
	check_errno(connect_to(c, name), ECONNREFUSED);
	check_ok(listen(l, 5));
	len = sizeof v;
	check_ok(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &len));
	check_equal(v, 1);
	fcntl(l, F_SETFL, O_NONBLOCK);
	check_errno(accept(l, NULL, NULL), EAGAIN);
	check_ok(connect_to(c, name));
	check_errno(connect_to(c, name), EISCONN);
	check_equal(write(c, "early", 5), 5);
	struct pollfd p = { l, POLLIN | POLLOUT, 0 };

	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents, POLLIN);
	len = sizeof n;
	a = accept4(l, (void *)&n, &len, SOCK_CLOEXEC);
	check(a >= 0);
	check_equal(len, 2);
	check_equal(fcntl(a, F_GETFD), FD_CLOEXEC);
	check_equal(fcntl(a, F_GETFL) & O_NONBLOCK, 0);
	check_equal(read(a, buf, 8), 5);
	check_equal(write(a, "reply", 5), 5);
	check_equal(read(c, buf, 8), 5);
	len = sizeof n;
	check_ok(getpeername(c, (void *)&n, &len));
	check_equal(len, want);
	len = sizeof n;
	check_ok(getsockname(a, (void *)&n, &len));
	check_equal(len, want);
	len = sizeof u;
	check_ok(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len));
	check_equal(u.pid, getpid());
	check_errno(listen(a, 1), EINVAL);
	check_errno(connect_to(l, name), EINVAL);
	check_ok(close(a));
	check_equal(read(c, buf, 8), 0);
	check_ok(close(c));
	/* One that is never accepted. */
	c = socket(AF_UNIX, type, 0);
	check_ok(connect_to(c, name));
	check_ok(close(l));
	check_errno(read(c, buf, 8), ECONNRESET);
	check_equal(read(c, buf, 8), 0);
	check_errno(connect_to(socket(AF_UNIX, type, 0), name), ECONNREFUSED);
	unlink(name);
}

static void stream_server(void) { server("sock", SOCK_STREAM); server("@abstract", SOCK_STREAM); }
static void seqpacket_server(void) { server("sock", SOCK_SEQPACKET); server("@abstract", SOCK_SEQPACKET); }

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

static void *connect_later(void *arg)
{
	return (void *)(long)connect_to(*(int *)arg, "@full");
}

static void backlog(void)
{
	int l = bound(SOCK_STREAM, "@full"), c[3];
	pthread_t t;
	void *r;

	check_ok(listen(l, 1));
	for (int i = 0; i < 3; i++)
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	check_ok(connect_to(c[0], "@full"));
	check_ok(connect_to(c[1], "@full"));
	check_errno(connect_to(c[2], "@full"), EAGAIN);
	fcntl(c[2], F_SETFL, 0);
	struct timeval tv = { 0, 50000 };

	check_ok(setsockopt(c[2], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
	check_errno(connect_to(c[2], "@full"), EAGAIN);
	tv.tv_usec = 0;
	check_ok(setsockopt(c[2], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
	check_equal(pthread_create(&t, NULL, connect_later, &c[2]), 0);
	sleep_ms(50);
	check(accept(l, NULL, NULL) >= 0);
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, 0);
	check(accept(l, NULL, NULL) >= 0);
	check(accept(l, NULL, NULL) >= 0);
}

static void *accept_thread(void *arg)
{
	long r = accept(*(int *)arg, NULL, NULL);

	return (void *)(r < 0 ? -(long)errno : r);
}

/* A blocked accept: shutdown ends it, another thread's close does not. */
static void blocked_accept(void)
{
	int l = bound(SOCK_STREAM, "@blocked"), c, copy;
	pthread_t t;
	void *r;

	check_ok(listen(l, 1));
	check_equal(pthread_create(&t, NULL, accept_thread, &l), 0);
	sleep_ms(50);
	check_ok(shutdown(l, SHUT_RD));
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, -EINVAL);
	l = bound(SOCK_STREAM, "@blocked2");
	check_ok(listen(l, 1));
	copy = l;
	check_equal(pthread_create(&t, NULL, accept_thread, &copy), 0);
	sleep_ms(50);
	check_ok(close(l));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	check_ok(connect_to(c, "@blocked2"));
	check_equal(pthread_join(t, &r), 0);
	check((long)r >= 0);
	check_errno(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "@blocked2"), ECONNREFUSED);
}

static void *read_thread(void *arg)
{
	char c;
	long r = read(*(int *)arg, &c, 1);

	return (void *)(r < 0 ? -(long)errno : r);
}

/* close() in another thread does not disturb a blocked read: data still reaches it. */
static void blocked_read(void)
{
	int s[2], fd;
	pthread_t t;
	void *r;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	fd = s[0];
	check_equal(pthread_create(&t, NULL, read_thread, &fd), 0);
	sleep_ms(50);
	check_ok(close(s[0]));
	check_equal(write(s[1], "x", 1), 1);
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, 1);
	signal(SIGPIPE, SIG_IGN);
	check_errno(write(s[1], "x", 1), EPIPE);
	/* shutdown ends one. */
	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	check_equal(pthread_create(&t, NULL, read_thread, &s[0]), 0);
	sleep_ms(50);
	check_ok(shutdown(s[0], SHUT_RD));
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, 0);
}

static void on_alarm(int sig) { }

static void timeouts(void)
{
	struct timeval tv = { 0, 100000 };
	struct sigaction sa = { .sa_handler = on_alarm };
	char buf[65536] = "";
	long long t = now_ms();
	int s[2], n;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	check_errno(read(s[0], buf, 1), EAGAIN);
	check(now_ms() - t >= 99);
	check_ok(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
	for (n = 0; n < 100 && send(s[0], buf, sizeof buf, MSG_DONTWAIT) > 0; n++)
		;
	t = now_ms();
	check_errno(send(s[0], buf, sizeof buf, 0), EAGAIN);
	check(now_ms() - t >= 99);
	/* With a time-out a signal gives EINTR even with SA_RESTART, without one the call goes on. */
	sa.sa_flags = SA_RESTART;
	tv.tv_sec = 10;
	check_ok(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = { .it_value = { 0, 50000 } };

	setitimer(ITIMER_REAL, &it, NULL);
	check_errno(read(s[0], buf, 1), EINTR);
	memset(&tv, 0, sizeof tv);
	check_ok(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(150);
		_exit(write(s[1], "x", 1) != 1);
	}
	setitimer(ITIMER_REAL, &it, NULL);
	check_equal(read(s[0], buf, 1), 1);
	check_equal(wait_for(pid), 0);
}

/* A writer fills SO_SNDBUF and sleeps; what it wrote arrives whole and in order. */
static void bulk(void)
{
	enum { TOTAL = 3000000 };
	static unsigned char buf[50000];
	unsigned at = 0;
	int s[2];
	ssize_t n;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	if (fork() == 0) {
		check_ok(close(s[1]));
		while (at < TOTAL) {
			unsigned len = 1 + at * 7 % sizeof buf;

			len = len > TOTAL - at ? TOTAL - at : len;
			for (unsigned i = 0; i < len; i++)
				buf[i] = (at + i) * 131 >> 3;
			check_equal(write(s[0], buf, len), len);
			at += len;
		}
		_exit(0);
	}
	check_ok(close(s[0]));
	while ((n = recv(s[1], buf, 1 + at * 13 % sizeof buf, at & 1 ? MSG_WAITALL : 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			check_equal(buf[i], (unsigned char)((at + i) * 131 >> 3));
		at += n;
	}
	check_equal(n, 0);
	check_equal(at, TOTAL);
	check_equal(wait_for(-1), 0);
}

static void full(void)
{
	static char buf[4096];
	struct pollfd p;
	int s[2], v = 10000, total = 0, n;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	check_ok(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v));
	while ((n = write(s[0], buf, sizeof buf)) > 0)
		total += n;
	check_equal(errno, EAGAIN);
	check(total >= 4096 && total <= 65536);
	check_ok(ioctl(s[0], TIOCOUTQ, &n));
	check(n >= total);
	p = (struct pollfd){ s[0], POLLOUT, 0 };
	check_equal(poll(&p, 1, 0), 0);
	while (total > 0) {
		n = read(s[1], buf, sizeof buf);
		check(n > 0);
		total -= n;
	}
	check_equal(poll(&p, 1, 0), 1);
	check_ok(ioctl(s[0], TIOCOUTQ, &n));
	check_equal(n, 0);
	/* A datagram larger than the buffer. */
	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	check_ok(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v));
	static char large[30000];

	check_errno(send(s[0], large, sizeof large, 0), EMSGSIZE);
	check_equal(send(s[0], large, 15000, 0), 15000);
}

static void datagrams(void)
{
	int a = bound(SOCK_DGRAM, "a"), b = bound(SOCK_DGRAM, "@b"), c = socket(AF_UNIX, SOCK_DGRAM, 0), n;
	struct sockaddr_un to, from;
	socklen_t len, flen;
	char buf[16];

	check_errno(send(c, "x", 1, 0), ENOTCONN);
	check_errno(recv(c, buf, 1, MSG_DONTWAIT), EAGAIN);
	check_errno(listen(a, 1), EOPNOTSUPP);
	check_errno(accept(a, NULL, NULL), EOPNOTSUPP);
	to = name_of("a", &len);
	check_equal(sendto(b, "hello", 5, 0, (void *)&to, len), 5);
	check_equal(sendto(c, "", 0, 0, (void *)&to, len), 0);
	check_equal(sendto(c, "123", 3, 0, (void *)&to, len), 3);
	check_ok(ioctl(a, FIONREAD, &n));
	check_equal(n, 5);
	flen = sizeof from;
	check_equal(recvfrom(a, buf, 2, MSG_PEEK | MSG_TRUNC, (void *)&from, &flen), 5);
	check_equal(flen, 4);
	check(!memcmp(from.sun_path, "\0b", 2));
	flen = 3;
	memset(&from, 'x', sizeof from);
	check_equal(recvfrom(a, buf, 2, 0, (void *)&from, &flen), 2);
	check_equal(flen, 4);
	check_equal(from.sun_path[1], 'x');
	flen = sizeof from;
	check_equal(recvfrom(a, buf, 16, 0, (void *)&from, &flen), 0);
	check_equal(flen, 0);
	check_equal(recv(a, buf, 16, 0), 3);
	check_errno(recv(a, buf, 16, MSG_DONTWAIT), EAGAIN);
	/* Connected: only the peer may send. */
	check_ok(connect_to(a, "@b"));
	check_equal(send(a, "to b", 4, 0), 4);
	check_errno(sendto(c, "x", 1, 0, (void *)&to, len), EPERM);
	check_errno(connect_to(c, "a"), EPERM);
	check_equal(recv(b, buf, 16, 0), 4);
	check_ok(connect_to(b, "a"));
	check_equal(send(b, "lost", 4, 0), 4);
	from.sun_family = AF_UNSPEC;
	check_ok(connect(a, (void *)&from, sizeof from));
	check_errno(send(a, "x", 1, 0), ENOTCONN);
	check_errno(recv(b, buf, 16, MSG_DONTWAIT), ECONNRESET);
	check_errno(recv(b, buf, 16, MSG_DONTWAIT), EAGAIN);
	check_ok(connect_to(c, "a"));
	check_ok(shutdown(a, SHUT_RD));
	check_errno(send(c, "x", 1, 0), EPIPE);
	check_ok(close(a));
	check_errno(send(c, "x", 1, 0), ECONNREFUSED);
	check_errno(sendto(c, "x", 1, 0, (void *)&to, len), ECONNREFUSED);
	check_errno(sendto(c, "x", 1, 0, (void *)8, len), EFAULT);
	check_errno(sendto(c, "x", 1, 0, (void *)&to, 300), EINVAL);
	check_errno(send(b, "x", 1, MSG_OOB), EOPNOTSUPP);
}

static void *receive_one(void *arg)
{
	char c;

	sleep_ms(50);
	return (void *)(long)recv(*(int *)arg, &c, 1, 0);
}

static void datagram_queue(void)
{
	int a = bound(SOCK_DGRAM, "@queue"), c = socket(AF_UNIX, SOCK_DGRAM, 0), n = 0, limit = 0;
	struct pollfd p = { c, POLLOUT, 0 };
	FILE *f = fopen("/proc/sys/net/unix/max_dgram_qlen", "r");
	pthread_t t;
	void *r;
	char b;

	check(f && fscanf(f, "%d", &limit) == 1);
	check(limit >= 10);
	check_ok(connect_to(c, "@queue"));
	check_equal(poll(&p, 1, 0), 1);
	while (n <= limit) {
		check_equal(send(c, "x", 1, MSG_DONTWAIT), 1);
		n++;
	}
	check_errno(send(c, "x", 1, MSG_DONTWAIT), EAGAIN);
	check_equal(poll(&p, 1, 0), 0);
	check_equal(pthread_create(&t, NULL, receive_one, &a), 0);
	check_equal(poll(&p, 1, 5000), 1);
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, 1);
	check_equal(send(c, "x", 1, MSG_DONTWAIT), 1);
	check_equal(pthread_create(&t, NULL, receive_one, &a), 0);
	check_equal(send(c, "x", 1, 0), 1);
	check_equal(pthread_join(t, &r), 0);
	while (recv(a, &b, 1, MSG_DONTWAIT) == 1)
		n--;
	check_equal(n, 0);
	/* The receiver goes while a sender waits. */
	for (n = 0; n <= limit; n++)
		check_equal(send(c, "x", 1, MSG_DONTWAIT), 1);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(0);
	}
	check_ok(close(a));
	check_errno(send(c, "x", 1, 0), ECONNREFUSED);
}

static void seqpackets(void)
{
	int s[2];
	char buf[16];
	struct iovec v = { buf, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	check_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	check_equal(write(s[0], "hello", 5), 5);
	check_equal(write(s[0], "you", 3), 3);
	check_equal(recvmsg(s[1], &m, 0), 3);
	check_equal(m.msg_flags, MSG_TRUNC);
	check_equal(recvmsg(s[1], &m, 0), 3);
	check_equal(m.msg_flags, 0);
	check(!memcmp(buf, "you", 3));
	check_equal(write(s[0], "abcd", 4), 4);
	check_equal(read(s[1], buf, 16), 4);
	check_ok(close(s[0]));
	check_equal(read(s[1], buf, 16), 0);
	check_equal(recv(s[1], buf, 16, MSG_DONTWAIT), 0);
	check_errno(recv(socket(AF_UNIX, SOCK_SEQPACKET, 0), buf, 1, 0), ENOTCONN);
	check_errno(send(socket(AF_UNIX, SOCK_SEQPACKET, 0), buf, 1, 0), ENOTCONN);
}

/* By number: the C library looks into the structures itself. */
static void messages(void)
{
	struct mmsghdr mm[4] = { 0 };
	struct iovec v[4], one = { "0123456789", 10 };
	struct timespec ts = { 0, 50000000 };
	struct msghdr m = { 0 };
	char buf[4][8];
	int s[2];

	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){ buf[i], (size_t)i + 1 };
		memset(buf[i], 'a' + i, 8);
		mm[i].msg_hdr.msg_iov = &v[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	check_equal(syscall(SYS_sendmmsg, s[0], mm, 4, 0), 4);
	check_equal(mm[3].msg_len, 4);
	memset(buf, 0, sizeof buf);
	check_equal(syscall(SYS_recvmmsg, s[1], mm, 4, MSG_WAITFORONE, NULL), 4);
	for (int i = 0; i < 4; i++) {
		check_equal(mm[i].msg_len, i + 1);
		check_equal(buf[i][i], 'a' + i);
	}
	check_errno(syscall(SYS_recvmmsg, s[1], mm, 4, MSG_DONTWAIT, NULL), EAGAIN);
	check_equal(send(s[0], "x", 1, 0), 1);
	check_equal(syscall(SYS_recvmmsg, s[1], mm, 4, MSG_WAITFORONE, &ts), 1);
	ts.tv_nsec = -1;
	check_errno(syscall(SYS_recvmmsg, s[1], mm, 4, 0, &ts), EINVAL);
	check_errno(syscall(SYS_sendmmsg, s[0], (void *)8, 1, 0), EFAULT);
	check_errno(syscall(SYS_sendmsg, s[0], (void *)8, 0), EFAULT);
	check_errno(syscall(SYS_recvmsg, s[1], (void *)8, 0), EFAULT);
	m.msg_iov = &one;
	m.msg_iovlen = 1025;
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), EMSGSIZE);
	m.msg_iovlen = 1;
	one.iov_len = -1;
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
	one.iov_len = 1;
	m.msg_control = buf;
	m.msg_controllen = 1 << 20;
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), ENOBUFS);
	m.msg_controllen = 17;
	memset(buf, 0xff, sizeof buf);
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
	m.msg_controllen = 15;		/* too short for a header: no message */
	check_equal(syscall(SYS_sendmsg, s[0], &m, 0), 1);
}

union control {
	char b[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr h;
};

static int send_fds(int s, const int *fd, int n)
{
	union control u = { 0 };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	u.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&u.h), fd, n * sizeof(int));
	return sendmsg(s, &m, 0);
}

/* How many descriptors came; *out_flags: msg_flags. */
static int receive_fds(int s, int *fd, int room, int flags, int *out_flags)
{
	union control u;
	char c;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0 };
	int n;

	check_equal(recvmsg(s, &m, flags), 1);
	*out_flags = m.msg_flags;
	if (m.msg_controllen < sizeof u.h)
		return 0;
	check_equal(u.h.cmsg_level, SOL_SOCKET);
	check_equal(u.h.cmsg_type, SCM_RIGHTS);
	n = (u.h.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fd, CMSG_DATA(&u.h), n * sizeof(int));
	return n;
}

static void rights(void)
{
	int s[2], p[2], got[4], flags, many[254];
	struct iovec v = { "x", 1 };
	char b[CMSG_SPACE(sizeof many)];
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = b, .msg_controllen = sizeof b };
	struct cmsghdr *h = (void *)b;
	char c;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(pipe(p));
	check_equal(send_fds(s[0], p, 2), 1);
	check_equal(receive_fds(s[1], got, 4, 0, &flags), 2);
	check_equal(flags, 0);
	check_equal(write(got[1], "y", 1), 1);
	check_equal(read(p[0], &c, 1), 1);
	check_equal(fcntl(got[0], F_GETFD), 0);
	/* Close-on-exec, and peeking makes copies. */
	check_equal(send_fds(s[0], p, 1), 1);
	check_equal(receive_fds(s[1], got, 4, MSG_PEEK, &flags), 1);
	check_equal(receive_fds(s[1], got + 1, 4, MSG_CMSG_CLOEXEC, &flags), 1);
	check(got[0] != got[1]);
	check_equal(fcntl(got[1], F_GETFD), FD_CLOEXEC);
	/* No room for all. */
	check_equal(send_fds(s[0], p, 2), 1);
	check_equal(receive_fds(s[1], got, 1, 0, &flags), 1);
	check_equal(flags, MSG_CTRUNC);
	check_equal(send_fds(s[0], p, 2), 1);
	check_equal(receive_fds(s[1], got, 0, 0, &flags), 0);
	check_equal(flags, MSG_CTRUNC);
	/* Bytes before and after are not read together with a message of descriptors. */
	check_equal(write(s[0], "ab", 2), 2);
	check_equal(send_fds(s[0], p, 1), 1);
	check_equal(write(s[0], "cd", 2), 2);
	check_equal(read(s[1], b, 10), 3);
	check_equal(read(s[1], b, 10), 2);
	/* A bad one: nothing is sent. */
	got[0] = p[0];
	got[1] = 1234;
	check_errno(send_fds(s[0], got, 2), EBADF);
	check_errno(recv(s[1], b, 1, MSG_DONTWAIT), EAGAIN);
	for (int i = 0; i < 254; i++)
		many[i] = p[0];
	memcpy(CMSG_DATA(h), many, sizeof many);
	h->cmsg_len = CMSG_LEN(sizeof many);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	check_errno(sendmsg(s[0], &m, 0), EINVAL);
	h->cmsg_len = CMSG_LEN(sizeof many - sizeof(int));
	check_equal(sendmsg(s[0], &m, 0), 1);
	check_equal(read(s[1], &c, 1), 1);
	h->cmsg_type = 77;
	check_errno(sendmsg(s[0], &m, 0), EINVAL);
	h->cmsg_level = 77;
	check_equal(sendmsg(s[0], &m, 0), 1);
	/* An end that exists only in a message is closed with it. */
	check_ok(close(p[1]));
	for (int fd = 3; fd < 64; fd++)
		if (fd != s[0] && fd != s[1] && fd != p[0] && fd != test_report)
			close(fd);
	check_equal(read(s[1], &c, 1), 1);
	check_equal(send_fds(s[0], p, 1), 1);
	check_ok(close(s[1]));
	check_ok(close(s[0]));
}

static void rights_limit(void)
{
	struct rlimit r = { 30, 30 };
	int s[2], p[4] = { 0, 0, 0, 0 }, got[4], flags;

	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	check_equal(send_fds(s[0], p, 4), 1);
	check_ok(setrlimit(RLIMIT_NOFILE, &r));
	while (dup(0) >= 0)
		;
	check_equal(errno, EMFILE);
	close(20);
	close(21);
	check_equal(receive_fds(s[1], got, 4, 0, &flags), 2);
	check_equal(flags, MSG_CTRUNC);
	check_ok(setgid(1000));
	check_ok(setuid(1000));
	for (int i = 0; i < 8; i++)
		check_equal(send_fds(s[0], p, 4), 1);
	check_errno(send_fds(s[0], p, 4), ETOOMANYREFS);
}

/* The other end of a pipe that only a cycle of sockets in flight holds is closed when the cycle is collected. */
static void cycles(void)
{
	int a[2], b[2], p[2], fds[2];
	char c;

	for (int round = 0; round < 3; round++) {
		check_ok(pipe(p));
		check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
		check_ok(socketpair(AF_UNIX, round == 1 ? SOCK_DGRAM : SOCK_STREAM, 0, b));
		fds[0] = p[1];
		fds[1] = a[0];
		check_equal(send_fds(a[1], fds, 2), 1);		/* a[0] holds itself and the pipe */
		if (round) {
			fds[0] = b[0];
			check_equal(send_fds(a[1], fds, 1), 1);	/* … and b[0], which holds a[0] */
			fds[0] = a[0];
			check_equal(send_fds(b[1], fds, 1), 1);
		}
		check_ok(close(a[0]));
		check_ok(close(a[1]));
		check_ok(close(b[0]));
		check_ok(close(b[1]));
		check_ok(close(p[1]));
		check_equal(read(p[0], &c, 1), 0);
		check_ok(close(p[0]));
	}
	/* In flight but reachable: not collected. */
	check_ok(pipe(p));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	check_equal(send_fds(b[1], &p[1], 1), 1);
	check_equal(send_fds(a[1], &b[0], 1), 1);
	check_ok(close(b[0]));
	check_ok(close(b[1]));
	check_ok(close(p[1]));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	check_errno(read(p[0], &c, 1), EAGAIN);
	int flags;

	check_equal(receive_fds(a[0], &b[0], 1, 0, &flags), 1);
	check_equal(receive_fds(b[0], &p[1], 1, 0, &flags), 1);
	check_equal(write(p[1], "x", 1), 1);
	check_equal(read(p[0], &c, 1), 1);
}

/* Sockets inside sockets: taking them apart needs no deep stack. */
static void nested(void)
{
	int s[2], last = -1, flags, p[2];
	char c;

	check_ok(pipe(p));
	for (int i = 0; i < 200; i++) {
		check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		if (last < 0)
			last = dup(p[1]);
		flags = send_fds(s[0], &last, 1);
		if (flags < 0)
			check_equal(errno, ETOOMANYREFS);	/* Linux of some years ago counts levels */
		check_ok(close(last));
		check_ok(close(s[0]));
		last = s[1];
	}
	check_ok(close(last));
	check_ok(close(p[1]));
	check_equal(read(p[0], &c, 1), 0);
}

static void credentials(void)
{
	int s[2], on = 1;
	struct ucred me = { getpid(), getuid(), getgid() }, *got;
	union control u;
	char buf[8];
	struct iovec v = { buf, 8 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u };

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_equal(write(s[0], "a", 1), 1);
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(m.msg_controllen, 0);
	check_ok(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
	check_equal(write(s[0], "a", 1), 1);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(u.h.cmsg_type, SCM_CREDENTIALS);
	check_equal(u.h.cmsg_len, CMSG_LEN(sizeof me));
	got = (void *)CMSG_DATA(&u.h);
	check_equal(got->pid, me.pid);
	check_equal(got->uid, me.uid);
	/* Two writers are not read together. */
	check_equal(write(s[0], "a", 1), 1);
	if (fork() == 0)
		_exit(write(s[0], "b", 1) != 1);
	check_equal(wait_for(-1), 0);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(got->pid, me.pid);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check(got->pid != me.pid);
	/* Said by the sender: root may say anything that exists, others the truth only. */
	*got = (struct ucred){ 1, 5, 6 };
	m.msg_controllen = CMSG_SPACE(sizeof me);
	u.h.cmsg_len = CMSG_LEN(sizeof me);
	v.iov_len = 1;
	check_equal(sendmsg(s[0], &m, 0), 1);
	memset(&u, 0, sizeof u);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(got->pid, 1);
	check_equal(got->uid, 5);
	check_equal(got->gid, 6);
	got->pid = 999999;
	m.msg_controllen = CMSG_SPACE(sizeof me);
	check_errno(sendmsg(s[0], &m, 0), ESRCH);
	u.h.cmsg_len = CMSG_LEN(sizeof me) - 1;
	check_errno(sendmsg(s[0], &m, 0), EINVAL);
	u.h.cmsg_len = CMSG_LEN(sizeof me);
	check_ok(setgid(1000));
	check_ok(setuid(1000));
	*got = (struct ucred){ getpid(), 0, 1000 };
	check_errno(sendmsg(s[0], &m, 0), EPERM);
	*got = (struct ucred){ 1, 1000, 1000 };
	check_errno(sendmsg(s[0], &m, 0), EPERM);
	*got = (struct ucred){ getpid(), 1000, 1000 };
	check_equal(sendmsg(s[0], &m, 0), 1);
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

static void *stop_writer(void *arg)
{
	char buf[70000];
	int *fd = arg;

	memset(buf, 1, sizeof buf);
	while (write(fd[0], buf, sizeof buf) > 0)
		;
	return NULL;
}

/* Threads that write and read while both ends are shut and closed under them. */
static void races(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 60; i++) {
		static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
		char buf[1000];
		int s[2];
		pthread_t t;

		check_ok(socketpair(AF_UNIX, types[i % 3], 0, s));
		check_equal(pthread_create(&t, NULL, stop_writer, s), 0);
		for (int k = 0; k < i; k++)
			check(recv(s[1], buf, sizeof buf, 0) > 0);
		if (i & 4)
			check_ok(shutdown(s[1], SHUT_RDWR));
		if (i & 8 && (i & 4))
			check_ok(shutdown(s[0], SHUT_RDWR));
		check_ok(close(s[1]));
		check_equal(pthread_join(t, NULL), 0);
		check_ok(close(s[0]));
	}
}

static const struct test table[] = {
	{ "arguments", arguments }, { "identity", identity }, { "options", options },
	{ "pair-stream", pair_stream }, { "end-of-file", end_of_file }, { "sigpipe", sigpipe },
	{ "stream-server", stream_server }, { "seqpacket-server", seqpacket_server },
	{ "names", names }, { "abstract-names", abstract_names }, { "permissions", permissions },
	{ "backlog", backlog }, { "blocked-accept", blocked_accept }, { "blocked-read", blocked_read },
	{ "timeouts", timeouts }, { "bulk", bulk }, { "full", full },
	{ "datagrams", datagrams }, { "datagram-queue", datagram_queue }, { "seqpackets", seqpackets },
	{ "messages", messages }, { "rights", rights }, { "rights-limit", rights_limit },
	{ "cycles", cycles }, { "nested", nested }, { "credentials", credentials },
	{ "proc-file", proc_file }, { "races", races }, { NULL, NULL },
};

TEST_MAIN(table)

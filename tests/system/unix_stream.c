/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX streams and servers: pairs, ends of file, listening, what waits and how long, full buffers, closing under others. */
#include "unix.h"

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
	{ "pair-stream", pair_stream }, { "end-of-file", end_of_file }, { "sigpipe", sigpipe },
	{ "stream-server", stream_server }, { "seqpacket-server", seqpacket_server }, { "backlog", backlog },
	{ "blocked-accept", blocked_accept }, { "blocked-read", blocked_read }, { "timeouts", timeouts },
	{ "bulk", bulk }, { "full", full }, { "races", races }, { NULL, NULL },
};

TEST_MAIN(table)

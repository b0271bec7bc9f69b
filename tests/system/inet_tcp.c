/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of TCP that have an effect one can see over loopback: buffers, segment size, patience, backlog, deferred connections. */
#include "inet.h"

#define CHUNK 4096
#define BACKLOG 300

/* Writes without waiting until there is no room. Bytes from the stream's place on. */
static size_t fill(int fd, size_t from)
{
	unsigned char piece[CHUNK];
	size_t done = 0;

	while (1) {
		ssize_t n;

		for (int i = 0; i < CHUNK; i++)
			piece[i] = pattern(from + done + i);
		n = send(fd, piece, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			check_equal(errno, EAGAIN);
			return done;
		}
		done += n;
	}
}

static void drain(int fd, size_t from, size_t len)
{
	unsigned char piece[CHUNK];

	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, piece, sizeof piece < len - done ? sizeof piece : len - done);

		check(n > 0);
		for (ssize_t i = 0; i < n; i++)
			check_equal(piece[i], pattern(from + done + i));
		done += n;
	}
}

/* Two connected sockets; the options of both are set before the connection is made. 0: not set. */
static void pair(int family, int fd[2], int sndbuf, int rcvbuf, int maxseg)
{
	union name n;
	int l;

	lo_up();
	l = listener(family, &n);
	fd[0] = socket(family, SOCK_STREAM, 0);
	check(fd[0] >= 0);
	if (sndbuf)
		check_ok(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf));
	if (rcvbuf)
		check_ok(setsockopt(l, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf));
	if (maxseg)
		check_ok(setsockopt(fd[0], IPPROTO_TCP, TCP_MAXSEG, &maxseg, sizeof maxseg));
	check_ok(connect(fd[0], &n.a, name_len(&n)));
	fd[1] = accept(l, NULL, NULL);
	check(fd[1] >= 0);
	close(l);
}

/* Small buffers hold little, and all of it arrives however often they are full. */
static void small_buffers(int family)
{
	int fd[2];
	size_t at = 0;

	pair(family, fd, 16384, 16384, 0);
	for (int round = 0; round < 5; round++) {
		struct pollfd p = { .fd = fd[0], .events = POLLOUT };
		size_t n = fill(fd[0], at);

		check(n >= CHUNK);
		check(n < 300000);
		check_equal(poll(&p, 1, 0), 0);
		drain(fd[1], at, n);
		check_equal(poll(&p, 1, 5000), 1);
		check_equal(p.revents, POLLOUT);
		at += n;
	}
	close(fd[0]);
	check_equal(read(fd[1], &at, 1), 0);
	close(fd[1]);
}

static void small_buffers4(void) { small_buffers(AF_INET); }
static void small_buffers6(void) { small_buffers(AF_INET6); }

/* A small receive buffer alone bounds what the peer may have on its way; writers that wait get everything through. */
static void *slow_reader(void *arg)
{
	for (int i = 0; i < 64; i++)
		drain(*(int *)arg, (size_t)i * 10000, 10000);
	return NULL;
}

static void small_window(void)
{
	unsigned char piece[10000];
	pthread_t t;
	int fd[2];

	pair(AF_INET, fd, 0, 4096, 0);
	check(!pthread_create(&t, NULL, slow_reader, &fd[1]));
	for (int i = 0; i < 64; i++) {
		for (size_t k = 0; k < sizeof piece; k++)
			piece[k] = pattern(i * sizeof piece + k);
		check_equal(write(fd[0], piece, sizeof piece), sizeof piece);
	}
	check(!pthread_join(t, NULL));
}

static int maxseg_of(int fd)
{
	socklen_t len = sizeof(int);
	int v = 0;

	check_ok(getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &v, &len));
	return v;
}

static void segment_size(void)
{
	int fd[2], s = socket(AF_INET, SOCK_STREAM, 0), small = 10, large = 70000, fine = 1000;

	check(s >= 0);
	check_errno(setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &small, sizeof small), EINVAL);
	check_errno(setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &large, sizeof large), EINVAL);
	check_ok(setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &fine, sizeof fine));
	close(s);
	pair(AF_INET, fd, 0, 0, 600);
	/* Either end, less what options take of each segment. */
	check(maxseg_of(fd[0]) <= 600 && maxseg_of(fd[0]) >= 500);
	check(maxseg_of(fd[1]) <= 600 && maxseg_of(fd[1]) >= 500);
	for (size_t at = 0; at < 100000;) {
		size_t n = fill(fd[0], at);

		drain(fd[1], at, n);
		at += n;
	}
	close(fd[0]);
	close(fd[1]);
	pair(AF_INET, fd, 0, 0, 0);
	check(maxseg_of(fd[0]) > 10000);
}

/* The peer takes nothing: after so long the connection is given up. */
static void user_timeout(void)
{
	unsigned ms = 1500, got = 0;
	socklen_t len = sizeof got;
	long long begun;
	int fd[2], err;

	pair(AF_INET, fd, 16384, 16384, 0);
	check_ok(setsockopt(fd[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms));
	check_ok(getsockopt(fd[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &got, &len));
	check_equal(got, ms);
	ms = -1u;
	check_errno(setsockopt(fd[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms), EINVAL);
	begun = now_ms();
	fill(fd[0], 0);
	signal(SIGPIPE, SIG_IGN);
	check_equal(poll(&(struct pollfd){ .fd = fd[0] }, 1, 15000), 1);
	check(now_ms() - begun >= 1000);
	len = sizeof err;
	check_ok(getsockopt(fd[0], SOL_SOCKET, SO_ERROR, &err, &len));
	check_equal(err, ETIMEDOUT);
	check_errno(write(fd[0], "x", 1), EPIPE);
}

/* More than 255 connections wait for accept. */
static void long_backlog(void)
{
	static int fd[BACKLOG];
	union name n;
	int l;

	lo_up();
	l = bound(AF_INET, SOCK_STREAM, &n);
	check_ok(listen(l, BACKLOG));
	for (int i = 0; i < BACKLOG; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		check(fd[i] >= 0);
		check_ok(connect(fd[i], &n.a, name_len(&n)));
	}
	for (int i = 0; i < BACKLOG; i++) {
		int s = accept4(l, NULL, NULL, SOCK_NONBLOCK);

		check(s >= 0);
		close(s);
		close(fd[i]);
	}
	check_ok(fcntl(l, F_SETFL, O_NONBLOCK));
	check_errno(accept(l, NULL, NULL), EAGAIN);
}

/* TCP_DEFER_ACCEPT: who connects and says nothing is not accepted at first. */
static void deferred(void)
{
	int seconds = 10, l, c;
	union name n;

	lo_up();
	l = bound(AF_INET, SOCK_STREAM, &n);
	check_ok(listen(l, 5));
	check_ok(fcntl(l, F_SETFL, O_NONBLOCK));
	check_ok(setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds));
	c = socket(AF_INET, SOCK_STREAM, 0);
	check_ok(connect(c, &n.a, name_len(&n)));
	check_equal(poll(&(struct pollfd){ .fd = l, .events = POLLIN }, 1, 400), 0);
	check_errno(accept(l, NULL, NULL), EAGAIN);
	check_equal(write(c, "x", 1), 1);
	check_equal(poll(&(struct pollfd){ .fd = l, .events = POLLIN }, 1, 5000), 1);
	check(accept(l, NULL, NULL) >= 0);
}

/* But it is when it stays silent for longer. */
static void deferred_long(void)
{
	int seconds = 1, l, c;
	union name n;

	lo_up();
	l = bound(AF_INET, SOCK_STREAM, &n);
	check_ok(listen(l, 5));
	check_ok(setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds));
	c = socket(AF_INET, SOCK_STREAM, 0);
	check_ok(connect(c, &n.a, name_len(&n)));
	check_equal(poll(&(struct pollfd){ .fd = l, .events = POLLIN }, 1, 200), 0);
	check_equal(poll(&(struct pollfd){ .fd = l, .events = POLLIN }, 1, 20000), 1);
	check(accept(l, NULL, NULL) >= 0);
}

/* Each address of 127.0.0.0/8 is this machine's, and another one than the next. */
static void loopback_net(void)
{
	union name own = loopback(AF_INET, 0), n = own, from = own, peer;
	socklen_t len = sizeof n;
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), u[2], s;
	char buf[8];

	lo_up();
	own.in.sin_addr.s_addr = htonl(0x7f000007);
	from.in.sin_addr.s_addr = htonl(0x7f08090a);
	check_ok(bind(l, &own.a, sizeof own.in));
	check_ok(listen(l, 1));
	check_ok(getsockname(l, &n.a, &len));
	check_equal(n.in.sin_addr.s_addr, own.in.sin_addr.s_addr);
	check_ok(bind(c, &from.a, sizeof from.in));
	check_ok(connect(c, &n.a, len));
	s = accept(l, &peer.a, &len);
	check(s >= 0);
	check_equal(peer.in.sin_addr.s_addr, from.in.sin_addr.s_addr);
	check_equal(write(s, "tcp", 3), 3);
	check_equal(read(c, buf, sizeof buf), 3);
	n.in.sin_addr.s_addr = htonl(0x7f000008);
	s = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(connect(s, &n.a, len), ECONNREFUSED);
	u[0] = socket(AF_INET, SOCK_DGRAM, 0);
	u[1] = socket(AF_INET, SOCK_DGRAM, 0);
	check_ok(bind(u[0], &own.a, sizeof own.in));
	check_ok(getsockname(u[0], &n.a, &len));
	check_equal(sendto(u[1], "udp!", 4, 0, &n.a, len), 4);
	check_equal(recvfrom(u[0], buf, sizeof buf, 0, &peer.a, &len), 4);
	check_equal(peer.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

/* Beside many connections, alive and dying, a socket that asks for any port gets one. */
static void any_port(void)
{
	enum { N = 300 };
	union name n, none = loopback(AF_INET, 0);
	int l = bound(AF_INET, SOCK_STREAM, &n), s;
	static int fd[N], peer[N];

	check_ok(listen(l, 16));
	for (int i = 0; i < N; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		check_ok(connect(fd[i], &n.a, name_len(&n)));
		peer[i] = accept(l, NULL, NULL);
		check(peer[i] >= 0);
	}
	for (int i = 0; i < N / 2; i++) {	/* these wait out their time */
		check_ok(close(fd[i]));
		check_ok(close(peer[i]));
	}
	for (int i = 0; i < 2000; i++) {
		s = socket(AF_INET, SOCK_STREAM, 0);
		check_ok(bind(s, &none.a, name_len(&none)));
		check_ok(close(s));
	}
}

static const struct test table[] = {
	{ "small-buffers-ipv4", small_buffers4 }, { "small-buffers-ipv6", small_buffers6 }, { "small-window", small_window },
	{ "segment-size", segment_size }, { "user-timeout", user_timeout }, { "long-backlog", long_backlog },
	{ "loopback-net", loopback_net }, { "any-port", any_port }, { "deferred", deferred }, { "deferred-long", deferred_long },
	{ 0 },
};

TEST_MAIN(table)

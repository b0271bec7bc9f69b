/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of AF_INET and AF_INET6 over loopback: bytes, ends, errors, names, options. */
#include "inet.h"

static void stream_basics(int family)
{
	char buf[64];
	int fd[2];

	lo_up();
	connected(family, fd);
	check_equal(write(fd[0], "hello", 5), 5);
	check_equal(read(fd[1], buf, sizeof buf), 5);
	check(!memcmp(buf, "hello", 5));
	check_errno(recv(fd[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	check_equal(send(fd[1], "abcdef", 6, 0), 6);
	check_equal(recv(fd[0], buf, 3, MSG_PEEK), 3);
	check_equal(recv(fd[0], buf, 6, MSG_WAITALL), 6);
	check(!memcmp(buf, "abcdef", 6));
	check_ok(shutdown(fd[0], SHUT_WR));
	check_equal(read(fd[1], buf, sizeof buf), 0);
	check_equal(write(fd[1], "bye", 3), 3);
	check_equal(read(fd[0], buf, sizeof buf), 3);
	signal(SIGPIPE, SIG_IGN);
	check_errno(write(fd[0], "x", 1), EPIPE);
	close(fd[1]);
	check_equal(read(fd[0], buf, sizeof buf), 0);
	check_errno(connect(fd[0], &(struct sockaddr){ 0 }, 1), EINVAL);
}

static void stream4(void) { stream_basics(AF_INET); }
static void stream6(void) { stream_basics(AF_INET6); }

#define BULK (8 << 20)

static void *bulk_writer(void *arg)
{
	static unsigned char out[100000];
	int fd = *(int *)arg;

	for (size_t done = 0; done < BULK;) {
		size_t n = 1 + (done * 7919) % sizeof out;
		ssize_t w;

		n = n > BULK - done ? BULK - done : n;
		for (size_t i = 0; i < n; i++)
			out[i] = pattern(done + i);
		w = write(fd, out, n);
		if (w <= 0)
			return (void *)1;
		done += w;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* Every byte arrives once and in order, in pieces of all sizes. */
static void bulk(int family)
{
	static unsigned char in[70001];
	size_t done = 0;
	pthread_t t;
	int fd[2];
	void *bad;
	ssize_t n;

	lo_up();
	connected(family, fd);
	check_equal(pthread_create(&t, NULL, bulk_writer, &fd[0]), 0);
	while ((n = read(fd[1], in, 1 + (done * 104729) % sizeof in)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (in[i] != pattern(done + i))
				test_fail(__LINE__, "byte %zu is wrong", done + i);
		done += n;
	}
	check_equal(n, 0);
	check_equal(done, BULK);
	check_equal(pthread_join(t, &bad), 0);
	check(!bad);
}

static void bulk4(void) { bulk(AF_INET); }
static void bulk6(void) { bulk(AF_INET6); }

static void refused(void)
{
	union name n;
	int s, l, err;
	socklen_t len = sizeof err;

	lo_up();
	l = bound(AF_INET, SOCK_STREAM, &n);
	s = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(connect(s, &n.a, sizeof n.in), ECONNREFUSED);
	close(s);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(s, &n.a, sizeof n.in) < 0 && errno == EINPROGRESS) {
		struct pollfd p = { s, POLLOUT, 0 };

		check_equal(poll(&p, 1, 3000), 1);
		check(p.revents & (POLLERR | POLLHUP));
		check_ok(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
		check_equal(err, ECONNREFUSED);
	} else {
		check_equal(errno, ECONNREFUSED);
	}
	close(s);
	close(l);
	s = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
	check_errno(recv(s, &err, 1, 0), ENOTCONN);
	check_errno(getpeername(s, &n.a, &len), ENOTCONN);
	check_errno(shutdown(s, SHUT_WR), ENOTCONN);
}

static void nonblocking(void)
{
	union name n;
	int l, s, c, err = -1;
	bool waits;
	socklen_t len = sizeof err;
	struct pollfd p;

	lo_up();
	l = listener(AF_INET, &n);
	check_ok(fcntl(l, F_SETFL, O_NONBLOCK));
	check_errno(accept(l, NULL, NULL), EAGAIN);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	waits = connect(s, &n.a, sizeof n.in) < 0;
	if (waits)
		check_equal(errno, EINPROGRESS);
	p = (struct pollfd){ s, POLLOUT, 0 };
	check_equal(poll(&p, 1, 3000), 1);
	check_equal(p.revents, POLLOUT);
	check_ok(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	check_equal(err, 0);
	if (waits)
		check_ok(connect(s, &n.a, sizeof n.in));
	check_errno(connect(s, &n.a, sizeof n.in), EISCONN);
	p = (struct pollfd){ l, POLLIN, 0 };
	check_equal(poll(&p, 1, 3000), 1);
	c = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(c >= 0);
	check(fcntl(c, F_GETFL) & O_NONBLOCK);
	check(fcntl(c, F_GETFD) & FD_CLOEXEC);
	check_errno(read(c, &err, 1), EAGAIN);
}

/* A writer that nobody reads from is told to wait, and woken when there is room. */
static void full(void)
{
	static char buf[65536];
	size_t sent = 0, got = 0;
	struct pollfd p;
	int fd[2];
	ssize_t n;

	lo_up();
	connected(AF_INET, fd);
	check_ok(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	while ((n = write(fd[0], buf, sizeof buf)) > 0 && sent < (64 << 20))
		sent += n;
	check_equal(n, -1);
	check_equal(errno, EAGAIN);
	p = (struct pollfd){ fd[0], POLLOUT, 0 };
	check_equal(poll(&p, 1, 0), 0);
	while (got < sent) {
		n = read(fd[1], buf, sizeof buf);
		check(n > 0);
		got += n;
	}
	check_equal(poll(&p, 1, 3000), 1);
	check_equal(p.revents, POLLOUT);
}

static void reset(void)
{
	struct linger l = { 1, 0 };
	struct pollfd p;
	char c;
	int fd[2];

	lo_up();
	connected(AF_INET, fd);
	check_ok(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
	close(fd[0]);
	p = (struct pollfd){ fd[1], POLLIN, 0 };
	check_equal(poll(&p, 1, 3000), 1);
	check(p.revents & POLLERR);
	check_errno(read(fd[1], &c, 1), ECONNRESET);
	check_equal(read(fd[1], &c, 1), 0);
	/* Unread data makes close a reset, too. */
	connected(AF_INET, fd);
	check_equal(write(fd[1], "lost", 4), 4);
	p = (struct pollfd){ fd[0], POLLIN, 0 };
	check_equal(poll(&p, 1, 3000), 1);
	close(fd[0]);
	check_errno(read(fd[1], &c, 1), ECONNRESET);
}

static void hangup(void)
{
	struct pollfd p;
	int fd[2];

	lo_up();
	connected(AF_INET, fd);
	check_ok(shutdown(fd[1], SHUT_WR));
	p = (struct pollfd){ fd[0], POLLIN | POLLOUT | POLLRDHUP, 0 };
	check_equal(poll(&p, 1, 3000), 1);
	sleep_ms(50);
	check_equal(poll(&p, 1, 3000), 1);
	check_equal(p.revents, POLLIN | POLLOUT | POLLRDHUP);
	check_ok(shutdown(fd[0], SHUT_WR));
	sleep_ms(50);
	check_equal(poll(&p, 1, 3000), 1);
	check(p.revents & POLLHUP);
}

static void names_in_use(void)
{
	union name n;
	int a, b, one = 1;

	lo_up();
	a = listener(AF_INET, &n);
	b = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(bind(b, &n.a, sizeof n.in), EADDRINUSE);
	check_ok(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	check_errno(bind(b, &n.a, sizeof n.in), EADDRINUSE);
	close(a);
	check_ok(bind(b, &n.a, sizeof n.in));
	check_errno(bind(b, &n.a, sizeof n.in), EINVAL);
	n.in.sin_addr.s_addr = htonl(0x01020304);
	n.in.sin_port = 0;
	a = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(bind(a, &n.a, sizeof n.in), EADDRNOTAVAIL);
	check_errno(bind(a, &n.a, 8), EINVAL);
	n.a.sa_family = AF_INET6;
	check_errno(bind(a, &n.a, sizeof n.in), EAFNOSUPPORT);
	check_errno(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	check_errno(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	check_errno(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
}

/* An IPv6 listener takes IPv4 connections unless told not to. */
static void dual_stack(void)
{
	union name n = { 0 }, to, peer;
	socklen_t len = sizeof n;
	int l, s, c, one = 1;

	lo_up();
	l = socket(AF_INET6, SOCK_STREAM, 0);
	n.in6.sin6_family = AF_INET6;
	check_ok(bind(l, &n.a, sizeof n.in6));
	check_ok(listen(l, 4));
	check_ok(getsockname(l, &n.a, &len));
	to = loopback(AF_INET, name_port(&n));
	s = socket(AF_INET, SOCK_STREAM, 0);
	check_ok(connect(s, &to.a, sizeof to.in));
	len = sizeof peer;
	c = accept(l, &peer.a, &len);
	check(c >= 0);
	check_equal(len, sizeof peer.in6);
	check(IN6_IS_ADDR_V4MAPPED(&peer.in6.sin6_addr));
	close(l);
	close(s);
	close(c);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	check_ok(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one));
	n.in6.sin6_port = 0;
	check_ok(bind(l, &n.a, sizeof n.in6));
	check_ok(listen(l, 4));
	len = sizeof n;
	check_ok(getsockname(l, &n.a, &len));
	to = loopback(AF_INET, name_port(&n));
	s = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(connect(s, &to.a, sizeof to.in), ECONNREFUSED);
}

static void stream_options(void)
{
	struct tcp_info info;
	int fd[2], v, n;
	socklen_t len;

	lo_up();
	connected(AF_INET, fd);
	v = 1;
	check_ok(setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &v, sizeof v));
	v = 0;
	len = sizeof v;
	check_ok(getsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &v, &len));
	check_equal(v, 1);
	v = 77;
	check_ok(setsockopt(fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof v));
	v = 0;
	check_ok(getsockopt(fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &v, &len));
	check_equal(v, 77);
	v = 0;
	check_errno(setsockopt(fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof v), EINVAL);
	v = 33;
	check_ok(setsockopt(fd[0], IPPROTO_IP, IP_TTL, &v, sizeof v));
	v = 0;
	check_ok(getsockopt(fd[0], IPPROTO_IP, IP_TTL, &v, &len));
	check_equal(v, 33);
	v = 300;
	check_errno(setsockopt(fd[0], IPPROTO_IP, IP_TTL, &v, sizeof v), EINVAL);
	len = sizeof info;
	check_ok(getsockopt(fd[0], IPPROTO_TCP, TCP_INFO, &info, &len));
	check_equal(info.tcpi_state, TCP_ESTABLISHED);
	check(info.tcpi_snd_mss >= 536);
	len = sizeof v;
	check_ok(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, &v, &len));
	check_equal(v, SOCK_STREAM);
	check_ok(getsockopt(fd[0], SOL_SOCKET, SO_PROTOCOL, &v, &len));
	check_equal(v, IPPROTO_TCP);
	check_errno(setsockopt(fd[0], IPPROTO_TCP, 9999, &v, sizeof v), ENOPROTOOPT);
	check_equal(write(fd[1], "12345", 5), 5);
	for (n = 0; n < 100; n++) {
		check_ok(ioctl(fd[0], FIONREAD, &v));
		if (v == 5)
			break;
		sleep_ms(10);
	}
	check_equal(v, 5);
}

static void timeouts(void)
{
	struct timeval tv = { 0, 100000 };
	long long start;
	char c;
	int fd[2];

	lo_up();
	connected(AF_INET, fd);
	check_ok(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	start = now_ms();
	check_errno(read(fd[0], &c, 1), EAGAIN);
	check(now_ms() - start >= 90);
}

static void *sleeper(void *arg)
{
	char c;

	return (void *)(long)read(*(int *)arg, &c, 1);
}

/* A reader asleep in read is woken by another thread's shutdown. */
static void shutdown_wakes(void)
{
	pthread_t t;
	void *r;
	int fd[2];

	lo_up();
	connected(AF_INET, fd);
	check_equal(pthread_create(&t, NULL, sleeper, &fd[0]), 0);
	sleep_ms(50);
	check_ok(shutdown(fd[0], SHUT_RD));
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, 0);
}

/* Many connections at once, each with its own data, in any order. */
static void many(void)
{
	enum { N = 200 };
	int l, c[N], a[N];
	union name n;

	lo_up();
	l = listener(AF_INET, &n);
	for (int i = 0; i < N; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM, 0);
		check(c[i] >= 0);
		check_ok(connect(c[i], &n.a, sizeof n.in));
		a[i] = accept(l, NULL, NULL);
		check(a[i] >= 0);
	}
	for (int i = 0; i < N; i++)
		check_equal(write(c[(i * 77) % N], &i, sizeof i), sizeof i);
	for (int i = N - 1; i >= 0; i--) {
		int v;

		check_equal(read(a[(i * 77) % N], &v, sizeof v), sizeof v);
		check_equal(v, i);
	}
}

static volatile sig_atomic_t told;
static void on_io(int sig) { told = sig; }

/* SIGIO to the owner of a socket, while asked for. */
static void told_by_signal(void)
{
	struct timespec nap = { .tv_nsec = 50000000 };
	int fd[2], on = 1, off = 0;

	connected(AF_INET, fd);
	signal(SIGIO, on_io);
	check_equal(fcntl(fd[0], F_GETOWN), 0);
	check_ok(fcntl(fd[0], F_SETOWN, getpid()));
	check_equal(fcntl(fd[0], F_GETOWN), getpid());
	check_errno(fcntl(fd[0], F_SETOWN, 999999), ESRCH);
	check_ok(ioctl(fd[0], FIOASYNC, &on));
	check(fcntl(fd[0], F_GETFL) & O_ASYNC);
	check_equal(write(fd[1], "x", 1), 1);
	for (int i = 0; i < 100 && !told; i++)
		nanosleep(&nap, 0);
	check_equal(told, SIGIO);
	check_ok(ioctl(fd[0], FIOASYNC, &off));
	check(!(fcntl(fd[0], F_GETFL) & O_ASYNC));
	told = 0;
	check_equal(write(fd[1], "x", 1), 1);
	nanosleep(&nap, 0);
	check_equal(told, 0);
	check_ok(fcntl(fd[0], F_SETFL, O_ASYNC));
	check_equal(write(fd[1], "x", 1), 1);
	for (int i = 0; i < 100 && !told; i++)
		nanosleep(&nap, 0);
	check_equal(told, SIGIO);
	check_ok(fcntl(fd[0], F_SETOWN, 0));
	check_equal(fcntl(fd[0], F_GETOWN), 0);
	close(fd[0]);
	close(fd[1]);
}

static const struct test table[] = {
	{ "stream-ipv4", stream4 }, { "stream-ipv6", stream6 }, { "bulk-ipv4", bulk4 },
	{ "bulk-ipv6", bulk6 }, { "refused", refused }, { "nonblocking", nonblocking },
	{ "full", full }, { "reset", reset }, { "hangup", hangup },
	{ "names-in-use", names_in_use }, { "dual-stack", dual_stack },
	{ "stream-options", stream_options }, { "timeouts", timeouts },
	{ "shutdown-wakes", shutdown_wakes }, { "told-by-signal", told_by_signal },
	{ "many", many },
	{ 0 },
};

TEST_MAIN(table)

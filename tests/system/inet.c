/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_INET and AF_INET6 over loopback: streams, datagrams, ICMP, options, errors, interface requests. */
#include "test.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void lo_up(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = { .ifr_name = "lo" };

	check(s >= 0);
	check_ok(ioctl(s, SIOCGIFFLAGS, &r));
	check(r.ifr_flags & IFF_LOOPBACK);
	r.ifr_flags |= IFF_UP;
	check_ok(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

union name {
	struct sockaddr a;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union name loopback(int family, int port)
{
	union name n = { 0 };

	if (family == AF_INET) {
		n.in.sin_family = AF_INET;
		n.in.sin_port = htons(port);
		n.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		n.in6.sin6_family = AF_INET6;
		n.in6.sin6_port = htons(port);
		n.in6.sin6_addr = in6addr_loopback;
	}
	return n;
}

static socklen_t name_len(const union name *n) { return n->a.sa_family == AF_INET ? sizeof n->in : sizeof n->in6; }
static int name_port(const union name *n) { return ntohs(n->a.sa_family == AF_INET ? n->in.sin_port : n->in6.sin6_port); }

static int bound(int family, int type, union name *n)
{
	int s = socket(family, type, 0);
	socklen_t len = sizeof *n;

	check(s >= 0);
	*n = loopback(family, 0);
	check_ok(bind(s, &n->a, name_len(n)));
	check_ok(getsockname(s, &n->a, &len));
	check(name_port(n) > 0);
	return s;
}

static int listener(int family, union name *n)
{
	int s = bound(family, SOCK_STREAM, n);

	check_ok(listen(s, 8));
	return s;
}

static void connected(int family, int fd[2])
{
	union name n, peer, own;
	socklen_t len = sizeof peer;
	int l = listener(family, &n);

	fd[0] = socket(family, SOCK_STREAM, 0);
	check(fd[0] >= 0);
	check_ok(connect(fd[0], &n.a, name_len(&n)));
	fd[1] = accept(l, &peer.a, &len);
	check(fd[1] >= 0);
	check_equal(len, name_len(&n));
	len = sizeof own;
	check_ok(getsockname(fd[0], &own.a, &len));
	check_equal(name_port(&own), name_port(&peer));
	len = sizeof peer;
	check_ok(getpeername(fd[0], &peer.a, &len));
	check_equal(name_port(&peer), name_port(&n));
	close(l);
}

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
static unsigned char pattern(size_t i) { return (unsigned char)(i * 31 + (i >> 8) * 7 + (i >> 16)); }

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

static void datagrams(int family)
{
	union name a, b, from;
	int s, t, v;
	socklen_t len = sizeof from;
	char buf[16];

	lo_up();
	s = bound(family, SOCK_DGRAM, &a);
	t = bound(family, SOCK_DGRAM, &b);
	check_equal(sendto(s, "one", 3, 0, &b.a, name_len(&b)), 3);
	check_equal(sendto(s, "", 0, 0, &b.a, name_len(&b)), 0);
	check_equal(sendto(s, "three and more", 14, 0, &b.a, name_len(&b)), 14);
	check_ok(ioctl(t, FIONREAD, &v));
	check_equal(v, 3);
	check_equal(recvfrom(t, buf, sizeof buf, MSG_PEEK, &from.a, &len), 3);
	check_equal(recvfrom(t, buf, sizeof buf, 0, &from.a, &len), 3);
	check_equal(name_port(&from), name_port(&a));
	check_equal(len, name_len(&a));
	check_equal(recv(t, buf, sizeof buf, 0), 0);
	check_equal(recv(t, buf, 5, MSG_TRUNC), 14);
	check_errno(recv(t, buf, 5, MSG_DONTWAIT), EAGAIN);
	check_errno(send(s, "x", 1, 0), EDESTADDRREQ);
	check_ok(connect(s, &b.a, name_len(&b)));
	check_equal(send(s, "conn", 4, 0), 4);
	check_equal(recv(t, buf, sizeof buf, 0), 4);
	close(t);
	check_equal(send(s, "void", 4, 0), 4);
	check_errno(recv(s, buf, sizeof buf, 0), ECONNREFUSED);
	check_ok(connect(s, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	check_errno(send(s, "x", 1, 0), EDESTADDRREQ);
}

static void datagrams4(void) { datagrams(AF_INET); }
static void datagrams6(void) { datagrams(AF_INET6); }

static void large_datagram(void)
{
	static char out[65508], in[65536];
	union name n;
	int s;

	lo_up();
	s = bound(AF_INET, SOCK_DGRAM, &n);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (char)pattern(i);
	check_equal(sendto(s, out, 65507, 0, &n.a, sizeof n.in), 65507);
	check_equal(recv(s, in, sizeof in, 0), 65507);
	check(!memcmp(in, out, 65507));
	check_errno(sendto(s, out, 65508, 0, &n.a, sizeof n.in), EMSGSIZE);
}

static void packet_info(void)
{
	union name n;
	char data[8], control[256];
	struct iovec v = { data, sizeof data };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	bool has_info = false, has_ttl = false;
	int s, one = 1;

	lo_up();
	s = bound(AF_INET, SOCK_DGRAM, &n);
	check_ok(setsockopt(s, IPPROTO_IP, IP_PKTINFO, &one, sizeof one));
	check_ok(setsockopt(s, IPPROTO_IP, IP_RECVTTL, &one, sizeof one));
	check_equal(sendto(s, "info", 4, 0, &n.a, sizeof n.in), 4);
	check_equal(recvmsg(s, &m, 0), 4);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo i;

			memcpy(&i, CMSG_DATA(c), sizeof i);
			check_equal(i.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
			check_equal(i.ipi_ifindex, if_nametoindex("lo"));
			has_info = true;
		}
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
			int ttl;

			memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
			check_equal(ttl, 64);
			has_ttl = true;
		}
	}
	check(has_info && has_ttl);
}

static unsigned short sum16(const void *p, int n)
{
	const unsigned char *b = p;
	unsigned sum = 0;

	for (int i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

static void ping_raw(void)
{
	struct { struct icmp h; char data[24]; } out = { 0 };
	unsigned char in[256];
	union name n = loopback(AF_INET, 0);
	int s, r = -1;

	lo_up();
	s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	check(s >= 0);
	out.h.icmp_type = ICMP_ECHO;
	out.h.icmp_id = htons(4711);
	out.h.icmp_seq = htons(3);
	out.h.icmp_cksum = sum16(&out, sizeof out);
	check_equal(sendto(s, &out, sizeof out, 0, &n.a, sizeof n.in), sizeof out);
	/* Our own request comes by, too. */
	for (int i = 0; i < 2; i++) {
		r = recv(s, in, sizeof in, 0);
		check(r >= 20 + 8);
		check_equal(in[0] >> 4, 4);
		if (in[20] == ICMP_ECHOREPLY)
			break;
	}
	check_equal(in[20], ICMP_ECHOREPLY);
	check_equal(r, 20 + (int)sizeof out);
	check(!memcmp(in + 24, &out.h.icmp_id, 4));
}

static void membership(void)
{
	struct ip_mreqn r = { 0 };
	union name n = { 0 }, to = { 0 };
	socklen_t len = sizeof n;
	char buf[8];
	int s;

	lo_up();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	n.in.sin_family = AF_INET;
	check_ok(bind(s, &n.a, sizeof n.in));
	check_ok(getsockname(s, &n.a, &len));
	r.imr_multiaddr.s_addr = htonl(0xe0010203);
	r.imr_ifindex = if_nametoindex("lo");
	check_ok(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r));
	check_errno(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r), EADDRINUSE);
	check_ok(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof r));
	to = n;
	to.in.sin_addr = r.imr_multiaddr;
	check_equal(sendto(s, "group", 5, 0, &to.a, sizeof to.in), 5);
	check_equal(recv(s, buf, sizeof buf, 0), 5);
	check_ok(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof r));
	check_errno(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof r), EADDRNOTAVAIL);
	r.imr_multiaddr.s_addr = htonl(INADDR_LOOPBACK);
	check_errno(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r), EINVAL);
}

static void interfaces(void)
{
	struct ifaddrs *all;
	struct ifreq r = { .ifr_name = "lo" };
	bool found = false;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	lo_up();
	check_equal(if_nametoindex("lo"), 1);
	check_ok(getifaddrs(&all));
	for (struct ifaddrs *a = all; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && !strcmp(a->ifa_name, "lo"))
			found |= ((struct sockaddr_in *)a->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	check(found);
	check_ok(ioctl(s, SIOCGIFADDR, &r));
	check_equal(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	check_ok(ioctl(s, SIOCGIFNETMASK, &r));
	check_equal(((struct sockaddr_in *)&r.ifr_netmask)->sin_addr.s_addr, htonl(0xff000000));
	strcpy(r.ifr_name, "none0");
	check_errno(ioctl(s, SIOCGIFADDR, &r), ENODEV);
	if (setuid(1000) == 0) {
		strcpy(r.ifr_name, "lo");
		r.ifr_flags = 0;
		check_errno(ioctl(s, SIOCSIFFLAGS, &r), EPERM);
		check_errno(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
		check_errno(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
	}
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

/* Wild arguments get errors, nothing worse. */
static void bad_arguments(void)
{
	union name n;
	int s = bound(AF_INET, SOCK_DGRAM, &n);

	check_errno(sendto(s, (void *)8, 100, 0, &n.a, sizeof n.in), EFAULT);
	check_errno(bind(s, (void *)8, sizeof n.in), EFAULT);
	check_errno(connect(s, &n.a, 200), EINVAL);
	check_errno(setsockopt(s, IPPROTO_IP, IP_TTL, (void *)8, 4), EFAULT);
	check_errno(getsockopt(s, IPPROTO_IP, IP_TTL, &n, (void *)8), EFAULT);
	check_errno(listen(s, 1), EOPNOTSUPP);
	check_errno(accept(s, NULL, NULL), EOPNOTSUPP);
	check_errno(ioctl(s, SIOCGIFFLAGS, (void *)8), EFAULT);
}

static unsigned sum_on(unsigned sum, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Raw ICMPv6: the kernel puts in the checksum, whatever stands there. */
static void raw_icmp6(void)
{
	unsigned char message[16] = { ICMP6_ECHO_REQUEST, 0, 0x12, 0x34, 0x56, 0x78, 0, 1, 'd', 'a', 't', 'a' }, got[64];
	unsigned char pseudo[40] = { [15] = 1, [31] = 1, [35] = sizeof message, [39] = IPPROTO_ICMPV6 };
	int s = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	union name n = loopback(AF_INET6, 0);
	struct timeval limit = { .tv_sec = 5 };

	check(s >= 0);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	check_errno(sendto(s, message, 3, 0, &n.a, sizeof n.in6), EINVAL);
	check_equal(sendto(s, message, sizeof message, 0, &n.a, sizeof n.in6), sizeof message);
	for (int i = 0; i < 2; i++) {	/* the request, which comes here, too, and the reply */
		check_equal(recv(s, got, sizeof got, 0), sizeof message);
		check(got[4] == 0x56 && (got[0] == ICMP6_ECHO_REQUEST || got[0] == ICMP6_ECHO_REPLY));
		check_equal(sum_on(sum_on(0, pseudo, sizeof pseudo), got, sizeof message), 0xffff);
	}
	close(s);
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
	{ "stream-ipv4", stream4 }, { "stream-ipv6", stream6 }, { "bulk-ipv4", bulk4 }, { "bulk-ipv6", bulk6 },
	{ "refused", refused }, { "nonblocking", nonblocking }, { "full", full }, { "reset", reset }, { "hangup", hangup },
	{ "names-in-use", names_in_use }, { "dual-stack", dual_stack }, { "stream-options", stream_options },
	{ "timeouts", timeouts }, { "shutdown-wakes", shutdown_wakes },
	{ "datagrams-ipv4", datagrams4 }, { "datagrams-ipv6", datagrams6 }, { "large-datagram", large_datagram },
	{ "packet-info", packet_info }, { "ping", ping_raw }, { "multicast", membership }, { "interfaces", interfaces },
	{ "raw-icmp6", raw_icmp6 }, { "told-by-signal", told_by_signal }, { "many", many }, { "bad-arguments", bad_arguments },
	{ 0 },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of AF_INET and AF_INET6 share: loopback up, names, pairs of connected sockets. */
#ifndef TESTS_SYSTEM_INET_H
#define TESTS_SYSTEM_INET_H

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

/* What stands at place i of a stream or datagram. */
static inline unsigned char pattern(size_t i) { return (unsigned char)(i * 31 + (i >> 8) * 7 + (i >> 16)); }

static inline void lo_up(void)
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

static inline union name loopback(int family, int port)
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

static inline socklen_t name_len(const union name *n) { return n->a.sa_family == AF_INET ? sizeof n->in : sizeof n->in6; }
static inline int name_port(const union name *n) { return ntohs(n->a.sa_family == AF_INET ? n->in.sin_port : n->in6.sin6_port); }

static inline int bound(int family, int type, union name *n)
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

static inline int listener(int family, union name *n)
{
	int s = bound(family, SOCK_STREAM, n);

	check_ok(listen(s, 8));
	return s;
}

static inline void connected(int family, int fd[2])
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

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What ICMP says of datagrams: pending errors, IP_RECVERR with MSG_ERRQUEUE (ip(7)), IP_MTU_DISCOVER, IP_MTU. */
#include "inet.h"

#ifndef IP_RECVERR
#define IP_RECVERR 11
#endif
#ifndef IPV6_RECVERR
#define IPV6_RECVERR 25
#endif
#define ORIGIN_LOCAL 1
#define ORIGIN_ICMP 2
#define ORIGIN_ICMP6 3

struct extended_err {
	uint32_t err;
	uint8_t origin, type, code, pad;
	uint32_t info, data;
};

struct story {
	struct extended_err e;
	union name offender, to;
	socklen_t to_len;
	char data[2000];
	ssize_t n;
	int flags;
	bool has;
};

/* The oldest of the error queue. */
static struct story story_of(int s, int family)
{
	union { char b[512]; struct cmsghdr h; } control;
	struct story t = { .n = 0 };
	struct iovec v = { t.data, sizeof t.data };
	struct msghdr m = { .msg_name = &t.to, .msg_namelen = sizeof t.to, .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof control };

	t.n = recvmsg(s, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (t.n < 0)
		return t;
	t.flags = m.msg_flags;
	t.to_len = m.msg_namelen;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level != (family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6) || h->cmsg_type != (family == AF_INET ? IP_RECVERR : IPV6_RECVERR))
			continue;
		check_equal(h->cmsg_len, CMSG_LEN(sizeof t.e + (family == AF_INET ? sizeof t.offender.in : sizeof t.offender.in6)));
		memcpy(&t.e, CMSG_DATA(h), sizeof t.e);
		memcpy(&t.offender, CMSG_DATA(h) + sizeof t.e, h->cmsg_len - CMSG_LEN(sizeof t.e));
		t.has = true;
	}
	return t;
}

/* A port of loopback that nobody has. */
static union name nobody(int family)
{
	union name n;

	close(bound(family, SOCK_DGRAM, &n));
	return n;
}

static int events_of(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };

	check(poll(&p, 1, 1000) >= 0);
	return p.revents;
}

static int pending(int s)
{
	int v = -1;
	socklen_t len = sizeof v;

	check_ok(getsockopt(s, SOL_SOCKET, SO_ERROR, &v, &len));
	return v;
}

static void without(void)
{
	union name n;
	int s;
	char c;

	lo_up();
	n = nobody(AF_INET);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	check_equal(sendto(s, "x", 1, 0, &n.a, name_len(&n)), 1);
	usleep(20000);
	check_equal(pending(s), 0);		/* an unconnected one does not hear of it */
	check_ok(connect(s, &n.a, name_len(&n)));
	check_equal(send(s, "x", 1, 0), 1);
	check_equal(events_of(s), POLLERR);
	check_errno(recv(s, &c, 1, MSG_DONTWAIT), ECONNREFUSED);
	check_errno(recv(s, &c, 1, MSG_DONTWAIT), EAGAIN);
	check_errno(recv(s, &c, 1, MSG_ERRQUEUE), EAGAIN);	/* never waits */
}

static void refused(int family)
{
	union name n;
	struct story t;
	int s, one = 1;
	char c;

	lo_up();
	n = nobody(family);
	s = socket(family, SOCK_DGRAM, 0);
	check_ok(setsockopt(s, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &one, sizeof one));
	check_equal(sendto(s, "hello", 5, 0, &n.a, name_len(&n)), 5);
	check_equal(events_of(s) & POLLERR, POLLERR);
	check_errno(recv(s, &c, 1, MSG_DONTWAIT), ECONNREFUSED);
	check_errno(recv(s, &c, 1, MSG_DONTWAIT), EAGAIN);
	check_equal(events_of(s) & POLLERR, POLLERR);		/* the story is still there */
	t = story_of(s, family);
	check_equal(t.n, 5);
	check(!memcmp(t.data, "hello", 5));
	check(t.flags & MSG_ERRQUEUE);
	check(t.has);
	check_equal(t.e.err, ECONNREFUSED);
	check_equal(t.e.origin, family == AF_INET ? ORIGIN_ICMP : ORIGIN_ICMP6);
	check_equal(t.e.type, family == AF_INET ? 3 : 1);
	check_equal(t.e.code, family == AF_INET ? 3 : 4);
	check_equal(t.to_len, name_len(&n));
	check_equal(name_port(&t.to), name_port(&n));
	check_equal(t.offender.a.sa_family, family);
	if (family == AF_INET)
		check_equal(t.offender.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	else
		check(!memcmp(&t.offender.in6.sin6_addr, &in6addr_loopback, 16));
	check_equal(story_of(s, family).n, -1);
	check_equal(events_of(s) & POLLERR, 0);
}

static void refused4(void) { refused(AF_INET); }
static void refused6(void) { refused(AF_INET6); }

static void several(void)
{
	union name n, m;
	struct story t;
	int s, one = 1;

	lo_up();
	n = nobody(AF_INET);
	m = nobody(AF_INET);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	check_ok(setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof one));
	check_equal(sendto(s, "a", 1, 0, &n.a, name_len(&n)), 1);
	check_equal(events_of(s) & POLLERR, POLLERR);
	check_equal(pending(s), ECONNREFUSED);
	check_equal(sendto(s, "bb", 2, 0, &m.a, name_len(&m)), 2);
	check_equal(events_of(s) & POLLERR, POLLERR);
	t = story_of(s, AF_INET);
	check_equal(t.n, 1);
	check_equal(name_port(&t.to), name_port(&n));
	check_equal(pending(s), ECONNREFUSED);	/* the next one's */
	t = story_of(s, AF_INET);
	check_equal(t.n, 2);
	check_equal(name_port(&t.to), name_port(&m));
	check_equal(pending(s), 0);
}

static int option(int s, int level, int opt)
{
	int v = -1;
	socklen_t len = sizeof v;

	check_ok(getsockopt(s, level, opt, &v, &len));
	return v;
}

static void discover(void)
{
	static char big[60000];
	int s, v = IP_PMTUDISC_DO, one = 1, mtu = 1000, old;
	struct ifreq r = { .ifr_name = "lo" };
	struct story t;
	union name n;

	lo_up();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	check_equal(option(s, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_WANT);
	check_errno(getsockopt(s, IPPROTO_IP, IP_MTU, &v, &(socklen_t){ sizeof v }), ENOTCONN);
	close(bound(AF_INET, SOCK_DGRAM, &n));
	int u = bound(AF_INET, SOCK_DGRAM, &n);

	check_ok(connect(s, &n.a, name_len(&n)));
	check_ok(ioctl(s, SIOCGIFMTU, &r));
	old = r.ifr_mtu;
	r.ifr_mtu = mtu;
	check_ok(ioctl(s, SIOCSIFMTU, &r));
	check_equal(option(s, IPPROTO_IP, IP_MTU), mtu);
	check_equal(send(s, big, 5000, 0), 5000);	/* in fragments */
	check_equal(recv(u, big, sizeof big, 0), 5000);
	v = IP_PMTUDISC_DO;
	check_ok(setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &v, sizeof v));
	check_equal(option(s, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
	check_equal(send(s, big, mtu - 28, 0), mtu - 28);
	check_equal(recv(u, big, sizeof big, 0), mtu - 28);
	check_errno(send(s, big, mtu - 27, 0), EMSGSIZE);
	check_equal(story_of(s, AF_INET).n, -1);
	check_ok(setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof one));
	check_errno(send(s, big, mtu - 27, 0), EMSGSIZE);
	t = story_of(s, AF_INET);
	check_equal(t.n, 0);
	check(t.has);
	check_equal(t.e.err, EMSGSIZE);
	check_equal(t.e.origin, ORIGIN_LOCAL);
	check_equal(t.e.info, mtu);
	check_equal(t.offender.a.sa_family, AF_UNSPEC);
	check_equal(name_port(&t.to), name_port(&n));
	r.ifr_mtu = old;
	check_ok(ioctl(s, SIOCSIFMTU, &r));
}

static void raw_echo(void)
{
	union name n = loopback(AF_INET, 0);
	unsigned char udp[12] = { 0x80, 1, 0, 9, 0, 12 };
	struct story t;
	int s, one = 1;

	lo_up();
	s = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	check(s >= 0);
	check_ok(setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof one));
	check_equal(sendto(s, udp, sizeof udp, 0, &n.a, name_len(&n)), (ssize_t)sizeof udp);
	check_equal(events_of(s) & POLLERR, POLLERR);
	t = story_of(s, AF_INET);
	check_equal(t.n, (ssize_t)sizeof udp);		/* from UDP's header on */
	check(!memcmp(t.data, udp, sizeof udp));
	check_equal(t.e.err, ECONNREFUSED);
	check_equal(t.e.code, 3);
}

static const struct test table[] = {
	{ "without", without }, { "refused", refused4 }, { "refused6", refused6 }, { "several", several },
	{ "discover", discover }, { "raw", raw_echo }, { NULL, NULL },
};
TEST_MAIN(table)

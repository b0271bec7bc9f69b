/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams, ICMP, groups and interface requests over loopback; wild arguments. */
#include "inet.h"

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

static const struct test table[] = {
	{ "datagrams-ipv4", datagrams4 }, { "datagrams-ipv6", datagrams6 },
	{ "large-datagram", large_datagram }, { "packet-info", packet_info }, { "ping", ping_raw },
	{ "multicast", membership }, { "interfaces", interfaces }, { "raw-icmp6", raw_icmp6 },
	{ "bad-arguments", bad_arguments },
	{ 0 },
};

TEST_MAIN(table)

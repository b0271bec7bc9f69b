/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP-Lite (udplite(7), RFC 3828): datagrams, ports of its own, what the checksum covers. */
#include "inet.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#define SEND_CSCOV 10
#define RECV_CSCOV 11

static int lite(int family)
{
	int s = socket(family, SOCK_DGRAM, IPPROTO_UDPLITE);

	check(s >= 0);
	return s;
}

static void exchange(int family)
{
	union name n = loopback(family, 0), from;
	socklen_t len = sizeof n;
	char b[5000];
	int a, c, u, v = 0;

	lo_up();
	a = lite(family);
	c = lite(family);
	check_ok(bind(a, &n.a, name_len(&n)));
	check_ok(getsockname(a, &n.a, &len));
	for (int size = 0; size < 5000; size += 1237) {
		for (int i = 0; i < size; i++)
			b[i] = pattern(i);
		check_equal(sendto(c, b, size, 0, &n.a, name_len(&n)), size);
		memset(b, 0, sizeof b);
		len = sizeof from;
		check_equal(recvfrom(a, b, sizeof b, 0, &from.a, &len), size);
		for (int i = 0; i < size; i++)
			check_equal((unsigned char)b[i], pattern(i));
	}
	/* UDP's port of that number is another one. */
	u = socket(family, SOCK_DGRAM, 0);
	check_ok(bind(u, &n.a, name_len(&n)));
	check_equal(sendto(c, "lite", 4, 0, &n.a, name_len(&n)), 4);
	check_equal(recv(a, b, sizeof b, 0), 4);
	check_errno(recv(u, b, sizeof b, MSG_DONTWAIT), EAGAIN);
	check_errno(bind(lite(family), &n.a, name_len(&n)), EADDRINUSE);
	len = sizeof v;
	check_ok(getsockopt(a, SOL_SOCKET, SO_PROTOCOL, &v, &len));
	check_equal(v, IPPROTO_UDPLITE);
}

static void exchange4(void) { exchange(AF_INET); }
static void exchange6(void) { exchange(AF_INET6); }

static int get(int s, int opt)
{
	int v = -1;
	socklen_t len = sizeof v;

	check_ok(getsockopt(s, IPPROTO_UDPLITE, opt, &v, &len));
	return v;
}

static void coverage(void)
{
	union name n = loopback(AF_INET, 0);
	socklen_t len = sizeof n;
	int a, c, v;
	char b[100];

	lo_up();
	a = lite(AF_INET);
	c = lite(AF_INET);
	check_equal(get(c, SEND_CSCOV), 0);
	check_equal(get(c, RECV_CSCOV), 0);
	v = 20;
	check_ok(setsockopt(c, IPPROTO_UDPLITE, SEND_CSCOV, &v, sizeof v));
	check_equal(get(c, SEND_CSCOV), 20);
	v = 3;
	check_ok(setsockopt(c, IPPROTO_UDPLITE, RECV_CSCOV, &v, sizeof v));
	check_equal(get(c, RECV_CSCOV), 8);	/* the header at least */
	check_errno(setsockopt(c, IPPROTO_UDPLITE, 99, &v, sizeof v), ENOPROTOOPT);
	check_ok(bind(a, &n.a, name_len(&n)));
	check_ok(getsockname(a, &n.a, &len));
	check_equal(sendto(c, b, 100, 0, &n.a, name_len(&n)), 100);
	check_equal(recv(a, b, 100, 0), 100);
	check_errno(socket(AF_INET, SOCK_STREAM, IPPROTO_UDPLITE), EPROTONOSUPPORT);
}

static void refused(void)
{
	union name n;
	int s, u;
	char c;

	lo_up();
	u = bound(AF_INET, SOCK_DGRAM, &n);	/* UDP's alone */
	s = lite(AF_INET);
	check_ok(connect(s, &n.a, name_len(&n)));
	check_equal(send(s, "x", 1, 0), 1);
	check_errno(recv(s, &c, 1, 0), ECONNREFUSED);
	check_errno(recv(u, &c, 1, MSG_DONTWAIT), EAGAIN);
}

static const struct test table[] = {
	{ "exchange", exchange4 }, { "exchange6", exchange6 }, { "coverage", coverage }, { "refused", refused }, { NULL, NULL },
};
TEST_MAIN(table)

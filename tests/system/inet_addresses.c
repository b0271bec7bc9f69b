/* SPDX-License-Identifier: BSD-2-Clause */
/* Several IPv4 addresses of one interface: added and removed by rtnetlink, with notices; bound, reached, sent from. */
#include "inet.h"
#include "netlink.h"

enum { RTM_NEWADDR = 20, RTM_DELADDR, RTM_GETADDR };
enum { IFA_ADDRESS = 1, IFA_LOCAL };
#define GROUP_ADDR4 0x10
#define SECONDARY 1

struct ifaddrmsg { uint8_t family, prefix_len, flags, scope; uint32_t index; };

static int change(int type, uint32_t ip, int prefix)
{
	struct ifaddrmsg m = { .family = AF_INET, .prefix_len = prefix, .index = 1 };
	struct nl_message msg;

	ip = htonl(ip);
	nl_start(&msg, type, NLM_F_ACK | (type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0), &m, sizeof m);
	nl_put(&msg, IFA_LOCAL, &ip, 4);
	nl_put(&msg, IFA_ADDRESS, &ip, 4);
	return nl_ask(nl_socket(NETLINK_ROUTE), &msg, NULL, NULL);
}

struct found {
	uint32_t ip;
	int n, prefix, flags;
};

static void note(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *m = NL_BODY(h);
	struct found *f = arg;
	const void *a;
	size_t n;

	a = nl_attr(h, sizeof *m, IFA_LOCAL, &n);
	if (!a || *(const uint32_t *)a != htonl(f->ip))
		return;
	f->n++;
	f->prefix = m->prefix_len;
	f->flags = m->flags;
}

static struct found find(uint32_t ip)
{
	struct ifaddrmsg m = { .family = AF_INET };
	struct found f = { .ip = ip };
	struct nl_message msg;

	nl_start(&msg, RTM_GETADDR, NLM_F_DUMP, &m, sizeof m);
	check_equal(nl_ask(nl_socket(NETLINK_ROUTE), &msg, note, &f), 0);
	return f;
}

#define A 0x0a090801	/* 10.9.8.1 */
#define B 0x0a090802
#define C 0x0a0a0001	/* 10.10.0.1 */

static void list(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = GROUP_ADDR4 };
	char buf[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *h = (void *)buf;
	int s;

	lo_up();
	s = nl_socket(NETLINK_ROUTE);
	check_ok(bind(s, (void *)&a, sizeof a));
	check_equal(change(RTM_NEWADDR, A, 24), 0);
	check(recv(s, buf, sizeof buf, 0) > 0);
	check_equal(h->nlmsg_type, RTM_NEWADDR);
	check_equal(change(RTM_NEWADDR, A, 24), EEXIST);
	check_equal(change(RTM_NEWADDR, B, 24), 0);
	check_equal(change(RTM_NEWADDR, C, 32), 0);
	check_equal(find(A).n, 1);
	check_equal(find(A).prefix, 24);
	check_equal(find(A).flags & SECONDARY, 0);
	check_equal(find(B).flags & SECONDARY, SECONDARY);
	check_equal(find(C).prefix, 32);
	check_equal(find(0x7f000001).n, 1);
	check_equal(change(RTM_DELADDR, C, 32), 0);
	for (int i = 0; i < 3; i++)
		check(recv(s, buf, sizeof buf, 0) > 0);
	check_equal(h->nlmsg_type, RTM_DELADDR);
	check_equal(find(C).n, 0);
	check_equal(change(RTM_DELADDR, C, 32), EADDRNOTAVAIL);
	check_equal(change(RTM_DELADDR, B, 24), 0);
	check_equal(change(RTM_DELADDR, A, 24), 0);
	check_equal(find(A).n + find(B).n, 0);
}

static union name at(uint32_t ip, int port)
{
	union name n = loopback(AF_INET, port);

	n.in.sin_addr.s_addr = htonl(ip);
	return n;
}

static void use(void)
{
	union name n = at(A, 0), from;
	socklen_t len = sizeof n;
	int l, c, s, u;
	char b[4];

	lo_up();
	l = socket(AF_INET, SOCK_STREAM, 0);
	check_errno(bind(l, &n.a, name_len(&n)), EADDRNOTAVAIL);
	check_equal(change(RTM_NEWADDR, A, 24), 0);
	check_equal(change(RTM_NEWADDR, B, 24), 0);
	check_ok(bind(l, &n.a, name_len(&n)));
	check_ok(listen(l, 5));
	check_ok(getsockname(l, &n.a, &len));
	/* From one address to the other, and from the one the kernel chooses. */
	c = socket(AF_INET, SOCK_STREAM, 0);
	from = at(B, 0);
	check_ok(bind(c, &from.a, name_len(&from)));
	check_ok(connect(c, &n.a, name_len(&n)));
	len = sizeof from;
	s = accept(l, &from.a, &len);
	check_equal(ntohl(from.in.sin_addr.s_addr), B);
	check_equal(send(c, "abc", 3, 0), 3);
	check_equal(recv(s, b, 4, 0), 3);
	c = socket(AF_INET, SOCK_STREAM, 0);
	check_ok(connect(c, &n.a, name_len(&n)));
	len = sizeof from;
	s = accept(l, &from.a, &len);
	check_equal(ntohl(from.in.sin_addr.s_addr), A);
	/* Datagrams. */
	u = socket(AF_INET, SOCK_DGRAM, 0);
	n = at(B, 0);
	len = sizeof n;
	check_ok(bind(u, &n.a, name_len(&n)));
	check_ok(getsockname(u, &n.a, &len));
	c = socket(AF_INET, SOCK_DGRAM, 0);
	from = at(A, 0);
	check_ok(bind(c, &from.a, name_len(&from)));
	check_equal(sendto(c, "x", 1, 0, &n.a, name_len(&n)), 1);
	len = sizeof from;
	check_equal(recvfrom(u, b, 4, 0, &from.a, &len), 1);
	check_equal(ntohl(from.in.sin_addr.s_addr), A);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	check_equal(sendto(c, "y", 1, 0, &n.a, name_len(&n)), 1);
	check_equal(recvfrom(u, b, 4, 0, &from.a, &len), 1);
	check_equal(ntohl(from.in.sin_addr.s_addr), A);	/* the network's first */
	/* An answer comes from the address that was asked. */
	check_equal(sendto(u, "z", 1, 0, &from.a, len), 1);
	check_equal(recvfrom(c, b, 4, 0, &from.a, &len), 1);
	check_equal(ntohl(from.in.sin_addr.s_addr), B);
	check_equal(change(RTM_DELADDR, A, 24), 0);	/* B, secondary to it, goes along */
	check_equal(find(B).n, 0);
}

static const struct test table[] = { { "list", list }, { "use", use }, { NULL, NULL } };
TEST_MAIN(table)

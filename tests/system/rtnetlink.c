/* SPDX-License-Identifier: BSD-2-Clause */
/* NETLINK_ROUTE (rtnetlink(7)): notices of changes, whoever makes them; rules; bad requests. */
#include "inet.h"
#include "netlink.h"

enum { RTM_NEWLINK = 16, RTM_GETLINK = 18, RTM_NEWROUTE = 24, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWRULE = 32, RTM_GETRULE = 34 };
enum { GROUP_LINK = 1, GROUP_ROUTE4 = 0x40 };
enum { IFLA_IFNAME = 3, IFLA_MTU, RTA_DST = 1, RTA_OIF = 4, FRA_PRIORITY = 6, FRA_TABLE = 15 };

struct ifinfomsg { uint8_t family, pad; uint16_t type; int32_t index; uint32_t flags, change; };
struct rtmsg { uint8_t family, dst_len, src_len, tos, table, protocol, scope, type; uint32_t flags; };
struct rulemsg { uint8_t family, dst_len, src_len, tos, table, res1, res2, action; uint32_t flags; };

static int listener_of(unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int s = nl_socket(NETLINK_ROUTE);

	check_ok(bind(s, (void *)&a, sizeof a));
	return s;
}

/* The next notice of that type; others are passed over. */
static const struct nlmsghdr *notice(int s, int type)
{
	static char buf[16384] __attribute__((aligned(8)));

	for (int i = 0; i < 50; i++) {
		struct pollfd p = { .fd = s, .events = POLLIN };
		const struct nlmsghdr *h = (void *)buf;

		check_equal(poll(&p, 1, 3000), 1);
		check(recv(s, buf, sizeof buf, 0) >= (ssize_t)sizeof *h);
		if (h->nlmsg_type == type)
			return h;
	}
	test_fail(__LINE__, "no notice of type %d", type);
}

static void link_by_ioctl(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int s, u = socket(AF_INET, SOCK_DGRAM, 0), old;
	const struct nlmsghdr *h;
	const void *a;
	size_t n;

	lo_up();
	s = listener_of(GROUP_LINK);
	check_ok(ioctl(u, SIOCGIFMTU, &r));
	old = r.ifr_mtu;
	r.ifr_mtu = 9000;
	check_ok(ioctl(u, SIOCSIFMTU, &r));
	h = notice(s, RTM_NEWLINK);
	check_equal(((struct ifinfomsg *)NL_BODY(h))->index, 1);
	a = nl_attr(h, sizeof(struct ifinfomsg), IFLA_MTU, &n);
	check(a && n == 4);
	check_equal(*(const uint32_t *)a, 9000);
	a = nl_attr(h, sizeof(struct ifinfomsg), IFLA_IFNAME, &n);
	check(a && !strcmp(a, "lo"));
	r.ifr_mtu = old;
	check_ok(ioctl(u, SIOCSIFMTU, &r));
	notice(s, RTM_NEWLINK);
}

static void link_by_request(void)
{
	struct ifinfomsg m = { .index = 1 };
	int s, q = nl_socket(NETLINK_ROUTE);
	struct nl_message msg;
	uint32_t mtu = 20000;
	const void *a;
	size_t n;

	lo_up();
	s = listener_of(GROUP_LINK);
	nl_start(&msg, RTM_NEWLINK, NLM_F_ACK, &m, sizeof m);
	nl_put(&msg, IFLA_MTU, &mtu, sizeof mtu);
	check_equal(nl_ask(q, &msg, NULL, NULL), 0);
	a = nl_attr(notice(s, RTM_NEWLINK), sizeof m, IFLA_MTU, &n);
	check(a);
	check_equal(*(const uint32_t *)a, 20000);
	mtu = 65536;
	nl_start(&msg, RTM_NEWLINK, NLM_F_ACK, &m, sizeof m);
	nl_put(&msg, IFLA_MTU, &mtu, sizeof mtu);
	(void)nl_ask(q, &msg, NULL, NULL);	/* one of the two kernels has 65,535 at most */
	mtu = 65535;
	nl_start(&msg, RTM_NEWLINK, NLM_F_ACK, &m, sizeof m);
	nl_put(&msg, IFLA_MTU, &mtu, sizeof mtu);
	check_equal(nl_ask(q, &msg, NULL, NULL), 0);
}

static void route(void)
{
	struct rtmsg m = { .family = AF_INET, .dst_len = 24, .table = 254, .protocol = 4, .type = 1, .scope = 253 };
	int s, q = nl_socket(NETLINK_ROUTE);
	uint32_t dst = htonl(0xc6336400), oif = 1;
	const struct nlmsghdr *h;
	struct nl_message msg;
	const void *a;
	size_t n;

	lo_up();
	s = listener_of(GROUP_ROUTE4);
	nl_start(&msg, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m);
	nl_put(&msg, RTA_DST, &dst, 4);
	nl_put(&msg, RTA_OIF, &oif, 4);
	check_equal(nl_ask(q, &msg, NULL, NULL), 0);
	h = notice(s, RTM_NEWROUTE);
	check_equal(((struct rtmsg *)NL_BODY(h))->dst_len, 24);
	a = nl_attr(h, sizeof m, RTA_DST, &n);
	check(a && !memcmp(a, &dst, 4));
	check_equal(nl_ask(q, &msg, NULL, NULL), EEXIST);
	msg.h.nlmsg_type = RTM_DELROUTE;
	msg.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	check_equal(nl_ask(q, &msg, NULL, NULL), 0);
	h = notice(s, RTM_DELROUTE);
	a = nl_attr(h, sizeof m, RTA_DST, &n);
	check(a && !memcmp(a, &dst, 4));
	check_equal(nl_ask(q, &msg, NULL, NULL), ESRCH);
}

struct rules {
	int n;
	unsigned priority[8], table[8];
};

static void note_rule(const struct nlmsghdr *h, void *arg)
{
	struct rules *r = arg;
	const void *a;
	size_t n;

	check_equal(h->nlmsg_type, RTM_NEWRULE);
	check(r->n < 8);
	a = nl_attr(h, sizeof(struct rulemsg), FRA_PRIORITY, &n);
	r->priority[r->n] = a ? *(const uint32_t *)a : 0;
	a = nl_attr(h, sizeof(struct rulemsg), FRA_TABLE, &n);
	check(a);
	r->table[r->n++] = *(const uint32_t *)a;
}

static void rules(void)
{
	struct rulemsg m = { .family = AF_INET };
	int q = nl_socket(NETLINK_ROUTE);
	struct nl_message msg;
	struct rules r = { 0 };

	nl_start(&msg, RTM_GETRULE, NLM_F_DUMP, &m, sizeof m);
	check_equal(nl_ask(q, &msg, note_rule, &r), 0);
	check_equal(r.n, 3);
	check(r.priority[0] == 0 && r.priority[1] == 32766 && r.priority[2] == 32767);
	check(r.table[0] == 255 && r.table[1] == 254 && r.table[2] == 253);
	m.family = AF_INET6;
	r.n = 0;
	nl_start(&msg, RTM_GETRULE, NLM_F_DUMP, &m, sizeof m);
	check_equal(nl_ask(q, &msg, note_rule, &r), 0);
	check_equal(r.n, 2);
}

static void rights(void)
{
	struct ifinfomsg m = { .index = 1 };
	struct nl_message msg;
	uint32_t mtu = 3000;
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setuid(1000))
			_exit(2);
		nl_start(&msg, RTM_NEWLINK, NLM_F_ACK, &m, sizeof m);
		nl_put(&msg, IFLA_MTU, &mtu, sizeof mtu);
		_exit(nl_ask(nl_socket(NETLINK_ROUTE), &msg, NULL, NULL) == EPERM ? 0 : 1);
	}
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
}

static const struct test table[] = {
	{ "link-by-ioctl", link_by_ioctl }, { "link-by-request", link_by_request }, { "route", route }, { "rules", rules },
	{ "rights", rights }, { NULL, NULL },
};
TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: links, addresses, routes, neighbours, as busybox's and iproute2's ip use it. Facts are copied out under
 * net_lock and written without it, since a message may need memory.
 */
#include <kernel/netchange.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "rtnetlink.h"

#define ARPHRD_ETHER 1
#define ARPHRD_LOOPBACK 772
#define OPER_UNKNOWN 0
#define OPER_DOWN 2
#define OPER_UP 6

static u32 addr_bytes(u16 family) { return family == AF_INET ? 4 : 16; }

static u32 fixed_size(u16 type)
{
	switch (type & ~3) {
	case RTM_NEWLINK: return sizeof(struct user_ifinfomsg);
	case RTM_NEWADDR: return sizeof(struct user_ifaddrmsg);
	case RTM_NEWROUTE: return sizeof(struct user_rtmsg);
	case RTM_NEWNEIGH: return sizeof(struct user_ndmsg);
	case RTM_NEWRULE: return sizeof(struct user_rulemsg);
	default: return 0;
	}
}

/* ---- links ------------------------------------------------------------------------------------------ */
static void put_stats(struct nl_out *o, const struct netdev_stats *s)
{
	struct user_link_stats64 v = {
		.rx_packets = s->rx_packets, .tx_packets = s->tx_packets, .rx_bytes = s->rx_bytes, .tx_bytes = s->tx_bytes,
		.rx_errors = s->rx_errors, .tx_errors = s->tx_errors, .rx_dropped = s->rx_dropped, .tx_dropped = s->tx_dropped,
		.multicast = s->multicast,
	};
	struct user_link_stats w = {
		.rx_packets = (u32)v.rx_packets, .tx_packets = (u32)v.tx_packets, .rx_bytes = (u32)v.rx_bytes, .tx_bytes = (u32)v.tx_bytes,
		.rx_errors = (u32)v.rx_errors, .tx_errors = (u32)v.tx_errors, .rx_dropped = (u32)v.rx_dropped,
		.tx_dropped = (u32)v.tx_dropped, .multicast = (u32)v.multicast,
	};

	nl_attr(o, IFLA_STATS64, &v, sizeof(v));
	nl_attr(o, IFLA_STATS, &w, sizeof(w));
}

void rtnl_put_link(struct nl_out *o, struct netdev *dev, u32 change)
{
	static const u8 zero[6], all[6] = { 255, 255, 255, 255, 255, 255 };
	u32 flags = netdev_flags(dev);
	u8 oper = !dev->ops ? OPER_UNKNOWN : flags & IFF_RUNNING ? OPER_UP : OPER_DOWN, mode = 0;
	u8 carrier = atomic_load(&dev->has_carrier);
	struct user_ifinfomsg *m = nl_begin(o, RTM_NEWLINK, sizeof(*m));

	if (!m)
		return;
	*m = (struct user_ifinfomsg){ .type = dev->ops ? ARPHRD_ETHER : ARPHRD_LOOPBACK, .index = (s32)dev->index, .flags = flags, .change = change };
	nl_attr_string(o, IFLA_IFNAME, dev->name);
	nl_attr_u32(o, IFLA_TXQLEN, 1000);
	nl_attr(o, IFLA_OPERSTATE, &oper, 1);
	nl_attr(o, IFLA_LINKMODE, &mode, 1);
	nl_attr_u32(o, IFLA_MTU, dev->mtu);
	nl_attr_u32(o, IFLA_GROUP, 0);
	nl_attr_u32(o, IFLA_NUM_TX_QUEUES, dev->nr_queues);
	nl_attr_u32(o, IFLA_NUM_RX_QUEUES, dev->nr_queues);
	nl_attr(o, IFLA_CARRIER, &carrier, 1);
	nl_attr_string(o, IFLA_QDISC, "noqueue");
	nl_attr(o, IFLA_ADDRESS, dev->mac, 6);
	nl_attr(o, IFLA_BROADCAST, dev->ops ? all : zero, 6);
	put_stats(o, &dev->stats);
	nl_end(o);
}

/* Interfaces never go away, so a pointer stays good without the lock. */
static struct netdev *device_next(struct netdev *d)
{
	net_lock();
	d = netdev_next(d);
	net_unlock();
	return d;
}

static struct netdev *link_find(const struct nl_request *r)
{
	const struct user_ifinfomsg *m = r->fixed;
	char name[NETDEV_NAME_MAX] = "";
	const char *attr;
	struct netdev *d;
	u32 len;

	attr = nl_find(r, IFLA_IFNAME, 1, &len);
	if (attr)
		memcpy(name, attr, min(len, (u32)sizeof(name) - 1));
	net_lock();
	d = m->index > 0 ? netdev_by_index((u32)m->index) : name[0] ? netdev_by_name(name) : NULL;
	net_unlock();
	return d;
}

static int get_link(const struct nl_request *r, struct nl_out *o)
{
	struct netdev *d = NULL;

	if (nl_is_dump(o)) {
		while ((d = device_next(d)))
			rtnl_put_link(o, d, 0);
		return 0;
	}
	d = link_find(r);
	if (!d)
		return -ENODEV;
	rtnl_put_link(o, d, 0);
	return 0;
}

static int set_link(const struct nl_request *r)
{
	const struct user_ifinfomsg *m = r->fixed;
	u32 change = m->change ? m->change : m->flags ? U32_MAX : 0, keep = IFF_PROMISC | IFF_ALLMULTI;
	struct netdev *d = link_find(r);
	const u32 *mtu;
	const u8 *mac;
	int err = 0;

	if (!d || nl_find(r, IFLA_LINKINFO, 0, NULL))
		return d ? -EOPNOTSUPP : r->head->flags & NLM_F_CREATE ? -EOPNOTSUPP : -ENODEV;
	mtu = nl_find(r, IFLA_MTU, 4, NULL);
	mac = nl_find(r, IFLA_ADDRESS, 6, NULL);
	net_lock();
	if (mtu)
		err = netstack->set_mtu(d, *mtu);
	if (!err && mac)
		err = d->ops ? netstack->set_mac(d, mac) : -EOPNOTSUPP;
	if (!err && (change & keep))
		atomic_store(&d->flags, (atomic_load(&d->flags) & ~(change & keep)) | (m->flags & change & keep));
	if (!err && (change & IFF_UP) && !(m->flags & IFF_UP) != !(atomic_load(&d->flags) & IFF_UP))
		err = netstack->set_up(d, m->flags & IFF_UP);
	net_unlock();
	net_changes_tell();
	return err;
}

/* ---- addresses -------------------------------------------------------------------------------------- */
void rtnl_put_address(struct nl_out *o, u16 type, const struct net_ifaddr *a)
{
	struct user_ifaddrmsg *m = nl_begin(o, type, sizeof(*m));
	u32 n = addr_bytes(a->family), life[4] = { U32_MAX, U32_MAX, 0, 0 };
	struct netdev *d;

	if (!m)
		return;
	*m = (struct user_ifaddrmsg){ (u8)a->family, a->prefix_len, a->flags, a->scope, a->ifindex };
	nl_attr(o, IFA_ADDRESS, a->ip, n);
	net_lock();
	d = netdev_by_index(a->ifindex);
	net_unlock();
	if (a->family == AF_INET) {
		nl_attr(o, IFA_LOCAL, a->ip, n);
		if (a->broadcast[0])
			nl_attr(o, IFA_BROADCAST, a->broadcast, n);
		if (d)
			nl_attr_string(o, IFA_LABEL, d->name);
	}
	nl_attr_u32(o, IFA_FLAGS, a->flags);
	nl_attr(o, IFA_CACHEINFO, life, sizeof(life));
	nl_end(o);
}

static int get_address(const struct nl_request *r, struct nl_out *o)
{
	const struct user_ifaddrmsg *m = r->fixed;
	struct net_ifaddr a;
	bool more = true;
	u32 at = 0;

	if (!nl_is_dump(o))
		return -EOPNOTSUPP;
	while (more) {
		net_lock();
		more = netstack->address_next(&at, &a);
		net_unlock();
		if (more && (!m->family || m->family == a.family) && (!m->index || m->index == a.ifindex))
			rtnl_put_address(o, RTM_NEWADDR, &a);
	}
	return 0;
}

static int set_address(const struct nl_request *r, bool remove)
{
	const struct user_ifaddrmsg *m = r->fixed;
	struct net_ifaddr a = { .family = m->family, .prefix_len = m->prefix_len, .ifindex = m->index };
	const void *ip;
	int err;

	if (m->family != AF_INET && m->family != AF_INET6)
		return -EAFNOSUPPORT;
	ip = nl_find(r, IFA_LOCAL, addr_bytes(m->family), NULL);
	if (!ip)
		ip = nl_find(r, IFA_ADDRESS, addr_bytes(m->family), NULL);
	if (!ip)
		return -EINVAL;
	memcpy(a.ip, ip, addr_bytes(m->family));
	net_lock();
	err = remove ? netstack->address_remove(&a) : netstack->address_add(&a);
	net_unlock();
	net_changes_tell();
	return err == -EEXIST && (r->head->flags & NLM_F_REPLACE) ? 0 : err;
}

/* ---- routes ----------------------------------------------------------------------------------------- */
static bool is_zero(const u32 *ip) { return !(ip[0] | ip[1] | ip[2] | ip[3]); }

void rtnl_put_route(struct nl_out *o, u16 type, const struct net_route *t, bool cloned)
{
	struct user_rtmsg *m = nl_begin(o, type, sizeof(*m));
	u32 n = addr_bytes(t->family), table = t->table_type == 2 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;

	if (!m)
		return;
	*m = (struct user_rtmsg){ .family = (u8)t->family, .dst_len = t->prefix_len, .table = (u8)table, .protocol = t->protocol,
		.scope = t->scope, .type = t->table_type, .flags = cloned ? RTM_F_CLONED : 0 };
	nl_attr_u32(o, RTA_TABLE, table);
	if (t->prefix_len)
		nl_attr(o, RTA_DST, t->dest, n);
	if (!is_zero(t->gateway))
		nl_attr(o, RTA_GATEWAY, t->gateway, n);
	if (!is_zero(t->source))
		nl_attr(o, RTA_PREFSRC, t->source, n);
	if (t->metric)
		nl_attr_u32(o, RTA_PRIORITY, t->metric);
	nl_attr_u32(o, RTA_OIF, t->ifindex);
	nl_end(o);
}

static int get_route_to(const struct nl_request *r, struct nl_out *o)
{
	const struct user_rtmsg *m = r->fixed;
	struct net_addr to = { .family = m->family ? m->family : AF_INET }, source;
	const void *dst = nl_find(r, RTA_DST, addr_bytes(to.family), NULL);
	struct net_route t;
	int err;

	if (!dst)
		return -EINVAL;
	memcpy(to.ip, dst, addr_bytes(to.family));
	net_lock();
	err = netstack->route_find(&to, &t, &source);
	net_unlock();
	if (err)
		return err;
	memcpy(t.source, source.ip, 16);
	rtnl_put_route(o, RTM_NEWROUTE, &t, true);
	return 0;
}

static int get_route(const struct nl_request *r, struct nl_out *o)
{
	const struct user_rtmsg *m = r->fixed;
	struct net_route t;
	bool more = true;
	u32 at = 0;

	if (!nl_is_dump(o))
		return get_route_to(r, o);
	while (more) {
		net_lock();
		more = netstack->route_next(&at, &t);
		net_unlock();
		if (more && (!m->family || m->family == t.family))
			rtnl_put_route(o, RTM_NEWROUTE, &t, false);
	}
	return 0;
}

static int set_route(const struct nl_request *r, bool remove)
{
	const struct user_rtmsg *m = r->fixed;
	struct net_route t = { .family = m->family, .prefix_len = m->dst_len, .protocol = m->protocol, .scope = m->scope };
	const void *dst = nl_find(r, RTA_DST, addr_bytes(m->family), NULL), *gw = nl_find(r, RTA_GATEWAY, addr_bytes(m->family), NULL);
	const u32 *oif = nl_find(r, RTA_OIF, 4, NULL), *metric = nl_find(r, RTA_PRIORITY, 4, NULL), *table = nl_find(r, RTA_TABLE, 4, NULL);
	int err;

	if (m->family != AF_INET && m->family != AF_INET6)
		return -EAFNOSUPPORT;
	if ((m->type > 1) || (table ? *table : m->table ? m->table : RT_TABLE_MAIN) != RT_TABLE_MAIN)
		return -EOPNOTSUPP;
	if (m->dst_len && !dst)
		return -EINVAL;
	if (dst)
		memcpy(t.dest, dst, addr_bytes(m->family));
	if (gw)
		memcpy(t.gateway, gw, addr_bytes(m->family));
	t.ifindex = oif ? *oif : 0;
	t.metric = metric ? *metric : 0;
	net_lock();
	if (!remove && (r->head->flags & NLM_F_REPLACE)) {
		struct net_route old = t;

		memset(old.gateway, 0, sizeof(old.gateway));
		old.ifindex = 0;
		(void)netstack->route_set(&old, true);
	}
	err = netstack->route_set(&t, remove);
	net_unlock();
	net_changes_tell();
	return err;
}

/* ---- neighbours ------------------------------------------------------------------------------------- */
static void put_neighbour(struct nl_out *o, const struct net_neighbour *n)
{
	struct user_ndmsg *m = nl_begin(o, RTM_NEWNEIGH, sizeof(*m));
	u32 info[4] = { 0, 0, 0, 1 };

	if (!m)
		return;
	*m = (struct user_ndmsg){ .family = (u8)n->family, .ifindex = (s32)n->ifindex, .state = n->state, .type = 1 };
	nl_attr(o, NDA_DST, n->ip, addr_bytes(n->family));
	nl_attr(o, NDA_LLADDR, n->mac, 6);
	nl_attr(o, NDA_CACHEINFO, info, sizeof(info));
	nl_end(o);
}

static int get_neighbour(const struct nl_request *r, struct nl_out *o)
{
	const struct user_ndmsg *m = r->fixed;
	struct net_neighbour n;
	bool more = true;
	u32 at = 0;

	if (!nl_is_dump(o))
		return -EOPNOTSUPP;
	while (more) {
		net_lock();
		more = netstack->neighbour_next(&at, &n);
		net_unlock();
		if (more && (!m->family || m->family == n.family) && (!m->ifindex || (u32)m->ifindex == n.ifindex))
			put_neighbour(o, &n);
	}
	return 0;
}

static int set_neighbour(const struct nl_request *r, bool remove)
{
	const struct user_ndmsg *m = r->fixed;
	struct net_neighbour n = { .family = m->family, .ifindex = (u32)m->ifindex };
	const void *ip, *mac = nl_find(r, NDA_LLADDR, 6, NULL);
	int err;

	if (m->family != AF_INET && m->family != AF_INET6)
		return -EAFNOSUPPORT;
	ip = nl_find(r, NDA_DST, addr_bytes(m->family), NULL);
	if (!ip || (!remove && !mac))
		return -EINVAL;
	memcpy(n.ip, ip, addr_bytes(m->family));
	if (mac)
		memcpy(n.mac, mac, 6);
	net_lock();
	err = netdev_by_index(n.ifindex) ? netstack->neighbour_set(&n, remove) : -ENODEV;
	net_unlock();
	return err;
}

/* ---- rules ------------------------------------------------------------------------------------------- */
/* There are those that always are: the own addresses, the table of routes, and one that stays empty. */
static void put_rule(struct nl_out *o, u8 family, u32 priority, u32 table)
{
	struct user_rulemsg *m = nl_begin(o, RTM_NEWRULE, sizeof(*m));

	if (!m)
		return;
	*m = (struct user_rulemsg){ .family = family, .table = (u8)table, .action = FR_ACT_TO_TBL };
	nl_attr_u32(o, FRA_TABLE, table);
	nl_attr_u32(o, FRA_SUPPRESS_PREFIXLEN, U32_MAX);
	nl_attr_u8(o, FRA_PROTOCOL, RTPROT_KERNEL);
	if (priority)
		nl_attr_u32(o, FRA_PRIORITY, priority);
	nl_end(o);
}

static int get_rule(const struct nl_request *r, struct nl_out *o)
{
	const struct user_rulemsg *m = r->fixed;

	if (!nl_is_dump(o))
		return -EOPNOTSUPP;
	if (!m->family || m->family == AF_INET) {
		put_rule(o, AF_INET, 0, RT_TABLE_LOCAL);
		put_rule(o, AF_INET, 32766, RT_TABLE_MAIN);
		put_rule(o, AF_INET, 32767, RT_TABLE_DEFAULT);
	}
	if (!m->family || m->family == AF_INET6) {
		put_rule(o, AF_INET6, 0, RT_TABLE_LOCAL);
		put_rule(o, AF_INET6, 32766, RT_TABLE_MAIN);
	}
	return 0;
}

static bool is_dump(const struct user_nlmsghdr *h) { return (h->flags & NLM_F_DUMP) == NLM_F_DUMP && (h->type & 3) == 2; }

static int request(const struct nl_request *r, struct nl_out *o)
{
	u16 type = r->head->type;

	if (!fixed_size(type))
		return -EOPNOTSUPP;
	if ((type & 3) != 2 && !capable(CAP_NET_ADMIN))
		return -EPERM;
	switch (type) {
	case RTM_GETLINK: return get_link(r, o);
	case RTM_NEWLINK:
	case RTM_SETLINK: return set_link(r);
	case RTM_GETADDR: return get_address(r, o);
	case RTM_NEWADDR: return set_address(r, false);
	case RTM_DELADDR: return set_address(r, true);
	case RTM_GETROUTE: return get_route(r, o);
	case RTM_NEWROUTE: return set_route(r, false);
	case RTM_DELROUTE: return set_route(r, true);
	case RTM_GETNEIGH: return get_neighbour(r, o);
	case RTM_NEWNEIGH: return set_neighbour(r, false);
	case RTM_DELNEIGH: return set_neighbour(r, true);
	case RTM_GETRULE: return get_rule(r, o);
	default: return -EOPNOTSUPP;
	}
}

const struct netlink_protocol netlink_route = {
	.number = NETLINK_ROUTE, .fixed_size = fixed_size, .is_dump = is_dump, .request = request,
};

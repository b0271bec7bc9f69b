/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interface, route and neighbour requests by ioctl on any socket (ifconfig, route, arp, old programs). Requests are
 * copied in and out around one hold of net_lock; who changes something needs CAP_NET_ADMIN.
 */
#include <kernel/netchange.h>
#include <kernel/process.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/ethtool.h>
#include <uapi/capability.h>
#include "../ethtool.h"
#include "inet.h"

static u32 mask_of(u8 prefix) { return prefix ? __builtin_bswap32(0xffffffffu << (32 - prefix)) : 0; }

/* The interface's IPv4 address. net_lock held. */
static bool address_of(u32 ifindex, struct net_ifaddr *out)
{
	u32 at = 0;

	while (netstack->address_next(&at, out))
		if (out->family == AF_INET && out->ifindex == ifindex)
			return true;
	return false;
}

static int put_in(struct user_ifreq *r, const struct net_ifaddr *a, bool has, u32 ip)
{
	if (!has)
		return -EADDRNOTAVAIL;
	r->in = (struct sockaddr_in){ .family = AF_INET, .addr = ip };
	return 0;
}

static int get_request(struct netdev *dev, u32 cmd, struct user_ifreq *r)
{
	struct net_ifaddr a;
	bool has = address_of(dev->index, &a);

	switch (cmd) {
	case SIOCGIFFLAGS: r->flags = (s16)netdev_flags(dev); return 0;
	case SIOCGIFINDEX: r->value = (s32)dev->index; return 0;
	case SIOCGIFMTU: r->value = (s32)dev->mtu; return 0;
	case SIOCGIFMETRIC: r->value = 0; return 0;
	case SIOCGIFTXQLEN: r->value = 1000; return 0;
	case SIOCGIFMAP: memset(&r->map, 0, sizeof(r->map)); return 0;
	case SIOCGIFHWADDR:
		memset(&r->addr, 0, sizeof(r->addr));
		r->addr.family = dev->ops ? ARPHRD_ETHER : ARPHRD_LOOPBACK;
		memcpy(r->addr.data, dev->mac, 6);
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR: return put_in(r, &a, has, a.ip[0]);
	case SIOCGIFBRDADDR: return put_in(r, &a, has, a.broadcast[0]);
	case SIOCGIFNETMASK: return put_in(r, &a, has, mask_of(a.prefix_len));
	default: return -ENOTTY;
	}
}

static u8 classful_prefix(u32 ip)
{
	u8 first = (u8)ip;

	return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
}

static int set_address(struct netdev *dev, u32 ip)
{
	struct net_ifaddr a;
	u8 prefix = classful_prefix(ip);
	int err;

	if (address_of(dev->index, &a)) {
		prefix = a.ip[0] == ip ? a.prefix_len : prefix;
		(void)netstack->address_remove(&a);
	}
	if (!ip)
		return 0;
	a = (struct net_ifaddr){ .family = AF_INET, .prefix_len = prefix, .ip[0] = ip, .ifindex = dev->index };
	err = netstack->address_add(&a);
	/* Linux brings an interface up with its first address. */
	return err ? err : netstack->set_up(dev, true);
}

static int set_netmask(struct netdev *dev, u32 mask)
{
	struct net_ifaddr a;
	u32 host = __builtin_bswap32(mask);

	if (~host & (~host + 1))
		return -EINVAL;
	if (!address_of(dev->index, &a))
		return -EADDRNOTAVAIL;
	a.prefix_len = (u8)popcount64(mask);
	(void)netstack->address_add(&a);	/* -EEXIST: it was so already */
	return 0;
}

static int set_request(struct netdev *dev, u32 cmd, const struct user_ifreq *r)
{
	bool up = r->flags & IFF_UP;
	u32 keep = IFF_PROMISC | IFF_ALLMULTI;

	switch (cmd) {
	case SIOCSIFFLAGS:
		atomic_store(&dev->flags, (atomic_load(&dev->flags) & ~keep) | ((u16)r->flags & keep));
		return up == !!(atomic_load(&dev->flags) & IFF_UP) ? 0 : netstack->set_up(dev, up);
	case SIOCSIFADDR: return r->in.family == AF_INET ? set_address(dev, r->in.addr) : -EINVAL;
	case SIOCSIFNETMASK: return r->in.family == AF_INET ? set_netmask(dev, r->in.addr) : -EINVAL;
	case SIOCSIFBRDADDR: return 0;		/* it follows from address and mask */
	case SIOCSIFMTU: return netstack->set_mtu(dev, (u32)r->value);
	case SIOCSIFTXQLEN: return 0;
	case SIOCSIFHWADDR: return r->addr.family == ARPHRD_ETHER && dev->ops ? netstack->set_mac(dev, r->addr.data) : -EINVAL;
	default: return -ENOTTY;
	}
}

static long if_name(struct user_ifreq __user *u)
{
	struct user_ifreq r;
	struct netdev *dev;

	if (copy_from_user(&r, u, sizeof(r)))
		return -EFAULT;
	net_lock();
	dev = netdev_by_index((u32)r.value);
	if (dev)
		strlcpy(r.name, dev->name, sizeof(r.name));
	net_unlock();
	return dev ? copy_to_user(u, &r, sizeof(r)) : -ENODEV;
}

/* Interfaces that have an IPv4 address. */
static long if_conf(struct user_ifconf __user *u)
{
	struct user_ifconf c;
	struct user_ifreq r;
	struct net_ifaddr a;
	u32 at = 0;
	s32 n = 0;
	bool more = true;

	if (copy_from_user(&c, u, sizeof(c)))
		return -EFAULT;
	while (1) {
		net_lock();
		more = netstack->address_next(&at, &a);
		if (more && a.family == AF_INET) {
			struct netdev *dev = netdev_by_index(a.ifindex);

			memset(&r, 0, sizeof(r));
			strlcpy(r.name, dev->name, sizeof(r.name));
			r.in = (struct sockaddr_in){ .family = AF_INET, .addr = a.ip[0] };
		}
		net_unlock();
		if (!more)
			break;
		if (a.family != AF_INET)
			continue;
		if (c.buf) {
			if (n + (s32)sizeof(r) > c.len)
				break;
			if (copy_to_user((char __user *)c.buf + n, &r, sizeof(r)))
				return -EFAULT;
		}
		n += sizeof(r);
	}
	c.len = n;
	return copy_to_user(u, &c, sizeof(c));
}

static long ethtool_request(const struct user_ifreq __user *u)
{
	struct user_ifreq r;
	struct netdev *dev;

	if (copy_from_user(&r, u, sizeof(r)))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = '\0';
	net_lock();
	dev = netdev_by_name(r.name);
	net_unlock();
	return dev ? net_ethtool(dev, (void __user *)r.data) : -ENODEV;
}

static bool is_set_request(u32 cmd)
{
	return cmd == SIOCSIFFLAGS || cmd == SIOCSIFADDR || cmd == SIOCSIFNETMASK || cmd == SIOCSIFBRDADDR ||
	       cmd == SIOCSIFMTU || cmd == SIOCSIFTXQLEN || cmd == SIOCSIFHWADDR;
}

static long if_request(u32 cmd, struct user_ifreq __user *u)
{
	bool set = is_set_request(cmd);
	struct user_ifreq r;
	struct netdev *dev;
	int err;

	if (copy_from_user(&r, u, sizeof(r)))
		return -EFAULT;
	if (set && !capable(CAP_NET_ADMIN))
		return -EPERM;
	r.name[IFNAMSIZ - 1] = '\0';
	/* "eth0:1": aliases are addresses of the same interface to us. */
	if (strchr(r.name, ':'))
		*strchr(r.name, ':') = '\0';
	net_lock();
	dev = netdev_by_name(r.name);
	err = !dev ? -ENODEV : set ? set_request(dev, cmd, &r) : get_request(dev, cmd, &r);
	net_unlock();
	return err || set ? err : copy_to_user(u, &r, sizeof(r));
}

static long route_request(u32 cmd, const struct user_rtentry __user *u)
{
	struct net_route r = { .family = AF_INET, .protocol = 3 };	/* RTPROT_BOOT */
	struct user_rtentry e;
	const struct sockaddr_in *dst = (void *)&e.dst, *gw = (void *)&e.gateway, *mask = (void *)&e.genmask;
	char name[IFNAMSIZ] = "";
	struct netdev *dev = NULL;
	int err = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (copy_from_user(&e, u, sizeof(e)))
		return -EFAULT;
	if (e.dev && copy_string_from_user(name, (const char __user *)e.dev, sizeof(name)) < 0)
		return -EFAULT;
	if (dst->family && dst->family != AF_INET)
		return -EAFNOSUPPORT;
	r.dest[0] = dst->addr;
	r.prefix_len = e.flags & RTF_HOST ? 32 : (u8)popcount64(mask->addr);
	if (r.dest[0] & ~mask_of(r.prefix_len))
		return -EINVAL;
	if (e.flags & RTF_GATEWAY)
		r.gateway[0] = gw->addr;
	r.metric = e.metric > 0 ? (u32)e.metric - 1 : 0;
	net_lock();
	if (name[0]) {
		dev = netdev_by_name(name);
		err = dev ? 0 : -ENODEV;
		r.ifindex = dev ? dev->index : 0;
	}
	if (!err)
		err = netstack->route_set(&r, cmd == SIOCDELRT);
	net_unlock();
	return err;
}

static long arp_request(u32 cmd, struct user_arpreq __user *u)
{
	struct net_neighbour n = { .family = AF_INET }, have;
	struct user_arpreq r;
	u32 at = 0;
	int err = -ENXIO;

	if (copy_from_user(&r, u, sizeof(r)))
		return -EFAULT;
	if (cmd != SIOCGARP && !capable(CAP_NET_ADMIN))
		return -EPERM;
	n.ip[0] = ((struct sockaddr_in *)&r.pa)->addr;
	memcpy(n.mac, r.ha.data, 6);
	net_lock();
	if (cmd != SIOCGARP) {
		err = netstack->neighbour_set(&n, cmd == SIOCDARP);
	} else {
		while (err && netstack->neighbour_next(&at, &have)) {
			if (have.family != AF_INET || have.ip[0] != n.ip[0])
				continue;
			r.ha.family = ARPHRD_ETHER;
			memcpy(r.ha.data, have.mac, 6);
			r.flags = 2;		/* ATF_COM */
			err = 0;
		}
	}
	net_unlock();
	return err || cmd != SIOCGARP ? err : copy_to_user(u, &r, sizeof(r));
}

static long if_request6(u32 cmd, const struct user_in6_ifreq __user *u)
{
	struct net_ifaddr a = { .family = AF_INET6 };
	struct user_in6_ifreq r;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (copy_from_user(&r, u, sizeof(r)))
		return -EFAULT;
	memcpy(a.ip, r.addr, 16);
	a.prefix_len = (u8)min(r.prefix_len, 255u);
	a.ifindex = (u32)r.ifindex;
	net_lock();
	err = cmd == SIOCDIFADDR ? netstack->address_remove(&a) : netstack->address_add(&a);
	net_unlock();
	return err;
}

static long dev_ioctl(struct socket *sk, u32 cmd, u64 arg)
{
	switch (cmd) {
	case SIOCGIFNAME: return if_name((struct user_ifreq __user *)arg);
	case SIOCGIFCONF: return if_conf((struct user_ifconf __user *)arg);
	case SIOCETHTOOL: return ethtool_request((const struct user_ifreq __user *)arg);
	case SIOCADDRT:
	case SIOCDELRT:
		return sk->family == AF_INET6 ? -EOPNOTSUPP : route_request(cmd, (const struct user_rtentry __user *)arg);
	case SIOCDARP:
	case SIOCGARP:
	case SIOCSARP: return arp_request(cmd, (struct user_arpreq __user *)arg);
	case SIOCSIFADDR:
	case SIOCDIFADDR:
		if (sk->family == AF_INET6)
			return if_request6(cmd, (const struct user_in6_ifreq __user *)arg);
		return if_request(cmd, (struct user_ifreq __user *)arg);
	case SIOCGIFFLAGS: case SIOCSIFFLAGS: case SIOCGIFADDR: case SIOCGIFDSTADDR: case SIOCGIFBRDADDR: case SIOCSIFBRDADDR:
	case SIOCGIFNETMASK: case SIOCSIFNETMASK: case SIOCGIFMETRIC: case SIOCGIFMTU: case SIOCSIFMTU: case SIOCSIFHWADDR:
	case SIOCGIFHWADDR: case SIOCGIFINDEX: case SIOCGIFTXQLEN: case SIOCSIFTXQLEN: case SIOCGIFMAP:
		return if_request(cmd, (struct user_ifreq __user *)arg);
	default: return -ENOTTY;
	}
}

long inet_dev_ioctl(struct socket *sk, u32 cmd, u64 arg)
{
	long r = dev_ioctl(sk, cmd, arg);

	net_changes_tell();
	return r;
}

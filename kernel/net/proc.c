/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces, addresses, routes and neighbours as files in Linux's forms: /proc/net/{dev,route,arp,if_inet6,ipv6_route},
 * /sys/class/net. Rows are gathered under net_lock and printed without it. Sockets: inet/proc.c.
 */
#include <kernel/log.h>
#include <kernel/netstack.h>
#include <kernel/procfs.h>
#include <kernel/uevent.h>
#include <lib/format.h>
#include <lib/string.h>
#include "netproc.h"
#include "settings.h"

#define ROWS_MAX 256u

/* n-th interface, or NULL; they never go away. */
static struct netdev *device_at(unsigned n)
{
	struct netdev *d;

	net_lock();
	for (d = netdev_next(NULL); d && n; n--)
		d = netdev_next(d);
	net_unlock();
	return d;
}

static int dev_show(struct text *t, void *arg)
{
	struct netdev *d;

	text_printf(t, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n");
	for (unsigned i = 0; (d = device_at(i)); i++) {
		const struct netdev_stats *s = &d->stats;

		text_printf(t, "%6s: %7llu %7llu %4llu %4llu %4u %5u %10u %9llu %8llu %7llu %4llu %4llu %4u %5u %7u %10u\n", d->name,
			    (unsigned long long)atomic_load(&s->rx_bytes), (unsigned long long)atomic_load(&s->rx_packets),
			    (unsigned long long)atomic_load(&s->rx_errors), (unsigned long long)atomic_load(&s->rx_dropped), 0u, 0u, 0u,
			    (unsigned long long)atomic_load(&s->multicast), (unsigned long long)atomic_load(&s->tx_bytes),
			    (unsigned long long)atomic_load(&s->tx_packets), (unsigned long long)atomic_load(&s->tx_errors),
			    (unsigned long long)atomic_load(&s->tx_dropped), 0u, 0u, 0u, 0u);
	}
	return 0;
}

static u32 mask_of(u8 prefix) { return prefix ? __builtin_bswap32(0xffffffffu << (32 - prefix)) : 0; }

static const char *name_of(u32 ifindex)
{
	struct netdev *d;

	net_lock();
	d = netdev_by_index(ifindex);
	net_unlock();
	return d ? d->name : "*";
}

/* One walk of the netstack's: *at moves; the row is printed after the lock. */
#define FOR_ROWS(at, row, next) \
	for (u32 at = 0; ({ bool _more; net_lock(); _more = netstack->next(&at, &(row)); net_unlock(); _more; });)

static int route_show(struct text *t, void *arg)
{
	struct net_route r;

	text_printf(t, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
	FOR_ROWS(at, r, route_next) {
		u32 flags = 1 | (r.gateway[0] ? 2 : 0) | (r.prefix_len == 32 ? 4 : 0);

		if (r.family == AF_INET)
			text_printf(t, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u\n", name_of(r.ifindex), r.dest[0], r.gateway[0],
				    flags, 0, 0u, r.metric, mask_of(r.prefix_len), 0, 0u, 0u);
	}
	return 0;
}

static void hex6(struct text *t, const u32 *ip)
{
	for (unsigned i = 0; i < 16; i++)
		text_printf(t, "%02x", ((const u8 *)ip)[i]);
}

static int route6_show(struct text *t, void *arg)
{
	static const u32 none[4];
	struct net_route r;

	FOR_ROWS(at, r, route_next) {
		if (r.family != AF_INET6)
			continue;
		hex6(t, r.dest);
		text_printf(t, " %02x ", r.prefix_len);
		hex6(t, none);
		text_printf(t, " 00 ");
		hex6(t, r.gateway);
		text_printf(t, " %08x %08x %08x %08x %8s\n", r.metric, 1u, 0u, 1u | (r.gateway[0] ? 2u : 0u), name_of(r.ifindex));
	}
	return 0;
}

static int arp_show(struct text *t, void *arg)
{
	struct net_neighbour n;

	text_printf(t, "IP address       HW type     Flags       HW address            Mask     Device\n");
	FOR_ROWS(at, n, neighbour_next) {
		const u8 *ip = (const u8 *)n.ip;
		char text[16];

		if (n.family != AF_INET)
			continue;
		snprintf(text, sizeof(text), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
		text_printf(t, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", text, 1, 2, n.mac[0], n.mac[1],
			    n.mac[2], n.mac[3], n.mac[4], n.mac[5], name_of(n.ifindex));
	}
	return 0;
}

static int if_inet6_show(struct text *t, void *arg)
{
	struct net_ifaddr a;

	FOR_ROWS(at, a, address_next) {
		u32 scope = a.scope == 254 ? 0x10 : a.scope == 253 ? 0x20 : 0;

		if (a.family != AF_INET6)
			continue;
		hex6(t, a.ip);
		text_printf(t, " %02x %02x %02x %02x %8s\n", a.ifindex, a.prefix_len, scope, a.flags, name_of(a.ifindex));
	}
	return 0;
}

/* ---- /sys/class/net/NAME ----------------------------------------------------------------------------- */
static int mac_show(struct text *t, void *arg)
{
	const u8 *m = ((struct netdev *)arg)->mac;

	text_printf(t, "%02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1], m[2], m[3], m[4], m[5]);
	return 0;
}

static int broadcast_show(struct text *t, void *arg)
{
	text_printf(t, "%s\n", ((struct netdev *)arg)->ops ? "ff:ff:ff:ff:ff:ff" : "00:00:00:00:00:00");
	return 0;
}

static int mtu_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", ((struct netdev *)arg)->mtu);
	return 0;
}

static int mtu_store(const char *text, size_t len, void *arg)
{
	char word[16];
	u64 v;
	int err;

	strlcpy(word, text, sizeof(word));
	if (strchr(word, '\n'))
		*strchr(word, '\n') = '\0';
	if (parse_u64(word, 0, &v) || v > 0xffff)
		return -EINVAL;
	net_lock();
	err = netstack->set_mtu(arg, (u32)v);
	net_unlock();
	return err;
}

static int ifindex_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", ((struct netdev *)arg)->index);
	return 0;
}

static int flags_show(struct text *t, void *arg)
{
	text_printf(t, "0x%x\n", netdev_flags(arg) & 0xffff & ~(u32)IFF_RUNNING);
	return 0;
}

static int operstate_show(struct text *t, void *arg)
{
	struct netdev *d = arg;

	text_printf(t, "%s\n", !d->ops ? "unknown" : netdev_flags(d) & IFF_RUNNING ? "up" : "down");
	return 0;
}

static int carrier_show(struct text *t, void *arg)
{
	struct netdev *d = arg;

	if (!(atomic_load(&d->flags) & IFF_UP))
		return -EINVAL;
	text_printf(t, "%d\n", atomic_load(&d->has_carrier));
	return 0;
}

static int type_show(struct text *t, void *arg)
{
	text_printf(t, "%d\n", ((struct netdev *)arg)->ops ? 1 : 772);
	return 0;
}

static int addr_len_show(struct text *t, void *arg)
{
	text_printf(t, "6\n");
	return 0;
}

static int txqueuelen_show(struct text *t, void *arg)
{
	text_printf(t, "%d\n", 1000);
	return 0;
}

static int counter_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)atomic_load((u64 *)arg));
	return 0;
}

void net_sysfs_add(struct netdev *dev)
{
	static const struct {
		const char *name;
		int (*show)(struct text *, void *);
	} files[] = {
		{ "address", mac_show }, { "broadcast", broadcast_show }, { "ifindex", ifindex_show }, { "flags", flags_show },
		{ "operstate", operstate_show }, { "carrier", carrier_show }, { "type", type_show }, { "addr_len", addr_len_show },
		{ "tx_queue_len", txqueuelen_show }, { "iflink", ifindex_show },
	};
	struct netdev_stats *s = &dev->stats;
	struct {
		const char *name;
		u64 *value;
	} counters[] = {
		{ "rx_packets", &s->rx_packets }, { "rx_bytes", &s->rx_bytes }, { "rx_errors", &s->rx_errors },
		{ "rx_dropped", &s->rx_dropped }, { "multicast", &s->multicast }, { "tx_packets", &s->tx_packets },
		{ "tx_bytes", &s->tx_bytes }, { "tx_errors", &s->tx_errors }, { "tx_dropped", &s->tx_dropped },
	};
	const struct sysfs_device *d = sysfs_device_add(&(struct sysfs_device){
		.class = "net", .name = dev->name, .interface = dev->index }, NULL);
	char name[48];

	if (!d) {
		log_warn("sysfs: no room for %s", dev->name);
		return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		sysfs_device_file(d, files[i].name, 0444, files[i].show, NULL, dev);
	sysfs_device_file(d, "mtu", 0644, mtu_show, mtu_store, dev);
	for (unsigned i = 0; i < ARRAY_LEN(counters); i++) {
		snprintf(name, sizeof(name), "statistics/%s", counters[i].name);
		sysfs_device_file(d, name, 0444, counter_show, NULL, counters[i].value);
	}
}

static const struct virtual_file files[] = {
	{ .path = "net/dev", .mode = 0444, .show = dev_show },
	{ .path = "net/route", .mode = 0444, .show = route_show },
	{ .path = "net/ipv6_route", .mode = 0444, .show = route6_show },
	{ .path = "net/arp", .mode = 0444, .show = arp_show },
	{ .path = "net/if_inet6", .mode = 0444, .show = if_inet6_show },
};

void net_proc_init(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("proc: no file %s", files[i].path);
	net_settings_init();
}

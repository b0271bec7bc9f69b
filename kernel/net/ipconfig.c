/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip= on the command line, in the forms Linux documents (nfsroot.rst): CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:AUTOCONF…, where
 * only addresses, device and the words dhcp, on, any, off, none matter here. DHCP is lwIP's; it runs while boot waits.
 */
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/netstack.h>
#include <kernel/time.h>
#include <lib/string.h>
#include "netproc.h"

#define DHCP_WAIT_NS (15 * NSEC_PER_SEC)
#define FIELDS 7u

/* a.b.c.d in network order; false: none. */
static bool parse_ip(const char *s, u32 *out)
{
	u32 ip = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char *end;
		u64 v;

		if (parse_u64_prefix(s, 10, &v, &end) || v > 255 || *end != (i < 3 ? '.' : '\0'))
			return false;
		ip |= (u32)v << (8 * i);
		s = end + 1;
	}
	*out = ip;
	return true;
}

static struct netdev *device_named(const char *name)
{
	struct netdev *d;

	net_lock();
	if (name[0]) {
		d = netdev_by_name(name);
	} else {
		for (d = netdev_next(NULL); d && !d->ops; d = netdev_next(d))
			;
	}
	net_unlock();
	return d;
}

static void configure_static(struct netdev *dev, u32 ip, u32 mask, u32 gateway)
{
	struct net_ifaddr a = { .family = AF_INET, .ifindex = dev->index, .ip[0] = ip };
	struct net_route r = { .family = AF_INET, .ifindex = dev->index, .gateway[0] = gateway, .protocol = 3 };
	u8 first = (u8)ip;
	int err;

	a.prefix_len = mask ? (u8)popcount64(mask) : first < 128 ? 8 : first < 192 ? 16 : 24;
	net_lock();
	err = netstack->address_add(&a);
	if (!err)
		err = netstack->set_up(dev, true);
	if (!err && gateway)
		err = netstack->route_set(&r, false);
	net_unlock();
	if (err)
		log_err("ip=: %s: error %d", dev->name, err);
}

static void configure_dhcp(struct netdev *dev)
{
	u64 until = time_ns() + DHCP_WAIT_NS;
	bool done = false;
	int err;

	net_lock();
	err = netstack->set_up(dev, true);
	if (!err)
		err = netstack->dhcp(dev, true);
	net_unlock();
	while (!err && !done && time_ns() < until) {
		(void)sleep_until(time_ns() + 20 * NSEC_PER_MSEC, false);
		net_lock();
		done = netstack->dhcp_done(dev);
		net_unlock();
	}
	if (!done)
		log_err("ip=dhcp: %s: no answer%s", dev->name, err ? " (could not start)" : " within 15 s; it goes on trying");
}

static void report(const struct netdev *dev)
{
	struct net_ifaddr a;
	u32 at = 0;
	bool found = false;

	net_lock();
	while (!found && netstack->address_next(&at, &a))
		found = a.family == AF_INET && a.ifindex == dev->index;
	net_unlock();
	if (found)
		log_info("%s: %u.%u.%u.%u/%u", dev->name, a.ip[0] & 255, a.ip[0] >> 8 & 255, a.ip[0] >> 16 & 255, a.ip[0] >> 24, a.prefix_len);
}

static bool is_dhcp(const char *s) { return !strcmp(s, "dhcp") || !strcmp(s, "on") || !strcmp(s, "any"); }
static bool is_off(const char *s) { return !strcmp(s, "off") || !strcmp(s, "none"); }

void net_configure(void)
{
	const char *line = cmdline_get("ip");
	char text[160], *field[FIELDS], *p = text;
	u32 ip = 0, mask = 0, gateway = 0;
	struct netdev *dev;

	if (!line || is_off(line))
		return;
	if (strlcpy(text, line, sizeof(text)) >= sizeof(text)) {
		log_err("ip=: too long");
		return;
	}
	for (unsigned i = 0; i < FIELDS; i++) {
		field[i] = p;
		p = strchr(p, ':') ? strchr(p, ':') : p + strlen(p);
		if (*p)
			*p++ = '\0';
	}
	dev = device_named(field[5]);
	if (!dev) {
		log_err("ip=: no interface%s%s", field[5][0] ? " " : "", field[5]);
		return;
	}
	if (is_dhcp(field[0]) || (!field[0][0] && is_dhcp(field[6]))) {
		configure_dhcp(dev);
	} else if (!parse_ip(field[0], &ip) || (field[2][0] && !parse_ip(field[2], &gateway)) || (field[3][0] && !parse_ip(field[3], &mask))) {
		log_err("ip=%s: not understood; want ip=dhcp or ip=ADDRESS::GATEWAY:NETMASK::DEVICE:off", line);
		return;
	} else {
		configure_static(dev, ip, mask, gateway);
	}
	report(dev);
}

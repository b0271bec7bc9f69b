/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What changes about interfaces, addresses and routes, whoever changed it: rtnetlink, an ioctl, DHCP, a router, a cable. The
 * netstack and netdev.c say so under net_lock; netlink's listeners (ip monitor) are told behind it.
 */
#ifndef KERNEL_NETCHANGE_H
#define KERNEL_NETCHANGE_H

#include <kernel/netstack.h>

struct net_change {
	enum { NET_CHANGE_LINK, NET_CHANGE_ADDRESS, NET_CHANGE_ROUTE } what;
	bool gone;
	u32 ifindex;			/* link */
	union {
		struct net_ifaddr address;
		struct net_route route;
	};
};
/* Notes a change; net_lock held (or at boot). More than wait are lost, and the listeners learn that (ENOBUFS). */
void net_changed(const struct net_change *c);
/* Tells the listeners of what was noted until now; who asked for a change does so before its answer. May sleep, no locks. */
void net_changes_tell(void);

#endif

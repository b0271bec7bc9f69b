/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices of NETLINK_ROUTE. Changes are noted under net_lock, where no memory may be waited for, and told by whoever made
 * them, behind the lock, or by a thread of this file for those that nobody asked for. One at a time tells, so that they come in order.
 *
 * Locks: net_lock guards the ring; tell_lock lies around taking and telling.
 */
#include <kernel/netchange.h>
#include <kernel/panic.h>
#include <kernel/thread.h>
#include <kernel/waitq.h>
#include "rtnetlink.h"

#define RING 64u

static struct net_change ring[RING];	/* net_lock */
static u32 first, count;		/* net_lock; count read without */
static bool has_lost;			/* net_lock */
static struct waitq wait = WAITQ_INIT(wait);
static struct mutex tell_lock;

void net_changed(const struct net_change *c)
{
	if (count == RING) {
		has_lost = true;
		return;
	}
	ring[(first + count) % RING] = *c;
	atomic_store(&count, count + 1);
	if (count == 1)
		waitq_wake_all(&wait);
}

static bool change_take(struct net_change *c, bool *lost)
{
	bool has;

	net_lock();
	has = count;
	*lost = has_lost;
	has_lost = false;
	if (has) {
		*c = ring[first];
		first = (first + 1) % RING;
		atomic_store(&count, count - 1);
	}
	net_unlock();
	return has;
}

static void tell(const struct net_change *c)
{
	struct nl_out o = { 0 };
	struct netdev *dev;
	u32 group;

	switch (c->what) {
	case NET_CHANGE_LINK:
		net_lock();
		dev = netdev_by_index(c->ifindex);
		net_unlock();
		if (!dev)
			return;
		rtnl_put_link(&o, dev, U32_MAX);
		group = RTNLGRP_LINK;
		break;
	case NET_CHANGE_ADDRESS:
		rtnl_put_address(&o, c->gone ? RTM_DELADDR : RTM_NEWADDR, &c->address);
		group = c->address.family == AF_INET ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
		break;
	default:
		rtnl_put_route(&o, c->gone ? RTM_DELROUTE : RTM_NEWROUTE, &c->route, false);
		group = c->route.family == AF_INET ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
		break;
	}
	nl_notify(&o, group);
}

void net_changes_tell(void)
{
	struct net_change c;
	bool lost;

	if (!atomic_load(&count))
		return;
	mutex_lock(&tell_lock);
	while (change_take(&c, &lost)) {
		if (lost)
			nl_notify_lost();
		tell(&c);
	}
	mutex_unlock(&tell_lock);
}

static void teller_run(void *unused)
{
	while (1) {
		waitq_wait(&wait, atomic_load(&count));
		net_changes_tell();
	}
}

void rtnl_init(void)
{
	struct thread *t;

	mutex_init(&tell_lock, "netlink-tell", LOCK_SOCKET);
	t = thread_create("netlink", teller_run, NULL, -1);
	if (!t)
		panic("no memory for netlink");
	thread_start(t);
	thread_put(t);
}

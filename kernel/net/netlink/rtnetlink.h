/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net/netlink: messages of NETLINK_ROUTE, as answers and as notices. */
#ifndef KERNEL_NET_NETLINK_RTNETLINK_H
#define KERNEL_NET_NETLINK_RTNETLINK_H

#include <kernel/netlink.h>
#include <kernel/netstack.h>

/* change: which flags of the link, 0 in answers. */
void rtnl_put_link(struct nl_out *o, struct netdev *dev, u32 change);
void rtnl_put_address(struct nl_out *o, u16 type, const struct net_ifaddr *a);
void rtnl_put_route(struct nl_out *o, u16 type, const struct net_route *t, bool cloned);
/* Members of any group missed something: ENOBUFS. */
void nl_notify_lost(void);
void rtnl_init(void);		/* notice.c, boot */

#endif

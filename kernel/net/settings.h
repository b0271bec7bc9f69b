/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc/sys/net lets an administrator change (settings.c). Words, read and written without a lock. */
#ifndef KERNEL_NET_SETTINGS_H
#define KERNEL_NET_SETTINGS_H

#include <lib/types.h>

struct net_settings {
	u32 somaxconn;			/* the longest backlog */
	u32 rmem_max, wmem_max;		/* SO_RCVBUF, SO_SNDBUF, before doubling */
	u32 rmem_default, wmem_default;	/* of new sockets */
	u32 port_first, port_last;	/* of ports the kernel chooses */
	u32 default_ttl;
	u32 keepalive_time, keepalive_intvl, keepalive_probes;	/* seconds, seconds, number */
	u32 bindv6only;
};
extern struct net_settings net_settings;
void net_settings_init(void);		/* boot */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net: the interfaces' files in /proc/net and /sys/class/net. */
#ifndef KERNEL_NET_NETPROC_H
#define KERNEL_NET_NETPROC_H

struct netdev;

void net_proc_init(void);
void net_sysfs_add(struct netdev *dev);
void inet_proc_init(void);		/* inet/proc.c */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* SIOCETHTOOL (ethtool.c). */
#ifndef KERNEL_NET_ETHTOOL_H
#define KERNEL_NET_ETHTOOL_H

#include <kernel/netdev.h>

/* u: a user's struct that begins with the command. 0; -EFAULT, -EPERM, -EOPNOTSUPP what this interface cannot tell. May sleep. */
int net_ethtool(const struct netdev *dev, void __user *u);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of /proc/net and /sys/class/net, in Linux's forms. */
#include <kernel/netstack.h>
#include <kernel/procfs.h>
#include <lib/format.h>
#include "netproc.h"

void net_sysfs_add(struct netdev *dev) {}
void net_proc_init(void) {}

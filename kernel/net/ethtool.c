/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `ethtool` asks of an interface by SIOCETHTOOL: its driver, whether there is a link, how many queues it has and what went through each.
 * Nothing can be set. Interfaces never go away, so a pointer stays good without net_lock.
 */
#include <kernel/device.h>
#include <kernel/netdev.h>
#include <kernel/process.h>
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/ethtool.h>
#include "ethtool.h"

/* For each queue, as Linux's virtio_net names them. */
static const char *const figure_names[] = { "rx_queue_%u_packets", "rx_queue_%u_bytes", "tx_queue_%u_packets", "tx_queue_%u_bytes" };
#define FIGURES ((u32)ARRAY_LEN(figure_names))

static u32 figures_of(const struct netdev *dev) { return FIGURES * dev->nr_queues; }

static u64 figure(const struct netdev *dev, u32 n)
{
	const struct netdev_queue *q = &dev->queues[n / FIGURES];

	switch (n % FIGURES) {
	case 0: return atomic_load(&q->rx_packets);
	case 1: return atomic_load(&q->rx_bytes);
	case 2: return atomic_load(&q->tx_packets);
	default: return atomic_load(&q->tx_bytes);
	}
}

static int get_driver(const struct netdev *dev, void __user *u)
{
	struct user_ethtool_drvinfo i = { .cmd = ETHTOOL_GDRVINFO, .n_stats = figures_of(dev) };
	const struct driver *driver = dev->device->driver;

	if (driver)
		strlcpy(i.driver, driver->name, sizeof(i.driver));
	for (char *c = i.driver; *c; c++)
		if (*c == '-')
			*c = '_';
	strlcpy(i.bus_info, dev->device->name, sizeof(i.bus_info));
	return copy_to_user(u, &i, sizeof(i));
}

/* Which of the sets asked for there are, and how many strings each has. */
static int get_set_info(const struct netdev *dev, struct user_ethtool_sset_info __user *u)
{
	struct user_ethtool_sset_info i;
	u32 n = figures_of(dev);

	if (copy_from_user(&i, u, sizeof(i)))
		return -EFAULT;
	i.sset_mask &= BIT(ETH_SS_STATS);
	if (copy_to_user(u, &i, sizeof(i)))
		return -EFAULT;
	return i.sset_mask ? copy_to_user(u + 1, &n, sizeof(n)) : 0;
}

static int get_strings(const struct netdev *dev, struct user_ethtool_gstrings __user *u)
{
	struct user_ethtool_gstrings i;

	if (copy_from_user(&i, u, sizeof(i)))
		return -EFAULT;
	if (i.string_set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	i.len = figures_of(dev);
	for (u32 n = 0; n < i.len; n++) {
		char name[ETH_GSTRING_LEN] = "";

		snprintf(name, sizeof(name), figure_names[n % FIGURES], n / FIGURES);
		if (copy_to_user((char __user *)(u + 1) + n * sizeof(name), name, sizeof(name)))
			return -EFAULT;
	}
	return copy_to_user(u, &i, sizeof(i));
}

static int get_stats(const struct netdev *dev, struct user_ethtool_stats __user *u)
{
	struct user_ethtool_stats i = { .cmd = ETHTOOL_GSTATS, .n_stats = figures_of(dev) };

	for (u32 n = 0; n < i.n_stats; n++) {
		u64 v = figure(dev, n);

		if (copy_to_user((u64 __user *)(u + 1) + n, &v, sizeof(v)))
			return -EFAULT;
	}
	return copy_to_user(u, &i, sizeof(i));
}

static int get_channels(const struct netdev *dev, void __user *u)
{
	struct user_ethtool_channels i = { .cmd = ETHTOOL_GCHANNELS, .max_combined = dev->nr_queues, .combined_count = dev->nr_queues };

	return copy_to_user(u, &i, sizeof(i));
}

static int get_link(const struct netdev *dev, void __user *u)
{
	struct user_ethtool_value i = { .cmd = ETHTOOL_GLINK, .data = (netdev_flags(dev) & IFF_RUNNING) != 0 };

	return copy_to_user(u, &i, sizeof(i));
}

int net_ethtool(const struct netdev *dev, void __user *u)
{
	u32 cmd;

	if (copy_from_user(&cmd, u, sizeof(cmd)))
		return -EFAULT;
	if (cmd == ETHTOOL_GLINK)
		return get_link(dev, u);
	switch (cmd) {
	case ETHTOOL_GDRVINFO: case ETHTOOL_GSSET_INFO: case ETHTOOL_GSTRINGS: case ETHTOOL_GSTATS: case ETHTOOL_GCHANNELS:
		break;
	default:
		return capable(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM;
	}
	if (!dev->ops || !dev->device)
		return -EOPNOTSUPP;
	switch (cmd) {
	case ETHTOOL_GDRVINFO: return get_driver(dev, u);
	case ETHTOOL_GSSET_INFO: return get_set_info(dev, u);
	case ETHTOOL_GSTRINGS: return get_strings(dev, u);
	case ETHTOOL_GSTATS: return get_stats(dev, u);
	default: return get_channels(dev, u);
	}
}

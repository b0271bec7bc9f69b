/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices as user space hears of them: their directories in /sys, and events on NETLINK_KOBJECT_UEVENT sockets. */
#ifndef KERNEL_UEVENT_H
#define KERNEL_UEVENT_H

#include <kernel/procfs.h>

/* class and name stay for ever; the rest is copied. */
struct sysfs_device {
	const char *class, *name;
	const char *path;		/* below /sys, set by sysfs_device_add */
	const char *type;		/* DEVTYPE or NULL */
	dev_t dev;			/* 0: none */
	u32 mode;			/* of the node; 0: not said */
	u32 partition;			/* its number; 0: none */
	u32 interface;			/* a network interface's number; 0: none */
};
/* A new directory below under, or devices/virtual/CLASS when that is NULL, and the links to it. NULL without memory. Sleeps. */
struct sysfs_device *sysfs_device_add(const struct sysfs_device *like, const char *under);
/* One file of it; name may have directories. A log line when it cannot be. */
void sysfs_device_file(const struct sysfs_device *d, const char *name, u32 mode, int (*show)(struct text *t, void *arg),
		       int (*store)(const char *text, size_t len, void *arg), void *arg);
/* kernel/net/netlink/uevent.c: one message to all that listen to the kernel's group. May sleep. */
void uevent_broadcast(const char *message, u32 len);

#endif

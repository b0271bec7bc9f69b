/* SPDX-License-Identifier: BSD-2-Clause */
/* Between tree.c and bind.c. */
#ifndef KERNEL_DEVICE_LOCAL_H
#define KERNEL_DEVICE_LOCAL_H

#include <kernel/device.h>

extern struct spinlock device_lock;

/* In registration order and back; NULL starts. Devices that register meanwhile are met. */
struct device *device_next(struct device *dev);
struct device *device_prev(struct device *dev);
/* Position in the device's compatible list (0: most specific), or -1. */
int device_compatible_index(const struct device *dev, const char *compatible);
/* A device was registered: binds it if the drivers of all levels are up. */
void device_bind_new(struct device *dev);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Matching devices with drivers, and the order of probing: level by level, and again what said
 * -EAGAIN as long as something moves. A device is claimed (device.driver, under device_lock) before
 * its driver's probe runs, without the lock: a bus driver registers children from its probe.
 */
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "device_local.h"

#define LEVELS 3
#define PCI_ANY 0xffff

static bool is_all_up;		/* every level was probed: a new device is bound at once */

static bool match_ends(const struct driver_match *m)
{
	return !m->compatible && !m->hid && !m->pci_vendor && !m->pci_class_mask && !m->virtio_id;
}

static bool match_pci(const struct device *dev, const struct driver_match *m)
{
	if (m->pci_vendor)
		return (m->pci_vendor == PCI_ANY || m->pci_vendor == dev->pci_vendor) &&
		       (m->pci_device == PCI_ANY || m->pci_device == dev->pci_device);
	return m->pci_class_mask && (dev->pci_class & m->pci_class_mask) == m->pci_class;
}

/* How well the driver fits: smaller is better, -1 not at all. */
static int match_rank(const struct device *dev, const struct driver *drv)
{
	int best = -1;

	if (drv->bus != dev->bus || !drv->match)
		return -1;
	for (const struct driver_match *m = drv->match; !match_ends(m); m++) {
		int rank = -1;

		if (dev->bus == BUS_PCI)
			rank = match_pci(dev, m) ? (m->pci_vendor ? 0 : 1) : -1;
		else if (dev->bus == BUS_VIRTIO)
			rank = m->virtio_id && m->virtio_id == dev->virtio_id ? 0 : -1;
		else if (m->compatible && dev->compatible)
			rank = device_compatible_index(dev, m->compatible);
		else if (m->hid && dev->hid)
			rank = strcmp(m->hid, dev->hid) ? -1 : 0;
		if (rank >= 0 && (best < 0 || rank < best))
			best = rank;
	}
	return best;
}

static bool claim(struct device *dev, const struct driver *drv)
{
	bool done = false;

	spin_lock(&device_lock);
	if (!dev->driver && !dev->is_disabled) {
		dev->driver = drv;
		done = true;
	}
	spin_unlock(&device_lock);
	return done;
}
static void unclaim(struct device *dev, int error)
{
	void *state = dev->state;

	spin_lock(&device_lock);
	dev->state = NULL;
	dev->driver = NULL;
	dev->probe_error = error;
	spin_unlock(&device_lock);
	kfree(state);
}

/* Runs one driver's probe; its answer. */
static int probe(struct device *dev, const struct driver *drv)
{
	int err = 0;

	if (!claim(dev, drv))
		return -EBUSY;
	if (drv->state_size) {
		dev->state = kzalloc(drv->state_size, 0);
		err = dev->state ? 0 : -ENOMEM;
	}
	if (!err)
		err = drv->probe(dev);
	if (!err) {
		dev->probe_error = 0;
		log_debug("device %s: driver %s", dev->name, drv->name);
		return 0;
	}
	unclaim(dev, err);
	if (err != -ENODEV && err != -EAGAIN)
		log_err("device %s: driver %s fails: error %d", dev->name, drv->name, -err);
	return err;
}

/* What said "not mine" is not asked again before further drivers take part. */
static bool may_try(const struct device *dev, u32 level)
{
	if (dev->probe_error == -EAGAIN)
		return true;
	return (!dev->probe_error || dev->probe_error == -ENODEV) && level >= dev->probed_levels;
}

/* Tries the drivers up to the level from the best fit on. True if one took the device. */
static bool bind(struct device *dev, u32 level)
{
	if (dev->driver || dev->is_disabled || !may_try(dev, level))
		return false;
	dev->probed_levels = level + 1;
	for (int rank = 0, next; rank >= 0; rank = next) {
		next = -1;
		for (unsigned i = 0; i < driver_table_len; i++) {
			int r = driver_table[i]->level <= level ? match_rank(dev, driver_table[i]) : -1;

			if (r > rank && (next < 0 || r < next))
				next = r;
			if (r != rank)
				continue;
			switch (probe(dev, driver_table[i])) {
			case 0:
				return true;
			case -ENODEV:
				break;
			default:	/* its driver: it comes again (-EAGAIN) or it is broken */
				return false;
			}
		}
	}
	return false;
}

void device_probe_level(u32 level)
{
	bool moved;

	do {
		moved = false;
		for (struct device *dev = device_next(NULL); dev; dev = device_next(dev))
			moved |= bind(dev, level);
	} while (moved);
}

static int log_waiting(struct device *dev, void *unused)
{
	if (dev->probe_error == -EAGAIN)
		log_warn("device %s: what it needs (interrupt controller, bus) never came", dev->name);
	return 0;
}

void device_probe_all(void)
{
	for (u32 level = 0; level < LEVELS; level++)
		device_probe_level(level);
	atomic_store_release(&is_all_up, true);		/* pairs with device_bind_new */
	device_for_each(log_waiting, NULL);
}

void device_bind_new(struct device *dev)
{
	if (atomic_load_acquire(&is_all_up) && bind(dev, LEVELS - 1))
		device_probe_level(LEVELS - 1);
}

void device_quiesce_all(void)
{
	for (struct device *dev = device_prev(NULL); dev; dev = device_prev(dev))
		if (dev->driver && dev->driver->quiesce)
			dev->driver->quiesce(dev);
}

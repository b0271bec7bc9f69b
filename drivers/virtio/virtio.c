/* SPDX-License-Identifier: BSD-2-Clause */
/* What every virtio class does alike: reset and feature negotiation, queues, configuration reads, breaking (Virtio 1.2 3.1). */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <uapi/errno.h>

#include "ring.h"

#define RESET_TRIES 1000u	/* of 100 µs */
#define CONFIG_TRIES 16u	/* a device that keeps changing its configuration is lying */

static u32 nr_devices;		/* [a] */

int virtio_register(struct virtio_device *vd, struct device *parent, u32 virtio_id)
{
	char name[24];
	struct device *dev;

	snprintf(name, sizeof(name), "virtio%u", atomic_fetch_add(&nr_devices, 1u));
	dev = device_alloc(parent, name, BUS_VIRTIO);
	if (!dev)
		return -ENOMEM;
	vd->parent = parent;
	vd->dev = dev;
	dev->virtio_id = virtio_id;
	dev->bus_data = vd;
	log_info("%s: virtio id %u by %s on %s", name, virtio_id, vd->transport->name, parent->name);
	device_register(dev);
	return 0;
}

void __hot virtio_interrupt(struct virtio_device *vd, bool queues, bool config)
{
	for (u32 i = 0; queues && i < READ_ONCE(vd->nr_queues); i++) {
		struct virtq *q = atomic_load_acquire(&vd->queues[i]);	/* pairs with virtio_queue */

		if (q && q->callback)
			q->callback(q, q->arg);
	}
	if (config && vd->config_changed)
		vd->config_changed(vd);
}

/* Writes 0 and waits for 0; a device that never gets there is broken. */
void virtio_reset(struct virtio_device *vd)
{
	vd->transport->set_status(vd, 0);
	for (unsigned i = 0; vd->transport->status(vd) != 0; i++) {
		if (i == RESET_TRIES) {
			virtio_break(vd, "does not reset");
			return;
		}
		delay_us(100);
	}
}

static void status_add(struct virtio_device *vd, u8 bits)
{
	vd->transport->set_status(vd, vd->transport->status(vd) | bits);
}

int virtio_begin(struct virtio_device *vd, u64 wanted, u64 needed)
{
	const struct virtio_transport *t = vd->transport;
	u64 offered;

	virtio_reset(vd);
	if (virtio_report_broken(vd))
		return -EIO;
	status_add(vd, VIRTIO_STATUS_ACKNOWLEDGE);
	status_add(vd, VIRTIO_STATUS_DRIVER);
	offered = t->features(vd);
	wanted |= BIT(VIRTIO_F_RING_EVENT_IDX) | BIT(VIRTIO_F_RING_INDIRECT);
	if (t->is_legacy) {
		offered &= 0xffffffff;
	} else {
		/* Physical addresses are bus addresses here, so ACCESS_PLATFORM changes nothing. */
		wanted |= BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM);
		needed |= BIT(VIRTIO_F_VERSION_1);
	}
	if ((offered & needed) != needed) {
		status_add(vd, VIRTIO_STATUS_FAILED);
		return -ENODEV;
	}
	vd->features = offered & (wanted | needed);
	t->accept(vd, vd->features);
	if (t->is_legacy)
		return 0;
	status_add(vd, VIRTIO_STATUS_FEATURES_OK);
	if (!(t->status(vd) & VIRTIO_STATUS_FEATURES_OK)) {
		status_add(vd, VIRTIO_STATUS_FAILED);
		return -EIO;
	}
	return 0;
}

int virtio_queue(struct virtio_device *vd, u32 index, u32 size_max, void (*used)(struct virtq *q, void *arg),
		 void *arg, struct virtq **out)
{
	u32 size = vd->transport->queue_max(vd, index);
	struct virtq *q;
	int err;

	if (index >= VIRTIO_QUEUES_MAX)
		return -EINVAL;
	if (size == 0)
		return -ENOENT;
	/* mmio lets us choose less even when legacy; a power of two. */
	size = min(size, size_max);
	size = min(size, VIRTQ_SIZE_MAX);
	size = 1u << log2_floor(size);
	q = virtq_create(vd, index, size);
	if (!q)
		return -ENOMEM;
	q->callback = used;
	q->arg = arg;
	err = vd->transport->queue_enable(vd, q);
	if (err) {
		virtq_destroy(q);
		return err;
	}
	*out = q;
	atomic_store_release(&vd->queues[index], q);	/* pairs with virtio_interrupt */
	WRITE_ONCE(vd->nr_queues, max(vd->nr_queues, index + 1));
	return 0;
}

void virtio_ready(struct virtio_device *vd)
{
	status_add(vd, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_config(struct virtio_device *vd, u32 offset, void *buf, u32 len)
{
	const struct virtio_transport *t = vd->transport;
	u32 before, after;
	unsigned i = 0;

	do {
		before = t->config_generation ? t->config_generation(vd) : 0;
		t->config_read(vd, offset, buf, len);
		after = t->config_generation ? t->config_generation(vd) : 0;
	} while (before != after && ++i < CONFIG_TRIES);
	if (before != after)
		virtio_break(vd, "configuration never settles");
}

u8 virtio_config8(struct virtio_device *vd, u32 offset)
{
	u8 v = 0;

	virtio_config(vd, offset, &v, sizeof(v));
	return v;
}

u16 virtio_config16(struct virtio_device *vd, u32 offset)
{
	u16 v = 0;

	virtio_config(vd, offset, &v, sizeof(v));
	return v;
}

u32 virtio_config32(struct virtio_device *vd, u32 offset)
{
	u32 v = 0;

	virtio_config(vd, offset, &v, sizeof(v));
	return v;
}

u64 virtio_config64(struct virtio_device *vd, u32 offset)
{
	u64 v = 0;

	virtio_config(vd, offset, &v, sizeof(v));
	return v;
}

void virtio_break(struct virtio_device *vd, const char *why)
{
	const char *none = NULL;

	(void)atomic_cmpxchg(&vd->broken, &none, why);	/* release; pairs with virtio_is_broken */
}

bool virtio_report_broken(struct virtio_device *vd)
{
	const char *why = atomic_load_acquire(&vd->broken);

	if (!why)
		return false;
	if (!atomic_xchg(&vd->was_reported, true)) {
		log_err("%s: device marked broken: %s", vd->dev ? vd->dev->name : vd->parent->name, why);
		vd->transport->set_status(vd, 0);	/* no more DMA, if it listens */
	}
	return true;
}

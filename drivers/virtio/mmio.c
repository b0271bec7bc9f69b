/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over memory-mapped registers, legacy (version 1) and modern (version 2) (Virtio 1.2 4.2). An
 * empty slot has device id 0.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <lib/bits.h>
#include <uapi/errno.h>

#include "ring.h"

enum mmio_reg {
	MMIO_MAGIC = 0x000, MMIO_VERSION = 0x004, MMIO_DEVICE_ID = 0x008,
	MMIO_DEVICE_FEATURES = 0x010, MMIO_DEVICE_FEATURES_SEL = 0x014,
	MMIO_DRIVER_FEATURES = 0x020, MMIO_DRIVER_FEATURES_SEL = 0x024,
	MMIO_GUEST_PAGE_SIZE = 0x028,	/* legacy */
	MMIO_QUEUE_SEL = 0x030, MMIO_QUEUE_NUM_MAX = 0x034, MMIO_QUEUE_NUM = 0x038,
	MMIO_QUEUE_ALIGN = 0x03c, MMIO_QUEUE_PFN = 0x040,	/* legacy */
	MMIO_QUEUE_READY = 0x044, MMIO_QUEUE_NOTIFY = 0x050,
	MMIO_INTERRUPT_STATUS = 0x060, MMIO_INTERRUPT_ACK = 0x064, MMIO_STATUS = 0x070,
	MMIO_QUEUE_DESC = 0x080, MMIO_QUEUE_DRIVER = 0x090, MMIO_QUEUE_DEVICE = 0x0a0,
	MMIO_CONFIG_GENERATION = 0x0fc, MMIO_CONFIG = 0x100,
};
#define MMIO_MAGIC_VALUE 0x74726976u
#define INTERRUPT_USED 1
#define INTERRUPT_CONFIG 2

struct virtio_mmio {
	struct virtio_device vd;
	u8 __iomem *regs;
	u64 size;
};

static u32 reg_read(struct virtio_device *vd, u32 reg)
{
	return mmio_read32((u32 __iomem *)(container_of(vd, struct virtio_mmio, vd)->regs + reg));
}

static void reg_write(struct virtio_device *vd, u32 reg, u32 v)
{
	mmio_write32((u32 __iomem *)(container_of(vd, struct virtio_mmio, vd)->regs + reg), v);
}

static void reg_write_pair(struct virtio_device *vd, u32 reg, u64 v)
{
	reg_write(vd, reg, (u32)v);
	reg_write(vd, reg + 4, (u32)(v >> 32));
}

static u64 mmio_features(struct virtio_device *vd)
{
	u64 v;

	reg_write(vd, MMIO_DEVICE_FEATURES_SEL, 1);
	v = (u64)reg_read(vd, MMIO_DEVICE_FEATURES) << 32;
	reg_write(vd, MMIO_DEVICE_FEATURES_SEL, 0);
	return v | reg_read(vd, MMIO_DEVICE_FEATURES);
}

static void mmio_accept(struct virtio_device *vd, u64 features)
{
	reg_write(vd, MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(vd, MMIO_DRIVER_FEATURES, (u32)(features >> 32));
	reg_write(vd, MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(vd, MMIO_DRIVER_FEATURES, (u32)features);
}

static u8 mmio_status(struct virtio_device *vd) { return (u8)reg_read(vd, MMIO_STATUS); }

static void mmio_set_status(struct virtio_device *vd, u8 status)
{
	dma_mb();	/* what the status promises before the status */
	reg_write(vd, MMIO_STATUS, status);
}

/* The field's own width where the specification demands it for modern devices: 1, 2, 4; 8 as two. */
static void mmio_config_read(struct virtio_device *vd, u32 offset, void *buf, u32 len)
{
	struct virtio_mmio *m = container_of(vd, struct virtio_mmio, vd);
	u8 *out = buf;

	if (MMIO_CONFIG + (u64)offset + len > m->size) {
		virtio_break(vd, "configuration space is too small");
		return;
	}
	while (len) {
		const u8 __iomem *p = m->regs + MMIO_CONFIG + offset;
		u32 n = len >= 4 && is_aligned(offset, 4u) ? 4 : len >= 2 && is_aligned(offset, 2u) ? 2 : 1;
		u32 v = n == 4 ? mmio_read32((const u32 __iomem *)p) :
			n == 2 ? mmio_read16((const u16 __iomem *)p) : mmio_read8(p);

		__builtin_memcpy(out, &v, n);
		out += n;
		offset += n;
		len -= n;
	}
}

static u32 mmio_config_generation(struct virtio_device *vd) { return reg_read(vd, MMIO_CONFIG_GENERATION); }

static u32 mmio_queue_max(struct virtio_device *vd, u32 index)
{
	reg_write(vd, MMIO_QUEUE_SEL, index);
	return reg_read(vd, MMIO_QUEUE_NUM_MAX);
}

static int legacy_queue_enable(struct virtio_device *vd, struct virtq *q)
{
	reg_write(vd, MMIO_GUEST_PAGE_SIZE, (u32)PAGE_SIZE);
	reg_write(vd, MMIO_QUEUE_SEL, q->index);
	if (reg_read(vd, MMIO_QUEUE_PFN))
		return -EBUSY;
	if (virtq_desc(q) >> PAGE_SHIFT > U32_MAX)
		return -ENOMEM;
	reg_write(vd, MMIO_QUEUE_NUM, q->size);
	reg_write(vd, MMIO_QUEUE_ALIGN, VIRTQ_ALIGN);
	reg_write(vd, MMIO_QUEUE_PFN, (u32)(virtq_desc(q) >> PAGE_SHIFT));
	return 0;
}

static int modern_queue_enable(struct virtio_device *vd, struct virtq *q)
{
	reg_write(vd, MMIO_QUEUE_SEL, q->index);
	if (reg_read(vd, MMIO_QUEUE_READY))
		return -EBUSY;
	reg_write(vd, MMIO_QUEUE_NUM, q->size);
	reg_write_pair(vd, MMIO_QUEUE_DESC, virtq_desc(q));
	reg_write_pair(vd, MMIO_QUEUE_DRIVER, virtq_avail(q));
	reg_write_pair(vd, MMIO_QUEUE_DEVICE, virtq_used(q));
	reg_write(vd, MMIO_QUEUE_READY, 1);
	return reg_read(vd, MMIO_QUEUE_READY) ? 0 : -EIO;
}

static void mmio_notify(struct virtio_device *vd, struct virtq *q)
{
	reg_write(vd, MMIO_QUEUE_NOTIFY, q->index);
}

static const struct virtio_transport transport_legacy = {
	.name = "mmio (legacy)", .is_legacy = true, .features = mmio_features, .accept = mmio_accept,
	.status = mmio_status, .set_status = mmio_set_status, .config_read = mmio_config_read,
	.queue_max = mmio_queue_max, .queue_enable = legacy_queue_enable, .notify = mmio_notify,
};
static const struct virtio_transport transport_modern = {
	.name = "mmio", .features = mmio_features, .accept = mmio_accept,
	.status = mmio_status, .set_status = mmio_set_status, .config_read = mmio_config_read,
	.config_generation = mmio_config_generation,
	.queue_max = mmio_queue_max, .queue_enable = modern_queue_enable, .notify = mmio_notify,
};

static bool mmio_irq(void *arg)
{
	struct virtio_device *vd = arg;
	u32 pending = reg_read(vd, MMIO_INTERRUPT_STATUS) & (INTERRUPT_USED | INTERRUPT_CONFIG);

	if (!pending)
		return false;
	reg_write(vd, MMIO_INTERRUPT_ACK, pending);
	virtio_interrupt(vd, pending & INTERRUPT_USED, pending & INTERRUPT_CONFIG);
	return true;
}

static int virtio_mmio_probe(struct device *dev)
{
	struct virtio_mmio *m = device_state(dev);
	const struct resource *res = device_resource(dev, RES_MMIO, 0);
	struct virtio_device *vd = &m->vd;
	u32 version, id;
	int irq, err;

	if (!res || res->size < MMIO_CONFIG)
		return -EINVAL;
	m->regs = device_mmio(dev, 0);
	if (!m->regs)
		return -ENOMEM;
	m->size = res->size;
	if (reg_read(vd, MMIO_MAGIC) != MMIO_MAGIC_VALUE)
		return -ENODEV;
	version = reg_read(vd, MMIO_VERSION);
	id = reg_read(vd, MMIO_DEVICE_ID);
	if (id == 0 || version < 1 || version > 2)
		return -ENODEV;
	irq = device_irq(dev, 0);
	if (irq < 0)
		return irq;
	vd->transport = version == 1 ? &transport_legacy : &transport_modern;
	vd->parent = dev;
	virtio_reset(vd);
	if (virtio_report_broken(vd))
		return -EIO;
	err = irq_request((u32)irq, mmio_irq, vd, IRQ_SHARED, dev->name);
	if (err)
		return err;
	err = virtio_register(vd, dev, id);
	if (err)
		irq_release((u32)irq, vd);
	return err;
}

static void virtio_mmio_quiesce(struct device *dev)
{
	struct virtio_mmio *m = device_state(dev);

	mmio_set_status(&m->vd, 0);
}

static const struct driver_match virtio_mmio_match[] = {
	{ .compatible = "virtio,mmio" },
	{ .hid = "LNRO0005" },
	{},
};
const struct driver driver_virtio_mmio = {
	.name = "virtio-mmio", .match = virtio_mmio_match, .bus = BUS_PLATFORM,
	.state_size = sizeof(struct virtio_mmio), .probe = virtio_mmio_probe, .quiesce = virtio_mmio_quiesce,
	.level = 1,
};

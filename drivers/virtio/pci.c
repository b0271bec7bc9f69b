/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over PCI, modern interface only (Virtio 1.2 4.1); transitional devices have it too. Where its
 * registers lie the device tells in vendor capabilities: each is checked against its BAR. Interrupts: one
 * MSI-X vector for queues and one for configuration changes, or the legacy line with the ISR byte.
 */
#include <drivers/pci.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <lib/bits.h>
#include <uapi/errno.h>

#include "ring.h"

#define PCI_VENDOR_VIRTIO 0x1af4
#define DEVICE_MODERN_FIRST 0x1040
#define DEVICE_LAST 0x107f

enum cap_type { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_TYPES };
#define CAP_LEN 2
#define CAP_TYPE 3
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_NOTIFY_MULTIPLIER 16

enum common_reg {
	COMMON_DEVICE_FEATURE_SELECT = 0, COMMON_DEVICE_FEATURE = 4, COMMON_DRIVER_FEATURE_SELECT = 8,
	COMMON_DRIVER_FEATURE = 12, COMMON_CONFIG_VECTOR = 16, COMMON_STATUS = 20, COMMON_GENERATION = 21,
	COMMON_QUEUE_SELECT = 22, COMMON_QUEUE_SIZE = 24, COMMON_QUEUE_VECTOR = 26, COMMON_QUEUE_ENABLE = 28,
	COMMON_QUEUE_NOTIFY_OFF = 30, COMMON_QUEUE_DESC = 32, COMMON_QUEUE_DRIVER = 40,
	COMMON_QUEUE_DEVICE = 48, COMMON_SIZE = 56,
};
#define NO_VECTOR 0xffff
#define ISR_QUEUE 1
#define ISR_CONFIG 2

struct region {
	u8 __iomem *at;		/* NULL: absent */
	u32 len;
};
struct virtio_pci {
	struct virtio_device vd;
	struct pci_function *f;
	struct region region[CAP_TYPES];
	u32 notify_multiplier;
	u16 __iomem *doorbell[VIRTIO_QUEUES_MAX];
	u16 queue_vector, config_vector;
	int irqs[2];
	int nr_irqs;
};

static struct virtio_pci *of(struct virtio_device *vd) { return container_of(vd, struct virtio_pci, vd); }
static u8 __iomem *common(struct virtio_device *vd) { return of(vd)->region[CAP_COMMON].at; }
static u16 common_read16(struct virtio_device *vd, u32 reg) { return mmio_read16((u16 __iomem *)(common(vd) + reg)); }
static u32 common_read32(struct virtio_device *vd, u32 reg) { return mmio_read32((u32 __iomem *)(common(vd) + reg)); }
static void common_write16(struct virtio_device *vd, u32 reg, u16 v) { mmio_write16((u16 __iomem *)(common(vd) + reg), v); }
static void common_write32(struct virtio_device *vd, u32 reg, u32 v) { mmio_write32((u32 __iomem *)(common(vd) + reg), v); }

static void common_write_pair(struct virtio_device *vd, u32 reg, u64 v)
{
	common_write32(vd, reg, (u32)v);
	common_write32(vd, reg + 4, (u32)(v >> 32));
}

static u64 pci_features(struct virtio_device *vd)
{
	u64 v;

	common_write32(vd, COMMON_DEVICE_FEATURE_SELECT, 1);
	v = (u64)common_read32(vd, COMMON_DEVICE_FEATURE) << 32;
	common_write32(vd, COMMON_DEVICE_FEATURE_SELECT, 0);
	return v | common_read32(vd, COMMON_DEVICE_FEATURE);
}

static void pci_accept(struct virtio_device *vd, u64 features)
{
	common_write32(vd, COMMON_DRIVER_FEATURE_SELECT, 1);
	common_write32(vd, COMMON_DRIVER_FEATURE, (u32)(features >> 32));
	common_write32(vd, COMMON_DRIVER_FEATURE_SELECT, 0);
	common_write32(vd, COMMON_DRIVER_FEATURE, (u32)features);
	/* After a reset the vectors are gone. */
	common_write16(vd, COMMON_CONFIG_VECTOR, of(vd)->config_vector);
}

static u8 pci_status(struct virtio_device *vd) { return mmio_read8(common(vd) + COMMON_STATUS); }

static void pci_set_status(struct virtio_device *vd, u8 status)
{
	dma_mb();	/* what the status promises before the status */
	mmio_write8(common(vd) + COMMON_STATUS, status);
}

static u32 pci_generation(struct virtio_device *vd) { return mmio_read8(common(vd) + COMMON_GENERATION); }

static void pci_config_read(struct virtio_device *vd, u32 offset, void *buf, u32 len)
{
	const struct region *r = &of(vd)->region[CAP_DEVICE];
	u8 *out = buf;

	if (!r->at || (u64)offset + len > r->len) {
		virtio_break(vd, "configuration space is too small");
		return;
	}
	while (len) {
		const u8 __iomem *p = r->at + offset;
		u32 n = len >= 4 && is_aligned(offset, 4u) ? 4 : len >= 2 && is_aligned(offset, 2u) ? 2 : 1;
		u32 v = n == 4 ? mmio_read32((const u32 __iomem *)p) :
			n == 2 ? mmio_read16((const u16 __iomem *)p) : mmio_read8(p);

		__builtin_memcpy(out, &v, n);
		out += n;
		offset += n;
		len -= n;
	}
}

static u32 pci_queue_max(struct virtio_device *vd, u32 index)
{
	common_write16(vd, COMMON_QUEUE_SELECT, (u16)index);
	return common_read16(vd, COMMON_QUEUE_SIZE);
}

static int pci_queue_enable(struct virtio_device *vd, struct virtq *q)
{
	struct virtio_pci *p = of(vd);
	const struct region *n = &p->region[CAP_NOTIFY];
	u64 at;

	common_write16(vd, COMMON_QUEUE_SELECT, (u16)q->index);
	if (common_read16(vd, COMMON_QUEUE_ENABLE))
		return -EBUSY;
	at = (u64)common_read16(vd, COMMON_QUEUE_NOTIFY_OFF) * p->notify_multiplier;
	if (at + 2 > n->len || !is_aligned(at, 2ull))
		return -EINVAL;
	p->doorbell[q->index] = (u16 __iomem *)(n->at + at);
	common_write16(vd, COMMON_QUEUE_SIZE, (u16)q->size);
	common_write_pair(vd, COMMON_QUEUE_DESC, virtq_desc(q));
	common_write_pair(vd, COMMON_QUEUE_DRIVER, virtq_avail(q));
	common_write_pair(vd, COMMON_QUEUE_DEVICE, virtq_used(q));
	common_write16(vd, COMMON_QUEUE_VECTOR, p->queue_vector);
	/* The device answers "no vector" when it cannot have one. */
	if (common_read16(vd, COMMON_QUEUE_VECTOR) != p->queue_vector)
		return -ENOSPC;
	common_write16(vd, COMMON_QUEUE_ENABLE, 1);
	return 0;
}

static void pci_notify(struct virtio_device *vd, struct virtq *q)
{
	mmio_write16(of(vd)->doorbell[q->index], (u16)q->index);
}

static const struct virtio_transport transport_pci = {
	.name = "pci", .features = pci_features, .accept = pci_accept,
	.status = pci_status, .set_status = pci_set_status, .config_read = pci_config_read,
	.config_generation = pci_generation,
	.queue_max = pci_queue_max, .queue_enable = pci_queue_enable, .notify = pci_notify,
};

static bool msix_queues(void *arg)
{
	struct virtio_pci *p = arg;

	virtio_interrupt(&p->vd, true, p->nr_irqs == 1);
	return true;
}

static bool msix_config(void *arg)
{
	struct virtio_pci *p = arg;

	virtio_interrupt(&p->vd, false, true);
	return true;
}

static bool line_irq(void *arg)
{
	struct virtio_pci *p = arg;
	u8 isr = mmio_read8(p->region[CAP_ISR].at);	/* reading acknowledges */

	if (!(isr & (ISR_QUEUE | ISR_CONFIG)))
		return false;
	virtio_interrupt(&p->vd, isr & ISR_QUEUE, isr & ISR_CONFIG);
	return true;
}

/* The first capability of each type that fits its BAR. */
static void regions_find(struct virtio_pci *p)
{
	for (u8 cap = pci_capability(p->f, PCI_CAP_VENDOR, 0); cap; cap = pci_capability(p->f, PCI_CAP_VENDOR, cap)) {
		u8 type = pci_read8(p->f, cap + CAP_TYPE), bar = pci_read8(p->f, cap + CAP_BAR);
		u32 offset = pci_read32(p->f, cap + CAP_OFFSET), len = pci_read32(p->f, cap + CAP_LENGTH);
		u8 __iomem *base;

		if (type < CAP_COMMON || type >= CAP_TYPES || bar > 5 || p->region[type].at)
			continue;
		if ((u64)offset + len > p->f->bar[bar].size || !is_aligned(offset, 4u))
			continue;
		base = pci_bar_map(p->f, bar);
		if (!base)
			continue;
		p->region[type] = (struct region){ base + offset, len };
		if (type == CAP_NOTIFY)
			p->notify_multiplier = pci_read8(p->f, cap + CAP_LEN) >= CAP_NOTIFY_MULTIPLIER + 4 ?
				pci_read32(p->f, cap + CAP_NOTIFY_MULTIPLIER) : 0;
	}
}

static int irqs_request(struct virtio_pci *p, const char *name)
{
	int err;

	p->nr_irqs = pci_irqs_enable(p->f, ARRAY_LEN(p->irqs), p->irqs);
	if (p->nr_irqs < 0)
		return p->nr_irqs;
	if (!p->f->uses_msix) {
		p->queue_vector = p->config_vector = NO_VECTOR;
		return irq_request((u32)p->irqs[0], line_irq, p, IRQ_SHARED, name);
	}
	p->queue_vector = 0;
	p->config_vector = (u16)(p->nr_irqs - 1);
	err = irq_request((u32)p->irqs[0], msix_queues, p, 0, name);
	if (!err && p->nr_irqs > 1) {
		err = irq_request((u32)p->irqs[1], msix_config, p, 0, name);
		if (err)
			irq_release((u32)p->irqs[0], p);
	}
	return err;
}

static void irqs_release(struct virtio_pci *p)
{
	for (int i = 0; i < (p->f->uses_msix ? p->nr_irqs : 1); i++)
		irq_release((u32)p->irqs[i], p);
}

static int virtio_pci_probe(struct device *dev)
{
	struct virtio_pci *p = device_state(dev);
	u32 id;
	int err;

	p->f = pci_function_of(dev);
	if (p->f->device > DEVICE_LAST)
		return -ENODEV;
	id = p->f->device < DEVICE_MODERN_FIRST ? p->f->subsystem_device : p->f->device - DEVICE_MODERN_FIRST;
	pci_enable(p->f, true);
	regions_find(p);
	if (!p->region[CAP_COMMON].at || p->region[CAP_COMMON].len < COMMON_SIZE || !p->region[CAP_NOTIFY].at ||
	    !p->region[CAP_ISR].at || p->region[CAP_ISR].len < 1) {
		log_warn("%s: no modern virtio interface", dev->name);
		pci_enable(p->f, false);
		return -ENODEV;
	}
	p->vd.transport = &transport_pci;
	p->vd.parent = dev;
	virtio_reset(&p->vd);
	if (virtio_report_broken(&p->vd))
		return -EIO;
	err = irqs_request(p, dev->name);
	if (err) {
		if (p->nr_irqs > 0)
			pci_irqs_disable(p->f);
		return err;
	}
	err = virtio_register(&p->vd, dev, id);
	if (err) {
		irqs_release(p);
		pci_irqs_disable(p->f);
	}
	return err;
}

static void virtio_pci_quiesce(struct device *dev)
{
	struct virtio_pci *p = device_state(dev);

	pci_set_status(&p->vd, 0);
	pci_enable(p->f, false);
}

static const struct driver_match virtio_pci_match[] = {
	{ .pci_vendor = PCI_VENDOR_VIRTIO, .pci_device = 0xffff },
	{},
};
const struct driver driver_virtio_pci = {
	.name = "virtio-pci", .match = virtio_pci_match, .bus = BUS_PCI, .state_size = sizeof(struct virtio_pci),
	.probe = virtio_pci_probe, .quiesce = virtio_pci_quiesce, .level = 1,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers of the simulated machine's own devices, ordinary drivers to the core: an interrupt controller of
 * edge-triggered lines and the disk. Locks: disk.lock (LOCK_VIRTQUEUE) guards the slots.
 */
#include <kernel/block.h>
#include <kernel/device.h>
#include <kernel/irq.h>
#include <lib/bits.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include "disk.h"

#define LINES 32u

static void intc_mask(struct irq_domain *d, u32 line) { sim_irq_mask(line, true); }
static void intc_unmask(struct irq_domain *d, u32 line) { sim_irq_mask(line, false); }

static int intc_translate(struct irq_domain *d, const u32 *cells, unsigned n, u32 *line, u32 *type)
{
	if (n != 1 || cells[0] >= LINES)
		return -EINVAL;
	*line = cells[0];
	*type = IRQ_EDGE;
	return 0;
}

static const struct irq_chip intc_chip = {
	.name = "sim", .mask = intc_mask, .unmask = intc_unmask, .translate = intc_translate,
};
static struct irq_domain intc_domain = { .chip = &intc_chip, .nr_hwirq = LINES, .gsi_base = ~0u };

static void intc_handle(unsigned long line) { irq_dispatch(&intc_domain, (u32)line); }

static const struct irq_root intc_root = { .handle = intc_handle };

static int intc_probe(struct device *dev)
{
	int err;

	intc_domain.phandle = dev->phandle;
	err = irq_domain_add(&intc_domain);
	if (!err)
		arch_irq_set_root(&intc_root);
	return err;
}

static const struct driver_match intc_match[] = { { .compatible = "trivet,sim-intc" }, {} };
const struct driver driver_sim_intc = { .name = "sim_intc", .match = intc_match, .bus = BUS_PLATFORM, .probe = intc_probe };

struct disk {
	struct block_device dev;
	struct spinlock lock;
	u32 free;			/* lock: slots */
	struct bio *bio[DISK_SLOTS];	/* lock */
};

static int disk_submit(struct block_device *dev, struct bio *bio)
{
	struct disk *disk = dev->data;
	struct disk_request r = { .sector = bio->sector, .nr = bio->nr_vec };
	unsigned long flags;
	unsigned n;

	if (bio->op == BIO_DISCARD)
		return -EOPNOTSUPP;
	r.flush_before = (bio->flags & BIO_PREFLUSH) != 0;
	r.stable_after = (bio->flags & BIO_FUA) != 0;
	r.op = bio->op == BIO_READ ? DISK_READ : bio->op == BIO_WRITE ? DISK_WRITE : DISK_FLUSH;
	for (unsigned i = 0; i < bio->nr_vec; i++) {
		r.segment[i].phys = page_to_phys(bio->vec[i].page) + bio->vec[i].offset;
		r.segment[i].len = bio->vec[i].len;
	}
	flags = spin_lock_irqsave(&disk->lock);
	if (!disk->free) {
		spin_unlock_irqrestore(&disk->lock, flags);
		return -EAGAIN;
	}
	n = ctz64(disk->free);
	disk->free &= ~(1u << n);
	disk->bio[n] = bio;
	dma_wmb();
	sim_irq_route(DISK_LINE, arch_cpu_self()->id);
	disk_start(n, &r);
	spin_unlock_irqrestore(&disk->lock, flags);
	return 0;
}

static const struct block_ops disk_ops = { .submit = disk_submit };

static bool disk_interrupt(void *arg)
{
	struct disk *disk = arg;
	bool any = false;
	unsigned n;
	int status;

	while (1) {
		unsigned long flags = spin_lock_irqsave(&disk->lock);
		bool more = disk_finished(&n, &status);
		struct bio *bio = more ? disk->bio[n] : NULL;

		if (more) {
			disk->bio[n] = NULL;
			disk->free |= 1u << n;
		}
		spin_unlock_irqrestore(&disk->lock, flags);
		if (!more)
			break;
		any = true;
		bio_end(bio, status);
	}
	if (any)
		block_run_queue(&disk->dev);
	return any;
}

static int disk_probe(struct device *dev)
{
	struct disk *disk = device_state(dev);
	int irq = device_irq(dev, 0), err;

	if (!disk_sectors())
		return -ENODEV;
	if (irq < 0)
		return irq;
	spin_init(&disk->lock, "sim disk", LOCK_VIRTQUEUE);
	disk->free = (1u << DISK_SLOTS) - 1;
	disk->dev.ops = &disk_ops;
	disk->dev.data = disk;
	disk->dev.sectors = disk_sectors();
	disk->dev.logical_block = SECTOR_SIZE;
	disk->dev.max_segments = DISK_SEGMENTS;
	disk->dev.max_segment_bytes = 64 * 1024;
	disk->dev.max_bytes = 256 * 1024;
	disk->dev.has_write_cache = true;
	err = irq_request((u32)irq, disk_interrupt, disk, 0, "sim disk");
	return err ? err : block_register(&disk->dev, "sd");
}

static const struct driver_match disk_match[] = { { .compatible = "trivet,sim-disk" }, {} };
const struct driver driver_sim_disk = {
	.name = "sim_disk", .match = disk_match, .bus = BUS_PLATFORM, .state_size = sizeof(struct disk),
	.probe = disk_probe, .level = 2,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * I/O APIC (Intel 82093AA): each pin has a redirection entry that turns it into a vector on a CPU. A machine may
 * have several (microvm has two); each is one irq_domain, numbered by ACPI's global system interrupts.
 * The local APIC's EOI, which the trap code sends, also ends level interrupts here.
 * Lock: chip->lock for the index/data register pair and the entries' shadow.
 */
#include "x86_vectors.h"

#include <drivers/ioapic.h>
#include <kernel/device.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <uapi/errno.h>

#define REG_SELECT 0x00
#define REG_DATA 0x10
#define IOAPIC_VERSION 1
#define IOAPIC_ENTRY(pin) (0x10 + 2 * (pin))
#define ENTRY_ACTIVE_LOW BIT(13)
#define ENTRY_LEVEL BIT(15)
#define ENTRY_MASKED BIT(16)
#define PINS_MAX 240

struct ioapic {
	struct irq_domain domain;
	struct spinlock lock;
	void __iomem *regs;
	paddr_t pa;
	u64 entry[];		/* lock: what the hardware holds */
};

static void ioapic_write(struct ioapic *io, u32 reg, u32 v)
{
	mmio_write32((char __iomem *)io->regs + REG_SELECT, reg);
	mmio_write32((char __iomem *)io->regs + REG_DATA, v);
}

/* Lock held. The low half holds the mask bit: last when opening, first when closing. */
static void entry_write(struct ioapic *io, u32 pin, u64 v)
{
	bool is_masked = v & ENTRY_MASKED;

	io->entry[pin] = v;
	if (is_masked)
		ioapic_write(io, IOAPIC_ENTRY(pin), (u32)v);
	ioapic_write(io, IOAPIC_ENTRY(pin) + 1, (u32)(v >> 32));
	if (!is_masked)
		ioapic_write(io, IOAPIC_ENTRY(pin), (u32)v);
}

static void entry_change(struct irq_domain *d, u32 pin, u64 clear, u64 set)
{
	struct ioapic *io = d->data;
	unsigned long flags = spin_lock_irqsave(&io->lock);

	entry_write(io, pin, (io->entry[pin] & ~clear) | set);
	spin_unlock_irqrestore(&io->lock, flags);
}

static void ioapic_mask(struct irq_domain *d, u32 pin)
{
	entry_change(d, pin, 0, ENTRY_MASKED);
}

static void ioapic_unmask(struct irq_domain *d, u32 pin)
{
	struct ioapic *io = d->data;
	u32 vector = io->entry[pin] & 0xff;

	if (vector == 0) {
		int v = x86_vector_alloc(d, pin);

		if (v < 0) {
			log_err("ioapic: no vector left for GSI %u", d->gsi_base + pin);
			return;
		}
		vector = (u32)v;
	}
	entry_change(d, pin, ENTRY_MASKED | 0xff, vector);
}

static int ioapic_set_type(struct irq_domain *d, u32 pin, u32 type)
{
	u64 set = 0;

	if (type & IRQ_LEVEL)
		set |= ENTRY_LEVEL;
	if (type & IRQ_ACTIVE_LOW)
		set |= ENTRY_ACTIVE_LOW;
	entry_change(d, pin, ENTRY_LEVEL | ENTRY_ACTIVE_LOW, set);
	return 0;
}

static int ioapic_set_affinity(struct irq_domain *d, u32 pin, unsigned cpu)
{
	if (cpu >= MAX_CPUS || !cpu_table[cpu] || cpu_table[cpu]->hwid > 0xff)
		return -EINVAL;
	entry_change(d, pin, 0xffull << 56, cpu_table[cpu]->hwid << 56);
	return 0;
}

/* Device tree ("intel,ce4100-ioapic"): pin, then 0 rising edge, 1 level low, 2 level high, 3 falling edge. */
static int ioapic_translate(struct irq_domain *d, const u32 *cells, unsigned n, u32 *hwirq, u32 *type)
{
	if (n != 2 || cells[0] >= d->nr_hwirq || cells[1] > 3)
		return -EINVAL;
	*hwirq = cells[0];
	*type = cells[1] == 1 || cells[1] == 2 ? IRQ_LEVEL : IRQ_EDGE;
	if (cells[1] & 1)
		*type |= IRQ_ACTIVE_LOW;
	return 0;
}

static const struct irq_chip ioapic_chip = {
	.name = "IO-APIC",
	.mask = ioapic_mask,
	.unmask = ioapic_unmask,
	.set_type = ioapic_set_type,
	.set_affinity = ioapic_set_affinity,
	.translate = ioapic_translate,
};

static int ioapic_start(paddr_t pa, u32 gsi_base, u32 phandle)
{
	static bool has_vectors;
	void __iomem *regs;
	struct ioapic *io;
	u32 version, pins;
	int err;

	if (irq_domain_by_gsi(gsi_base))
		return -EBUSY;
	if (!has_vectors) {
		err = x86_vectors_init();
		if (err)
			return err;
		has_vectors = true;
	}
	regs = mmio_map(pa, 0x20);
	if (!regs)
		return -ENOMEM;
	mmio_write32((char __iomem *)regs + REG_SELECT, IOAPIC_VERSION);
	version = mmio_read32((char __iomem *)regs + REG_DATA);
	pins = (version >> 16 & 0xff) + 1;
	if (version == U32_MAX || version == 0 || pins > PINS_MAX) {
		mmio_unmap(regs);
		return -ENODEV;
	}
	io = kzalloc(sizeof(*io) + pins * sizeof(io->entry[0]), 0);
	if (!io) {
		mmio_unmap(regs);
		return -ENOMEM;
	}
	spin_init(&io->lock, "ioapic", LOCK_IRQ_CHIP);
	io->regs = regs;
	io->pa = pa;
	io->domain = (struct irq_domain){
		.chip = &ioapic_chip, .data = io, .nr_hwirq = pins, .gsi_base = gsi_base,
		.phandle = phandle,
	};
	for (u32 pin = 0; pin < pins; pin++)
		entry_change(&io->domain, pin, 0, ENTRY_MASKED | cpu_boot.hwid << 56);
	err = irq_domain_add(&io->domain);
	if (err) {
		kfree(io);
		mmio_unmap(regs);
		return err;
	}
	log_info("ioapic: %#lx, GSI %u-%u", pa, gsi_base, gsi_base + pins - 1);
	return 0;
}

int ioapic_add(paddr_t pa, u32 gsi_base)
{
	return ioapic_start(pa, gsi_base, 0);
}

/* By device tree, which does not number interrupts across controllers: in the order of their finding. */
static int ioapic_probe(struct device *dev)
{
	const struct resource *res = device_resource(dev, RES_MMIO, 0);
	struct irq_domain *d;
	u32 gsi = 0;

	if (!res || res->size < 0x20)
		return -EINVAL;
	while ((d = irq_domain_by_gsi(gsi)))
		gsi = d->gsi_base + d->nr_hwirq;
	return ioapic_start(res->base, gsi, dev->phandle);
}

static const struct driver_match ioapic_match[] = {
	{ .compatible = "intel,ce4100-ioapic" },
	{},
};
const struct driver driver_ioapic = {
	.name = "ioapic", .match = ioapic_match, .bus = BUS_PLATFORM, .probe = ioapic_probe, .level = 0,
};

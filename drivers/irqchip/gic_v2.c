/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2 (Arm IHI 0048): CPU interfaces in memory, at most 8 CPUs, banked registers for each CPU's own
 * lines; and its v2m frame, which turns a device's write into a shared line. Lines are in group 0 where
 * there is one security state; where there are two the group bits are not ours and writes do nothing.
 */
#include <arch/irq.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <uapi/errno.h>
#include "gic.h"

#define GICD_ITARGETSR 0x800
#define GICD_SGIR 0xf00
#define GICC_CTLR 0x0
#define GICC_PMR 0x4
#define GICC_BPR 0x8
#define GICC_IAR 0xc
#define GICC_EOIR 0x10
#define INTERFACES 8

#define V2M_TYPER 0x8
#define V2M_SETSPI 0x40

struct gic_v2 {
	struct gic gic;
	u8 __iomem *cpu;
	u8 target[MAX_CPUS];		/* [a] bit of the CPU's interface; 0: none yet */
};
static struct gic_v2 *the_gic;

static void v2_mask(struct irq_domain *d, u32 hwirq)
{
	struct gic *g = d->data;

	if (hwirq < GIC_PRIVATE)
		__atomic_fetch_and(&g->private_on, ~(1u << hwirq), __ATOMIC_RELAXED);
	gic_write(g, GICD_ICENABLER + hwirq / 32 * 4, 1u << hwirq % 32);
}
static void v2_unmask(struct irq_domain *d, u32 hwirq)
{
	struct gic *g = d->data;

	/* CPUs that start later enable the private ones in cpu_init. */
	if (hwirq < GIC_PRIVATE)
		__atomic_fetch_or(&g->private_on, 1u << hwirq, __ATOMIC_RELAXED);
	gic_write(g, GICD_ISENABLER + hwirq / 32 * 4, 1u << hwirq % 32);
}
static int v2_set_affinity(struct irq_domain *d, u32 hwirq, unsigned cpu)
{
	struct gic_v2 *v2 = the_gic;

	if (hwirq < GIC_PRIVATE || cpu >= MAX_CPUS || !v2->target[cpu])
		return -EINVAL;
	mmio_write8(v2->gic.dist + GICD_ITARGETSR + hwirq, v2->target[cpu]);
	return 0;
}

static const struct irq_chip v2_chip = {
	.name = "GICv2", .mask = v2_mask, .unmask = v2_unmask, .set_type = gic_set_type,
	.set_affinity = v2_set_affinity, .translate = gic_translate,
};
static const struct irq_chip v2m_chip = {
	.name = "GICv2", .mask = v2_mask, .unmask = v2_unmask, .set_type = gic_set_type,
	.set_affinity = v2_set_affinity, .translate = gic_translate,
	.msi_alloc = gic_msi_alloc, .msi_free = gic_msi_free,
};

static void v2_handle(unsigned long unused)
{
	struct gic_v2 *v2 = the_gic;

	for (;;) {
		u32 iar = mmio_read32(v2->cpu + GICC_IAR), id = iar & 0x3ff;

		if (id >= GIC_SPECIAL)
			return;
		if (id == GIC_SGI_IPI)
			ipi_receive();
		else
			irq_dispatch(&v2->gic.domain, id);
		mmio_write32(v2->cpu + GICC_EOIR, iar);
	}
}

static void v2_cpu_init(struct cpu *cpu)
{
	struct gic_v2 *v2 = the_gic;
	struct gic *g = &v2->gic;
	u32 target = 0;

	for (u32 i = 0; i < GIC_PRIVATE && !target; i += 4)
		target = gic_read(g, GICD_ITARGETSR + i);
	target |= target >> 16;
	target |= target >> 8;
	/* With one CPU the registers read as zero. */
	atomic_store(&v2->target[cpu->id], (u8)(target & 0xff ? target : 1));
	gic_write(g, GICD_ICENABLER, 0xffff0000u);
	gic_write(g, GICD_ICACTIVER, ~0u);
	gic_write(g, GICD_IGROUPR, 0);
	for (u32 i = 0; i < GIC_PRIVATE; i += 4)
		gic_write(g, GICD_IPRIORITYR + i, GIC_PRIORITY);
	gic_write(g, GICD_ISENABLER, 1u << GIC_SGI_IPI | atomic_load(&g->private_on));
	mmio_write32(v2->cpu + GICC_PMR, 0xf0);
	mmio_write32(v2->cpu + GICC_BPR, 0);
	mmio_write32(v2->cpu + GICC_CTLR, 1);
}

static void v2_ipi_send(struct cpu *cpu)
{
	dma_mb();		/* what the IPI is about is seen before it arrives */
	gic_write(&the_gic->gic, GICD_SGIR, (u32)atomic_load(&the_gic->target[cpu->id]) << 16 | GIC_SGI_IPI);
}

static const struct irq_root v2_root = { v2_handle, v2_cpu_init, v2_ipi_send };

static int v2_probe(struct device *dev)
{
	struct gic_v2 *v2 = device_state(dev);
	struct gic *g = &v2->gic;
	u32 lines;
	int err;

	g->dist = device_mmio(dev, 0);
	v2->cpu = device_mmio(dev, 1);
	if (the_gic || !g->dist || !v2->cpu)
		return the_gic ? -ENODEV : -ENXIO;
	spin_init(&g->lock, "gic", LOCK_IRQ_DESC);
	gic_write(g, GICD_CTLR, 0);
	lines = gic_dist_reset(g, 0);
	g->domain = (struct irq_domain){ .chip = &v2_chip, .data = g, .nr_hwirq = lines, .phandle = dev->phandle };
	err = irq_domain_add(&g->domain);
	if (err)
		return err;
	the_gic = v2;
	arch_irq_set_root(&v2_root);
	for (u32 i = GIC_PRIVATE; i < lines; i += 4)
		gic_write(g, GICD_ITARGETSR + i, v2->target[0] * 0x01010101u);
	gic_write(g, GICD_CTLR, 1);
	log_info("GICv2: %u lines", lines);
	return 0;
}

static const struct driver_match v2_match[] = {
	{ .compatible = "arm,cortex-a15-gic" }, { .compatible = "arm,cortex-a9-gic" },
	{ .compatible = "arm,gic-400" }, {},
};
const struct driver driver_gic_v2 = {
	.name = "gic-v2", .match = v2_match, .bus = BUS_PLATFORM, .state_size = sizeof(struct gic_v2),
	.probe = v2_probe,
};

static int v2m_probe(struct device *dev)
{
	const struct resource *frame = device_resource(dev, RES_MMIO, 0);
	u8 __iomem *regs = device_mmio(dev, 0);
	struct gic *g;
	u32 typer, first, count;

	if (!the_gic)
		return -EAGAIN;
	g = &the_gic->gic;
	if (!regs || g->msi_count)
		return -ENODEV;
	typer = mmio_read32(regs + V2M_TYPER);
	first = typer >> 16 & 0x3ff;
	count = typer & 0x3ff;
	if (first < GIC_PRIVATE || first + count > g->domain.nr_hwirq)
		return -EINVAL;
	g->msi_first = first;
	g->msi_address = frame->base + V2M_SETSPI;
	g->msi_count = count;
	g->domain.chip = &v2m_chip;
	g->domain.is_msi = true;
	log_info("GICv2m: lines %u-%u by message", first, first + count - 1);
	return 0;
}
static const struct driver_match v2m_match[] = { { .compatible = "arm,gic-v2m-frame" }, {} };
const struct driver driver_gic_v2m = {
	.name = "gic-v2m", .match = v2m_match, .bus = BUS_PLATFORM, .probe = v2m_probe,
};

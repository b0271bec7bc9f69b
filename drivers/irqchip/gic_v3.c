/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3 and later (Arm IHI 0069): a redistributor per CPU for its own lines, CPU interface in system
 * registers. No ITS: PCI functions use their legacy interrupt.
 */
#include <arch/gic.h>
#include <arch/irq.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <uapi/errno.h>
#include "gic.h"

#define CTLR_GROUP1 0x3			/* EnableGrp1, EnableGrp1A: either view of security */
#define CTLR_ARE 0x10
#define CTLR_RWP 0x80000000u
#define GICD_IROUTER 0x6000

#define GICR_TYPER 0x8
#define GICR_WAKER 0x14
#define GICR_SGI 0x10000		/* second frame: the distributor's layout for lines 0-31 */
#define TYPER_VLPIS BIT(1)
#define TYPER_LAST BIT(4)
#define WAKER_SLEEP 2u
#define WAKER_ASLEEP 4u
#define FRAME_SIZE 0x20000ull
#define WAIT_TRIES 1000000u

struct gic_v3 {
	struct gic gic;
	struct redistributor {
		u64 affinity;		/* as in a CPU's hwid */
		u8 __iomem *regs;
	} redist[MAX_CPUS];
	unsigned nr_redist;
	u8 __iomem *of_cpu[MAX_CPUS];
};
static struct gic_v3 *the_gic;

static void wait_clear(const u8 __iomem *reg, u32 bits)
{
	for (unsigned i = 0; mmio_read32(reg) & bits; i++) {
		if (i == WAIT_TRIES) {
			log_err("GICv3: register stays busy");
			return;
		}
		arch_cpu_relax();
	}
}

static u8 __iomem *private_frame(void)
{
	return the_gic->of_cpu[arch_cpu_self()->id] + GICR_SGI;
}
static void v3_mask(struct irq_domain *d, u32 hwirq)
{
	struct gic *g = d->data;

	if (hwirq < GIC_PRIVATE) {
		__atomic_fetch_and(&g->private_on, ~(1u << hwirq), __ATOMIC_RELAXED);
		mmio_write32(private_frame() + GICD_ICENABLER, 1u << hwirq);
		return;
	}
	gic_write(g, GICD_ICENABLER + hwirq / 32 * 4, 1u << hwirq % 32);
	wait_clear(g->dist + GICD_CTLR, CTLR_RWP);
}
static void v3_unmask(struct irq_domain *d, u32 hwirq)
{
	struct gic *g = d->data;

	if (hwirq < GIC_PRIVATE) {
		/* CPUs that start later enable it in cpu_init. */
		__atomic_fetch_or(&g->private_on, 1u << hwirq, __ATOMIC_RELAXED);
		mmio_write32(private_frame() + GICD_ISENABLER, 1u << hwirq);
		return;
	}
	gic_write(g, GICD_ISENABLER + hwirq / 32 * 4, 1u << hwirq % 32);
}
static int v3_set_affinity(struct irq_domain *d, u32 hwirq, unsigned cpu)
{
	struct gic *g = d->data;

	if (hwirq < GIC_PRIVATE || cpu >= MAX_CPUS || !cpu_table[cpu])
		return -EINVAL;
	mmio_write64(g->dist + GICD_IROUTER + 8ull * hwirq, cpu_table[cpu]->hwid);
	return 0;
}
static const struct irq_chip v3_chip = {
	.name = "GICv3", .mask = v3_mask, .unmask = v3_unmask, .set_type = gic_set_type,
	.set_affinity = v3_set_affinity, .translate = gic_translate,
};

static void v3_handle(unsigned long unused)
{
	for (;;) {
		u32 id = gic_cpu_acknowledge();

		if (id >= GIC_SPECIAL)
			return;
		if (id == GIC_SGI_IPI)
			ipi_receive();
		else
			irq_dispatch(&the_gic->gic.domain, id);
		gic_cpu_end(id);
	}
}

static void v3_cpu_init(struct cpu *cpu)
{
	struct gic_v3 *v3 = the_gic;
	u8 __iomem *rd = NULL, *frame;

	for (unsigned i = 0; i < v3->nr_redist; i++)
		if (v3->redist[i].affinity == cpu->hwid)
			rd = v3->redist[i].regs;
	if (!rd)
		panic("GICv3: no redistributor for CPU %u (%llx)", cpu->id, (unsigned long long)cpu->hwid);
	v3->of_cpu[cpu->id] = rd;
	mmio_write32(rd + GICR_WAKER, mmio_read32(rd + GICR_WAKER) & ~WAKER_SLEEP);
	wait_clear(rd + GICR_WAKER, WAKER_ASLEEP);
	frame = rd + GICR_SGI;
	mmio_write32(frame + GICD_ICENABLER, ~0u);
	mmio_write32(frame + GICD_ICACTIVER, ~0u);
	mmio_write32(frame + GICD_IGROUPR, ~0u);
	for (u32 i = 0; i < GIC_PRIVATE; i += 4)
		mmio_write32(frame + GICD_IPRIORITYR + i, GIC_PRIORITY);
	mmio_write32(frame + GICD_ISENABLER, 1u << GIC_SGI_IPI | atomic_load(&v3->gic.private_on));
	wait_clear(rd, 8);		/* GICR_CTLR.RWP */
	if (!gic_cpu_enable())
		panic("GICv3: firmware keeps the CPU interface's system registers shut on CPU %u", cpu->id);
}

/* ICC_SGI1R: Aff3, Aff2, number, Aff1, one bit of sixteen for Aff0. */
static void v3_ipi_send(struct cpu *cpu)
{
	u64 id = cpu->hwid;

	gic_cpu_send((id >> 32 & 0xff) << 48 | (id >> 4 & 0xf) << 44 | (id >> 16 & 0xff) << 32 |
		     (u64)GIC_SGI_IPI << 24 | (id >> 8 & 0xff) << 16 | 1ull << (id & 0xf));
}

static const struct irq_root v3_root = { v3_handle, v3_cpu_init, v3_ipi_send };

/* Maps the redistributors of one region, up to the one that says it is the last. */
static int find_redistributors(struct gic_v3 *v3, const struct resource *region)
{
	u64 at = 0, typer;

	do {
		u8 __iomem *rd;

		if (at + FRAME_SIZE > region->size || v3->nr_redist == MAX_CPUS)
			return 0;
		rd = mmio_map(region->base + at, FRAME_SIZE);
		if (!rd)
			return -ENOMEM;
		typer = mmio_read64(rd + GICR_TYPER);
		v3->redist[v3->nr_redist++] = (struct redistributor){
			(typer >> 56) << 32 | (typer >> 32 & 0xffffff), rd };
		at += typer & TYPER_VLPIS ? 2 * FRAME_SIZE : FRAME_SIZE;
	} while (!(typer & TYPER_LAST));
	return 0;
}

static int v3_probe(struct device *dev)
{
	struct gic_v3 *v3 = device_state(dev);
	struct gic *g = &v3->gic;
	const struct resource *region;
	u32 regions = 1, lines;
	int err = 0;

	if (the_gic)
		return -ENODEV;
	g->dist = device_mmio(dev, 0);
	if (!g->dist)
		return -ENXIO;
	device_prop_u32(dev, "#redistributor-regions", &regions);
	for (u32 i = 0; i < regions && (region = device_resource(dev, RES_MMIO, 1 + i)) && !err; i++)
		err = find_redistributors(v3, region);
	if (err)
		return err;
	spin_init(&g->lock, "gic", LOCK_IRQ_DESC);
	gic_write(g, GICD_CTLR, 0);
	wait_clear(g->dist + GICD_CTLR, CTLR_RWP);
	lines = gic_dist_reset(g, ~0u);
	gic_write(g, GICD_CTLR, CTLR_ARE | CTLR_GROUP1);
	wait_clear(g->dist + GICD_CTLR, CTLR_RWP);
	for (u32 i = GIC_PRIVATE; i < lines; i++)
		mmio_write64(g->dist + GICD_IROUTER + 8ull * i, arch_cpu_self()->hwid);
	g->domain = (struct irq_domain){ .chip = &v3_chip, .data = g, .nr_hwirq = lines, .phandle = dev->phandle };
	err = irq_domain_add(&g->domain);
	if (err)
		return err;
	the_gic = v3;
	arch_irq_set_root(&v3_root);
	log_info("GICv3: %u lines, %u redistributors", lines, v3->nr_redist);
	return 0;
}

static const struct driver_match v3_match[] = { { .compatible = "arm,gic-v3" }, {} };
const struct driver driver_gic_v3 = {
	.name = "gic-v3", .match = v3_match, .bus = BUS_PLATFORM, .state_size = sizeof(struct gic_v3),
	.probe = v3_probe,
};

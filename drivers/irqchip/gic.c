/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What GICv2 (Arm IHI 0048) and GICv3 (IHI 0069) have in common: device-tree specifiers, the shared
 * lines' configuration, message-signalled interrupts through a v2m frame.
 */
#include <lib/bits.h>
#include <uapi/errno.h>
#include "gic.h"

#define SPEC_SPI 0
#define SPEC_PPI 1
#define SPEC_EDGE_RISING 1
#define SPEC_LEVEL_HIGH 4

u32 gic_dist_reset(struct gic *g, u32 groups)
{
	u32 lines = min(32 * ((gic_read(g, GICD_TYPER) & 0x1f) + 1), GIC_LINES_MAX);

	for (u32 i = GIC_PRIVATE; i < lines; i += 32) {
		gic_write(g, GICD_ICENABLER + i / 8, ~0u);
		gic_write(g, GICD_ICPENDR + i / 8, ~0u);
		gic_write(g, GICD_ICACTIVER + i / 8, ~0u);
		gic_write(g, GICD_IGROUPR + i / 8, groups);
	}
	for (u32 i = GIC_PRIVATE; i < lines; i += 16)
		gic_write(g, GICD_ICFGR + i / 4, 0);
	for (u32 i = GIC_PRIVATE; i < lines; i += 4)
		gic_write(g, GICD_IPRIORITYR + i, GIC_PRIORITY);
	return lines;
}

/* Cells: kind, number, trigger; a fourth (GICv3: CPU partition) does not concern us. */
int gic_translate(struct irq_domain *d, const u32 *cells, unsigned n, u32 *hwirq, u32 *type)
{
	if (n < 3 || cells[0] > SPEC_PPI || cells[1] >= (cells[0] == SPEC_PPI ? 16 : GIC_LINES_MAX - GIC_PRIVATE))
		return -EINVAL;
	*hwirq = cells[1] + (cells[0] == SPEC_PPI ? 16 : GIC_PRIVATE);
	*type = (cells[2] & 0xf) == SPEC_EDGE_RISING ? IRQ_EDGE : IRQ_LEVEL;
	/* The GIC senses rising edges and high levels; inverters are the board's, and its tree lies. */
	return *hwirq < d->nr_hwirq ? 0 : -EINVAL;
}

int gic_set_type(struct irq_domain *d, u32 hwirq, u32 type)
{
	struct gic *g = d->data;
	unsigned long flags;
	u32 reg = GICD_ICFGR + hwirq / 16 * 4, bit = 2u << hwirq % 16 * 2, v;

	if (hwirq < GIC_PRIVATE)
		return 0;		/* fixed on most implementations, and right */
	flags = spin_lock_irqsave(&g->lock);
	v = gic_read(g, reg) & ~bit;
	gic_write(g, reg, type & IRQ_EDGE ? v | bit : v);
	spin_unlock_irqrestore(&g->lock, flags);
	return 0;
}

int gic_msi_alloc(struct irq_domain *d, u32 *hwirq, u64 *address, u32 *data)
{
	struct gic *g = d->data;
	unsigned long flags = spin_lock_irqsave(&g->lock);
	size_t i = bitmap_find_clear(g->msi_used, g->msi_count, 0);

	if (i < g->msi_count)
		bitmap_set(g->msi_used, i);
	spin_unlock_irqrestore(&g->lock, flags);
	if (i >= g->msi_count)
		return -ENOSPC;
	*hwirq = g->msi_first + (u32)i;
	*address = g->msi_address;
	*data = *hwirq;
	gic_set_type(d, *hwirq, IRQ_EDGE);
	return 0;
}

void gic_msi_free(struct irq_domain *d, u32 hwirq)
{
	struct gic *g = d->data;
	unsigned long flags = spin_lock_irqsave(&g->lock);

	bitmap_clear(g->msi_used, hwirq - g->msi_first);
	spin_unlock_irqrestore(&g->lock, flags);
}

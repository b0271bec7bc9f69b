/* SPDX-License-Identifier: BSD-2-Clause */
/* What the generations of the Arm GIC share: the distributor and the interrupt numbers. */
#ifndef DRIVERS_IRQCHIP_GIC_H
#define DRIVERS_IRQCHIP_GIC_H

#include <kernel/device.h>
#include <kernel/irq.h>
#include <kernel/lock.h>

#define GIC_SGI_IPI 0u			/* the one software interrupt in use; struct cpu tells what it is for */
#define GIC_PRIVATE 32u			/* below: each CPU's own (0-15 software, 16-31 peripherals) */
#define GIC_SPECIAL 1020u		/* from here on: no interrupt */
#define GIC_LINES_MAX 1020u

#define GICD_CTLR 0x0
#define GICD_TYPER 0x4
#define GICD_IGROUPR 0x80
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_ICACTIVER 0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ICFGR 0xc00
#define GIC_PRIORITY 0xa0a0a0a0u	/* four lines, all alike */

struct gic {
	u8 __iomem *dist;
	struct irq_domain domain;
	struct spinlock lock;		/* configuration registers and the fields below */
	u32 private_on;			/* private lines that every CPU enables */
	u32 msi_first, msi_count;	/* lines that a v2m frame can raise; count 0: none */
	u64 msi_address;
	u64 msi_used[BITMAP_WORDS(1024)];
};

static inline u32 gic_read(const struct gic *g, u32 reg) { return mmio_read32(g->dist + reg); }
static inline void gic_write(struct gic *g, u32 reg, u32 v) { mmio_write32(g->dist + reg, v); }

/* Lines this distributor has; sets all shared ones to: off, level, one priority, that group in all bits. */
u32 gic_dist_reset(struct gic *g, u32 groups);
int gic_translate(struct irq_domain *d, const u32 *cells, unsigned n, u32 *hwirq, u32 *type);
int gic_set_type(struct irq_domain *d, u32 hwirq, u32 type);
int gic_msi_alloc(struct irq_domain *d, u32 *hwirq, u64 *address, u32 *data);
void gic_msi_free(struct irq_domain *d, u32 hwirq);

#endif

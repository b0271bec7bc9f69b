/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt descriptors. A controller driver registers a domain of hardware lines; drivers
 * get Linux-like irq numbers out of it (device_irq) and request handlers. Handlers run
 * in hard interrupt context: no sleeping, no allocation; locks as docs/locking.md says.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <arch/irq.h>
#include <kernel/cpu.h>
#include <lib/list.h>

typedef bool (*irq_handler_fn)(void *arg);	/* true: it was mine */

#define IRQ_EDGE BIT(0)
#define IRQ_LEVEL BIT(1)
#define IRQ_ACTIVE_LOW BIT(2)
#define IRQ_SHARED BIT(3)

struct irq_domain;
struct irq_chip {
	const char *name;
	void (*mask)(struct irq_domain *d, u32 hwirq);
	void (*unmask)(struct irq_domain *d, u32 hwirq);
	void (*eoi)(struct irq_domain *d, u32 hwirq);		/* after the handlers; NULL: root does it */
	int (*set_type)(struct irq_domain *d, u32 hwirq, u32 type);	/* IRQ_EDGE…; NULL ok */
	int (*set_affinity)(struct irq_domain *d, u32 hwirq, unsigned cpu);	/* NULL: fixed */
	/* Device-tree interrupt specifier to hwirq and type; cells as in the tree, host order. 0 or -EINVAL. */
	int (*translate)(struct irq_domain *d, const u32 *cells, unsigned n, u32 *hwirq, u32 *type);
	/* MSI: picks a free hwirq and tells what a device writes where. -ENOSPC. NULL: no MSI. */
	int (*msi_alloc)(struct irq_domain *d, u32 *hwirq, u64 *address, u32 *data);
	void (*msi_free)(struct irq_domain *d, u32 hwirq);
};
struct irq_domain {
	const struct irq_chip *chip;
	void *data;
	u32 nr_hwirq;
	u32 base;		/* first irq number; set by irq_domain_add */
	u32 phandle;		/* device-tree node, 0: none */
	u32 gsi_base;		/* ACPI */
	bool is_msi;
	struct list link;
	struct irq_desc **descs;	/* the core's, by hwirq */
};
/* 0, -ENOSPC. The domain lives for ever. */
int irq_domain_add(struct irq_domain *d);
struct irq_domain *irq_domain_by_phandle(u32 phandle);
struct irq_domain *irq_domain_by_gsi(u32 gsi);
struct irq_domain *irq_domain_msi(void);	/* NULL: none */
/* Makes (domain, hwirq) usable and returns its irq number, or -errno. */
int irq_map(struct irq_domain *d, u32 hwirq, u32 type);
/* 0, -EBUSY (not shared), -ENOSPC, -EINVAL. Unmasks at first request. May sleep. */
int irq_request(u32 irq, irq_handler_fn fn, void *arg, u32 flags, const char *name);
void irq_release(u32 irq, void *arg);
/* From a controller's handle(): runs the handlers of its line. Unclaimed lines are masked after 1,000 in a row and logged. */
void irq_dispatch(struct irq_domain *d, u32 hwirq);
/* A CPU that is not in cpu_active_mask any more: its device interrupts go to one that is, as do those requested later. */
void irq_leave_cpu(unsigned cpu);
bool irq_lines_move(void);		/* every controller can send its lines to another CPU */
u64 irq_cpu_time_ns(unsigned cpu);	/* time spent in hard interrupts */
/* For /proc/interrupts: irq-th descriptor, false past the end. */
struct irq_stat { u32 irq; const char *chip, *name; u64 count[MAX_CPUS]; };
bool irq_stat_get(u32 irq, struct irq_stat *out);

/* Inter-processor interrupts. */
#define IPI_RESCHED BIT(0)	/* look at the run queue and remote wake list */
#define IPI_CALL BIT(1)		/* run queued calls */
#define IPI_STOP BIT(2)		/* panic or power off elsewhere */
void ipi_send(struct cpu *cpu, u32 kinds);
/* Runs fn(arg) on every CPU of the mask, here included, in interrupt context there; waits. Interrupts on. */
void ipi_call(cpumask_t cpus, void (*fn)(void *arg), void *arg);
void ipi_stop_others(void);	/* any context */

#endif

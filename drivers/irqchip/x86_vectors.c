/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns which of the CPU's device vectors 0x30-0xef, the irq root that looks it up, and MSIs, which
 * are nothing but a vector written to the local APIC's window (Intel SDM 3A §10.11). All vectors mean
 * the same on every CPU. MSIs go to the boot CPU. No lock: slots are claimed by compare-and-swap.
 */
#include "x86_vectors.h"

#include <kernel/log.h>
#include <lib/atomic.h>
#include <uapi/errno.h>

#define VECTOR_FIRST 0x30u
#define VECTOR_LAST 0xefu
#define MSI_WINDOW 0xfee00000ull

struct vector_slot {
	struct irq_domain *domain;	/* [a] NULL: free */
	u32 hwirq;
};
static struct vector_slot slots[256];

int x86_vector_alloc(struct irq_domain *d, u32 hwirq)
{
	for (u32 v = VECTOR_FIRST; v <= VECTOR_LAST; v++) {
		struct irq_domain *none = NULL;

		if (atomic_load(&slots[v].domain) != NULL || !atomic_cmpxchg(&slots[v].domain, &none, d))
			continue;
		/* The line is still masked: no interrupt reads the slot before this. */
		slots[v].hwirq = hwirq == U32_MAX ? v : hwirq;
		return (int)v;
	}
	return -ENOSPC;
}

void x86_vector_free(u32 vector)
{
	atomic_store_release(&slots[vector].domain, NULL);	/* pairs with vector_handle */
}

static void vector_handle(unsigned long vector)
{
	struct irq_domain *d = atomic_load_acquire(&slots[vector & 0xff].domain);

	if (d)
		irq_dispatch(d, slots[vector & 0xff].hwirq);
}

/* Masking is the device's part (MSI-X table, driver's own mask bit). */
static void msi_mask(struct irq_domain *d, u32 hwirq) { (void)d, (void)hwirq; }

static int msi_alloc(struct irq_domain *d, u32 *hwirq, u64 *address, u32 *data)
{
	int v = x86_vector_alloc(d, U32_MAX);

	if (v < 0)
		return v;
	*hwirq = (u32)v;
	*address = MSI_WINDOW | cpu_boot.hwid << 12;	/* fixed, physical destination */
	*data = (u32)v;
	return 0;
}

static void msi_free(struct irq_domain *d, u32 hwirq)
{
	(void)d;
	x86_vector_free(hwirq);
}

static const struct irq_chip msi_chip = {
	.name = "PCI-MSI",
	.mask = msi_mask,
	.unmask = msi_mask,
	.msi_alloc = msi_alloc,
	.msi_free = msi_free,
};
static struct irq_domain msi_domain = { .chip = &msi_chip, .nr_hwirq = 256, .is_msi = true };
static const struct irq_root vector_root = { .handle = vector_handle };

int x86_vectors_init(void)
{
	int err = irq_domain_add(&msi_domain);

	if (err)
		return err;
	arch_irq_set_root(&vector_root);
	return 0;
}

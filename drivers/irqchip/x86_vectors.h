/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt vectors of x86, handed out to I/O APIC pins and MSIs. */
#ifndef X86_VECTORS_H
#define X86_VECTORS_H

#include <kernel/irq.h>

/* A free vector that from now on means (d, hwirq), or -ENOSPC. hwirq U32_MAX: the vector itself. Any context. */
int x86_vector_alloc(struct irq_domain *d, u32 hwirq);
void x86_vector_free(u32 vector);
/* Irq root and MSI domain; once. */
int x86_vectors_init(void);

#endif

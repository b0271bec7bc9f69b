/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt masking: only PSTATE.I moves. In the kernel D and F stay masked, A (SError) stays open. */
#ifndef NATIVE_IRQ_H
#define NATIVE_IRQ_H

#include <lib/types.h>

static inline unsigned long arch_irq_save(void)
{
	unsigned long daif;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(daif) :: "memory");
	return daif;
}
static inline void arch_irq_restore(unsigned long daif)
{
	__asm__ volatile("msr daif, %0" :: "r"(daif) : "memory");
}
static inline void arch_irq_enable(void) { __asm__ volatile("msr daifclr, #2" ::: "memory"); }
static inline void arch_irq_disable(void) { __asm__ volatile("msr daifset, #2" ::: "memory"); }
static inline bool arch_irq_disabled(void)
{
	unsigned long daif;

	__asm__ volatile("mrs %0, daif" : "=r"(daif));
	return daif & 0x80;
}

#endif

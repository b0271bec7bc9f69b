/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt enable flag: RFLAGS.IF. */
#ifndef NATIVE_IRQ_H
#define NATIVE_IRQ_H

#include <lib/compiler.h>

#define X86_FLAG_IF 0x200ul

static inline unsigned long arch_irq_flags(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0" : "=rm"(flags) :: "memory");
	return flags;
}
static inline void arch_irq_enable(void) { __asm__ volatile("sti" ::: "memory"); }
static inline void arch_irq_disable(void) { __asm__ volatile("cli" ::: "memory"); }
static inline bool arch_irq_disabled(void) { return !(arch_irq_flags() & X86_FLAG_IF); }
static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = arch_irq_flags();

	arch_irq_disable();
	return flags;
}
/* Only IF is put back: the other flags are the compiler's. */
static inline void arch_irq_restore(unsigned long flags)
{
	if (flags & X86_FLAG_IF)
		arch_irq_enable();
	else
		arch_irq_disable();
}

#endif

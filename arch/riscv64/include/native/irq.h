/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V part of <arch/irq.h>: sstatus.SIE. */
#ifndef NATIVE_IRQ_H
#define NATIVE_IRQ_H

#include <lib/compiler.h>

#define SSTATUS_SIE 2ul

static inline unsigned long arch_irq_save(void)
{
	unsigned long old;

	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(old) :: "memory");
	return old & SSTATUS_SIE;
}

static inline void arch_irq_restore(unsigned long flags)
{
	__asm__ volatile("csrs sstatus, %0" :: "r"(flags & SSTATUS_SIE) : "memory");
}

static inline void arch_irq_enable(void) { __asm__ volatile("csrsi sstatus, 2" ::: "memory"); }
static inline void arch_irq_disable(void) { __asm__ volatile("csrci sstatus, 2" ::: "memory"); }

static inline bool arch_irq_disabled(void)
{
	unsigned long s;

	__asm__ volatile("csrr %0, sstatus" : "=r"(s));
	return !(s & SSTATUS_SIE);
}

#endif

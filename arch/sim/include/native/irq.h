/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulation part of <arch/irq.h>. Interrupts arrive where they are turned on and wherever a CPU's budget ends. */
#ifndef NATIVE_IRQ_H
#define NATIVE_IRQ_H

#include <lib/compiler.h>

extern bool sim_irq_off;	/* of the CPU that runs */
void sim_irq_poll(void);	/* delivers what is due */

static inline unsigned long arch_irq_save(void)
{
	unsigned long was_on = !READ_ONCE(sim_irq_off);

	WRITE_ONCE(sim_irq_off, true);
	barrier();
	return was_on;
}

static inline void arch_irq_enable(void)
{
	barrier();
	WRITE_ONCE(sim_irq_off, false);
	sim_irq_poll();
}

static inline void arch_irq_restore(unsigned long was_on)
{
	if (was_on)
		arch_irq_enable();
}

static inline void arch_irq_disable(void)
{
	WRITE_ONCE(sim_irq_off, true);
	barrier();
}

static inline bool arch_irq_disabled(void) { return READ_ONCE(sim_irq_off); }

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt enable state of this CPU, and the root of interrupt delivery.
 * <native/irq.h>: unsigned long arch_irq_save(void) (returns the old state, disables),
 * void arch_irq_restore(unsigned long), arch_irq_enable, arch_irq_disable,
 * bool arch_irq_disabled(void).
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <lib/compiler.h>
#include <native/irq.h>

struct cpu;

/*
 * The outermost interrupt controller. The trap code calls irq_enter(regs),
 * root->handle(cause), irq_exit(regs). x86: cause is the vector (APIC timer and
 * IPI vectors are taken by the architecture itself). AArch64: cause unused, the
 * GIC driver acknowledges. RISC-V: called for the external interrupt only.
 */
struct irq_root {
	void (*handle)(unsigned long cause);
	void (*cpu_init)(struct cpu *cpu);	/* on each CPU, from arch_cpu_init; may be NULL */
	void (*ipi_send)(struct cpu *cpu);	/* AArch64: the GIC's SGI; others NULL */
};
/* Once, on the boot CPU, by the root controller's driver. Calls cpu_init for CPUs already up. */
void arch_irq_set_root(const struct irq_root *root);

#endif

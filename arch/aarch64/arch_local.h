/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of arch/aarch64 share among themselves. */
#ifndef AARCH64_ARCH_LOCAL_H
#define AARCH64_ARCH_LOCAL_H

#include <lib/bits.h>
#include <arch/mmu.h>
#include <native/sysreg.h>

#define MPIDR_AFFINITY 0xff00ffffffull

struct arch_regs;
struct cpu;
struct irq_root;
struct thread;

/* head.S */
extern char boot_stack[], boot_stack_end[], user_empty_root[], secondary_entry[];
void kernel_root_switch(paddr_t root, paddr_t idmap_root);
paddr_t boot_idmap(void);
pte_t *boot_early_root(void);

/* Root that a starting CPU loads with its caches off. */
extern paddr_t secondary_root;

/* console.c: puts the early console's registers into the table that is to become the kernel root. */
void early_console_map(pte_t *root);

/* entry.S; trap.c */
void thread_entry(void);
struct exception_fixup { s32 insn, target; };	/* distances from their own fields */
extern const struct exception_fixup __ex_table_start[], __ex_table_end[];

/* cpu.c */
extern bool cpu_has_pan, cpu_has_rng;
void secondary_main(struct cpu *cpu) __noreturn;

/* trap.c */
const struct irq_root *irq_root_get(void);

#endif

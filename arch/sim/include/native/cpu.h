/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulation part of <arch/cpu.h>. One host thread plays all CPUs in turn; these variables belong to the one that runs. */
#ifndef NATIVE_CPU_H
#define NATIVE_CPU_H

#include <lib/compiler.h>

struct arch_cpu {
	u64 tlb_flushes;
};

extern struct thread *sim_current;
extern struct cpu *sim_cpu;
void sim_relax(void);

static inline struct thread *arch_current(void) { return READ_ONCE(sim_current); }
static inline struct cpu *arch_cpu_self(void) { return READ_ONCE(sim_cpu); }
static inline void arch_cpu_relax(void) { sim_relax(); }

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V part of <arch/cpu.h>. In the kernel tp always holds the current thread. */
#ifndef NATIVE_CPU_H
#define NATIVE_CPU_H

#include <lib/compiler.h>

/* Counters, written by their own CPU: what the MMU code did (docs/performance.md). */
struct arch_cpu {
	u64 tlb_flushes;	/* local sfence.vma */
	u64 remote_flushes;	/* shoot-downs sent */
	u32 icache_stale;	/* [a] fence.i before the next user instruction of another space */
	u64 root_writes;	/* satp */
};

static inline struct thread *arch_current(void)
{
	struct thread *t;

	/* Not volatile: within one function current never changes, whatever CPU runs it. */
	__asm__("mv %0, tp" : "=r"(t));
	return t;
}

/* Offset of struct thread's cpu, asserted in arch/riscv64/thread.c. */
#define RISCV_THREAD_CPU 16
static inline struct cpu *arch_cpu_self(void)
{
	struct cpu *c;

	__asm__ volatile("ld %0, %1(tp)" : "=r"(c) : "i"(RISCV_THREAD_CPU));
	return c;
}

static inline void arch_cpu_relax(void)
{
	/* pause (Zihintpause), a fence hint that older harts ignore. */
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
}

#endif

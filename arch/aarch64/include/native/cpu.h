/* SPDX-License-Identifier: BSD-2-Clause */
/* <arch/cpu.h>'s primitives: sp_el0 holds the current thread while in the kernel. */
#ifndef NATIVE_CPU_H
#define NATIVE_CPU_H

#include <lib/types.h>

struct arch_cpu {
	u64 midr;		/* MIDR_EL1, for /proc/cpuinfo */
};

/* Not volatile: within one thread's flow of control the answer never changes. */
static inline struct thread *arch_current(void)
{
	struct thread *t;

	__asm__("mrs %0, sp_el0" : "=r"(t));
	return t;
}

#define ARCH_THREAD_CPU_OFFSET 16	/* struct thread is not complete here; offsets.c checks it */
static inline struct cpu *arch_cpu_self(void)
{
	return *(struct cpu *const volatile *)((const char *)arch_current() + ARCH_THREAD_CPU_OFFSET);
}

static inline void arch_cpu_relax(void) { __asm__ volatile("yield" ::: "memory"); }

#endif

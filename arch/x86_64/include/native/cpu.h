/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU primitives of x86_64. GS base holds the CPU's struct cpu in kernel mode, whose first field is
 * the current thread; user mode's GS base waits in MSR_KERNEL_GS_BASE (swapgs at every crossing).
 */
#ifndef NATIVE_CPU_H
#define NATIVE_CPU_H

#include <lib/compiler.h>

struct thread;
struct cpu;

/* Task state segment (Intel SDM 3A §8.7): kernel stack for entries from user mode, and the IST. */
struct arch_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} __packed;

#define ARCH_GDT_LEN 16

struct arch_cpu {
	struct arch_tss tss;		/* own CPU */
	u64 gdt[ARCH_GDT_LEN] __aligned(16);
	u64 fs_base, gs_base;		/* own CPU: what the user's segment bases are now */
	u64 timer_deadline;		/* own CPU: TSC ticks; U64_MAX: off */
	u64 tlb_inbox;			/* atomic: bit per CPU whose request waits for this CPU */
	u32 apic_id;			/* set at boot */
	bool started;			/* atomic: the CPU left the trampoline */
};

/* A thread's answer never changes while it runs, so the compiler may keep it. */
static inline struct thread *arch_current(void)
{
	struct thread *t;

	__asm__("movq %%gs:0, %0" : "=r"(t));
	return t;
}

static inline struct cpu *arch_cpu_self(void)
{
	struct cpu *cpu;

	__asm__ volatile("movq %%gs:8, %0" : "=r"(cpu));
	return cpu;
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#endif

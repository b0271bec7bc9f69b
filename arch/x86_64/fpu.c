/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User FPU and vector registers. The kernel itself uses none. The registers hold the current thread's state if
 * the CPU names it as owner and it was last here; otherwise struct arch_thread has it and WORK_FPU is set.
 * XSAVE's standard format starts with FXSAVE's, which is what signal frames want as well.
 */
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#include "x86.h"

#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80
#define FXSAVE_BYTES 512
#define XSAVE_HEADER_BYTES 64

void x86_fpu_cpu_init(void)
{
	if (x86_features.xsave)
		__asm__ volatile("xsetbv" :: "c"(0), "a"((u32)x86_features.xcr0), "d"(0));
	__asm__ volatile("fninit");
}

void *x86_fpu_area(const struct thread *t)
{
	return (void *)align_up((u64)t->arch.fpu, (u64)X86_FPU_ALIGN);
}

void arch_fpu_save(struct thread *t)
{
	void *area = x86_fpu_area(t);

	if (x86_features.xsave)
		__asm__ volatile("xsave64 (%0)" :: "r"(area), "a"(7), "d"(0) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" :: "r"(area) : "memory");
}

/* The area holds only what XRSTOR accepts: the hardware wrote it, or signal.c checked it. */
void arch_fpu_restore(struct thread *t)
{
	void *area = x86_fpu_area(t);

	if (x86_features.xsave)
		__asm__ volatile("xrstor64 (%0)" :: "r"(area), "a"(7), "d"(0) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" :: "r"(area) : "memory");
}

/* Start values. XSTATE_BV 0 in an XSAVE area means "all initial", but MXCSR is always loaded. */
static void area_reset(void *area)
{
	memset(area, 0, X86_FPU_SIZE);
	*(u16 *)area = FCW_DEFAULT;
	*(u32 *)((char *)area + 24) = MXCSR_DEFAULT;
}

static bool is_live(const struct thread *t)
{
	const struct cpu *cpu = arch_cpu_self();

	return t == arch_current() && cpu->fpu_owner == t && t->fpu_cpu == cpu;
}

/* The area is newer than the registers. A switch would save live registers, so those are loaded at once. */
static void load_or_mark(struct thread *t)
{
	if (is_live(t))
		arch_fpu_restore(t);
	else
		atomic_fetch_or(&t->exit_work, WORK_FPU);
}

void x86_fpu_sync(struct thread *t)
{
	unsigned long flags = arch_irq_save();

	if (is_live(t))
		arch_fpu_save(t);
	arch_irq_restore(flags);
}

/* The area becomes the state: nothing saves registers over it before they are loaded at user return. t is current. */
void x86_fpu_release(struct thread *t)
{
	unsigned long flags = arch_irq_save();

	if (is_live(t)) {
		arch_fpu_save(t);
		arch_cpu_self()->fpu_owner = NULL;
	}
	arch_irq_restore(flags);
	atomic_fetch_or(&t->exit_work, WORK_FPU);
}

int x86_fpu_save_to_user(u64 to)
{
	struct thread *t = current;
	int err = -EFAULT;
	unsigned long flags;

	if (!user_range_ok((void __user *)to, x86_features.xsave_size))
		return -EFAULT;
	flags = arch_irq_save();
	t->fault_disabled++;
	if (is_live(t))
		__asm__ volatile(X86_STAC
			"1:	xsave64 (%1)\n"
			"	xorl %0, %0\n"
			"2:	" X86_CLAC
			X86_EXTABLE("1b", "2b")
			: "+r"(err) : "r"(to), "a"(7), "d"(0) : "memory");
	t->fault_disabled--;
	arch_irq_restore(flags);
	return err;
}

void x86_fpu_begin_handler(struct thread *t)
{
	unsigned long flags = arch_irq_save();
	u8 *area = x86_fpu_area(t);

	if (x86_features.xsave) {
		memset(area + FXSAVE_BYTES, 0, XSAVE_HEADER_BYTES);	/* nothing is there: all components start anew */
		*(u16 *)area = FCW_DEFAULT;
		*(u32 *)(area + 24) = MXCSR_DEFAULT;
	} else {
		area_reset(area);
	}
	load_or_mark(t);
	arch_irq_restore(flags);
}

void arch_fpu_reset(struct thread *t)
{
	unsigned long flags = arch_irq_save();

	area_reset(x86_fpu_area(t));
	load_or_mark(t);
	arch_irq_restore(flags);
}

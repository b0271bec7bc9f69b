/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread contexts: first frames, fork, TLS, and what a switch moves besides the stack. */
#include <arch/upcall.h>
#include <arch/user.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "x86.h"

/* What arch_thread_switch pops, from the saved stack pointer on. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 ret;
};

struct arch_regs *arch_user_regs(const struct thread *t)
{
	return (struct arch_regs *)t->kstack_top - 1;
}

void arch_thread_init(struct thread *t, void (*fn)(void *), void *arg)
{
	struct switch_frame *f;

	/*
	 * The user frame's place stays free: a kernel thread may become a program (PID 1).
	 * x86_kernel_thread_start begins with a stack aligned as before a call; a null frame ends backtraces.
	 */
	f = (struct switch_frame *)((u64)arch_user_regs(t) - 16 - sizeof(*f));
	memset(f, 0, t->kstack_top - (u64)f);
	f->rbx = (u64)fn;
	f->r12 = (u64)arg;
	f->ret = (u64)x86_kernel_thread_start;
	t->arch.sp = (u64)f;
	t->arch.fs_base = t->arch.gs_base = 0;
	t->arch.rflags_user = RFLAGS_USER;
}

void arch_thread_fork(struct thread *child, const struct arch_regs *regs, u64 user_sp)
{
	struct thread *parent = arch_current();
	struct arch_regs *child_regs = arch_user_regs(child);
	struct switch_frame *f;

	*child_regs = *regs;
	child_regs->rax = 0;
	child_regs->in_call = 0;
	if (user_sp)
		child_regs->rsp = user_sp;
	f = (struct switch_frame *)child_regs - 1;
	memset(f, 0, sizeof(*f));
	f->ret = (u64)x86_fork_return;
	child->arch.sp = (u64)f;
	child->arch.rflags_user = RFLAGS_USER;
	child->arch.fs_base = parent->arch.fs_base;
	child->arch.gs_base = parent->arch.gs_base;
	x86_fpu_sync(parent);
	memcpy(x86_fpu_area(child), x86_fpu_area(parent), X86_FPU_SIZE);
}

void arch_thread_destroy(struct thread *t)
{
	(void)t;	/* the FPU area is part of struct thread */
}

/* Segment bases of the user: MSR writes are dear, so only what differs from this CPU's present state. Interrupts off. */
void x86_load_bases(const struct thread *t)
{
	struct cpu *cpu = arch_cpu_self();
	const struct arch_thread *a = &t->arch;

	if (cpu->arch.fs_base != a->fs_base) {
		cpu->arch.fs_base = a->fs_base;
		wrmsr(MSR_FS_BASE, a->fs_base);
	}
	if (cpu->arch.gs_base != a->gs_base) {
		cpu->arch.gs_base = a->gs_base;
		wrmsr(MSR_KERNEL_GS_BASE, a->gs_base);
	}
}

/* Called by arch_thread_switch, interrupts off, on prev's stack. Kernel threads leave the user's bases alone. */
void x86_switch_user_state(struct thread *prev, struct thread *next)
{
	struct cpu *cpu = arch_cpu_self();
	u16 fs, gs;

	(void)prev;
	if (!next->is_user)
		return;
	/* A program that loaded a selector changed the base behind our back: null selectors again, bases unknown. */
	__asm__("mov %%fs, %w0; mov %%gs, %w1" : "=r"(fs), "=r"(gs));
	if (unlikely(fs | gs)) {
		u64 kernel_gs = rdmsr(MSR_GS_BASE);

		__asm__ volatile("mov %w0, %%fs" :: "r"(0));
		__asm__ volatile("mov %w0, %%gs" :: "r"(0));
		wrmsr(MSR_GS_BASE, kernel_gs);
		cpu->arch.fs_base = cpu->arch.gs_base = U64_MAX;
	}
	x86_load_bases(next);
}

void arch_thread_set_tls(struct thread *t, u64 tls)
{
	unsigned long flags = arch_irq_save();

	t->arch.fs_base = tls;
	if (t == arch_current())
		x86_load_bases(t);
	arch_irq_restore(flags);
}

u64 arch_thread_get_tls(const struct thread *t)
{
	return t->arch.fs_base;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread contexts: first switch, fork, user entry, system-call registers, FPU. The user's FPU state
 * follows sstatus.FS of the user frame: off until the first FPU instruction traps, dirty when the
 * registers hold something newer than arch.fpu.
 */
#include <arch/irq.h>
#include <arch/thread.h>
#include <arch/user.h>
#include <kernel/lock.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "riscv.h"

static_assert(offsetof(struct thread, cpu) == RISCV_THREAD_CPU, "arch_cpu_self reads it by number");
static_assert((KSTACK_SIZE & (KSTACK_SIZE - 1)) == 0, "entry.S checks the stack by a shift");

#define ECALL_LEN 4

__noreturn void riscv_enter_user(struct arch_regs *regs);

__hot struct arch_regs *arch_user_regs(const struct thread *t)
{
	return (struct arch_regs *)t->kstack_top - 1;
}

void arch_thread_init(struct thread *t, void (*fn)(void *), void *arg)
{
	/* The user frame's place stays free: a kernel thread may become a program (PID 1). */
	memset(arch_user_regs(t), 0, sizeof(struct arch_regs));
	t->arch = (struct arch_thread){
		.sp = (u64)arch_user_regs(t),
		.ra = (u64)riscv_thread_start,
		.s = { 0, (u64)fn, (u64)arg },	/* s0: end of the frame chain */
	};
}

void arch_thread_fork(struct thread *child, const struct arch_regs *regs, u64 user_sp)
{
	struct arch_regs *r = arch_user_regs(child);
	unsigned long flags;

	flags = arch_irq_save();
	arch_fpu_save(current);
	*r = *regs;
	child->arch = (struct arch_thread){
		.sp = (u64)r,
		.ra = (u64)riscv_fork_return,
		.fpu = current->arch.fpu,
	};
	arch_irq_restore(flags);
	r->a0 = 0;
	r->cause = RISCV_CAUSE_NONE;
	if (user_sp)
		r->sp = user_sp;
	if ((r->status & SSTATUS_FS) != SSTATUS_FS_OFF)
		r->status = (r->status & ~(u64)SSTATUS_FS) | SSTATUS_FS_CLEAN;
}

void arch_thread_set_tls(struct thread *t, u64 tls) { arch_user_regs(t)->tp = tls; }
u64 arch_thread_get_tls(const struct thread *t) { return arch_user_regs(t)->tp; }
void arch_thread_destroy(struct thread *t) {}	/* nothing allocated */

static void fs_set(struct arch_regs *regs, u64 fs)
{
	regs->status = (regs->status & ~(u64)SSTATUS_FS) | fs;
}

/* Interrupts off, t's registers are in this hart if its frame says dirty. */
void arch_fpu_save(struct thread *t)
{
	struct arch_regs *regs = arch_user_regs(t);

	if (!t->is_user || (regs->status & SSTATUS_FS) != SSTATUS_FS_DIRTY)
		return;
	csr_set(sstatus, SSTATUS_FS);
	riscv_fpu_store(&t->arch.fpu);
	fs_set(regs, SSTATUS_FS_CLEAN);
}

void arch_fpu_restore(struct thread *t)
{
	struct arch_regs *regs = arch_user_regs(t);

	if ((regs->status & SSTATUS_FS) == SSTATUS_FS_OFF)
		return;
	csr_set(sstatus, SSTATUS_FS);
	riscv_fpu_load(&t->arch.fpu);
	fs_set(regs, SSTATUS_FS_CLEAN);
}

void arch_fpu_reset(struct thread *t)
{
	fs_set(arch_user_regs(t), SSTATUS_FS_OFF);
	memset(&t->arch.fpu, 0, sizeof(t->arch.fpu));
}

void riscv_fpu_begin(struct arch_regs *regs)
{
	struct thread *t = current;

	memset(&t->arch.fpu, 0, sizeof(t->arch.fpu));
	csr_set(sstatus, SSTATUS_FS);
	riscv_fpu_load(&t->arch.fpu);
	fs_set(regs, SSTATUS_FS_INITIAL);
}

void arch_user_start(struct arch_regs *regs, u64 pc, u64 sp)
{
	*regs = (struct arch_regs){
		.pc = pc,
		.sp = sp,
		.status = SSTATUS_SPIE | SSTATUS_UXL_64,	/* user mode, interrupts on, FPU off */
		.cause = RISCV_CAUSE_NONE,
	};
}

void arch_user_enter(struct arch_regs *regs)
{
	assert(regs == arch_user_regs(current));
	arch_irq_disable();
	riscv_enter_user(regs);
}

long arch_user_get_result(const struct arch_regs *regs) { return (long)regs->a0; }

void arch_user_restart_call(struct arch_regs *regs, u64 nr_override)
{
	regs->pc -= ECALL_LEN;
	regs->a0 = regs->orig_a0;
	if (nr_override != U64_MAX)
		regs->a7 = nr_override;
	arch_user_forget_call(regs);
}

void arch_user_forget_call(struct arch_regs *regs) { regs->cause = RISCV_CAUSE_NONE; }

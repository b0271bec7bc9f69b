/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames exactly as Linux lays them out on RISC-V (asm/sigcontext.h, asm/ucontext.h): siginfo,
 * ucontext with pc, x1..x31 and the F/D state. There is no restorer: handlers return to the vDSO.
 * What a program hands back in sigreturn is data: only user registers and FPU registers come out.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/user.h>
#include <kernel/signal.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#include "riscv.h"

#define REGS_BYTES 256		/* pc, x1..x31: the head of struct arch_regs */

struct user_context {
	u64 flags;
	u64 link;
	struct user_stack stack;
	u64 sigmask;
	u8 unused[128 - sizeof(u64)];
	u8 regs[REGS_BYTES] __aligned(16);
	union {
		struct riscv_fpu d;
		struct {
			u64 f[64];
			u32 fcsr;
			u32 reserved[3];	/* 0, or Linux refuses the frame (extension header) */
		} q __aligned(16);
	} fp;
};
struct user_frame {
	struct user_siginfo info;
	struct user_context uc;
};
static_assert(offsetof(struct user_context, regs) == 176, "Linux ucontext layout");
static_assert(sizeof(struct user_context) == 960, "Linux ucontext layout");
static_assert(sizeof(struct user_frame) == 1088, "vdso.S describes this frame");

/* Where the frame goes; 0 when an alternate stack cannot hold it. */
static u64 frame_place(const struct arch_regs *regs, const struct signal_delivery *d)
{
	u64 base = d->altstack.sp, size = d->altstack.size;
	bool nested = !d->on_altstack && size && regs->sp > base && regs->sp - base <= size;
	u64 top = d->on_altstack ? base + size : regs->sp, sp;

	if (top < sizeof(struct user_frame))
		return 0;
	sp = align_down(top - sizeof(struct user_frame), 16ull);
	if ((d->on_altstack || nested) && (sp < base || sp >= base + size))
		return 0;
	return sp;
}

int arch_signal_push(struct arch_regs *regs, const struct signal_delivery *d)
{
	struct user_frame f = { .info = d->info };
	u64 sp = frame_place(regs, d);
	unsigned long flags;

	if (!sp)
		return -EFAULT;
	f.uc.stack = d->altstack;
	f.uc.sigmask = d->old_mask;
	memcpy(f.uc.regs, regs, REGS_BYTES);
	/* Dirty means that the registers of this hart are ours; else arch.fpu has the state. */
	flags = arch_irq_save();
	arch_fpu_save(current);
	arch_irq_restore(flags);
	f.uc.fp.d = current->arch.fpu;
	f.uc.fp.d.pad = 0;
	if (copy_to_user((void __user *)sp, &f, sizeof(f)))
		return -EFAULT;
	regs->pc = d->action.handler;
	regs->sp = sp;
	regs->ra = d->vdso_sigreturn;
	regs->a0 = (u64)d->info.signo;
	regs->a1 = sp + offsetof(struct user_frame, info);
	regs->a2 = sp + offsetof(struct user_frame, uc);
	arch_user_forget_call(regs);
	return 0;
}

/* Puts the program's FPU words in place; they are loaded on the way to user mode. */
static void fpu_adopt(struct arch_regs *regs, const struct riscv_fpu *fpu)
{
	unsigned long flags = arch_irq_save();

	current->arch.fpu = *fpu;
	current->arch.fpu.fcsr &= 0xff;
	regs->status = (regs->status & ~(u64)SSTATUS_FS) | SSTATUS_FS_CLEAN;
	arch_fpu_restore(current);
	arch_irq_restore(flags);
}

int arch_signal_pop(struct arch_regs *regs, u64 *mask, struct user_stack *alt)
{
	static const u32 zero[3];
	struct user_context uc;
	bool fpu_used = (regs->status & SSTATUS_FS) != SSTATUS_FS_OFF;

	if (copy_from_user(&uc, (const void __user *)(regs->sp + offsetof(struct user_frame, uc)), sizeof(uc)))
		return -EFAULT;
	if (memcmp(uc.fp.q.reserved, zero, sizeof(zero)) != 0)
		return -EFAULT;
	/* A handler may have set FPU words although the program never used one. */
	for (unsigned i = 0; i < 32 && !fpu_used; i++)
		fpu_used = uc.fp.d.f[i] != 0;
	memcpy(regs, uc.regs, REGS_BYTES);
	arch_user_forget_call(regs);
	if (riscv_has_fpu() && (fpu_used || uc.fp.d.fcsr))
		fpu_adopt(regs, &uc.fp.d);
	*mask = uc.sigmask;
	*alt = uc.stack;
	return 0;
}

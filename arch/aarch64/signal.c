/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames as Linux lays them out (uapi asm/sigcontext.h, asm/ucontext.h): siginfo, ucontext with
 * the registers, FP/SIMD context, fault context, end mark; above it a frame record for unwinders.
 */
#include <arch/thread.h>
#include <arch/user.h>
#include <kernel/signal.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "arch_local.h"

#define FPSIMD_MAGIC 0x46508001u
#define ESR_MAGIC 0x45535201u
#define EXTRA_MAGIC 0x45585401u

struct context_head {
	u32 magic, size;
};
struct fpsimd_context {
	struct context_head head;
	u32 fpsr, fpcr;
	__extension__ unsigned __int128 v[32];
};
struct esr_context {
	struct context_head head;
	u64 esr;
};
struct sigcontext {
	u64 fault_address;
	u64 x[31];
	u64 sp, pc, pstate;
	u8 reserved[4096] __aligned(16);
};
struct ucontext {
	u64 flags, link;
	struct user_stack stack;
	u64 mask;
	u8 mask_room[120];		/* for signal sets of 1024 bits */
	struct sigcontext mcontext __aligned(16);
};
struct signal_frame {
	struct user_siginfo info;
	struct ucontext uc;
};
static_assert(offsetof(struct signal_frame, uc.mcontext) == 304, "Linux's layout");
static_assert(sizeof(struct fpsimd_context) == 528, "Linux's layout");
static_assert(sizeof(struct signal_frame) == 4688, "vdso.S repeats it");

/* What of the reserved area is written: the frame on the user's stack has all of it. */
struct contexts {
	struct fpsimd_context fp;
	struct esr_context esr;
	struct context_head end;
};
#define HEAD_SIZE offsetof(struct signal_frame, uc.mcontext.reserved)

static void fpu_sync(struct thread *t)
{
	preempt_disable();
	if (arch_cpu_self()->fpu_owner == t && t->fpu_cpu == arch_cpu_self())
		arch_fpu_save(t);
	preempt_enable();
}

static int put_head(struct signal_frame __user *frame, const struct arch_regs *regs,
		    const struct signal_delivery *d)
{
	struct {
		u64 flags, link;
		struct user_stack stack;
		u64 mask;
	} head = { .stack = d->altstack, .mask = d->old_mask };
	struct {
		u64 fault_address, x[31], sp, pc, pstate;
	} m = { .fault_address = current->arch.fault_addr, .sp = regs->sp, .pc = regs->pc,
		.pstate = regs->pstate };

	memcpy(m.x, regs->x, sizeof(m.x));
	if (clear_user(frame, HEAD_SIZE) || copy_to_user(&frame->info, &d->info, sizeof(d->info)) ||
	    copy_to_user(&frame->uc, &head, sizeof(head)) ||
	    copy_to_user(&frame->uc.mcontext, &m, sizeof(m)))
		return -EFAULT;
	return 0;
}

static int put_contexts(u8 __user *to)
{
	struct contexts c = {
		.fp = { .head = { FPSIMD_MAGIC, sizeof(c.fp) }, .fpsr = current->arch.fpu.fpsr,
			.fpcr = current->arch.fpu.fpcr },
		.esr = { .head = { ESR_MAGIC, sizeof(c.esr) }, .esr = current->arch.fault_esr },
	};

	memcpy(c.fp.v, current->arch.fpu.v, sizeof(c.fp.v));
	return copy_to_user(to, &c, offsetof(struct contexts, end) + sizeof(c.end));
}

int arch_signal_push(struct arch_regs *regs, const struct signal_delivery *d)
{
	u64 sp = d->on_altstack ? d->altstack.sp + d->altstack.size : regs->sp;
	u64 record[2] = { regs->x[29], regs->x[30] };
	struct signal_frame __user *frame;
	u64 __user *next;

	next = (u64 __user *)(align_down(sp, 16ull) - sizeof(record));
	frame = (struct signal_frame __user *)next - 1;
	if ((u64)next > sp || (u64)frame > sp)
		return -EFAULT;
	fpu_sync(current);
	if (copy_to_user(next, record, sizeof(record)) || put_head(frame, regs, d) ||
	    put_contexts(frame->uc.mcontext.reserved))
		return -EFAULT;
	regs->x[0] = (u64)d->info.signo;
	if (d->action.flags & SA_SIGINFO) {
		regs->x[1] = (u64)&frame->info;
		regs->x[2] = (u64)&frame->uc;
	}
	regs->x[29] = (u64)next;
	regs->x[30] = d->action.flags & SA_RESTORER ? d->action.restorer : d->vdso_sigreturn;
	regs->sp = (u64)frame;
	regs->pc = d->action.handler;
	regs->pstate &= ~(u64)(PSR_BTYPE | PSR_TCO);
	regs->call_nr = -1;
	current->arch.fault_addr = 0;
	current->arch.fault_esr = 0;
	return 0;
}

/* Finds and takes over the FP state; unknown records are an error, as on Linux. */
static int get_contexts(const u8 __user *from)
{
	size_t at = 0;
	bool have_fp = false;

	for (;;) {
		struct context_head head;
		struct fpsimd_context fp;

		if (at + sizeof(head) > 4096 || copy_from_user(&head, from + at, sizeof(head)))
			return -EFAULT;
		if (head.magic == 0)
			return head.size == 0 && have_fp ? 0 : -EFAULT;
		if (head.size < sizeof(head) || head.size % 16 || head.size > 4096 - at)
			return -EFAULT;
		if (head.magic == FPSIMD_MAGIC && head.size == sizeof(fp) && !have_fp) {
			if (copy_from_user(&fp, from + at, sizeof(fp)))
				return -EFAULT;
			memcpy(current->arch.fpu.v, fp.v, sizeof(fp.v));
			current->arch.fpu.fpsr = fp.fpsr;
			current->arch.fpu.fpcr = fp.fpcr;
			have_fp = true;
		} else if (head.magic != ESR_MAGIC && head.magic != EXTRA_MAGIC) {
			return -EFAULT;
		}
		at += head.size;
	}
}

int arch_signal_pop(struct arch_regs *regs, u64 *mask, struct user_stack *alt)
{
	struct signal_frame __user *frame = (struct signal_frame __user *)regs->sp;
	struct {
		u64 flags, link;
		struct user_stack stack;
		u64 mask;
	} head;
	struct {
		u64 fault_address, x[31], sp, pc, pstate;
	} m;
	int ret;

	if (!is_aligned(regs->sp, 16ull) || copy_from_user(&head, &frame->uc, sizeof(head)) ||
	    copy_from_user(&m, &frame->uc.mcontext, sizeof(m)))
		return -EFAULT;
	/* A state of the kernel's, or with interrupts masked, was put there by nobody honest. */
	if (m.pstate & (PSR_MODE_MASK | PSR_F | PSR_I | PSR_A | PSR_D))
		return -EFAULT;
	/* Current's saved state is what counts from here; the registers are stale until reloaded. */
	fpu_sync(current);
	ret = get_contexts(frame->uc.mcontext.reserved);
	preempt_disable();
	if (arch_cpu_self()->fpu_owner == current && current->fpu_cpu == arch_cpu_self())
		arch_fpu_restore(current);
	preempt_enable();
	if (ret)
		return ret;
	memcpy(regs->x, m.x, sizeof(regs->x));
	regs->sp = m.sp;
	regs->pc = m.pc;
	/* User mode, 64-bit, interrupts on: only condition flags and what programs may set themselves. */
	regs->pstate = m.pstate & (PSR_NZCV | PSR_SSBS | PSR_DIT | PSR_TCO | PSR_BTYPE);
	regs->call_nr = -1;
	*mask = head.mask;
	*alt = head.stack;
	return 0;
}

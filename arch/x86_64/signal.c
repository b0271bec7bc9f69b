/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames, byte for byte as Linux lays them out (uapi asm/sigcontext.h, asm/ucontext.h): programs read
 * them, change them and hand them back, so that whatever comes back is checked or masked.
 */
#include <arch/user.h>
#include <kernel/cpu.h>
#include <kernel/signal.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#include "x86.h"

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define RED_ZONE 128

struct user_sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate;		/* user address, 0: none */
	u64 reserved[8];
};
struct user_ucontext {
	u64 flags, link;
	struct user_stack stack;
	struct user_sigcontext mc;
	u64 sigmask;
};
struct rt_sigframe {
	u64 pretcode;
	struct user_ucontext uc;
	struct user_siginfo info;
};
static_assert(sizeof(struct user_sigcontext) == 256 && sizeof(struct user_ucontext) == 304
	      && sizeof(struct rt_sigframe) == 440, "Linux's layout");

/* FXSAVE's bytes 464-511 are software's; a signal frame describes the XSAVE part there. */
struct fpx_sw_bytes {
	u32 magic1, extended_size;
	u64 xfeatures;
	u32 xstate_size, padding[7];
};
#define FXSAVE_SIZE 512
#define FXSAVE_MXCSR 24
#define FXSAVE_MXCSR_MASK 28
#define FXSAVE_SW 464
#define XSAVE_HEADER 512
#define MXCSR_MASK_DEFAULT 0xffbfu

static u32 fpu_frame_size(void)
{
	return x86_features.xsave ? x86_features.xsave_size + 4 : FXSAVE_SIZE;
}

/* The legacy part and what lies behind it go by way of the area. */
static int fpu_copy_out(u64 to)
{
	struct thread *t = current;
	const u8 *area = x86_fpu_area(t);

	x86_fpu_sync(t);
	if (copy_to_user((void __user *)to, area, FXSAVE_SW))
		return -EFAULT;
	return x86_features.xsave ? copy_to_user((void __user *)(to + XSAVE_HEADER), area + XSAVE_HEADER,
						 x86_features.xsave_size - XSAVE_HEADER) : 0;
}

static int fpu_push(u64 to)
{
	/* XSAVE leaves the software's bytes alone, and of the header all but the bits of what it saves. */
	struct {
		struct fpx_sw_bytes sw;
		u64 header[8];
	} middle = { 0 };
	u32 magic2 = FP_XSTATE_MAGIC2;

	static_assert(FXSAVE_SW + sizeof(middle.sw) == XSAVE_HEADER, "");
	if (!x86_features.xsave)
		return copy_to_user((void __user *)(to + FXSAVE_SW), &middle.sw, sizeof(middle.sw)) ? -EFAULT : fpu_copy_out(to);
	middle.sw = (struct fpx_sw_bytes){
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = x86_features.xsave_size + 4,
		.xfeatures = x86_features.xcr0,
		.xstate_size = x86_features.xsave_size,
	};
	if (copy_to_user((void __user *)(to + FXSAVE_SW), &middle, sizeof(middle)))
		return -EFAULT;
	if (x86_fpu_save_to_user(to) && fpu_copy_out(to))
		return -EFAULT;
	return copy_to_user((void __user *)(to + x86_features.xsave_size), &magic2, sizeof(magic2));
}

/* What XRSTOR or FXRSTOR would fault on goes: unknown components, compaction, reserved bits of MXCSR. */
static void fpu_sanitise(u8 *area, u32 mask, bool has_xstate)
{
	u32 mxcsr;

	memcpy(&mxcsr, area + FXSAVE_MXCSR, sizeof(mxcsr));
	mxcsr &= mask ? mask : MXCSR_MASK_DEFAULT;
	memcpy(area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	if (x86_features.xsave) {
		u64 header[8] = { 3 };		/* x87 and SSE are there in any case */

		if (has_xstate) {
			memcpy(header, area + XSAVE_HEADER, sizeof(u64));
			header[0] &= x86_features.xcr0;
		}
		memcpy(area + XSAVE_HEADER, header, sizeof(header));
	}
}

static int fpu_pop(u64 from)
{
	struct thread *t = current;
	u8 *area = x86_fpu_area(t);
	size_t size = x86_features.xsave ? x86_features.xsave_size : FXSAVE_SIZE;
	struct fpx_sw_bytes sw;
	bool has_xstate = false;
	u32 magic2, mask;

	if (!from) {
		arch_fpu_reset(t);
		return 0;
	}
	x86_fpu_release(t);	/* the area is the state from here on, so it may be written piece by piece */
	memcpy(&mask, area + FXSAVE_MXCSR_MASK, sizeof(mask));	/* the CPU's own */
	if (copy_from_user(area, (const void __user *)from, FXSAVE_SIZE))
		goto bad;
	memcpy(&sw, area + FXSAVE_SW, sizeof(sw));
	if (x86_features.xsave && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == x86_features.xsave_size
	    && sw.extended_size >= sw.xstate_size + 4) {
		if (copy_from_user(&magic2, (const void __user *)(from + sw.xstate_size), sizeof(magic2)))
			goto bad;
		has_xstate = magic2 == FP_XSTATE_MAGIC2;
	}
	if (has_xstate && copy_from_user(area + FXSAVE_SIZE, (const void __user *)(from + FXSAVE_SIZE),
					 sw.xstate_size - FXSAVE_SIZE))
		goto bad;
	if (!has_xstate)
		memset(area + FXSAVE_SIZE, 0, size - FXSAVE_SIZE);
	fpu_sanitise(area, mask, has_xstate);
	return 0;
bad:
	arch_fpu_reset(t);
	return -EFAULT;
}

static void fill_sigcontext(struct user_sigcontext *mc, const struct arch_regs *r)
{
	const struct arch_thread *a = &current->arch;

	*mc = (struct user_sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11,
		.r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
		.rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp,
		.rip = r->rip, .rflags = r->rflags,
		.cs = (u16)r->cs, .ss = (u16)r->ss,
		.err = a->error, .trapno = a->trap_nr, .cr2 = a->cr2,
	};
}

/* Where the frame goes: below the red zone, or at the top of the alternate stack; 0: it does not fit there. */
static u64 frame_place(const struct arch_regs *regs, const struct signal_delivery *d, u64 *fpstate)
{
	u64 base = d->altstack.sp, size = d->altstack.size;
	bool nested = !d->on_altstack && size && regs->rsp > base && regs->rsp - base <= size;
	u64 sp = d->on_altstack ? base + size : regs->rsp - RED_ZONE;

	*fpstate = align_down(sp - fpu_frame_size(), (u64)64);
	sp = align_down(*fpstate - sizeof(struct rt_sigframe), (u64)16) - 8;
	if ((d->on_altstack || nested) && (sp < base || sp >= base + size))
		return 0;
	return sp;
}

int arch_signal_push(struct arch_regs *regs, const struct signal_delivery *d)
{
	struct rt_sigframe f;
	u64 fpstate, sp = frame_place(regs, d, &fpstate);

	if (!sp || fpu_push(fpstate))
		return -EFAULT;
	memset(&f, 0, sizeof(f));
	f.pretcode = d->action.flags & SA_RESTORER ? d->action.restorer : d->vdso_sigreturn;
	f.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (x86_features.xsave ? UC_FP_XSTATE : 0);
	f.uc.stack = d->altstack;
	fill_sigcontext(&f.uc.mc, regs);
	f.uc.mc.oldmask = d->old_mask;
	f.uc.mc.fpstate = fpstate;
	f.uc.sigmask = d->old_mask;
	f.info = d->info;
	if (copy_to_user((void __user *)sp, &f, sizeof(f)))
		return -EFAULT;
	regs->rsp = sp;
	regs->rip = d->action.handler;
	regs->rax = 0;
	regs->rdi = (u64)(u32)d->info.signo;
	regs->rsi = sp + offsetof(struct rt_sigframe, info);
	regs->rdx = sp + offsetof(struct rt_sigframe, uc);
	regs->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	regs->in_call = 0;
	regs->orig_rax = U64_MAX;
	x86_fpu_begin_handler(current);
	return 0;
}

int arch_signal_pop(struct arch_regs *regs, u64 *mask, struct user_stack *alt)
{
	struct user_ucontext uc;
	const struct user_sigcontext *mc = &uc.mc;
	/* The handler's RET took pretcode off. */
	u64 frame = regs->rsp - 8;

	if (copy_from_user(&uc, (const void __user *)(frame + offsetof(struct rt_sigframe, uc)), sizeof(uc)))
		return -EFAULT;
	if (fpu_pop(mc->fpstate))
		return -EFAULT;
	regs->r8 = mc->r8; regs->r9 = mc->r9; regs->r10 = mc->r10; regs->r11 = mc->r11;
	regs->r12 = mc->r12; regs->r13 = mc->r13; regs->r14 = mc->r14; regs->r15 = mc->r15;
	regs->rdi = mc->rdi; regs->rsi = mc->rsi; regs->rbp = mc->rbp; regs->rbx = mc->rbx;
	regs->rdx = mc->rdx; regs->rax = mc->rax; regs->rcx = mc->rcx; regs->rsp = mc->rsp;
	regs->rip = mc->rip;
	/* Selectors and the privileged flags are never the frame's: x86_user_return masks once more. */
	regs->rflags = (mc->rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIXED;
	regs->cs = SEL_USER_CS;
	regs->ss = SEL_USER_DS;
	regs->in_call = 0;
	regs->orig_rax = U64_MAX;
	*mask = uc.sigmask;
	*alt = uc.stack;
	return 0;
}

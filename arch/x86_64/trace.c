/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers as debuggers see them: user_regs_struct, FXSAVE and XSAVE areas, struct user of PEEKUSR (Linux
 * asm/user_64.h), single step by TF, the debug registers (Intel SDM 3B chapter 17).
 */
#include <arch/trace.h>
#include <arch/user.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/prctl.h>
#include <uapi/ptrace.h>

#include "x86.h"

#define NR_RT_SIGRETURN 15
#define FXSAVE_SIZE 512u
#define FXSAVE_SW 464
#define FXSAVE_MXCSR 24
#define FXSAVE_MXCSR_MASK 28
#define FXSAVE_XMM 160
#define XSAVE_BV 512
#define XSAVE_HEADER_SIZE 64
#define XSAVE_AVX 576
#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80
#define MXCSR_MASK_DEFAULT 0xffbfu

/* Linux's struct user: what of it has a meaning. */
#define USER_SIZE 928u
#define USER_DEBUG 848u

struct user_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
	u64 rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
static_assert(sizeof(struct user_regs) == 27 * 8, "Linux's user_regs_struct");

struct arch_debug {
	u64 address[4], status, control;	/* DR0 to DR3, DR6's bits that are set, DR7 */
};
const u32 arch_debug_bytes = sizeof(struct arch_debug);
const u32 arch_core_notes[] = { NT_X86_XSTATE, 0 };

/* DR7: L0, G0 … G3; then a type and a length for each. */
#define DR7_ENABLED 0xffu
#define DR7_TYPE(control, n) ((control) >> (16 + 4 * (n)) & 3)
#define DR7_LENGTH(control, n) ((control) >> (18 + 4 * (n)) & 3)
#define DR7_FIXED 0x400u
#define DR7_USER 0xffff00ffull		/* enable bits, types, lengths */
#define DR6_IDLE 0xffff0ff0ul
#define DR6_TRAPS 0xful
#define DR6_STEP 0x4000ul

static void get_regs(const struct thread *t, struct user_regs *u)
{
	const struct arch_regs *r = arch_user_regs(t);
	bool steps = t->arch.rflags_user & RFLAGS_TF;

	*u = (struct user_regs){
		.r15 = r->r15, .r14 = r->r14, .r13 = r->r13, .r12 = r->r12, .rbp = r->rbp, .rbx = r->rbx, .r11 = r->r11,
		.r10 = r->r10, .r9 = r->r9, .r8 = r->r8, .rax = r->rax, .rcx = r->rcx, .rdx = r->rdx, .rsi = r->rsi,
		.rdi = r->rdi, .orig_rax = r->orig_rax, .rip = r->rip, .cs = r->cs, .rsp = r->rsp, .ss = r->ss,
		.eflags = steps ? r->rflags & ~(u64)RFLAGS_TF : r->rflags,
		.fs_base = t->arch.fs_base, .gs_base = t->arch.gs_base,
	};
}

static int set_regs(struct thread *t, const struct user_regs *u)
{
	struct arch_regs *r = arch_user_regs(t);

	if (u->cs != SEL_USER_CS || u->ss != SEL_USER_DS || u->fs_base >= arch_layout.user_end ||
	    u->gs_base >= arch_layout.user_end)
		return -EIO;
	r->r15 = u->r15; r->r14 = u->r14; r->r13 = u->r13; r->r12 = u->r12; r->rbp = u->rbp; r->rbx = u->rbx;
	r->r11 = u->r11; r->r10 = u->r10; r->r9 = u->r9; r->r8 = u->r8; r->rax = u->rax; r->rcx = u->rcx;
	r->rdx = u->rdx; r->rsi = u->rsi; r->rdi = u->rdi; r->rip = u->rip; r->rsp = u->rsp;
	r->rflags = (u->eflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIXED;
	if (t->arch.rflags_user & RFLAGS_TF)
		r->rflags |= RFLAGS_TF;
	/* Whether the result asks for a restart hangs on this alone: debuggers set -1 to have it forgotten. */
	r->orig_rax = u->orig_rax;
	r->in_call = (s64)u->orig_rax >= 0;
	t->arch.fs_base = u->fs_base;
	t->arch.gs_base = u->gs_base;
	return 0;
}

/* Parts that are not in the area are in their first state: what the area holds there is old. */
static void get_xstate(struct thread *t, u8 *to, u32 size)
{
	const u8 *area = x86_fpu_area(t);
	u64 bv;

	x86_fpu_sync(t);
	memcpy(to, area, size);
	if (!x86_features.xsave)
		return;
	memcpy(&bv, area + XSAVE_BV, sizeof(bv));
	if (!(bv & 1)) {
		memset(to, 0, FXSAVE_MXCSR);
		memset(to + FXSAVE_MXCSR_MASK + 4, 0, FXSAVE_XMM - FXSAVE_MXCSR_MASK - 4);
		*(u16 *)to = FCW_DEFAULT;
	}
	if (!(bv & 2))
		memset(to + FXSAVE_XMM, 0, 256);
	if (!(bv & 6))
		*(u32 *)(to + FXSAVE_MXCSR) = MXCSR_DEFAULT;
	if (size > XSAVE_AVX && !(bv & 4))
		memset(to + XSAVE_AVX, 0, size - XSAVE_AVX);
	memset(to + FXSAVE_SW, 0, FXSAVE_SIZE - FXSAVE_SW);
	if (size > FXSAVE_SIZE)		/* where debuggers read which components there are */
		memcpy(to + FXSAVE_SW, &x86_features.xcr0, sizeof(u64));
}

static int set_xstate(struct thread *t, const u8 *from, u32 size)
{
	u8 *area = x86_fpu_area(t);
	u32 mxcsr, mask;
	u64 bv = 3;

	memcpy(&mxcsr, from + FXSAVE_MXCSR, sizeof(mxcsr));
	memcpy(&mask, area + FXSAVE_MXCSR_MASK, sizeof(mask));	/* the CPU's own */
	if (mxcsr & ~(mask ? mask : MXCSR_MASK_DEFAULT))
		return -EINVAL;
	if (size > FXSAVE_SIZE) {
		memcpy(&bv, from + XSAVE_BV, sizeof(bv));
		if (bv & ~x86_features.xcr0)
			return -EINVAL;
		memcpy(area + XSAVE_AVX, from + XSAVE_AVX, size - XSAVE_AVX);
	} else if (x86_features.xsave) {
		memcpy(&bv, area + XSAVE_BV, sizeof(bv));
		bv |= 3;
	}
	memcpy(area, from, FXSAVE_SW);
	memcpy(area + FXSAVE_MXCSR_MASK, &mask, sizeof(mask));
	if (x86_features.xsave) {
		memset(area + XSAVE_BV, 0, XSAVE_HEADER_SIZE);
		memcpy(area + XSAVE_BV, &bv, sizeof(bv));
	}
	return 0;
}

int arch_regset_get(struct thread *t, u32 note, void *buf, u32 *unit)
{
	*unit = sizeof(u64);
	switch (note) {
	case NT_PRSTATUS:
		get_regs(t, buf);
		return sizeof(struct user_regs);
	case NT_PRFPREG:
		get_xstate(t, buf, FXSAVE_SIZE);
		return FXSAVE_SIZE;
	case NT_X86_XSTATE:
		if (!x86_features.xsave)
			return -ENODEV;
		get_xstate(t, buf, x86_features.xsave_size);
		return (int)x86_features.xsave_size;
	default:
		return -EINVAL;
	}
}

int arch_regset_set(struct thread *t, u32 note, const void *buf, u32 len)
{
	return note == NT_PRSTATUS ? set_regs(t, buf) : set_xstate(t, buf, len);
}

bool arch_step_enable(struct thread *t)
{
	arch_user_regs(t)->rflags |= RFLAGS_TF;
	t->arch.rflags_user = RFLAGS_USER | RFLAGS_TF;
	return true;
}

void arch_step_disable(struct thread *t)
{
	if (t->arch.rflags_user & RFLAGS_TF)
		arch_user_regs(t)->rflags &= ~(u64)RFLAGS_TF;
	t->arch.rflags_user = RFLAGS_USER;
}

void arch_trace_call_begin(struct arch_regs *regs) { regs->rax = (u64)-ENOSYS; }

bool arch_trace_call_get(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	arch_user_get_call(regs, nr, args);
	return (s32)*nr != -1;
}

void arch_trace_call_end(struct arch_regs *regs, u64 nr)
{
	if (regs->orig_rax == U64_MAX && nr != NR_RT_SIGRETURN)
		regs->orig_rax = nr;
	/* SYSRET with TF traps before the next instruction, IRET behind it: so not SYSRET. */
	regs->r11 &= ~(u64)RFLAGS_TF;
}

/* ---- debug registers ---------------------------------------------------------------------------- */

static void write_dr7(u64 v) { __asm__ volatile("mov %0, %%db7" :: "r"(v)); }

void arch_debug_load(struct thread *t)
{
	const struct arch_debug *d = t->debug;

	if (!d || !(d->control & DR7_ENABLED))
		return;
	__asm__ volatile("mov %0, %%db0; mov %1, %%db1; mov %2, %%db2; mov %3, %%db3"
			 :: "r"(d->address[0]), "r"(d->address[1]), "r"(d->address[2]), "r"(d->address[3]));
	write_dr7(d->control | DR7_FIXED);
	arch_cpu_self()->debug_owner = t;
}

void arch_debug_unload(struct thread *t) { write_dr7(DR7_FIXED); }

void arch_debug_clear(struct thread *t)
{
	if (t->debug)
		t->debug->control = t->debug->status = 0;
}

/* A debug exception of the current thread, interrupts off: its signal's code. */
int x86_debug_take(struct thread *t)
{
	u64 status;

	__asm__ volatile("mov %%db6, %0" : "=r"(status));
	__asm__ volatile("mov %0, %%db6" :: "r"(DR6_IDLE));
	if (t->debug)
		t->debug->status = status & (DR6_TRAPS | DR6_STEP);
	if ((status & DR6_STEP) || !(status & DR6_TRAPS))
		return 2;		/* TRAP_TRACE */
	return 4;			/* TRAP_HWBKPT */
}

static int set_control(struct thread *t, u64 control)
{
	struct arch_debug *d = thread_debug(t);

	if (!d)
		return -ENOMEM;
	control &= DR7_USER;
	for (unsigned n = 0; n < 4; n++) {
		if (!(control >> (2 * n) & 3))
			continue;
		/* No ports; instructions are one byte long. */
		if (DR7_TYPE(control, n) == 2 || (!DR7_TYPE(control, n) && DR7_LENGTH(control, n)))
			return -EINVAL;
	}
	d->control = control;
	atomic_fetch_or(&t->exit_work, WORK_TRACE);
	return 0;
}

static int set_debug(struct thread *t, unsigned n, u64 value)
{
	struct arch_debug *d;

	if (n == 4 || n == 5)
		return -EIO;
	if (n == 7)
		return set_control(t, value);
	if (n < 4 && value >= arch_layout.user_end - 7)
		return -EINVAL;
	d = thread_debug(t);
	if (!d)
		return -ENOMEM;
	if (n == 6)
		d->status = value;
	else
		d->address[n] = value;
	atomic_fetch_or(&t->exit_work, WORK_TRACE);
	return 0;
}

static u64 get_debug(const struct thread *t, unsigned n)
{
	const struct arch_debug *d = t->debug;

	if (!d || n == 4 || n == 5)
		return 0;
	return n == 6 ? d->status : n == 7 ? d->control : d->address[n];
}

/* ---- requests of this architecture --------------------------------------------------------------- */

static long peek_user(struct thread *t, u64 at, u64 __user *to)
{
	struct user_regs u;
	u64 value = 0;

	if (at % 8 || at >= USER_SIZE)
		return -EIO;
	if (at < sizeof(u)) {
		get_regs(t, &u);
		memcpy(&value, (u8 *)&u + at, sizeof(value));
	} else if (at >= USER_DEBUG && at < USER_DEBUG + 64) {
		value = get_debug(t, (unsigned)(at - USER_DEBUG) / 8);
	}
	return put_user(value, to);
}

static long poke_user(struct thread *t, u64 at, u64 value)
{
	struct user_regs u;

	if (at % 8 || at >= USER_SIZE)
		return -EIO;
	if (at >= USER_DEBUG && at < USER_DEBUG + 64)
		return set_debug(t, (unsigned)(at - USER_DEBUG) / 8, value);
	if (at >= sizeof(u))
		return -EIO;
	get_regs(t, &u);
	memcpy((u8 *)&u + at, &value, sizeof(value));
	return set_regs(t, &u);
}

static long base_prctl(struct thread *t, u64 addr, u64 code)
{
	struct arch_thread *a = &t->arch;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= arch_layout.user_end)
			return -EPERM;
		*(code == ARCH_SET_FS ? &a->fs_base : &a->gs_base) = addr;
		return 0;
	case ARCH_GET_FS:
		return put_user(a->fs_base, (u64 __user *)addr);
	case ARCH_GET_GS:
		return put_user(a->gs_base, (u64 __user *)addr);
	default:
		return -EINVAL;
	}
}

static long regs_call(struct thread *t, void __user *user, bool is_set)
{
	struct user_regs u;

	if (is_set)
		return copy_from_user(&u, user, sizeof(u)) ? -EFAULT : set_regs(t, &u);
	get_regs(t, &u);
	return copy_to_user(user, &u, sizeof(u));
}

static long fpregs_call(struct thread *t, void __user *user, bool is_set)
{
	u8 fx[FXSAVE_SIZE];

	if (!is_set) {
		get_xstate(t, fx, sizeof(fx));
		return copy_to_user(user, fx, sizeof(fx));
	}
	if (copy_from_user(fx, user, sizeof(fx)))
		return -EFAULT;
	t->fpu_cpu = NULL;	/* no CPU's registers are newer */
	return set_xstate(t, fx, sizeof(fx));
}

long arch_ptrace(struct thread *t, u64 request, u64 addr, u64 data)
{
	switch (request) {
	case PTRACE_PEEKUSR: return peek_user(t, addr, (u64 __user *)data);
	case PTRACE_POKEUSR: return poke_user(t, addr, data);
	case PTRACE_GETREGS: return regs_call(t, (void __user *)data, false);
	case PTRACE_SETREGS: return regs_call(t, (void __user *)data, true);
	case PTRACE_GETFPREGS: return fpregs_call(t, (void __user *)data, false);
	case PTRACE_SETFPREGS: return fpregs_call(t, (void __user *)data, true);
	case PTRACE_ARCH_PRCTL: return base_prctl(t, data, addr);
	default: return -EIO;
	}
}

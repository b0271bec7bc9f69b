/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V part of <arch/thread.h>: trap frame, switch frame, FPU state. */
#ifndef NATIVE_THREAD_H
#define NATIVE_THREAD_H

#include <lib/compiler.h>

/*
 * The full trap frame. The first 32 words are in the order of Linux's user_regs_struct (pc, x1
 * to x31), so that signal frames and ptrace copy them as they are. 16-byte multiple.
 */
struct arch_regs {
	u64 pc;
	u64 ra, sp, gp, tp, t0, t1, t2, s0, s1;
	u64 a0, a1, a2, a3, a4, a5, a6, a7;
	u64 s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	u64 t3, t4, t5, t6;
	u64 status;	/* sstatus; FS tells about the user's FPU registers */
	u64 tval;
	u64 cause;	/* scause; RISCV_CAUSE_NONE: no longer a system call */
	u64 orig_a0;	/* a0 of a system call, for restart */
};
static_assert(sizeof(struct arch_regs) == 288, "trap frame keeps the stack 16-byte aligned");

#define RISCV_CAUSE_CALL 8	/* environment call from user mode (privileged architecture, mcause) */

/* <arch/user.h>. */
static inline void arch_user_get_call(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	*nr = regs->a7;
	args[0] = regs->orig_a0;
	args[1] = regs->a1;
	args[2] = regs->a2;
	args[3] = regs->a3;
	args[4] = regs->a4;
	args[5] = regs->a5;
}

static inline void arch_user_set_result(struct arch_regs *regs, long result) { regs->a0 = (u64)result; }
static inline bool arch_user_in_call(const struct arch_regs *regs) { return regs->cause == RISCV_CAUSE_CALL; }

/* f0 to f31 and fcsr as Linux's __riscv_d_ext_state. */
struct riscv_fpu {
	u64 f[32];
	u32 fcsr;
	u32 pad;
};

struct arch_thread {
	u64 sp, ra;			/* of a thread that is switched out */
	u64 s[12];
	struct riscv_fpu fpu;		/* valid while the frame's FS is clean or another CPU state runs */
	u64 fault_pc, fault_addr;	/* last page fault: the same again means a stale translation */
};

#endif

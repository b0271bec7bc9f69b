/* SPDX-License-Identifier: BSD-2-Clause */
/* The trap frame and the architecture's part of struct thread. entry.S knows both by offsets.c. */
#ifndef NATIVE_THREAD_H
#define NATIVE_THREAD_H

#include <lib/types.h>

/*
 * Begins as Linux's struct user_pt_regs. The frame record at the end links the interrupted
 * function into the chain of frame pointers.
 */
struct arch_regs {
	u64 x[31];
	u64 sp;
	u64 pc;
	u64 pstate;
	u64 orig_x0;		/* first argument of the system call */
	s32 call_nr;		/* number of the system call, -1: none */
	u32 pad;
	u64 frame_record[2];
};

/* <arch/user.h>. */
static inline void arch_user_get_call(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	*nr = (u32)regs->x[8];
	args[0] = regs->orig_x0;
	for (unsigned i = 1; i < 6; i++)
		args[i] = regs->x[i];
}
static inline void arch_user_set_result(struct arch_regs *regs, long result) { regs->x[0] = (u64)result; }
static inline bool arch_user_in_call(const struct arch_regs *regs) { return regs->call_nr != -1; }

/* Linux's struct user_fpsimd_state. */
struct arch_fpu {
	__extension__ unsigned __int128 v[32];
	u32 fpsr, fpcr;
	u64 pad;
};

struct arch_thread {
	u64 x19_x28[10];	/* callee-saved registers while it does not run */
	u64 fp, sp, lr;
	u64 tls;		/* TPIDR_EL0, valid while it does not run */
	u64 fault_addr;		/* FAR and ESR of the last user fault, for the signal frame */
	u64 fault_esr;
	struct arch_fpu fpu;	/* valid while no CPU's fpu_owner is this thread */
};

#endif

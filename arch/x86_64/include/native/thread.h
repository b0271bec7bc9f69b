/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread context and trap frame of x86_64. trap_entry.S pushes struct arch_regs from the end to the start. */
#ifndef NATIVE_THREAD_H
#define NATIVE_THREAD_H

#include <lib/compiler.h>

struct arch_regs {
	u64 orig_rax;		/* system-call number; -1 for other entries */
	u64 in_call;		/* 1: a system call whose result may ask for a restart */
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector;		/* 0-255; X86_VECTOR_SYSCALL */
	u64 error;		/* the CPU's error code or 0 */
	u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(struct arch_regs) == 24 * 8, "trap_entry.S and stack alignment rely on it");

#define X86_VECTOR_SYSCALL 256

/* <arch/user.h>; AMD64 psABI A.2.1. */
static inline void arch_user_get_call(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	*nr = regs->orig_rax;
	args[0] = regs->rdi;
	args[1] = regs->rsi;
	args[2] = regs->rdx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

static inline void arch_user_set_result(struct arch_regs *regs, long result)
{
	regs->rax = (u64)result;
}

static inline bool arch_user_in_call(const struct arch_regs *regs)
{
	return regs->in_call;
}

/* x87, SSE and AVX in XSAVE's standard format; AVX-512 and PKRU stay off. */
#define X86_FPU_SIZE 832
#define X86_FPU_ALIGN 64

struct arch_thread {
	u64 sp;			/* kernel stack pointer while switched out */
	u64 fs_base, gs_base;	/* the user's */
	u64 rflags_user;	/* flags that user mode may bring along; with TF for single step */
	u64 cr2, trap_nr, error;	/* last fault, for signal frames */
	/* User FPU state while not in the registers; used from the first aligned byte on. */
	u8 fpu[X86_FPU_SIZE + X86_FPU_ALIGN];
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread contexts. <native/thread.h> defines struct arch_thread (embedded in struct
 * thread) and struct arch_regs, the full trap frame that every entry from user mode
 * stores at the top of the kernel stack: arch_user_regs(t).
 */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include <lib/compiler.h>

struct thread;
struct arch_regs;

#include <native/thread.h>

/* The user frame at the top of t's kernel stack. */
struct arch_regs *arch_user_regs(const struct thread *t);
/* Prepares t (stack at t->kstack_top) so that its first switch calls thread_first_run(), then fn(arg). */
void arch_thread_init(struct thread *t, void (*fn)(void *), void *arg);
/*
 * Saves prev, loads next, sets current. Interrupts off. Returns in next's context the
 * thread that ran before on this CPU. Moves callee-saved registers, stack and current
 * only; FPU and user state at user return.
 */
struct thread *arch_thread_switch(struct thread *prev, struct thread *next);
/*
 * Makes child return to user mode with a copy of the parent's frame `regs`, result 0,
 * stack pointer user_sp if not 0; copies FPU state and TLS. First switch calls
 * thread_first_run() and then returns to user.
 */
void arch_thread_fork(struct thread *child, const struct arch_regs *regs, u64 user_sp);
/* Thread pointer register of t (FS base, TPIDR_EL0, tp); takes effect at user return. */
void arch_thread_set_tls(struct thread *t, u64 tls);
u64 arch_thread_get_tls(const struct thread *t);
/* Frees what the architecture allocated for t (extended FPU state). */
void arch_thread_destroy(struct thread *t);
/*
 * FPU/vector registers. save: called when t leaves the CPU with live user state;
 * restore: at user return when the CPU holds another thread's state. reset: exec.
 */
void arch_fpu_save(struct thread *t);
void arch_fpu_restore(struct thread *t);
void arch_fpu_reset(struct thread *t);

/* Facts about a frame, for faults, signals, ptrace, tracing. */
u64 arch_regs_pc(const struct arch_regs *regs);
u64 arch_regs_sp(const struct arch_regs *regs);
void arch_regs_set_pc(struct arch_regs *regs, u64 pc);	/* of a user frame: where it goes on */
bool arch_regs_user(const struct arch_regs *regs);	/* came from user mode */
void arch_regs_print(const struct arch_regs *regs);	/* to the log, for panic and fatal signals */
/* Return addresses, innermost first; regs NULL: from the caller. Never faults. */
unsigned arch_backtrace(const struct arch_regs *regs, vaddr_t *pcs, unsigned max);

#endif

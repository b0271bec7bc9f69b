/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulation part of <arch/thread.h>: threads are host stacks. A program's "registers" are its place in
 * the program (a host function), the call it makes and the handler it is about to run.
 */
#ifndef NATIVE_THREAD_H
#define NATIVE_THREAD_H

#include <lib/compiler.h>

struct arch_regs {
	u64 pc, sp;			/* user addresses; pc is fetched when a program starts */
	u64 nr, args[6], result;	/* of the last system call */
	u64 entry, entry_arg, entry_tag;	/* where a new thread begins: a host function and its argument; 0: at pc */
	u64 tag;			/* the thread's own word, sim_tag */
	u64 handler, signo, siginfo;	/* a signal handler to run before anything else; 0: none */
	u64 starts;			/* how often arch_user_start filled the frame: exec succeeded */
	bool is_user, in_call;
	bool restart;			/* the call is to be made again */
	bool faulted;			/* set by sim_user_fault_handler */
};

/* <arch/user.h>. */
static inline void arch_user_get_call(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	*nr = regs->nr;
	for (unsigned i = 0; i < 6; i++)
		args[i] = regs->args[i];
}
static inline void arch_user_set_result(struct arch_regs *regs, long result) { regs->result = (u64)result; }
static inline bool arch_user_in_call(const struct arch_regs *regs) { return regs->in_call; }

struct arch_thread {
	u64 sp;			/* of a thread that is switched out */
	u64 tls;
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences (rseq(2)): a program registers 32 bytes per thread in which the kernel keeps
 * the number of the CPU, and names there the short code section that must not be interrupted half-way.
 * All of it lies in user memory and is never believed.
 */
#ifndef KERNEL_RSEQ_H
#define KERNEL_RSEQ_H

#include <arch/user.h>
#include <kernel/thread.h>

/* rseq_cpu: nothing was written yet, so the next way back to user mode writes. */
#define RSEQ_CPU_NONE 0xffffffffu

/*
 * From the switch, next about to run on that CPU. A section holds no system call, so one that was left by a
 * call cannot have been cut: there only another CPU matters.
 */
static inline void rseq_switch_in(struct thread *next, const struct cpu *cpu)
{
	if (next->rseq && (next->rseq_cpu != cpu->id || !arch_user_in_call(arch_user_regs(next))))
		atomic_fetch_or(&next->exit_work, WORK_RSEQ);
}

/* WORK_RSEQ at user return: aborts a cut section, writes the CPU. Faults give SIGSEGV. Sleeps. */
void rseq_return_work(struct arch_regs *regs);
/* A signal handler is about to run: a section that it cuts is aborted first. 0, -EFAULT, -EINVAL. Sleeps. */
int rseq_signal(struct arch_regs *regs);

#endif

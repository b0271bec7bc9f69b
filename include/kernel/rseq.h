/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences (rseq(2)): a program registers 32 bytes per thread in which the kernel keeps
 * the number of the CPU, and names there the short code section that must not be interrupted half-way.
 * All of it lies in user memory and is never believed.
 *
 * Beside the CPU stands a concurrency id (mm_cid): no two threads of an address space that run at a time have the same, and
 * it is below both the number of CPUs and that of threads, so that a program may keep a small array of whatever per id.
 * A thread with an area holds the lowest free one while it runs.
 */
#ifndef KERNEL_RSEQ_H
#define KERNEL_RSEQ_H

#include <arch/user.h>
#include <kernel/aspace.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>

/* rseq_cpu: nothing was written yet, so the next way back to user mode writes. */
#define RSEQ_CPU_NONE 0xffffffffu

/* The current thread, or at a switch the one that comes or leaves: interrupts off. */
static inline void rseq_cid_take(struct thread *t)
{
	u64 used = atomic_load(&t->aspace->cids), bit;

	do	/* as many bits as there may be CPUs, and each runs one thread */
		bit = ~used & (used + 1);
	while (!atomic_cmpxchg(&t->aspace->cids, &used, used | bit));
	t->cid = ctz64(bit) + 1;
}
static inline void rseq_cid_drop(struct thread *t)
{
	atomic_fetch_and(&t->aspace->cids, ~BIT(t->cid - 1));
	t->cid = 0;
}
static inline void rseq_switch_out(struct thread *prev)
{
	if (unlikely(prev->cid))
		rseq_cid_drop(prev);
}

/*
 * From the switch, next about to run on that CPU. A section holds no system call, so one that was left by a
 * call cannot have been cut: there only another CPU matters.
 */
static inline void rseq_switch_in(struct thread *next, const struct cpu *cpu)
{
	if (likely(!next->rseq))
		return;
	rseq_cid_take(next);
	if (next->rseq_cpu != cpu->id || next->rseq_cid != next->cid || !arch_user_in_call(arch_user_regs(next)))
		atomic_fetch_or(&next->exit_work, WORK_RSEQ);
}

/* The current thread gives up its area and id: before it changes or leaves its address space. */
static inline void rseq_forget(void)
{
	unsigned long irq = arch_irq_save();

	current->rseq = 0;
	rseq_switch_out(current);
	arch_irq_restore(irq);
}

/* WORK_RSEQ at user return: aborts a cut section, writes the CPU. Faults give SIGSEGV. Sleeps. */
void rseq_return_work(struct arch_regs *regs);
/* A signal handler is about to run: a section that it cuts is aborted first. 0, -EFAULT, -EINVAL. Sleeps. */
int rseq_signal(struct arch_regs *regs);

#endif

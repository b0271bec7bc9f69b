/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Around every interrupt: nesting, time accounting, the entropy of its arrival, and on the way out
 * the switch to a thread that the handlers woke (kernel preemption). Returns to user mode are
 * left to user_return_work.
 */
#include <arch/upcall.h>
#include <arch/thread.h>
#include <kernel/irq.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/time.h>

DEFINE_PERCPU(u64, irq_enter_ns);	/* own CPU: outermost interrupt's start */
DEFINE_PERCPU(u64, irq_time_ns);	/* own CPU writes: total */

void __hot irq_enter(struct arch_regs *regs)
{
	struct thread *t = current;
	struct cpu *cpu = arch_cpu_self();
	u64 now = time_ns();

	WRITE_ONCE(t->preempt_count, t->preempt_count + (1u << PREEMPT_IRQ_SHIFT));
	if (cpu->irq_depth++ == 0) {
		*percpu_of(irq_enter_ns, cpu) = now;
		cpu->irq_from_user = arch_regs_user(regs);
	}
	random_add_event(now);
}

void __hot irq_exit(struct arch_regs *regs)
{
	struct thread *t = current;
	struct cpu *cpu = arch_cpu_self();

	if (--cpu->irq_depth == 0)
		*percpu_of(irq_time_ns, cpu) += time_ns() - *percpu_of(irq_enter_ns, cpu);
	WRITE_ONCE(t->preempt_count, t->preempt_count - (1u << PREEMPT_IRQ_SHIFT));
	if (arch_regs_user(regs))
		lock_check_user_return();
	else if (t->preempt_count == 0 && (atomic_load(&t->exit_work) & WORK_RESCHED))
		sched_preempt();
}

u64 irq_cpu_time_ns(unsigned cpu)
{
	return cpu_table[cpu] ? *percpu_of(irq_time_ns, cpu_table[cpu]) : 0;
}

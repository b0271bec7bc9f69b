/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The idle loop: no tick. It first looks for work to pull, then watches its wake list for a moment
 * (is_polling: wakers need no IPI), then waits for an interrupt.
 */
#include "runq.h"

#define POLL_ROUNDS 40u		/* a few microseconds */

static bool has_work(const struct runq *rq)
{
	return atomic_load(&rq->wake_list) != NULL || atomic_load(&rq->nr_running) != 0 ||
		(atomic_load(&current->exit_work) & WORK_RESCHED);
}

/* Interrupts off on entry and return; on meanwhile. */
static void poll_for_work(struct runq *rq)
{
	atomic_store(&rq->is_polling, 1u);
	arch_irq_enable();
	for (unsigned i = 0; i < POLL_ROUNDS && !has_work(rq); i++)
		arch_cpu_relax();
	arch_irq_disable();
	atomic_store(&rq->is_polling, 0u);
	atomic_fence_full();	/* pairs with wake.c's push_remote: is_polling before the list */
}

__noreturn void sched_idle_loop(void)
{
	struct runq *rq;

	arch_irq_disable();
	preempt_disable();
	rq = this_runq();
	cpu_mark_online(rq->cpu);
	while (true) {
		epoch_quiescent();
		if (atomic_load(&rq->wake_list))
			runq_drain(rq);
		if (unlikely(atomic_load(&rq->leave_stage)))
			cpu_idle_leave(rq);
		if (!has_work(rq) && !runq_pull(rq)) {
			atomic_fetch_or(&sched_idle_mask, cpu_mask(rq->cpu->id));
			if (cpu_online_mask & ~cpu_mask(rq->cpu->id))
				poll_for_work(rq);
			if (!has_work(rq))
				arch_cpu_wait();
			if (!has_work(rq))
				continue;
		}
		atomic_fetch_and(&sched_idle_mask, ~cpu_mask(rq->cpu->id));
		schedule();
	}
}

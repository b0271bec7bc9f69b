/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spreading threads over CPUs. A CPU that runs out of work pulls one waiting thread from the
 * CPU with the most; a CPU whose slice ends with others waiting wakes an idle CPU to pull, and from
 * time to time sends a thread to the least loaded CPU. No ticks: a CPU without company does
 * nothing. Lock: one run queue's at a time.
 */
#include "runq.h"
#include <kernel/irq.h>

static u32 waiting_on(const struct cpu *cpu)
{
	u32 n = atomic_load(&runq_of(cpu)->nr_running);

	return n > 1 ? n - 1 : 0;
}

/* With from's lock held: a queued thread that may run on to_cpu, taken out; or NULL. */
static struct thread *take_for(struct runq *from, unsigned to_cpu)
{
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		struct thread *t = from->queued[slot] ? from->policy[slot]->steal(from, from->data[slot], to_cpu) : NULL;

		/*
		 * Preempted on its way to sleep: it must not be off the queue, even for a moment, or a waker
		 * would take it for asleep and queue it a second time.
		 */
		if (t && atomic_load(&t->state) == THREAD_RUNNABLE) {
			runq_take_out(from, t);
			return t;
		}
	}
	return NULL;
}

bool runq_pull(struct runq *rq)
{
	struct runq *busiest = NULL;
	struct thread *t = NULL;
	struct cpu *cpu;
	u32 most = 0;

	if (!atomic_load(&sched_settings.balance) || atomic_load(&rq->leave_stage))
		return false;
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		u32 n = waiting_on(cpu);

		if (n > most) {
			most = n;
			busiest = runq_of(cpu);
		}
	}
	if (busiest == NULL || busiest == rq)
		return false;
	spin_lock_raw(&busiest->lock);
	busiest->now_ns = max(busiest->now_ns, time_ns());
	if (busiest->nr_running > 1)
		t = take_for(busiest, rq->cpu->id);
	spin_unlock_raw(&busiest->lock);
	if (t == NULL)
		return false;
	rq->stats.pulls++;
	runq_forward(t, rq->cpu);
	return true;
}

void runq_push_excess(struct runq *rq, u64 now_ns)
{
	cpumask_t others = atomic_load(&cpu_active_mask) & ~cpu_mask(rq->cpu->id);
	cpumask_t idle = atomic_load(&sched_idle_mask) & others;
	struct cpu *cpu, *least = NULL;
	u32 fewest = atomic_load(&rq->nr_running);
	struct thread *t = NULL;

	if (fewest < 2 || !atomic_load(&sched_settings.balance))
		return;
	if (idle) {
		cpu = cpu_table[ctz64(idle)];
		ipi_send(cpu, IPI_RESCHED);	/* it will pull */
		return;
	}
	if (now_ns < rq->balance_next_ns)
		return;
	rq->balance_next_ns = now_ns + atomic_load(&sched_settings.balance_ms) * NSEC_PER_MSEC;
	cpu_for_each(cpu, others) {
		u32 n = atomic_load(&runq_of(cpu)->nr_running);

		if (n + 1 < fewest) {	/* moving one must not just swap the roles */
			fewest = n;
			least = cpu;
		}
	}
	if (least == NULL)
		return;
	spin_lock_raw(&rq->lock);
	rq->now_ns = max(rq->now_ns, now_ns);
	if (rq->nr_running > 1)
		t = take_for(rq, least->id);
	spin_unlock_raw(&rq->lock);
	if (t) {
		rq->stats.pushes++;
		runq_forward(t, least);
	}
}

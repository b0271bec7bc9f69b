/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waking. The protocol (docs/locking.md; tests/models/wakeup.pml):
 *   sleeper: state = asleep; full fence; test the condition; schedule(): under the run queue's lock,
 *            state still asleep -> on_rq = 0; switch; on_cpu = 0 (release).
 *   waker:   condition true; wake_lock; full fence; state asleep? then: on_rq == 1 under the run
 *            queue's lock -> state = RUNNABLE, done. Else wait for on_cpu == 0 (acquire), choose a
 *            CPU, hand over.
 * wake_lock lets one waker act at a time. A thread handed to another CPU is pushed on that
 * CPU's wake list; the IPI is sent only if that CPU is not polling.
 */
#include "runq.h"
#include <kernel/irq.h>
#include <kernel/time.h>

cpumask_t sched_idle_mask;

/* An idle CPU was chosen: the next waker shall look for another. The idle loop sets its bit again. */
static struct cpu *take_idle(struct cpu *cpu)
{
	atomic_fetch_and(&sched_idle_mask, ~cpu_mask(cpu->id));
	return cpu;
}

/*
 * Is the current thread about to sleep? It says so by its state, or it has lately gone to sleep
 * right after it woke somebody: two that pass work to and fro need one CPU.
 */
static bool is_handing_over(const struct thread *self)
{
	return atomic_load(&self->state) != THREAD_RUNNABLE || self->handoffs >= HANDOFF_MAX / 2;
}

/* Chooses a CPU for t: the waker's if it is about to sleep, previous if idle, any idle one, previous. */
struct cpu *sched_place(const struct thread *t)
{
	cpumask_t active = atomic_load(&cpu_active_mask), allowed = t->allowed & active, idle;
	struct cpu *prev = atomic_load(&t->cpu), *here = arch_cpu_self();

	if (unlikely(!allowed))
		allowed = active ? active : t->allowed;	/* its CPU is leaving, or none has come up yet */
	idle = atomic_load(&sched_idle_mask) & allowed;
	if ((allowed & cpu_mask(here->id)) && !irq_in_context() && atomic_load(&runq_of(here)->nr_running) == 1 &&
	    is_handing_over(current))
		return here;
	if (idle & cpu_mask(prev->id))
		return take_idle(prev);
	if (idle)
		return take_idle(cpu_table[ctz64(idle)]);
	if (allowed & cpu_mask(prev->id))
		return prev;
	return (allowed & cpu_mask(here->id)) ? here : cpu_table[ctz64(allowed)];
}

static void enqueue_here(struct runq *rq, struct thread *t)
{
	spin_lock_raw(&rq->lock);
	runq_enqueue(rq, t, ENQUEUE_WOKEN);
	spin_unlock_raw(&rq->lock);
}

static void push_remote(struct runq *rq, struct thread *t)
{
	struct thread *head = atomic_load(&rq->wake_list);

	do {
		t->wake_next = head;
	} while (!atomic_cmpxchg(&rq->wake_list, &head, t));	/* release; pairs with runq_drain */
	atomic_fence_full();	/* pairs with idle.c: list before is_polling */
	if (!atomic_load(&rq->is_polling))
		ipi_send(rq->cpu, IPI_RESCHED);
}

void runq_send(struct thread *t, struct cpu *to)
{
	struct runq *rq = runq_of(to);
	struct cpu *from = atomic_load(&t->cpu);

	if (from != to) {
		const struct sched_policy *p = runq_policy(rq, t);

		if (p->migrate && t->policy_seq == rq->policy_seq[t->sched_slot] && p == runq_policy(runq_of(from), t))
			p->migrate(runq_data(runq_of(from), t), runq_data(rq, t), t);
		t->migrations++;
		atomic_store(&t->cpu, to);
		this_runq()->stats.migrations++;
	}
	if (unlikely(atomic_load(&sched_trace_on)))
		trace_wake(t, to);
	if (to == arch_cpu_self()) {
		enqueue_here(rq, t);
	} else {
		this_runq()->stats.remote_wakeups++;
		push_remote(rq, t);
	}
}

void runq_forward(struct thread *t, struct cpu *to)
{
	spin_lock_raw(&t->wake_lock);	/* interrupts are off */
	if (unlikely(!to || !(t->allowed & cpu_mask(to->id))))
		to = sched_place(t);
	runq_send(t, to);
	spin_unlock_raw(&t->wake_lock);
}

void runq_drain(struct runq *rq)
{
	struct thread *t = atomic_xchg(&rq->wake_list, NULL);	/* acquire; pairs with push_remote */
	struct thread *first = NULL, *next;

	for (; t; t = next) {	/* oldest first */
		next = t->wake_next;
		t->wake_next = first;
		first = t;
	}
	for (t = first; t; t = next) {
		next = t->wake_next;
		runq_forward(t, rq->cpu);
	}
}

void sched_ipi(void)
{
	struct runq *rq = this_runq();

	if (atomic_load(&rq->wake_list))
		runq_drain(rq);
}

/* With wake_lock held: t is off its run queue or was, a moment ago, about to leave it. */
static void wake_up(struct thread *t)
{
	if (atomic_load(&t->on_rq)) {
		struct runq *rq = runq_lock_of(t);

		if (atomic_load(&t->on_rq)) {
			atomic_store(&t->state, (u32)THREAD_RUNNABLE);
			spin_unlock_raw(&rq->lock);
			return;
		}
		spin_unlock_raw(&rq->lock);
	}
	while (atomic_load_acquire(&t->on_cpu))	/* pairs with finish_switch */
		arch_cpu_relax();
	atomic_store(&t->state, (u32)THREAD_RUNNABLE);
	runq_send(t, sched_place(t));
}

bool __hot thread_wake(struct thread *t, u32 state_mask)
{
	unsigned long flags = spin_lock_irqsave(&t->wake_lock);
	bool wakes;

	atomic_fence_full();	/* pairs with thread_prepare_sleep: condition before state */
	wakes = (BIT(atomic_load(&t->state)) & state_mask) != 0;
	if (wakes) {
		this_runq()->stats.wakeups++;
		t->wakeups++;
		if (!irq_in_context())
			current->has_woken = true;
		if (t == current)
			atomic_store(&t->state, (u32)THREAD_RUNNABLE);
		else
			wake_up(t);
	}
	spin_unlock_irqrestore(&t->wake_lock, flags);
	return wakes;
}

void thread_notify(struct thread *t, u32 work)
{
	struct cpu *cpu;

	atomic_fetch_or(&t->exit_work, work);
	/* on_cpu 0 after the bit was set: it will see the bit at its next user return by itself. */
	atomic_fence_full();
	if (t == current || !atomic_load(&t->on_cpu))
		return;
	preempt_disable();
	cpu = atomic_load(&t->cpu);
	if (cpu != arch_cpu_self())
		ipi_send(cpu, IPI_RESCHED);
	preempt_enable();
}

void thread_start(struct thread *t)
{
	unsigned long flags = spin_lock_irqsave(&t->wake_lock);

	assert(atomic_load(&t->state) == THREAD_NEW);
	thread_get(t);		/* the running thread's own; finish_switch drops it after its end */
	atomic_store(&t->state, (u32)THREAD_RUNNABLE);
	runq_send(t, sched_place(t));
	spin_unlock_irqrestore(&t->wake_lock, flags);
}

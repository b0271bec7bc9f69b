/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: schedule(), who runs next, what happens before and after. Policies only order
 * threads (fixed.c, fair.c, background.c); waking is in wake.c, moving between CPUs in balance.c.
 * Lock: the run queue's, taken here and released on the other side of the switch.
 */
#include "runq.h"
#include <kernel/aspace.h>
#include <kernel/rseq.h>
#include <kernel/time.h>

DEFINE_PERCPU(struct runq, sched_runq);
const struct sched_policy *const sched_policies[SLOT_COUNT] = {
	[SLOT_FIXED] = &sched_policy_fixed,
	[SLOT_FAIR] = &sched_policy_fair,
	[SLOT_BACKGROUND] = &sched_policy_background,
};

/* Charges the running thread up to now and asks its policy whether it should give way. */
void runq_account_current(struct runq *rq, u64 now_ns)
{
	struct thread *t = rq->running;
	u64 ran = now_ns > t->exec_start_ns ? now_ns - t->exec_start_ns : 0;

	t->exec_start_ns = now_ns;
	t->runtime_ns += ran;
	if (t == rq->idle)
		rq->stats.idle_ns += ran;
	else if (t->policy->account(rq, runq_data(rq, t->policy), t, ran))
		atomic_fetch_or(&t->exit_work, WORK_RESCHED);
}

struct runq *runq_lock_of(struct thread *t)
{
	while (true) {
		struct cpu *cpu = atomic_load(&t->cpu);
		struct runq *rq = runq_of(cpu);

		spin_lock_raw(&rq->lock);
		if (atomic_load(&t->cpu) == cpu)
			return rq;
		spin_unlock_raw(&rq->lock);
	}
}

/* Arms the slice timer when the running thread has company. Own CPU. */
static void slice_update(struct runq *rq, u64 now_ns)
{
	struct thread *t = rq->running;
	u64 slice = t != rq->idle && rq->nr_running > 1 ? t->policy->slice(t) : 0;

	if (slice == 0) {
		if (rq->slice_end_ns != U64_MAX) {
			rq->slice_end_ns = U64_MAX;
			timer_slice_set(U64_MAX);
		}
		return;
	}
	rq->slice_end_ns = now_ns + slice;
	timer_slice_set(rq->slice_end_ns);
}

static bool should_preempt(const struct thread *woken, const struct runq *rq)
{
	const struct thread *running = rq->running;
	unsigned a, b;

	if (running == rq->idle)
		return true;
	a = policy_slot(woken->policy);
	b = policy_slot(running->policy);
	return a != b ? a < b : woken->policy->preempts(woken, running);
}

void runq_enqueue(struct runq *rq, struct thread *t, bool woken)
{
	u64 now = time_ns();

	runq_account_current(rq, now);
	atomic_store(&t->cpu, rq->cpu);
	atomic_store(&t->on_rq, 1u);
	t->policy->enqueue(rq, runq_data(rq, t->policy), t, woken);
	atomic_store(&rq->nr_running, rq->nr_running + 1);
	if (should_preempt(t, rq))
		atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	else if (rq->slice_end_ns == U64_MAX)
		slice_update(rq, now);
}

void runq_take_out(struct runq *rq, struct thread *t)
{
	t->policy->dequeue(rq, runq_data(rq, t->policy), t);
	atomic_store(&t->on_rq, 0u);
	atomic_store(&rq->nr_running, rq->nr_running - 1);
}

/* The thread that leaves the CPU goes to sleep, back into the queue, or to another CPU. */
static void put_previous(struct runq *rq, struct thread *prev, bool is_preempted)
{
	if (prev == rq->idle)
		return;
	if (!is_preempted && atomic_load(&prev->state) != THREAD_RUNNABLE) {
		/* A waker that read on_rq == 1 before this waits for the queue's lock and looks again. */
		atomic_store(&prev->on_rq, 0u);
		atomic_store(&rq->nr_running, rq->nr_running - 1);
	} else if (likely(prev->affinity & cpu_mask(rq->cpu->id)) ||
		   atomic_load(&prev->state) != THREAD_RUNNABLE) {	/* as in take_for: not now */
		prev->policy->enqueue(rq, runq_data(rq, prev->policy), prev, false);
	} else {
		atomic_store(&prev->on_rq, 0u);
		atomic_store(&rq->nr_running, rq->nr_running - 1);
		rq->moving = prev;
	}
}

static struct thread *pick_next(struct runq *rq)
{
	for (unsigned slot = 0; rq->nr_running > 0 && slot < SLOT_COUNT; slot++) {
		struct thread *t = sched_policies[slot]->pick(rq, rq->data[slot]);

		if (t)
			return t;
	}
	return rq->idle;
}

/* User FPU registers: saved when their thread leaves, reloaded at user return when another's are in. */
static void switch_fpu(struct cpu *cpu, struct thread *prev, struct thread *next)
{
	if (prev->is_user && cpu->fpu_owner == prev && prev->fpu_cpu == cpu)
		arch_fpu_save(prev);
	if (next->is_user && (cpu->fpu_owner != next || next->fpu_cpu != cpu))
		atomic_fetch_or(&next->exit_work, WORK_FPU);
}

void sched_fpu_reload(void)
{
	struct thread *t = current;
	struct cpu *cpu = arch_cpu_self();

	arch_fpu_restore(t);
	cpu->fpu_owner = t;
	t->fpu_cpu = cpu;
	atomic_fetch_and(&t->exit_work, ~WORK_FPU);
}

/* In the new thread's context: lets go of the thread that ran before. Interrupts off. */
static void finish_switch(struct thread *prev)
{
	struct runq *rq = this_runq();
	struct thread *moving = rq->moving;
	bool is_dead = atomic_load(&prev->state) == THREAD_DEAD;

	rq->moving = NULL;
	atomic_store_release(&prev->on_cpu, 0u);	/* pairs with wake.c's wait: registers are saved */
	spin_unlock_raw(&rq->lock);
	if (unlikely(moving))
		runq_forward(moving, NULL);
	if (unlikely(is_dead))
		thread_put(prev);
}

static void switch_to(struct runq *rq, struct thread *prev, struct thread *next, u64 now)
{
	u64 ticks;

	rq->running = next;
	if (rq->slice_end_ns == U64_MAX && rq->nr_running > 1)
		slice_update(rq, now);	/* others wait, and whoever queued them set no end: it preempted */
	atomic_store(&next->cpu, rq->cpu);
	atomic_store(&next->on_cpu, 1u);
	next->exec_start_ns = now;
	ticks = arch_clock_read();
	if (prev != rq->idle) {
		prev->system_ticks += ticks - prev->mode_stamp;
		stats_settle(rq, prev);
	}
	next->mode_stamp = ticks;
	rq->stats.switches++;
	slice_update(rq, now);
	switch_fpu(rq->cpu, prev, next);
	rseq_switch_in(next, rq->cpu);
	aspace_switch(prev, next);
	finish_switch(arch_thread_switch(prev, next));
}

static void __hot schedule_common(bool is_preempted)
{
	unsigned long flags = arch_irq_save();
	struct runq *rq = this_runq();
	struct thread *prev = current, *next;
	u64 now;

	epoch_quiescent();	/* whoever calls is in no epoch section, whether it gets the CPU again or not */
	if (atomic_load(&rq->wake_list))
		runq_drain(rq);
	now = time_ns();
	spin_lock_raw(&rq->lock);
	runq_account_current(rq, now);
	put_previous(rq, prev, is_preempted);
	next = pick_next(rq);
	atomic_fetch_and(&prev->exit_work, ~(WORK_RESCHED | WORK_BEAT));
	if (next == prev) {
		slice_update(rq, now);
		spin_unlock_raw(&rq->lock);
	} else {
		if (is_preempted)
			prev->involuntary_switches++;
		else
			prev->voluntary_switches++;
		switch_to(rq, prev, next, now);
		/* Another CPU perhaps: rq is stale. */
	}
	arch_irq_restore(flags);
}

void __hot schedule(void)
{
#if CONFIG_DEBUG
	if (current->preempt_count > 1)
		panic("schedule with preemption off: thread %s, preempt_count %#x, %u locks, last %p", current->name,
		      current->preempt_count, current->nr_held, current->held[0]);
#endif
	schedule_common(false);
	loadavg_update(current->exec_start_ns);
}

void sched_preempt(void)
{
	schedule_common(true);
}

void preempt_resched(void)
{
	struct thread *t = current;

	while (unlikely((atomic_load(&t->exit_work) & WORK_RESCHED) && preemptible()))
		schedule_common(true);
}

void sched_yield(void)
{
	struct thread *t = current;
	unsigned long flags = arch_irq_save();
	struct runq *rq = this_runq();

	spin_lock_raw(&rq->lock);
	runq_account_current(rq, time_ns());
	if (t->policy->yield)
		t->policy->yield(rq, runq_data(rq, t->policy), t);
	spin_unlock_raw(&rq->lock);
	arch_irq_restore(flags);
	schedule_common(true);
}

void thread_first_run(struct thread *prev)
{
	finish_switch(prev);
	arch_irq_enable();
}

void sched_slice_expired(void)
{
	struct runq *rq = this_runq();
	u64 now = time_ns();

	spin_lock_raw(&rq->lock);
	runq_account_current(rq, now);
	rq->slice_end_ns = U64_MAX;
	slice_update(rq, now);
	spin_unlock_raw(&rq->lock);
	runq_push_excess(rq, now);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: schedule(), who runs next, what happens before and after. Policies only order
 * threads (a file each); waking is in wake.c, moving between CPUs in balance.c.
 * Lock: the run queue's, taken here and released on the other side of the switch.
 */
#include "runq.h"
#include <arch/trace.h>
#include <kernel/aspace.h>
#include <kernel/irq.h>
#include <kernel/rseq.h>

DEFINE_PERCPU(struct runq, sched_runq);

/* What is limited from above its policy: by its group, or by the guard. */
static __noinline void account_limited(struct runq *rq, struct thread *t, u64 ran)
{
	bool give_way = runq_policy(rq, t)->account(rq, runq_data(rq, t), t, ran);

	if (t->group->cpu.limit)
		bandwidth_charge(t, rq->now_ns, ran);
	if (t->sched_slot <= SLOT_FIXED)
		give_way |= guard_account(rq, ran);
	if (give_way)
		atomic_fetch_or(&t->exit_work, WORK_RESCHED);
}

/* Charges the running thread up to now and asks its policy whether it should give way. */
void __hot runq_account_current(struct runq *rq, u64 now_ns)
{
	struct thread *t = rq->running;
	u64 ran = now_ns > t->exec_start_ns ? now_ns - t->exec_start_ns : 0;

	rq->now_ns = now_ns;
	t->exec_start_ns = now_ns;
	t->runtime_ns += ran;
	if (t == rq->idle)
		rq->stats.idle_ns += ran;
	else if (unlikely(t->group->cpu.limit || t->sched_slot <= SLOT_FIXED))
		account_limited(rq, t, ran);
	else if (runq_policy(rq, t)->account(rq, runq_data(rq, t), t, ran))
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

void runq_kick(struct runq *rq)
{
	atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	if (rq->cpu != arch_cpu_self())
		ipi_send(rq->cpu, IPI_RESCHED);
}

/* When t's turn ends, or something that others wait for. */
static u64 turn_end(struct runq *rq, struct thread *t)
{
	u64 left = runq_policy(rq, t)->slice(rq, runq_data(rq, t), t), end = left ? rq->now_ns + left : U64_MAX;

	if (t->sched_slot >= SLOT_SYSTEM)
		end = min(end, rq->overdue_ns);
	if (unlikely(t->sched_slot == SLOT_FIXED || rq->rt_throttled))
		end = min(end, guard_event_ns(rq));
	return end;
}

/*
 * The moment at which the running thread, the guard or a parked deadline thread wants attention. Own CPU. A thread
 * that is to give way anyway has no such moment: one in the past would interrupt it again before its next instruction,
 * for ever if preemption is off.
 */
static __noinline void event_reckon(struct runq *rq)
{
	struct thread *t = rq->running;
	u64 end = rq->release_ns;

	if (t != rq->idle)
		end = min(end, rq->sample_ns);
	if (t != rq->idle && !(atomic_load(&t->exit_work) & WORK_RESCHED)) {
		if (rq->nr_running > 1 || t->sched_slot == SLOT_DEADLINE)
			end = min(end, turn_end(rq, t));
		if (unlikely(t->group->cpu.limit))
			end = min(end, bandwidth_event_ns(t, rq->now_ns));
	}
	/* An early moment only looks again; nothing shall wake an idle CPU for it, though. */
	if (end == rq->event_ns || (end > rq->event_ns && t != rq->idle))
		return;
	rq->event_ns = end;
	timer_slice_set(end);
}

static __always_inline void event_update(struct runq *rq)
{
	const struct thread *t = rq->running;

	/* Alone and without a limit it has no such moment but that of sampling, and an earlier one that is armed may come. */
	if (likely(rq->nr_running == 1 && t->sched_slot == SLOT_SYSTEM && !t->group->cpu.limit && t != rq->idle &&
		   min(rq->release_ns, rq->sample_ns) >= rq->event_ns))
		return;
	event_reckon(rq);
}

static bool should_preempt(const struct thread *woken, const struct runq *rq)
{
	const struct thread *running = rq->running;

	if (running == rq->idle)
		return true;
	if (unlikely(rq->is_rescuing) && woken->sched_slot >= SLOT_SYSTEM)
		return false;
	if (woken->sched_slot == running->sched_slot)
		return runq_policy(rq, woken)->preempts(woken, running);
	if (unlikely(rq->rt_throttled)) {
		if (running->sched_slot == SLOT_FIXED)
			return true;
		if (woken->sched_slot == SLOT_FIXED)
			return false;
	}
	return woken->sched_slot < running->sched_slot;
}

void runq_meet(struct runq *rq, struct thread *t)
{
	const struct sched_policy *p = runq_policy(rq, t);

	if (t->policy_seq == rq->policy_seq[t->sched_slot])
		return;
	t->policy_seq = rq->policy_seq[t->sched_slot];
	t->slice_ns = 0;
	t->vruntime = 0;
	t->level = 0;
	t->boost_seq = 0;
	if (p->join)
		p->join(rq, runq_data(rq, t), t);
}

__hot void runq_set_turn(struct runq *rq, struct thread *t)
{
	t->turn_share = SHARE_ONE;
	t->turn_ns = quantum_of_nice(t->nice);
	if (unlikely(t->load_group)) {
		t->turn_share = group_share(rq, t);
		t->turn_ns = t->turn_ns * t->turn_share / SHARE_ONE;
	}
}

bool __hot runq_insert(struct runq *rq, struct thread *t, u32 flags)
{
	if (unlikely(t->policy_seq != rq->policy_seq[t->sched_slot]))
		runq_meet(rq, t);
	runq_set_turn(rq, t);
	if (unlikely(!runq_policy(rq, t)->enqueue(rq, runq_data(rq, t), t, flags)))
		return false;
	runq_count_more(rq, t->sched_slot);
	return true;
}

void __hot runq_enqueue(struct runq *rq, struct thread *t, u32 flags)
{
	runq_account_current(rq, time_ns());
	atomic_store(&t->cpu, rq->cpu);
	atomic_store(&t->on_rq, 1u);
	if (unlikely(atomic_load(&t->group)->parent))
		group_load_add(rq, t);
	if (unlikely(!runq_insert(rq, t, flags))) {
		event_update(rq);
		return;
	}
	if (likely(!t->wait_start_ns)) {
		t->wait_start_ns = rq->now_ns;
		runq_wait_begin(rq, t);
	} else {
		overdue_wait_on(rq, t);		/* it came from another CPU */
	}
	runq_set_running(rq, rq->nr_running + 1);
	if (should_preempt(t, rq))
		atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	else
		event_update(rq);
}

void runq_take_out(struct runq *rq, struct thread *t)
{
	if (runq_policy(rq, t)->dequeue(rq, runq_data(rq, t), t)) {
		runq_count_less(rq, t->sched_slot);
		runq_set_running(rq, rq->nr_running - 1);
		runq_wait_end(t);
	}
	if (unlikely(t->load_group))
		group_load_remove(rq, t);
	atomic_store(&t->on_rq, 0u);
}

static void leave_queue(struct runq *rq, struct thread *t)
{
	/* A waker that read on_rq == 1 before this waits for the queue's lock and looks again. */
	atomic_store(&t->on_rq, 0u);
	if (unlikely(t->load_group))
		group_load_remove(rq, t);
	runq_set_running(rq, rq->nr_running - 1);
}

/* The thread that leaves the CPU goes to sleep, back into the queue, or to another CPU. */
static void __hot put_previous(struct runq *rq, struct thread *prev, bool is_preempted, u32 flags)
{
	bool is_runnable = atomic_load(&prev->state) == THREAD_RUNNABLE;

	if (prev == rq->idle)
		return;
	if (!is_preempted && !is_runnable) {
		prev->slept_since_ns = rq->now_ns;
		leave_queue(rq, prev);
	} else if (likely(prev->allowed & cpu_mask(rq->cpu->id)) || !is_runnable) {	/* as in take_for: not now */
		prev->wait_start_ns = rq->now_ns;
		if (likely(runq_insert(rq, prev, flags)))
			runq_wait_begin(rq, prev);
		else
			runq_set_running(rq, rq->nr_running - 1);
	} else {
		leave_queue(rq, prev);
		rq->moving = prev;
	}
}

static struct thread * __hot pick_next(struct runq *rq)
{
	u32 mask = rq->queued_mask, others = mask & ~(1u << SLOT_FIXED);
	struct thread *t;
	unsigned slot;

	if (mask == 0)
		return rq->idle;
	if (unlikely(rq->rt_throttled) && others)
		mask = others;
	slot = (unsigned)__builtin_ctz(mask);
	if (unlikely(rq->now_ns >= rq->overdue_ns) && slot >= SLOT_SYSTEM && (t = overdue_take(rq)))
		return t;
	runq_count_less(rq, slot);
	t = rq->policy[slot]->pick(rq, rq->data[slot]);
	if (slot >= SLOT_SYSTEM)
		list_remove(&t->wait_link);
	return t;
}

/* Debug registers are loaded at user return, like those of the FPU. User FPU registers: saved when their thread leaves, reloaded at user return when another's are in. */
static void switch_fpu(struct cpu *cpu, struct thread *prev, struct thread *next)
{
	if (prev->is_user && cpu->fpu_owner == prev && prev->fpu_cpu == cpu)
		arch_fpu_save(prev);
	if (unlikely(cpu->debug_owner)) {
		cpu->debug_owner = NULL;
		arch_debug_unload(prev);
		atomic_fetch_or(&prev->exit_work, WORK_TRACE);
	}
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

static void note_turn(struct runq *rq, struct thread *next)
{
	u64 waited = rq->now_ns - next->wait_start_ns;

	if (next->wait_start_ns == 0 || next == rq->idle)
		return;
	next->wait_start_ns = 0;
	next->waited_ns += waited;
	next->wait_max_ns = max(next->wait_max_ns, waited);
	rq->stats.wait_ns += waited;
	rq->stats.turns++;
}

/* ticks: rq->now_ns by the counter. */
static void __hot switch_to(struct runq *rq, struct thread *prev, struct thread *next, u64 ticks)
{
	u64 now = rq->now_ns;

	if (unlikely(atomic_load(&sched_trace_on)))
		trace_switch(now, prev, next);
	rq->running = next;
	atomic_store(&next->cpu, rq->cpu);
	atomic_store(&next->on_cpu, 1u);
	next->exec_start_ns = now;
	if (prev != rq->idle)
		stats_settle(rq, prev, ticks);
	else
		stats_end_idle(rq);
	next->mode_stamp = ticks;
	rq->stats.switches++;
	if (next == rq->idle)
		rq->stats.idle_switches++;
	note_turn(rq, next);
	if (unlikely(next->group->cpu.limit))
		bandwidth_charge(next, now, 0);	/* nothing left: it stops on its way to user mode */
	event_update(rq);
	switch_fpu(rq->cpu, prev, next);
	rseq_switch_out(prev);
	rseq_switch_in(next, rq->cpu);
	aspace_switch(prev, next);
	finish_switch(arch_thread_switch(prev, next));
}

/* A period's or a parked thread's time may have come. */
static __always_inline void catch_up(struct runq *rq)
{
	if (unlikely(rq->now_ns >= rq->release_ns))
		rq->release_ns = deadline_release_due(rq);
	if (unlikely(rq->rt_throttled))
		guard_refresh(rq);
	if (unlikely(rq->now_ns >= rq->overdue_ns))
		overdue_look(rq);
}

static void __hot schedule_common(bool is_preempted, u32 enqueue_flags)
{
	unsigned long flags = arch_irq_save();
	struct runq *rq = this_runq();
	struct thread *prev = current, *next;
	u64 now, ticks;

	epoch_note();	/* whoever calls is in no epoch section, whether it gets the CPU again or not */
	if (atomic_load(&rq->wake_list))
		runq_drain(rq);
	now = time_ns_and_ticks(&ticks);
	spin_lock_raw(&rq->lock);
	if (prev->has_woken && !is_preempted)
		thread_note_handoff(prev, now - prev->exec_start_ns);
	runq_account_current(rq, now);
	catch_up(rq);
	if (unlikely(enqueue_flags))
		rq->stats.yields++;
	if (unlikely(rq->is_rescuing)) {
		rq->is_rescuing = false;
		if (prev->sched_slot >= SLOT_SYSTEM)
			enqueue_flags |= ENQUEUE_YIELDED;	/* behind its equals: it was before them */
	}
	put_previous(rq, prev, is_preempted, enqueue_flags);
	next = pick_next(rq);
	rq->stats.schedules++;
	atomic_fetch_and(&prev->exit_work, ~(WORK_RESCHED | WORK_BEAT));
	if (next == prev) {
		prev->wait_start_ns = 0;
		event_update(rq);
		spin_unlock_raw(&rq->lock);
	} else {
		if (is_preempted)
			prev->involuntary_switches++;
		else
			prev->voluntary_switches++;
		switch_to(rq, prev, next, ticks);
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
	schedule_common(false, 0);
	loadavg_update(current->exec_start_ns);
}

void sched_preempt(void)
{
	schedule_common(true, 0);
}

void preempt_resched(void)
{
	struct thread *t = current;

	while (unlikely((atomic_load(&t->exit_work) & WORK_RESCHED) && preemptible()))
		schedule_common(true, 0);
}

void sched_yield(void)
{
	schedule_common(true, ENQUEUE_YIELDED);
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
	rq->event_ns = U64_MAX;
	if (now >= rq->sample_ns)
		stats_sample(rq);
	catch_up(rq);
	event_update(rq);
	spin_unlock_raw(&rq->lock);
	runq_push_excess(rq, now);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a thread's class, priority, nice value and CPUs while it may run, wait in a queue, sleep
 * or be on its way between CPUs. Lock order: sched_admin_lock where admission may be needed,
 * thread.wake_lock (holds wakers off), then the run queue's.
 */
#include "runq.h"
#include <kernel/irq.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

struct mutex sched_admin_lock;	/* initialised by sched_init */
cpumask_t cpu_active_mask;

void thread_update_allowed(struct thread *t)
{
	cpumask_t active = atomic_load(&cpu_active_mask), mask = t->affinity & active;

	if (t->sched_slot == SLOT_DEADLINE && t->deadline.bandwidth)
		mask = cpu_mask(t->deadline.cpu);
	else if (!atomic_load(&sched_settings.affinity) && t->is_user)
		mask = active;
	t->allowed = mask ? mask : active ? active : t->affinity;
}

/* Takes a queued thread off, applies change, puts it back or sends it where it may run; the running one is checked. */
static void change(struct thread *t, void (*apply)(struct runq *rq, struct thread *t, const void *arg), const void *arg)
{
	unsigned long flags = spin_lock_irqsave(&t->wake_lock);
	struct runq *rq = runq_lock_of(t);
	bool is_running = rq->running == t, is_queued = atomic_load(&t->on_rq) && !is_running, must_move = false;

	if (is_running)
		runq_account_current(rq, time_ns());
	else
		rq->now_ns = max(rq->now_ns, time_ns());
	if (is_queued) {
		runq_take_out(rq, t);
		atomic_store(&t->on_rq, 1u);	/* still its place, for wakers */
	}
	apply(rq, t, arg);
	thread_update_allowed(t);
	if (is_queued) {
		/* Preempted on its way to sleep it may not leave the queue: a waker would take it for asleep (take_for). */
		if (unlikely(atomic_load(&t->group)->parent))
			group_load_add(rq, t);
		must_move = !(t->allowed & cpu_mask(rq->cpu->id)) && atomic_load(&t->state) == THREAD_RUNNABLE;
		if (must_move) {
			if (unlikely(t->load_group))
				group_load_remove(rq, t);
			atomic_store(&t->on_rq, 0u);
		} else if (runq_insert(rq, t, ENQUEUE_WOKEN)) {
			overdue_wait_on(rq, t);
			runq_set_running(rq, rq->nr_running + 1);
		}
	}
	if (is_running) {
		runq_meet(rq, t);
		runq_set_turn(rq, t);
	}
	if (is_queued && !(t->allowed & cpu_mask(rq->cpu->id)))
		atomic_fetch_or(&t->exit_work, WORK_RESCHED);	/* leaves when it runs again */
	if (is_running || is_queued)
		runq_kick(rq);
	spin_unlock_raw(&rq->lock);
	if (must_move)
		runq_send(t, sched_place(t));
	spin_unlock_irqrestore(&t->wake_lock, flags);
}

u32 sched_slot_of(u32 sched_class)
{
	switch (sched_class) {
	case SCHED_DEADLINE:
		return SLOT_DEADLINE;
	case SCHED_FIFO:
	case SCHED_RR:
		return SLOT_FIXED;
	case SCHED_IDLE:
		return SLOT_BACKGROUND;
	default:
		return SLOT_SYSTEM;
	}
}

struct class_change {
	u32 sched_class, rt_priority;
	struct sched_deadline deadline;
};

static void apply_class(struct runq *rq, struct thread *t, const void *arg)
{
	const struct class_change *c = arg;

	t->sched_class = c->sched_class;
	t->rt_priority = c->rt_priority;
	t->sched_slot = t->lent_priority && c->sched_class != SCHED_DEADLINE ? SLOT_FIXED : sched_slot_of(c->sched_class);
	if (c->sched_class == SCHED_DEADLINE) {
		t->deadline.runtime_ns = c->deadline.runtime_ns;
		t->deadline.relative_ns = c->deadline.relative_ns;
		t->deadline.period_ns = c->deadline.period_ns;
		t->deadline.flags = c->deadline.flags;
		deadline_begin(rq, t);
	}
}

int sched_set_class(struct thread *t, u32 sched_class, u32 rt_priority)
{
	struct class_change c = { sched_class, rt_priority, {} };
	bool is_fixed = sched_class == SCHED_FIFO || sched_class == SCHED_RR;

	if (!is_fixed && sched_class != SCHED_OTHER && sched_class != SCHED_BATCH && sched_class != SCHED_IDLE)
		return -EINVAL;
	if (is_fixed ? rt_priority < 1 || rt_priority > 99 : rt_priority != 0)
		return -EINVAL;
	mutex_lock(&sched_admin_lock);
	deadline_withdraw(t);
	change(t, apply_class, &c);
	mutex_unlock(&sched_admin_lock);
	return 0;
}

int sched_set_deadline(struct thread *t, u64 runtime_ns, u64 deadline_ns, u64 period_ns, u64 flags)
{
	struct class_change c = { .sched_class = SCHED_DEADLINE };
	u64 shortest = atomic_load(&sched_settings.deadline_period_min_us) * NSEC_PER_USEC;
	u64 longest = atomic_load(&sched_settings.deadline_period_max_us) * NSEC_PER_USEC;
	int cpu;

	if (period_ns == 0)
		period_ns = deadline_ns;
	/* Linux's __checkparam_dl: a runtime below 1,024 ns cannot be kept. */
	if (deadline_ns == 0 || runtime_ns < 1024 || runtime_ns > deadline_ns || deadline_ns > period_ns ||
	    period_ns >> 63 || period_ns < shortest || period_ns > longest)
		return -EINVAL;
	c.deadline = (struct sched_deadline){
		.runtime_ns = runtime_ns, .relative_ns = deadline_ns, .period_ns = period_ns, .flags = flags,
	};
	mutex_lock(&sched_admin_lock);
	/* A deadline before the period's end: the demand within it is what has to fit. */
	cpu = deadline_admit(t, runtime_ns, deadline_ns, t->affinity & atomic_load(&cpu_active_mask));
	if (cpu >= 0)
		change(t, apply_class, &c);
	mutex_unlock(&sched_admin_lock);
	return min(cpu, 0);
}

/* ---- priority inheritance: a lent priority puts a thread of any class into the fixed queue ---- */

u32 sched_own_priority(const struct thread *t)
{
	u32 sched_class = atomic_load(&t->sched_class);

	return sched_class == SCHED_FIFO || sched_class == SCHED_RR ? atomic_load(&t->rt_priority) :
	       sched_class == SCHED_DEADLINE ? SCHED_PRIORITY_DEADLINE : 0;
}

static void apply_lent(struct runq *rq, struct thread *t, const void *arg)
{
	t->lent_priority = *(const u32 *)arg;
	t->sched_slot = t->lent_priority ? SLOT_FIXED : sched_slot_of(t->sched_class);
}

void sched_lend(struct thread *t, u32 priority)
{
	u32 own = sched_own_priority(t), lent = priority > own && own < 99 ? min(priority, 99u) : 0;

	if (atomic_load(&t->lent_priority) != lent)
		change(t, apply_lent, &lent);
}

static void apply_nice(struct runq *rq, struct thread *t, const void *arg)
{
	t->nice = *(const s32 *)arg;
}

int sched_set_nice(struct thread *t, s32 nice)
{
	if (nice < -20 || nice > 19)
		return -EINVAL;
	change(t, apply_nice, &nice);
	return 0;
}

static void apply_affinity(struct runq *rq, struct thread *t, const void *arg)
{
	if (arg)
		t->affinity = *(const cpumask_t *)arg;
}

int sched_set_affinity(struct thread *t, cpumask_t mask)
{
	int err = 0;

	if ((mask & atomic_load(&cpu_online_mask)) == 0)
		return -EINVAL;
	mutex_lock(&sched_admin_lock);
	if ((mask & atomic_load(&cpu_active_mask)) == 0)
		err = -EINVAL;
	else if (t->sched_class == SCHED_DEADLINE)
		err = min(deadline_admit(t, t->deadline.runtime_ns, t->deadline.relative_ns,
					 mask & atomic_load(&cpu_active_mask)), 0);
	if (!err)
		change(t, apply_affinity, &mask);
	mutex_unlock(&sched_admin_lock);
	return err;
}

void sched_refresh_allowed(struct thread *t)
{
	change(t, apply_affinity, NULL);
}

void sched_set_reset_on_fork(struct thread *t, bool on)
{
	unsigned long flags = spin_lock_irqsave(&t->wake_lock);

	t->reset_on_fork = on;
	spin_unlock_irqrestore(&t->wake_lock, flags);
}

int sched_may_fork(void)
{
	return current->sched_class == SCHED_DEADLINE && !current->reset_on_fork ? -EAGAIN : 0;
}

/* thread_alloc inherited class, nice, affinity and the policy's numbers: nothing is gained by forking. */
void sched_fork(struct thread *child)
{
	const struct thread *parent = current;

	child->policy_seq = parent->policy_seq;
	child->vruntime = parent->vruntime;
	child->level = parent->level;
	child->boost_seq = parent->boost_seq;
	child->slice_ns = parent->sched_slot == SLOT_SYSTEM ? parent->slice_ns : 0;
	if (parent->reset_on_fork) {
		if (parent->sched_slot != SLOT_SYSTEM) {
			child->sched_class = SCHED_OTHER;
			child->sched_slot = SLOT_SYSTEM;
			child->rt_priority = 0;
			child->policy_seq = 0;
		}
		child->nice = max(child->nice, 0);
	}
	thread_update_allowed(child);
	atomic_store(&child->cpu, atomic_load(&current->cpu));
}

void sched_exit(void)
{
	if (current->sched_class == SCHED_DEADLINE)
		(void)sched_set_class(current, SCHED_OTHER, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a thread's class, priority, nice value and CPUs while it may run, wait in a queue, sleep
 * or be on its way between CPUs. Lock order: thread.wake_lock (holds wakers off), then the
 * run queue's.
 */
#include "runq.h"
#include <kernel/irq.h>
#include <kernel/time.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

static void kick(struct runq *rq)
{
	atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	if (rq->cpu != arch_cpu_self())
		ipi_send(rq->cpu, IPI_RESCHED);
}

/* Takes a queued thread off, applies change, puts it back; the running one keeps running and is checked. */
static void change(struct thread *t, void (*apply)(struct thread *t, const void *arg), const void *arg)
{
	unsigned long flags = spin_lock_irqsave(&t->wake_lock);
	struct runq *rq = runq_lock_of(t);
	bool is_running = rq->running == t;
	bool is_queued = atomic_load(&t->on_rq) && !is_running;

	if (is_running)
		runq_account_current(rq, time_ns());
	if (is_queued)
		t->policy->dequeue(rq, runq_data(rq, t->policy), t);
	apply(t, arg);
	if (is_queued)
		t->policy->enqueue(rq, runq_data(rq, t->policy), t, true);
	if (is_running || is_queued)
		kick(rq);
	spin_unlock_raw(&rq->lock);
	spin_unlock_irqrestore(&t->wake_lock, flags);
}

struct class_change {
	u32 sched_class, rt_priority;
};

static void apply_class(struct thread *t, const void *arg)
{
	const struct class_change *c = arg;
	const struct sched_policy *old = t->policy;

	t->sched_class = c->sched_class;
	t->rt_priority = c->rt_priority;
	if (c->sched_class == SCHED_FIFO || c->sched_class == SCHED_RR)
		t->policy = &sched_policy_fixed;
	else if (c->sched_class == SCHED_IDLE)
		t->policy = &sched_policy_background;
	else
		t->policy = &sched_policy_fair;
	if (t->policy != old) {
		t->slice_ns = 0;
		t->vruntime = 0;	/* the fair queue lifts it to its floor */
	}
}

int sched_set_class(struct thread *t, u32 sched_class, u32 rt_priority)
{
	struct class_change c = { sched_class, rt_priority };
	bool is_fixed = sched_class == SCHED_FIFO || sched_class == SCHED_RR;

	if (!is_fixed && sched_class != SCHED_OTHER && sched_class != SCHED_BATCH && sched_class != SCHED_IDLE)
		return -EINVAL;
	if (is_fixed ? rt_priority < 1 || rt_priority > 99 : rt_priority != 0)
		return -EINVAL;
	change(t, apply_class, &c);
	return 0;
}

static void apply_nice(struct thread *t, const void *arg)
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

int sched_set_affinity(struct thread *t, cpumask_t mask)
{
	unsigned long flags;
	struct runq *rq;
	bool must_move = false;

	if ((mask & atomic_load(&cpu_online_mask)) == 0)
		return -EINVAL;
	flags = spin_lock_irqsave(&t->wake_lock);
	rq = runq_lock_of(t);
	t->affinity = mask;
	if (atomic_load(&t->on_rq) && !(mask & cpu_mask(rq->cpu->id))) {
		if (rq->running == t) {
			kick(rq);	/* its next switch sends it away */
		} else if (atomic_load(&t->state) != THREAD_RUNNABLE) {
			atomic_fetch_or(&t->exit_work, WORK_RESCHED);	/* as in take_for: when it runs again */
		} else {
			runq_take_out(rq, t);
			must_move = true;
		}
	}
	spin_unlock_raw(&rq->lock);
	if (must_move)
		runq_send(t, sched_place(t));
	spin_unlock_irqrestore(&t->wake_lock, flags);
	return 0;
}

void sched_fork(struct thread *child)
{
	/* thread_alloc inherited class, nice and affinity. Half a credit back: no gain by forking. */
	child->slice_ns = 0;
	child->vruntime = current->vruntime;
	atomic_store(&child->cpu, atomic_load(&current->cpu));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues, sleeping with a deadline, completions. The rule that loses no wake-up: a waiter
 * enters the queue and publishes its state under the queue's lock, then tests its condition; a
 * waker makes the condition true, then looks whether the queue is empty, full fences between the two on
 * both sides. Whichever comes second sees the other. How thread_wake then meets a thread that is still on its way to sleep: kernel/sched/wake.c.
 * Locks: waitq.lock guards the list; thread.wake_lock is taken inside it.
 */
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <uapi/errno.h>

void waitq_init(struct waitq *q)
{
	spin_init(&q->lock, "waitq", LOCK_WAITQ);
	list_init(&q->waiters);
}

static bool wake_thread_entry(struct waitq_entry *e, u32 events)
{
	return thread_wake(e->thread, BIT(THREAD_SLEEPING) | BIT(THREAD_BLOCKED));
}

void waitq_add(struct waitq *q, struct waitq_entry *e)
{
	unsigned long flags;

	if (e->wake == NULL)
		e->wake = wake_thread_entry;
	flags = spin_lock_irqsave(&q->lock);
	if (e->exclusive)
		list_push_back(&q->waiters, &e->link);
	else
		list_push_front(&q->waiters, &e->link);
	spin_unlock_irqrestore(&q->lock, flags);
	atomic_fence_full();	/* pairs with waitq_wake's: the entry before the caller's look at its condition */
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
	/* Always under the lock: a waker may still be looking at e. */
	unsigned long flags = spin_lock_irqsave(&q->lock);

	list_remove(&e->link);
	spin_unlock_irqrestore(&q->lock, flags);
}

static void wake_locked(struct waitq *q, unsigned n, u32 events)
{
	struct waitq_entry *e, *tmp;

	list_for_each_safe(e, tmp, &q->waiters, link) {
		bool exclusive = e->exclusive;

		if (exclusive && n == 0)
			break;
		if (e->want && !(e->want & events))
			continue;
		if (!e->wake(e, events))
			continue;
		if (!e->stays)
			list_remove(&e->link);
		if (exclusive && n != ~0u)
			n--;
	}
}

void __hot waitq_wake_some(struct waitq *q, unsigned n, u32 events)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	wake_locked(q, n, events);
	spin_unlock_irqrestore(&q->lock, flags);
}

void __hot thread_prepare_sleep(enum sleep_mode mode)
{
	atomic_store(&current->state,
		     mode == SLEEP_INTERRUPTIBLE ? (u32)THREAD_SLEEPING : (u32)THREAD_BLOCKED);
	atomic_fence_full();	/* pairs with thread_wake's: state before the caller's condition */
}

void __hot waitq_prepare_events(struct waitq *q, struct waitq_entry *e, enum sleep_mode mode, bool exclusive, u32 events)
{
	unsigned long flags;

	e->thread = current;
	e->wake = wake_thread_entry;
	e->exclusive = exclusive;
	e->want = events;
	e->stays = false;
	e->data = NULL;
	flags = spin_lock_irqsave(&q->lock);
	if (exclusive)
		list_push_back(&q->waiters, &e->link);
	else
		list_push_front(&q->waiters, &e->link);
	thread_prepare_sleep(mode);
	spin_unlock_irqrestore(&q->lock, flags);
}

void __hot waitq_finish(struct waitq *q, struct waitq_entry *e)
{
	atomic_store(&current->state, (u32)THREAD_RUNNABLE);
	/*
	 * Linked to itself in both directions: a waker took it out, and that is the last thing a waker does with it. Else one
	 * may be looking at it.
	 */
	if (READ_ONCE(e->link.next) != &e->link || atomic_load_acquire(&e->link.prev) != &e->link)
		waitq_remove(q, e);
}

static bool is_interrupted(enum sleep_mode mode)
{
	const struct thread *t = current;

	if (mode == SLEEP_INTERRUPTIBLE)
		return (atomic_load(&t->exit_work) & WORK_SIGNAL) != 0;
	return mode == SLEEP_KILLABLE && atomic_load(&t->sig_exit_pending);
}

struct sleep_timer {
	struct timer timer;
	struct thread *thread;
	bool fired;		/* [a] */
};

static void sleep_timer_fire(struct timer *timer)
{
	struct sleep_timer *s = container_of(timer, struct sleep_timer, timer);

	atomic_store_release(&s->fired, true);	/* pairs with sleep_with_timer's acquire */
	thread_wake(s->thread, BIT(THREAD_SLEEPING) | BIT(THREAD_BLOCKED));
}

/* True when the deadline passed. */
static bool sleep_with_timer(u64 deadline_ns, bool is_wall)
{
	struct sleep_timer s = { .thread = current };
	u64 slack = current->rt_priority ? 0 : current->slack_ns;

	timer_init(&s.timer, sleep_timer_fire);
	if (is_wall)
		timer_arm_wall(&s.timer, deadline_ns, slack);
	else
		timer_arm(&s.timer, deadline_ns, slack);
	schedule();
	timer_cancel_sync(&s.timer);
	return atomic_load_acquire(&s.fired);
}

int __hot thread_sleep(enum sleep_mode mode, u64 deadline_ns)
{
	bool timed_out = false;

	might_sleep();
	if (is_interrupted(mode)) {
		atomic_store(&current->state, (u32)THREAD_RUNNABLE);
		return -EINTR;
	}
	if (deadline_ns == U64_MAX) {
		schedule();
	} else if (time_ns() >= deadline_ns) {
		atomic_store(&current->state, (u32)THREAD_RUNNABLE);
		timed_out = true;
	} else {
		timed_out = sleep_with_timer(deadline_ns, false);
	}
	if (is_interrupted(mode))
		return -EINTR;
	return timed_out ? -ETIMEDOUT : 0;
}

int thread_sleep_wall(enum sleep_mode mode, u64 deadline_ns)
{
	bool timed_out = true;

	might_sleep();
	if (is_interrupted(mode)) {
		atomic_store(&current->state, (u32)THREAD_RUNNABLE);
		return -EINTR;
	}
	if (time_wall_ns() >= (s64)min(deadline_ns, (u64)S64_MAX))
		atomic_store(&current->state, (u32)THREAD_RUNNABLE);
	else
		timed_out = sleep_with_timer(deadline_ns, true);
	if (is_interrupted(mode))
		return -EINTR;
	return timed_out ? -ETIMEDOUT : 0;
}

int sleep_until(u64 deadline_ns, bool interruptible)
{
	enum sleep_mode mode = interruptible ? SLEEP_INTERRUPTIBLE : SLEEP_UNINTERRUPTIBLE;

	while (time_ns() < deadline_ns) {
		thread_prepare_sleep(mode);
		if (thread_sleep(mode, deadline_ns) == -EINTR)
			return -EINTR;
	}
	return 0;
}

int sleep_until_wall(u64 deadline_ns)
{
	while (time_wall_ns() < (s64)min(deadline_ns, (u64)S64_MAX)) {
		thread_prepare_sleep(SLEEP_INTERRUPTIBLE);
		if (thread_sleep_wall(SLEEP_INTERRUPTIBLE, deadline_ns) == -EINTR)
			return -EINTR;
	}
	return 0;
}

void completion_init(struct completion *c)
{
	waitq_init(&c->q);
	c->done = false;
}

void completion_signal(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->q.lock);

	atomic_store(&c->done, true);
	wake_locked(&c->q, ~0u, ~0u);
	spin_unlock_irqrestore(&c->q.lock, flags);
}

/* The signaller may still hold the lock of a completion on our stack: pass through it once. */
static void completion_leave(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->q.lock);

	spin_unlock_irqrestore(&c->q.lock, flags);
}

void completion_wait(struct completion *c)
{
	waitq_wait(&c->q, atomic_load(&c->done));
	completion_leave(c);
}

int completion_wait_deadline(struct completion *c, u64 deadline_ns)
{
	int err = waitq_wait_until(&c->q, atomic_load(&c->done), SLEEP_UNINTERRUPTIBLE, deadline_ns, false);

	if (err == 0)
		completion_leave(c);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping reader-writer lock, fair: one FIFO queue of readers and writers; who arrives while
 * somebody queues, queues behind. A release hands the lock to the head: one writer, or all readers
 * up to the next writer. Lock: rwlock.lock guards everything.
 */
#include "lock_debug.h"
#include <kernel/sched.h>
#include <kernel/waitq.h>

struct rwlock_waiter {
	struct list link;
	struct thread *thread;
	bool is_writer;
	bool granted;
};

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank)
{
	spin_init(&l->lock, name, LOCK_WAITQ);
	l->state = 0;
	l->waiting_writers = 0;
	list_init(&l->waiters);
	l->writer = NULL;
	LOCK_NAME(l, name, rank);
}

/* With l->lock held: lets the head of the queue in, as far as the state allows. */
static void hand_off(struct rwlock *l)
{
	struct rwlock_waiter *w;

	while ((w = list_first(&l->waiters, struct rwlock_waiter, link)) != NULL) {
		if (l->state < 0 || (w->is_writer && l->state != 0))
			return;
		list_remove(&w->link);
		if (w->is_writer) {
			l->state = -1;
			l->writer = w->thread;
			l->waiting_writers--;
		} else {
			l->state++;
		}
		w->granted = true;
		thread_wake(w->thread, BIT(THREAD_BLOCKED));	/* under the lock: w is on its stack */
	}
}

/* Out of line: the compiler cannot see that hand_off takes w off again before its frame ends. */
static void __noinline join_queue(struct rwlock *l, struct rwlock_waiter *w)
{
	if (w->is_writer)
		l->waiting_writers++;
	list_push_back(&l->waiters, &w->link);
}

/* Queues and sleeps until granted; drops and retakes l->lock. Returns the flags to restore. */
static unsigned long wait_turn(struct rwlock *l, bool is_writer, unsigned long flags)
{
	struct rwlock_waiter w = { .thread = current, .is_writer = is_writer };

	join_queue(l, &w);
	while (!w.granted) {
		thread_prepare_sleep(SLEEP_UNINTERRUPTIBLE);
		spin_unlock_irqrestore(&l->lock, flags);
		(void)thread_sleep(SLEEP_UNINTERRUPTIBLE, U64_MAX);
		flags = spin_lock_irqsave(&l->lock);
	}
	return flags;
}

void rwlock_read_lock(struct rwlock *l)
{
	unsigned long flags;

	might_sleep();
	LOCK_CHECK_AS(&l->state, l);
	flags = spin_lock_irqsave(&l->lock);
	if (l->state >= 0 && list_empty(&l->waiters))
		l->state++;
	else
		flags = wait_turn(l, false, flags);
	spin_unlock_irqrestore(&l->lock, flags);
	LOCK_ACQUIRED_AS(&l->state, l);
}

bool rwlock_read_trylock(struct rwlock *l)
{
	unsigned long flags = spin_lock_irqsave(&l->lock);
	bool taken = l->state >= 0 && list_empty(&l->waiters);

	if (taken)
		l->state++;
	spin_unlock_irqrestore(&l->lock, flags);
	if (taken)
		LOCK_ACQUIRED_AS(&l->state, l);
	return taken;
}

void rwlock_read_unlock(struct rwlock *l)
{
	unsigned long flags;

	LOCK_RELEASED(&l->state);
	flags = spin_lock_irqsave(&l->lock);
	assert(l->state > 0);
	if (--l->state == 0)
		hand_off(l);
	spin_unlock_irqrestore(&l->lock, flags);
}

void rwlock_write_lock(struct rwlock *l)
{
	unsigned long flags;

	might_sleep();
	LOCK_CHECK_AS(&l->state, l);
	flags = spin_lock_irqsave(&l->lock);
	if (l->state == 0 && list_empty(&l->waiters)) {
		l->state = -1;
		l->writer = current;
	} else {
		flags = wait_turn(l, true, flags);
	}
	spin_unlock_irqrestore(&l->lock, flags);
	LOCK_ACQUIRED_AS(&l->state, l);
}

void rwlock_write_unlock(struct rwlock *l)
{
	unsigned long flags;

	LOCK_RELEASED(&l->state);
	flags = spin_lock_irqsave(&l->lock);
	assert(l->state == -1 && l->writer == current);
	l->state = 0;
	l->writer = NULL;
	hand_off(l);
	spin_unlock_irqrestore(&l->lock, flags);
}

bool rwlock_is_held(const struct rwlock *l)
{
#if CONFIG_DEBUG
	return lock_debug_holds(&l->state);
#else
	return atomic_load(&l->state) != 0;
#endif
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping reader-writer lock, fair: one FIFO queue of readers and writers; who arrives while
 * somebody queues, queues behind. A release hands the lock to the head: one writer, or all readers
 * up to the next writer. Without a queue, taking and releasing is one exchange of the word. Before queueing, a
 * taker watches the word for a moment (watch.h).
 * Lock: rwlock.lock guards the queue; while RW_QUEUED is set the word changes only under it.
 */
#include "lock_debug.h"
#include "watch.h"
#include <kernel/epoch.h>
#include <kernel/sched.h>
#include <kernel/waitq.h>

#define RW_WRITER BIT(31)
#define RW_QUEUED BIT(30)	/* the rest: number of readers */
#define RW_BITS ((u32)(RW_WRITER | RW_QUEUED))

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
	list_init(&l->waiters);
	l->writer = NULL;
	LOCK_NAME(l, name, rank);
}

/* With l->lock held and RW_QUEUED set: lets the head of the queue in, as far as the word allows. */
static void hand_off(struct rwlock *l)
{
	struct rwlock_waiter *w;

	while ((w = list_first(&l->waiters, struct rwlock_waiter, link)) != NULL) {
		u32 now = atomic_load(&l->state);

		if (now & RW_WRITER || (w->is_writer && now != RW_QUEUED))
			return;
		list_remove(&w->link);
		if (w->is_writer)
			atomic_store(&l->writer, w->thread);
		/* The new owner is ordered after the last one by l->lock. */
		atomic_store(&l->state, w->is_writer ? RW_WRITER | RW_QUEUED : now + 1);
		w->granted = true;
		thread_wake(w->thread, BIT(THREAD_BLOCKED));	/* under the lock: w is on its stack */
	}
	(void)atomic_fetch_and(&l->state, ~(u32)RW_QUEUED);
}

/* Out of line: the compiler cannot see that hand_off takes w off again before its frame ends. */
static void __noinline join_queue(struct rwlock *l, struct rwlock_waiter *w)
{
	list_push_back(&l->waiters, &w->link);
	(void)atomic_fetch_or(&l->state, (u32)RW_QUEUED);
}

/* Queues and sleeps until granted. */
static void __noinline wait_turn(struct rwlock *l, bool is_writer)
{
	struct rwlock_waiter w = { .thread = current, .is_writer = is_writer };
	unsigned long flags = spin_lock_irqsave(&l->lock);

	join_queue(l, &w);
	hand_off(l);	/* whoever held it may have gone just before */
	while (!w.granted) {
		thread_prepare_sleep(SLEEP_UNINTERRUPTIBLE);
		spin_unlock_irqrestore(&l->lock, flags);
		(void)thread_sleep(SLEEP_UNINTERRUPTIBLE, U64_MAX);
		flags = spin_lock_irqsave(&l->lock);
	}
	spin_unlock_irqrestore(&l->lock, flags);
}

/* One reader more, unless there is a writer or a queue. Acquire: pairs with the releases of unlocking. */
static inline bool read_enter(struct rwlock *l)
{
	u32 now = atomic_load(&l->state);

	while (likely(!(now & (RW_WRITER | RW_QUEUED))))
		if (likely(atomic_cmpxchg(&l->state, &now, now + 1)))
			return true;
	return false;
}

/* Nobody inside, nobody queueing: takes it for writing. Acquire, as read_enter. */
static inline bool write_enter(struct rwlock *l)
{
	u32 nobody = 0;

	if (unlikely(!atomic_cmpxchg(&l->state, &nobody, (u32)RW_WRITER)))
		return false;
	atomic_store(&l->writer, current);
	return true;
}

/* Watches while that is worth it; true: taken. */
static bool __noinline watch(struct rwlock *l, bool is_writer)
{
	bool taken = false;

	epoch_enter();
	for (unsigned i = 0; i < WATCH_ROUNDS && !watch_is_vain(); i++) {
		const struct thread *writer = atomic_load(&l->writer);
		u32 now = atomic_load(&l->state);

		taken = is_writer ? now == 0 && write_enter(l) : read_enter(l);
		if (taken || (writer && !watch_owner_comes(writer)) || (now & ~RW_BITS && i >= WATCH_READERS))
			break;
		arch_cpu_relax();
	}
	epoch_exit();
	return taken;
}

void __hot rwlock_read_lock(struct rwlock *l)
{
	might_sleep();
	LOCK_CHECK_AS(&l->state, l);
	if (unlikely(!read_enter(l)) && !watch(l, false))
		wait_turn(l, false);
	LOCK_ACQUIRED_AS(&l->state, l);
}

bool rwlock_read_trylock(struct rwlock *l)
{
	bool taken = read_enter(l);

	if (taken)
		LOCK_ACQUIRED_AS(&l->state, l);
	return taken;
}

void __hot rwlock_read_unlock(struct rwlock *l)
{
	u32 now = atomic_load(&l->state);
	unsigned long flags;

	LOCK_RELEASED(&l->state);
	while (likely(!(now & RW_QUEUED))) {
		assert(now && !(now & RW_WRITER));
		if (likely(atomic_cmpxchg(&l->state, &now, now - 1)))
			return;
	}
	/* Under the lock, so that who is let in and frees the lock finds us gone from it. */
	flags = spin_lock_irqsave(&l->lock);
	now = atomic_fetch_add(&l->state, ~0u);
	assert((now & ~(u32)RW_QUEUED) && !(now & RW_WRITER));
	if (now & RW_QUEUED)
		hand_off(l);
	spin_unlock_irqrestore(&l->lock, flags);
}

void rwlock_write_lock(struct rwlock *l)
{
	might_sleep();
	LOCK_CHECK_AS(&l->state, l);
	if (unlikely(!write_enter(l)) && !watch(l, true))
		wait_turn(l, true);
	LOCK_ACQUIRED_AS(&l->state, l);
}

void rwlock_write_unlock(struct rwlock *l)
{
	u32 alone = RW_WRITER;
	unsigned long flags;

	LOCK_RELEASED(&l->state);
	assert(l->writer == current);
	atomic_store(&l->writer, NULL);
	if (likely(atomic_cmpxchg(&l->state, &alone, 0u)))
		return;
	assert(alone == (RW_WRITER | RW_QUEUED));
	flags = spin_lock_irqsave(&l->lock);
	(void)atomic_fetch_and(&l->state, ~(u32)RW_WRITER);
	hand_off(l);
	spin_unlock_irqrestore(&l->lock, flags);
}

bool rwlock_is_held(const struct rwlock *l)
{
#if CONFIG_DEBUG
	return lock_debug_holds(&l->state);
#else
	return (atomic_load(&l->state) & ~(u32)RW_QUEUED) != 0;
#endif
}

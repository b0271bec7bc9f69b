/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes. The owner word is the owning thread's address, its low bit says that somebody waits. Free
 * and uncontended: one compare-and-exchange each way. Contended: the taker first watches the word for a moment
 * (watch.h), then joins the queue; unlock hands the mutex to the head of the queue, so nobody overtakes who queues and
 * nobody starves.
 * Lock: wait_lock guards the queue and the moment the low bit appears or goes.
 */
#include "lock_debug.h"
#include "watch.h"
#include <kernel/epoch.h>
#include <kernel/sched.h>
#include <kernel/waitq.h>
#include <uapi/errno.h>

#define HAS_WAITERS 1ul

struct mutex_waiter {
	struct list link;
	struct thread *thread;
	bool granted;		/* under wait_lock */
};

static inline unsigned long *word_of(const struct mutex *m)
{
	return (unsigned long *)&m->owner;
}

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank)
{
	m->owner = NULL;
	spin_init(&m->wait_lock, name, LOCK_WAITQ);
	list_init(&m->waiters);
	LOCK_NAME(m, name, rank);
}

/* Acquire pairs with mutex_unlock's release; the hand-off path pairs through wait_lock. */
static inline bool take_free(struct mutex *m)
{
	unsigned long old = 0;

	return atomic_cmpxchg(word_of(m), &old, (unsigned long)current);
}

/* Watches while that is worth it; true: taken. */
static bool watch(struct mutex *m)
{
	bool taken = false;

	epoch_enter();
	for (unsigned i = 0; i < WATCH_ROUNDS && !watch_is_vain(); i++) {
		unsigned long word = atomic_load(word_of(m));
		const struct thread *owner = (const struct thread *)(word & ~HAS_WAITERS);

		taken = word == 0 && take_free(m);
		if (taken || (owner && !watch_owner_comes(owner)))
			break;
		arch_cpu_relax();
	}
	epoch_exit();
	return taken;
}

/* With wait_lock held: a waiter that gives up leaves the queue. */
static void waiter_leave(struct mutex *m, struct mutex_waiter *w)
{
	list_remove(&w->link);
	if (list_empty(&m->waiters))
		atomic_fetch_and(word_of(m), ~HAS_WAITERS);
}

static int lock_slow(struct mutex *m, enum sleep_mode mode)
{
	struct mutex_waiter w = { .thread = current };
	unsigned long flags, old;
	int err = 0;

	if (watch(m))
		return 0;
	flags = spin_lock_irqsave(&m->wait_lock);
	old = atomic_fetch_or(word_of(m), HAS_WAITERS);
	if ((old & ~HAS_WAITERS) == 0) {
		/* Released meanwhile; the set bit keeps the fast path out until we wrote the word. */
		atomic_store(word_of(m), (unsigned long)current);
		spin_unlock_irqrestore(&m->wait_lock, flags);
		return 0;
	}
	list_push_back(&m->waiters, &w.link);
	while (true) {
		thread_prepare_sleep(mode);
		spin_unlock_irqrestore(&m->wait_lock, flags);
		err = thread_sleep(mode, U64_MAX);
		flags = spin_lock_irqsave(&m->wait_lock);
		if (w.granted) {
			err = 0;
			break;
		}
		if (err) {
			waiter_leave(m, &w);
			break;
		}
	}
	spin_unlock_irqrestore(&m->wait_lock, flags);
	return err;
}

/* Takes m. Sleeps. */
void __hot mutex_lock(struct mutex *m)
{
	might_sleep();
	LOCK_CHECK(m);
	if (unlikely(!take_free(m)))
		(void)lock_slow(m, SLEEP_UNINTERRUPTIBLE);	/* cannot fail: not interruptible */
	LOCK_ACQUIRED(m);
}

int mutex_lock_interruptible(struct mutex *m)
{
	int err = 0;

	might_sleep();
	LOCK_CHECK(m);
	if (unlikely(!take_free(m)))
		err = lock_slow(m, SLEEP_INTERRUPTIBLE);
	if (err == 0)
		LOCK_ACQUIRED(m);
	return err;
}

bool mutex_trylock(struct mutex *m)
{
	if (!take_free(m))
		return false;
	LOCK_ACQUIRED(m);
	return true;
}

static void __noinline unlock_slow(struct mutex *m)
{
	unsigned long flags = spin_lock_irqsave(&m->wait_lock);
	struct mutex_waiter *w = list_first(&m->waiters, struct mutex_waiter, link);

	if (w == NULL) {
		atomic_store_release(word_of(m), 0ul);	/* pairs with take_free */
	} else {
		list_remove(&w->link);
		w->granted = true;
		atomic_store_release(word_of(m), (unsigned long)w->thread |
			(list_empty(&m->waiters) ? 0 : HAS_WAITERS));
		/* Under wait_lock: w lies on the waiter's stack and goes away once it sees granted. */
		thread_wake(w->thread, BIT(THREAD_SLEEPING) | BIT(THREAD_BLOCKED));
	}
	spin_unlock_irqrestore(&m->wait_lock, flags);
}

void __hot mutex_unlock(struct mutex *m)
{
	unsigned long old = (unsigned long)current;

	debug_assert(mutex_is_held(m));
	LOCK_RELEASED(m);
	if (unlikely(!atomic_cmpxchg(word_of(m), &old, 0ul)))	/* release; pairs with take_free */
		unlock_slow(m);
}

bool mutex_is_held(const struct mutex *m)
{
	return (atomic_load(word_of(m)) & ~HAS_WAITERS) == (unsigned long)current;
}

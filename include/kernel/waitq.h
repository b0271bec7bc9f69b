/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues and sleeping. Wakers may be in interrupt context. A waiter publishes its
 * state, tests the condition, then sleeps; a waker makes the condition true, then wakes:
 * docs/locking.md has the protocol and its model.
 */
#ifndef KERNEL_WAITQ_H
#define KERNEL_WAITQ_H

#include <kernel/lock.h>

struct waitq {
	struct spinlock lock;		/* irq */
	struct list waiters;
};
struct waitq_entry {
	struct list link;		/* under waitq.lock */
	struct thread *thread;
	/* Called under waitq.lock; true counts as a wake-up and removes the entry (unless it stays). Default wakes thread. */
	bool (*wake)(struct waitq_entry *e, u32 events);
	bool exclusive;			/* waitq_wake_one stops here */
	bool stays;			/* not removed by wake's true */
	u32 want;			/* only events among these wake it; 0: all */
	void *data;
};
#define WAITQ_INIT(q) { .lock = SPINLOCK_INIT(#q, LOCK_WAITQ), .waiters = LIST_INIT((q).waiters) }
void waitq_init(struct waitq *q);
void waitq_add(struct waitq *q, struct waitq_entry *e);
void waitq_remove(struct waitq *q, struct waitq_entry *e);
void waitq_wake_some(struct waitq *q, unsigned n, u32 events);	/* waitq_wake's rare part */
/*
 * Wakes all non-exclusive waiters and up to n exclusive ones; events are POLL* bits for poll entries. What the waiters
 * wait for was made true before; mostly nobody waits.
 */
static inline void waitq_wake(struct waitq *q, unsigned n, u32 events)
{
	atomic_fence_full();	/* the condition before the look for waiters; pairs with waitq_add's and thread_prepare_sleep's */
	if (READ_ONCE(q->waiters.next) != &q->waiters)
		waitq_wake_some(q, n, events);
}
static inline void waitq_wake_all(struct waitq *q) { waitq_wake(q, ~0u, ~0u); }
static inline void waitq_wake_one(struct waitq *q) { waitq_wake(q, 1, ~0u); }
static inline bool waitq_is_empty(struct waitq *q) { return READ_ONCE(q->waiters.next) == &q->waiters; }

/* Building blocks of the macros below. */
enum sleep_mode { SLEEP_UNINTERRUPTIBLE, SLEEP_INTERRUPTIBLE, SLEEP_KILLABLE };
void waitq_prepare_events(struct waitq *q, struct waitq_entry *e, enum sleep_mode mode, bool exclusive, u32 events);
static inline void waitq_prepare(struct waitq *q, struct waitq_entry *e, enum sleep_mode mode, bool exclusive)
{
	waitq_prepare_events(q, e, mode, exclusive, 0);
}
/* Publishes the current thread's state before it tests its condition; for sleeps without a wait queue. */
void thread_prepare_sleep(enum sleep_mode mode);
void waitq_finish(struct waitq *q, struct waitq_entry *e);
/* Sleeps unless woken since prepare. deadline_ns: monotonic, U64_MAX none. 0 woken, -EINTR signal, -ETIMEDOUT. */
int thread_sleep(enum sleep_mode mode, u64 deadline_ns);
/* The same until the wall clock shows deadline_ns, however it is set meanwhile. */
int thread_sleep_wall(enum sleep_mode mode, u64 deadline_ns);

/* 0 when cond became true; -EINTR, -ETIMEDOUT otherwise (cond is tested once more first). */
#define waitq_wait_until(q, cond, mode, deadline_ns, is_exclusive) ({ \
	struct waitq_entry _e; \
	int _r = 0; \
	while (1) { \
		if (cond) { _r = 0; break; } \
		waitq_prepare((q), &_e, (mode), (is_exclusive)); \
		if (cond) { waitq_finish((q), &_e); _r = 0; break; } \
		int _s = thread_sleep((mode), (deadline_ns)); \
		waitq_finish((q), &_e); \
		if (_s) { _r = (cond) ? 0 : _s; break; } \
	} \
	_r; })
/* The same for one of several reasons that share a queue: only a wake-up with one of events (POLL* bits) ends the sleep. */
#define waitq_wait_events(q, cond, events, mode, deadline_ns, is_exclusive) ({ \
	struct waitq_entry _e; \
	int _r = 0; \
	while (1) { \
		waitq_prepare_events((q), &_e, (mode), (is_exclusive), (events)); \
		if (cond) { waitq_finish((q), &_e); _r = 0; break; } \
		int _s = thread_sleep((mode), (deadline_ns)); \
		waitq_finish((q), &_e); \
		if (cond) { _r = 0; break; } \
		if (_s) { _r = _s; break; } \
	} \
	_r; })
#define waitq_wait(q, cond) \
	((void)waitq_wait_until(q, cond, SLEEP_UNINTERRUPTIBLE, U64_MAX, false))
#define waitq_wait_interruptible(q, cond) \
	waitq_wait_until(q, cond, SLEEP_INTERRUPTIBLE, U64_MAX, false)
#define waitq_wait_deadline(q, cond, deadline_ns) \
	waitq_wait_until(q, cond, SLEEP_INTERRUPTIBLE, deadline_ns, false)

struct completion {
	struct waitq q;
	bool done;
};
void completion_init(struct completion *c);
void completion_signal(struct completion *c);	/* any context */
void completion_wait(struct completion *c);
/* 0 or -ETIMEDOUT; not interruptible. */
int completion_wait_deadline(struct completion *c, u64 deadline_ns);

#endif

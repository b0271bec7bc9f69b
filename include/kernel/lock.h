/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks. spin_lock: preemption off. spin_lock_irq/_irqsave: interrupts off as well; for locks
 * that interrupt handlers take. mutex and rwlock sleep, owner-tracked, FIFO hand-off under
 * contention. Debug builds check ranks, sleeping under spinlocks and locks held at return to user.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/lock_rank.h>
#include <lib/atomic.h>
#include <lib/list.h>

struct thread;

struct spinlock {
	u32 locked;			/* [a] */
#if CONFIG_DEBUG
	const char *name;
	struct thread *holder;
	enum lock_rank rank;
#endif
};
#if CONFIG_DEBUG
#define SPINLOCK_INIT(nm, rk) { .name = nm, .rank = rk }
#else
#define SPINLOCK_INIT(nm, rk) { .locked = 0 }
#endif
void spin_init(struct spinlock *l, const char *name, enum lock_rank rank);
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_lock_irq(struct spinlock *l);			/* interrupts known to be on */
void spin_unlock_irq(struct spinlock *l);		/* turns them on */
unsigned long spin_lock_irqsave(struct spinlock *l) __must_check;
void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags);
/* The word alone: no preemption count, no checks. Interrupts are off; the run queues' locks cross a switch. */
static inline bool spin_trylock_raw(struct spinlock *l)
{
	return atomic_load(&l->locked) == 0 &&
		__atomic_exchange_n(&l->locked, 1u, __ATOMIC_ACQUIRE) == 0;	/* pairs with spin_unlock_raw */
}
static inline void spin_lock_raw(struct spinlock *l)
{
	while (unlikely(__atomic_exchange_n(&l->locked, 1u, __ATOMIC_ACQUIRE) != 0))	/* pairs with spin_unlock_raw */
		while (atomic_load(&l->locked))
			arch_cpu_relax();
}
static inline void spin_unlock_raw(struct spinlock *l)
{
	atomic_store_release(&l->locked, 0u);	/* pairs with spin_lock_raw */
}
/* A spinlock that is one word, where there is no room for more; its name and rank come with each call. 0: free. */
void spin_word_lock(u32 *word, const char *name, enum lock_rank rank);
void spin_word_unlock(u32 *word);
bool spin_word_is_held(const u32 *word);
/* Held by this CPU (debug: by this thread; release: by anybody). */
bool spin_is_held(const struct spinlock *l);

struct mutex {
	struct thread *owner;		/* [a] low bit: waiters */
	struct spinlock wait_lock;
	struct list waiters;		/* under wait_lock */
#if CONFIG_DEBUG
	const char *name;
	enum lock_rank rank;
#endif
};
void mutex_init(struct mutex *m, const char *name, enum lock_rank rank);
void mutex_lock(struct mutex *m);
int mutex_lock_interruptible(struct mutex *m) __must_check;	/* 0 or -EINTR */
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_held(const struct mutex *m);			/* by this thread */

/* Sleeping reader-writer lock; writers are not starved. */
struct rwlock {
	struct spinlock lock;
	u32 state;			/* [a] readers, RW_WRITER, RW_QUEUED (rwlock.c) */
	struct list waiters;		/* lock */
	struct thread *writer;		/* the writer's */
#if CONFIG_DEBUG
	const char *name;
	enum lock_rank rank;
#endif
};
void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank);
void rwlock_read_lock(struct rwlock *l);
bool rwlock_read_trylock(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write_lock(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);
bool rwlock_is_held(const struct rwlock *l);

/* A thread that is about to run user code holds no lock (debug builds; else nothing). */
#if CONFIG_DEBUG
void lock_check_user_return(void);
void lock_check_exit(void);	/* nor does one that ends */
#else
static inline void lock_check_user_return(void) {}
static inline void lock_check_exit(void) {}
#endif

/* Readers retry, one writer at a time (the writer brings its own lock). */
struct seqcount {
	u32 seq;
};
static inline u32 seq_read_begin(const struct seqcount *s)
{
	u32 v;

	while ((v = atomic_load_acquire(&s->seq)) & 1)	/* pairs with seq_write_end */
		arch_cpu_relax();
	return v;
}
static inline bool seq_read_retry(const struct seqcount *s, u32 v)
{
	atomic_fence_acquire();				/* pairs with seq_write_begin */
	return atomic_load(&s->seq) != v;
}
static inline void seq_write_begin(struct seqcount *s)
{
	atomic_store(&s->seq, s->seq + 1);
	atomic_fence_release();
}
static inline void seq_write_end(struct seqcount *s) { atomic_store_release(&s->seq, s->seq + 1); }

#if CONFIG_DEBUG
#define lock_assert_held(l) assert(_Generic((l), \
	struct spinlock *: spin_is_held, const struct spinlock *: spin_is_held, \
	struct mutex *: mutex_is_held, const struct mutex *: mutex_is_held, \
	struct rwlock *: rwlock_is_held, const struct rwlock *: rwlock_is_held)(l))
#else
#define lock_assert_held(l) ((void)(l))
#endif
#include <kernel/panic.h>

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks: one word, test-and-test-and-set. Not a ticket lock on purpose: with more virtual than real
 * CPUs the holder of the next ticket is often not running, and everybody waits for its host's time slice;
 * here only the holder itself can be late. Taking is acquire, releasing is release; they pair with
 * each other and with nothing else.
 */
#include "lock_debug.h"
#include <kernel/sched.h>

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
	l->locked = 0;
	LOCK_NAME(l, name, rank);
#if CONFIG_DEBUG
	l->holder = NULL;
#endif
}

static inline void lock_taken(struct spinlock *l)
{
#if CONFIG_DEBUG
	l->holder = current;
	LOCK_ACQUIRED(l);
#endif
}

static inline void lock_dropped(struct spinlock *l)
{
#if CONFIG_DEBUG
	LOCK_RELEASED(l);
	l->holder = NULL;
#endif
}

static __always_inline void take(struct spinlock *l)
{
	preempt_disable();
	LOCK_CHECK(l);
	spin_lock_raw(l);
	lock_taken(l);
}

void __hot spin_lock(struct spinlock *l) { take(l); }

void __hot spin_unlock(struct spinlock *l)
{
	lock_dropped(l);
	spin_unlock_raw(l);
	preempt_enable();
}

bool spin_trylock(struct spinlock *l)
{
	preempt_disable();
	if (!spin_trylock_raw(l)) {
		preempt_enable();
		return false;
	}
	lock_taken(l);
	return true;
}

void spin_lock_irq(struct spinlock *l)
{
	debug_assert(!arch_irq_disabled());
	arch_irq_disable();
	take(l);
}

void spin_unlock_irq(struct spinlock *l)
{
	lock_dropped(l);
	spin_unlock_raw(l);
	arch_irq_enable();
	preempt_enable();
}

unsigned long __hot spin_lock_irqsave(struct spinlock *l)
{
	unsigned long flags = arch_irq_save();

	take(l);
	return flags;
}

void __hot spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
	lock_dropped(l);
	spin_unlock_raw(l);
	arch_irq_restore(flags);
	preempt_enable();	/* a reschedule waits for interrupts to be on */
}

void __hot spin_word_lock(u32 *word, const char *name, enum lock_rank rank)
{
	(void)name;
	(void)rank;
	preempt_disable();
#if CONFIG_DEBUG
	lock_debug_check(word, name, rank);
#endif
	while (unlikely(__atomic_exchange_n(word, 1u, __ATOMIC_ACQUIRE) != 0))	/* pairs with spin_word_unlock */
		while (atomic_load(word))
			arch_cpu_relax();
#if CONFIG_DEBUG
	lock_debug_acquired(word, name, rank);
#endif
}

void __hot spin_word_unlock(u32 *word)
{
	LOCK_RELEASED(word);
	atomic_store_release(word, 0u);		/* pairs with spin_word_lock */
	preempt_enable();
}

bool spin_word_is_held(const u32 *word)
{
#if CONFIG_DEBUG
	return lock_debug_holds(word);
#else
	return atomic_load(word) != 0;
#endif
}

bool spin_is_held(const struct spinlock *l)
{
#if CONFIG_DEBUG
	return atomic_load(&l->holder) == current;
#else
	return atomic_load(&l->locked) != 0;
#endif
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes that lend priority (FUTEX_LOCK_PI and its family). The word holds the owner's thread number; only when somebody must
 * wait is there a struct pi_lock, found by the word's key. A waiter lends its priority to the owner, and on to whom that one
 * waits for. A lock is handed over: unlock (or the owner's death) makes the first waiter the owner before it runs. Whoever
 * unlocks writes the new owner into the word; when the owner died, the new one does so itself, with FUTEX_OWNER_DIED,
 * since the dead one's memory may be another (is_stale until then).
 * Lock: pi_spin for everything here, since chains of owners cross processes in any order. Words are read and changed under
 * it with page faults switched off. It comes after a bucket's lock and before a thread's.
 */
#include "futex.h"
#include <kernel/futex.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/usercopy.h>

#define PI_BUCKETS 64u
#define CHAIN_MAX 1024		/* as Linux's max_lock_depth: longer is taken for a deadlock */
#define NEEDS_MEMORY 1000	/* claim: come back with a spare pi_lock */
#define ACQUIRED 1		/* claim: the word is ours */
#define MUST_WAIT 0

struct pi_lock {
	struct pi_lock *hash_next, *owned_next;
	struct futex_key key;
	struct thread *owner;		/* alive: leaves it in futex_pi_abandon */
	struct list waiters;		/* struct pi_waiter: by priority, then by arrival */
	bool is_stale;			/* the word does not name the owner yet */
};
struct pi_waiter {
	struct list link;		/* pi_lock.waiters */
	struct thread *thread;
	struct pi_lock *lock;		/* waited for; NULL: not yet, or granted */
	u32 priority;			/* at which it stands in the queue */
	bool is_granted;		/* [a] it owns the lock */
	struct futex_key target;	/* FUTEX_WAIT_REQUEUE_PI: where it may be moved to */
};

static struct spinlock pi_spin = SPINLOCK_INIT("futex pi", LOCK_FUTEX_PI);
static struct pi_lock *pi_table[PI_BUCKETS];
static u32 pi_count;			/* [a] locks in the table */

static struct pi_lock **slot_of(const struct futex_key *key)
{
	u64 h = ((u64)key->object ^ key->offset * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return &pi_table[h >> 58];
}

static struct pi_lock *find(const struct futex_key *key)
{
	struct pi_lock *l = *slot_of(key);

	while (l && !futex_same_key(&l->key, key))
		l = l->hash_next;
	return l;
}

bool futex_pi_has_waiters(const struct futex_key *key)
{
	bool has;

	if (!atomic_load(&pi_count))
		return false;
	spin_lock(&pi_spin);
	has = find(key) != NULL;
	spin_unlock(&pi_spin);
	return has;
}

/* ---- owners and priorities; all with pi_spin held ---- */

static struct pi_waiter *first_waiter(struct pi_lock *l) { return list_first(&l->waiters, struct pi_waiter, link); }

/* What t's own class gives it and what those lend it who wait for its locks. */
static u32 priority_of(const struct thread *t)
{
	u32 best = sched_own_priority(t);

	for (struct pi_lock *l = t->pi_owned; l; l = l->owned_next)
		if (!list_empty(&l->waiters))
			best = max(best, first_waiter(l)->priority);
	return best;
}

static void queue_waiter(struct pi_lock *l, struct pi_waiter *w)
{
	struct pi_waiter *other;

	list_for_each(other, &l->waiters, link)
		if (other->priority < w->priority) {
			list_push_back(&other->link, &w->link);		/* before it */
			return;
		}
	list_push_back(&l->waiters, &w->link);
}

/* t's numbers changed: itself, its place in the queue it stands in, that lock's owner, and so on. */
static void propagate(struct thread *t)
{
	for (unsigned i = 0; i < CHAIN_MAX && t; i++) {
		u32 priority = priority_of(t);
		struct pi_waiter *w = t->pi_blocked;

		sched_lend(t, priority);
		if (!w || w->priority == priority)
			return;
		list_remove(&w->link);
		w->priority = priority;
		queue_waiter(w->lock, w);
		t = w->lock->owner;
	}
}

static void own(struct pi_lock *l, struct thread *t)
{
	l->owner = t;
	l->owned_next = t->pi_owned;
	t->pi_owned = l;
}

static void disown(struct pi_lock *l)
{
	struct pi_lock **p = &l->owner->pi_owned;

	while (*p != l)
		p = &(*p)->owned_next;
	*p = l->owned_next;
}

/* Out of the table, and away. */
static void drop(struct pi_lock *l)
{
	struct pi_lock **p = slot_of(&l->key);

	disown(l);
	while (*p != l)
		p = &(*p)->hash_next;
	*p = l->hash_next;
	atomic_sub(&pi_count, 1);
	kfree(l);
}

/* Would t, waiting for l, in the end wait for itself? */
static bool is_deadlock(const struct pi_lock *l, const struct thread *t)
{
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		if (l->owner == t)
			return true;
		if (!l->owner->pi_blocked)
			return false;
		l = l->owner->pi_blocked->lock;
	}
	return true;
}

static void enter(struct pi_lock *l, struct pi_waiter *w)
{
	w->lock = l;
	w->priority = priority_of(w->thread);
	w->thread->pi_blocked = w;
	queue_waiter(l, w);
	propagate(l->owner);
}

static void leave(struct pi_waiter *w)
{
	list_remove(&w->link);
	w->lock = NULL;
	w->thread->pi_blocked = NULL;
}

/* w gives up. */
static void withdraw(struct pi_waiter *w)
{
	struct pi_lock *l = w->lock;
	struct thread *owner = l->owner;

	leave(w);
	if (list_empty(&l->waiters) && !l->is_stale)
		drop(l);
	propagate(owner);
}

/* The first waiter becomes the owner and wakes. w, on its stack, lasts until it has passed through pi_spin. */
static void hand_over(struct pi_lock *l, bool is_stale)
{
	struct pi_waiter *w = first_waiter(l);
	struct thread *old = l->owner, *new = w->thread;

	leave(w);
	disown(l);
	own(l, new);
	l->is_stale = is_stale;
	if (list_empty(&l->waiters) && !is_stale)
		drop(l);
	propagate(old);
	propagate(new);
	atomic_store(&w->is_granted, true);
	thread_wake(new, BIT(THREAD_SLEEPING));
}

/* ---- the word ---- */

/* A lock that somebody holds and nobody waited for yet: makes spare its pi_lock. *owner: a reference for the caller to put. */
static int meet_owner(u32 __user *uaddr, u32 word, const struct futex_key *key, struct pi_lock **spare, struct thread **owner)
{
	struct pi_lock *l = *spare;
	struct thread *t;
	u32 now;

	t = *owner = thread_find((pid_t)(word & FUTEX_TID_MASK));
	if (t && !t->process)
		return -EPERM;
	if (!t || t->pi_over) {
		/* It is gone; was the word changed on its way out? */
		if (futex_load_nofault(uaddr, &now))
			return -EFAULT;
		return now == word ? -ESRCH : -EAGAIN;
	}
	if (!l)
		return -NEEDS_MEMORY;
	if (futex_cmpxchg_nofault(uaddr, word, word | FUTEX_WAITERS, &now))
		return -EFAULT;
	if (now != word)
		return -EAGAIN;
	*spare = NULL;
	*l = (struct pi_lock){ .key = *key, .hash_next = *slot_of(key) };
	list_init(&l->waiters);
	*slot_of(key) = l;
	atomic_add(&pi_count, 1);
	own(l, t);
	return MUST_WAIT;
}

/*
 * Takes the free lock for t, or finds or makes the pi_lock to wait for. pi_spin held. ACQUIRED; MUST_WAIT with find(key) not
 * NULL; -EAGAIN: the word changed, try again; -NEEDS_MEMORY, -EFAULT, -EDEADLK, -EINVAL (word and kernel disagree), -ESRCH, -EPERM.
 */
static int claim(u32 __user *uaddr, const struct futex_key *key, struct thread *t, bool has_more, struct pi_lock **spare,
		 struct thread **owner)
{
	struct pi_lock *l = find(key);
	u32 word, now, new;

	if (futex_load_nofault(uaddr, &word))
		return -EFAULT;
	if ((word & FUTEX_TID_MASK) == (u32)t->tid)
		return -EDEADLK;
	if (l) {
		bool is_orphan = (word & FUTEX_OWNER_DIED) && !(word & FUTEX_TID_MASK);	/* by the robust list, just now */

		return l->is_stale || is_orphan || (word & FUTEX_TID_MASK) == (u32)l->owner->tid ? MUST_WAIT : -EINVAL;
	}
	if (word & FUTEX_TID_MASK)
		return meet_owner(uaddr, word, key, spare, owner);
	new = (word & FUTEX_OWNER_DIED) | (u32)t->tid | (has_more ? FUTEX_WAITERS : 0);
	if (futex_cmpxchg_nofault(uaddr, word, new, &now))
		return -EFAULT;
	return now == word ? ACQUIRED : -EAGAIN;
}

/* Not under the lock: what claim asked for. 0: try again. */
static int help(int err, u32 __user *uaddr, struct pi_lock **spare)
{
	if (err == -EAGAIN)
		return signal_fatal_pending(current) ? -ERESTARTNOINTR : 0;
	if (err == -NEEDS_MEMORY) {
		*spare = kmalloc(sizeof(**spare), 0);
		return *spare ? 0 : -ENOMEM;
	}
	return err == -EFAULT ? futex_fault_in(uaddr, true) : err;
}

/* The dead owner's lock is ours: the word shall say so. pi_spin held, dropped meanwhile. 0 or -EFAULT: given on. */
static int write_ownership(u32 __user *uaddr, struct pi_lock *l)
{
	u32 word, now, new;
	int err;

	while (true) {
		err = futex_load_nofault(uaddr, &word);
		new = (u32)current->tid | FUTEX_OWNER_DIED | (list_empty(&l->waiters) ? 0 : FUTEX_WAITERS);
		if (!err)
			err = futex_cmpxchg_nofault(uaddr, word, new, &now);
		if (!err && now == word)
			break;
		spin_unlock(&pi_spin);
		if (err && futex_fault_in(uaddr, true)) {
			spin_lock(&pi_spin);
			if (list_empty(&l->waiters))
				drop(l);
			else
				hand_over(l, true);
			return -EFAULT;
		}
		spin_lock(&pi_spin);
	}
	l->is_stale = false;
	if (list_empty(&l->waiters))
		drop(l);
	return 0;
}

/* Sleeps until w is granted; is in a queue or on its way there (FUTEX_WAIT_REQUEUE_PI). 0, -EINTR, -ETIMEDOUT. */
static int sleep_until_granted(struct pi_waiter *w, const struct futex_deadline *d)
{
	int err;

	while (true) {
		thread_prepare_sleep(SLEEP_INTERRUPTIBLE);
		if (atomic_load(&w->is_granted)) {
			atomic_store(&current->state, (u32)THREAD_RUNNABLE);
			return 0;
		}
		err = futex_sleep(d);
		if (err)
			return err;
	}
}

/* After the sleep: the lock is ours (0), or w leaves the queue (err). Takes pi_spin, so w may go afterwards. */
static int settle(u32 __user *uaddr, const struct futex_key *key, struct pi_waiter *w, int err)
{
	struct pi_lock *l;

	spin_lock(&pi_spin);
	if (w->is_granted) {
		l = find(key);
		err = l && l->owner == current && l->is_stale ? write_ownership(uaddr, l) : 0;
	} else if (w->lock) {
		withdraw(w);
	}
	spin_unlock(&pi_spin);
	return err;
}

long futex_lock_pi(u32 __user *uaddr, bool is_private, const struct futex_deadline *d, bool is_try)
{
	struct pi_waiter w = { .thread = current };
	struct pi_lock *spare = NULL;
	struct futex_key key;
	int err = futex_key_of(uaddr, is_private, &key), result = MUST_WAIT;

	while (!err) {
		struct thread *owner = NULL;

		spin_lock(&pi_spin);
		result = claim(uaddr, &key, current, false, &spare, &owner);
		if (result == MUST_WAIT) {
			struct pi_lock *l = find(&key);

			if (is_try || is_deadlock(l, current)) {
				result = is_try ? -EWOULDBLOCK : -EDEADLK;
				if (list_empty(&l->waiters) && !l->is_stale)
					drop(l);
				err = result;
			} else {
				enter(l, &w);
			}
		}
		spin_unlock(&pi_spin);
		if (owner)
			thread_put(owner);
		if (result == ACQUIRED || result == MUST_WAIT || err)
			break;
		err = help(result, uaddr, &spare);
	}
	kfree(spare);
	if (err || result == ACQUIRED)
		return err;
	err = settle(uaddr, &key, &w, sleep_until_granted(&w, d));
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

long futex_unlock_pi(u32 __user *uaddr, bool is_private)
{
	struct futex_key key;
	int err = futex_key_of(uaddr, is_private, &key);

	while (!err) {
		struct pi_lock *l;
		u32 word, new = 0, now;

		if (arch_user_load32(uaddr, &word))
			return -EFAULT;
		if ((word & FUTEX_TID_MASK) != (u32)current->tid)
			return -EPERM;
		spin_lock(&pi_spin);
		l = find(&key);
		if (l && (l->owner != current || list_empty(&l->waiters))) {
			spin_unlock(&pi_spin);
			return -EINVAL;
		}
		if (l)
			new = (u32)first_waiter(l)->thread->tid |
			      (l->waiters.next->next != &l->waiters ? FUTEX_WAITERS : 0);
		err = futex_cmpxchg_nofault(uaddr, word, new, &now);
		if (!err && now == word) {
			if (l)
				hand_over(l, false);
			spin_unlock(&pi_spin);
			return 0;
		}
		spin_unlock(&pi_spin);
		if (err)
			err = futex_fault_in(uaddr, true);
	}
	return err;
}

/* ---- condition variables: waiters go from the plain word to the lock without waking ---- */

long futex_wait_requeue_pi(u32 __user *uaddr, u32 __user *uaddr2, bool is_private, u32 val, const struct futex_deadline *d,
			   u32 bitset)
{
	struct pi_waiter p = { .thread = current };
	struct futex_waiter w = { .thread = current, .bitset = bitset, .pi = &p };
	struct futex_bucket *b;
	int err;

	if (uaddr == uaddr2 || !bitset)
		return -EINVAL;
	err = futex_key_of(uaddr2, is_private, &p.target);
	if (!err)
		err = futex_key_of(uaddr, is_private, &w.key);
	if (!err && futex_same_key(&w.key, &p.target))
		err = -EINVAL;
	if (err)
		return err;
	b = futex_bucket_of(&w.key);
	err = futex_lock_if_equal(uaddr, val, b);
	if (err)
		return err;
	futex_join(b, &w);
	spin_unlock(&b->lock);
	err = sleep_until_granted(&p, d);
	if (futex_leave(&w))		/* nobody moved it */
		return err == -EINTR ? -ERESTARTNOINTR : err;
	err = settle(uaddr2, &p.target, &p, err);
	return err == -EINTR ? -EWOULDBLOCK : err;	/* the first word must not be waited for again */
}

/* Both locks held: w goes to the lock at uaddr2, or gets it. 0 or what claim says. */
static int move(u32 __user *uaddr2, const struct futex_key *key2, struct futex_waiter *w, bool has_more, struct pi_lock **spare,
		struct thread **owner)
{
	struct pi_lock *l;
	int result = claim(uaddr2, key2, w->thread, has_more, spare, owner);

	if (result < 0)
		return result;
	l = find(key2);
	if (result == MUST_WAIT && is_deadlock(l, w->thread)) {
		if (list_empty(&l->waiters) && !l->is_stale)
			drop(l);
		return -EDEADLK;
	}
	list_remove(&w->link);
	if (result == MUST_WAIT)
		enter(l, w->pi);
	else
		atomic_store(&w->pi->is_granted, true);
	atomic_store_release(&w->bucket, NULL);		/* pairs with futex_leave; w->pi lasts until pi_spin is free */
	if (result == ACQUIRED)
		thread_wake(w->thread, BIT(THREAD_SLEEPING));
	return 0;
}

/* Locks held. Moves waiters of key to key2 until enough are; 0 or -errno of the one that stopped it. */
static int move_all(struct futex_bucket *b, const struct futex_key *key, u32 __user *uaddr2, const struct futex_key *key2,
		    s64 enough, s64 *moved, struct pi_lock **spare, struct thread **owner)
{
	struct futex_waiter *w, *tmp;
	int err;

	list_for_each_safe(w, tmp, &b->waiters, link) {
		if (!futex_same_key(&w->key, key))
			continue;
		if (*moved >= enough)
			return 0;
		if (!w->pi || !futex_same_key(&w->pi->target, key2))
			return -EINVAL;
		err = move(uaddr2, key2, w, enough > 1, spare, owner);
		if (err)
			return err;
		++*moved;
	}
	return 0;
}

long futex_requeue_pi(u32 __user *uaddr, u32 __user *uaddr2, bool is_private, s32 n_wake, s32 n_move, u32 cmp)
{
	struct pi_lock *spare = NULL;
	struct futex_key key, key2;
	struct futex_bucket *b;
	s64 moved = 0;
	int err;

	/* The lock can go to one only. */
	if (uaddr == uaddr2 || n_wake != 1 || n_move < 0)
		return -EINVAL;
	err = futex_key_of(uaddr, is_private, &key);
	if (!err)
		err = futex_key_of(uaddr2, is_private, &key2);
	if (!err && futex_same_key(&key, &key2))
		err = -EINVAL;
	if (err)
		return err;
	b = futex_bucket_of(&key);
	while (!err) {
		struct thread *owner = NULL;
		int result;

		err = futex_lock_if_equal(uaddr, cmp, b);
		if (err)
			break;
		spin_lock(&pi_spin);
		result = move_all(b, &key, uaddr2, &key2, 1 + (s64)n_move, &moved, &spare, &owner);
		spin_unlock(&pi_spin);
		spin_unlock(&b->lock);
		if (owner)
			thread_put(owner);
		if (!result)
			break;
		err = help(result, uaddr2, &spare);
	}
	kfree(spare);
	return err ? err : (long)moved;
}

/* ---- threads' lives ---- */

void futex_pi_abandon(struct thread *t)
{
	struct pi_lock *l;

	spin_lock(&pi_spin);
	t->pi_over = true;
	while ((l = t->pi_owned)) {
		if (list_empty(&l->waiters))
			drop(l);
		else
			hand_over(l, true);
	}
	spin_unlock(&pi_spin);
}

void futex_pi_begin(struct thread *t)
{
	spin_lock(&pi_spin);
	t->pi_over = false;
	spin_unlock(&pi_spin);
}

void futex_pi_reorder(struct thread *t)
{
	if (!atomic_load(&pi_count))
		return;
	spin_lock(&pi_spin);
	propagate(t);
	spin_unlock(&pi_spin);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the futex calls share: futex.c (keys, buckets, waiting, waking), futex_requeue.c, futex_pi.c (locks that
 * lend priority), futex_calls.c.
 */
#ifndef IPC_FUTEX_H
#define IPC_FUTEX_H

#include <kernel/thread.h>
#include <uapi/errno.h>
#include <uapi/futex.h>

struct futex_key {
	const void *object;	/* struct aspace, struct inode or shared anonymous memory; only compared */
	u64 offset;
};
struct futex_bucket {
	struct spinlock lock;
	struct list waiters;		/* lock; real-time threads first, by priority */
} __cacheline_aligned;
struct pi_waiter;
struct timespec64;
struct futex_waiter {
	struct list link;		/* bucket lock */
	struct futex_key key;		/* bucket lock */
	struct futex_bucket *bucket;	/* [a] changed under its lock; NULL: woken or moved to a PI lock */
	struct thread *thread;
	u32 bitset;
	struct pi_waiter *pi;		/* FUTEX_WAIT_REQUEUE_PI */
};
/* When a wait ends. ns U64_MAX: never. */
struct futex_deadline {
	u64 ns;
	bool is_wall;		/* ns is of the wall clock and follows it */
};

/* futex.c. 0, -EINVAL (misaligned), -EFAULT. Sleeps. */
int futex_key_of(const u32 __user *uaddr, bool is_private, struct futex_key *key);
static inline bool futex_same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}
struct futex_bucket *futex_bucket_of(const struct futex_key *key);
/* Under a spinlock: no sleeping. 0 or -EFAULT; the second stores only if the word is `expected`, *prev tells what it was. */
int futex_load_nofault(const u32 __user *uaddr, u32 *value);
int futex_cmpxchg_nofault(u32 __user *uaddr, u32 expected, u32 new, u32 *prev);
/* Makes the page present (writable if asked), sleeping. 0 or -EFAULT. */
int futex_fault_in(u32 __user *uaddr, bool for_write);
/* Locks the bucket with the word equal to val. 0, -EAGAIN, -EFAULT. */
int futex_lock_if_equal(u32 __user *uaddr, u32 val, struct futex_bucket *b);
void futex_join(struct futex_bucket *b, struct futex_waiter *w);	/* bucket lock held */
/* Takes w off whatever bucket it hangs in now. False: somebody woke or moved it. */
bool futex_leave(struct futex_waiter *w);
void futex_wake_waiter(struct futex_waiter *w);	/* bucket lock held; w may be gone afterwards */
/* Interruptible; the state is prepared. 0, -EINTR, -ETIMEDOUT. */
int futex_sleep(const struct futex_deadline *d);
int futex_wait_on(u32 __user *uaddr, bool is_private, u32 val, const struct futex_deadline *d, u32 bitset);
int futex_wake_on(u32 __user *uaddr, bool is_private, u32 max, u32 bitset);

/* futex_requeue.c. One of the two words of a call. */
struct futex_word {
	u32 __user *uaddr;
	bool is_private;
};
/* cmp: NULL for FUTEX_REQUEUE. How many were woken or moved. */
int futex_requeue(struct futex_word from, struct futex_word to, s32 n_wake, s32 n_move, const u32 *cmp);
int futex_wake_op(u32 __user *uaddr1, u32 __user *uaddr2, bool is_private, u32 max1, u32 max2, u32 encoded);

/* futex_pi.c */
long futex_lock_pi(u32 __user *uaddr, bool is_private, const struct futex_deadline *d, bool is_try);
long futex_unlock_pi(u32 __user *uaddr, bool is_private);
long futex_wait_requeue_pi(u32 __user *uaddr, u32 __user *uaddr2, bool is_private, u32 val, const struct futex_deadline *d,
			   u32 bitset);
long futex_requeue_pi(u32 __user *uaddr, u32 __user *uaddr2, bool is_private, s32 n_wake, s32 n_move, u32 cmp);
/* Does somebody wait for the PI lock of that key? */
bool futex_pi_has_waiters(const struct futex_key *key);

/* futex_waitv.c: deadline of the newer calls. 0, -EFAULT, -EINVAL. */
int futex_deadline_of(const struct timespec64 __user *timeout, bool is_absolute, bool is_wall, struct futex_deadline *d);

#endif

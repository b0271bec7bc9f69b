/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The newer calls: waiting for one of several futexes (futex_waitv), and futex_wait, futex_wake, futex_requeue with flags
 * per word. Words are 32 bits. Lock: each word's bucket, one at a time.
 */
#include "futex.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>
#include <uapi/time.h>

/* 0 or -EINVAL. */
static int flags_check(u32 flags)
{
	return flags & ~(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE) || (flags & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32 ? -EINVAL : 0;
}

/* Value or mask of a 32-bit word. */
static bool fits(u64 value) { return value <= U32_MAX; }

/* The newer calls' times are absolute. 0, -EINVAL, -EFAULT. */
static int deadline_of(const struct timespec64 __user *timeout, int clock, struct futex_deadline *d)
{
	if (timeout && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	return futex_deadline_of(timeout, true, clock == CLOCK_REALTIME, d);
}

static int words_read(struct user_futex_waitv *words, const void __user *uwords, u32 n)
{
	if (copy_from_user(words, uwords, n * sizeof(*words)))
		return -EFAULT;
	for (u32 i = 0; i < n; i++)
		if (flags_check(words[i].flags) || words[i].reserved || !fits(words[i].val))
			return -EINVAL;
	return 0;
}

/* ---- futex_waitv ---- */

/* Takes the first n out of their queues; the index of the last that was woken, or -1. */
static int leave_all(struct futex_waiter *w, u32 n)
{
	int woken = -1;

	for (u32 i = 0; i < n; i++)
		if (!futex_leave(&w[i]))
			woken = (int)i;
	return woken;
}

/* Enters all queues. 0; or the first's -errno with none entered, or 1 + the index of one that was woken meanwhile. */
static int join_all(struct futex_waiter *w, const struct user_futex_waitv *words, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct futex_bucket *b;
		int err, woken;

		w[i] = (struct futex_waiter){ .thread = current, .bitset = FUTEX_BITSET_MATCH_ANY };
		err = futex_key_of((const u32 __user *)words[i].uaddr, words[i].flags & FUTEX2_PRIVATE, &w[i].key);
		if (!err) {
			b = futex_bucket_of(&w[i].key);
			err = futex_lock_if_equal((u32 __user *)words[i].uaddr, (u32)words[i].val, b);
		}
		if (err) {
			woken = leave_all(w, i);
			return woken >= 0 ? 1 + woken : err;
		}
		futex_join(b, &w[i]);
		spin_unlock(&b->lock);
	}
	return 0;
}

static bool any_woken(const struct futex_waiter *w, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!atomic_load(&w[i].bucket))
			return true;
	return false;
}

static long wait_many(struct futex_waiter *w, const struct user_futex_waitv *words, u32 n, const struct futex_deadline *d)
{
	int err = join_all(w, words, n), woken;

	if (err)
		return err > 0 ? err - 1 : err;
	while (!err) {
		thread_prepare_sleep(SLEEP_INTERRUPTIBLE);
		if (any_woken(w, n)) {
			atomic_store(&current->state, (u32)THREAD_RUNNABLE);
			break;
		}
		err = futex_sleep(d);
	}
	woken = leave_all(w, n);
	if (woken >= 0)
		return woken;
	return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_futex_waitv(const void __user *uwords, u32 n, u32 flags, const struct timespec64 __user *timeout, int clock)
{
	struct user_futex_waitv *words;
	struct futex_waiter *waiters;
	struct futex_deadline d;
	long result;

	if (flags || !n || n > FUTEX_WAITV_MAX || !uwords)
		return -EINVAL;
	result = deadline_of(timeout, clock, &d);
	if (result)
		return result;
	words = kmalloc(n * sizeof(*words), 0);
	waiters = kmalloc(n * sizeof(*waiters), 0);
	result = words && waiters ? words_read(words, uwords, n) : -ENOMEM;
	if (!result)
		result = wait_many(waiters, words, n, &d);
	kfree(waiters);
	kfree(words);
	return result;
}

/* ---- one word ---- */

long sys_futex_wake(u32 __user *uaddr, u64 mask, int n, u32 flags)
{
	if (flags_check(flags) || !fits(mask))
		return -EINVAL;
	if (!mask)
		return -EINVAL;
	return n ? futex_wake_on(uaddr, flags & FUTEX2_PRIVATE, (u32)n, (u32)mask) : 0;
}

long sys_futex_wait(u32 __user *uaddr, u64 val, u64 mask, u32 flags, const struct timespec64 __user *timeout, int clock)
{
	struct futex_deadline d;
	int err = flags_check(flags);

	if (err || !fits(val) || !fits(mask))
		return -EINVAL;
	err = deadline_of(timeout, clock, &d);
	if (!err)
		err = futex_wait_on(uaddr, flags & FUTEX2_PRIVATE, (u32)val, &d, (u32)mask);
	return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_futex_requeue(const void __user *uwords, u32 flags, int n_wake, int n_move)
{
	struct user_futex_waitv words[2];
	struct futex_word from, to;
	u32 cmp;
	int err;

	if (flags || !uwords)
		return -EINVAL;
	err = words_read(words, uwords, 2);
	if (err)
		return err;
	cmp = (u32)words[0].val;
	from = (struct futex_word){ (u32 __user *)words[0].uaddr, words[0].flags & FUTEX2_PRIVATE };
	to = (struct futex_word){ (u32 __user *)words[1].uaddr, words[1].flags & FUTEX2_PRIVATE };
	return futex_requeue(from, to, n_wake, n_move, &cmp);
}

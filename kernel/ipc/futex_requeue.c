/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futex calls on two words: FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP. Lock: both buckets', in address order.
 */
#include "futex.h"
#include <kernel/lock.h>
#include <kernel/usercopy.h>

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

struct two {
	struct futex_key key1, key2;
	struct futex_bucket *b1, *b2;
};

static int two_of(struct futex_word one, struct futex_word two, struct two *p)
{
	int err = futex_key_of(one.uaddr, one.is_private, &p->key1);

	if (!err)
		err = futex_key_of(two.uaddr, two.is_private, &p->key2);
	if (!err && (futex_pi_has_waiters(&p->key1) || futex_pi_has_waiters(&p->key2)))
		err = -EINVAL;
	if (!err) {
		p->b1 = futex_bucket_of(&p->key1);
		p->b2 = futex_bucket_of(&p->key2);
	}
	return err;
}

/* Both locked: wakes n_wake waiters of key1, moves n_move more to key2. How many were woken or moved. */
static int wake_and_move(struct two *p, u32 n_wake, u32 n_move)
{
	struct futex_waiter *w, *tmp;
	struct list moved = LIST_INIT(moved);
	u32 n = 0;
	int err = 0;

	list_for_each_safe(w, tmp, &p->b1->waiters, link) {
		if (!futex_same_key(&w->key, &p->key1))
			continue;
		if (unlikely(w->pi)) {		/* may be moved by FUTEX_CMP_REQUEUE_PI only */
			err = -EINVAL;
			break;
		}
		if (n >= n_wake && n - n_wake >= n_move)
			break;
		if (n < n_wake) {
			futex_wake_waiter(w);
		} else {
			list_remove(&w->link);
			w->key = p->key2;
			list_push_back(&moved, &w->link);
		}
		n++;
	}
	while ((w = list_first(&moved, struct futex_waiter, link))) {
		list_remove(&w->link);
		futex_join(p->b2, w);
	}
	return err ? err : (int)n;
}

int futex_requeue(struct futex_word from, struct futex_word to, s32 n_wake, s32 n_move, const u32 *cmp)
{
	struct two p;
	u32 now;
	int n;

	if (n_wake < 0 || n_move < 0)
		return -EINVAL;
	n = two_of(from, to, &p);
	if (n)
		return n;
	while (true) {
		lock_two(p.b1, p.b2);
		if (cmp == NULL || futex_load_nofault(from.uaddr, &now) == 0)
			break;
		unlock_two(p.b1, p.b2);
		if (futex_fault_in(from.uaddr, false))
			return -EFAULT;
	}
	n = cmp && now != *cmp ? -EAGAIN : wake_and_move(&p, (u32)n_wake, (u32)n_move);
	unlock_two(p.b1, p.b2);
	return n;
}

static s32 sign_extend12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

static int op_result(u32 encoded, u32 old, u32 *new)
{
	u32 op = encoded >> 28 & 7;
	s32 arg = sign_extend12(encoded >> 12);

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		arg = (s32)(1u << (arg & 31));
	switch (op) {
	case FUTEX_OP_SET:
		*new = (u32)arg;
		return 0;
	case FUTEX_OP_ADD:
		*new = old + (u32)arg;
		return 0;
	case FUTEX_OP_OR:
		*new = old | (u32)arg;
		return 0;
	case FUTEX_OP_ANDN:
		*new = old & ~(u32)arg;
		return 0;
	case FUTEX_OP_XOR:
		*new = old ^ (u32)arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int op_compare(u32 encoded, u32 old_value)
{
	s32 arg = sign_extend12(encoded), old = (s32)old_value;

	switch (encoded >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	case FUTEX_OP_CMP_GE:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

/* Under the locks: applies the operation atomically. 0 and *old; -EFAULT, -ENOSYS. */
static int op_apply(u32 __user *uaddr, u32 encoded, u32 *old)
{
	u32 expected, new;
	int err = futex_load_nofault(uaddr, old);

	do {
		expected = *old;
		if (!err)
			err = op_result(encoded, expected, &new);
		if (err)
			return err;
		err = futex_cmpxchg_nofault(uaddr, expected, new, old);
	} while (err || *old != expected);
	return 0;
}

/* FUTEX_WAKE_OP: *uaddr2 = op(*uaddr2); wake on uaddr1, and on uaddr2 if the old value compares. */
int futex_wake_op(u32 __user *uaddr1, u32 __user *uaddr2, bool is_private, u32 max1, u32 max2, u32 encoded)
{
	struct two p;
	u32 old;
	int err = two_of((struct futex_word){ uaddr1, is_private }, (struct futex_word){ uaddr2, is_private }, &p), n, m, compares;

	if (err)
		return err;
	compares = op_compare(encoded, 0);
	if (compares < 0)
		return compares;
	while (true) {
		lock_two(p.b1, p.b2);
		err = op_apply(uaddr2, encoded, &old);
		if (err == 0)
			break;
		unlock_two(p.b1, p.b2);
		if (err != -EFAULT || futex_fault_in(uaddr2, true))
			return err;
	}
	n = wake_and_move(&p, max1, 0);
	if (op_compare(encoded, old)) {
		struct two q = { p.key2, p.key2, p.b2, p.b2 };

		m = wake_and_move(&q, max2, 0);
		n = n < 0 || m < 0 ? min(n, m) : n + m;
	}
	unlock_two(p.b1, p.b2);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes (futex(2)): waiting on and waking by the address of a 32-bit word of user memory. Waiters
 * hang in a hash table by key: (address space, address), or (file, offset) for shared mappings.
 * Requeueing is futex_requeue.c's, locks with priority inheritance futex_pi.c's, the calls futex_calls.c's and futex_waitv.c's.
 * Lock: the bucket's spinlock (LOCK_FUTEX; two buckets in address order). The word is read under it
 * with page faults switched off, so that no wake-up falls between the test and the sleep; a fault
 * is resolved outside and everything tried again.
 */
#include "futex.h"
#include <kernel/aspace.h>
#include <kernel/fs.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>

#define BUCKETS 256u

static struct futex_bucket buckets[BUCKETS];
static u32 buckets_ready;		/* [a] 0 no, 1 being made, 2 yes */

static void buckets_init(void)
{
	u32 none = 0;

	if (!atomic_cmpxchg(&buckets_ready, &none, 1u)) {
		while (atomic_load_acquire(&buckets_ready) != 2)	/* pairs with the store below */
			arch_cpu_relax();
		return;
	}
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, "futex", LOCK_FUTEX);
		list_init(&buckets[i].waiters);
	}
	atomic_store_release(&buckets_ready, 2u);
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	u64 h = ((u64)key->object ^ key->offset * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	if (unlikely(atomic_load_acquire(&buckets_ready) != 2))
		buckets_init();
	return &buckets[h >> 56];
}

int futex_key_of(const u32 __user *uaddr, bool is_private, struct futex_key *key)
{
	struct aspace *as = current->aspace;
	u64 addr = (u64)uaddr;
	struct vma *v;
	int err = 0;

	if (addr & 3)
		return -EINVAL;
	if (as == NULL || !user_range_ok(uaddr, sizeof(*uaddr)))
		return -EFAULT;
	*key = (struct futex_key){ as, addr };
	if (is_private)
		return 0;
	rwlock_read_lock(&as->lock);
	v = aspace_find(as, addr);
	if (v == NULL || addr < v->start)
		err = -EFAULT;
	else if ((v->flags & VMA_SHARED) && (v->file || v->private))	/* shared anonymous memory: private */
		*key = (struct futex_key){ v->file ? (void *)v->file->inode : v->private,
					   v->pgoff * PAGE_SIZE + (addr - v->start) };
	rwlock_read_unlock(&as->lock);
	return err;
}

int futex_load_nofault(const u32 __user *uaddr, u32 *value)
{
	int err;

	current->fault_disabled++;
	err = arch_user_load32(uaddr, value);
	current->fault_disabled--;
	return err;
}

int futex_cmpxchg_nofault(u32 __user *uaddr, u32 expected, u32 new, u32 *prev)
{
	int err;

	current->fault_disabled++;
	err = arch_user_cmpxchg32(uaddr, expected, new, prev);
	current->fault_disabled--;
	return err;
}

int futex_fault_in(u32 __user *uaddr, bool for_write)
{
	u32 value, prev;

	if (arch_user_load32(uaddr, &value))
		return -EFAULT;
	return for_write ? arch_user_cmpxchg32(uaddr, value, value, &prev) : 0;
}

int futex_lock_if_equal(u32 __user *uaddr, u32 val, struct futex_bucket *b)
{
	u32 now;

	while (true) {
		spin_lock(&b->lock);
		if (futex_load_nofault(uaddr, &now) == 0)
			break;
		spin_unlock(&b->lock);
		if (futex_fault_in(uaddr, false))
			return -EFAULT;
	}
	if (now == val)
		return 0;
	spin_unlock(&b->lock);
	return -EAGAIN;
}

/* Out of line: the compiler cannot see that every way out takes w off the list again. */
void __noinline futex_join(struct futex_bucket *b, struct futex_waiter *w)
{
	u32 priority = sched_lending_priority(w->thread);
	struct futex_waiter *other;

	atomic_store_release(&w->bucket, b);	/* pairs with futex_leave */
	if (unlikely(priority))
		list_for_each(other, &b->waiters, link)
			if (sched_lending_priority(other->thread) < priority) {
				list_push_back(&other->link, &w->link);		/* before it */
				return;
			}
	list_push_back(&b->waiters, &w->link);
}

bool futex_leave(struct futex_waiter *w)
{
	struct futex_bucket *b;

	while ((b = atomic_load_acquire(&w->bucket)) != NULL) {	/* pairs with futex_wake_waiter, requeue */
		spin_lock(&b->lock);
		if (atomic_load(&w->bucket) == b) {
			list_remove(&w->link);
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock);
	}
	return false;
}

/* After the store w, on its thread's stack, may be gone. */
void futex_wake_waiter(struct futex_waiter *w)
{
	struct thread *t = thread_get(w->thread);

	list_remove(&w->link);
	atomic_store_release(&w->bucket, NULL);		/* pairs with futex_leave */
	thread_wake(t, BIT(THREAD_SLEEPING));
	thread_put(t);
}

int futex_sleep(const struct futex_deadline *d)
{
	if (unlikely(d->is_wall))
		return thread_sleep_wall(SLEEP_INTERRUPTIBLE, d->ns);
	return thread_sleep(SLEEP_INTERRUPTIBLE, d->ns);
}

int futex_wait_on(u32 __user *uaddr, bool is_private, u32 val, const struct futex_deadline *d, u32 bitset)
{
	struct futex_waiter w = { .thread = current, .bitset = bitset };
	struct futex_bucket *b;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = futex_key_of(uaddr, is_private, &w.key);
	if (err)
		return err;
	b = futex_bucket_of(&w.key);
	err = futex_lock_if_equal(uaddr, val, b);
	if (err)
		return err;
	futex_join(b, &w);
	while (true) {
		thread_prepare_sleep(SLEEP_INTERRUPTIBLE);
		if (b) {
			spin_unlock(&b->lock);
			b = NULL;
		}
		if (atomic_load(&w.bucket) == NULL) {
			atomic_store(&current->state, (u32)THREAD_RUNNABLE);
			break;
		}
		err = futex_sleep(d);
		if (err)
			break;
	}
	return futex_leave(&w) ? err : 0;
}

int futex_wake_on(u32 __user *uaddr, bool is_private, u32 max, u32 bitset)
{
	struct futex_waiter *w, *tmp;
	struct futex_bucket *b;
	struct futex_key key;
	int n = 0, err;

	if (bitset == 0)
		return -EINVAL;
	err = futex_key_of(uaddr, is_private, &key);
	if (err)
		return err;
	if (unlikely(futex_pi_has_waiters(&key)))
		return -EINVAL;
	b = futex_bucket_of(&key);
	spin_lock(&b->lock);
	list_for_each_safe(w, tmp, &b->waiters, link) {
		if (!futex_same_key(&w->key, &key))
			continue;
		if (unlikely(w->pi)) {		/* may be woken by FUTEX_CMP_REQUEUE_PI only */
			n = -EINVAL;
			break;
		}
		if (!(w->bitset & bitset))
			continue;
		futex_wake_waiter(w);
		if (++n >= (int)max)
			break;
	}
	spin_unlock(&b->lock);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes (futex(2)): waiting on and waking by the address of a 32-bit word of user memory. Waiters
 * hang in a hash table by key: (address space, address), or (file, offset) for shared mappings.
 * Priority inheritance is not there: ENOSYS.
 * Lock: the bucket's spinlock (LOCK_FUTEX; two buckets in address order). The word is read under it
 * with page faults switched off, so that no wake-up falls between the test and the sleep; a fault
 * is resolved outside and everything tried again.
 */
#include <kernel/aspace.h>
#include <kernel/fs.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>
#include <uapi/errno.h>
#include <uapi/futex.h>
#include <uapi/time.h>

#define BUCKETS 256u

struct futex_key {
	const void *object;	/* struct aspace, struct inode or shared anonymous memory */
	u64 offset;
};
struct bucket {
	struct spinlock lock;
	struct list waiters;		/* lock */
} __cacheline_aligned;
struct waiter {
	struct list link;		/* bucket lock */
	struct futex_key key;		/* bucket lock */
	struct bucket *bucket;		/* [a] changed under its lock; NULL: woken */
	struct thread *thread;
	u32 bitset;
};
static struct bucket buckets[BUCKETS];
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

static struct bucket *bucket_of(const struct futex_key *key)
{
	u64 h = ((u64)key->object ^ key->offset * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	if (unlikely(atomic_load_acquire(&buckets_ready) != 2))
		buckets_init();
	return &buckets[h >> 56];
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

/* 0, -EINVAL (misaligned), -EFAULT. Sleeps. */
static int key_of(const u32 __user *uaddr, bool is_private, struct futex_key *key)
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

/* Under a spinlock: no sleeping. 0 or -EFAULT. */
static int load_nofault(const u32 __user *uaddr, u32 *value)
{
	int err;

	current->fault_disabled++;
	err = arch_user_load32(uaddr, value);
	current->fault_disabled--;
	return err;
}

/* Makes the page present (writable if asked), sleeping. 0 or -EFAULT. */
static int fault_in(u32 __user *uaddr, bool for_write)
{
	u32 value, prev;

	if (arch_user_load32(uaddr, &value))
		return -EFAULT;
	return for_write ? arch_user_cmpxchg32(uaddr, value, value, &prev) : 0;
}

/* Locks the bucket with the word equal to val. 0, -EAGAIN, -EFAULT. */
static int lock_if_equal(u32 __user *uaddr, u32 val, struct bucket *b)
{
	u32 now;

	while (true) {
		spin_lock(&b->lock);
		if (load_nofault(uaddr, &now) == 0)
			break;
		spin_unlock(&b->lock);
		if (fault_in(uaddr, false))
			return -EFAULT;
	}
	if (now == val)
		return 0;
	spin_unlock(&b->lock);
	return -EAGAIN;
}

/* Out of line: the compiler cannot see that every way out takes w off the list again. */
static void __noinline join(struct bucket *b, struct waiter *w)
{
	w->bucket = b;
	list_push_back(&b->waiters, &w->link);
}

/* Takes w off whatever bucket it hangs in now. False: somebody woke it. */
static bool leave(struct waiter *w)
{
	struct bucket *b;

	while ((b = atomic_load_acquire(&w->bucket)) != NULL) {	/* pairs with wake_waiter, requeue */
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

/* Bucket lock held. After the store w, on its thread's stack, may be gone. */
static void wake_waiter(struct waiter *w)
{
	struct thread *t = thread_get(w->thread);

	list_remove(&w->link);
	atomic_store_release(&w->bucket, NULL);		/* pairs with leave */
	thread_wake(t, BIT(THREAD_SLEEPING));
	thread_put(t);
}

static int wait_on(u32 __user *uaddr, bool is_private, u32 val, u64 deadline_ns, u32 bitset)
{
	struct waiter w = { .thread = current, .bitset = bitset };
	struct bucket *b;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = key_of(uaddr, is_private, &w.key);
	if (err)
		return err;
	b = bucket_of(&w.key);
	err = lock_if_equal(uaddr, val, b);
	if (err)
		return err;
	join(b, &w);
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
		err = thread_sleep(SLEEP_INTERRUPTIBLE, deadline_ns);
		if (err)
			break;
	}
	return leave(&w) ? err : 0;
}

static int wake(u32 __user *uaddr, bool is_private, u32 max, u32 bitset)
{
	struct waiter *w, *tmp;
	struct futex_key key;
	struct bucket *b;
	int n = 0, err;

	if (bitset == 0)
		return -EINVAL;
	err = key_of(uaddr, is_private, &key);
	if (err)
		return err;
	b = bucket_of(&key);
	spin_lock(&b->lock);
	list_for_each_safe(w, tmp, &b->waiters, link) {
		if (!same_key(&w->key, &key) || !(w->bitset & bitset))
			continue;
		wake_waiter(w);
		if (++n >= (int)max)
			break;
	}
	spin_unlock(&b->lock);
	return n;
}

static void lock_two(struct bucket *a, struct bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

struct two {
	struct futex_key key1, key2;
	struct bucket *b1, *b2;
};

static int two_of(u32 __user *uaddr1, u32 __user *uaddr2, bool is_private, struct two *p)
{
	int err = key_of(uaddr1, is_private, &p->key1);

	if (!err)
		err = key_of(uaddr2, is_private, &p->key2);
	if (!err) {
		p->b1 = bucket_of(&p->key1);
		p->b2 = bucket_of(&p->key2);
	}
	return err;
}

/* Both locked: wakes n_wake waiters of key1, moves n_move more to key2. How many were woken or moved. */
static int wake_and_move(struct two *p, u32 n_wake, u32 n_move)
{
	struct waiter *w, *tmp;
	struct list moved = LIST_INIT(moved);
	u32 n = 0;

	list_for_each_safe(w, tmp, &p->b1->waiters, link) {
		if (!same_key(&w->key, &p->key1))
			continue;
		if (n >= n_wake && n - n_wake >= n_move)
			break;
		if (n < n_wake) {
			wake_waiter(w);
		} else {
			list_remove(&w->link);
			w->key = p->key2;
			list_push_back(&moved, &w->link);
			atomic_store_release(&w->bucket, p->b2);	/* pairs with leave */
		}
		n++;
	}
	list_splice_back(&p->b2->waiters, &moved);
	return (int)n;
}

/* cmp: NULL for FUTEX_REQUEUE. */
static int requeue(u32 __user *uaddr1, u32 __user *uaddr2, bool is_private, u32 n_wake, u32 n_move, const u32 *cmp)
{
	struct two p;
	u32 now;
	int n = two_of(uaddr1, uaddr2, is_private, &p);

	if (n)
		return n;
	if ((s32)n_wake < 0 || (s32)n_move < 0)
		return -EINVAL;
	while (true) {
		lock_two(p.b1, p.b2);
		if (cmp == NULL || load_nofault(uaddr1, &now) == 0)
			break;
		unlock_two(p.b1, p.b2);
		if (fault_in(uaddr1, false))
			return -EFAULT;
	}
	n = cmp && now != *cmp ? -EAGAIN : wake_and_move(&p, n_wake, n_move);
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
	int err = load_nofault(uaddr, old);

	do {
		expected = *old;
		if (!err)
			err = op_result(encoded, expected, &new);
		if (err)
			return err;
		current->fault_disabled++;
		err = arch_user_cmpxchg32(uaddr, expected, new, old);
		current->fault_disabled--;
	} while (err || *old != expected);
	return 0;
}

/* FUTEX_WAKE_OP: *uaddr2 = op(*uaddr2); wake on uaddr1, and on uaddr2 if the old value compares. */
static int wake_op(u32 __user *uaddr1, u32 __user *uaddr2, bool is_private, u32 max1, u32 max2, u32 encoded)
{
	struct two p;
	u32 old;
	int err = two_of(uaddr1, uaddr2, is_private, &p), n, compares;

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
		if (err != -EFAULT || fault_in(uaddr2, true))
			return err;
	}
	n = wake_and_move(&p, max1, 0);
	if (op_compare(encoded, old)) {
		struct two q = { p.key2, p.key2, p.b2, p.b2 };

		n += wake_and_move(&q, max2, 0);
	}
	unlock_two(p.b1, p.b2);
	return n;
}

/* ---- the call ---- */

/* Timeout of a wait to a monotonic deadline. 0, -EFAULT, -EINVAL. */
static int deadline_of(u64 timeout, bool is_absolute, bool is_realtime, u64 *deadline_ns)
{
	struct timespec64 ts;
	u64 ns, now = time_ns();
	s64 wall;

	*deadline_ns = U64_MAX;
	if (timeout == 0)
		return 0;
	if (copy_from_user(&ts, (const void __user *)timeout, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if ((u64)ts.tv_sec >= S64_MAX / NSEC_PER_SEC)
		return 0;
	ns = (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	if (!is_absolute) {
		*deadline_ns = now + ns;
	} else if (is_realtime) {
		wall = time_wall_ns();
		*deadline_ns = (s64)ns <= wall ? 0 : now + (ns - (u64)wall);
	} else {
		*deadline_ns = ns;
	}
	return 0;
}

/* restart.arg: address, value | bitset << 32, deadline, private. */
static long wait_restart(struct restart_block *r)
{
	int err = wait_on((u32 __user *)r->arg[0], r->arg[3] != 0, (u32)r->arg[1], r->arg[2],
			  (u32)(r->arg[1] >> 32));

	return err == -EINTR ? -ERESTART_RESTARTBLOCK : err;
}

static long futex_wait(u32 __user *uaddr, bool is_private, u32 val, u64 deadline_ns, u32 bitset, bool is_relative)
{
	int err = wait_on(uaddr, is_private, val, deadline_ns, bitset);

	if (err != -EINTR)
		return err;
	if (deadline_ns == U64_MAX)
		return -ERESTARTSYS;
	if (!is_relative)
		return -ERESTARTNOHAND;
	current->restart = (struct restart_block){
		.fn = wait_restart,
		.arg = { (u64)uaddr, val | (u64)bitset << 32, deadline_ns, is_private },
	};
	return -ERESTART_RESTARTBLOCK;
}

long sys_futex(u32 __user *uaddr, int op, u32 val, u64 timeout, u32 __user *uaddr2, u32 val3)
{
	bool is_private = (op & FUTEX_PRIVATE_FLAG) != 0, is_realtime = (op & FUTEX_CLOCK_REALTIME) != 0;
	int cmd = op & FUTEX_CMD_MASK;
	u64 deadline;
	int err;

	if (is_realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		err = deadline_of(timeout, cmd == FUTEX_WAIT_BITSET, is_realtime, &deadline);
		return err ? err : futex_wait(uaddr, is_private, val, deadline,
					      cmd == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : val3, cmd == FUTEX_WAIT);
	case FUTEX_WAKE:
		return wake(uaddr, is_private, val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return wake(uaddr, is_private, val, val3);
	case FUTEX_REQUEUE:	/* the timeout argument is a count here */
		return requeue(uaddr, uaddr2, is_private, val, (u32)timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return requeue(uaddr, uaddr2, is_private, val, (u32)timeout, &val3);
	case FUTEX_WAKE_OP:
		return wake_op(uaddr, uaddr2, is_private, val, (u32)timeout, val3);
	default:
		return -ENOSYS;		/* the priority-inheriting ones; FUTEX_FD is gone from Linux too */
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlock and its family. There is no swap, but file pages may be reclaimed and madvise may drop: a locked
 * area's pages stay. Locking faults everything in, VMA_LOCKONFAULT leaves that to the program. What is
 * locked counts against RLIMIT_MEMLOCK, unless CAP_IPC_LOCK.
 */
#include <kernel/cred.h>
#include <uapi/capability.h>

#include "aspace_internal.h"

#define LOCK_FLAGS (VMA_LOCKED | VMA_LOCKONFAULT)

int lock_check(const struct aspace *as, u64 pages)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK);

	if (limit == RLIM_INFINITY || capable(CAP_IPC_LOCK))
		return 0;
	if (!limit)
		return -EPERM;
	return as->locked_pages + pages > limit >> PAGE_SHIFT ? -EAGAIN : 0;
}

/* Pages of the range that are not locked yet; -ENOMEM: it has a hole. */
static s64 count_unlocked(struct aspace *as, vaddr_t start, vaddr_t end)
{
	s64 n = 0;

	for (vaddr_t at = start; at < end;) {
		struct vma *v = aspace_find(as, at);

		if (!v || v->start > at)
			return -ENOMEM;
		if (!(v->flags & VMA_LOCKED))
			n += (s64)((min(v->end, end) - at) >> PAGE_SHIFT);
		at = v->end;
	}
	return n;
}

static u32 locked_as(const struct vma *v, u32 lock_flags)
{
	/* Device frames and the vDSO are always there. */
	return v->flags & VMA_SPECIAL ? v->flags : (v->flags & ~LOCK_FLAGS) | lock_flags;
}

int aspace_mlock(struct aspace *as, vaddr_t addr, u64 len, u32 lock_flags)
{
	vaddr_t start = align_down(addr, PAGE_SIZE), end;
	u64 bytes = align_up(len + (addr - start), PAGE_SIZE);
	s64 more;
	int err = 0;

	if (lock_flags && !rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	end = start + bytes;
	if (end < start || bytes < len)
		return -EINVAL;
	if (end == start)
		return 0;
	aspace_lock(as);
	more = count_unlocked(as, start, end);
	if (more < 0 || (lock_flags && lock_check(as, (u64)more)))
		err = -ENOMEM;
	if (!err)
		err = vma_split_range(as, start, end);
	for (struct vma *v = aspace_find(as, start); !err && v && v->start < end; v = vma_next(v)) {
		vma_set_flags(v, locked_as(v, lock_flags));
		v = vma_merge(v);
	}
	aspace_unlock(as);
	if (err || (lock_flags & LOCK_FLAGS) != VMA_LOCKED)
		return err;
	err = aspace_populate(as, start, bytes);
	return err == -EIO || err == -EFAULT ? -ENOMEM : err;
}

/* Brings in whatever can be had; areas without rights and file ends are passed by, as on Linux. */
static void populate_all(struct aspace *as)
{
	vaddr_t at = 0, start, end;

	while (at < arch_layout.user_end) {
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, at);
		start = v ? max(v->start, at) : 0;
		end = v ? v->end : 0;
		rwlock_read_unlock(&as->lock);
		if (!v || aspace_populate(as, start, end - start) == -EINTR)
			break;
		at = end;
	}
}

int aspace_mlock_all(struct aspace *as, bool now, u32 now_flags, u32 future_flags)
{
	bool locks = now_flags || future_flags;
	int err = 0;

	if (locks && !rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	aspace_lock(as);
	if (now && now_flags && as->total_pages > as->locked_pages &&
	    lock_check(as, as->total_pages - as->locked_pages))
		err = -ENOMEM;
	if (!err)
		as->lock_future = future_flags;
	for (struct vma *v = aspace_find(as, 0); !err && now && v; v = vma_next(v)) {
		vma_set_flags(v, locked_as(v, now_flags));
		v = vma_merge(v);
	}
	aspace_unlock(as);
	if (!err && now && now_flags == VMA_LOCKED)
		populate_all(as);
	return err;
}

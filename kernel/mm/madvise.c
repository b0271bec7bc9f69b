/* SPDX-License-Identifier: BSD-2-Clause */
/* Advice and queries about ranges: madvise, msync, mincore, mlock, populate. */
#include <kernel/usercopy.h>

#include "aspace_internal.h"

/* Checks a range as the calls here all do. Length in whole pages through *bytes. */
static int check_range(vaddr_t addr, u64 len, u64 *bytes)
{
	*bytes = align_up(len, PAGE_SIZE);
	if (!is_aligned(addr, PAGE_SIZE) || *bytes < len)
		return -EINVAL;
	if (addr > arch_layout.user_end || *bytes > arch_layout.user_end - addr)
		return -ENOMEM;
	return 0;
}

int aspace_populate(struct aspace *as, vaddr_t addr, u64 len)
{
	int err = 0;

	for (vaddr_t at = addr; at < addr + len && !err; at += PAGE_SIZE) {
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, at);
		if (!v || v->start > at)
			err = -ENOMEM;
		else if (v->flags & (VMA_READ | VMA_WRITE | VMA_EXEC))
			err = fault_resolve(v, at, (v->flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE ?
					    FAULT_WRITE : 0);
		rwlock_read_unlock(&as->lock);
		if (!err && signal_fatal_pending(current))
			err = -EINTR;
	}
	return err;
}

static void drop_pages(struct aspace *as, struct vma *v, vaddr_t start, vaddr_t end)
{
	struct tlb_batch b;

	if (v->flags & (VMA_SPECIAL | VMA_LOCKED))
		return;
	tlb_batch_init(&b, as);
	zap_range(as, start, end, &b);
	tlb_batch_finish(&b);
}

/* Hints that change nothing here but must be known. */
static bool is_hint(int advice)
{
	return advice == MADV_NORMAL || advice == MADV_RANDOM || advice == MADV_SEQUENTIAL ||
	       advice == MADV_WILLNEED || advice == MADV_MERGEABLE || advice == MADV_UNMERGEABLE ||
	       advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE || advice == MADV_COLD ||
	       advice == MADV_PAGEOUT;
}

/* The flag an advice sets (positive) or clears, 0: none. */
static u32 advice_flag(int advice, bool *set)
{
	*set = advice == MADV_DONTFORK || advice == MADV_WIPEONFORK || advice == MADV_DONTDUMP;
	switch (advice) {
	case MADV_DONTFORK:
	case MADV_DOFORK:
		return VMA_DONTFORK;
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		return VMA_WIPEONFORK;
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return VMA_DONTDUMP;
	}
	return 0;
}

static int advise_flags(struct aspace *as, vaddr_t addr, vaddr_t end, int advice)
{
	bool set;
	u32 flag = advice_flag(advice, &set);
	int err;

	rwlock_write_lock(&as->lock);
	err = vma_split_range(as, addr, end);
	for (struct vma *v = aspace_find(as, addr); !err && v && v->start < end; v = vma_next(v)) {
		if (flag == VMA_WIPEONFORK && !vma_is_anon(v)) {
			err = -EINVAL;
			break;
		}
		vma_set_flags(v, set ? v->flags | flag : v->flags & ~flag);
		v = vma_merge(v);
	}
	rwlock_write_unlock(&as->lock);
	return err;
}

int aspace_madvise(struct aspace *as, vaddr_t addr, u64 len, int advice)
{
	bool drops = advice == MADV_DONTNEED || advice == MADV_FREE, unused;
	bool populates = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	vaddr_t at, end;
	u64 bytes;
	int err = check_range(addr, len, &bytes);

	if (err == -ENOMEM)
		err = -EINVAL;
	if (!err && !drops && !populates && !is_hint(advice) && !advice_flag(advice, &unused))
		err = -EINVAL;
	if (err || bytes == 0)
		return err;
	end = addr + bytes;
	if (populates)
		return aspace_populate(as, addr, bytes);
	if (advice_flag(advice, &unused))
		return advise_flags(as, addr, end, advice);
	rwlock_read_lock(&as->lock);
	for (at = addr; at < end;) {
		struct vma *v = aspace_find(as, at);

		if (!v || v->start > at)
			err = -ENOMEM;	/* a hole: the rest is done all the same */
		if (!v || v->start >= end)
			break;
		if (drops && v->flags & (VMA_SPECIAL | VMA_LOCKED)) {
			err = -EINVAL;
			break;
		}
		if (advice == MADV_FREE && !vma_is_anon(v)) {
			err = -EINVAL;
			break;
		}
		if (drops)
			drop_pages(as, v, max(v->start, at), min(v->end, end));
		at = v->end;
	}
	rwlock_read_unlock(&as->lock);
	return err;
}

int aspace_msync(struct aspace *as, vaddr_t addr, u64 len, int flags)
{
	u64 bytes;
	vaddr_t end;
	int err = check_range(addr, len, &bytes), hole = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	end = addr + bytes;
	while (!err && addr < end) {
		struct file *f = NULL;
		u64 from = 0, to = 0;
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, addr);
		if (!v || v->start > addr)
			hole = -ENOMEM;
		if (v && v->start < end) {
			vaddr_t last = min(v->end, end);

			addr = max(addr, v->start);
			if ((flags & MS_SYNC) && v->file && (v->flags & VMA_SHARED) && v->file->ops->fsync) {
				f = file_get(v->file);
				from = vma_pgoff(v, addr) << PAGE_SHIFT;
				to = from + (last - addr) - 1;
			}
			addr = last;
		} else {
			addr = end;
		}
		rwlock_read_unlock(&as->lock);
		if (f) {
			err = f->ops->fsync(f, from, to, true);
			file_put(f);
		}
	}
	return err ? err : hole;
}

static bool is_resident(struct aspace *as, struct vma *v, vaddr_t va)
{
	struct page_mapping *m = vma_mapping(v);
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next);
	struct page *p;

	if (e && pte_present(pte_load(e)))
		return true;
	p = m ? mapping_find(m, vma_pgoff(v, va)) : NULL;
	if (!p)
		return false;
	page_put(p);
	return true;
}

int aspace_mincore(struct aspace *as, vaddr_t addr, u64 len, u8 __user *vec)
{
	u64 bytes, done = 0;
	int err = check_range(addr, len, &bytes);

	while (!err && done < bytes) {
		u8 part[128];
		u64 n = min((bytes - done) >> PAGE_SHIFT, (u64)sizeof(part));

		rwlock_read_lock(&as->lock);
		for (u64 i = 0; i < n && !err; i++) {
			vaddr_t va = addr + done + i * PAGE_SIZE;
			struct vma *v = aspace_find(as, va);

			if (!v || v->start > va)
				err = -ENOMEM;
			else
				part[i] = is_resident(as, v, va);
		}
		rwlock_read_unlock(&as->lock);
		if (!err)
			err = copy_to_user(vec + (done >> PAGE_SHIFT), part, n);
		done += n << PAGE_SHIFT;
	}
	return err;
}

int aspace_mlock(struct aspace *as, vaddr_t addr, u64 len, bool lock)
{
	vaddr_t start = align_down(addr, PAGE_SIZE), end;
	u64 bytes;
	int err = check_range(start, len + (addr - start), &bytes);

	if (err || bytes == 0)
		return err;
	end = start + bytes;
	rwlock_write_lock(&as->lock);
	if (lock && as->locked_pages + (bytes >> PAGE_SHIFT) > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT)
		err = -ENOMEM;
	for (vaddr_t at = start; !err && at < end;) {
		struct vma *v = aspace_find(as, at);

		if (!v || v->start > at)
			err = -ENOMEM;
		else
			at = v->end;
	}
	if (!err)
		err = vma_split_range(as, start, end);
	for (struct vma *v = aspace_find(as, start); !err && v && v->start < end; v = vma_next(v)) {
		vma_set_flags(v, lock ? v->flags | VMA_LOCKED : v->flags & ~VMA_LOCKED);
		v = vma_merge(v);
	}
	rwlock_write_unlock(&as->lock);
	return err || !lock ? err : aspace_populate(as, start, bytes);
}

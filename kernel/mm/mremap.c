/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap: growing in place where there is room, else moving the page-table entries (never the
 * pages) to a new address.
 */
#include "aspace_internal.h"
#include "huge.h"

struct remap {
	struct aspace *as;
	vaddr_t old, new;
	u64 old_len, new_len;
	u32 flags;
};

static int check_args(struct remap *r)
{
	u64 old_len = r->old_len;

	if (r->flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	r->old_len = align_up(old_len, PAGE_SIZE);
	r->new_len = align_up(r->new_len, PAGE_SIZE);
	if (!is_aligned(r->old, PAGE_SIZE) || r->new_len == 0 || r->old_len < old_len)
		return -EINVAL;
	if (r->old > arch_layout.user_end || r->old_len > arch_layout.user_end - r->old ||
	    r->new_len > arch_layout.user_end)
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && r->old_len != r->new_len)
		return -EINVAL;
	if (!(r->flags & MREMAP_FIXED))
		return 0;
	if (!is_aligned(r->new, PAGE_SIZE) || r->new > arch_layout.user_end - r->new_len ||
	    r->new < MMAP_MIN_ADDR)
		return -EINVAL;
	if (r->new < r->old + r->old_len && r->old < r->new + r->new_len)
		return -EINVAL;
	return 0;
}

/* Empty is only what is so under the lock: its page may just be moved to another frame (compact.c). */
static bool is_present(pte_t *e)
{
	bool present = pte_present(pte_load(e));

	if (present)
		return true;
	pt_lock(e);
	present = pte_present(pte_load(e));
	pt_unlock(e);
	return present;
}

/* Both may be of one table; aspace.lock held for writing: nobody misses the page in between. */
static void move_entry(struct aspace *as, pte_t *from, pte_t *to, vaddr_t va)
{
	struct page *p = NULL;
	pte_t old;

	pt_lock(from);
	old = pte_exchange(from, PTE_EMPTY);
	if (pte_present(old) && !(pte_prot(old) & PGPROT_SPECIAL))
		p = phys_to_page(pte_paddr(old));
	/* What others show too stays where they have it: then it cannot be moved for compaction. */
	if (p && (p->flags & PAGE_ANON) && atomic_load(&p->mapcount) == 1)
		page_note_place(p, as, va);
	pt_unlock(from);
	pt_lock(to);
	pte_store(to, old);
	pt_unlock(to);
}

/* Entries of [from, from+len) go to `to`. False: no memory for tables; some may have moved. */
static bool move_entries(struct aspace *as, vaddr_t from, vaddr_t to, u64 len)
{
	struct tlb_batch b;
	bool done = true;

	tlb_batch_init(&b, as);
	for (u64 at = 0; at < len && done; at += PAGE_SIZE) {
		vaddr_t next;
		pte_t *e = huge_chunk(as, from + at, from + len, &next), *t;

		if (!e) {
			at = next - from - PAGE_SIZE;
			continue;
		}
		if (!is_present(e))
			continue;
		t = aspace_pte(as, to + at);
		done = t;
		if (t) {
			move_entry(as, e, t, to + at);
			tlb_batch_add(&b, from + at, 0);
		}
	}
	pte_sync();
	tlb_batch_finish(&b);
	return done;
}

/* What stays at the old place with MREMAP_DONTUNMAP is empty and neither locked nor marked as copied. */
static s64 leave_empty(struct remap *r)
{
	struct vma *v = aspace_find(r->as, r->old);

	vma_set_flags(v, v->flags & ~(VMA_LOCKED | VMA_LOCKONFAULT | VMA_COPIED));
	return (s64)r->new;
}

/* v is exactly the old range. Address or -errno; areas that went away are on dead. */
static s64 move_area(struct remap *r, struct vma *v, struct list *dead)
{
	struct aspace *as = r->as;
	struct vma *copy = vma_dup(v);
	struct page_mapping *m = vma_mapping(v);
	u64 moved = min(r->old_len, r->new_len);
	bool done;

	if (!copy)
		return -ENOMEM;
	copy->start = r->new;
	if (!copy->ops)
		copy->pgoff = r->new >> PAGE_SHIFT;
	copy->end = r->new + r->new_len;
	vma_insert(copy);
	/* Truncation looks into one area after the other: an entry must not pass it on the way. */
	if (m)
		mutex_lock(&m->vmas_lock);
	done = move_entries(as, r->old, r->new, moved);
	if (!done)
		move_entries(as, r->new, r->old, moved);	/* the old tables are still there */
	if (m)
		mutex_unlock(&m->vmas_lock);
	if (!done) {
		(void)vma_unmap_range(as, copy->start, copy->end, dead);
		return -ENOMEM;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		return leave_empty(r);
	(void)vma_unmap_range(as, r->old, r->old + r->old_len, dead);
	return (s64)r->new;
}

/* Old size 0: another view of the same shared pages, from v's part at r->old on. */
static s64 second_view(struct remap *r, const struct vma *v)
{
	struct vma *copy = vma_dup(v);

	if (!copy)
		return -ENOMEM;
	copy->pgoff = vma_pgoff(v, r->old);
	copy->start = r->new;
	copy->end = r->new + r->new_len;
	vma_insert(copy);
	return (s64)r->new;
}

static int check_growth(struct remap *r, const struct vma *v)
{
	struct aspace *as = r->as;
	u64 more = r->new_len > r->old_len ? (r->new_len - r->old_len) >> PAGE_SHIFT : 0;

	if (r->flags & MREMAP_DONTUNMAP)
		more = r->new_len >> PAGE_SHIFT;
	if (as->total_pages + more > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	if ((v->flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE &&
	    as->data_pages + more > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	if ((v->flags & VMA_LOCKED) && more && lock_check(as, more))
		return -EAGAIN;
	return (v->flags & VMA_ACCOUNT) && more ? commit_check(more) : 0;
}

static s64 move_locked(struct remap *r, struct vma *v, struct list *dead)
{
	struct aspace *as = r->as;
	int err;

	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED) {
		err = vma_unmap_range(as, r->new, r->new + r->new_len, dead);
		if (err)
			return err;
	} else {
		r->new = gap_find_high(&as->areas, MMAP_MIN_ADDR, as->mmap_base, r->new_len);
		if (!r->new)
			return -ENOMEM;
	}
	if (!r->old_len)
		return second_view(r, aspace_find(as, r->old));
	/* Unmapping the target may have changed nothing here: the ranges do not meet. */
	err = vma_split_range(as, r->old, r->old + r->old_len);
	if (err)
		return err;
	v = aspace_find(as, r->old);
	return move_area(r, v, dead);
}

static s64 remap_locked(struct remap *r, struct list *dead)
{
	struct aspace *as = r->as;
	struct vma *v = aspace_find(as, r->old), *next;
	int err;

	if (!v || v->start > r->old)
		return -EFAULT;
	if (v->flags & VMA_SPECIAL || (r->old_len == 0 && !(v->flags & VMA_SHARED)))
		return -EINVAL;
	if (r->old_len > v->end - r->old)
		return -EFAULT;
	err = check_growth(r, v);
	if (err)
		return err;
	if ((r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) || !r->old_len)
		return move_locked(r, v, dead);
	if (r->new_len <= r->old_len) {
		err = r->new_len < r->old_len ?
		      vma_unmap_range(as, r->old + r->new_len, r->old + r->old_len, dead) : 0;
		return err ? err : (s64)r->old;
	}
	next = vma_next(v);
	if (v->end == r->old + r->old_len && r->old + r->new_len <= (next ? next->start : arch_layout.user_end)) {
		vma_resize(v, v->start, r->old + r->new_len);
		return (s64)r->old;
	}
	return move_locked(r, v, dead);
}

s64 aspace_mremap(struct aspace *as, vaddr_t old, u64 old_len, u64 new_len, u32 flags, vaddr_t new_addr)
{
	struct remap r = { as, old, new_addr, old_len, new_len, flags };
	struct list dead = LIST_INIT(dead);
	s64 at = check_args(&r);
	bool populate;

	if (at)
		return at;
	aspace_lock(as);
	at = remap_locked(&r, &dead);
	populate = at > 0 && r.new_len > r.old_len &&
		   (aspace_find(as, (vaddr_t)at)->flags & (VMA_LOCKED | VMA_LOCKONFAULT)) == VMA_LOCKED;
	aspace_unlock(as);
	vma_list_destroy(&dead);
	if (populate)
		(void)aspace_populate(as, (vaddr_t)at + r.old_len, r.new_len - r.old_len);
	return at;
}

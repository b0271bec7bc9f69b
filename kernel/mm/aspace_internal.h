/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the address-space files: areas, zapping, faults. */
#ifndef MM_ASPACE_INTERNAL_H
#define MM_ASPACE_INTERNAL_H

#include <kernel/aspace.h>
#include <kernel/fs.h>
#include <kernel/pagecache.h>
#include <kernel/pgtable.h>
#include <kernel/process.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

#include "gaptree.h"
#include "mm_internal.h"

#define VMA_COUNT_MAX (vm_settings.max_map_count)
#define STACK_GAP (256 * PAGE_SIZE)	/* kept free below a stack, as Linux */
#define MMAP_MIN_ADDR (vm_settings.mmap_min_addr)
#define RIGHTS (VMA_READ | VMA_WRITE | VMA_EXEC)

static_assert(offsetof(struct vma, node) == offsetof(struct gap_node, node) &&
	      offsetof(struct vma, start) == offsetof(struct gap_node, start) &&
	      offsetof(struct vma, end) == offsetof(struct gap_node, end) &&
	      offsetof(struct vma, gap) == offsetof(struct gap_node, gap) &&
	      offsetof(struct vma, max_gap) == offsetof(struct gap_node, max_gap),
	      "struct vma begins with a gap node");
static inline struct gap_node *vma_gap(struct vma *v) { return (struct gap_node *)v; }
static inline struct vma *gap_vma(struct gap_node *g) { return (struct vma *)g; }

/* Shared anonymous memory: a page cache of its own, without a file. */
struct anon_shared {
	struct refcount refs;
	struct page_mapping mapping;
};
extern const struct vma_ops anon_shared_ops;
struct anon_shared *anon_shared_create(void);
void anon_shared_put(struct anon_shared *s);

/*
 * aspace.lock for writing, as everybody must take it who changes areas or takes tables out: faults that hold no lock
 * see by `changes` that something is, or was, under way.
 */
static inline void aspace_lock(struct aspace *as)
{
	rwlock_write_lock(&as->lock);
	atomic_store(&as->changes, as->changes + 1);
	atomic_fence_release();	/* what changes next is not seen before this; pairs with fault_unlocked's fence */
}
static inline void aspace_unlock(struct aspace *as)
{
	atomic_store_release(&as->changes, as->changes + 1);	/* pairs with fault_unlocked's first load */
	rwlock_write_unlock(&as->lock);
}

/* The page cache behind v, whose list of areas v is in; NULL: private memory or device. */
struct page_mapping *vma_mapping(const struct vma *v);
static inline bool vma_is_anon(const struct vma *v) { return !v->ops && !(v->flags & VMA_SPECIAL); }
static inline u64 vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }
static inline u64 vma_pgoff(const struct vma *v, vaddr_t addr)
{
	return v->pgoff + ((addr - v->start) >> PAGE_SHIFT);
}
unsigned vma_prot(const struct vma *v);		/* PGPROT_* its pages may have at most */

/* vma.c; aspace.lock held for writing. */
struct vma *vma_alloc(struct aspace *as, vaddr_t start, vaddr_t end, u32 flags);
struct vma *vma_dup(const struct vma *v);	/* copy with its own references, in no tree or list */
void vma_insert(struct vma *v);			/* into its tree, its mapping's list, the counters */
/* Leaves tree, list and counters; the caller destroys it after unlocking. */
void vma_remove(struct vma *v);
void vma_destroy(struct vma *v);		/* closes, drops the file; lock not held */
void vma_free(struct vma *v);
/* Counts v among the areas that may write to its file. -EPERM: sealed. */
int vma_writer_add(struct vma *v);
void vma_writer_drop(struct vma *v);
void vma_list_destroy(struct list *dead);	/* of vma.mapping_link */
int vma_split(struct vma *v, vaddr_t addr);	/* v keeps [start, addr) */
int vma_split_range(struct aspace *as, vaddr_t start, vaddr_t end);
struct vma *vma_merge(struct vma *v);		/* with equal neighbours; the one that remains */
void vma_set_flags(struct vma *v, u32 flags);
void vma_account(struct vma *v, s64 sign);
/* Moves v's bounds with its mapping's list kept right; pgoff follows start. */
void vma_resize(struct vma *v, vaddr_t start, vaddr_t end);
/* Takes everything out of [start, end) incl. pages and tables. Areas go on dead. 0 or -ENOMEM (nothing done). */
int vma_unmap_range(struct aspace *as, vaddr_t start, vaddr_t end, struct list *dead);

/* zap.c */
void zap_range(struct aspace *as, vaddr_t start, vaddr_t end, struct tlb_batch *b);
void zap_tables(struct aspace *as, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
		struct tlb_batch *b);
void protect_range(struct vma *v, vaddr_t start, vaddr_t end);
pte_t *aspace_pte(struct aspace *as, vaddr_t va);	/* with tables on the way; NULL: no memory */
/* Counters of pages that get or lose user entries: collected, then applied at once. */
struct rss_delta {
	s64 anon, file, shmem;		/* entries of the space */
	s64 used_anon, used_file;	/* pages that got their first or lost their last entry anywhere */
};
static inline void rss_note(struct rss_delta *d, const struct page *p, s64 n)
{
	if (p->flags & PAGE_ANON)
		d->anon += n;
	else if (p->mapping && p->mapping->keep)
		d->shmem += n;
	else
		d->file += n;
}
/* One entry more or less maps p: counts it in d. */
static inline void page_mapped(struct rss_delta *d, struct page *p)
{
	if (__atomic_fetch_add(&p->mapcount, 1, __ATOMIC_RELAXED) == 0)
		*(p->flags & PAGE_ANON ? &d->used_anon : &d->used_file) += 1;
	rss_note(d, p, 1);
}
static inline void page_unmapped(struct rss_delta *d, struct page *p)
{
	if (__atomic_fetch_sub(&p->mapcount, 1, __ATOMIC_RELAXED) == 1)
		*(p->flags & PAGE_ANON ? &d->used_anon : &d->used_file) -= 1;
	rss_note(d, p, -1);
}
void rss_apply(struct aspace *as, const struct rss_delta *d);

/* aspace.c: the oldest space that threads run in with a larger serial, of that family (0: any), referenced; NULL. Spinlock. */
struct aspace *aspace_after(u64 serial, u64 family);
/* Where a fresh anonymous page is mapped; who moves it (compact.c) looks there in all spaces of the family. */
static inline void page_note_place(struct page *p, const struct aspace *as, vaddr_t va)
{
	p->owner = (void *)(uintptr_t)as->family;
	p->index = va >> PAGE_SHIFT;
}

/* commit.c: whether `pages` more may be promised. 0 or -ENOMEM. */
int commit_check(u64 pages);
/* mlock.c: whether `pages` more may be locked. 0, -EPERM or -EAGAIN. */
int lock_check(const struct aspace *as, u64 pages);

/* fault.c */
/* A present entry got more rights or bits: this CPU forgets what it knew of it. */
void flush_here(struct aspace *as, vaddr_t va, unsigned level);
struct page *zero_page(void);
int fault_resolve(struct vma *v, vaddr_t addr, unsigned flags);	/* lock held for reading */

void aspace_caches_init(void);
void vma_cache_init(void);
void fault_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transparent large pages: 2 MiB of private anonymous memory behind one entry of level 1. Behind such an entry
 * lie 512 ordinary pages that happen to be one block: each has its own reference and count of entries. Large is the
 * entry alone, so it can be replaced by a table of 512 small ones at any moment, and whoever wants less than a whole
 * block does that first (huge_split). A table for it waits with the level-1 table (page.spare_tables) from the time the
 * entry is made, so splitting cannot fail.
 *
 * Made by a write to a block where nothing is yet, if the whole block lies in one area, memory is plentiful, and the
 * program is seen to use such memory whole: the block beside it is in use up to the border, or it said MADV_HUGEPAGE.
 * Small machines never have any. Small pages become large ones in collapse.c.
 *
 * Entries change, also to and from tables, under the lock of the level-1 table. An entry that changes its size is empty
 * for a moment: only who has the lock knows what is there. Nobody takes a lower table's lock meanwhile.
 */
#include <kernel/event.h>

#include "aspace_internal.h"
#include "group_memory.h"
#include "huge.h"

#define SMALL_MACHINE (80ull << 20 >> PAGE_SHIFT)	/* pages: below, never */

enum huge_mode huge_mode = HUGE_ALWAYS;		/* [a] */
enum huge_defrag huge_defrag = DEFRAG_MADVISE;	/* [a] */

static bool is_large(pte_t v) { return pte_present(v) && !pte_is_table(v, 1); }

pte_t *huge_lock(struct aspace *as, vaddr_t va)
{
	pte_t *e = pgtable_entry(as->root, va, 1, false, 0);

	if (!e || pte_is_table(pte_load(e), 1))
		return NULL;
	pt_lock(e);
	if (is_large(pte_load(e)))
		return e;
	pt_unlock(e);
	return NULL;
}

bool huge_is_covered(struct aspace *as, vaddr_t va)
{
	pte_t *e = pgtable_entry(as->root, va, 1, false, 0);
	bool is_there;

	if (!e)
		return false;
	pt_lock(e);
	is_there = pte_present(pte_load(e));
	pt_unlock(e);
	return is_there;
}

pte_t huge_part(pte_t large, vaddr_t va)
{
	pte_t v = pte_make_leaf(pte_paddr(large) + (va & (HUGE_SIZE - 1) & PAGE_MASK), pte_prot(large), 0);

	v = pte_accessed(large) ? pte_mark_accessed(v) : pte_clear_accessed(v);
	return pte_dirty(large) ? pte_mark_dirty(v) : v;
}

/* The table kept for the large entry e, or for one beside it. e's table locked. */
static struct page *take_spare(pte_t *e)
{
	struct page *upper = virt_to_page(e), *table = upper->spare_tables;

	pt_assert_locked(e);
	assert(table);
	upper->spare_tables = table->defer_next;
	return table;
}

static void add_spare(struct aspace *as, pte_t *e, struct page *table)
{
	struct page *upper = virt_to_page(e);

	pt_assert_locked(e);
	table->defer_next = upper->spare_tables;
	upper->spare_tables = table;
	atomic_add(&as->pt_pages, 1);
}

static void spare_free(struct aspace *as, struct page *table)
{
	atomic_sub(&as->pt_pages, 1);
	pgtable_page_free(table);
}

/* One more or less large entry shows the block that begins with p. */
static void count_block(struct aspace *as, struct page *p, bool more)
{
	struct rss_delta delta = {};

	for (unsigned i = 0; i < HUGE_PAGES; i++)
		if (more)
			page_mapped(&delta, p + i);
		else
			page_unmapped(&delta, p + i);
	rss_apply(as, &delta);
}

/* e's table locked: the entry becomes a table of small ones. Through "empty" and a flush, as every change of size. */
static void split_locked(struct aspace *as, pte_t *e, vaddr_t va)
{
	struct page *table = take_spare(e);
	pte_t old = pte_exchange(e, PTE_EMPTY), *to = page_to_virt(table);
	struct tlb_batch b;

	tlb_batch_init(&b, as);
	tlb_batch_add(&b, va, 1);
	tlb_batch_finish(&b);
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		pte_store(to + i, huge_part(old, i * PAGE_SIZE));
	pte_store(e, pte_make_table(page_to_phys(table), true));
	pte_sync();
	mm_count(MM_HUGE, -1);
	mm_count(MM_HUGE_SPLIT, 1);
}

void huge_split(struct aspace *as, vaddr_t va)
{
	pte_t *e = huge_lock(as, va);

	if (likely(!e))
		return;
	split_locked(as, e, align_down(va, HUGE_SIZE));
	pt_unlock(e);
}

pte_t *huge_chunk(struct aspace *as, vaddr_t va, vaddr_t end, vaddr_t *next)
{
	pte_t *e = pgtable_chunk(as->root, va, end, next);

	if (e)
		return e;
	huge_split(as, va);
	return pgtable_chunk(as->root, va, end, next);
}

pte_t *huge_lock_page(struct aspace *as, vaddr_t va, pte_t *small)
{
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next);

	if (!e && (e = huge_lock(as, va))) {
		*small = huge_part(pte_load(e), va);
		return e;
	}
	/* What was not large once its lock was free may be a table since. */
	if (!e)
		e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next);
	if (!e)
		return NULL;
	pt_lock(e);
	*small = pte_load(e);
	return e;
}

/* The large entry at va, its table locked, if it lies wholly in [va, end); NULL: there is none, or now it is small. */
static pte_t *lock_whole(struct aspace *as, vaddr_t va, vaddr_t end)
{
	pte_t *e = huge_lock(as, va);

	if (!e || (is_aligned(va, HUGE_SIZE) && end - va >= HUGE_SIZE))
		return e;
	split_locked(as, e, align_down(va, HUGE_SIZE));
	pt_unlock(e);
	return NULL;
}

bool huge_zap(struct aspace *as, vaddr_t va, vaddr_t end, struct tlb_batch *b)
{
	pte_t *e = lock_whole(as, va, end), old;
	struct page *table;

	if (!e)
		return false;
	old = pte_exchange(e, PTE_EMPTY);
	tlb_batch_add(b, va, 1);
	count_block(as, phys_to_page(pte_paddr(old)), false);
	tlb_batch_block(b, phys_to_page(pte_paddr(old)));
	table = take_spare(e);
	pt_unlock(e);
	spare_free(as, table);
	mm_count(MM_HUGE, -1);
	return true;
}

bool huge_protect(struct aspace *as, vaddr_t va, vaddr_t end, unsigned prot, struct tlb_batch *b)
{
	pte_t *e = lock_whole(as, va, end), old, new;

	if (!e)
		return false;
	do {	/* the CPU may set bits meanwhile */
		old = pte_load(e);
		/* Writing stays off unless it was on: copy-on-write is kept. */
		new = pte_with_prot(old, pte_prot(old) & PGPROT_WRITE ? prot : prot & ~PGPROT_WRITE, 1);
	} while (new != old && !pte_cmpxchg(e, old, new));
	if (new != old)
		tlb_batch_add(b, va, 1);
	pt_unlock(e);
	return true;
}

/* src->lock held for writing, dst is nobody's yet. */
int huge_fork(struct aspace *dst, struct aspace *src, vaddr_t va, struct tlb_batch *b)
{
	pte_t *from = huge_lock(src, va), *to, old;
	struct page *table, *p;

	if (!from)
		return 0;
	pt_unlock(from);	/* it stays: src->lock */
	to = pgtable_middle(dst->root, va, ALLOC_ACCOUNT, &dst->pt_pages);
	table = to ? pgtable_page_alloc(ALLOC_ACCOUNT) : NULL;
	if (!table)
		return -ENOMEM;
	pt_lock(from);
	old = pte_load(from);
	while ((pte_prot(old) & PGPROT_WRITE) && !pte_cmpxchg(from, old, pte_with_prot(old, pte_prot(old) & ~PGPROT_WRITE, 1)))
		old = pte_load(from);
	tlb_batch_add(b, va, 1);
	p = phys_to_page(pte_paddr(old));
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		page_get(p + i);
	count_block(dst, p, true);
	old = pte_load(from);
	pt_unlock(from);
	pt_lock(to);
	pte_store(to, old);
	add_spare(dst, to, table);
	pt_unlock(to);
	mm_count(MM_HUGE, 1);
	return 0;
}

/* ---- faults --------------------------------------------------------------------------------------- */

/* The page at va, which is not of this block, is there as a program's own. */
static bool is_used(struct vma *v, vaddr_t va)
{
	pte_t *e, small;

	if (va < v->start || va >= v->end)
		return false;
	e = huge_lock_page(v->aspace, va, &small);
	if (!e)
		return false;
	pt_unlock(e);
	return pte_present(small) && !(pte_prot(small) & PGPROT_SPECIAL);
}

static bool is_wanted(struct vma *v, vaddr_t block)
{
	enum huge_mode mode = atomic_load(&huge_mode);

	if (!vma_may_be_huge(v) || block < v->start || block + HUGE_SIZE > v->end)
		return false;
	/* Half a machine may be large pages, and what is asked for must not be what others will miss soon. */
	if (mm_free_pages() < buddy_total_pages() / 4 + HUGE_PAGES)
		return false;
	return v->flags & VMA_HUGE || (mode == HUGE_ALWAYS && (is_used(v, block - PAGE_SIZE) || is_used(v, block + HUGE_SIZE)));
}

static struct page *block_alloc(struct aspace *as, vaddr_t at, u32 flags, bool defrag)
{
	struct page *p;

	flags |= ALLOC_USER | ALLOC_NOWARN | ALLOC_TRY;
	p = page_alloc(HUGE_ORDER, flags);
	if (!p && defrag && compact_for_block())
		p = page_alloc(HUGE_ORDER, flags);
	if (!p)
		return NULL;
	page_split(p, HUGE_ORDER);
	for (unsigned i = 0; i < HUGE_PAGES; i++) {
		p[i].flags = PAGE_ANON | PAGE_UPTODATE;
		page_note_place(p + i, as, at + i * PAGE_SIZE);
	}
	group_memory_count(p->group, GM_ANON, HUGE_PAGES);
	return p;
}

struct page *huge_block_alloc(struct aspace *as, vaddr_t at, bool defrag)
{
	return block_alloc(as, at, 0, defrag);
}

/* A write to a block of v where nothing is: may it wait until pages were moved? */
static bool is_worth_moving(const struct vma *v)
{
	enum huge_defrag mode = atomic_load(&huge_defrag);

	return mode == DEFRAG_ALWAYS || (v->flags & VMA_HUGE && (mode == DEFRAG_MADVISE || mode == DEFRAG_DEFER_MADVISE));
}

static pte_t large_leaf(struct vma *v, struct page *p)
{
	return pte_mark_dirty(pte_mark_accessed(pte_make_leaf(page_to_phys(p), vma_prot(v), 1)));
}

void huge_install(struct vma *v, pte_t *e, struct page *block, struct page *spare)
{
	pt_lock(e);
	pte_store(e, large_leaf(v, block));
	add_spare(v->aspace, e, spare);
	pt_unlock(e);
	pte_sync();
	mm_count(MM_HUGE, 1);
}

static int make_block(struct vma *v, vaddr_t block)
{
	struct aspace *as = v->aspace;
	pte_t *e = pgtable_middle(as->root, block, ALLOC_ACCOUNT, &as->pt_pages);
	struct page *table = e ? pgtable_page_alloc(ALLOC_ACCOUNT | ALLOC_NOWARN | ALLOC_TRY) : NULL;
	struct page *p = table ? block_alloc(as, block, ALLOC_ZERO, is_worth_moving(v)) : NULL;
	bool done;

	if (!p) {
		mm_count(MM_HUGE_FALLBACK, 1);
		if (table)
			pgtable_page_free(table);
		return -EAGAIN;
	}
	pt_lock(e);
	done = likely(!atomic_load(&as->is_reaped)) && pte_cmpxchg(e, PTE_EMPTY, large_leaf(v, p));
	if (done) {
		count_block(as, p, true);
		add_spare(as, e, table);
	}
	pt_unlock(e);
	pte_sync();
	if (!done) {
		page_put_block(p, HUGE_ORDER);
		pgtable_page_free(table);
		return -EAGAIN;
	}
	mm_count(MM_HUGE, 1);
	mm_count(MM_HUGE_ALLOC, 1);
	return 0;
}

/* After a fork whose child is gone: nobody else has a page of the block. */
static bool is_ours_alone(struct page *p)
{
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		if (ref_read(&p[i].refs) != 1)
			return false;
	return true;
}

/* The large entry, e's table locked, allows the access, or is made to. Unlocks. -EAGAIN: it is one of small pages now. */
static int fault_large(struct vma *v, vaddr_t va, pte_t *e, unsigned flags)
{
	struct aspace *as = v->aspace;
	vaddr_t block = align_down(va, HUGE_SIZE);
	pte_t old = pte_load(e), new;

	if ((flags & FAULT_WRITE) && !(pte_prot(old) & PGPROT_WRITE) && !is_ours_alone(phys_to_page(pte_paddr(old)))) {
		split_locked(as, e, block);
		pt_unlock(e);
		return -EAGAIN;
	}
	do {
		old = pte_load(e);
		new = flags & FAULT_WRITE ? pte_mark_dirty(pte_with_prot(old, vma_prot(v), 1)) : old;
		new = pte_mark_accessed(new);
	} while (new != old && !pte_cmpxchg(e, old, new));
	pt_unlock(e);
	pte_sync();
	flush_here(as, va, 1);
	return 0;
}

int huge_fault(struct vma *v, vaddr_t va, unsigned flags)
{
	pte_t *e = huge_lock(v->aspace, va);
	vaddr_t block = align_down(va, HUGE_SIZE);

	if (e)
		return fault_large(v, va, e, flags);
	if (!(flags & FAULT_WRITE) || !is_wanted(v, block))
		return -EAGAIN;
	e = pgtable_entry(v->aspace->root, va, 1, false, 0);
	return e && pte_present(pte_load(e)) ? -EAGAIN : make_block(v, block);
}

bool huge_machine_is_small(void) { return buddy_total_pages() < SMALL_MACHINE; }

bool vma_can_be_huge(const struct vma *v)
{
	return vma_is_anon(v) && !(v->flags & (VMA_NOHUGE | VMA_STACK | VMA_GROWSDOWN | VMA_SHARED)) && !v->aspace->no_huge &&
	       !huge_machine_is_small();
}

bool vma_may_be_huge(const struct vma *v)
{
	enum huge_mode mode = atomic_load(&huge_mode);

	return vma_can_be_huge(v) && (mode == HUGE_ALWAYS || (mode == HUGE_MADVISE && v->flags & VMA_HUGE));
}

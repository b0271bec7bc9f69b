/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transparent large pages: 2 MiB of private anonymous memory behind one entry of level 1. Behind such an entry
 * lie 512 ordinary pages that happen to be one block: each has its own reference and count of entries. Large is the
 * entry alone, so it can be replaced by a table of 512 small ones at any moment, and whoever wants less than a whole
 * block does that first (huge_split). A table for it waits in aspace.spare_tables from the time the entry is made, so
 * splitting cannot fail.
 *
 * Made by a write to a block where nothing is yet, if the whole block lies in one area, memory is plentiful, and the
 * program is seen to use such memory whole: the block beside it is in use up to the border, or it said MADV_HUGEPAGE.
 * Small machines never have any. There is no daemon that collects small pages into large ones.
 *
 * Entries change under aspace.pt_lock, but a fault adds a table to an empty entry without it: hence the exchanges.
 */
#include <kernel/event.h>

#include "aspace_internal.h"
#include "group_memory.h"
#include "huge.h"

#define SMALL_MACHINE (80ull << 20 >> PAGE_SHIFT)	/* pages: below, never */

enum huge_mode huge_mode = HUGE_ALWAYS;		/* [a] */

static bool is_large(pte_t v) { return pte_present(v) && !pte_is_table(v, 1); }

pte_t *huge_entry(struct aspace *as, vaddr_t va)
{
	pte_t *e = pgtable_entry(as->root, va, 1, false, 0);

	return e && is_large(pte_load(e)) ? e : NULL;
}

pte_t huge_part(pte_t large, vaddr_t va)
{
	pte_t v = pte_make_leaf(pte_paddr(large) + (va & (HUGE_SIZE - 1) & PAGE_MASK), pte_prot(large), 0);

	v = pte_accessed(large) ? pte_mark_accessed(v) : pte_clear_accessed(v);
	return pte_dirty(large) ? pte_mark_dirty(v) : v;
}

static struct page *take_spare(struct aspace *as)
{
	struct page *table = as->spare_tables;

	lock_assert_held(&as->pt_lock);
	assert(table);
	as->spare_tables = table->defer_next;
	return table;
}

static void add_spare(struct aspace *as, struct page *table)
{
	lock_assert_held(&as->pt_lock);
	table->defer_next = as->spare_tables;
	as->spare_tables = table;
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

/* pt_lock held: the entry becomes a table of small ones. Through "empty" and a flush, as every change of size. */
static void split_locked(struct aspace *as, pte_t *e, vaddr_t va)
{
	struct page *table = take_spare(as);
	pte_t old = pte_exchange(e, PTE_EMPTY), *to = page_to_virt(table);
	struct tlb_batch b;

	tlb_batch_init(&b, as);
	tlb_batch_add(&b, va, 1);
	tlb_batch_finish(&b);
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		pte_store(to + i, huge_part(old, i * PAGE_SIZE));
	if (!pte_cmpxchg(e, PTE_EMPTY, pte_make_table(page_to_phys(table), true))) {
		/* A fault hung its table in: still empty, since it is filled under pt_lock. */
		pte_t *theirs = phys_to_virt(pte_paddr(pte_load(e)));

		for (unsigned i = 0; i < HUGE_PAGES; i++)
			pte_store(theirs + i, pte_load(to + i));
		spare_free(as, table);
	}
	pte_sync();
	mm_count(MM_HUGE, -1);
	mm_count(MM_HUGE_SPLIT, 1);
}

void huge_split(struct aspace *as, vaddr_t va)
{
	pte_t *e = huge_entry(as, va);

	if (likely(!e))
		return;
	spin_lock(&as->pt_lock);
	if (is_large(pte_load(e)))
		split_locked(as, e, align_down(va, HUGE_SIZE));
	spin_unlock(&as->pt_lock);
}

pte_t *huge_chunk(struct aspace *as, vaddr_t va, vaddr_t end, vaddr_t *next)
{
	pte_t *e = pgtable_chunk(as->root, va, end, next);

	if (e || !huge_entry(as, va))
		return e;
	huge_split(as, va);
	return pgtable_chunk(as->root, va, end, next);
}

pte_t huge_look(struct aspace *as, vaddr_t va)
{
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next);

	lock_assert_held(&as->pt_lock);
	if (e)
		return pte_load(e);
	e = huge_entry(as, va);
	return e ? huge_part(pte_load(e), va) : PTE_EMPTY;
}

bool huge_zap(struct aspace *as, vaddr_t va, vaddr_t end, struct tlb_batch *b)
{
	pte_t *e = huge_entry(as, va), old;
	struct page *table;

	if (!e)
		return false;
	if (va & (HUGE_SIZE - 1) || end - va < HUGE_SIZE) {
		huge_split(as, va);
		return false;
	}
	spin_lock(&as->pt_lock);
	old = pte_load(e);
	if (!is_large(old)) {
		spin_unlock(&as->pt_lock);
		return false;
	}
	old = pte_exchange(e, PTE_EMPTY);
	tlb_batch_add(b, va, 1);
	count_block(as, phys_to_page(pte_paddr(old)), false);
	tlb_batch_block(b, phys_to_page(pte_paddr(old)));
	table = take_spare(as);
	spin_unlock(&as->pt_lock);
	spare_free(as, table);
	mm_count(MM_HUGE, -1);
	return true;
}

bool huge_protect(struct aspace *as, vaddr_t va, vaddr_t end, unsigned prot, struct tlb_batch *b)
{
	pte_t *e = huge_entry(as, va), old, new;

	if (!e)
		return false;
	if (va & (HUGE_SIZE - 1) || end - va < HUGE_SIZE) {
		huge_split(as, va);
		return false;
	}
	spin_lock(&as->pt_lock);
	old = pte_load(e);
	while (is_large(old)) {
		/* Writing stays off unless it was on: copy-on-write is kept. */
		new = pte_with_prot(old, pte_prot(old) & PGPROT_WRITE ? prot : prot & ~PGPROT_WRITE, 1);
		if (new == old)
			break;
		if (pte_cmpxchg(e, old, new)) {
			tlb_batch_add(b, va, 1);
			break;
		}
		old = pte_load(e);
	}
	spin_unlock(&as->pt_lock);
	return is_large(old);
}

/* src->lock held for writing, dst is nobody's yet. */
int huge_fork(struct aspace *dst, struct aspace *src, vaddr_t va, struct tlb_batch *b)
{
	pte_t *from = huge_entry(src, va), *to, old;
	struct page *table, *p;

	if (!from)
		return 0;
	to = pgtable_middle(dst->root, va, ALLOC_ACCOUNT, &dst->pt_pages);
	table = to ? pgtable_page_alloc(ALLOC_ACCOUNT) : NULL;
	if (!table)
		return -ENOMEM;
	spin_lock(&src->pt_lock);
	old = pte_load(from);
	while ((pte_prot(old) & PGPROT_WRITE) && !pte_cmpxchg(from, old, pte_with_prot(old, pte_prot(old) & ~PGPROT_WRITE, 1)))
		old = pte_load(from);
	tlb_batch_add(b, va, 1);
	p = phys_to_page(pte_paddr(old));
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		page_get(p + i);
	count_block(dst, p, true);
	pte_store(to, pte_load(from));
	spin_unlock(&src->pt_lock);
	spin_lock(&dst->pt_lock);
	add_spare(dst, table);
	spin_unlock(&dst->pt_lock);
	mm_count(MM_HUGE, 1);
	return 0;
}

/* ---- faults --------------------------------------------------------------------------------------- */

/* The page at va, which is not of this block, is there as a program's own. */
static bool is_used(struct vma *v, vaddr_t va)
{
	struct aspace *as = v->aspace;
	pte_t e;

	if (va < v->start || va >= v->end)
		return false;
	spin_lock(&as->pt_lock);
	e = huge_look(as, va);
	spin_unlock(&as->pt_lock);
	return pte_present(e) && !(pte_prot(e) & PGPROT_SPECIAL);
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

/* A block of 512 pages with one reference each, zeroed; NULL: not to be had without pain. */
static struct page *block_alloc(void)
{
	struct page *p = page_alloc(HUGE_ORDER, ALLOC_USER | ALLOC_ZERO | ALLOC_NOWARN | ALLOC_TRY);

	if (!p)
		return NULL;
	page_split(p, HUGE_ORDER);
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		p[i].flags = PAGE_ANON | PAGE_UPTODATE;
	group_memory_count(p->group, GM_ANON, HUGE_PAGES);
	return p;
}

static int make_block(struct vma *v, vaddr_t block)
{
	struct aspace *as = v->aspace;
	pte_t *e = pgtable_middle(as->root, block, ALLOC_ACCOUNT, &as->pt_pages), leaf;
	struct page *table = e ? pgtable_page_alloc(ALLOC_ACCOUNT | ALLOC_NOWARN | ALLOC_TRY) : NULL;
	struct page *p = table ? block_alloc() : NULL;
	bool done;

	if (!p) {
		mm_count(MM_HUGE_FALLBACK, 1);
		if (table)
			pgtable_page_free(table);
		return -EAGAIN;
	}
	leaf = pte_mark_dirty(pte_mark_accessed(pte_make_leaf(page_to_phys(p), vma_prot(v), 1)));
	spin_lock(&as->pt_lock);
	done = pte_cmpxchg(e, PTE_EMPTY, leaf);
	if (done) {
		count_block(as, p, true);
		add_spare(as, table);
	}
	spin_unlock(&as->pt_lock);
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

/* The large entry allows the access, or is made to. -EAGAIN: it is one of small pages now. */
static int fault_large(struct vma *v, vaddr_t va, pte_t *e, unsigned flags)
{
	struct aspace *as = v->aspace;
	vaddr_t block = align_down(va, HUGE_SIZE);
	pte_t old, new;

	spin_lock(&as->pt_lock);
	old = pte_load(e);
	if (!is_large(old)) {
		spin_unlock(&as->pt_lock);
		return -EAGAIN;
	}
	if ((flags & FAULT_WRITE) && !(pte_prot(old) & PGPROT_WRITE) && !is_ours_alone(phys_to_page(pte_paddr(old)))) {
		split_locked(as, e, block);
		spin_unlock(&as->pt_lock);
		return -EAGAIN;
	}
	do {
		old = pte_load(e);
		new = flags & FAULT_WRITE ? pte_mark_dirty(pte_with_prot(old, vma_prot(v), 1)) : old;
		new = pte_mark_accessed(new);
	} while (new != old && !pte_cmpxchg(e, old, new));
	spin_unlock(&as->pt_lock);
	pte_sync();
	flush_here(as, va, 1);
	return 0;
}

int huge_fault(struct vma *v, vaddr_t va, unsigned flags)
{
	pte_t *e = huge_entry(v->aspace, va);
	vaddr_t block = align_down(va, HUGE_SIZE);

	if (e)
		return fault_large(v, va, e, flags);
	if (!(flags & FAULT_WRITE) || !is_wanted(v, block))
		return -EAGAIN;
	e = pgtable_entry(v->aspace->root, va, 1, false, 0);
	return e && pte_present(pte_load(e)) ? -EAGAIN : make_block(v, block);
}

bool vma_may_be_huge(const struct vma *v)
{
	enum huge_mode mode = atomic_load(&huge_mode);

	if (!vma_is_anon(v) || v->flags & (VMA_NOHUGE | VMA_STACK | VMA_GROWSDOWN | VMA_SHARED) || v->aspace->no_huge)
		return false;
	return buddy_total_pages() >= SMALL_MACHINE && (mode == HUGE_ALWAYS || (mode == HUGE_MADVISE && v->flags & VMA_HUGE));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small pages become a large one: for who asks (MADV_COLLAPSE), and by a daemon that looks for blocks which programs
 * use nearly whole (Linux's khugepaged, with its files in /sys). What a large page is, is told in huge.c.
 *
 * The pages are copied into a fresh block of 512 while aspace.lock is held for writing, so no fault and no call looks
 * at them. The table leaves its place first and the TLBs are flushed: from then on the pages change no more, unless
 * somebody has a reference of his own (I/O under way): then the table goes back. Who moves pages for compaction holds no
 * aspace.lock; he has the table's lock and looks whether the table is still in place, so taking that lock once is
 * enough to be alone.
 */
#include <kernel/daemon.h>
#include <kernel/thread.h>
#include <kernel/time.h>

#include "aspace_internal.h"
#include "group_memory.h"
#include "huge.h"

struct huge_collector huge_collector = {
	.pages_to_scan = 4096, .scan_sleep_ms = 10000, .alloc_sleep_ms = 60000,
	/* Linux's 511 would make 2 MiB of one page in use. */
	.max_none = 64, .max_shared = 256, .max_swap = 64, .defrag = true,
};

/* How much of a block may be what, and what to do for the memory. */
struct rules {
	u64 max_none, max_shared;
	bool is_asked;		/* by the program: whatever `enabled` says */
};

/* Entries of a leaf table; what is not counted as none is there. */
struct scan {
	unsigned none, shared, writable;
};

/* The table's lock held, or the table taken out of its place. 0, -EINVAL: such pages stay small, -EAGAIN: somebody uses one. */
static int scan_table(const pte_t *table, struct scan *s)
{
	*s = (struct scan){};
	for (unsigned i = 0; i < HUGE_PAGES; i++) {
		pte_t v = pte_load((pte_t *)table + i);
		struct page *p;

		if (!pte_present(v) || pte_paddr(v) == page_to_phys(zero_page())) {
			s->none++;
			continue;
		}
		if (pte_prot(v) & PGPROT_SPECIAL)
			return -EINVAL;
		p = phys_to_page(pte_paddr(v));
		if (!(p->flags & PAGE_ANON))
			return -EINVAL;
		if (ref_read(&p->refs) != (u32)atomic_load(&p->mapcount))
			return -EAGAIN;
		s->shared += ref_read(&p->refs) > 1;
		s->writable += (pte_prot(v) & PGPROT_WRITE) != 0;
	}
	return 0;
}

/* aspace.lock held. The block's level-1 entry, or NULL with *err: 0 when it is large already, -EINVAL, -EAGAIN. */
static pte_t *suitable(struct aspace *as, vaddr_t block, const struct rules *r, int *err)
{
	struct vma *v = aspace_find(as, block);
	struct scan s;
	pte_t *e, *table, old;

	*err = -EINVAL;
	if (!v || v->start > block || v->end < block + HUGE_SIZE || !(r->is_asked ? vma_can_be_huge(v) : vma_may_be_huge(v)))
		return NULL;
	e = pgtable_entry(as->root, block, 1, false, 0);
	old = e ? pte_load(e) : PTE_EMPTY;
	if (!pte_is_table(old, 1)) {
		*err = pte_present(old) ? 0 : -EINVAL;
		return NULL;
	}
	table = phys_to_virt(pte_paddr(old));
	pt_lock(table);
	*err = scan_table(table, &s);
	pt_unlock(table);
	/* Without a page that may be written to, copying would only undo the sharing. */
	if (!*err && (!s.writable || s.none > r->max_none || s.shared > r->max_shared))
		*err = -EINVAL;
	return *err ? NULL : e;
}

/* Takes the table out of e's place, and waits until nobody knows it any more. */
static pte_t *detach(struct aspace *as, pte_t *e, vaddr_t block)
{
	struct tlb_batch b;
	pte_t old, *table;

	tlb_batch_init(&b, as);
	tlb_batch_add(&b, block, 1);
	b.stride_shift = PAGE_SHIFT;
	b.freed_tables = true;
	pt_lock(e);
	old = pte_exchange(e, PTE_EMPTY);
	pt_unlock(e);
	tlb_batch_finish(&b);
	table = phys_to_virt(pte_paddr(old));
	pt_lock(table);		/* whoever moved one of its pages is done */
	pt_unlock(table);
	return table;
}

static void attach(pte_t *e, pte_t v)
{
	pt_lock(e);
	pte_store(e, v);
	pt_unlock(e);
	pte_sync();
}

/*
 * The daemon's blocks name no group: each page takes over that of the page it replaces; what comes on top is charged to
 * the group of the first page. 0 or -ENOMEM.
 */
static int charge_block(struct page *block, const pte_t *table, const struct scan *s)
{
	struct group *g = NULL;
	u64 more = s->none + s->shared;

	if (block->group)
		return 0;
	for (unsigned i = 0; i < HUGE_PAGES && !g; i++) {
		pte_t v = pte_load((pte_t *)table + i);

		if (pte_present(v) && !(pte_prot(v) & PGPROT_SPECIAL))
			g = phys_to_page(pte_paddr(v))->group;
	}
	if (!g)
		return 0;
	if (more && group_memory_charge(g, more, ALLOC_TRY))
		return -ENOMEM;
	for (unsigned i = 0; i < HUGE_PAGES; i++) {
		pte_t v = pte_load((pte_t *)table + i);
		struct page *p = pte_present(v) && !(pte_prot(v) & PGPROT_SPECIAL) ? phys_to_page(pte_paddr(v)) : NULL;

		if (p && ref_read(&p->refs) == 1) {
			block[i].group = p->group;
			p->group = NULL;
		} else {
			block[i].group = group_get(g);
			group_memory_count(g, GM_ANON, 1);
		}
	}
	return 0;
}

/* The contents of the detached table's pages go into the block, and the pages go. */
static void move_contents(struct aspace *as, const pte_t *table, struct page *block)
{
	struct rss_delta delta = {};

	for (unsigned i = 0; i < HUGE_PAGES; i++) {
		pte_t v = pte_load((pte_t *)table + i);
		struct page *p;

		page_mapped(&delta, block + i);
		if (!pte_present(v) || (pte_prot(v) & PGPROT_SPECIAL)) {
			arch_page_clear(page_to_virt(block + i));
			continue;
		}
		p = phys_to_page(pte_paddr(v));
		arch_page_copy(page_to_virt(block + i), page_to_virt(p));
		page_unmapped(&delta, p);
		page_put(p);
	}
	rss_apply(as, &delta);
}

/* aspace.lock held for writing. Takes block and spare unless it fails. */
static int replace_table(struct aspace *as, pte_t *e, vaddr_t at, struct page *block, struct page *spare)
{
	struct vma *v = aspace_find(as, at);
	pte_t *table = detach(as, e, at);
	struct scan s;
	int err = scan_table(table, &s);

	if (!err)
		err = charge_block(block, table, &s);
	if (err) {
		attach(e, pte_make_table(virt_to_phys(table), true));
		return err;
	}
	move_contents(as, table, block);
	pgtable_page_defer(virt_to_page(table));
	atomic_sub(&as->pt_pages, 1);
	huge_install(v, e, block, spare);
	mm_count(MM_HUGE_COLLAPSED, 1);
	return 0;
}

/* The block at `at` becomes large. 0: it is; -EINVAL: not there; -EAGAIN: not now; -ENOMEM. No lock held; sleeps. */
static int collapse(struct aspace *as, vaddr_t at, const struct rules *r)
{
	struct page *block, *spare;
	pte_t *e;
	int err;

	rwlock_read_lock(&as->lock);
	e = suitable(as, at, r, &err);
	rwlock_read_unlock(&as->lock);
	if (!e)
		return err;
	spare = pgtable_page_alloc(ALLOC_ACCOUNT | ALLOC_NOWARN | ALLOC_TRY);
	block = spare ? huge_block_alloc(as, at, r->is_asked || atomic_load(&huge_collector.defrag)) : NULL;
	if (!block) {
		mm_count(MM_HUGE_COLLAPSE_FAILED, 1);
		if (spare)
			pgtable_page_free(spare);
		return -ENOMEM;
	}
	aspace_lock(as);
	e = suitable(as, at, r, &err);
	if (e)
		err = replace_table(as, e, at, block, spare);
	aspace_unlock(as);
	if (!e || err) {
		page_put_block(block, HUGE_ORDER);
		pgtable_page_free(spare);
	}
	return err;
}

int huge_collapse_range(struct aspace *as, vaddr_t start, vaddr_t end)
{
	const struct rules asked = { .max_none = HUGE_PAGES, .max_shared = HUGE_PAGES, .is_asked = true };
	vaddr_t at = align_up(start, HUGE_SIZE), last = align_down(end, HUGE_SIZE);
	int err = 0, fault;

	if (last < at)
		return -EINVAL;
	for (; at < last; at += HUGE_SIZE) {
		fault = collapse(as, at, &asked);
		err = fault ? fault : err;
		if (fault == -ENOMEM || signal_fatal_pending(current))
			break;
	}
	return err;
}

/* ---- the daemon ----------------------------------------------------------------------------------------- */

static bool is_scanning;		/* [a] one round at a time; guards the two below */
static u64 cursor_space;		/* aspace.serial, where the last round stopped */
static vaddr_t cursor_at;

/* Free memory is to stay plentiful. */
static bool has_room(void) { return mm_free_pages() >= buddy_total_pages() / 4 + HUGE_PAGES; }

/* The next block at or after *at that may become large; charges what it looks at to *budget. False: none up to *at. */
static bool find_block(struct aspace *as, vaddr_t *at, s64 *budget, const struct rules *r)
{
	bool found = false;
	int err;

	rwlock_read_lock(&as->lock);
	for (struct vma *v = aspace_find(as, *at); v && !found && *budget > 0; v = vma_next(v)) {
		vaddr_t block = align_up(max(v->start, *at), HUGE_SIZE);

		--*budget;
		for (; !found && *budget > 0 && block + HUGE_SIZE <= v->end && vma_may_be_huge(v); block += HUGE_SIZE) {
			found = suitable(as, block, r, &err);
			*budget -= err == -EINVAL ? 8 : HUGE_PAGES;
			*at = found ? block : block + HUGE_SIZE;
		}
		if (!found && *budget > 0)
			*at = max(*at, v->end);
	}
	if (!found && *budget > 0)
		*at = arch_layout.user_end;
	rwlock_read_unlock(&as->lock);
	return found;
}

/* False: memory for large pages is short. */
static bool scan_space(struct aspace *as, vaddr_t *at, s64 *budget)
{
	struct rules r = { .max_none = atomic_load(&huge_collector.max_none), .max_shared = atomic_load(&huge_collector.max_shared) };

	while (*budget > 0 && *at < arch_layout.user_end && has_room()) {
		int err;

		if (!find_block(as, at, budget, &r))
			continue;
		err = collapse(as, *at, &r);
		*at += HUGE_SIZE;
		if (err == -ENOMEM)
			return false;
		if (!err)
			atomic_add(&huge_collector.pages_collapsed, 1);
	}
	return has_room();
}

static bool is_off(void) { return atomic_load(&huge_mode) == HUGE_NEVER || huge_machine_is_small(); }

static u64 collect_round(void)
{
	s64 budget = (s64)atomic_load(&huge_collector.pages_to_scan);
	u64 sleep_ms = atomic_load(&huge_collector.scan_sleep_ms);
	struct aspace *as;

	if (is_off())
		return DAEMON_POKED;
	if (atomic_xchg(&is_scanning, true))
		return sleep_ms * NSEC_PER_MSEC;
	while (budget > 0) {
		as = aspace_after(cursor_space, 0);
		if (!as) {
			cursor_space = 0;
			atomic_add(&huge_collector.full_scans, 1);
			break;
		}
		if (!scan_space(as, &cursor_at, &budget)) {
			sleep_ms = atomic_load(&huge_collector.alloc_sleep_ms);
			budget = 0;
		} else if (cursor_at >= arch_layout.user_end) {
			cursor_space = as->serial;
			cursor_at = 0;
			budget--;
		}
		aspace_put(as);
		daemon_beat();
	}
	atomic_store_release(&is_scanning, false);	/* pairs with the exchange above */
	return sleep_ms * NSEC_PER_MSEC;
}

const struct daemon daemon_khugepaged = {
	.name = "khugepaged", .description = "makes large pages of small ones",
	.round = collect_round, .watchdog_ns = 60 * NSEC_PER_SEC,
};

void huge_collector_poke(void) { daemon_poke(&daemon_khugepaged); }

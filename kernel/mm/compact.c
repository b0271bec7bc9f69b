/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction: a block of 2 MiB in which little is left is emptied, by moving its pages into the gaps of others, so that who
 * needs memory in one piece finds it: large pages, and all of RAM when /proc/sys/vm/compact_memory is written.
 *
 * What is free in the block is taken first, so that nothing new comes; each page in use is moved while we
 * hold a reference of our own; at the end all 512 are ours and go back as one. If one page stays, all go back as they are.
 *
 * Anonymous pages are found in the spaces of the family they were made in, at the place noted in them
 * (page_note_place), without aspace.lock: an entry that shows the page under its table's lock cannot go meanwhile. The entry goes, the
 * CPUs forget it, the contents are copied, the new page comes, all under that lock: a fault that comes in between finds
 * the new one when it gets the lock. Pages shared after a fork change entry by entry; until the last one is done both
 * pages say the same, since nobody writes to a page that has several references. File pages change in the
 * cache (mapping_replace_page) and come back by faults. Nothing here waits for a lock that sleeps.
 *
 * What does not move: the kernel's own pages, pages of memory files, those with a reference of somebody's own (I/O
 * under way), dirty ones under write-back, and what large entries show.
 */
#include <kernel/cpu.h>
#include <kernel/group.h>
#include <kernel/irq.h>
#include <kernel/pagecache.h>
#include <kernel/sched.h>
#include <kernel/thread.h>

#include "aspace_internal.h"
#include "group_memory.h"
#include "huge.h"

#define BLOCK HUGE_PAGES
#define TRIES 8u		/* blocks that one request tries to empty */
#define FREE_MIN (BLOCK / 4)	/* so much of a block is free, or moving the rest costs more than it brings */
#define SPACES_MAX 64u		/* of a family; a page that many programs share is left where it is */

static bool is_busy;		/* [a] one compaction at a time */
static pfn_t next_pfn;		/* is_busy: where the next request begins */
static unsigned failures;	/* is_busy: in a row; requests are turned down the more often */
static unsigned turned_down;	/* is_busy */

/* ---- one page ------------------------------------------------------------------------------------------- */

/* A page on its way from `old` to `new`. */
struct move {
	struct page *old, *new;
	bool is_held;		/* we have a reference of old */
	bool is_copied;
	unsigned entries;	/* show new now */
};

/* e's table locked; the entry shows m->old. */
static bool move_entry(struct move *m, struct aspace *as, pte_t *e, vaddr_t va)
{
	u32 users = (u32)atomic_load(&m->old->mapcount);
	struct rss_delta delta = {};
	struct tlb_batch b;
	pte_t v, was;

	if (!(m->old->flags & PAGE_ANON) || ref_read(&m->old->refs) != users + m->is_held)
		return false;
	if (!m->is_held)
		page_get(m->old);
	m->is_held = true;
	was = pte_exchange(e, PTE_EMPTY);
	tlb_batch_init(&b, as);
	tlb_batch_add(&b, va, 0);
	tlb_batch_finish(&b);
	if (!m->is_copied)
		arch_page_copy(page_to_virt(m->new), page_to_virt(m->old));
	m->is_copied = true;
	if (pte_prot(was) & PGPROT_EXEC)
		arch_icache_sync(page_to_virt(m->new), PAGE_SIZE);
	v = pte_make_leaf(page_to_phys(m->new), pte_prot(was), 0);
	v = pte_accessed(was) ? pte_mark_accessed(v) : pte_clear_accessed(v);
	page_get(m->new);
	page_mapped(&delta, m->new);
	page_unmapped(&delta, m->old);
	rss_apply(as, &delta);
	pte_store(e, pte_dirty(was) ? pte_mark_dirty(v) : v);
	pte_sync();
	page_put(m->old);	/* the entry's */
	m->entries++;
	return true;
}

/* The entry of one space, if it shows the page. In an epoch section tables stay while we look. */
static void move_in(struct move *m, struct aspace *as, vaddr_t va)
{
	vaddr_t next;
	pte_t *e, v;

	epoch_enter();
	e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next);
	if (e) {
		pt_lock(e);
		v = pte_load(e);
		/* Again: the table may have left its place (collapse.c) before it was locked. */
		if (pte_present(v) && !(pte_prot(v) & PGPROT_SPECIAL) && pte_paddr(v) == page_to_phys(m->old) &&
		    pgtable_chunk(as->root, va, va + PAGE_SIZE, &next) == e)
			(void)move_entry(m, as, e, va);
		pt_unlock(e);
	}
	epoch_exit();
}

/* The group that pays for the old page pays for the new one; for both if the old one stays in use. */
static void move_charge(struct page *old, struct page *new, bool is_whole)
{
	if (!old->group)
		return;
	if (is_whole) {
		new->group = old->group;
		old->group = NULL;
		return;
	}
	new->group = group_get(old->group);
	group_charge_forced(new->group, 1);
	group_memory_count(new->group, GM_ANON, 1);
}

static bool move_anon(struct page *old, struct page *new)
{
	u64 family = (uintptr_t)READ_ONCE(old->owner), serial = 0;
	vaddr_t va = READ_ONCE(old->index) << PAGE_SHIFT;
	struct move m = { .old = old, .new = new };
	struct aspace *as;
	bool is_whole;

	if (!family || va >= arch_layout.user_end)
		return false;
	new->flags = PAGE_ANON | PAGE_UPTODATE;
	new->owner = (void *)(uintptr_t)family;
	new->index = va >> PAGE_SHIFT;
	for (unsigned n = 0; n < SPACES_MAX && (as = aspace_after(serial, family)); n++) {
		move_in(&m, as, va);
		serial = as->serial;
		aspace_put(as);
		if (m.is_held && !atomic_load(&old->mapcount))
			break;
	}
	if (!m.is_held)
		return false;
	is_whole = !atomic_load(&old->mapcount) && ref_read(&old->refs) == 1;
	if (m.entries)
		move_charge(old, new, is_whole);
	if (!is_whole)
		page_put(old);
	return is_whole;
}

static bool move_file(struct page *old, struct page *new)
{
	struct page_mapping *m;
	bool moved = false;

	if (!pagecache_lru_get(old))
		return false;
	if (page_trylock(old)) {
		m = old->mapping;
		moved = m && !(old->flags & PAGE_WRITEBACK) &&
			(!atomic_load(&old->mapcount) || mapping_page_unmap(m, old)) && mapping_replace_page(m, old, new);
		page_unlock(old);
	}
	if (!moved)
		page_put(old);
	return moved;
}

/* Moves what is in old; then the only reference of it is ours, and it is nobody's. False: it stays. */
static bool move_page(struct page *old)
{
	struct page *new = buddy_take_small();
	bool moved;

	mm_count(MM_COMPACT_SCANNED, 1);
	if (!new)
		return false;
	moved = atomic_load(&old->flags) & PAGE_ANON ? move_anon(old, new) : move_file(old, new);
	/* Ours; the entries and the cache have theirs. One that nobody took names no group. */
	if (ref_read(&new->refs) == 1 && !new->mapping)
		new->flags = 0;
	page_put(new);
	mm_count(moved ? MM_MIGRATED : MM_MIGRATE_FAILED, 1);
	return moved;
}

/* ---- one block ------------------------------------------------------------------------------------------ */

enum page_use { USE_FREE, USE_MOVABLE, USE_FIXED };

/* A guess: the page may be changing hands. */
static enum page_use use_of(struct page *p)
{
	u32 flags = atomic_load(&p->flags);

	if (flags & PAGE_BUDDY)
		return USE_FREE;
	if (flags & (PAGE_RESERVED | PAGE_SLAB | PAGE_TABLE) || !ref_read(&p->refs))
		return USE_FIXED;
	if (flags & PAGE_ANON)
		return ref_read(&p->refs) == (u32)atomic_load(&p->mapcount) ? USE_MOVABLE : USE_FIXED;
	return flags & PAGE_LRU && !(flags & PAGE_WRITEBACK) ? USE_MOVABLE : USE_FIXED;
}

/* Free pages of the block if the rest can probably be moved, else 0. */
static u64 free_in(struct page *first)
{
	u64 n = 0;

	for (u64 i = 0; i < BLOCK; i++) {
		enum page_use use = use_of(first + i);

		if (use == USE_FIXED)
			return 0;
		if (use == USE_FREE) {
			u64 more = min(1ull << min((unsigned)READ_ONCE(first[i].order), PAGE_ORDER_MAX), BLOCK - i);

			n += more;
			i += more - 1;
		}
	}
	return n;
}

static bool is_in(const u64 *set, unsigned i) { return set[i / 64] & BIT(i % 64); }

/* False: a page stayed, and the block is as it was, or emptier. */
static bool empty_block(struct page *first)
{
	u64 held[BLOCK / 64] = {};
	bool done = true;

	mm_count(MM_COMPACT_FREE_SCANNED, (s64)buddy_isolate(first, BLOCK, held));
	for (unsigned i = 0; i < BLOCK && done; i++) {
		if (is_in(held, i))
			continue;
		done = move_page(first + i);
		if (done)
			held[i / 64] |= BIT(i % 64);
	}
	for (unsigned i = 0; i < BLOCK; i++)
		if (is_in(held, i))
			mm_count(MM_COMPACT_ISOLATED, 1);
	if (done)
		buddy_return_block(first, HUGE_ORDER);
	for (unsigned i = 0; i < BLOCK && !done; i++)
		if (is_in(held, i))
			buddy_return_block(first + i, 0);
	return done;
}

/* The first block at or after *pfn that lies in RAM with a page array; false past the end. */
static bool next_block(pfn_t *pfn)
{
	for (u32 i = 0; i < bootmem_ram.nr; i++) {
		pfn_t lo = align_up(max(bootmem_ram.r[i].base >> PAGE_SHIFT, *pfn), BLOCK), hi = bootmem_ram.r[i].end >> PAGE_SHIFT;

		for (; lo + BLOCK <= hi; lo += BLOCK)
			if (pfn_is_ram(lo) && pfn_is_ram(lo + BLOCK - 1)) {
				*pfn = lo;
				return true;
			}
	}
	return false;
}

static void drain(void *unused) { buddy_drain_cpu(); }

/* Emptied blocks; `want` of them, from next_pfn on, among those of which at least `least` pages are free. */
static unsigned compact(unsigned want, unsigned tries, u64 least)
{
	pfn_t pfn = next_pfn;
	bool wrapped = !pfn;
	unsigned done = 0;

	while (done < want && tries) {
		struct page *first;
		u64 have;

		if (!next_block(&pfn)) {
			if (wrapped)
				break;
			wrapped = true;
			pfn = 0;
			continue;
		}
		first = pfn_to_page(pfn);
		have = free_in(first);
		/* The gaps of the others must hold what is moved. */
		if (have >= least && have < BLOCK && buddy_small_pages() >= BLOCK) {
			done += empty_block(first);
			tries--;
		}
		pfn += BLOCK;
	}
	next_pfn = pfn;
	return done;
}

static bool begin(void)
{
	if (!preemptible() || atomic_xchg(&is_busy, true))
		return false;
	ipi_call(atomic_load(&cpu_online_mask), drain, NULL);
	return true;
}

static void end(void) { atomic_store_release(&is_busy, false); }	/* pairs with the exchange in begin */

bool compact_for_block(void)
{
	bool done;

	if (buddy_small_pages() < 2 * BLOCK || !begin())
		return false;
	/* In vain so often: turned down a while. */
	if (failures && ++turned_down < 1u << min(failures, 6u)) {
		end();
		return false;
	}
	turned_down = 0;
	mm_count(MM_COMPACT_STALL, 1);
	done = compact(1, TRIES, FREE_MIN);
	mm_count(done ? MM_COMPACT_SUCCESS : MM_COMPACT_FAIL, 1);
	failures = done ? 0 : failures + 1;
	end();
	return done;
}

void compact_all(void)
{
	/* The emptiest first: their pages fill the others. A block that is nearly full is not worth it. */
	static const u64 least[] = { BLOCK / 2, BLOCK / 4 };

	while (!begin())
		sched_yield();
	for (unsigned i = 0; i < ARRAY_LEN(least); i++) {
		next_pfn = 0;
		(void)compact(~0u, ~0u, least[i]);
	}
	next_pfn = 0;
	failures = 0;
	end();
}

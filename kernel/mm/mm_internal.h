/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/mm share and nobody else needs. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include <kernel/mm.h>
#include <kernel/pgtable.h>

#include "memranges.h"

/* bootmem.c: RAM the kernel may use, what of it is taken, firmware tables elsewhere. */
extern struct mem_set bootmem_ram, bootmem_taken, bootmem_firmware;
void bootmem_init(void);
/* Ends boot_alloc: from now on the buddy allocator owns what is not taken. */
void bootmem_close(void);
bool bootmem_is_open(void);
/* Pure part of bootmem_init, for tests: fills the three sets from a list of firmware ranges. */
void bootmem_sort(struct mem_set *ram, struct mem_set *firmware, const struct boot_range *ranges,
		  u32 nr, u64 limit, const struct mem_set *keep);

/* kmap.c */
void kernel_map_build(void);
void kernel_map_seal(void);

/* sections.c: the page array, brought up piece by piece. */
void sections_init(void);
bool section_online_next(void);		/* false: all RAM is online */
bool section_online_around(paddr_t pa);	/* the section of pa, whatever its turn */
bool section_is_online(pfn_t pfn);
u64 sections_offline_free(void);	/* free pages that are not yet in the buddy */
void section_release(paddr_t base, paddr_t end);

/* buddy.c */
enum { ZONE_DMA32, ZONE_NORMAL, ZONE_COUNT };
#define ZONE_DMA32_END_PFN (1ull << (32 - PAGE_SHIFT))
void buddy_init(void);
void buddy_set_total(u64 pages);
void buddy_add_range(pfn_t start, pfn_t end);	/* pages that were never in it, struct pages zeroed */
u64 buddy_free_pages(void);			/* in zones and per-CPU caches */
u64 buddy_total_pages(void);
void buddy_drain_cpu(void);			/* this CPU's page cache back to the zones */
void buddy_counts(u64 free[ZONE_COUNT][PAGE_ORDER_MAX + 1]);
/* For compaction. What is free among n pages from first on (within one block of 4 MiB) is the caller's: refs 1 each, bits in held. How many. */
u64 buddy_isolate(struct page *first, u64 n, u64 *held);
/* One page for what programs have, from a free block too small for a large page; refs 1, not charged. NULL: none. */
struct page *buddy_take_small(void);
u64 buddy_small_pages(void);		/* pages in such blocks */
/* 2^order pages of the caller's alone, refs 1 each, which name no group, are free. */
void buddy_return_block(struct page *p, unsigned order);
extern u32 alloc_init_flags;	/* init_on_alloc=1: ALLOC_ZERO, which every allocation then gets */
extern u64 buddy_low_mark, buddy_min_mark, buddy_high_mark;

/* reclaim.c: true when something may have become free. */
bool reclaim_pages(u64 want, u32 flags);
bool reclaim_oom(u64 want, unsigned round);

/* compact.c: empties a block of 2 MiB by moving pages. False: none could be, or it was tried in vain lately. Thread context. */
bool compact_for_block(void);

/* slab.c */
void slab_init(void);
struct kmem_cache *slab_page_cache(const struct page *p);
u64 slab_shrink(void);		/* pages freed */
void slab_drain_cpu(void);	/* this CPU's magazines back to the slabs; any context */
void heap_init(void);		/* the kmalloc classes */

/* vmap.c */
void vmap_init(void);
vaddr_t vmap_area_alloc(u64 size);		/* without mapping; guard page behind. 0: none */
void vmap_area_free(vaddr_t va);
void kstack_drain_cpu(void);	/* this CPU's spare stacks to the common ones; any context */
void kstack_trim(void);		/* frees the common ones */
void aspace_free_dead(void);	/* aspace.c: spaces whose last reference went in a switch */
bool vmap_purge(void);				/* frees what was unmapped lately; true if there was something */

/* stats.c: counters, summed over CPUs when read. */
enum mm_counter {
	MM_SLAB, MM_PAGETABLE, MM_KSTACK, MM_ANON, MM_MAPPED, MM_FAULTS, MM_MAJOR_FAULTS, MM_PGALLOC, MM_PGFREE,
	MM_RECLAIMED, MM_COMMITTED, MM_HUGE, MM_HUGE_ALLOC, MM_HUGE_FALLBACK, MM_HUGE_SPLIT, MM_HUGE_COLLAPSED,
	MM_HUGE_COLLAPSE_FAILED, MM_COMPACT_SCANNED, MM_COMPACT_FREE_SCANNED, MM_COMPACT_ISOLATED, MM_COMPACT_STALL,
	MM_COMPACT_FAIL, MM_COMPACT_SUCCESS, MM_MIGRATED, MM_MIGRATE_FAILED, MM_COUNTERS
};
void mm_count(enum mm_counter c, s64 n);
u64 mm_counter_sum(enum mm_counter c);
u64 commit_limit(void);		/* commit.c: pages that strict accounting lets be promised */

/* pgtable.c */
struct page *pgtable_page_alloc(u32 flags);	/* zeroed, PAGE_TABLE; NULL */
void pgtable_page_free(struct page *p);		/* at once: never was visible, or after its grace period */
void pgtable_page_defer(struct page *p);	/* after a grace period */
/* The lock of the user table that the entry e lies in: guards all its entries. The upper table's before the lower's. */
static inline void pt_lock(const pte_t *e) { spin_word_lock(&virt_to_page(e)->table_lock, "page table", LOCK_PT); }
static inline void pt_unlock(const pte_t *e) { spin_word_unlock(&virt_to_page(e)->table_lock); }
static inline void pt_assert_locked(const pte_t *e) { debug_assert(spin_word_is_held(&virt_to_page(e)->table_lock)); }
/* Level-0 entry of va with all tables on the way; counts the tables that were added. NULL: no memory. */
pte_t *pgtable_leaf(paddr_t root, vaddr_t va, u32 flags, u64 *tables);
/* The same for the level-1 entry. */
pte_t *pgtable_middle(paddr_t root, vaddr_t va, u32 flags, u64 *tables);
void kernel_clear(vaddr_t va, u64 size);	/* 4 KiB entries away, without a flush */
static inline unsigned pt_shift(unsigned level) { return PAGE_SHIFT + 9 * level; }
static inline unsigned pt_index(vaddr_t va, unsigned level) { return va >> pt_shift(level) & 511; }
static inline u64 pt_span(unsigned level) { return 1ull << pt_shift(level); }

#endif

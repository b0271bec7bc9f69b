/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The portable page-table walker over <native/pte.h> and the TLB batch.
 */
#ifndef KERNEL_PGTABLE_H
#define KERNEL_PGTABLE_H

#include <kernel/aspace.h>

/* Collects what must be flushed and freed after entries went away. On the stack of the caller. */
struct tlb_batch {
	struct aspace *aspace;		/* NULL: kernel */
	vaddr_t start, end;		/* empty when start >= end */
	unsigned stride_shift;
	bool freed_tables;
	struct page *pages[32];		/* dropped after the flush */
	unsigned nr_pages;
	struct page *blocks[4];		/* 2 MiB of single pages each, likewise */
	unsigned nr_blocks;
	struct page *tables;		/* freed an epoch after the flush; through page.defer_next */
};
void tlb_batch_init(struct tlb_batch *b, struct aspace *as);
void tlb_batch_add(struct tlb_batch *b, vaddr_t va, unsigned level);
/* The same for a 4 KiB entry, va page-aligned. */
static inline void tlb_batch_add_page(struct tlb_batch *b, vaddr_t va)
{
	b->start = min(b->start, va);
	b->end = max(b->end, va + PAGE_SIZE);
	b->stride_shift = PAGE_SHIFT;
}
void tlb_batch_flush(struct tlb_batch *b);
/* Notes a page whose reference goes after the flush. Add the entry it was mapped by first: may flush when full. */
static inline void tlb_batch_page(struct tlb_batch *b, struct page *p)
{
	if (unlikely(b->nr_pages == ARRAY_LEN(b->pages)))
		tlb_batch_flush(b);
	b->pages[b->nr_pages++] = p;
}
/* The same for the 512 pages that begin with p. */
static inline void tlb_batch_block(struct tlb_batch *b, struct page *p)
{
	if (unlikely(b->nr_blocks == ARRAY_LEN(b->blocks)))
		tlb_batch_flush(b);
	b->blocks[b->nr_blocks++] = p;
}
/* A table of the given level's entry at va went away. */
void tlb_batch_table(struct tlb_batch *b, vaddr_t va, unsigned level, struct page *table);
void tlb_batch_finish(struct tlb_batch *b);

extern paddr_t kernel_root;
/* Entry for va at the given level of the table under root, allocating tables on the way if alloc. NULL: absent or no memory. */
pte_t *pgtable_entry(paddr_t root, vaddr_t va, unsigned level, bool alloc, u32 alloc_flags);
/* Deepest valid entry that covers va; *level out. NULL none. Epoch section or lock. */
pte_t *pgtable_lookup(paddr_t root, vaddr_t va, unsigned *level);
/*
 * For walks over [va, end): the level-0 entry of va, good up to *next, or NULL when no table covers
 * va, and nothing is mapped up to *next. Epoch section or lock.
 */
pte_t *pgtable_chunk(paddr_t root, vaddr_t va, vaddr_t end, vaddr_t *next);
/* Kernel mappings: [va, va+size) to pa with the largest leaves up to max_level. 0, -ENOMEM, -EEXIST. */
int kernel_map(vaddr_t va, paddr_t pa, u64 size, unsigned prot, unsigned max_level);
/* Both: a large leaf must lie wholly inside the range. Interrupts on, unless one CPU is up. */
void kernel_unmap(vaddr_t va, u64 size);
int kernel_protect(vaddr_t va, u64 size, unsigned prot);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Large entries of user spaces (huge.c), for the other address-space files. */
#ifndef MM_HUGE_H
#define MM_HUGE_H

#include <kernel/pgtable.h>

#define HUGE_ORDER 9u
#define HUGE_PAGES 512u
#define HUGE_SIZE (PAGE_SIZE << HUGE_ORDER)

/*
 * All of these need aspace.lock. The large entry of va with its table locked (pt_unlock), NULL: there is none. Waits for one
 * that is being split.
 */
pte_t *huge_lock(struct aspace *as, vaddr_t va);
/* The entry that shows va's page, of either size, with its table locked, NULL: none; *small is, or stands for, the small one. */
pte_t *huge_lock_page(struct aspace *as, vaddr_t va, pte_t *small);
/* A large entry or a table is there. */
bool huge_is_covered(struct aspace *as, vaddr_t va);
/* The small entry that stands for va's page of a large one. */
pte_t huge_part(pte_t large, vaddr_t va);
/* A large entry that covers va becomes 512 small ones. Cannot fail. */
void huge_split(struct aspace *as, vaddr_t va);
/* pgtable_chunk for who wants single pages: splits what is large at va. */
pte_t *huge_chunk(struct aspace *as, vaddr_t va, vaddr_t end, vaddr_t *next);
/*
 * Takes the large entry at va out, or gives it other rights. True: done. False: there is none, or [va, end) is less than
 * all of it, and now it is small. aspace.lock held.
 */
bool huge_zap(struct aspace *as, vaddr_t va, vaddr_t end, struct tlb_batch *b);
bool huge_protect(struct aspace *as, vaddr_t va, vaddr_t end, unsigned prot, struct tlb_batch *b);
/* Fork shares the large entry at va, if there is one, read-only. 0 or -ENOMEM. */
int huge_fork(struct aspace *dst, struct aspace *src, vaddr_t va, struct tlb_batch *b);
/* A block for `at`: 512 pages of a program's own with one reference each, contents undefined. NULL: not to be had without pain. */
struct page *huge_block_alloc(struct aspace *as, vaddr_t at, bool defrag);
/* e, which is empty, shows the block, whose pages are counted as mapped already; spare waits for its end. */
void huge_install(struct vma *v, pte_t *e, struct page *block, struct page *spare);
bool huge_machine_is_small(void);
/* collapse.c: MADV_COLLAPSE of [start, end) within one area. 0, -EINVAL, -EAGAIN, -ENOMEM. No lock held. */
int huge_collapse_range(struct aspace *as, vaddr_t start, vaddr_t end);
/* A fault where there is no table: 0 when a large entry allows it now; -EAGAIN: small pages are to do it. */
int huge_fault(struct vma *v, vaddr_t va, unsigned flags);

#endif

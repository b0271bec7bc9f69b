/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies behind the entries of a space, for /proc: sums over an area (smaps), a word per page (pagemap). */
#include "aspace_internal.h"
#include "huge.h"

#define PSS_SHIFT 12		/* fractions of a page shared by many */

static void count_page(struct vma_usage *u, pte_t e, struct page *p)
{
	u32 flags = atomic_load(&p->flags);
	s32 users = max(atomic_load(&p->mapcount), 1);
	bool is_dirty = pte_dirty(e) || (flags & PAGE_DIRTY);
	u64 share = (PAGE_SIZE << PSS_SHIFT) / (u64)users;

	u->rss += PAGE_SIZE;
	u->pss += share;
	if (flags & PAGE_ANON) {
		u->anonymous += PAGE_SIZE;
		u->pss_anon += share;
	} else if (p->mapping && p->mapping->keep) {
		u->pss_shmem += share;
	} else {
		u->pss_file += share;
	}
	if (is_dirty)
		u->pss_dirty += share;
	if (users > 1)
		*(is_dirty ? &u->shared_dirty : &u->shared_clean) += PAGE_SIZE;
	else
		*(is_dirty ? &u->private_dirty : &u->private_clean) += PAGE_SIZE;
	if (pte_accessed(e) || (flags & PAGE_REFERENCED))
		u->referenced += PAGE_SIZE;
}

static void count_large(struct aspace *as, vaddr_t va, struct vma_usage *u)
{
	pte_t *e = huge_lock(as, va), v;

	if (!e)
		return;
	v = pte_load(e);
	for (vaddr_t at = 0; at < HUGE_SIZE; at += PAGE_SIZE)
		count_page(u, v, phys_to_page(pte_paddr(v) + at));
	u->huge += HUGE_SIZE;
	pt_unlock(e);
}

void vma_usage_add(struct vma *v, struct vma_usage *u)
{
	struct vma_usage mine = {};
	struct aspace *as = v->aspace;
	vaddr_t next;

	lock_assert_held(&as->lock);
	for (vaddr_t va = v->start; va < v->end; va = next) {
		pte_t *e = pgtable_chunk(as->root, va, v->end, &next), *table = e;

		if (!e) {
			count_large(as, va, &mine);
			continue;
		}
		pt_lock(table);
		for (; va < next; va += PAGE_SIZE, e++) {
			pte_t p = pte_load(e);

			if (pte_present(p) && !(pte_prot(p) & PGPROT_SPECIAL))
				count_page(&mine, p, phys_to_page(pte_paddr(p)));
		}
		pt_unlock(table);
	}
	u->size += v->end - v->start;
	u->rss += mine.rss;
	u->pss += mine.pss >> PSS_SHIFT;
	u->pss_anon += mine.pss_anon >> PSS_SHIFT;
	u->pss_file += mine.pss_file >> PSS_SHIFT;
	u->pss_shmem += mine.pss_shmem >> PSS_SHIFT;
	u->pss_dirty += mine.pss_dirty >> PSS_SHIFT;
	u->shared_clean += mine.shared_clean;
	u->shared_dirty += mine.shared_dirty;
	u->private_clean += mine.private_clean;
	u->private_dirty += mine.private_dirty;
	u->referenced += mine.referenced;
	u->anonymous += mine.anonymous;
	u->huge += mine.huge;
	u->locked += v->flags & VMA_LOCKED ? mine.pss >> PSS_SHIFT : 0;
}

#define PAGEMAP_PRESENT BIT(63)
#define PAGEMAP_FILE BIT(61)		/* of a file or shared memory */
#define PAGEMAP_EXCLUSIVE BIT(56)

static u64 pagemap_word(pte_t e, bool show_frames)
{
	struct page *p;

	if (!pte_present(e))
		return 0;
	if (pte_prot(e) & PGPROT_SPECIAL)
		return PAGEMAP_PRESENT;
	p = phys_to_page(pte_paddr(e));
	return PAGEMAP_PRESENT | (p->flags & PAGE_ANON ? 0 : PAGEMAP_FILE) |
	       (atomic_load(&p->mapcount) == 1 ? PAGEMAP_EXCLUSIVE : 0) | (show_frames ? page_to_pfn(p) : 0);
}

void aspace_pagemap(struct aspace *as, vaddr_t addr, u64 *words, unsigned n, bool show_frames)
{
	rwlock_read_lock(&as->lock);
	for (unsigned i = 0; i < n; i++) {
		vaddr_t va = addr + i * PAGE_SIZE;
		pte_t *e, word;

		words[i] = 0;
		if (va >= arch_layout.user_end)
			continue;
		e = huge_lock_page(as, va, &word);
		words[i] = e ? pagemap_word(word, show_frames) : 0;
		if (e)
			pt_unlock(e);
	}
	rwlock_read_unlock(&as->lock);
}

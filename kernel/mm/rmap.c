/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From file pages to the entries that map them: a mapping lists the areas that show it, an area
 * and a page number give the address. Also shared anonymous memory, which is a mapping without a
 * file. vmas_lock keeps areas and their page tables in place; entries change under their table's lock.
 */
#include "aspace_internal.h"

/* The part of v that shows pages [first, last]. */
static bool overlap(const struct vma *v, u64 first, u64 last, vaddr_t *start, vaddr_t *end)
{
	u64 lo = max(first, v->pgoff), hi = min(last, v->pgoff + vma_pages(v) - 1);

	if (lo > hi)
		return false;
	*start = v->start + ((lo - v->pgoff) << PAGE_SHIFT);
	*end = v->start + ((hi - v->pgoff + 1) << PAGE_SHIFT);
	return true;
}

/* Takes out the entries of file pages; private copies (anonymous pages) stay. */
static void zap_file_pages(struct vma *v, vaddr_t start, vaddr_t end)
{
	struct aspace *as = v->aspace;
	struct tlb_batch b;
	vaddr_t next;

	tlb_batch_init(&b, as);
	for (vaddr_t va = start; va < end; va = next) {
		pte_t *e = pgtable_chunk(as->root, va, end, &next), *table = e;
		struct rss_delta delta = {};

		if (!e)
			continue;
		pt_lock(table);
		for (; va < next; va += PAGE_SIZE, e++) {
			pte_t old = pte_load(e);
			struct page *p;

			if (!pte_present(old) || (pte_prot(old) & PGPROT_SPECIAL))
				continue;
			p = phys_to_page(pte_paddr(old));
			if (p->flags & PAGE_ANON)
				continue;
			pte_exchange(e, PTE_EMPTY);
			page_unmapped(&delta, p);
			tlb_batch_add(&b, va, 0);
			tlb_batch_page(&b, p);
		}
		rss_apply(as, &delta);
		pt_unlock(table);
	}
	tlb_batch_finish(&b);
}

void mapping_unmap_range(struct page_mapping *m, u64 first, u64 last)
{
	vaddr_t start, end;
	struct vma *v;

	if (list_empty(&m->vmas))
		return;
	mutex_lock(&m->vmas_lock);
	list_for_each(v, &m->vmas, mapping_link)
		if (overlap(v, first, last, &start, &end))
			zap_file_pages(v, start, end);
	mutex_unlock(&m->vmas_lock);
}

/* Write-protects the entry of p at va; true if it was dirty. */
static bool clean_entry(struct aspace *as, vaddr_t va, const struct page *p)
{
	struct tlb_batch b;
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next), old, new;
	bool was_dirty = false;

	if (!e)
		return false;
	tlb_batch_init(&b, as);
	pt_lock(e);
	old = pte_load(e);
	while (pte_present(old) && pte_paddr(old) == page_to_phys(p)) {
		new = pte_clear_dirty(pte_with_prot(old, pte_prot(old) & ~PGPROT_WRITE, 0));
		if (new == old)
			break;
		if (pte_cmpxchg(e, old, new)) {
			was_dirty = pte_dirty(old);
			tlb_batch_add(&b, va, 0);
			break;
		}
		old = pte_load(e);
	}
	pt_unlock(e);
	tlb_batch_finish(&b);
	return was_dirty;
}

bool mapping_page_clean(struct page_mapping *m, struct page *page)
{
	bool was_dirty = false;
	vaddr_t start, end;
	struct vma *v;

	if (list_empty(&m->vmas) || atomic_load(&page->mapcount) == 0)
		return false;
	mutex_lock(&m->vmas_lock);
	list_for_each(v, &m->vmas, mapping_link)
		if ((v->flags & VMA_SHARED) && overlap(v, page->index, page->index, &start, &end))
			was_dirty |= clean_entry(v->aspace, start, page);
	mutex_unlock(&m->vmas_lock);
	return was_dirty;
}

/* The entry of v for p, its table locked; NULL: there is none, nothing locked. */
static pte_t *lock_entry(struct vma *v, struct page *p, vaddr_t *va)
{
	vaddr_t end, next;
	pte_t *e;

	if (!overlap(v, p->index, p->index, va, &end))
		return NULL;
	e = pgtable_chunk(v->aspace->root, *va, end, &next);
	if (!e)
		return NULL;
	pt_lock(e);
	if (pte_present(pte_load(e)) && pte_paddr(pte_load(e)) == page_to_phys(p))
		return e;
	pt_unlock(e);
	return NULL;
}

/* CPUs that still know the entry do not set the bit again: what is used much may look old once, and comes back. */
bool mapping_page_referenced(struct page_mapping *m, struct page *page)
{
	bool referenced = false;
	struct vma *v;

	if (!mutex_trylock(&m->vmas_lock))
		return true;
	list_for_each(v, &m->vmas, mapping_link) {
		vaddr_t va;
		pte_t *e = lock_entry(v, page, &va), old;

		if (!e)
			continue;
		old = pte_load(e);
		while (pte_accessed(old) && !pte_cmpxchg(e, old, pte_clear_accessed(old)))
			old = pte_load(e);
		referenced |= pte_accessed(old) || (v->flags & VMA_LOCKED);
		pt_unlock(e);
	}
	mutex_unlock(&m->vmas_lock);
	return referenced;
}

bool mapping_page_unmap(struct page_mapping *m, struct page *page)
{
	bool stays = false, was_dirty = false;
	struct vma *v;

	if (!mutex_trylock(&m->vmas_lock))
		return false;
	list_for_each(v, &m->vmas, mapping_link) {
		struct rss_delta delta = {};
		struct tlb_batch b;
		vaddr_t va;
		pte_t *e = lock_entry(v, page, &va);

		if (!e)
			continue;
		if (v->flags & VMA_LOCKED) {
			pt_unlock(e);
			stays = true;
			continue;
		}
		was_dirty |= pte_dirty(pte_exchange(e, PTE_EMPTY)) && (v->flags & VMA_SHARED);
		page_unmapped(&delta, page);
		rss_apply(v->aspace, &delta);
		pt_unlock(e);
		tlb_batch_init(&b, v->aspace);
		tlb_batch_add_page(&b, va);
		tlb_batch_page(&b, page);
		tlb_batch_finish(&b);
	}
	mutex_unlock(&m->vmas_lock);
	if (was_dirty)
		page_mark_dirty(page);
	return !stays && !atomic_load(&page->mapcount);
}

/* ---- shared anonymous memory ------------------------------------------------------------------ */

struct anon_shared *anon_shared_create(void)
{
	struct anon_shared *s = kzalloc(sizeof(*s), 0);

	if (!s)
		return NULL;
	ref_set(&s->refs, 1);
	mapping_init(&s->mapping, NULL, NULL);
	s->mapping.keep = true;
	return s;
}

int vma_make_shared_anon(struct vma *v)
{
	v->private = anon_shared_create();
	if (!v->private)
		return -ENOMEM;
	v->pgoff = 0;
	v->ops = &anon_shared_ops;
	return 0;
}

static int anon_shared_fault(struct vma *v, u64 pgoff, unsigned flags, struct page **page)
{
	struct anon_shared *s = v->private;
	struct page *p = mapping_grab(&s->mapping, pgoff, ALLOC_ZERO | ALLOC_USER);

	(void)flags;
	if (is_err(p))
		return (int)ptr_err(p);
	atomic_fetch_or(&p->flags, PAGE_UPTODATE);
	page_unlock(p);
	*page = p;
	return 0;
}

static void anon_shared_open(struct vma *v) { ref_get(&((struct anon_shared *)v->private)->refs); }

void anon_shared_put(struct anon_shared *s)
{
	if (!s || !ref_put(&s->refs))
		return;
	mapping_destroy(&s->mapping);
	kfree(s);
}

static void anon_shared_close(struct vma *v) { anon_shared_put(v->private); }

const struct vma_ops anon_shared_ops = {
	.fault = anon_shared_fault,
	.open = anon_shared_open,
	.close = anon_shared_close,
};

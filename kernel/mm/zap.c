/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaf entries of user spaces in bulk: taking them out, freeing tables, changing rights. Entries
 * change under their table's lock; the hardware may set accessed and dirty bits at any moment, so a
 * live entry is only exchanged or compare-exchanged. Pages go after the TLB flush of the batch.
 */
#include <kernel/thread.h>

#include "aspace_internal.h"
#include "huge.h"

void rss_apply(struct aspace *as, const struct rss_delta *d)
{
	/* Which one is a matter of speed only: somebody else's CPU is no mistake. */
	struct rss_counts *c = READ_ONCE(current->cpu)->id & 1 ? &as->rss_odd : &as->rss_even;
	u64 now;

	/* The most there ever was is noted before it becomes less. */
	if (d->anon + d->file + d->shmem < 0 && (now = aspace_rss(as)) > atomic_load(&as->rss_peak))
		atomic_store(&as->rss_peak, now);
	if (d->anon)
		atomic_add(&c->anon, d->anon);
	if (d->shmem)
		atomic_add(&c->shmem, d->shmem);
	if (d->file)
		atomic_add(&c->file, d->file);
	if (d->used_anon)
		mm_count(MM_ANON, d->used_anon);
	if (d->used_file)
		mm_count(MM_MAPPED, d->used_file);
}

pte_t *aspace_pte(struct aspace *as, vaddr_t va)
{
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next);

	return likely(e) ? e : pgtable_leaf(as->root, va, ALLOC_ACCOUNT, &as->pt_pages);
}

/* The table locked. The entries of [va, end), all in it, go; their pages join the batch. */
static void zap_entries(struct aspace *as, pte_t *e, vaddr_t va, vaddr_t end, struct tlb_batch *b)
{
	/* Where no CPU has the space loaded, nothing but us looks at the entries. */
	bool is_unused = !atomic_load(&as->cpus);
	struct rss_delta delta = {};

	for (; va < end; va += PAGE_SIZE, e++) {
		pte_t old = pte_load(e);
		struct page *p;

		if (!pte_present(old))
			continue;
		if (is_unused)
			pte_store(e, PTE_EMPTY);
		else
			old = pte_exchange(e, PTE_EMPTY);
		tlb_batch_add_page(b, va);
		if (pte_prot(old) & PGPROT_SPECIAL)
			continue;
		p = phys_to_page(pte_paddr(old));
		page_unmapped(&delta, p);
		tlb_batch_page(b, p);
	}
	rss_apply(as, &delta);
}

void zap_range(struct aspace *as, vaddr_t start, vaddr_t end, struct tlb_batch *b)
{
	vaddr_t next;

	for (vaddr_t va = start; va < end; va = next) {
		pte_t *e = pgtable_chunk(as->root, va, end, &next);

		if (!e && !huge_zap(as, va, next, b))
			e = pgtable_chunk(as->root, va, end, &next);
		if (!e)
			continue;
		pt_lock(e);
		zap_entries(as, e, va, next, b);
		pt_unlock(e);
	}
}

/*
 * Frees what lies below the table at level that covers part of [start, end) and no address
 * outside [floor, ceiling). Recursion ends at level 1: three deep at most.
 */
static void free_below(struct aspace *as, paddr_t table, unsigned level, vaddr_t base, vaddr_t start,
		       vaddr_t end, vaddr_t floor, vaddr_t ceiling, struct tlb_batch *b)
{
	u64 span = pt_span(level);
	vaddr_t va = max(align_down(start, span), base);
	vaddr_t last = min(end, base + span * 512);

	for (; va < last; va += span) {
		pte_t *e = (pte_t *)phys_to_virt(table) + pt_index(va, level);
		pte_t v = pte_load(e);

		if (!pte_is_table(v, level))
			continue;
		if (level > 1)
			free_below(as, pte_paddr(v), level - 1, va, start, end, floor, ceiling, b);
		if (va < floor || va + span > ceiling)
			continue;
		pte_exchange(e, PTE_EMPTY);
		atomic_sub(&as->pt_pages, 1);
		tlb_batch_table(b, va, level, phys_to_page(pte_paddr(v)));
	}
}

/*
 * Takes out tables that only served [start, end); floor and ceiling are the nearest areas left.
 * aspace.lock held for writing; nobody else adds entries there, lookers are in epoch sections.
 */
void zap_tables(struct aspace *as, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
		struct tlb_batch *b)
{
	free_below(as, as->root, arch_layout.pt_levels - 1, 0, start, end, floor, ceiling, b);
}

/* The rights an entry of v gets: writing stays off unless it was on, so that copy-on-write is kept. */
static pte_t with_new_rights(const struct vma *v, pte_t old)
{
	unsigned had = pte_prot(old), prot = vma_prot(v);

	if (!(had & PGPROT_WRITE))
		prot &= ~PGPROT_WRITE;
	return pte_with_prot(old, prot | (had & PGPROT_SPECIAL), 0);
}

static void protect_chunk(struct vma *v, pte_t *e, vaddr_t va, vaddr_t end, struct tlb_batch *b)
{
	for (; va < end; va += PAGE_SIZE, e++) {
		pte_t old = pte_load(e), new;

		if (!pte_present(old))
			continue;
		do {
			old = pte_load(e);
			new = with_new_rights(v, old);
		} while (new != old && !pte_cmpxchg(e, old, new));
		if (new != old)
			tlb_batch_add(b, va, 0);
	}
}

void protect_range(struct vma *v, vaddr_t start, vaddr_t end)
{
	struct aspace *as = v->aspace;
	struct tlb_batch b;
	vaddr_t next;

	tlb_batch_init(&b, as);
	for (vaddr_t va = start; va < end; va = next) {
		pte_t *e = pgtable_chunk(as->root, va, end, &next);

		if (!e && !huge_protect(as, va, next, vma_prot(v), &b))
			e = pgtable_chunk(as->root, va, end, &next);
		if (!e)
			continue;
		pt_lock(e);
		protect_chunk(v, e, va, next, &b);
		pt_unlock(e);
	}
	pte_sync();
	tlb_batch_finish(&b);
}

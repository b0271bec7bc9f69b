/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The portable page-table walker: 512-entry radix trees of 3 or 4 levels over <native/pte.h>.
 *
 * Each table of a user space has a lock in its struct page (pt_lock), which guards its entries; walking takes none.
 * Tables are added by anybody (the loser of a race frees its page) and removed only by who
 * holds the address space exclusively; a removed table is freed after an epoch, so that readers
 * may walk inside an epoch section. Kernel entries
 * belong to whoever owns the virtual range; kernel tables are never freed. TLB batches: tlb.c.
 */
#include <kernel/aspace.h>
#include <kernel/cpu.h>
#include <kernel/panic.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "group_memory.h"
#include "mm_internal.h"

paddr_t kernel_root;

/* Tables made before the page array exists have no struct page; they are never freed. */
static paddr_t table_alloc(u32 flags)
{
	struct page *p;

	if (bootmem_is_open()) {
		mm_count(MM_PAGETABLE, 1);
		return virt_to_phys(boot_alloc(PAGE_SIZE, PAGE_SIZE));
	}
	p = pgtable_page_alloc(flags);
	return p ? page_to_phys(p) : 0;
}

struct page *pgtable_page_alloc(u32 flags)
{
	struct page *p = page_alloc(0, flags | ALLOC_ZERO);

	if (p) {
		p->flags |= PAGE_TABLE;
		p->table_lock = 0;
		mm_count(MM_PAGETABLE, 1);
		group_memory_count(p->group, GM_TABLES, 1);
	}
	return p;
}

void pgtable_page_free(struct page *p)
{
	debug_assert(!p->spare_tables && !p->table_lock);
	p->flags &= ~PAGE_TABLE;
	mm_count(MM_PAGETABLE, -1);
	group_memory_count(p->group, GM_TABLES, -1);
	page_put(p);
}

static void table_epoch_free(struct epoch_head *h)
{
	pgtable_page_free(container_of(h, struct page, epoch));
}

void pgtable_page_defer(struct page *p)
{
	epoch_defer(&p->epoch, table_epoch_free);
}

static pte_t *table_slot(paddr_t table, vaddr_t va, unsigned level)
{
	return (pte_t *)phys_to_virt(table) + pt_index(va, level);
}

/*
 * Hangs a new table under e, unless another CPU was faster. With `count` it is a user space's, where the upper table is
 * locked: an entry that is about to change its size is empty for a moment. False: no memory.
 */
static bool table_add(pte_t *e, bool is_user, u32 flags, u64 *count)
{
	paddr_t table = table_alloc(flags);
	bool added;

	if (!table)
		return false;
	if (count)
		pt_lock(e);
	added = pte_cmpxchg(e, PTE_EMPTY, pte_make_table(table, is_user));
	if (count)
		pt_unlock(e);
	if (!added)
		pgtable_page_free(phys_to_page(table));
	else if (count)
		atomic_add(count, 1);
	pte_sync();
	return true;
}

static pte_t *walk(paddr_t root, vaddr_t va, unsigned level, bool alloc, u32 flags, u64 *count)
{
	paddr_t table = root;

	for (unsigned l = arch_layout.pt_levels - 1;; l--) {
		pte_t *e = table_slot(table, va, l);

		if (l == level)
			return e;
		while (!pte_present(pte_load(e)))
			if (!alloc || !table_add(e, va < arch_layout.user_end, flags, count))
				return NULL;
		if (!pte_is_table(pte_load(e), l))
			return NULL;	/* a larger leaf covers va */
		table = pte_paddr(pte_load(e));
	}
}

pte_t *pgtable_entry(paddr_t root, vaddr_t va, unsigned level, bool alloc, u32 flags)
{
	return walk(root, va, level, alloc, flags, NULL);
}

pte_t *pgtable_leaf(paddr_t root, vaddr_t va, u32 flags, u64 *tables)
{
	return walk(root, va, 0, true, flags, tables);
}

pte_t *pgtable_middle(paddr_t root, vaddr_t va, u32 flags, u64 *tables)
{
	return walk(root, va, 1, true, flags, tables);
}

pte_t *pgtable_lookup(paddr_t root, vaddr_t va, unsigned *level)
{
	paddr_t table = root;

	for (unsigned l = arch_layout.pt_levels - 1;; l--) {
		pte_t *e = table_slot(table, va, l), v = pte_load(e);

		if (!pte_present(v))
			return NULL;
		if (!pte_is_table(v, l)) {
			*level = l;
			return e;
		}
		table = pte_paddr(v);
	}
}

pte_t *pgtable_chunk(paddr_t root, vaddr_t va, vaddr_t end, vaddr_t *next)
{
	paddr_t table = root;

	for (unsigned l = arch_layout.pt_levels - 1;; l--) {
		pte_t *e = table_slot(table, va, l), v;
		vaddr_t limit = align_down(va, pt_span(l == 0 ? 1 : l)) + pt_span(l == 0 ? 1 : l);

		*next = limit - 1 < end - 1 ? limit : end;	/* limit may be 0 at the very top */
		if (l == 0)
			return e;
		v = pte_load(e);
		if (!pte_is_table(v, l))
			return NULL;
		table = pte_paddr(v);
	}
}

/* Largest level whose leaf fits at va and pa and does not reach past size. */
static unsigned leaf_level(vaddr_t va, paddr_t pa, u64 size, unsigned max_level)
{
	unsigned l = min(max_level, arch_layout.pt_levels - 1);

	while (l > 0 && (((va | pa) & (pt_span(l) - 1)) || size < pt_span(l)))
		l--;
	return l;
}

int kernel_map(vaddr_t va, paddr_t pa, u64 size, unsigned prot, unsigned max_level)
{
	vaddr_t start = va;
	int err = 0;

	assert(is_aligned(va | pa | size, PAGE_SIZE));
	while (size) {
		unsigned l = leaf_level(va, pa, size, max_level);
		pte_t *e = pgtable_entry(kernel_root, va, l, true, ALLOC_ATOMIC);

		err = !e ? -ENOMEM : pte_present(pte_load(e)) ? -EEXIST : 0;
		if (err)
			break;
		pte_store(e, pte_make_leaf(pa, prot, l));
		va += pt_span(l);
		pa += pt_span(l);
		size -= min(size, pt_span(l));
	}
	pte_sync();
	if (err && va > start)
		kernel_unmap(start, va - start);
	return err;
}

void kernel_clear(vaddr_t va, u64 size)
{
	for (vaddr_t at = va; at < va + size; at += PAGE_SIZE) {
		pte_t *e = pgtable_entry(kernel_root, at, 0, false, 0);

		if (e)
			pte_exchange(e, PTE_EMPTY);
	}
}

/* Calls that change leaves in [va, va+size): each leaf must lie inside the range. */
static void kernel_change(vaddr_t va, u64 size, bool unmap, unsigned prot)
{
	struct tlb_batch b;
	vaddr_t end = va + size;

	tlb_batch_init(&b, NULL);
	while (va < end) {
		unsigned l;
		pte_t *e = pgtable_lookup(kernel_root, va, &l);

		if (!e) {
			va += PAGE_SIZE;
			continue;
		}
		assert(is_aligned(va, pt_span(l)) && end - va >= pt_span(l));
		if (unmap)
			pte_exchange(e, PTE_EMPTY);
		else
			pte_store(e, pte_with_prot(pte_load(e), prot, l));
		tlb_batch_add(&b, va, l);
		va += pt_span(l);
	}
	pte_sync();
	tlb_batch_finish(&b);
}

void kernel_unmap(vaddr_t va, u64 size) { kernel_change(va, size, true, 0); }

int kernel_protect(vaddr_t va, u64 size, unsigned prot)
{
	kernel_change(va, size, false, prot);
	return 0;
}

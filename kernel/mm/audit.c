/* SPDX-License-Identifier: BSD-2-Clause */
/* Audits of page tables and of the page array; see <kernel/audit.h>. No locks: they only read. */
#include <arch/cpu.h>
#include <kernel/aspace.h>
#include <kernel/audit.h>
#include <kernel/cpu.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/sched.h>

#include "mm_internal.h"

#define LINES_MAX 10

struct table_audit {
	unsigned problems;
	u64 leaves;
};

static void table_problem(struct table_audit *a, const char *what, vaddr_t va, pte_t e)
{
	if (a->problems++ < LINES_MAX)
		log_err("audit: kernel page at 0x%llx is %s (entry 0x%llx)", (unsigned long long)va, what,
			(unsigned long long)e);
}

static bool overlaps(paddr_t pa, u64 size, const char *start, const char *end)
{
	return pa < image_to_phys(start) + (u64)(end - start) && image_to_phys(start) < pa + size;
}

static void check_leaf(struct table_audit *a, vaddr_t va, pte_t e, unsigned level)
{
	unsigned prot = pte_prot(e);
	paddr_t pa = pte_paddr(e);

	a->leaves++;
	if ((prot & PGPROT_WRITE) && (prot & PGPROT_EXEC))
		table_problem(a, "writable and executable", va, e);
	if (prot & PGPROT_USER)
		table_problem(a, "within reach of user mode", va, e);
	if ((prot & PGPROT_EXEC) && (prot & PGPROT_DEVICE))
		table_problem(a, "device memory and executable", va, e);
	if (va < arch_layout.user_end)
		table_problem(a, "in the user half", va, e);
	if (!(prot & PGPROT_WRITE))
		return;
	if (overlaps(pa, pt_span(level), __text_start, __rodata_end))
		table_problem(a, "a writable alias of text or constants", va, e);
	if (overlaps(pa, pt_span(level), __ro_after_init_start, __ro_after_init_end))
		table_problem(a, "a writable alias of sealed data", va, e);
}

static void check_table(struct table_audit *a, paddr_t table, vaddr_t base, unsigned level)
{
	const pte_t *e = phys_to_virt(table);

	for (unsigned i = 0; i < 512; i++) {
		pte_t v = pte_load((pte_t *)&e[i]);
		vaddr_t va = base + ((u64)i << pt_shift(level));

		/* The root's upper half is the kernel's: its addresses are sign-extended. */
		if (level == arch_layout.pt_levels - 1 && (i >= 256 || !PTE_ROOT_HAS_KERNEL))
			va |= ~0ull << (pt_shift(level) + 9);
		if (!pte_present(v))
			continue;
		if (pte_is_table(v, level))
			check_table(a, pte_paddr(v), va, level - 1);
		else
			check_leaf(a, va, v, level);
	}
}

unsigned audit_kernel_tables(paddr_t root)
{
	struct table_audit a = { 0 };

	check_table(&a, root, 0, arch_layout.pt_levels - 1);
	log_debug("audit: %llu kernel leaves, %u problems", (unsigned long long)a.leaves, a.problems);
	return a.problems;
}

/* ---- programs' tables ---------------------------------------------------------------------------- */

/* What is wrong with showing a program the page; NULL: nothing. */
static const char *leaf_problem(pte_t e, unsigned level)
{
	paddr_t pa = pte_paddr(e);
	u32 flags;

	if (pte_prot(e) & PGPROT_SPECIAL)	/* zero page, vDSO and its data */
		return pte_prot(e) & PGPROT_WRITE ? "a special page, writable" : NULL;
	if (pte_prot(e) & PGPROT_DEVICE)
		return NULL;
	if (!section_is_online(pa >> PAGE_SHIFT))
		return "no page of RAM";
	/* The init section's memory is given away after boot. */
	if (overlaps(pa, pt_span(level), __image_start, __init_start) || overlaps(pa, pt_span(level), __init_end, __image_end))
		return "in the kernel's image";
	for (u64 i = 0; i < pt_span(level) >> PAGE_SHIFT; i++) {
		flags = atomic_load(&(phys_to_page(pa) + i)->flags);
		if (flags & PAGE_SLAB)
			return "a slab's";
		if (flags & PAGE_TABLE)
			return "a page table";
		if (flags & PAGE_BUDDY)
			return "free";
	}
	return NULL;
}

struct user_audit {
	unsigned problems;
	u64 leaves;
};

static void check_user_leaf(struct user_audit *a, vaddr_t va, pte_t *e, unsigned level)
{
	pte_t v = pte_load(e);
	const char *what = leaf_problem(v, level);

	a->leaves++;
	/* The page may have gone, and been used anew, between our two looks. */
	if (what && pte_load(e) == v && a->problems++ < LINES_MAX)
		log_err("audit: a program's page at 0x%llx is %s (entry 0x%llx)", (unsigned long long)va, what, (unsigned long long)v);
}

static void check_user_table(struct user_audit *a, paddr_t table, vaddr_t base, unsigned level)
{
	bool is_root = level == arch_layout.pt_levels - 1;
	pte_t *e = phys_to_virt(table);

	for (unsigned i = 0; i < (is_root && PTE_ROOT_HAS_KERNEL ? 256u : 512u); i++) {
		pte_t v = pte_load(&e[i]);
		vaddr_t va = base + ((u64)i << pt_shift(level));

		if (!pte_present(v))
			continue;
		if (pte_is_table(v, level))
			check_user_table(a, pte_paddr(v), va, level - 1);
		else
			check_user_leaf(a, va, &e[i], level);
	}
}

unsigned audit_user_tables(struct aspace *as, u64 *leaves)
{
	const pte_t *mine = phys_to_virt(as->root), *kernels = phys_to_virt(kernel_root);
	struct user_audit a = { 0 };

	for (unsigned i = 256; PTE_ROOT_HAS_KERNEL && i < 512; i++)
		if (pte_load((pte_t *)&mine[i]) != pte_load((pte_t *)&kernels[i]) && a.problems++ < LINES_MAX)
			log_err("audit: entry %u of a program's root is not the kernel's", i);
	epoch_enter();
	check_user_table(&a, as->root, 0, arch_layout.pt_levels - 1);
	epoch_exit();
	*leaves += a.leaves;
	return a.problems;
}

/* ---- CPUs and the end of boot -------------------------------------------------------------------- */

#if CONFIG_DEBUG
u64 audit_cpus_seen;

void audit_cpu(void)
{
	unsigned n = arch_cpu_audit();

	if (n)
		panic("cpu%u comes without %u of its protections", arch_cpu_self()->id, n);
	atomic_add(&audit_cpus_seen, 1ull);
}

static void audit_one(void *sum)
{
	unsigned n = arch_cpu_audit();

	atomic_add((unsigned *)sum, n);
	atomic_add(&audit_cpus_seen, 1ull);
}

unsigned audit_all_cpus(void)
{
	unsigned sum = 0;

	ipi_call(atomic_load(&cpu_online_mask), audit_one, &sum);
	return sum;
}

void audit_boot(void)
{
	unsigned n = audit_kernel_tables(kernel_root);

	if (n)
		panic("the kernel's page tables break %u promises at the end of boot", n);
	n = audit_all_cpus();
	if (n)
		panic("%u protections of CPUs are missing at the end of boot", n);
}
#endif

/* What is wrong with p as the head of a free block or as a page in use; NULL: nothing. */
static const char *page_problem(struct page *p, pfn_t pfn)
{
	u32 flags = atomic_load(&p->flags);

	if (flags & PAGE_BUDDY) {
		if (flags != PAGE_BUDDY)
			return "free, with flags of a page in use";
		if (ref_read(&p->refs))
			return "free, with references";
		if (p->order > PAGE_ORDER_MAX || !is_aligned(pfn, 1ull << p->order))
			return "free, with an impossible block size";
		if (p->mapcount)
			return "free, yet mapped";
		return NULL;
	}
	if (ref_read(&p->refs) && p->mapcount < 0)
		return "mapped less than never";
	/* PAGE_SLAB may be a page behind the first of its block. */
	if (!ref_read(&p->refs) && (flags & (PAGE_LRU | PAGE_LOCKED | PAGE_TABLE)))
		return "in use, without a reference";
	return NULL;
}

static bool is_free_head(pfn_t pfn)
{
	return pfn_is_ram(pfn) && atomic_load(&pfn_to_page(pfn)->flags) & PAGE_BUDDY;
}

/* Another free block begins within the one at pfn. */
static bool block_overlaps(pfn_t pfn)
{
	struct page *p = pfn_to_page(pfn);

	for (pfn_t inside = pfn + 1; inside < pfn + (1ull << p->order); inside++)
		if (is_free_head(inside))
			return is_free_head(pfn);	/* still */
	return false;
}

static unsigned audit_page(pfn_t pfn, unsigned before)
{
	struct page *p = pfn_to_page(pfn);
	const char *what = page_problem(p, pfn);

	if (!what && is_free_head(pfn) && block_overlaps(pfn))
		what = "free, and so is a block inside it";
	if (!what)
		return 0;
	/* It may have been changing hands while we looked. */
	sched_yield();
	if (page_problem(p, pfn) != what && !(is_free_head(pfn) && block_overlaps(pfn)))
		return 0;
	if (before < LINES_MAX)
		log_err("audit: frame 0x%llx is %s: flags 0x%x, %u references, order %u, mapped %d times",
			(unsigned long long)pfn, what, p->flags, ref_read(&p->refs), p->order, p->mapcount);
	return 1;
}

unsigned audit_pages(void)
{
	unsigned n = 0;

	for (u32 i = 0; i < bootmem_ram.nr; i++)
		for (pfn_t pfn = (bootmem_ram.r[i].base + PAGE_SIZE - 1) >> PAGE_SHIFT;
		     pfn < bootmem_ram.r[i].end >> PAGE_SHIFT; pfn++)
			if (pfn_is_ram(pfn))
				n += audit_page(pfn, n);
	return n;
}

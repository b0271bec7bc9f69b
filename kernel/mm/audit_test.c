/* SPDX-License-Identifier: BSD-2-Clause */
/* The audits find nothing wrong, and find what is planted. */
#include <kernel/audit.h>
#include <kernel/test.h>

#include "mm_internal.h"

#define RW (PGPROT_READ | PGPROT_WRITE)

static void test_tables_are_clean(void)
{
	test_equal(audit_kernel_tables(kernel_root), 0);
}

/* One bad kernel mapping at a time; it is never used. */
static unsigned problems_with(paddr_t pa, unsigned prot)
{
	vaddr_t va = vmap_area_alloc(PAGE_SIZE);
	unsigned n;

	if (!va || kernel_map(va, pa, PAGE_SIZE, prot, 0))
		return ~0u;
	n = audit_kernel_tables(kernel_root);
	kernel_unmap(va, PAGE_SIZE);
	vmap_area_free(va);
	return n;
}

static void test_finds_planted_mappings(void)
{
	struct page *p = page_alloc(0, 0);
	bool can_wx;
	paddr_t pa;

	test_check(p);
	pa = page_to_phys(p);
	test_equal(problems_with(pa, RW), 0);
	/* Some architectures cannot even say it. */
	can_wx = pte_prot(pte_make_leaf(pa, RW | PGPROT_EXEC, 0)) & PGPROT_EXEC;
	test_equal(problems_with(pa, RW | PGPROT_EXEC), can_wx);
	test_equal(problems_with(pa, RW | PGPROT_USER), 1);
	/* The simulation has no image of its own in physical memory. */
	if (__rodata_end - __text_start > 0) {
		test_equal(problems_with(image_to_phys(__text_start), RW), 1);
		test_equal(problems_with(image_to_phys(__rodata_start), RW), 1);
		test_equal(problems_with(image_to_phys(__text_start), PGPROT_READ), 0);
	}
	if (__ro_after_init_end - __ro_after_init_start > 0)
		test_equal(problems_with(image_to_phys(__ro_after_init_start), RW), 1);
	page_put(p);
}

static void test_pages_are_sound(void)
{
	test_equal(audit_pages(), 0);
}

static void test_finds_planted_pages(void)
{
	struct page *p = page_alloc(0, 0);
	s32 mapcount;

	test_check(p);
	mapcount = p->mapcount;
	p->mapcount = -3;
	test_equal(audit_pages(), 1);
	p->mapcount = mapcount;
	atomic_fetch_or(&p->flags, (u32)PAGE_BUDDY);	/* in use, and said to be free */
	test_equal(audit_pages(), 1);
	atomic_fetch_and(&p->flags, ~(u32)PAGE_BUDDY);
	test_equal(audit_pages(), 0);
	page_put(p);
}

static const struct test_case cases[] = {
	TEST_CASE(test_tables_are_clean), TEST_CASE(test_finds_planted_mappings), TEST_CASE(test_pages_are_sound),
	TEST_CASE(test_finds_planted_pages), {},
};
const struct test_suite test_suite_audit = { "audit", cases };

/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the page allocator, the heap and kernel virtual space on the running system. */
#include <kernel/test.h>
#include <lib/string.h>

#include "mm_internal.h"
#include "slab.h"

static void test_orders(void)
{
	u64 before;

	buddy_drain_cpu();
	before = mm_free_pages();
	for (unsigned order = 0; order <= 5; order++) {
		struct page *p = page_alloc(order, ALLOC_ZERO);

		test_check(p);
		test_check(is_aligned(page_to_pfn(p), 1ull << order));
		test_equal(ref_read(&p->refs), 1);
		for (u64 i = 0; i < PAGE_SIZE << order; i += 512)
			test_equal(*((char *)page_to_virt(p) + i), 0);
		memset(page_to_virt(p), 0xa5, PAGE_SIZE << order);
		page_free(p, order);
	}
	buddy_drain_cpu();
	/* Others allocate at the same time; a leak of one block of each order would show. */
	test_check(mm_free_pages() + 40 > before);
}

static void test_page_refs(void)
{
	struct page *p = page_alloc(0, 0);

	test_check(p);
	page_get(p);
	test_equal(ref_read(&p->refs), 2);
	page_put(p);
	test_equal(ref_read(&p->refs), 1);
	test_check(pfn_is_ram(page_to_pfn(p)));
	test_check(virt_to_page(page_to_virt(p)) == p);
	page_put(p);
}

static void test_dma32(void)
{
	struct page *p = page_alloc(0, ALLOC_DMA32);

	test_check(p);
	test_check(page_to_pfn(p) < ZONE_DMA32_END_PFN);
	page_put(p);
}

/* A chain of all the pages an atomic request can get: NULL at the end, not a panic. */
static void test_atomic_exhaustion(void)
{
	struct page *first = NULL, *p;
	u64 n = 0;

	if (mm_free_pages() > 40000)
		return;		/* takes too long with much memory */
	while ((p = page_alloc(0, ALLOC_ATOMIC | ALLOC_NOWARN))) {
		p->owner = first;
		first = p;
		n++;
	}
	test_check(page_alloc(3, ALLOC_ATOMIC | ALLOC_NOWARN) == NULL);
	while ((p = first)) {
		first = p->owner;
		page_put(p);
	}
	test_check(n > 0);
	p = page_alloc(0, ALLOC_ATOMIC);
	test_check(p);
	page_put(p);
}

static u64 whole_blocks(void)
{
	u64 sum = 0, counts[PAGE_ORDER_MAX + 1];

	for (unsigned zone = 0; zone < 2; zone++)
		for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
			zone_kind_counts(zone, (enum page_kind)kind, counts);
			sum += counts[PAGE_ORDER_MAX];
		}
	return sum;
}

/* Programs' and the kernel's pages, got in turn: when the first are gone, most of their blocks are whole again. */
static void test_kinds_apart(void)
{
	enum { EACH = 3072 };	/* three blocks' worth */
	struct page *p, *users = NULL, *kernels = NULL;
	u64 before, after, n = 0;

	if (mm_free_pages() < 4 * EACH)
		return;
	buddy_drain_cpu();
	before = whole_blocks();
	for (; n < EACH; n++) {
		if (!(p = page_alloc(0, ALLOC_USER)))
			break;
		p->owner = users;
		users = p;
		if (!(p = page_alloc(0, 0)))
			break;
		p->owner = kernels;
		kernels = p;
	}
	test_equal(n, EACH);
	while ((p = users)) {
		users = p->owner;
		page_put(p);
	}
	buddy_drain_cpu();
	after = whole_blocks();
	while ((p = kernels)) {
		kernels = p->owner;
		page_put(p);
	}
	/* Three for the kernel's, one that was begun; mixed, all six would be spoilt. */
	test_check(after + 4 >= before);
}

/* What a program wrote may look like poison: a #! line of many k once counted as freed twice. */
static void test_text_like_poison(void)
{
	char *p = kmalloc(128, 0);

	test_check(p);
	memset(p, 0x6b, 128);
	kfree(p);
}

static void test_kmalloc_sizes(void)
{
	static const u32 sizes[] = { 0, 1, 8, 15, 16, 17, 48, 63, 64, 65, 100, 128, 129, 500, 512, 1000, 1024, 1025,
		2048, 2049, 4096, 4097, 8192, 8193, 20000, 100000 };
	void *p[ARRAY_LEN(sizes)];

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		p[i] = kmalloc(sizes[i], 0);
		test_check(p[i]);
		test_check(is_aligned((vaddr_t)p[i], 8) && ksize(p[i]) >= sizes[i]);
		if (is_pow2(sizes[i]) && sizes[i] >= 16 && sizes[i] <= 4096)
			test_check(is_aligned((vaddr_t)p[i], sizes[i]));
		memset(p[i], (int)i, sizes[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		for (u32 at = 0; at < sizes[i]; at += 7)
			test_equal(((u8 *)p[i])[at], i);
		kfree(p[i]);
	}
	kfree(NULL);
}

static void test_kcalloc_overflow(void)
{
	test_check(kcalloc(1ull << 33, 1ull << 33, 0) == NULL);
	test_check(kmalloc(1ull << 40, ALLOC_NOWARN) == NULL);
}

static void test_krealloc(void)
{
	char *p = krealloc(NULL, 10, 0), *q;

	test_check(p);
	strlcpy(p, "123456789", 10);
	p = krealloc(p, 5000, 0);
	test_check(p && !strcmp(p, "123456789"));
	q = krealloc(p, 12, 0);
	test_check(q && !strcmp(q, "123456789"));
	p = kstrdup(q, 0);
	test_check(p && p != q && !strcmp(p, q));
	kfree(p);
	kfree(q);
}

static unsigned constructed;
static void construct(void *obj)
{
	constructed++;
	memset(obj, 0x11, 40);
}

static struct kmem_cache *test_cache(void)
{
	static struct kmem_cache *c;

	if (!c)
		c = kmem_cache_create("test", 40, 0, construct);
	return c;
}

/* Objects of a cache with a constructor keep what they were freed with. */
static void test_constructor(void)
{
	struct kmem_cache *c = test_cache();
	u8 *p = c ? kmem_cache_alloc(c, 0) : NULL;

	test_check(p);
	test_check(constructed >= c->per_slab);
	test_equal(p[0], 0x11);
	test_equal(p[39], 0x11);
	kmem_cache_free(c, p);
	test_equal(p[0], 0x11);
	test_equal(p[39], 0x11);
}

static void test_slab_many(void)
{
	struct kmem_cache *c = test_cache();
	u64 **p = kcalloc(1000, sizeof(*p), 0), before = c->nr_used;

	test_check(p);
	for (u64 round = 0; round < 3; round++) {
		for (u64 i = 0; i < 1000; i++) {
			p[i] = kmem_cache_alloc(c, 0);
			test_check(p[i]);
			*p[i] = i;
		}
		for (u64 i = 0; i < 1000; i++)
			test_equal(*p[i], i);
		for (u64 i = round; i < 1000 + round; i++)
			kmem_cache_free(c, p[i % 1000]);
	}
	kfree(p);
	slab_shrink();
	test_check(c->nr_used <= before + 64);
	test_check(c->nr_slabs <= 4);
}

static void test_vmap(void)
{
	u64 *p = vmap_alloc(5 * PAGE_SIZE - 100, ALLOC_ZERO), *q = vmap_alloc(PAGE_SIZE, 0);
	unsigned level;

	test_check(p && q);
	for (u64 i = 0; i < 5 * 512; i++) {
		test_equal(p[i], 0);
		p[i] = i;
	}
	for (u64 i = 0; i < 5 * 512; i++)
		test_equal(p[i], i);
	test_check(!pgtable_lookup(kernel_root, (vaddr_t)p + 5 * PAGE_SIZE, &level));
	vmap_free(p);
	test_check(!pgtable_lookup(kernel_root, (vaddr_t)p, &level));
	vmap_free(q);
	test_check(vmap_alloc(0, 0) == NULL);
	test_check(vmap_alloc(1ull << 50, ALLOC_NOWARN) == NULL);
}

static void test_mmio_refuses_ram(void)
{
	struct page *p = page_alloc(0, 0);

	test_check(p);
	test_check(mmio_map(page_to_phys(p), 16) == NULL);
	test_check(firmware_map(page_to_phys(p) + 8, 16) == (char *)page_to_virt(p) + 8);
	page_put(p);
}

static void test_kstack_guard(void)
{
	void *s = kstack_alloc();
	unsigned level;

	test_check(s);
	test_check(pgtable_lookup(kernel_root, (vaddr_t)s, &level));
	test_check(pgtable_lookup(kernel_root, (vaddr_t)s + 16384 - 8, &level));
	test_check(!pgtable_lookup(kernel_root, (vaddr_t)s - 8, &level));
	test_check(!pgtable_lookup(kernel_root, (vaddr_t)s + 16384, &level));
	kstack_free(s);
}

/* No kernel mapping is writable and executable; text and constants are not writable under any address. */
static void test_write_xor_execute(void)
{
	/* An image may lack a segment of its own (in the simulation the host maps the code). */
	static const char *const fixed[][2] = { { __text_start, __text_end }, { __rodata_start, __rodata_end } };
	unsigned level;

	for (vaddr_t va = (vaddr_t)__image_start; va < (vaddr_t)__image_end; va += PAGE_SIZE) {
		pte_t *e = pgtable_lookup(kernel_root, va, &level);

		if (e)
			test_check((pte_prot(pte_load(e)) & (PGPROT_WRITE | PGPROT_EXEC)) !=
				   (PGPROT_WRITE | PGPROT_EXEC));
	}
	for (unsigned i = 0; i < ARRAY_LEN(fixed); i++) {
		vaddr_t linear = (vaddr_t)phys_to_virt(image_to_phys(fixed[i][0]));
		pte_t *e = pgtable_lookup(kernel_root, linear, &level);

		test_check(fixed[i][0] == fixed[i][1] ||
			   (e && !(pte_prot(pte_load(e)) & (PGPROT_WRITE | PGPROT_EXEC))));
	}
}

/* init_on_alloc=1: whatever was there before is gone. */
static void test_init_on_alloc(void)
{
	u32 before = alloc_init_flags;
	unsigned stale = 0;
	struct page *p;
	u8 *obj;

	obj = kmalloc(200, 0);
	p = page_alloc(0, 0);
	test_check(obj && p);
	memset(obj, 0xa5, 200);
	memset(page_to_virt(p), 0xa5, PAGE_SIZE);
	kfree(obj);
	page_put(p);
	alloc_init_flags = ALLOC_ZERO;
	obj = kmalloc(200, 0);
	p = page_alloc(0, 0);
	alloc_init_flags = before;
	test_check(obj && p);
	for (unsigned i = 0; i < 200; i++)
		stale += obj[i] != 0;
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		stale += ((u8 *)page_to_virt(p))[i] != 0;
	kfree(obj);
	page_put(p);
	test_equal(stale, 0);
}

static const struct test_case cases[] = {
	TEST_CASE(test_orders), TEST_CASE(test_page_refs), TEST_CASE(test_dma32), TEST_CASE(test_kinds_apart),
	TEST_CASE(test_atomic_exhaustion), TEST_CASE(test_text_like_poison), TEST_CASE(test_kmalloc_sizes), TEST_CASE(test_kcalloc_overflow),
	TEST_CASE(test_krealloc), TEST_CASE(test_constructor), TEST_CASE(test_slab_many), TEST_CASE(test_vmap),
	TEST_CASE(test_mmio_refuses_ram), TEST_CASE(test_kstack_guard), TEST_CASE(test_write_xor_execute), TEST_CASE(test_init_on_alloc), {},
};
const struct test_suite test_suite_pages = { "pages", cases };

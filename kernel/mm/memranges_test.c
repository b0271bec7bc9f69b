/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of range sets and of what bootmem makes of firmware's ranges. */
#include <arch/boot.h>
#include <kernel/test.h>
#include <lib/string.h>

#include "mm_internal.h"

static struct mem_set a, b, none;

static void reset(void) { a.nr = b.nr = none.nr = 0; }

static void test_add_empty_and_one(void)
{
	reset();
	test_check(mem_set_add(&a, 5, 5));
	test_equal(a.nr, 0);
	test_check(mem_set_add(&a, 0, 1));
	test_equal(a.nr, 1);
	test_check(mem_set_contains(&a, 0, 1));
	test_check(!mem_set_contains(&a, 0, 2));
	test_check(!mem_set_overlaps(&a, 1, 2));
}

static void test_add_unsorted_and_overlapping(void)
{
	reset();
	mem_set_add(&a, 100, 200);
	mem_set_add(&a, 10, 20);
	mem_set_add(&a, 20, 30);	/* touches */
	mem_set_add(&a, 150, 250);	/* overlaps */
	mem_set_add(&a, 40, 50);
	test_equal(a.nr, 3);
	test_equal(a.r[0].end, 30);
	test_equal(a.r[2].end, 250);
	mem_set_add(&a, 0, 1000);	/* swallows all */
	test_equal(a.nr, 1);
	test_equal(mem_set_bytes(&a), 1000);
}

static void test_add_full(void)
{
	reset();
	for (u64 i = 0; i < MEM_RANGES_MAX; i++)
		test_check(mem_set_add(&a, i * 10, i * 10 + 5));
	test_check(!mem_set_add(&a, 5000, 5001));
	test_equal(a.nr, MEM_RANGES_MAX);
	test_check(mem_set_add(&a, 5, 10));	/* joins two: always fits */
	test_equal(a.nr, MEM_RANGES_MAX - 1);
	test_check(mem_set_remove(&a, 0, 16));
	test_check(mem_set_contains(&a, 20, 25));
}

static void test_remove(void)
{
	reset();
	mem_set_add(&a, 10, 100);
	mem_set_remove(&a, 0, 10);
	test_equal(mem_set_bytes(&a), 90);
	mem_set_remove(&a, 40, 50);
	test_equal(a.nr, 2);
	mem_set_remove(&a, 35, 60);
	test_equal(a.r[0].end, 35);
	test_equal(a.r[1].base, 60);
	mem_set_remove(&a, 0, 1000);
	test_equal(a.nr, 0);
	mem_set_remove(&a, 0, 1000);
	test_equal(a.nr, 0);
}

static void test_walk_free(void)
{
	struct mem_range r;

	reset();
	mem_set_add(&a, 0, 100);
	mem_set_add(&a, 200, 300);
	mem_set_add(&b, 0, 10);
	mem_set_add(&b, 90, 210);
	test_check(mem_set_next_free(&a, &b, 0, 1000, &r));
	test_check(r.base == 10 && r.end == 90);
	test_check(mem_set_next_free(&a, &b, r.end, 1000, &r));
	test_check(r.base == 210 && r.end == 300);
	test_check(!mem_set_next_free(&a, &b, r.end, 1000, &r));
	test_check(mem_set_next_free(&a, &none, 50, 60, &r));
	test_check(r.base == 50 && r.end == 60);
	test_check(!mem_set_next_free(&none, &a, 0, 1000, &r));
}

static void test_find_top(void)
{
	reset();
	mem_set_add(&a, 0x1000, 0x9000);
	mem_set_add(&b, 0x7000, 0x9000);
	test_equal(mem_set_find_top(&a, &b, 0, ~0ull, 0x1000, 0x1000), 0x6000);
	test_equal(mem_set_find_top(&a, &b, 0, ~0ull, 0x1000, 0x4000), 0x4000);
	test_equal(mem_set_find_top(&a, &b, 0, 0x3000, 0x1000, 0x1000), 0x2000);
	test_equal(mem_set_find_top(&a, &b, 0, ~0ull, 0x6000, 0x1000), 0x1000);
	test_equal(mem_set_find_top(&a, &b, 0, ~0ull, 0x7000, 0x1000), 0);
	test_equal(mem_set_find_top(&none, &b, 0, ~0ull, 0x1000, 0x1000), 0);
	mem_set_add(&b, 0x3000, 0x4000);
	test_equal(mem_set_find_top(&a, &b, 0, ~0ull, 0x4000, 0x1000), 0);
}

/* Ranges as q35 gives them, and worse: misaligned, overlapping, at the end of the address space. */
static void test_sort_firmware(void)
{
	static const struct boot_range ranges[] = {
		{ 0x100000, 0xfedf000, BOOT_RAM },
		{ 0, 0x9fc00, BOOT_RAM },
		{ 0x9fc00, 0x400, BOOT_RESERVED },
		{ 0xffdf000, 0x21000, BOOT_FIRMWARE },
		{ 0xfd00000000, 0x300000000, BOOT_RESERVED },
		{ 0, 0, BOOT_RESERVED },
		{ 0x200000, 0x100000, BOOT_RAM },		/* twice */
		{ 0x300001, 0x10, BOOT_RESERVED },		/* part of a page */
		{ 0xfffffffffffff000, 0x2000, BOOT_RAM },	/* wraps */
	};
	struct mem_set *ram = &a, *fw = &b;
	static struct mem_set keep;

	reset();
	keep.nr = 0;
	bootmem_sort(ram, fw, ranges, ARRAY_LEN(ranges), 1ull << 40, &keep);
	test_equal(ram->nr, 3);
	test_equal(ram->r[0].end, 0x9f000);
	test_equal(ram->r[1].end, 0x300000);
	test_equal(ram->r[2].base, 0x301000);
	test_equal(ram->r[2].end, 0xffdf000);
	test_check(mem_set_contains(fw, 0xffdf000, 0x10000000));
}

/* The image and the initrd stay RAM even if firmware calls their places reserved. */
static void test_sort_keeps_image(void)
{
	static const struct boot_range ranges[] = {
		{ 0x80000000, 0x8000000, BOOT_RAM },
		{ 0x80000000, 0x400000, BOOT_RESERVED },
	};
	static struct mem_set keep;

	reset();
	keep.nr = 0;
	mem_set_add(&keep, 0x80200000, 0x80300000);
	bootmem_sort(&a, &b, ranges, 2, 1ull << 40, &keep);
	test_check(mem_set_contains(&a, 0x80200000, 0x80300000));
	test_check(!mem_set_overlaps(&a, 0x80000000, 0x80200000));
	test_check(!mem_set_overlaps(&a, 0x80300000, 0x80400000));
}

static const struct test_case cases[] = {
	TEST_CASE(test_add_empty_and_one), TEST_CASE(test_add_unsorted_and_overlapping),
	TEST_CASE(test_add_full), TEST_CASE(test_remove), TEST_CASE(test_walk_free),
	TEST_CASE(test_find_top), TEST_CASE(test_sort_firmware), TEST_CASE(test_sort_keeps_image), {},
};
const struct test_suite test_suite_memranges = { "memranges", cases };

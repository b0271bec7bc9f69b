/* SPDX-License-Identifier: BSD-2-Clause */
/* Sparse array: empty, one, the largest index, growth, marks, removal back to nothing. */
#include <kernel/test.h>
#include <lib/radix.h>
#include <lib/bits.h>
#include <uapi/errno.h>

static int dummy[4];

static void test_one_index(u64 index)
{
	struct radix r;
	u64 at = 0;

	radix_init(&r, 0);
	test_check(!radix_get(&r, index) && !radix_next(&r, &at));
	test_equal(radix_insert(&r, index, &dummy[0]), 0);
	test_equal(radix_insert(&r, index, &dummy[1]), -EEXIST);
	test_check(radix_get(&r, index) == &dummy[0]);
	test_check(index == 0 || !radix_get(&r, index - 1));
	at = 0;
	test_check(radix_next(&r, &at) == &dummy[0] && at == index);
	test_check(radix_replace(&r, index, &dummy[2]) == &dummy[0]);
	test_check(radix_remove(&r, index) == &dummy[2]);
	test_check(!radix_remove(&r, index) && !r.root && r.count == 0);
}

static void test_edges(void)
{
	static const u64 at[] = { 0, 1, 63, 64, 65, 4095, 4096, 1ull << 36, 1ull << 63, U64_MAX };

	for (unsigned i = 0; i < ARRAY_LEN(at); i++)
		test_one_index(at[i]);
}

static void test_order(void)
{
	struct radix r;
	u64 last = 0, n = 0;

	radix_init(&r, 0);
	for (u64 i = 0; i < 200; i++)
		test_equal(radix_insert(&r, i * i * i, &dummy[i & 3]), 0);
	for (u64 at = 0; radix_next(&r, &at); at++, n++) {
		test_equal(at, n * n * n);
		last = at;
	}
	test_equal(n, 200);
	test_equal(last, 199ull * 199 * 199);
	radix_destroy(&r);
	test_check(!r.root);
}

static void test_marks(void)
{
	struct radix r;
	u64 at = 0;

	radix_init(&r, 0);
	for (u64 i = 0; i < 10; i++)
		test_equal(radix_insert(&r, i << 20, &dummy[0]), 0);
	radix_mark_set(&r, 3ull << 20, 0);
	radix_mark_set(&r, 7ull << 20, 0);
	radix_mark_set(&r, 7ull << 20, 1);
	radix_mark_set(&r, 5, 0);		/* absent: nothing happens */
	test_check(radix_next_marked(&r, &at, 0) && at == 3ull << 20);
	at++;
	test_check(radix_next_marked(&r, &at, 0) && at == 7ull << 20);
	radix_mark_clear(&r, 7ull << 20, 0);
	test_check(!radix_next_marked(&r, &at, 0) && radix_mark_test(&r, 7ull << 20, 1));
	radix_remove(&r, 3ull << 20);
	at = 0;
	test_check(!radix_next_marked(&r, &at, 0));
	radix_destroy(&r);
}

static void test_find_free(void)
{
	struct radix r;

	radix_init(&r, 0);
	for (u64 i = 0; i < 130; i++)
		if (i != 100)
			test_equal(radix_insert(&r, i, &dummy[0]), 0);
	test_equal(radix_find_free(&r, 0, 200), 100);
	test_equal(radix_find_free(&r, 101, 200), 130);
	test_equal(radix_find_free(&r, 101, 129), 130);
	radix_destroy(&r);
}

const struct test_suite test_suite_radix = {
	.name = "radix",
	.cases = (const struct test_case[]){
		TEST_CASE(test_edges), TEST_CASE(test_order), TEST_CASE(test_marks), TEST_CASE(test_find_free), {} },
};

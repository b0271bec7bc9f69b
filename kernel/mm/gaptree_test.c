/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the gap tree against a plain array: inserts, removals, resizes, searches up and down. */
#include <kernel/test.h>
#include <lib/string.h>

#include "gaptree.h"

#define SLOTS 64		/* model: an address space of 64 units, unit 0 is never used */

static struct rb_tree tree;
static struct gap_node nodes[SLOTS];
static bool used[SLOTS];
static u64 seed;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % n;
}

static void reset(void)
{
	tree.root = NULL;
	memset(used, 0, sizeof(used));
	memset(nodes, 0, sizeof(nodes));
}

/* Every node lies at nodes[start]. */
static void put(u32 start, u32 end)
{
	nodes[start].start = start;
	nodes[start].end = end;
	gap_insert(&tree, &nodes[start]);
	for (u32 i = start; i < end; i++)
		used[i] = true;
}

static void drop(struct gap_node *n)
{
	for (u64 i = n->start; i < n->end; i++)
		used[i] = false;
	gap_remove(&tree, n);
	n->end = 0;
}

static u32 model_find(u32 low, u32 high, u32 len, bool up)
{
	u32 best = 0;

	for (u32 at = low; at + len <= high && high > low; at++) {
		bool is_free = true;

		for (u32 i = at; i < at + len; i++)
			is_free &= !used[i];
		if (!is_free)
			continue;
		if (up)
			return at;
		best = at;
	}
	return best;
}

static void test_empty(void)
{
	reset();
	test_check(gap_find(&tree, 5) == NULL);
	test_equal(gap_find_high(&tree, 1, SLOTS, 10), SLOTS - 10);
	test_equal(gap_find_low(&tree, 1, SLOTS, 10), 1);
	test_equal(gap_find_high(&tree, 1, SLOTS, SLOTS), 0);
	test_equal(gap_find_low(&tree, 10, 10, 1), 0);
	test_equal(gap_find_high(&tree, 20, 10, 1), 0);
}

static void test_full(void)
{
	reset();
	for (u32 i = 1; i < SLOTS; i += 3)
		put(i, i + 3);
	test_equal(gap_find_high(&tree, 1, SLOTS, 1), 0);
	test_equal(gap_find_low(&tree, 1, SLOTS, 1), 0);
	drop(&nodes[31]);
	test_equal(gap_find_high(&tree, 1, SLOTS, 3), 31);
	test_equal(gap_find_low(&tree, 1, SLOTS, 3), 31);
	test_equal(gap_find_low(&tree, 1, SLOTS, 4), 0);
}

static void test_against_model(void)
{
	reset();
	seed = 1;
	for (u32 round = 0; round < 4000; round++) {
		u32 at = 1 + rnd(SLOTS - 1), len = 1 + rnd(6), low = 1 + rnd(40), high = rnd(SLOTS + 1);
		struct gap_node *n = gap_find(&tree, at);

		if (rnd(5) == 0 && n && n->end - n->start > 1) {
			used[n->end - 1] = false;
			gap_resize(&tree, n, n->start, n->end - 1);
		} else if (rnd(2) && n) {
			drop(n);
		} else if (model_find(at, at + len <= SLOTS ? at + len : at, len, true) == at) {
			put(at, at + len);
		}
		len = 1 + rnd(12);
		test_equal(gap_find_low(&tree, low, high, len), model_find(low, high, len, true));
		test_equal(gap_find_high(&tree, low, high, len), model_find(low, high, len, false));
		n = gap_find(&tree, at);
		test_equal(n && n->start <= at, used[at]);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(test_empty), TEST_CASE(test_full), TEST_CASE(test_against_model), {},
};
const struct test_suite test_suite_gaptree = { "gaptree", cases };

/* SPDX-License-Identifier: BSD-2-Clause */
/* Red-black tree against its rules: order, no red child of red, equal black heights, right sums. */
#include <kernel/test.h>
#include <lib/rbtree.h>

#define NODES 128u

struct item {
	struct rb_node node;
	u32 key, sum;		/* sum of keys in the subtree: the augmented value */
	bool in_tree;
};
static struct item items[NODES];	/* one test thread at a time */
static struct rb_tree tree;

static u32 sum_of(const struct rb_node *n) { return n ? rb_entry(n, struct item, node)->sum : 0; }

static void augment(struct rb_node *n)
{
	struct item *i = rb_entry(n, struct item, node);

	i->sum = i->key + sum_of(n->left) + sum_of(n->right);
}

static void insert(struct item *i)
{
	struct rb_node **link = &tree.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = i->key < rb_entry(parent, struct item, node)->key ? &parent->left : &parent->right;
	}
	rb_link(&i->node, parent, link);
	rb_insert_fixup(&tree, &i->node, augment);
	i->in_tree = true;
}

/* Black height of the subtree, or -1 when a rule is broken. Depth is bounded by 2 log2(NODES). */
static int check(const struct rb_node *n, const struct rb_node *parent)
{
	const struct item *i;
	int left, right;
	bool red;

	if (!n)
		return 0;
	i = rb_entry(n, struct item, node);
	red = !(n->parent_color & 1);
	if ((const struct rb_node *)(n->parent_color & ~1ul) != parent)
		return -1;
	if (red && (!parent || !(parent->parent_color & 1)))
		return -1;
	left = check(n->left, n);
	right = check(n->right, n);
	if (left < 0 || left != right || i->sum != i->key + sum_of(n->left) + sum_of(n->right))
		return -1;
	return left + !red;
}

static unsigned count_in_order(void)
{
	unsigned n = 0;
	u32 last = 0;

	for (struct rb_node *r = rb_first(&tree); r; r = rb_next(r), n++) {
		u32 key = rb_entry(r, struct item, node)->key;

		if (key < last || (rb_prev(r) == NULL) != (n == 0))
			return ~0u;
		last = key;
	}
	return n;
}

static void reset(void)
{
	tree.root = NULL;
	for (unsigned i = 0; i < NODES; i++)
		items[i] = (struct item){ .key = (i * 2654435761u) >> 16 };
}

static void test_empty(void)
{
	reset();
	test_check(!rb_first(&tree) && !rb_last(&tree));
	insert(&items[0]);
	test_check(rb_first(&tree) == &items[0].node && rb_last(&tree) == &items[0].node);
	test_check(!rb_next(&items[0].node) && !rb_prev(&items[0].node));
	rb_remove(&tree, &items[0].node, augment);
	test_check(!tree.root);
}

static void test_rising_and_falling(void)
{
	reset();
	for (unsigned i = 0; i < NODES; i++) {
		items[i].key = i < NODES / 2 ? i : NODES * 2 - i;
		insert(&items[i]);
		test_check(check(tree.root, NULL) > 0);
	}
	test_equal(count_in_order(), NODES);
}

static void test_random(void)
{
	u32 seed = 12345, in = 0;

	reset();
	for (unsigned step = 0; step < 2000; step++) {
		struct item *i;

		seed = seed * 1664525 + 1013904223;
		i = &items[seed >> 16 & (NODES - 1)];
		if (i->in_tree) {
			rb_remove(&tree, &i->node, augment);
			i->in_tree = false;
			in--;
		} else {
			insert(i);
			in++;
		}
		test_check(!tree.root || check(tree.root, NULL) > 0);
	}
	test_equal(count_in_order(), in);
}

const struct test_suite test_suite_rbtree = {
	.name = "rbtree",
	.cases = (const struct test_case[]){
		TEST_CASE(test_empty), TEST_CASE(test_rising_and_falling), TEST_CASE(test_random), {} },
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gap tree: see gaptree.h. A node stores the gap below itself, so that a change touches the node,
 * its successor and their ancestors only.
 */
#include "gaptree.h"

static struct gap_node *entry(const struct rb_node *n)
{
	return n ? rb_entry((struct rb_node *)n, struct gap_node, node) : NULL;
}

static struct rb_node *parent_of(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_color & ~1ul);
}

static void augment(struct rb_node *n)
{
	struct gap_node *g = entry(n);
	u64 m = g->gap;

	if (n->left)
		m = max(m, entry(n->left)->max_gap);
	if (n->right)
		m = max(m, entry(n->right)->max_gap);
	g->max_gap = m;
}

/* Sets n's own gap from its predecessor and tells the ancestors. */
static void refresh(struct gap_node *n)
{
	struct gap_node *prev;

	if (!n)
		return;
	prev = gap_prev(n);
	n->gap = n->start - (prev ? prev->end : 0);
	for (struct rb_node *r = &n->node; r; r = parent_of(r))
		augment(r);
}

struct gap_node *gap_next(const struct gap_node *n) { return entry(rb_next(&n->node)); }
struct gap_node *gap_prev(const struct gap_node *n) { return entry(rb_prev(&n->node)); }

struct gap_node *gap_find(const struct rb_tree *t, vaddr_t addr)
{
	struct rb_node *n = t->root;
	struct gap_node *best = NULL;

	while (n) {
		struct gap_node *g = entry(n);

		if (addr < g->end) {
			best = g;
			if (addr >= g->start)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

void gap_insert(struct rb_tree *t, struct gap_node *n)
{
	struct rb_node **link = &t->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = n->start < entry(parent)->start ? &parent->left : &parent->right;
	}
	rb_link(&n->node, parent, link);
	n->gap = n->max_gap = 0;
	rb_insert_fixup(t, &n->node, augment);
	refresh(n);
	refresh(gap_next(n));
}

void gap_remove(struct rb_tree *t, struct gap_node *n)
{
	struct gap_node *next = gap_next(n);

	rb_remove(t, &n->node, augment);
	refresh(next);
}

void gap_resize(struct rb_tree *t, struct gap_node *n, vaddr_t start, vaddr_t end)
{
	n->start = start;
	n->end = end;
	refresh(n);
	refresh(gap_next(n));
}

/* The part of [lo, hi) within [low, high) holds len bytes. */
static bool fits(vaddr_t lo, vaddr_t hi, vaddr_t low, vaddr_t high, u64 len)
{
	lo = max(lo, low);
	hi = min(hi, high);
	return hi > lo && hi - lo >= len;
}

vaddr_t gap_find_high(const struct rb_tree *t, vaddr_t low, vaddr_t high, u64 len)
{
	struct rb_node *n = t->root;
	struct gap_node *g = entry(rb_last(t));
	bool is_new = true;	/* n was reached from above: its right side is still to be seen */

	if (high <= low)
		return 0;
	if (fits(g ? g->end : 0, high, low, high, len))
		return high - len;
	while (n) {
		g = entry(n);
		if (is_new && n->right && g->end < high && entry(n->right)->max_gap >= len) {
			n = n->right;
			continue;
		}
		if (fits(g->start - g->gap, g->start, low, high, len))
			return min(g->start, high) - len;
		if (n->left && g->start > low && entry(n->left)->max_gap >= len) {
			n = n->left;
			is_new = true;
			continue;
		}
		/* Up to the first ancestor whose right side this was: its own gap comes next. */
		while (parent_of(n) && parent_of(n)->left == n)
			n = parent_of(n);
		n = parent_of(n);
		is_new = false;
	}
	return 0;
}

vaddr_t gap_find_low(const struct rb_tree *t, vaddr_t low, vaddr_t high, u64 len)
{
	struct rb_node *n = t->root;
	struct gap_node *g;
	bool is_new = true;

	if (high <= low)
		return 0;
	while (n) {
		g = entry(n);
		if (is_new && n->left && g->start > low && entry(n->left)->max_gap >= len) {
			n = n->left;
			continue;
		}
		if (fits(g->start - g->gap, g->start, low, high, len))
			return max(g->start - g->gap, low);
		if (n->right && g->end < high && entry(n->right)->max_gap >= len) {
			n = n->right;
			is_new = true;
			continue;
		}
		while (parent_of(n) && parent_of(n)->right == n)
			n = parent_of(n);
		n = parent_of(n);
		is_new = false;
	}
	g = entry(rb_last(t));
	if (fits(g ? g->end : 0, high, low, high, len))
		return max(g ? g->end : 0, low);
	return 0;
}

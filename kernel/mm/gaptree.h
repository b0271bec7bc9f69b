/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disjoint ranges in an augmented red-black tree that finds free gaps in O(log n). Used for user
 * areas (struct vma begins like struct gap_node) and for kernel virtual space. The caller's lock
 * guards the tree.
 */
#ifndef MM_GAPTREE_H
#define MM_GAPTREE_H

#include <lib/rbtree.h>

struct gap_node {
	struct rb_node node;
	vaddr_t start, end;	/* [start, end) */
	u64 gap;		/* free bytes between the range before (or 0) and start */
	u64 max_gap;		/* largest gap in the subtree */
};

/* The range that contains addr, or the next above; NULL: none. */
struct gap_node *gap_find(const struct rb_tree *t, vaddr_t addr);
/* Inserts n; its range is free. */
void gap_insert(struct rb_tree *t, struct gap_node *n);
void gap_remove(struct rb_tree *t, struct gap_node *n);
/* Moves n's bounds; the new range meets no other. */
void gap_resize(struct rb_tree *t, struct gap_node *n, vaddr_t start, vaddr_t end);
struct gap_node *gap_next(const struct gap_node *n);
struct gap_node *gap_prev(const struct gap_node *n);
/* Highest / lowest free [result, result+len) within [low, high); 0: none. low > 0, len > 0. */
vaddr_t gap_find_high(const struct rb_tree *t, vaddr_t low, vaddr_t high, u64 len);
vaddr_t gap_find_low(const struct rb_tree *t, vaddr_t low, vaddr_t high, u64 len);

#endif

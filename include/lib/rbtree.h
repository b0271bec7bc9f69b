/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree, intrusive. The caller walks down to find the link where a node
 * belongs, links it and rebalances. The caller's lock guards the tree.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include <lib/compiler.h>

struct rb_node {
	unsigned long parent_color;	/* parent pointer | 1 if black */
	struct rb_node *left, *right;
};
struct rb_tree {
	struct rb_node *root;
};

/* Called after a node's children changed, to recompute what the node caches of its subtree. */
typedef void (*rb_augment_fn)(struct rb_node *n);

static inline void rb_link(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->parent_color = (unsigned long)parent;
	n->left = n->right = NULL;
	*link = n;
}
/* fn may be NULL. */
void rb_insert_fixup(struct rb_tree *t, struct rb_node *n, rb_augment_fn fn);
void rb_remove(struct rb_tree *t, struct rb_node *n, rb_augment_fn fn);
struct rb_node *rb_first(const struct rb_tree *t);
struct rb_node *rb_last(const struct rb_tree *t);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
#define rb_entry(n, type, member) container_of(n, type, member)

#endif

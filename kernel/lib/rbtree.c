/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree with optional augmentation. The parent pointer's low bit is the colour (1 black).
 * Neighbour: lib/radix.c for sparse arrays. The caller's lock guards the tree.
 */
#include <lib/rbtree.h>

#define BLACK 1ul

static struct rb_node *parent_of(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_color & ~BLACK);
}

static bool is_red(const struct rb_node *n) { return n && !(n->parent_color & BLACK); }
static void set_black(struct rb_node *n) { n->parent_color |= BLACK; }
static void set_red(struct rb_node *n) { n->parent_color &= ~BLACK; }

static void set_parent(struct rb_node *n, struct rb_node *p)
{
	n->parent_color = (unsigned long)p | (n->parent_color & BLACK);
}

static void replace_child(struct rb_tree *t, struct rb_node *parent, struct rb_node *old,
			  struct rb_node *new)
{
	if (!parent)
		t->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

/* Turns n down and its child of the other side up; left: the right child rises. */
static void rotate(struct rb_tree *t, struct rb_node *n, bool left, rb_augment_fn fn)
{
	struct rb_node *up = left ? n->right : n->left, *parent = parent_of(n);
	struct rb_node *inner = left ? up->left : up->right;

	if (left) {
		n->right = inner;
		up->left = n;
	} else {
		n->left = inner;
		up->right = n;
	}
	if (inner)
		set_parent(inner, n);
	replace_child(t, parent, n, up);
	set_parent(up, parent);
	set_parent(n, up);
	if (fn) {
		fn(n);
		fn(up);
	}
}

static void augment_up(struct rb_node *n, rb_augment_fn fn)
{
	for (; fn && n; n = parent_of(n))
		fn(n);
}

void rb_insert_fixup(struct rb_tree *t, struct rb_node *n, rb_augment_fn fn)
{
	struct rb_node *p, *g, *uncle;

	augment_up(n, fn);
	while ((p = parent_of(n)) && is_red(p)) {
		bool p_left;

		g = parent_of(p);	/* a red node is never the root */
		p_left = p == g->left;
		uncle = p_left ? g->right : g->left;
		if (is_red(uncle)) {
			set_black(p);
			set_black(uncle);
			set_red(g);
			n = g;
			continue;
		}
		if (n == (p_left ? p->right : p->left)) {
			rotate(t, p, p_left, fn);
			p = n;
		}
		set_black(p);
		set_red(g);
		rotate(t, g, !p_left, fn);
		break;
	}
	set_black(t->root);
}

/* n (maybe NULL) under parent lacks one black on its paths. */
static void remove_fixup(struct rb_tree *t, struct rb_node *n, struct rb_node *parent,
			 rb_augment_fn fn)
{
	while (n != t->root && !is_red(n)) {
		bool left = n == parent->left;
		struct rb_node *s = left ? parent->right : parent->left, *far, *near;

		if (is_red(s)) {
			set_black(s);
			set_red(parent);
			rotate(t, parent, left, fn);
			s = left ? parent->right : parent->left;
		}
		near = left ? s->left : s->right;
		far = left ? s->right : s->left;
		if (!is_red(near) && !is_red(far)) {
			set_red(s);
			n = parent;
			parent = parent_of(n);
			continue;
		}
		if (!is_red(far)) {
			set_black(near);
			set_red(s);
			rotate(t, s, !left, fn);
			s = left ? parent->right : parent->left;
			far = left ? s->right : s->left;
		}
		s->parent_color = (s->parent_color & ~BLACK) | (parent->parent_color & BLACK);
		set_black(parent);
		set_black(far);
		rotate(t, parent, left, fn);
		n = t->root;
	}
	if (n)
		set_black(n);
}

void rb_remove(struct rb_tree *t, struct rb_node *n, rb_augment_fn fn)
{
	struct rb_node *child, *parent, *next;
	bool lost_black;

	if (n->left && n->right) {
		/* The successor takes n's place and colour. */
		for (next = n->right; next->left; next = next->left)
			;
		child = next->right;
		parent = parent_of(next);
		lost_black = !is_red(next);
		if (parent == n) {
			parent = next;
		} else {
			parent->left = child;
			if (child)
				set_parent(child, parent);
			next->right = n->right;
			set_parent(n->right, next);
		}
		next->left = n->left;
		set_parent(n->left, next);
		next->parent_color = n->parent_color;
		replace_child(t, parent_of(n), n, next);
	} else {
		child = n->left ? n->left : n->right;
		parent = parent_of(n);
		lost_black = !is_red(n);
		if (child)
			set_parent(child, parent);
		replace_child(t, parent, n, child);
	}
	augment_up(parent, fn);
	if (lost_black && t->root)
		remove_fixup(t, child, parent, fn);
	n->parent_color = 0;
	n->left = n->right = NULL;
}

struct rb_node *rb_first(const struct rb_tree *t)
{
	struct rb_node *n = t->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_tree *t)
{
	struct rb_node *n = t->root;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->right) {
		for (p = n->right; p->left; p = p->left)
			;
		return p;
	}
	for (p = parent_of(n); p && n == p->right; n = p, p = parent_of(p))
		;
	return p;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->left) {
		for (p = n->left; p->right; p = p->right)
			;
		return p;
	}
	for (p = parent_of(n); p && n == p->left; n = p, p = parent_of(p))
		;
	return p;
}

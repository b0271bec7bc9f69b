/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model's tree (tree.h): nodes, names and paths, and the choice of places to work at. It makes no system calls;
 * work_files.c does, and compares.
 */
#include <lib/format.h>
#include <lib/string.h>
#include "calls.h"
#include "tree.h"

struct node *node_new(struct tree *t, enum kind kind)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &t->node[i];

		if (n->kind == NONE) {
			memset(n, 0, sizeof(*n));
			n->kind = kind;
			n->links = 1;
			return n;
		}
	}
	return NULL;
}

void node_drop(struct tree *t, struct node *n)
{
	if (--n->links == 0 && t->open.node != n)
		n->kind = NONE;
}

struct node *pick_dir(struct tree *t)
{
	while (1) {
		struct node *n = &t->node[pick(NODES)];

		if (n->kind == DIR_NODE)
			return n;
		if (maybe(8))
			return t->root;
	}
}

void path_of_dir(const struct tree *t, const struct node *dir, char *out, size_t size)
{
	unsigned step[DEPTH + 2], n = 0;
	size_t at;

	for (const struct node *d = dir; d != t->root; d = d->parent)
		for (unsigned i = 0; i < NAMES; i++)
			if (d->parent->name[i] == d)
				step[n++] = i;
	at = (size_t)snprintf(out, size, BASE "/w%u", t->id);
	while (n--)
		at += (size_t)snprintf(out + at, size - at, "/n%u", step[n]);
}

void path_of(const struct tree *t, const struct node *dir, unsigned name, char *out, size_t size)
{
	size_t n;

	path_of_dir(t, dir, out, size);
	n = strlen(out);
	snprintf(out + n, size - n, "/n%u", name);
}

bool node_is_empty(const struct node *dir)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (dir->name[i])
			return false;
	return true;
}

struct place pick_place(struct tree *t)
{
	struct place p = { .dir = pick_dir(t), .name = (unsigned)pick(NAMES) };

	p.node = p.dir->name[p.name];
	path_of(t, p.dir, p.name, p.path, sizeof(p.path));
	return p;
}

bool node_lies_above(const struct node *above, const struct node *dir)
{
	for (; dir; dir = dir->parent)
		if (dir == above)
			return true;
	return false;
}

unsigned node_height(const struct node *n)
{
	unsigned h = 0;

	for (unsigned i = 0; n->kind == DIR_NODE && i < NAMES; i++)	/* depth is at most DEPTH */
		if (n->name[i])
			h = max(h, 1 + node_height(n->name[i]));
	return h;
}

void node_set_depth(struct node *n, unsigned depth)
{
	n->depth = depth;
	for (unsigned i = 0; n->kind == DIR_NODE && i < NAMES; i++)
		if (n->name[i])
			node_set_depth(n->name[i], depth + 1);
}

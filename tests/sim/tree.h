/* SPDX-License-Identifier: BSD-2-Clause */
/* The model of workload "files": a tree of names, contents and open files in host memory (tree.c). */
#ifndef TESTS_SIM_TREE_H
#define TESTS_SIM_TREE_H

#include <lib/compiler.h>

#define NODES 40u
#define NAMES 5u
#define DEPTH 3u
#define FILE_MAX 12288u
#define BASE "/mnt"		/* trees are BASE/w0, BASE/w1 ... */

enum kind { NONE, FILE_NODE, DIR_NODE, LINK_NODE };
struct node {
	enum kind kind;
	u32 size, links;	/* links: names of a file, 0 while only open */
	u8 data[FILE_MAX];	/* a link's target */
	struct node *name[NAMES];	/* a directory's entries, by name number */
	struct node *parent;
	unsigned depth;
};
struct tree {
	struct node node[NODES];
	struct node *root;
	struct { int fd; struct node *node; } open;
	unsigned id;
};
struct place {
	struct node *dir, *node;	/* node: what has the name, or NULL */
	unsigned name;
	char path[160];
};

/* A node of that kind with one name; NULL: the model is full. */
struct node *node_new(struct tree *t, enum kind kind);
void node_drop(struct tree *t, struct node *n);		/* a name less; gone with the last one unless it is open */
bool node_is_empty(const struct node *dir);
bool node_lies_above(const struct node *above, const struct node *dir);	/* or is it */
unsigned node_height(const struct node *n);
void node_set_depth(struct node *n, unsigned depth);	/* and of what is below */
struct node *pick_dir(struct tree *t);
struct place pick_place(struct tree *t);		/* any name in any directory, taken or free */
void path_of_dir(const struct tree *t, const struct node *dir, char *out, size_t size);
void path_of(const struct tree *t, const struct node *dir, unsigned name, char *out, size_t size);

#endif

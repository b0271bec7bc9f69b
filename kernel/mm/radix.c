/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sparse array index -> pointer (include/lib/radix.h), 64 slots a level, with marks summed up in
 * every level. Stands in mm because nodes come from the heap and go by epoch. Writers hold the
 * caller's lock; radix_get may run inside an epoch section only: slots are published by release,
 * and a node that was cut out keeps its contents until the epoch has passed.
 */
#include <kernel/epoch.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <lib/bits.h>
#include <lib/radix.h>
#include <uapi/errno.h>

#define BITS 6u
#define SLOTS 64u
#define HEIGHT_MAX 11u		/* 11 * 6 >= 64 bits */

struct radix_node {
	void *slot[SLOTS];		/* entries at shift 0, else nodes */
	u64 marks[RADIX_MARKS];		/* bit per slot: mark somewhere below */
	u32 used;
	u32 shift;			/* index bits below this node */
	struct epoch_head epoch;
};

static unsigned slot_of(const struct radix_node *n, u64 index) { return index >> n->shift & (SLOTS - 1); }

/* Does a tree whose root has this shift reach the index? */
static bool covers(const struct radix_node *root, u64 index)
{
	return root->shift + BITS >= 64 || index >> (root->shift + BITS) == 0;
}

static struct radix_node *node_new(struct radix *r, u32 shift)
{
	struct radix_node *n = kzalloc(sizeof(*n), r->alloc_flags);

	if (n)
		n->shift = shift;
	return n;
}

static void node_free(struct epoch_head *h)
{
	kfree(container_of(h, struct radix_node, epoch));
}

void *radix_get(const struct radix *r, u64 index)
{
	struct radix_node *n = atomic_load_acquire(&r->root);	/* pairs with the releases below */

	if (!n || !covers(n, index))
		return NULL;
	while (n->shift) {
		n = atomic_load_acquire(&n->slot[slot_of(n, index)]);
		if (!n)
			return NULL;
	}
	return atomic_load_acquire(&n->slot[slot_of(n, index)]);
}

/* The leaf that holds index, with the path from the root; NULL if it does not exist. */
static struct radix_node *walk(const struct radix *r, u64 index, struct radix_node **path, unsigned *depth)
{
	struct radix_node *n = r->root;

	*depth = 0;
	if (!n || !covers(n, index))
		return NULL;
	while (1) {
		path[(*depth)++] = n;
		if (n->shift == 0)
			return n;
		n = n->slot[slot_of(n, index)];
		if (!n)
			return NULL;
	}
}

/* Puts levels on top until the root covers the index. */
static int grow(struct radix *r, u64 index)
{
	struct radix_node *n;

	if (!r->root) {
		u32 shift = index ? log2_floor(index) / BITS * BITS : 0;

		n = node_new(r, shift);
		if (!n)
			return -ENOMEM;
		r->height = shift / BITS + 1;
		atomic_store_release(&r->root, n);
		return 0;
	}
	while (!covers(r->root, index)) {
		n = node_new(r, r->root->shift + BITS);
		if (!n)
			return -ENOMEM;
		n->slot[0] = r->root;
		n->used = 1;
		for (unsigned m = 0; m < RADIX_MARKS; m++)
			n->marks[m] = r->root->marks[m] != 0;
		r->height++;
		atomic_store_release(&r->root, n);
	}
	return 0;
}

/* Cuts empty nodes out, from the leaf up. */
static void prune(struct radix *r, u64 index, struct radix_node **path, unsigned depth)
{
	while (depth && path[depth - 1]->used == 0) {
		struct radix_node *n = path[--depth];

		if (depth) {
			atomic_store_release(&path[depth - 1]->slot[slot_of(path[depth - 1], index)],
					     (void *)NULL);
			path[depth - 1]->used--;
		} else {
			atomic_store_release(&r->root, (struct radix_node *)NULL);
			r->height = 0;
		}
		epoch_defer(&n->epoch, node_free);
	}
}

/* What is freed again waits in this CPU's stock of such objects. */
int radix_make_room(u32 alloc_flags)
{
	struct radix_node *n[3];
	unsigned got = 0;

	while (got < ARRAY_LEN(n) && (n[got] = kmalloc(sizeof(*n[0]), alloc_flags)))
		got++;
	for (unsigned i = 0; i < got; i++)
		kfree(n[i]);
	return got ? 0 : -ENOMEM;
}

int radix_insert(struct radix *r, u64 index, void *entry)
{
	struct radix_node *path[HEIGHT_MAX], *n, *child;
	unsigned depth = 0;
	int err = grow(r, index);

	if (err)
		return err;
	for (n = r->root; n->shift; n = child) {
		path[depth++] = n;
		child = n->slot[slot_of(n, index)];
		if (!child) {
			child = node_new(r, n->shift - BITS);
			if (!child) {
				prune(r, index, path, depth);
				return -ENOMEM;
			}
			n->used++;
			atomic_store_release(&n->slot[slot_of(n, index)], (void *)child);
		}
	}
	if (n->slot[slot_of(n, index)])
		return -EEXIST;
	n->used++;
	r->count++;
	atomic_store_release(&n->slot[slot_of(n, index)], entry);
	return 0;
}

void *radix_replace(struct radix *r, u64 index, void *entry)
{
	struct radix_node *path[HEIGHT_MAX], *n;
	unsigned depth;
	void *old;

	n = walk(r, index, path, &depth);
	assert(n && n->slot[slot_of(n, index)]);
	old = n->slot[slot_of(n, index)];
	atomic_store_release(&n->slot[slot_of(n, index)], entry);
	return old;
}

static void mark_clear_path(struct radix_node **path, unsigned depth, u64 index, unsigned mark)
{
	while (depth--) {
		path[depth]->marks[mark] &= ~BIT(slot_of(path[depth], index));
		if (path[depth]->marks[mark])
			break;
	}
}

void *radix_remove(struct radix *r, u64 index)
{
	struct radix_node *path[HEIGHT_MAX], *n;
	unsigned depth;
	void *old;

	n = walk(r, index, path, &depth);
	if (!n || !n->slot[slot_of(n, index)])
		return NULL;
	for (unsigned m = 0; m < RADIX_MARKS; m++)
		mark_clear_path(path, depth, index, m);
	old = n->slot[slot_of(n, index)];
	atomic_store_release(&n->slot[slot_of(n, index)], (void *)NULL);
	n->used--;
	r->count--;
	prune(r, index, path, depth);
	return old;
}

/* Lowest entry >= index below n, restricted to the slots of `mark` (RADIX_MARKS: any). At most HEIGHT_MAX deep. */
static void *next_below(const struct radix_node *n, u64 *index, unsigned mark)
{
	u64 at = *index;

	for (unsigned s = slot_of(n, at); s < SLOTS; s++) {
		void *child = n->slot[s];
		u64 start = (at >> n->shift >> BITS << BITS << n->shift) + ((u64)s << n->shift);

		if (n->shift + BITS >= 64)
			start = (u64)s << n->shift;
		if (!child || (mark < RADIX_MARKS && !(n->marks[mark] & BIT(s))))
			continue;
		*index = max(start, at);
		if (n->shift == 0)
			return child;
		child = next_below(child, index, mark);
		if (child)
			return child;
	}
	return NULL;
}

void *radix_next_marked(const struct radix *r, u64 *index, unsigned mark)
{
	if (!r->root || !covers(r->root, *index))
		return NULL;
	return next_below(r->root, index, mark);
}

void *radix_next(const struct radix *r, u64 *index)
{
	return radix_next_marked(r, index, RADIX_MARKS);
}

void radix_mark_set(struct radix *r, u64 index, unsigned mark)
{
	struct radix_node *path[HEIGHT_MAX], *n;
	unsigned depth;

	n = walk(r, index, path, &depth);
	if (!n || !n->slot[slot_of(n, index)])
		return;
	while (depth--)
		path[depth]->marks[mark] |= BIT(slot_of(path[depth], index));
}

void radix_mark_clear(struct radix *r, u64 index, unsigned mark)
{
	struct radix_node *path[HEIGHT_MAX];
	unsigned depth;

	if (walk(r, index, path, &depth))
		mark_clear_path(path, depth, index, mark);
}

bool radix_mark_test(const struct radix *r, u64 index, unsigned mark)
{
	struct radix_node *path[HEIGHT_MAX], *n;
	unsigned depth;

	n = walk(r, index, path, &depth);
	return n && n->marks[mark] & BIT(slot_of(n, index));
}

u64 radix_find_free(const struct radix *r, u64 from, u64 max)
{
	u64 index = from, next;

	while (index <= max) {
		next = index;
		if (!radix_next(r, &next) || next != index)
			return index;
		index++;
	}
	return max + 1;
}

static void destroy_below(struct radix_node *n)
{
	if (n->shift)
		for (unsigned s = 0; s < SLOTS; s++)
			if (n->slot[s])
				destroy_below(n->slot[s]);
	epoch_defer(&n->epoch, node_free);
}

void radix_destroy(struct radix *r)
{
	if (r->root)
		destroy_below(r->root);
	radix_init(r, r->alloc_flags);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extent trees, changing: insert, split, grow, convert, remove. map_lock held for writing, inside
 * a transaction. A full leaf is split in half, its parents before it; a full root moves one level
 * down. Neighbour: extent.c.
 */
#include <lib/string.h>
#include "ext4.h"

static void set_start(struct ext4_extent *e, u64 start)
{
	e->start_lo = cpu_to_le32((u32)start);
	e->start_hi = cpu_to_le16((u16)(start >> 32));
}

static void set_leaf(struct ext4_extent_index *x, u64 block)
{
	x->leaf_lo = cpu_to_le32((u32)block);
	x->leaf_hi = cpu_to_le16((u16)(block >> 32));
	x->unused = cpu_to_le16(0);
}

static void set_len(struct ext4_extent *e, u32 len, bool unwritten)
{
	e->len = cpu_to_le16((u16)(len + (unwritten ? EXTENT_INIT_MAX : 0)));
}

static void set_entries(struct ext4_extent_header *h, int n) { h->entries = cpu_to_le16((u16)n); }
static int nr_entries(const struct ext4_extent_header *h) { return le16_to_cpu(h->entries); }

void extent_dirty(struct txn *t, struct ext4_inode *ei, struct extent_path *p)
{
	if (!p->b)
		return;		/* the root lies in the inode, which the caller stores */
	csum_extent_set(ei, p->b->data);
	txn_dirty(t, p->b);
}

static void entry_insert(struct ext4_extent_header *h, int at, const void *entry)
{
	memmove(extent_at(h, at + 1), extent_at(h, at),
		(size_t)(nr_entries(h) - at) * sizeof(struct ext4_extent));
	memcpy(extent_at(h, at), entry, sizeof(struct ext4_extent));
	set_entries(h, nr_entries(h) + 1);
}

static void entry_delete(struct ext4_extent_header *h, int at)
{
	memmove(extent_at(h, at), extent_at(h, at + 1),
		(size_t)(nr_entries(h) - at - 1) * sizeof(struct ext4_extent));
	set_entries(h, nr_entries(h) - 1);
}

/* A new tree block with an empty header of that depth. */
static struct meta_buf *node_new(struct txn *t, struct ext4_inode *ei, unsigned depth)
{
	struct ext4_extent_header *h;
	struct meta_buf *b;
	u64 block;
	u32 got;
	int err = ext4_balloc(t, ei->alloc_goal, 1, &block, &got);

	if (err)
		return err_ptr(err);
	b = meta_new(t->fs, block);
	if (is_err(b)) {
		ext4_bfree(t, block, 1);
		return b;
	}
	ext4_add_blocks(&ei->inode, 1);
	h = (void *)b->data;
	h->magic = cpu_to_le16(EXTENT_MAGIC);
	h->max = cpu_to_le16((u16)((t->fs->block_size - sizeof(*h) - sizeof(le32)) / sizeof(struct ext4_extent)));
	h->depth = cpu_to_le16((u16)depth);
	meta_set_checked(b);
	return b;
}

/* The root's entries move to a new block below it. */
static int grow_root(struct txn *t, struct ext4_inode *ei)
{
	struct ext4_extent_header *root = (void *)ei->block, *h;
	unsigned depth = le16_to_cpu(root->depth);
	struct ext4_extent_index x = {};
	struct extent_path p = {};

	if (depth == EXTENT_DEPTH_MAX)
		return -EFBIG;
	p.b = node_new(t, ei, depth);
	if (is_err(p.b))
		return (int)ptr_err(p.b);
	h = (void *)p.b->data;
	memcpy(extent_at(h, 0), extent_at(root, 0), (size_t)nr_entries(root) * sizeof(struct ext4_extent));
	set_entries(h, nr_entries(root));
	x.block = extent_at(root, 0)->block;
	set_leaf(&x, p.b->block);
	memcpy(extent_at(root, 0), &x, sizeof(x));
	set_entries(root, 1);
	root->depth = cpu_to_le16((u16)(depth + 1));
	extent_dirty(t, ei, &p);
	meta_put(p.b);
	return 0;
}

/* Halves the full node at `level`, whose parent has room. Appending at the end leaves the old node full. */
static int split_node(struct txn *t, struct ext4_inode *ei, struct extent_path *path, unsigned level, unsigned depth)
{
	struct extent_path *p = &path[level], *parent = &path[level - 1], fresh = {};
	int n = nr_entries(p->h), keep = p->slot == n - 1 ? n - 1 : n / 2;
	struct ext4_extent_index x = {};

	fresh.b = node_new(t, ei, depth - level);
	if (is_err(fresh.b))
		return (int)ptr_err(fresh.b);
	fresh.h = (void *)fresh.b->data;
	memcpy(extent_at(fresh.h, 0), extent_at(p->h, keep), (size_t)(n - keep) * sizeof(struct ext4_extent));
	set_entries(fresh.h, n - keep);
	set_entries(p->h, keep);
	x.block = extent_at(fresh.h, 0)->block;
	set_leaf(&x, fresh.b->block);
	entry_insert(parent->h, parent->slot + 1, &x);
	extent_dirty(t, ei, &fresh);
	extent_dirty(t, ei, p);
	extent_dirty(t, ei, parent);
	meta_put(fresh.b);
	return 0;
}

/* One step towards room in the leaf for `logical`; the path is stale afterwards. */
static int make_room(struct txn *t, struct ext4_inode *ei, u32 logical)
{
	struct extent_path path[EXTENT_DEPTH_MAX + 1];
	unsigned depth, level;
	int err = extent_find(ei, logical, path, &depth);

	if (err)
		return err;
	/* The lowest full node whose parent is not full. */
	for (level = depth; level > 0; level--)
		if (nr_entries(path[level - 1].h) < (int)path[level - 1].max)
			break;
	err = level == 0 ? grow_root(t, ei) : split_node(t, ei, path, level, depth);
	extent_path_put(path, depth);
	return err;
}

/* The first entry of a node changed its start: parents that name it follow. */
static void fix_parents(struct txn *t, struct ext4_inode *ei, struct extent_path *path, unsigned depth)
{
	for (unsigned level = depth; level > 0; level--) {
		struct extent_path *parent = &path[level - 1];
		le32 first = extent_at(path[level].h, 0)->block;

		if (extent_index_at(parent->h, parent->slot)->block == first)
			break;
		extent_index_at(parent->h, parent->slot)->block = first;
		extent_dirty(t, ei, parent);
		if (parent->slot != 0)
			break;
	}
}

static bool can_merge(const struct ext4_extent *a, const struct ext4_extent *b)
{
	u32 limit = extent_unwritten(a) ? EXTENT_INIT_MAX - 1 : EXTENT_INIT_MAX;

	return extent_unwritten(a) == extent_unwritten(b) &&
	       (u64)le32_to_cpu(a->block) + extent_len(a) == le32_to_cpu(b->block) &&
	       extent_start(a) + extent_len(a) == extent_start(b) && extent_len(a) + extent_len(b) <= limit;
}

/* Puts a run in; there is no overlap. Merges with the left or right neighbour in the leaf. */
static int extent_insert(struct txn *t, struct ext4_inode *ei, const struct ext4_extent *e)
{
	u32 logical = le32_to_cpu(e->block);

	for (unsigned tries = 0; tries < 2 * EXTENT_DEPTH_MAX + 4; tries++) {
		struct extent_path path[EXTENT_DEPTH_MAX + 1], *leaf;
		unsigned depth;
		int err = extent_find(ei, logical, path, &depth), slot;

		if (err)
			return err;
		leaf = &path[depth];
		slot = leaf->slot;
		if (slot >= 0 && can_merge(extent_at(leaf->h, slot), e)) {
			struct ext4_extent *left = extent_at(leaf->h, slot);

			set_len(left, extent_len(left) + extent_len(e), extent_unwritten(left));
			if (slot + 1 < nr_entries(leaf->h) && can_merge(left, extent_at(leaf->h, slot + 1))) {
				set_len(left, extent_len(left) + extent_len(extent_at(leaf->h, slot + 1)),
					extent_unwritten(left));
				entry_delete(leaf->h, slot + 1);
			}
		} else if (slot + 1 < nr_entries(leaf->h) && can_merge(e, extent_at(leaf->h, slot + 1))) {
			struct ext4_extent *right = extent_at(leaf->h, slot + 1);

			set_len(right, extent_len(right) + extent_len(e), extent_unwritten(right));
			set_start(right, extent_start(e));
			right->block = e->block;
			fix_parents(t, ei, path, depth);
		} else if (nr_entries(leaf->h) < (int)leaf->max) {
			entry_insert(leaf->h, slot + 1, e);
			fix_parents(t, ei, path, depth);
		} else {
			extent_path_put(path, depth);
			err = make_room(t, ei, logical);
			if (err)
				return err;
			continue;
		}
		extent_dirty(t, ei, leaf);
		extent_path_put(path, depth);
		return 0;
	}
	return ext4_corrupt(t->fs, "inode %llu: extent tree does not take an entry", (unsigned long long)ei->inode.ino);
}

/* Cuts [from, to] out of the leaf entry at the path. A cut in the middle leaves *right to be put back (its len 0: none). */
static void cut_entry(struct ext4_extent_header *h, int slot, u64 from, u64 to, struct ext4_extent *right)
{
	struct ext4_extent *e = extent_at(h, slot);
	u64 start = le32_to_cpu(e->block), end = start + extent_len(e) - 1;
	bool unwritten = extent_unwritten(e);

	*right = (struct ext4_extent){};
	if (to < end) {
		right->block = cpu_to_le32((u32)(to + 1));
		set_start(right, extent_start(e) + (to + 1 - start));
		set_len(right, (u32)(end - to), unwritten);
	}
	if (from > start)
		set_len(e, (u32)(from - start), unwritten);
	else
		entry_delete(h, slot);
}

/* Empty leaves go, and parents that become empty with them; an empty tree is a root of depth 0. */
static int prune(struct txn *t, struct ext4_inode *ei, struct extent_path *path, unsigned depth)
{
	unsigned level;
	int err = 0;

	for (level = depth; level > 0 && !err && nr_entries(path[level].h) == 0; level--) {
		u64 block = path[level].b->block;

		entry_delete(path[level - 1].h, path[level - 1].slot);
		extent_dirty(t, ei, &path[level - 1]);
		meta_forget(t->fs, block);
		err = ext4_bfree(t, block, 1);
		ext4_add_blocks(&ei->inode, -1);
	}
	if (nr_entries(path[level].h))
		fix_parents(t, ei, path, level);
	if (nr_entries(path[0].h) == 0)
		extent_init_root(ei);
	return err;
}

/* Unmaps what the run at *at covers of [*at, to]; frees blocks if wanted; *at moves behind it. */
static int remove_step(struct txn *t, struct ext4_inode *ei, u64 *at, u64 to, bool free_blocks)
{
	struct ext4_map m = { .logical = (u32)*at, .len = (u32)min(to - *at + 1, (u64)~0u) };
	struct extent_path path[EXTENT_DEPTH_MAX + 1];
	struct ext4_extent right;
	unsigned depth;
	int err = extent_lookup(ei, &m);

	if (err)
		return err;
	if (!m.physical) {
		*at += m.len;
		return 0;
	}
	err = extent_find(ei, m.logical, path, &depth);
	if (err)
		return err;
	cut_entry(path[depth].h, path[depth].slot, m.logical, (u64)m.logical + m.len - 1, &right);
	extent_dirty(t, ei, &path[depth]);
	err = prune(t, ei, path, depth);
	extent_path_put(path, depth);
	if (!err && right.len != cpu_to_le16(0))
		err = extent_insert(t, ei, &right);
	if (!err && free_blocks) {
		/* Directories and symbolic links lie in the device's cache: nothing of them may be written later. */
		for (u32 i = 0; i < m.len && !S_ISREG(ei->inode.mode); i++)
			meta_forget(t->fs, m.physical + i);
		err = ext4_bfree(t, m.physical, m.len);
		ext4_add_blocks(&ei->inode, -(s64)m.len);
	}
	*at += m.len;
	return err;
}

int extent_remove(struct txn *t, struct ext4_inode *ei, u32 from, u32 to)
{
	u64 at = from;
	int err = 0;

	while (at <= to && !err)
		err = remove_step(t, ei, &at, to, true);
	return err;
}

/* An unwritten run becomes written: cut it out and put it back as the other kind. */
static int convert(struct txn *t, struct ext4_inode *ei, struct ext4_map *m)
{
	struct ext4_extent e = { .block = cpu_to_le32(m->logical) };
	u64 at = m->logical;
	int err = remove_step(t, ei, &at, (u64)m->logical + m->len - 1, false);

	if (err)
		return err;
	set_start(&e, m->physical);
	set_len(&e, m->len, false);
	m->is_unwritten = false;
	return extent_insert(t, ei, &e);
}

int extent_allocate(struct txn *t, struct ext4_inode *ei, struct ext4_map *m, bool unwritten)
{
	struct ext4_extent e = {};
	u32 got;
	int err;

	if (m->physical)
		return m->is_unwritten && !unwritten ? convert(t, ei, m) : 0;
	m->len = min(m->len, unwritten ? EXTENT_INIT_MAX - 1 : EXTENT_INIT_MAX);
	err = ext4_balloc(t, ei->alloc_goal, m->len, &m->physical, &got);
	if (err)
		return err;
	m->len = got;
	m->is_unwritten = unwritten;
	e.block = cpu_to_le32(m->logical);
	set_start(&e, m->physical);
	set_len(&e, got, unwritten);
	err = extent_insert(t, ei, &e);
	if (err) {
		ext4_bfree(t, m->physical, got);
		m->physical = 0;
		return err;
	}
	ei->alloc_goal = m->physical + got;
	ext4_add_blocks(&ei->inode, got);
	return 0;
}

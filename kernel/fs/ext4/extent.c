/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extent trees, reading: from a logical block to its run. Every node is validated when it is met;
 * depth is at most EXTENT_DEPTH_MAX. map_lock held. Neighbour: extent_edit.c.
 */
#include <lib/string.h>
#include "ext4.h"

static u32 root_capacity(void)
{
	return (60 - sizeof(struct ext4_extent_header)) / sizeof(struct ext4_extent);
}

void extent_init_root(struct ext4_inode *ei)
{
	struct ext4_extent_header *h = (void *)ei->block;

	h->magic = cpu_to_le16(EXTENT_MAGIC);
	h->entries = cpu_to_le16(0);
	h->max = cpu_to_le16((u16)root_capacity());
	h->depth = cpu_to_le16(0);
	h->generation = cpu_to_le32(0);
}

static bool entries_ok(struct ext4_sb *fs, struct ext4_extent_header *h)
{
	u64 next = 0;

	for (int i = 0; i < le16_to_cpu(h->entries); i++) {
		struct ext4_extent *e = extent_at(h, i);

		if (le32_to_cpu(e->block) < next)
			return false;
		if (le16_to_cpu(h->depth)) {
			if (!ext4_blocks_valid(fs, extent_leaf(extent_index_at(h, i)), 1))
				return false;
			next = (u64)le32_to_cpu(e->block) + 1;
			continue;
		}
		if (!extent_len(e) || !ext4_blocks_valid(fs, extent_start(e), extent_len(e)))
			return false;
		next = (u64)le32_to_cpu(e->block) + extent_len(e);
		if (next > 1ull << 32)
			return false;
	}
	return true;
}

static int node_check(struct ext4_inode *ei, struct ext4_extent_header *h, u32 capacity, int depth)
{
	struct ext4_sb *fs = ext4_of(&ei->inode);

	if (le16_to_cpu(h->magic) != EXTENT_MAGIC || le16_to_cpu(h->max) > capacity || !le16_to_cpu(h->max) ||
	    le16_to_cpu(h->entries) > le16_to_cpu(h->max) || le16_to_cpu(h->depth) > EXTENT_DEPTH_MAX ||
	    (depth >= 0 && le16_to_cpu(h->depth) != depth) || (le16_to_cpu(h->depth) && !le16_to_cpu(h->entries)) ||
	    !entries_ok(fs, h))
		return ext4_corrupt(fs, "inode %llu: extent node is damaged", (unsigned long long)ei->inode.ino);
	return 0;
}

/* Last entry that starts at or before the block; -1 none. Both kinds of entry begin with it. */
static int find_slot(struct ext4_extent_header *h, u32 logical)
{
	int low = 0, high = le16_to_cpu(h->entries);

	while (low < high) {
		int mid = (low + high) / 2;

		if (le32_to_cpu(extent_at(h, mid)->block) <= logical)
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

static int node_read(struct ext4_inode *ei, u64 block, int depth, struct extent_path *p)
{
	struct ext4_sb *fs = ext4_of(&ei->inode);
	/* The last 4 bytes behind the entries are the checksum's when there are any. */
	u32 capacity = (fs->block_size - sizeof(*p->h)) / sizeof(struct ext4_extent);
	int err;

	p->b = meta_read(fs, block);
	if (is_err(p->b)) {
		err = (int)ptr_err(p->b);
		p->b = NULL;
		return err;
	}
	p->h = (void *)p->b->data;
	if (meta_is_checked(p->b))
		return le16_to_cpu(p->h->depth) == depth ? 0 :
		       ext4_corrupt(fs, "inode %llu: extent tree of uneven depth", (unsigned long long)ei->inode.ino);
	err = node_check(ei, p->h, capacity, depth);
	if (!err && !csum_extent_ok(ei, p->b->data))
		err = ext4_corrupt(fs, "inode %llu: extent block %llu: checksum is wrong",
				   (unsigned long long)ei->inode.ino, (unsigned long long)block);
	if (!err)
		meta_set_checked(p->b);
	return err;
}

void extent_path_put(struct extent_path *path, unsigned depth)
{
	for (unsigned i = 1; i <= depth; i++)
		meta_put(path[i].b);
}

int extent_find(struct ext4_inode *ei, u32 logical, struct extent_path *path, unsigned *depth)
{
	struct ext4_extent_header *h = (void *)ei->block;
	int err = node_check(ei, h, root_capacity(), -1);
	int d;

	if (err)
		return err;
	d = le16_to_cpu(h->depth);
	*depth = (unsigned)d;
	path[0] = (struct extent_path){ .h = h };
	for (unsigned level = 0;; level++) {
		struct extent_path *p = &path[level];

		p->max = le16_to_cpu(p->h->max);
		p->slot = find_slot(p->h, logical);
		if (d == 0)
			return 0;
		p->slot = max(p->slot, 0);	/* a hole before the first extent: the leftmost leaf */
		path[level + 1] = (struct extent_path){};
		err = node_read(ei, extent_leaf(extent_index_at(p->h, p->slot)), --d, &path[level + 1]);
		if (err) {
			extent_path_put(path, level + 1);
			return err;
		}
	}
}

/* First logical block right of the path's leaf slot that may be mapped. */
static u64 next_mapped(struct extent_path *path, unsigned depth)
{
	for (int level = (int)depth; level >= 0; level--) {
		struct extent_path *p = &path[level];

		if (p->slot + 1 < le16_to_cpu(p->h->entries))
			return le32_to_cpu(extent_at(p->h, p->slot + 1)->block);
	}
	return 1ull << 32;
}

int extent_lookup(struct ext4_inode *ei, struct ext4_map *m)
{
	struct extent_path path[EXTENT_DEPTH_MAX + 1];
	unsigned depth;
	int err = extent_find(ei, m->logical, path, &depth);
	struct extent_path *leaf;
	u64 start, next;

	if (err)
		return err;
	leaf = &path[depth];
	m->physical = 0;
	m->is_unwritten = false;
	if (leaf->slot >= 0) {
		const struct ext4_extent *e = extent_at(leaf->h, leaf->slot);

		start = le32_to_cpu(e->block);
		if (m->logical < start + extent_len(e)) {
			m->physical = extent_start(e) + (m->logical - start);
			m->is_unwritten = extent_unwritten(e);
			m->len = (u32)min((u64)m->len, start + extent_len(e) - m->logical);
			goto out;
		}
	}
	next = next_mapped(path, depth);
	m->len = (u32)min((u64)m->len, next - m->logical);
out:
	extent_path_put(path, depth);
	return 0;
}

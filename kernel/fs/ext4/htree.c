/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indexed directories: a tree of hashes over ordinary entry blocks. Block 0 is the root, at most
 * two levels of index nodes follow (three with largedir). A hash that continues in the next
 * leaf has its lowest bit set in the index. The directory's inode.lock guards it.
 */
#include <lib/string.h>
#include "ext4.h"

#define DX_LEVELS_MAX 3u

struct dx_frame {
	struct meta_buf *b;
	struct dx_entry *entries;	/* [0] holds limit and count */
	u32 at;				/* where the entries start in the block */
	u32 slot;
};

static u32 dx_count(const struct dx_entry *e) { return le16_to_cpu(e->count); }
static u32 dx_limit(const struct dx_entry *e) { return le16_to_cpu(e->limit); }
static u32 dx_block(const struct dx_entry *e) { return le32_to_cpu(e->block) & 0x0fffffff; }

static void frames_put(struct dx_frame *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		meta_put(f[i].b);
}

/* Last entry whose hash is <= hash; entry 0 stands for everything below entry 1. */
static u32 dx_search(const struct dx_entry *e, u32 hash)
{
	u32 low = 1, high = dx_count(e);

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (le32_to_cpu(e[mid].hash) > hash)
			high = mid;
		else
			low = mid + 1;
	}
	return low - 1;
}

static int read_root(struct inode *dir, struct dx_frame *f, struct dx_root_info **info)
{
	struct ext4_sb *fs = ext4_of(dir);
	u32 levels_max = fs->incompat & INCOMPAT_LARGEDIR ? 2 : 1;

	f->b = dir_block_read(dir, 0, true);
	if (is_err(f->b))
		return (int)ptr_err(f->b);
	f->at = DX_ROOT_ENTRIES;
	f->entries = (void *)(f->b->data + f->at);
	*info = (void *)(f->b->data + DX_ROOT_INFO);
	if ((*info)->info_length != sizeof(**info) || (*info)->indirect_levels > levels_max) {
		meta_put(f->b);
		return ext4_corrupt(fs, "directory %llu: index root is damaged", (unsigned long long)dir->ino);
	}
	return 0;
}

/* From the root down to the node that points at leaves. *n frames. */
static int walk(struct inode *dir, const char *name, u32 len, struct dx_frame *frames, unsigned *n, u32 *hash)
{
	struct ext4_sb *fs = ext4_of(dir);
	struct dx_root_info *info = NULL;
	u32 blocks = (u32)(dir->size >> fs->block_bits);
	u8 version;
	int err = read_root(dir, &frames[0], &info);

	if (err)
		return err;
	version = info->hash_version;
	if (version <= 2 && le32_to_cpu(fs->super.flags) & EXT4_FLAG_UNSIGNED_HASH)
		version += 3;
	err = ext4_hash(fs, version, name, len, hash);
	*n = 1;
	for (unsigned level = 0; !err; level++) {
		struct dx_frame *f = &frames[level];

		f->slot = dx_search(f->entries, *hash);
		if (dx_block(&f->entries[f->slot]) >= blocks || dx_block(&f->entries[f->slot]) == 0) {
			err = ext4_corrupt(fs, "directory %llu: index points to block %u", (unsigned long long)dir->ino,
					   dx_block(&f->entries[f->slot]));
			break;
		}
		if (level == info->indirect_levels)
			return 0;
		f[1].b = dir_block_read(dir, dx_block(&f->entries[f->slot]), true);
		if (is_err(f[1].b)) {
			err = (int)ptr_err(f[1].b);
			break;
		}
		f[1].at = DX_NODE_ENTRIES;
		f[1].entries = (void *)(f[1].b->data + f[1].at);
		(*n)++;
	}
	frames_put(frames, *n);
	return err;
}

/* Steps to the next leaf if it continues the hash; 1 yes, 0 no, -errno. */
static int next_leaf(struct inode *dir, struct dx_frame *frames, unsigned n, u32 hash)
{
	unsigned level = n - 1;
	u32 next;

	while (frames[level].slot + 1 >= dx_count(frames[level].entries)) {
		if (level == 0)
			return 0;
		level--;
	}
	frames[level].slot++;
	next = le32_to_cpu(frames[level].entries[frames[level].slot].hash);
	if (!(next & 1) || (next & ~1u) != hash)
		return 0;
	for (; level + 1 < n; level++) {
		struct dx_frame *f = &frames[level + 1];

		meta_put(f->b);
		f->b = dir_block_read(dir, dx_block(&frames[level].entries[frames[level].slot]), true);
		if (is_err(f->b))
			return (int)ptr_err(f->b);
		f->entries = (void *)(f->b->data + f->at);
		f->slot = 0;
	}
	return 1;
}

int htree_find_block(struct inode *dir, const char *name, u32 len, struct meta_buf **b, struct ext4_dirent **e)
{
	struct dx_frame frames[DX_LEVELS_MAX];
	unsigned n;
	u32 hash;
	int more, err;

	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))) {
		*b = dir_block_read(dir, 0, true);
		if (is_err(*b))
			return (int)ptr_err(*b);
		*e = (void *)((*b)->data + (len == 2 ? DIRENT_SIZE(1) : 0));
		return 0;
	}
	err = walk(dir, name, len, frames, &n, &hash);
	if (err)
		return err;
	do {
		struct dx_frame *f = &frames[n - 1];

		*b = dir_block_read(dir, dx_block(&f->entries[f->slot]), false);
		if (is_err(*b)) {
			more = (int)ptr_err(*b);
			break;
		}
		*e = dir_block_find(dir, *b, name, len);
		if (*e) {
			frames_put(frames, n);
			return 0;
		}
		meta_put(*b);
		more = next_leaf(dir, frames, n, hash);
	} while (more > 0);
	frames_put(frames, n);
	return more < 0 ? more : -ENOENT;
}

struct hashed {			/* an entry of a block that is being split */
	u32 hash;
	u16 off, size;
};

static void dx_dirty(struct txn *t, struct inode *dir, struct dx_frame *f)
{
	csum_dx_set(ext4_i(dir), f->b->data, f->at);
	txn_dirty(t, f->b);
}

static void dx_insert(struct dx_entry *e, u32 slot, u32 hash, u32 block)
{
	u32 count = dx_count(e);

	memmove(e + slot + 1, e + slot, (count - slot) * sizeof(*e));
	e[slot].hash = cpu_to_le32(hash);
	e[slot].block = cpu_to_le32(block);
	e->count = cpu_to_le16((u16)(count + 1));
}

/* The live entries of the block by rising hash (insertion sort: at most 340 of them). */
static int hash_entries(struct inode *dir, struct meta_buf *b, u8 version, struct hashed *map, u32 *n)
{
	u32 room = dir_block_room(dir);

	*n = 0;
	for (u32 off = 0; off < room;) {
		const struct ext4_dirent *e = (void *)(b->data + off);
		u32 hash, i;

		if (e->inode != cpu_to_le32(0)) {
			int err = ext4_hash(ext4_of(dir), version, e->name, e->name_len, &hash);

			if (err)
				return err;
			for (i = (*n)++; i > 0 && map[i - 1].hash > hash; i--)
				map[i] = map[i - 1];
			map[i] = (struct hashed){ hash, (u16)off, (u16)DIRENT_SIZE(e->name_len) };
		}
		off += le16_to_cpu(e->rec_len);
	}
	return 0;
}

/* Lays the entries out one after the other in `to`; the last one takes the rest of the room. */
static void pack_entries(struct inode *dir, u8 *to, const u8 *from, const struct hashed *map, u32 n)
{
	struct ext4_dirent *last = NULL;
	u32 at = 0, room = dir_block_room(dir);

	dir_block_init(dir, to);
	for (u32 i = 0; i < n; i++) {
		last = (void *)(to + at);
		memcpy(last, from + map[i].off, DIRENT_HEADER + ((const struct ext4_dirent *)(from + map[i].off))->name_len);
		last->rec_len = cpu_to_le16(map[i].size);
		at += map[i].size;
	}
	if (last)
		last->rec_len = cpu_to_le16((u16)(room - at + le16_to_cpu(last->rec_len)));
}

/* Splits full leaf `b` by hash; the index node at f has room. *b becomes the half for `hash`. */
static int split_leaf(struct txn *t, struct inode *dir, struct dx_frame *f, u8 version, struct meta_buf **b, u32 hash)
{
	struct hashed *map = kmalloc(dir_block_room(dir) / DIRENT_SIZE(1) * sizeof(*map), ALLOC_NO_FS);
	u8 *copy = kmalloc(t->fs->block_size, ALLOC_NO_FS);
	struct meta_buf *fresh = NULL;
	u32 n, cut, half = 0, block, boundary;
	int err = -ENOMEM;

	if (!map || !copy)
		goto out;
	err = hash_entries(dir, *b, version, map, &n);
	if (!err && n < 2)
		err = -ENOSPC;
	if (err)
		goto out;
	for (cut = 0; cut + 1 < n && half < dir_block_room(dir) / 2; cut++)
		half += map[cut].size;
	cut = max(cut, 1u);
	fresh = dir_block_append(t, dir, &block);
	if (is_err(fresh)) {
		err = (int)ptr_err(fresh);
		fresh = NULL;
		goto out;
	}
	/* One hash on both sides of the cut: the lowest bit says that it continues. */
	boundary = map[cut].hash | (map[cut - 1].hash == map[cut].hash);
	memcpy(copy, (*b)->data, t->fs->block_size);
	pack_entries(dir, fresh->data, copy, map + cut, n - cut);
	pack_entries(dir, (*b)->data, copy, map, cut);
	dir_block_dirty(t, dir, fresh);
	dir_block_dirty(t, dir, *b);
	dx_insert(f->entries, f->slot + 1, boundary, block);
	dx_dirty(t, dir, f);
	if (hash >= (boundary & ~1u)) {
		struct meta_buf *low = *b;

		*b = fresh;
		fresh = low;
	}
out:
	meta_put(fresh);
	kfree(map);
	kfree(copy);
	return err;
}

static void node_init(struct inode *dir, struct dx_frame *f)
{
	struct ext4_sb *fs = ext4_of(dir);
	struct ext4_dirent *fake = (void *)f->b->data;

	memset(f->b->data, 0, fs->block_size);
	fake->rec_len = cpu_to_le16((u16)fs->block_size);
	f->at = DX_NODE_ENTRIES;
	f->entries = (void *)(f->b->data + f->at);
	f->entries->limit = cpu_to_le16((u16)((fs->block_size - f->at - (fs->has_csum ? sizeof(struct dx_tail) : 0)) /
					      sizeof(struct dx_entry)));
}

/* The root is full: its entries move to a new node below it. */
static int deepen(struct txn *t, struct inode *dir, struct dx_frame *root)
{
	struct dx_root_info *info = (void *)(root->b->data + DX_ROOT_INFO);
	u32 levels_max = t->fs->incompat & INCOMPAT_LARGEDIR ? 2 : 1, count = dx_count(root->entries), block;
	struct dx_frame node = {};

	if (info->indirect_levels >= levels_max)
		return -ENOSPC;
	node.b = dir_block_append(t, dir, &block);
	if (is_err(node.b))
		return (int)ptr_err(node.b);
	node_init(dir, &node);
	memcpy(node.entries + 1, root->entries + 1, (count - 1) * sizeof(struct dx_entry));
	node.entries[0].block = root->entries[0].block;
	node.entries->count = cpu_to_le16((u16)count);
	dx_dirty(t, dir, &node);
	root->entries->count = cpu_to_le16(1);
	root->entries[0].block = cpu_to_le32(block);
	info->indirect_levels++;
	dx_dirty(t, dir, root);
	meta_put(node.b);
	return 0;
}

/* Halves the full index node below a parent with room. */
static int split_node(struct txn *t, struct inode *dir, struct dx_frame *parent, struct dx_frame *f)
{
	u32 count = dx_count(f->entries), keep = count / 2, block;
	struct dx_frame fresh = {};

	fresh.b = dir_block_append(t, dir, &block);
	if (is_err(fresh.b))
		return (int)ptr_err(fresh.b);
	node_init(dir, &fresh);
	fresh.entries[0].block = f->entries[keep].block;
	memcpy(fresh.entries + 1, f->entries + keep + 1, (count - keep - 1) * sizeof(struct dx_entry));
	fresh.entries->count = cpu_to_le16((u16)(count - keep));
	dx_insert(parent->entries, parent->slot + 1, le32_to_cpu(f->entries[keep].hash), block);
	f->entries->count = cpu_to_le16((u16)keep);
	dx_dirty(t, dir, &fresh);
	dx_dirty(t, dir, f);
	dx_dirty(t, dir, parent);
	meta_put(fresh.b);
	return 0;
}

/* Makes room in the index above the leaf, one step; the frames are stale afterwards. */
static int index_room(struct txn *t, struct inode *dir, struct dx_frame *frames, unsigned n)
{
	unsigned level = n - 1;

	while (level > 0 && dx_count(frames[level - 1].entries) >= dx_limit(frames[level - 1].entries))
		level--;
	return level == 0 ? deepen(t, dir, &frames[0]) : split_node(t, dir, &frames[level - 1], &frames[level]);
}

int htree_add(struct txn *t, struct inode *dir, const char *name, u32 len, u32 ino, u8 type)
{
	struct dx_frame frames[DX_LEVELS_MAX];
	int err = -ENOSPC;

	/* Each round adds the entry, or makes the tree larger by a level, a node or a leaf. */
	for (unsigned round = 0; round < 2 * DX_LEVELS_MAX + 4; round++) {
		struct dx_frame *f;
		struct dx_root_info *info;
		struct meta_buf *b;
		unsigned n;
		u32 hash;
		u8 version;

		err = walk(dir, name, len, frames, &n, &hash);
		if (err)
			return err;
		f = &frames[n - 1];
		info = (void *)(frames[0].b->data + DX_ROOT_INFO);
		version = info->hash_version +
			  (info->hash_version <= 2 && le32_to_cpu(t->fs->super.flags) & EXT4_FLAG_UNSIGNED_HASH ? 3 : 0);
		b = dir_block_read(dir, dx_block(&f->entries[f->slot]), false);
		if (is_err(b)) {
			err = (int)ptr_err(b);
		} else {
			err = dir_block_add(t, dir, b, name, len, ino, type);
			if (err == -ENOSPC && dx_count(f->entries) < dx_limit(f->entries)) {
				err = split_leaf(t, dir, f, version, &b, hash);
				if (!err)
					err = dir_block_add(t, dir, b, name, len, ino, type);
				if (err == -ENOSPC)
					err = -EAGAIN;	/* long names: the half is still too full */
			} else if (err == -ENOSPC) {
				err = index_room(t, dir, frames, n);
				err = err ? err : -EAGAIN;
			}
			meta_put(b);
		}
		frames_put(frames, n);
		if (err != -EAGAIN)
			return err;
	}
	return -ENOSPC;
}

/* The only block of a directory is full: block 1 takes its entries, block 0 becomes the root. */
int htree_make(struct txn *t, struct inode *dir)
{
	struct dx_frame root = { .at = DX_ROOT_ENTRIES };
	struct ext4_dirent *dot, *dotdot;
	struct dx_root_info *info;
	struct hashed *map;
	struct meta_buf *leaf;
	u32 n = 0, block;
	int err = 0;

	root.b = dir_block_read(dir, 0, false);
	if (is_err(root.b))
		return (int)ptr_err(root.b);
	map = kmalloc(dir_block_room(dir) / DIRENT_SIZE(1) * sizeof(*map), ALLOC_NO_FS);
	leaf = map ? dir_block_append(t, dir, &block) : err_ptr(-ENOMEM);
	if (is_err(leaf)) {
		err = (int)ptr_err(leaf);
		goto out;
	}
	dot = (void *)root.b->data;
	dotdot = (void *)(root.b->data + le16_to_cpu(dot->rec_len));
	for (u32 off = le16_to_cpu(dot->rec_len) + le16_to_cpu(dotdot->rec_len); off < dir_block_room(dir);) {
		const struct ext4_dirent *e = (void *)(root.b->data + off);

		if (e->inode != cpu_to_le32(0))
			map[n++] = (struct hashed){ 0, (u16)off, (u16)DIRENT_SIZE(e->name_len) };
		off += le16_to_cpu(e->rec_len);
	}
	pack_entries(dir, leaf->data, root.b->data, map, n);
	dir_block_dirty(t, dir, leaf);
	meta_put(leaf);
	dotdot = memmove(root.b->data + DIRENT_SIZE(1), dotdot, DIRENT_SIZE(2));
	dot->rec_len = cpu_to_le16(DIRENT_SIZE(1));
	dotdot->rec_len = cpu_to_le16((u16)(t->fs->block_size - DIRENT_SIZE(1)));
	memset(root.b->data + DX_ROOT_INFO, 0, t->fs->block_size - DX_ROOT_INFO);
	info = (void *)(root.b->data + DX_ROOT_INFO);
	info->hash_version = t->fs->super.def_hash_version;
	info->info_length = sizeof(*info);
	root.entries = (void *)(root.b->data + root.at);
	root.entries->limit = cpu_to_le16((u16)((t->fs->block_size - root.at -
						 (t->fs->has_csum ? sizeof(struct dx_tail) : 0)) / sizeof(struct dx_entry)));
	root.entries->count = cpu_to_le16(1);
	root.entries[0].block = cpu_to_le32(block);
	ext4_i(dir)->flags |= EXT4_INDEX_FL;
	dx_dirty(t, dir, &root);
out:
	meta_put(root.b);
	kfree(map);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block groups: descriptors, and the bitmaps they point to. Changes need alloc_lock.
 * Neighbours: balloc.c and ialloc.c, which choose bits.
 */
#include <lib/string.h>
#include "ext4.h"

#define LO_HI(d, field) ((u64)le32_to_cpu((d)->field##_lo) | \
	(fs->desc_size >= 64 ? (u64)le32_to_cpu((d)->field##_hi) << 32 : 0))
#define LO_HI16(d, field) (le16_to_cpu((d)->field##_lo) | \
	(fs->desc_size >= 64 ? (u32)le16_to_cpu((d)->field##_hi) << 16 : 0))
#define SET_LO_HI16(d, field, v) do { \
	(d)->field##_lo = cpu_to_le16((u16)(v)); \
	if (fs->desc_size >= 64) \
		(d)->field##_hi = cpu_to_le16((u16)((v) >> 16)); \
} while (0)

u64 group_first_block(const struct ext4_sb *fs, u32 group)
{
	return (u64)group * fs->blocks_per_group + fs->first_data_block;
}

u32 group_block_count(const struct ext4_sb *fs, u32 group)
{
	return (u32)min((u64)fs->blocks_per_group, fs->blocks_count - group_first_block(fs, group));
}

u64 group_block_bitmap(const struct ext4_sb *fs, const struct ext4_group_desc *d) { return LO_HI(d, block_bitmap); }
u64 group_inode_bitmap(const struct ext4_sb *fs, const struct ext4_group_desc *d) { return LO_HI(d, inode_bitmap); }
u64 group_inode_table(const struct ext4_sb *fs, const struct ext4_group_desc *d) { return LO_HI(d, inode_table); }
u32 group_free_blocks(const struct ext4_sb *fs, const struct ext4_group_desc *d) { return LO_HI16(d, free_blocks); }
u32 group_free_inodes(const struct ext4_sb *fs, const struct ext4_group_desc *d) { return LO_HI16(d, free_inodes); }
u32 group_itable_unused(const struct ext4_sb *fs, const struct ext4_group_desc *d) { return LO_HI16(d, itable_unused); }

void group_set_itable_unused(const struct ext4_sb *fs, struct ext4_group_desc *d, u32 n)
{
	SET_LO_HI16(d, itable_unused, n);
}

void group_add_free_blocks(const struct ext4_sb *fs, struct ext4_group_desc *d, s32 n)
{
	u32 v = group_free_blocks(fs, d) + (u32)n;

	SET_LO_HI16(d, free_blocks, v);
}

void group_add_free_inodes(const struct ext4_sb *fs, struct ext4_group_desc *d, s32 n)
{
	u32 v = group_free_inodes(fs, d) + (u32)n;

	SET_LO_HI16(d, free_inodes, v);
}

void group_add_dirs(const struct ext4_sb *fs, struct ext4_group_desc *d, s32 n)
{
	u32 v = LO_HI16(d, used_dirs) + (u32)n;

	SET_LO_HI16(d, used_dirs, v);
}

/* Does the group hold a copy of super block and descriptors? Powers of 3, 5, 7 with sparse_super. */
static bool has_super(const struct ext4_sb *fs, u32 group)
{
	static const u32 bases[] = { 3, 5, 7 };

	if (group <= 1 || !(fs->ro_compat & RO_COMPAT_SPARSE_SUPER))
		return true;
	for (unsigned i = 0; i < ARRAY_LEN(bases); i++) {
		u64 p = bases[i];

		while (p < group)
			p *= bases[i];
		if (p == group)
			return true;
	}
	return false;
}

/* Block that holds the descriptor. With META_BG descriptors lie in their own meta group. */
static u64 desc_block(const struct ext4_sb *fs, u32 group)
{
	u32 per_block = fs->block_size / fs->desc_size, n = group / per_block;

	if (!(fs->incompat & INCOMPAT_META_BG) || n < le32_to_cpu(fs->super.first_meta_bg))
		return fs->first_data_block + 1 + n;
	return group_first_block(fs, n * per_block) + has_super(fs, n * per_block);
}

struct ext4_group_desc *group_desc(struct ext4_sb *fs, u32 group, struct meta_buf **b)
{
	u32 per_block = fs->block_size / fs->desc_size;

	*b = meta_read(fs, desc_block(fs, group));
	if (is_err(*b))
		return (void *)*b;
	return (void *)((*b)->data + group % per_block * fs->desc_size);
}

void group_desc_changed(struct txn *t, u32 group, struct ext4_group_desc *d, struct meta_buf *b)
{
	csum_group_set(t->fs, group, d);
	txn_dirty(t, b);
}

static int check_one(struct ext4_sb *fs, u32 group, const struct ext4_group_desc *d)
{
	u64 itable_blocks = div_round_up((u64)fs->inodes_per_group * fs->inode_size, fs->block_size);

	if (!csum_group_ok(fs, group, d))
		return ext4_corrupt(fs, "group %u: descriptor checksum is wrong", group);
	if (!ext4_blocks_valid(fs, group_block_bitmap(fs, d), 1) ||
	    !ext4_blocks_valid(fs, group_inode_bitmap(fs, d), 1) ||
	    !ext4_blocks_valid(fs, group_inode_table(fs, d), itable_blocks))
		return ext4_corrupt(fs, "group %u: bitmap or inode table outside the file system", group);
	if (group_free_blocks(fs, d) > fs->blocks_per_group || group_free_inodes(fs, d) > fs->inodes_per_group ||
	    group_itable_unused(fs, d) > fs->inodes_per_group)
		return ext4_corrupt(fs, "group %u: counters out of range", group);
	return 0;
}

int group_check_all(struct ext4_sb *fs)
{
	for (u32 g = 0; g < fs->groups; g++) {
		struct meta_buf *b;
		struct ext4_group_desc *d = group_desc(fs, g, &b);
		int err;

		if (is_err(d))
			return (int)ptr_err(d);
		err = check_one(fs, g, d);
		fs->free_blocks += group_free_blocks(fs, d);
		fs->free_inodes += group_free_inodes(fs, d);
		meta_put(b);
		if (err)
			return err;
	}
	return 0;
}

static void mark_if_inside(const struct ext4_sb *fs, u8 *map, u32 group, u64 block, u64 n)
{
	u64 first = group_first_block(fs, group);

	for (u64 i = block; i < block + n; i++)
		if (i >= first && i < first + fs->blocks_per_group)
			map[(i - first) / 8] |= (u8)(1u << (i - first) % 8);
}

/* A group that was never used: only its own metadata is taken, and what lies past the end. */
static int make_block_bitmap(struct ext4_sb *fs, u32 group, u8 *map)
{
	u32 count = group_block_count(fs, group);
	u64 itable = div_round_up((u64)fs->inodes_per_group * fs->inode_size, fs->block_size);
	u32 per_block = fs->block_size / fs->desc_size;
	u32 flex = 1u << min((u32)fs->super.log_groups_per_flex, 31u);

	memset(map, 0, fs->block_size);
	if (has_super(fs, group))
		mark_if_inside(fs, map, group, group_first_block(fs, group),
			       1 + div_round_up(fs->groups, per_block) + le16_to_cpu(fs->super.reserved_gdt_blocks));
	/* With flex_bg the tables of neighbours may lie in here. */
	for (u32 g = group / flex * flex; g < fs->groups && g < (group / flex + 1) * (u64)flex; g++) {
		struct meta_buf *b;
		struct ext4_group_desc *d = group_desc(fs, g, &b);

		if (is_err(d))
			return (int)ptr_err(d);
		mark_if_inside(fs, map, group, group_block_bitmap(fs, d), 1);
		mark_if_inside(fs, map, group, group_inode_bitmap(fs, d), 1);
		mark_if_inside(fs, map, group, group_inode_table(fs, d), itable);
		meta_put(b);
	}
	for (u32 i = count; i < fs->block_size * 8; i++)
		map[i / 8] |= (u8)(1u << i % 8);
	return 0;
}

static void make_inode_bitmap(struct ext4_sb *fs, u8 *map)
{
	memset(map, 0, fs->block_size);
	for (u32 i = fs->inodes_per_group; i < fs->block_size * 8; i++)
		map[i / 8] |= (u8)(1u << i % 8);
}

struct meta_buf *group_bitmap_read(struct ext4_sb *fs, u32 group, struct ext4_group_desc *d, bool inodes)
{
	u64 block = inodes ? group_inode_bitmap(fs, d) : group_block_bitmap(fs, d);
	bool uninit = le16_to_cpu(d->flags) & (inodes ? GROUP_INODE_UNINIT : GROUP_BLOCK_UNINIT);
	struct meta_buf *b = uninit && (fs->has_csum || fs->has_gdt_csum) ? meta_new(fs, block) : meta_read(fs, block);
	int err = 0;

	lock_assert_held(&fs->alloc_lock);
	if (is_err(b))
		return b;
	if (uninit && (fs->has_csum || fs->has_gdt_csum)) {
		if (inodes)
			make_inode_bitmap(fs, b->data);
		else
			err = make_block_bitmap(fs, group, b->data);
	} else if (!meta_is_checked(b) && !csum_bitmap_ok(fs, d, b->data, inodes)) {
		err = ext4_corrupt(fs, "group %u: %s bitmap checksum is wrong", group, inodes ? "inode" : "block");
	}
	if (err) {
		meta_put(b);
		return err_ptr(err);
	}
	meta_set_checked(b);
	return b;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block allocation: the longest free run at or after the goal, at most what is wanted, group by
 * group. All under alloc_lock. Neighbour: group.c for the bitmaps.
 */
#include <lib/string.h>
#include "ext4.h"

bool ext4_blocks_valid(const struct ext4_sb *fs, u64 block, u64 n)
{
	return block > fs->first_data_block && n && block < fs->blocks_count && n <= fs->blocks_count - block;
}

static bool bit_test(const u8 *map, u32 i) { return map[i / 8] >> (i % 8) & 1; }

/* First clear bit in [from, end), a byte at a time; end if none. */
static u32 find_clear(const u8 *map, u32 from, u32 end)
{
	for (u32 i = from; i < end;) {
		if (i % 8 == 0 && map[i / 8] == 0xff) {
			i += 8;
			continue;
		}
		if (!bit_test(map, i))
			return i;
		i++;
	}
	return end;
}

static u32 run_length(const u8 *map, u32 from, u32 limit)
{
	u32 n = 0;

	while (n < limit && !bit_test(map, from + n))
		n++;
	return n;
}

/* Best run in the group at or after `from`: the first that is long enough, else the longest of the first 32 seen. */
static u32 find_run(const u8 *map, u32 from, u32 count, u32 want, u32 *at)
{
	u32 best = 0, tries = 32;

	for (u32 i = find_clear(map, from, count); i < count && tries; tries--) {
		u32 n = run_length(map, i, min(want, count - i));

		if (n > best) {
			best = n;
			*at = i;
		}
		if (best == want)
			break;
		i = find_clear(map, i + n, count);
	}
	return best;
}

/* Takes a run out of the group; 0 blocks: none free from there on. */
static int take_from_group(struct txn *t, u32 group, u32 from, u32 want, u64 *block, u32 *got)
{
	struct ext4_sb *fs = t->fs;
	struct meta_buf *db, *mb;
	struct ext4_group_desc *d = group_desc(fs, group, &db);
	u32 at = 0, n;

	*got = 0;
	if (is_err(d))
		return (int)ptr_err(d);
	if (group_free_blocks(fs, d) == 0)
		goto out;
	mb = group_bitmap_read(fs, group, d, false);
	if (is_err(mb)) {
		meta_put(db);
		return (int)ptr_err(mb);
	}
	n = find_run(mb->data, from, group_block_count(fs, group), want, &at);
	if (n) {
		for (u32 i = at; i < at + n; i++)
			mb->data[i / 8] |= (u8)(1u << i % 8);
		d->flags = cpu_to_le16(le16_to_cpu(d->flags) & ~GROUP_BLOCK_UNINIT);
		group_add_free_blocks(fs, d, -(s32)n);
		csum_bitmap_set(fs, d, mb->data, false);
		txn_dirty(t, mb);
		group_desc_changed(t, group, d, db);
		fs->free_blocks -= min(fs->free_blocks, (u64)n);
		fs->super_dirty = true;
		*block = group_first_block(fs, group) + at;
		*got = n;
	}
	meta_put(mb);
out:
	meta_put(db);
	return 0;
}

int ext4_balloc(struct txn *t, u64 goal, u32 want, u64 *block, u32 *got)
{
	struct ext4_sb *fs = t->fs;
	u32 group = 0, start, from;
	int err = 0;

	if (goal < fs->first_data_block || goal >= fs->blocks_count)
		goal = group_first_block(fs, fs->last_alloc_group % fs->groups);
	start = (u32)((goal - fs->first_data_block) / fs->blocks_per_group);
	from = (u32)((goal - fs->first_data_block) % fs->blocks_per_group);
	*got = 0;
	mutex_lock(&fs->alloc_lock);
	/* One round more than there are groups: the start group again, from its beginning. */
	for (u32 i = 0; i <= fs->groups && !err && !*got; i++) {
		group = (start + i) % fs->groups;
		err = take_from_group(t, group, i == 0 ? from : 0, want, block, got);
	}
	if (*got)
		fs->last_alloc_group = group;
	mutex_unlock(&fs->alloc_lock);
	if (err)
		return err;
	if (!*got)
		return -ENOSPC;
	if (!ext4_blocks_valid(fs, *block, *got))
		return ext4_corrupt(fs, "bitmap of group %u offers block %llu", group, (unsigned long long)*block);
	return 0;
}

static int free_in_group(struct txn *t, u32 group, u32 at, u32 n)
{
	struct ext4_sb *fs = t->fs;
	struct meta_buf *db, *mb;
	struct ext4_group_desc *d = group_desc(fs, group, &db);
	int err = 0;

	if (is_err(d))
		return (int)ptr_err(d);
	mb = group_bitmap_read(fs, group, d, false);
	if (is_err(mb)) {
		meta_put(db);
		return (int)ptr_err(mb);
	}
	for (u32 i = at; i < at + n; i++)
		if (!bit_test(mb->data, i)) {
			err = ext4_corrupt(fs, "group %u: block %u freed twice", group, i);
			goto out;
		}
	for (u32 i = at; i < at + n; i++)
		mb->data[i / 8] &= (u8)~(1u << i % 8);
	group_add_free_blocks(fs, d, (s32)n);
	csum_bitmap_set(fs, d, mb->data, false);
	txn_dirty(t, mb);
	group_desc_changed(t, group, d, db);
	fs->free_blocks += n;
	fs->super_dirty = true;
out:
	meta_put(mb);
	meta_put(db);
	return err;
}

int ext4_bfree(struct txn *t, u64 block, u64 n)
{
	struct ext4_sb *fs = t->fs;
	int err = 0;

	if (!ext4_blocks_valid(fs, block, n))
		return ext4_corrupt(fs, "freeing blocks %llu+%llu", (unsigned long long)block, (unsigned long long)n);
	mutex_lock(&fs->alloc_lock);
	while (n && !err) {
		u32 group = (u32)((block - fs->first_data_block) / fs->blocks_per_group);
		u32 at = (u32)((block - fs->first_data_block) % fs->blocks_per_group);
		u32 part = (u32)min(n, (u64)(fs->blocks_per_group - at));

		err = free_in_group(t, group, at, part);
		block += part;
		n -= part;
	}
	mutex_unlock(&fs->alloc_lock);
	return err;
}

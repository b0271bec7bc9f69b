/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orphans: inodes that had lost their last name but were open, and files that were being cut, when the
 * machine stopped. They stand in a list threaded through the inodes' dtime field, or, with the
 * feature orphan_file, in a file of inode numbers. At the first mount for writing the former are
 * freed and the latter cut to their size. Nothing puts inodes there yet (see txn.c).
 * Sources: "ext4 Data Structures and Algorithms", "Orphan file"; locks as in ext4.h, nobody else is in
 * the file system while it is mounted, and a remount has it alone for its inodes without names.
 */
#include <lib/hash.h>
#include <lib/string.h>
#include "ext4.h"

bool orphans_present(const struct ext4_sb *fs)
{
	return le32_to_cpu(fs->super.last_orphan) || fs->ro_compat & RO_COMPAT_ORPHAN_PRESENT;
}

/* Blocks behind the size go back: what a truncation did not reach any more. */
static int cut(struct inode *inode)
{
	struct ext4_inode *ei = ext4_i(inode);
	struct ext4_sb *fs = ext4_of(inode);
	u64 first = (inode->size + fs->block_size - 1) >> fs->block_bits;
	struct txn t;
	int err = txn_begin(&t, fs);

	if (err)
		return err;
	if (ei->flags & EXT4_EXTENTS_FL && first <= ~0u) {
		rwlock_write_lock(&ei->map_lock);
		err = extent_remove(&t, ei, (u32)first, ~0u);
		rwlock_write_unlock(&ei->map_lock);
	}
	if (!err)
		err = ext4_inode_store(&t, inode);
	txn_end(&t);
	return err;
}

/* *next: what its dtime field held. */
static int clean_one(struct ext4_sb *fs, u32 ino, u32 *next, u32 *freed)
{
	struct inode *inode;
	int err = 0;

	if (ino < fs->first_ino || ino > fs->inodes_count)
		return ext4_corrupt(fs, "inode %u cannot be an orphan", ino);
	inode = ext4_iget_orphan(fs->sb, ino, next);
	if (is_err(inode))
		return (int)ptr_err(inode);
	++*freed;
	if (inode->nlink)
		err = cut(inode);
	inode_put(inode);	/* without names: this frees it, see ext4_evict */
	return err ? err : fs->was_error ? -EUCLEAN : 0;
}

static int clean_list(struct ext4_sb *fs, u32 *freed)
{
	u32 ino = le32_to_cpu(fs->super.last_orphan), next;

	for (u32 n = 0; ino; n++) {
		int err;

		if (n >= fs->inodes_count)
			return ext4_corrupt(fs, "the list of orphans has no end");
		err = clean_one(fs, ino, &next, freed);
		if (err)
			return err;
		ino = next;
	}
	fs->super.last_orphan = cpu_to_le32(0);
	fs->super_dirty = true;
	return 0;
}

/* Covers the block's number and the inode numbers, seeded by the orphan file's inode. */
static u32 block_csum(struct ext4_inode *ei, const struct meta_buf *b, u32 bytes)
{
	le64 number = cpu_to_le64(b->block);

	return crc32c(crc32c(ei->csum_seed, &number, sizeof(number)), b->data, bytes);
}

static int clean_block(struct ext4_sb *fs, struct ext4_inode *ei, struct meta_buf *b, u32 *freed)
{
	u32 bytes = fs->block_size - (u32)sizeof(struct orphan_tail), next;
	struct orphan_tail *tail = (void *)(b->data + bytes);
	struct txn t;
	int err;

	if (le32_to_cpu(tail->magic) != ORPHAN_MAGIC ||
	    (fs->has_csum && block_csum(ei, b, bytes) != le32_to_cpu(tail->checksum)))
		return ext4_corrupt(fs, "block %llu of the orphan file is damaged", (unsigned long long)b->block);
	for (u32 off = 0; off < bytes; off += 4) {
		u32 ino = get_le32(b->data + off);

		err = ino ? clean_one(fs, ino, &next, freed) : 0;
		if (err)
			return err;
	}
	err = txn_begin(&t, fs);
	if (err)
		return err;
	memset(b->data, 0, bytes);
	if (fs->has_csum)
		tail->checksum = cpu_to_le32(block_csum(ei, b, bytes));
	txn_dirty(&t, b);
	txn_end(&t);
	return 0;
}

static int clean_file(struct ext4_sb *fs, u32 *freed)
{
	struct inode *inode = ext4_iget(fs->sb, le32_to_cpu(fs->super.orphan_file_inum));
	struct ext4_inode *ei;
	int err = 0;

	if (is_err(inode))
		return (int)ptr_err(inode);
	ei = ext4_i(inode);
	for (u32 i = 0; i < inode->size >> fs->block_bits && !err; i++) {
		struct ext4_map m = { .logical = i, .len = 1 };
		struct meta_buf *b;

		rwlock_read_lock(&ei->map_lock);
		err = extent_lookup(ei, &m);
		rwlock_read_unlock(&ei->map_lock);
		if (!err && !m.physical)
			err = ext4_corrupt(fs, "the orphan file has a hole");
		if (err)
			break;
		b = meta_read(fs, m.physical);
		err = is_err(b) ? (int)ptr_err(b) : clean_block(fs, ei, b, freed);
		meta_put(b);
	}
	inode_put(inode);
	return err;
}

int orphans_clean(struct ext4_sb *fs)
{
	u32 freed = 0;
	int err = clean_list(fs, &freed);

	if (!err && fs->ro_compat & RO_COMPAT_ORPHAN_PRESENT) {
		if (!(fs->compat & COMPAT_ORPHAN_FILE))
			return ext4_corrupt(fs, "orphans in a file that does not exist");
		err = clean_file(fs, &freed);
		if (err)
			return err;
		fs->ro_compat &= ~RO_COMPAT_ORPHAN_PRESENT;
		fs->super.feature_ro_compat = cpu_to_le32(fs->ro_compat);
		fs->super_dirty = true;
	}
	if (!err && freed)
		log_notice("ext4: %s: %u orphans freed or cut", fs->bdev->name, freed);
	return err;
}

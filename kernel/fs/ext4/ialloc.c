/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inode allocation. Directories are spread over groups with room, files go near their directory.
 * Under alloc_lock. Neighbour: inode.c, which reads and writes the inodes.
 */
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/string.h>
#include "ext4.h"

static u32 group_of(const struct ext4_sb *fs, ino_t ino) { return (u32)((ino - 1) / fs->inodes_per_group); }

/* A new directory below the root goes to the emptiest of the groups; others stay near their parent. */
static u32 start_group(struct ext4_sb *fs, struct inode *dir, mode_t mode)
{
	u32 best = group_of(fs, dir->ino), best_free = 0;

	if (!S_ISDIR(mode) || dir->ino != EXT4_ROOT_INO)
		return best;
	for (u32 g = 0; g < min(fs->groups, 64u); g++) {
		struct meta_buf *b;
		struct ext4_group_desc *d = group_desc(fs, g, &b);

		if (is_err(d))
			break;
		if (group_free_inodes(fs, d) && group_free_blocks(fs, d) > best_free) {
			best_free = group_free_blocks(fs, d);
			best = g;
		}
		meta_put(b);
	}
	return best;
}

/* First free inode of the group as *index; 1 found, 0 none, -errno. */
static int take_from_group(struct txn *t, u32 group, bool is_dir, u32 *index)
{
	struct ext4_sb *fs = t->fs;
	struct meta_buf *db, *mb;
	struct ext4_group_desc *d = group_desc(fs, group, &db);
	u32 i = group == 0 ? fs->first_ino - 1 : 0, unused;
	int found = 0;

	if (is_err(d))
		return (int)ptr_err(d);
	if (!group_free_inodes(fs, d))
		goto out;
	mb = group_bitmap_read(fs, group, d, true);
	if (is_err(mb)) {
		found = (int)ptr_err(mb);
		goto out;
	}
	while (i < fs->inodes_per_group && mb->data[i / 8] >> (i % 8) & 1)
		i++;
	if (i < fs->inodes_per_group) {
		found = 1;
		mb->data[i / 8] |= (u8)(1u << i % 8);
		d->flags = cpu_to_le16(le16_to_cpu(d->flags) & ~GROUP_INODE_UNINIT);
		group_add_free_inodes(fs, d, -1);
		group_add_dirs(fs, d, is_dir);
		unused = group_itable_unused(fs, d);
		if ((fs->has_csum || fs->has_gdt_csum) && i + 1 > fs->inodes_per_group - unused)
			group_set_itable_unused(fs, d, fs->inodes_per_group - i - 1);
		csum_bitmap_set(fs, d, mb->data, true);
		txn_dirty(t, mb);
		group_desc_changed(t, group, d, db);
		fs->free_inodes -= fs->free_inodes != 0;
		fs->super_dirty = true;
		*index = i;
	}
	meta_put(mb);
out:
	meta_put(db);
	return found;
}

static int take_ino(struct txn *t, struct inode *dir, mode_t mode, u32 *ino)
{
	struct ext4_sb *fs = t->fs;
	u32 start, index = 0;
	int r = 0;

	mutex_lock(&fs->alloc_lock);
	start = start_group(fs, dir, mode);
	for (u32 i = 0; i < fs->groups && r == 0; i++) {
		u32 group = (start + i) % fs->groups;

		r = take_from_group(t, group, S_ISDIR(mode), &index);
		*ino = group * fs->inodes_per_group + index + 1;
	}
	mutex_unlock(&fs->alloc_lock);
	return r < 0 ? r : r == 0 ? -ENOSPC : 0;
}

struct inode *ext4_ialloc(struct txn *t, struct inode *dir, mode_t mode)
{
	struct ext4_sb *fs = t->fs;
	const struct cred *cred = cred_current();
	struct ext4_inode *ei;
	struct inode *inode;
	u32 ino;
	int err = take_ino(t, dir, mode, &ino);

	if (err)
		return err_ptr(err);
	inode = inode_get_locked(dir->sb, ino);
	if (is_err(inode))
		return inode;
	if (!(inode->flags & INODE_NEW)) {
		inode_put(inode);
		return err_ptr(ext4_corrupt(fs, "inode %u is in use but free in the bitmap", ino));
	}
	ei = ext4_i(inode);
	inode->mode = mode;
	inode->uid = cred->fsuid;
	inode->gid = cred->fsgid;
	if (dir->mode & S_ISGID) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			inode->mode |= S_ISGID;
	}
	inode->nlink = 1;
	inode->size = inode->blocks = 0;
	inode_touch(inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	inode->btime = inode->ctime;
	random_bytes(&ei->generation, sizeof(ei->generation));
	ei->csum_seed = ext4_inode_seed(fs, ino, ei->generation);
	ei->flags = (fs->incompat & INCOMPAT_EXTENTS) && (S_ISREG(mode) || S_ISDIR(mode)) ? EXT4_EXTENTS_FL : 0;
	ei->acl_block = 0;
	ei->extra_isize = fs->inode_size > 128 ? sizeof(struct ext4_disk_inode) - 128 : 0;
	memset(ei->tail, 0, sizeof(ei->tail));
	memset(ei->block, 0, sizeof(ei->block));
	ei->alloc_goal = group_first_block(fs, group_of(fs, ino));
	if (ei->flags & EXT4_EXTENTS_FL)
		extent_init_root(ei);
	ext4_inode_ops_set(inode);
	return inode;
}

int ext4_ifree(struct txn *t, struct inode *inode)
{
	struct ext4_sb *fs = t->fs;
	u32 group = group_of(fs, inode->ino), i = (u32)((inode->ino - 1) % fs->inodes_per_group);
	struct meta_buf *db, *mb;
	struct ext4_group_desc *d;
	int err = 0;

	mutex_lock(&fs->alloc_lock);
	d = group_desc(fs, group, &db);
	if (is_err(d)) {
		err = (int)ptr_err(d);
		goto unlock;
	}
	mb = group_bitmap_read(fs, group, d, true);
	if (is_err(mb)) {
		err = (int)ptr_err(mb);
		goto put;
	}
	if (!(mb->data[i / 8] >> (i % 8) & 1)) {
		err = ext4_corrupt(fs, "inode %llu freed twice", (unsigned long long)inode->ino);
	} else {
		mb->data[i / 8] &= (u8)~(1u << i % 8);
		group_add_free_inodes(fs, d, 1);
		group_add_dirs(fs, d, S_ISDIR(inode->mode) ? -1 : 0);
		csum_bitmap_set(fs, d, mb->data, true);
		txn_dirty(t, mb);
		group_desc_changed(t, group, d, db);
		fs->free_inodes++;
		fs->super_dirty = true;
	}
	meta_put(mb);
put:
	meta_put(db);
unlock:
	mutex_unlock(&fs->alloc_lock);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes: from disk to struct inode and back, eviction. Neighbours: ialloc.c (numbers), data.c
 * (contents). inode.lock guards the fields; the inode table block is written within a transaction.
 */
#include <kernel/time.h>
#include <lib/string.h>
#include "ext4.h"

#define EXTRA_NSEC_SHIFT 2
#define EXTRA_EPOCH_MASK 3u

static bool has_field(const struct ext4_sb *fs, const struct ext4_disk_inode *raw, size_t end)
{
	return fs->inode_size > 128 && 128u + le16_to_cpu(raw->extra_isize) >= end;
}
#define HAS_FIELD(fs, raw, f) \
	has_field(fs, raw, offsetof(struct ext4_disk_inode, f) + sizeof((raw)->f))

/* The table block that holds the inode, and where in it. err_ptr. */
static struct ext4_disk_inode *raw_inode(struct ext4_sb *fs, u64 ino, struct meta_buf **b)
{
	u32 group = (u32)((ino - 1) / fs->inodes_per_group), index = (u32)((ino - 1) % fs->inodes_per_group);
	struct meta_buf *db;
	struct ext4_group_desc *d;
	u64 block;

	*b = NULL;
	if (ino == 0 || ino > fs->inodes_count)
		return err_ptr(-EUCLEAN);
	d = group_desc(fs, group, &db);
	if (is_err(d))
		return (void *)d;
	block = group_inode_table(fs, d) + index / fs->inodes_per_block;
	meta_put(db);
	*b = meta_read(fs, block);
	if (is_err(*b))
		return (void *)*b;
	return (void *)((*b)->data + index % fs->inodes_per_block * fs->inode_size);
}

static struct timespec64 time_load(le32 seconds, le32 extra, bool has_extra)
{
	struct timespec64 t = { .tv_sec = (s32)le32_to_cpu(seconds) };

	if (has_extra) {
		u32 x = le32_to_cpu(extra);

		t.tv_sec += (s64)(x & EXTRA_EPOCH_MASK) << 32;
		t.tv_nsec = min(x >> EXTRA_NSEC_SHIFT, 999999999u);
	}
	return t;
}

static le32 time_extra(struct timespec64 t)
{
	u32 epoch = (u32)((t.tv_sec - (s32)t.tv_sec) >> 32) & EXTRA_EPOCH_MASK;

	return cpu_to_le32((u32)t.tv_nsec << EXTRA_NSEC_SHIFT | epoch);
}

static void load_times(const struct ext4_sb *fs, struct inode *i, const struct ext4_disk_inode *raw)
{
	bool extra = HAS_FIELD(fs, raw, atime_extra);

	i->atime = time_load(raw->atime, raw->atime_extra, extra);
	i->mtime = time_load(raw->mtime, raw->mtime_extra, extra);
	i->ctime = time_load(raw->ctime, raw->ctime_extra, extra);
	if (HAS_FIELD(fs, raw, crtime_extra))
		i->btime = time_load(raw->crtime, raw->crtime_extra, true);
}

static void load_blocks(const struct ext4_sb *fs, struct ext4_inode *ei, const struct ext4_disk_inode *raw)
{
	u64 n = le32_to_cpu(raw->blocks_lo);

	if (fs->ro_compat & RO_COMPAT_HUGE_FILE) {
		n |= (u64)le16_to_cpu(raw->blocks_hi) << 32;
		if (ei->flags & EXT4_HUGE_FILE_FL)
			n *= fs->block_size / 512;
	}
	ei->inode.blocks = n;
}

static int load_rdev(struct inode *i, const u8 *block)
{
	u32 old = get_le32(block), new = get_le32(block + 4);

	i->rdev = old ? MKDEV(old >> 8 & 0xff, old & 0xff) : (dev_t)new;
	return 0;
}

static bool is_fast_symlink(const struct ext4_inode *ei)
{
	return S_ISLNK(ei->inode.mode) && ei->inode.size < sizeof(ei->block) && !(ei->flags & EXT4_EXTENTS_FL);
}

/* Everything that later code relies on. */
static int check_inode(struct ext4_sb *fs, struct ext4_inode *ei)
{
	struct inode *i = &ei->inode;
	unsigned long long ino = i->ino;

	if (ei->flags & EXT4_INLINE_DATA_FL)
		return ext4_corrupt(fs, "inode %llu: inline data without the feature", ino);
	if (i->size > i->sb->max_bytes && !S_ISLNK(i->mode))
		return ext4_corrupt(fs, "inode %llu: size %llu", ino, (unsigned long long)i->size);
	if (S_ISLNK(i->mode) && (i->size == 0 || i->size >= PATH_MAX))
		return ext4_corrupt(fs, "inode %llu: symlink of %llu bytes", ino, (unsigned long long)i->size);
	if (S_ISDIR(i->mode) && (i->size == 0 || i->size & (fs->block_size - 1)))
		return ext4_corrupt(fs, "inode %llu: directory of %llu bytes", ino, (unsigned long long)i->size);
	if ((S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)) && !is_fast_symlink(ei) &&
	    !(ei->flags & EXT4_EXTENTS_FL)) {
		log_err("ext4: %s: inode %llu uses the block map of ext2/ext3, which is not supported",
			fs->bdev->name, ino);
		return -EOPNOTSUPP;
	}
	return 0;
}

void ext4_inode_ops_set(struct inode *i)
{
	i->mapping.ops = &ext4_mapping_ops;
	if (S_ISDIR(i->mode)) {
		i->ops = &ext4_dir_inode_ops;
		i->fops = &ext4_dir_ops;
	} else if (S_ISREG(i->mode)) {
		i->ops = &ext4_file_inode_ops;
		i->fops = &ext4_file_ops;
	} else if (S_ISLNK(i->mode)) {
		i->ops = &ext4_symlink_inode_ops;
	} else {
		i->ops = &ext4_file_inode_ops;
		i->fops = NULL;		/* the VFS has those of pipes and devices */
	}
}

static int load(struct ext4_sb *fs, struct ext4_inode *ei, struct ext4_disk_inode *raw, bool was_checked)
{
	struct inode *i = &ei->inode;

	if (!was_checked && !csum_inode_ok(fs, (u32)i->ino, raw))
		return ext4_corrupt(fs, "inode %llu: checksum is wrong", (unsigned long long)i->ino);
	if (fs->inode_size > 128 && 128u + le16_to_cpu(raw->extra_isize) > fs->inode_size)
		return ext4_corrupt(fs, "inode %llu: extra size %u", (unsigned long long)i->ino,
				    le16_to_cpu(raw->extra_isize));
	i->mode = le16_to_cpu(raw->mode);
	i->uid = le16_to_cpu(raw->uid_lo) | (u32)le16_to_cpu(raw->uid_hi) << 16;
	i->gid = le16_to_cpu(raw->gid_lo) | (u32)le16_to_cpu(raw->gid_hi) << 16;
	i->nlink = le16_to_cpu(raw->links);
	i->size = le32_to_cpu(raw->size_lo) | (u64)le32_to_cpu(raw->size_hi) << 32;
	ei->flags = le32_to_cpu(raw->flags);
	ei->generation = le32_to_cpu(raw->generation);
	ei->csum_seed = ext4_inode_seed(fs, (u32)i->ino, ei->generation);
	ei->acl_block = le32_to_cpu(raw->file_acl_lo) | (u64)le16_to_cpu(raw->file_acl_hi) << 32;
	ei->extra_isize = fs->inode_size > 128 ? le16_to_cpu(raw->extra_isize) : 0;
	if (fs->inode_size > sizeof(*raw))
		memcpy(ei->tail, raw + 1, min(sizeof(ei->tail), fs->inode_size - sizeof(*raw)));
	memcpy(ei->block, raw->block, sizeof(ei->block));
	load_times(fs, i, raw);
	load_blocks(fs, ei, raw);
	if (ei->flags & EXT4_IMMUTABLE_FL)
		i->flags |= INODE_IMMUTABLE;
	if (ei->flags & EXT4_APPEND_FL)
		i->flags |= INODE_APPEND;
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		return load_rdev(i, ei->block);
	return check_inode(fs, ei);
}

static struct inode *iget(struct super_block *sb, u32 ino, bool is_orphan, u32 *dtime)
{
	struct ext4_sb *fs = ext4_sb(sb);
	struct inode *inode = inode_get_locked(sb, ino);
	struct ext4_disk_inode *raw;
	struct meta_buf *b;
	int err;

	if (is_err(inode) || !(inode->flags & INODE_NEW))
		return inode;
	raw = raw_inode(fs, ino, &b);
	if (is_err(raw)) {
		err = (int)ptr_err(raw);
	} else {
		err = load(fs, ext4_i(inode), raw, false);
		*dtime = le32_to_cpu(raw->dtime);
		if (!err && (inode->mode == 0 || (inode->nlink == 0 && !is_orphan)))
			err = ext4_corrupt(fs, "inode %u is deleted but has a name", ino);
		meta_put(b);
	}
	if (err) {
		inode_fail_new(inode);
		return err_ptr(err);
	}
	ext4_i(inode)->alloc_goal = group_first_block(fs, (ino - 1) / fs->inodes_per_group);
	ext4_inode_ops_set(inode);
	inode_unlock_new(inode);
	return inode;
}

struct inode *ext4_iget(struct super_block *sb, u32 ino)
{
	u32 dtime;

	return iget(sb, ino, false, &dtime);
}

struct inode *ext4_iget_orphan(struct super_block *sb, u32 ino, u32 *dtime)
{
	*dtime = 0;
	return iget(sb, ino, true, dtime);
}

static void store_blocks(const struct ext4_sb *fs, struct ext4_inode *ei, struct ext4_disk_inode *raw)
{
	u64 n = ei->inode.blocks;

	ei->flags &= ~EXT4_HUGE_FILE_FL;
	if (n >> 48) {
		ei->flags |= EXT4_HUGE_FILE_FL;
		n /= fs->block_size / 512;
	}
	raw->blocks_lo = cpu_to_le32((u32)n);
	raw->blocks_hi = cpu_to_le16((u16)(n >> 32));
}

static void store_times(const struct ext4_sb *fs, struct inode *i, struct ext4_disk_inode *raw)
{
	raw->atime = cpu_to_le32((u32)i->atime.tv_sec);
	raw->ctime = cpu_to_le32((u32)i->ctime.tv_sec);
	raw->mtime = cpu_to_le32((u32)i->mtime.tv_sec);
	if (HAS_FIELD(fs, raw, atime_extra)) {
		raw->atime_extra = time_extra(i->atime);
		raw->ctime_extra = time_extra(i->ctime);
		raw->mtime_extra = time_extra(i->mtime);
	}
	if (HAS_FIELD(fs, raw, crtime_extra)) {
		raw->crtime = cpu_to_le32((u32)i->btime.tv_sec);
		raw->crtime_extra = time_extra(i->btime);
	}
}

static void store(struct ext4_sb *fs, struct ext4_inode *ei, struct ext4_disk_inode *raw)
{
	struct inode *i = &ei->inode;

	memset(raw, 0, fs->inode_size);
	raw->mode = cpu_to_le16((u16)i->mode);
	raw->uid_lo = cpu_to_le16((u16)i->uid);
	raw->uid_hi = cpu_to_le16((u16)(i->uid >> 16));
	raw->gid_lo = cpu_to_le16((u16)i->gid);
	raw->gid_hi = cpu_to_le16((u16)(i->gid >> 16));
	raw->links = cpu_to_le16((u16)i->nlink);
	raw->size_lo = cpu_to_le32((u32)i->size);
	raw->size_hi = cpu_to_le32((u32)(i->size >> 32));
	store_blocks(fs, ei, raw);
	raw->flags = cpu_to_le32(ei->flags);
	raw->generation = cpu_to_le32(ei->generation);
	raw->file_acl_lo = cpu_to_le32((u32)ei->acl_block);
	raw->file_acl_hi = cpu_to_le16((u16)(ei->acl_block >> 32));
	if (fs->inode_size > 128)
		raw->extra_isize = cpu_to_le16(ei->extra_isize);
	if (fs->inode_size > sizeof(*raw))
		memcpy(raw + 1, ei->tail, min(sizeof(ei->tail), fs->inode_size - sizeof(*raw)));
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode)) {
		le32 v = cpu_to_le32(i->rdev);

		memcpy(raw->block + 4, &v, sizeof(v));	/* the new encoding, in the second word */
	} else {
		memcpy(raw->block, ei->block, sizeof(ei->block));
	}
	/* 0 would mean that it was never deleted: a board without a clock starts there. */
	if (i->nlink == 0)
		raw->dtime = cpu_to_le32(i->ctime.tv_sec ? (u32)i->ctime.tv_sec : 1);
	store_times(fs, i, raw);
	csum_inode_set(fs, (u32)i->ino, raw);
}

int ext4_inode_store(struct txn *t, struct inode *inode)
{
	struct meta_buf *b;
	struct ext4_disk_inode *raw = raw_inode(t->fs, inode->ino, &b);

	if (is_err(raw))
		return (int)ptr_err(raw);
	store(t->fs, ext4_i(inode), raw);
	txn_dirty(t, b);
	meta_put(b);
	return 0;
}

int ext4_write_inode(struct inode *inode, bool wait)
{
	struct txn t;
	int err = txn_begin(&t, ext4_of(inode));

	if (err)
		return err;
	err = ext4_inode_store(&t, inode);
	txn_end(&t);
	return err;
}

/* The last name and the last user are gone: blocks and number go back. */
void ext4_evict(struct inode *inode)
{
	struct ext4_inode *ei = ext4_i(inode);
	struct txn t;
	int err;

	if (inode->nlink || inode->flags & INODE_BAD || inode->sb->flags & MS_RDONLY)
		return;
	if (txn_begin(&t, ext4_of(inode)))
		return;
	err = 0;
	if (ei->flags & EXT4_EXTENTS_FL) {
		rwlock_write_lock(&ei->map_lock);
		err = extent_remove(&t, ei, 0, ~0u);
		rwlock_write_unlock(&ei->map_lock);
	}
	inode->size = 0;
	if (!err)
		err = ext4_inode_store(&t, inode);
	if (!err)
		err = ext4_ifree(&t, inode);
	if (err)
		log_err("ext4: inode %llu: freeing: error %d", (unsigned long long)inode->ino, -err);
	txn_end(&t);
}

void ext4_add_blocks(struct inode *inode, s64 fs_blocks)
{
	inode->blocks += (u64)(fs_blocks * (s64)(ext4_of(inode)->block_size / 512));
}

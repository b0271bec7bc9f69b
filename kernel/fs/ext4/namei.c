/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: the inode operations the VFS calls, with the directory's inode.lock held. Each is one
 * transaction: prepare, change the directory, change the inodes, store them.
 */
#include <lib/string.h>
#include "ext4.h"

#define LINK_MAX 65000u

/* A directory's link count sticks at 1 once it passed the limit (dir_nlink). */
static void dir_link_inc(struct inode *dir)
{
	if (dir->nlink == 1)
		return;
	dir->nlink++;
	if (dir->nlink >= LINK_MAX && ext4_of(dir)->ro_compat & RO_COMPAT_DIR_NLINK)
		dir->nlink = 1;
}

static void dir_link_dec(struct inode *dir)
{
	if (dir->nlink > 2)
		dir->nlink--;
}

static bool dir_is_full(struct inode *dir)
{
	return dir->nlink >= LINK_MAX && !(ext4_of(dir)->ro_compat & RO_COMPAT_DIR_NLINK);
}

static int ext4_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct ext4_dirent *e;
	struct meta_buf *b;
	struct inode *inode;
	u32 ino;
	int err;

	*out = NULL;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	err = dir_find(dir, name, len, &b, &e);
	if (err)
		return err == -ENOENT ? 0 : err;
	ino = le32_to_cpu(e->inode);
	meta_put(b);
	if (ino == 0 || ino > ext4_of(dir)->inodes_count || (ino < ext4_of(dir)->first_ino && ino != EXT4_ROOT_INO))
		return ext4_corrupt(ext4_of(dir), "directory %llu: entry names inode %u", (unsigned long long)dir->ino, ino);
	inode = ext4_iget(dir->sb, ino);
	if (is_err(inode))
		return (int)ptr_err(inode);
	*out = inode;
	return 0;
}

/* A fresh inode that found no name goes back. */
static void abandon(struct inode *inode)
{
	inode->nlink = 0;
	inode_unlock_new(inode);
	inode_put(inode);
}

/* Gives the new inode its name and both their places on disk. */
static int publish(struct txn *t, struct inode *dir, const char *name, u32 len, struct inode *inode, struct inode **out)
{
	int err = dir_add(t, dir, name, len, (u32)inode->ino, inode->mode);
	bool is_named = !err;

	if (!err)
		err = ext4_inode_store(t, inode);
	if (!err && S_ISDIR(inode->mode))
		dir_link_inc(dir);
	if (!err)
		err = ext4_inode_store(t, dir);
	if (err) {
		if (is_named)
			(void)dir_remove(t, dir, name, len);
		abandon(inode);
		return err;
	}
	inode_unlock_new(inode);
	*out = inode;
	return 0;
}

static int make(struct inode *dir, const char *name, u32 len, mode_t mode, dev_t rdev, struct inode **out)
{
	struct inode *inode;
	struct txn t;
	int err = txn_begin(&t, ext4_of(dir));

	if (err)
		return err;
	inode = ext4_ialloc(&t, dir, mode);
	if (is_err(inode)) {
		err = (int)ptr_err(inode);
	} else {
		inode->rdev = rdev;
		err = publish(&t, dir, name, len, inode, out);
	}
	txn_end(&t);
	return err;
}

static int ext4_create(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	return make(dir, name, len, (mode & 07777) | S_IFREG, 0, out);
}

static int ext4_mknod(struct inode *dir, const char *name, u32 len, mode_t mode, dev_t dev, struct inode **out)
{
	return make(dir, name, len, mode, dev, out);
}

/* Block 0 of a new directory: "." and "..". */
static int dir_fill(struct txn *t, struct inode *inode, u32 parent)
{
	struct ext4_dirent *dot, *dotdot;
	struct meta_buf *b;
	u32 n;

	b = dir_block_append(t, inode, &n);
	if (is_err(b))
		return (int)ptr_err(b);
	dot = (void *)b->data;
	dot->inode = cpu_to_le32((u32)inode->ino);
	dot->rec_len = cpu_to_le16(DIRENT_SIZE(1));
	dot->name_len = 1;
	dot->file_type = t->fs->incompat & INCOMPAT_FILETYPE ? 2 : 0;
	dot->name[0] = '.';
	dotdot = (void *)(b->data + DIRENT_SIZE(1));
	dotdot->inode = cpu_to_le32(parent);
	dotdot->rec_len = cpu_to_le16((u16)(dir_block_room(inode) - DIRENT_SIZE(1)));
	dotdot->name_len = 2;
	dotdot->file_type = dot->file_type;
	memcpy(dotdot->name, "..", 2);
	dir_block_dirty(t, inode, b);
	meta_put(b);
	return 0;
}

static int ext4_mkdir(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	struct inode *inode;
	struct txn t;
	int err;

	if (dir_is_full(dir))
		return -EMLINK;
	err = txn_begin(&t, ext4_of(dir));
	if (err)
		return err;
	inode = ext4_ialloc(&t, dir, (mode & 07777) | S_IFDIR);
	if (is_err(inode)) {
		err = (int)ptr_err(inode);
		goto out;
	}
	inode->nlink = 2;
	err = dir_fill(&t, inode, (u32)dir->ino);
	if (err)
		abandon(inode);
	else
		err = publish(&t, dir, name, len, inode, out);
out:
	txn_end(&t);
	return err;
}

/* Up to 59 bytes lie in the inode, longer ones in a block of their own. */
static int symlink_fill(struct txn *t, struct inode *inode, const char *target, u32 n)
{
	struct ext4_inode *ei = ext4_i(inode);
	struct ext4_map m = { .logical = 0, .len = 1 };
	struct meta_buf *b;
	int err;

	inode->size = n;
	if (n < sizeof(ei->block)) {
		memcpy(ei->block, target, n);
		return 0;
	}
	if (n >= t->fs->block_size)
		return -ENAMETOOLONG;
	ei->flags |= EXT4_EXTENTS_FL;
	extent_init_root(ei);
	rwlock_write_lock(&ei->map_lock);
	err = extent_allocate(t, ei, &m, false);
	rwlock_write_unlock(&ei->map_lock);
	if (err)
		return err;
	b = meta_new(t->fs, m.physical);
	if (is_err(b))
		return (int)ptr_err(b);
	memcpy(b->data, target, n);
	txn_dirty(t, b);
	meta_put(b);
	return 0;
}

static int ext4_symlink(struct inode *dir, const char *name, u32 len, const char *target, struct inode **out)
{
	struct inode *inode;
	struct txn t;
	int err = txn_begin(&t, ext4_of(dir));

	if (err)
		return err;
	inode = ext4_ialloc(&t, dir, S_IFLNK | 0777);
	if (is_err(inode)) {
		err = (int)ptr_err(inode);
		goto out;
	}
	err = symlink_fill(&t, inode, target, (u32)strlen(target));
	if (err)
		abandon(inode);
	else
		err = publish(&t, dir, name, len, inode, out);
out:
	txn_end(&t);
	return err;
}

static ssize_t ext4_readlink(struct inode *inode, char *buf, size_t size)
{
	struct ext4_inode *ei = ext4_i(inode);
	struct ext4_map m = { .logical = 0, .len = 1 };
	size_t n = min((size_t)inode->size, size);
	struct meta_buf *b;
	int err;

	if (!(ei->flags & EXT4_EXTENTS_FL)) {
		memcpy(buf, ei->block, n);
	} else {
		rwlock_read_lock(&ei->map_lock);
		err = extent_lookup(ei, &m);
		rwlock_read_unlock(&ei->map_lock);
		if (err)
			return err;
		if (!m.physical || inode->size >= ext4_of(inode)->block_size)
			return ext4_corrupt(ext4_of(inode), "symlink %llu has no text", (unsigned long long)inode->ino);
		b = meta_read(ext4_of(inode), m.physical);
		if (is_err(b))
			return ptr_err(b);
		memcpy(buf, b->data, n);
		meta_put(b);
	}
	if (n < size)
		buf[n] = '\0';
	return (ssize_t)n;
}

static int ext4_link(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	struct txn t;
	int err;

	if (target->nlink >= LINK_MAX)
		return -EMLINK;
	err = txn_begin(&t, ext4_of(dir));
	if (err)
		return err;
	err = dir_add(&t, dir, name, len, (u32)target->ino, target->mode);
	if (!err) {
		target->nlink++;
		inode_touch(target, ATTR_CTIME);
		err = ext4_inode_store(&t, target);
	}
	if (!err)
		err = ext4_inode_store(&t, dir);
	txn_end(&t);
	return err;
}

static int ext4_unlink(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	struct txn t;
	int err = txn_begin(&t, ext4_of(dir));

	if (err)
		return err;
	err = dir_remove(&t, dir, name, len);
	if (!err) {
		target->nlink--;
		inode_touch(target, ATTR_CTIME);
		err = ext4_inode_store(&t, target);
	}
	if (!err)
		err = ext4_inode_store(&t, dir);
	txn_end(&t);
	return err;
}

static int ext4_rmdir(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	int empty = dir_is_empty(target);
	struct txn t;
	int err;

	if (empty <= 0)
		return empty ? empty : -ENOTEMPTY;
	err = txn_begin(&t, ext4_of(dir));
	if (err)
		return err;
	err = dir_remove(&t, dir, name, len);
	if (!err) {
		target->nlink = 0;
		inode_touch(target, ATTR_CTIME);
		err = ext4_inode_store(&t, target);
	}
	if (!err) {
		dir_link_dec(dir);
		err = ext4_inode_store(&t, dir);
	}
	txn_end(&t);
	return err;
}

/* Points an existing entry at another inode. */
static int entry_redirect(struct txn *t, struct inode *dir, const char *name, u32 len, struct inode *to)
{
	struct ext4_dirent *e;
	struct meta_buf *b;
	int err = dir_find(dir, name, len, &b, &e);

	if (err)
		return err;
	e->inode = cpu_to_le32((u32)to->ino);
	if (t->fs->incompat & INCOMPAT_FILETYPE)
		e->file_type = dir_type_of(to->mode);
	if (ext4_i(dir)->flags & EXT4_INDEX_FL && len <= 2 && name[0] == '.' && b->data == (u8 *)e - DIRENT_SIZE(1)) {
		csum_dx_set(ext4_i(dir), b->data, DX_ROOT_ENTRIES);	/* ".." lies in the index root */
		txn_dirty(t, b);
	} else {
		dir_block_dirty(t, dir, b);
	}
	meta_put(b);
	if (len > 2 || name[0] != '.') {
		dir->version++;
		inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	}
	return 0;
}

static int rename_checks(struct inode *inode, struct inode *from_dir, struct inode *to_dir, struct inode *victim, u32 flags)
{
	int empty;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;			/* exchange and whiteout: not yet */
	if (victim && S_ISDIR(victim->mode)) {
		empty = dir_is_empty(victim);
		if (empty <= 0)
			return empty ? empty : -ENOTEMPTY;
	}
	if (S_ISDIR(inode->mode) && from_dir != to_dir && !victim && dir_is_full(to_dir))
		return -EMLINK;
	return 0;
}

/* The name that was replaced: its inode loses it. */
static int drop_victim(struct txn *t, struct inode *to_dir, struct inode *victim)
{
	if (S_ISDIR(victim->mode)) {
		victim->nlink = 0;
		dir_link_dec(to_dir);
	} else {
		victim->nlink--;
	}
	inode_touch(victim, ATTR_CTIME);
	return ext4_inode_store(t, victim);
}

static int rename_steps(struct txn *t, struct inode *from_dir, const char *from, u32 from_len, struct inode *inode,
			struct inode *to_dir, const char *to, u32 to_len, struct inode *victim)
{
	bool moves_dir = S_ISDIR(inode->mode) && from_dir != to_dir;
	int err = victim ? entry_redirect(t, to_dir, to, to_len, inode) :
			   dir_add(t, to_dir, to, to_len, (u32)inode->ino, inode->mode);

	if (!err)
		err = dir_remove(t, from_dir, from, from_len);
	if (!err && moves_dir) {
		err = entry_redirect(t, inode, "..", 2, to_dir);
		dir_link_dec(from_dir);
		dir_link_inc(to_dir);
	}
	if (!err && victim)
		err = drop_victim(t, to_dir, victim);
	inode_touch(inode, ATTR_CTIME);
	if (!err)
		err = ext4_inode_store(t, inode);
	if (!err)
		err = ext4_inode_store(t, from_dir);
	if (!err && from_dir != to_dir)
		err = ext4_inode_store(t, to_dir);
	return err;
}

static int ext4_rename(struct inode *from_dir, const char *from, u32 from_len, struct inode *inode,
		       struct inode *to_dir, const char *to, u32 to_len, struct inode *victim, u32 flags)
{
	struct txn t;
	int err = rename_checks(inode, from_dir, to_dir, victim, flags);

	if (err)
		return err;
	err = txn_begin(&t, ext4_of(from_dir));
	if (err)
		return err;
	err = rename_steps(&t, from_dir, from, from_len, inode, to_dir, to, to_len, victim);
	txn_end(&t);
	return err;
}

int ext4_setattr(struct inode *inode, const struct iattr *attr)
{
	struct txn t;
	int err = txn_begin(&t, ext4_of(inode));

	if (err)
		return err;
	if (attr->valid & ATTR_SIZE && attr->size != inode->size)
		err = S_ISREG(inode->mode) ? ext4_truncate(&t, inode, attr->size) : -EINVAL;
	if (!err) {
		inode_setattr_copy(inode, attr);
		err = ext4_inode_store(&t, inode);
	}
	txn_end(&t);
	return err;
}

const struct inode_ops ext4_dir_inode_ops = {
	.lookup = ext4_lookup,
	.create = ext4_create,
	.mkdir = ext4_mkdir,
	.mknod = ext4_mknod,
	.symlink = ext4_symlink,
	.link = ext4_link,
	.unlink = ext4_unlink,
	.rmdir = ext4_rmdir,
	.rename = ext4_rename,
	.setattr = ext4_setattr,
};

const struct inode_ops ext4_file_inode_ops = {
	.setattr = ext4_setattr,
};

const struct inode_ops ext4_symlink_inode_ops = {
	.readlink = ext4_readlink,
	.setattr = ext4_setattr,
};

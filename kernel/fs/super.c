/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File-system types and super blocks: created by a mount, shared by later mounts of the same
 * device, taken down when the last mount goes. Where they appear in the tree is mount.c's matter.
 */
#include "vfs.h"
#include <kernel/notify.h>
#include <kernel/block.h>
#include <uapi/mount.h>

static struct list types = LIST_INIT(types);
static struct list supers = LIST_INIT(supers);		/* super_lock */
static struct mutex super_lock;
static u32 next_minor;			/* super_lock: st_dev of file systems without device */

void fs_register(struct file_system *fs) { list_push_back(&types, &fs->link); }

const struct file_system *fs_find(const char *name, size_t len)
{
	struct file_system *fs;

	list_for_each(fs, &types, link)
		if (strlen(fs->name) == len && !memcmp(fs->name, name, len))
			return fs;
	return NULL;
}

int fs_for_each_type(int (*fn)(const struct file_system *fs, void *arg), void *arg)
{
	struct file_system *fs;

	list_for_each(fs, &types, link) {
		int r = fn(fs, arg);

		if (r)
			return r;
	}
	return 0;
}

struct super_block *super_get(struct super_block *sb)
{
	ref_get(&sb->refs);
	return sb;
}

static struct super_block *super_alloc(const struct file_system *fs, const char *source, struct block_device *bdev, u32 flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), 0);

	if (!sb)
		return NULL;
	sb->fs = fs;
	sb->bdev = bdev;
	sb->flags = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME | MS_NODIRATIME | MS_LAZYTIME);
	sb->max_bytes = S64_MAX;
	sb->block_size = PAGE_SIZE;
	sb->time_gran_ns = 1;
	sb->id = ++next_minor;
	sb->dev = bdev ? bdev->dev : MKDEV(0, sb->id);
	mutex_init(&sb->rename_lock, "rename", LOCK_RENAME);
	list_init(&sb->inodes);
	ref_set(&sb->refs, 1);
	strlcpy(sb->source, source && *source ? source : "none", sizeof(sb->source));
	return sb;
}

/* A device, or a FS_SINGLE type, is mounted once; mounting it again shows the same super block. */
static struct super_block *find_mounted(const struct file_system *fs, struct block_device *bdev)
{
	struct super_block *sb;

	list_for_each(sb, &supers, link)
		if (sb->fs == fs && (fs->flags & FS_SINGLE || (bdev && sb->bdev == bdev)))
			return sb;
	return NULL;
}

/*
 * A super block for a new mount, referenced; err_ptr. bdev: required by FS_NEEDS_DEVICE.
 * -EBUSY: mounted already with other read-only state.
 */
struct super_block *super_mount(const char *fstype, const char *source, struct block_device *bdev, u32 flags, const char *data)
{
	const struct file_system *fs = fs_find(fstype, strlen(fstype));
	struct super_block *sb;
	int err;

	if (!fs)
		return err_ptr(-ENODEV);
	if (fs->flags & FS_NEEDS_DEVICE && !bdev)
		return err_ptr(-ENOTBLK);
	if (!(fs->flags & FS_NEEDS_DEVICE))
		bdev = NULL;
	mutex_lock(&super_lock);
	sb = find_mounted(fs, bdev);
	if (sb) {
		/* nr_mounts 0: on its way in or out. */
		err = !sb->nr_mounts || (bdev && (sb->flags ^ flags) & MS_RDONLY) ? -EBUSY : 0;
		if (!err)
			sb->nr_mounts++;
		mutex_unlock(&super_lock);
		/* The one instance takes the options of its last mount, where they can change. */
		if (!err && !bdev && sb->ops->remount) {
			err = sb->ops->remount(sb, sb->flags, data);
			if (err)
				super_drop_mount(sb);
		}
		return err ? err_ptr(err) : sb;
	}
	sb = super_alloc(fs, source, bdev, flags);
	if (!sb) {
		mutex_unlock(&super_lock);
		return err_ptr(-ENOMEM);
	}
	if (bdev)
		atomic_add(&bdev->openers, 1);
	if (bdev && bdev->is_read_only)
		sb->flags |= MS_RDONLY;
	list_push_back(&supers, &sb->link);
	/* Outside the lock: mounting reads from disk. */
	mutex_unlock(&super_lock);
	err = fs->mount(sb, data);
	if (!err && !sb->root)
		err = -EINVAL;
	mutex_lock(&super_lock);
	if (err)
		list_remove(&sb->link);
	else
		sb->nr_mounts = 1;
	mutex_unlock(&super_lock);
	if (!err)
		return sb;
	if (bdev)
		atomic_sub(&bdev->openers, 1);
	super_put(sb);
	return err_ptr(err);
}

/* Everything of sb to disk; wait: and on it. */
int super_sync(struct super_block *sb, bool wait)
{
	int err = 0, r;

	if (sb->flags & MS_RDONLY)
		return 0;
	err = inode_sync_all(sb, wait);
	if (sb->ops && sb->ops->sync) {
		r = sb->ops->sync(sb, wait);
		err = err ? err : r;
	}
	if (sb->bdev && sb->bdev->mapping && wait) {
		r = mapping_writeback(sb->bdev->mapping, 0, U64_MAX, true);
		err = err ? err : r;
		r = block_flush(sb->bdev);
		err = err ? err : r;
	}
	return err;
}

/* The struct goes with the last mount and the last inode's memory. */
void super_put(struct super_block *sb)
{
	if (ref_put(&sb->refs))
		kfree(sb);
}

/* Another mount of a super block that is mounted (bind). */
void super_add_mount(struct super_block *sb)
{
	mutex_lock(&super_lock);
	sb->nr_mounts++;
	mutex_unlock(&super_lock);
}

/* A mount went. The last one: everything to disk, names and inodes out of the caches, the file system closed. */
void super_drop_mount(struct super_block *sb)
{
	bool is_last;

	mutex_lock(&super_lock);
	is_last = --sb->nr_mounts == 0;
	mutex_unlock(&super_lock);
	if (!is_last)
		return;
	notify_super_gone(sb);
	(void)super_sync(sb, true);
	dcache_shrink(sb, U64_MAX);
	dentry_unhash(sb->root);
	dentry_put(sb->root);
	dcache_shrink(sb, U64_MAX);
	if (!inode_sb_is_empty(sb))
		log_err("%s: inodes in use after the last mount went", sb->source);
	if (sb->ops && sb->ops->unmount)
		sb->ops->unmount(sb);
	if (sb->bdev) {
		(void)mapping_writeback(sb->bdev->mapping, 0, U64_MAX, true);
		(void)block_flush(sb->bdev);
		atomic_sub(&sb->bdev->openers, 1);
	}
	mutex_lock(&super_lock);
	list_remove(&sb->link);
	mutex_unlock(&super_lock);
	super_put(sb);
}

int super_remount(struct super_block *sb, u32 flags, const char *data)
{
	int err;

	flags &= MS_RDONLY | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME | MS_LAZYTIME;
	if (sb->bdev && sb->bdev->is_read_only && !(flags & MS_RDONLY))
		return -EACCES;
	if (flags & MS_RDONLY && !(sb->flags & MS_RDONLY)) {
		if (inode_sb_has_writers(sb))
			return -EBUSY;
		err = super_sync(sb, true);
		if (err)
			return err;
	}
	if (sb->ops && sb->ops->remount) {
		err = sb->ops->remount(sb, flags, data);
		if (err)
			return err;
	}
	WRITE_ONCE(sb->flags, flags);
	return 0;
}

/* Calls fn for each super block in turn, referenced while it is worked on. */
static void for_each_super(void (*fn)(struct super_block *sb, bool wait), bool wait)
{
	struct super_block *sb, *prev = NULL;

	mutex_lock(&super_lock);
	list_for_each(sb, &supers, link) {
		if (!sb->nr_mounts)
			continue;
		super_get(sb);
		mutex_unlock(&super_lock);
		fn(sb, wait);
		if (prev)
			super_put(prev);
		prev = sb;
		mutex_lock(&super_lock);
		if (list_empty(&sb->link))	/* unmounted meanwhile: the rest waits for the next round */
			break;
	}
	mutex_unlock(&super_lock);
	if (prev)
		super_put(prev);
}

static void sync_one(struct super_block *sb, bool wait) { (void)super_sync(sb, wait); }

void vfs_sync(bool wait)
{
	for_each_super(sync_one, wait);
	writeback_all(wait);
}

static void sync_if_dirty(struct super_block *sb, bool wait)
{
	if (READ_ONCE(sb->has_dirty) && !(sb->flags & MS_RDONLY))
		(void)super_sync(sb, wait);
}

void super_sync_dirty(void) { for_each_super(sync_if_dirty, false); }

void super_init(void)
{
	mutex_init(&super_lock, "super", LOCK_SUPER);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: creation, the (super block, number) hash, dirtiness, eviction. Attributes and
 * permissions are in attr.c.
 *
 * An inode lives while a dentry or somebody else refers to it; its last reference writes it back and
 * evicts it. Who looks for a number being evicted waits until it is gone.
 */
#include "vfs.h"
#include <kernel/time.h>
#include <uapi/mount.h>

#define INODE_BUCKETS 512u

static struct list inode_hash[INODE_BUCKETS];
static struct spinlock hash_lock = SPINLOCK_INIT("inode-hash", LOCK_INODE_HASH);
static struct kmem_cache *inode_cache __ro_after_init;
static struct waitq gone_wait = WAITQ_INIT(gone_wait);	/* an evicted inode left the hash */

static struct list *bucket_of(struct super_block *sb, ino_t ino)
{
	u64 h = (ino + (u64)(uintptr_t)sb) * 0x9e3779b97f4a7c15ull;

	return &inode_hash[h >> 32 & (INODE_BUCKETS - 1)];
}

struct inode *inode_new(struct super_block *sb)
{
	struct inode *i;

	if (sb->ops && sb->ops->alloc_inode) {
		i = sb->ops->alloc_inode(sb);
	} else {
		i = kmem_cache_alloc(inode_cache, 0);
	}
	if (!i)
		return NULL;
	memset(i, 0, sizeof(*i));
	i->sb = sb;
	i->nlink = 1;
	ref_set(&i->refs, 1);
	rwlock_init(&i->lock, "inode", LOCK_INODE);
	mapping_init(&i->mapping, i, NULL);
	list_init(&i->hash_link);
	spin_lock(&hash_lock);
	list_push_back(&sb->inodes, &i->sb_link);
	spin_unlock(&hash_lock);
	return i;
}

/* Directories rank above files; called when the first name for the inode appears, nobody holds the lock yet. */
void inode_set_dir_rank(struct inode *i)
{
#if CONFIG_DEBUG
	if (S_ISDIR(i->mode))
		i->lock.rank = LOCK_INODE_DIR;
#endif
}

static struct inode *find_locked(struct super_block *sb, ino_t ino, bool *dying)
{
	struct inode *i;

	*dying = false;
	list_for_each(i, bucket_of(sb, ino), hash_link)
		if (i->sb == sb && i->ino == ino) {
			if (ref_get_not_zero(&i->refs))
				return i;
			*dying = true;
			return NULL;
		}
	return NULL;
}

static bool is_gone(struct super_block *sb, ino_t ino)
{
	struct inode *i;
	bool dying;

	spin_lock(&hash_lock);
	i = find_locked(sb, ino, &dying);
	spin_unlock(&hash_lock);
	if (i)
		inode_put(i);
	return !dying;
}

struct inode *inode_get_locked(struct super_block *sb, ino_t ino)
{
	struct inode *i, *fresh = NULL;
	bool dying;

	while (1) {
		spin_lock(&hash_lock);
		i = find_locked(sb, ino, &dying);
		if (!i && !dying && fresh)
			list_push_front(bucket_of(sb, ino), &fresh->hash_link);
		spin_unlock(&hash_lock);
		if (i || (!dying && fresh))
			break;
		if (dying) {
			waitq_wait(&gone_wait, is_gone(sb, ino));
		} else {
			fresh = inode_new(sb);
			if (!fresh)
				return err_ptr(-ENOMEM);
			fresh->ino = ino;
			fresh->flags = INODE_NEW;
			rwlock_write_lock(&fresh->lock);
		}
	}
	if (!i)
		return fresh;
	if (fresh) {
		rwlock_write_unlock(&fresh->lock);
		fresh->flags = INODE_BAD;
		inode_put(fresh);
	}
	if (atomic_load(&i->flags) & INODE_NEW) {	/* wait for the one who fills it */
		rwlock_read_lock(&i->lock);
		rwlock_read_unlock(&i->lock);
	}
	if (atomic_load(&i->flags) & INODE_BAD) {
		inode_put(i);
		return err_ptr(-EIO);
	}
	return i;
}

void inode_unlock_new(struct inode *i)
{
	(void)atomic_fetch_and(&i->flags, ~(u32)INODE_NEW);
	rwlock_write_unlock(&i->lock);
	inode_set_dir_rank(i);
}

void inode_fail_new(struct inode *i)
{
	(void)atomic_fetch_or(&i->flags, (u32)INODE_BAD);
	spin_lock(&hash_lock);
	list_remove(&i->hash_link);
	spin_unlock(&hash_lock);
	(void)atomic_fetch_and(&i->flags, ~(u32)INODE_NEW);
	rwlock_write_unlock(&i->lock);
	inode_put(i);
}

static void inode_free_epoch(struct epoch_head *h)
{
	struct inode *i = container_of(h, struct inode, epoch);
	struct super_block *sb = i->sb;

	if (sb->ops && sb->ops->free_inode)
		sb->ops->free_inode(i);
	else
		kmem_cache_free(inode_cache, i);
	super_put(sb);
}

/* Nobody refers to it any more: data and metadata to disk, pages away, out of the tables. */
static void inode_evict(struct inode *i)
{
	struct super_block *sb = i->sb;

	(void)atomic_fetch_or(&i->flags, (u32)INODE_DYING);
	if (i->nlink && !(i->flags & INODE_BAD) && !i->mapping.keep) {
		(void)mapping_writeback(&i->mapping, 0, U64_MAX, true);
		if (i->flags & INODE_DIRTY && sb->ops && sb->ops->write_inode) {
			int err = sb->ops->write_inode(i, false);

			if (err)
				log_err("%s: inode %llu cannot be written: error %d", sb->source,
					(unsigned long long)i->ino, err);
		}
	}
	mapping_destroy(&i->mapping);
	if (sb->ops && sb->ops->evict && !(i->flags & INODE_BAD))
		sb->ops->evict(i);
	if (i->pipe)
		pipe_free(i->pipe);
	locks_inode_free(i);
	/* The super block stays until the memory is gone: free_inode is its function. */
	super_get(sb);
	spin_lock(&hash_lock);
	list_remove(&i->hash_link);
	list_remove(&i->sb_link);
	spin_unlock(&hash_lock);
	waitq_wake_all(&gone_wait);
	epoch_defer(&i->epoch, inode_free_epoch);
}

void inode_put(struct inode *i)
{
	if (i && ref_put(&i->refs))
		inode_evict(i);
}

void inode_mark_dirty(struct inode *i)
{
	if (!(atomic_load(&i->flags) & INODE_DIRTY))
		(void)atomic_fetch_or(&i->flags, (u32)INODE_DIRTY);
	/* The super block is remembered as having work, see inode_sync_all. */
	if (!READ_ONCE(i->sb->has_dirty))
		WRITE_ONCE(i->sb->has_dirty, true);
}

/* Writes the metadata and, if wait, the data of every dirty inode of sb. First error. */
int inode_sync_all(struct super_block *sb, bool wait)
{
	struct inode *i, *prev = NULL;
	int err = 0, r;

	if (!sb->ops || !sb->ops->write_inode)
		return 0;
	WRITE_ONCE(sb->has_dirty, false);
	spin_lock(&hash_lock);
	list_for_each(i, &sb->inodes, sb_link) {
		if (!(i->flags & INODE_DIRTY) && !(wait && READ_ONCE(i->mapping.nr_dirty)))
			continue;
		if (i->flags & (INODE_NEW | INODE_BAD) || !ref_get_not_zero(&i->refs))
			continue;
		spin_unlock(&hash_lock);
		r = wait ? mapping_writeback(&i->mapping, 0, U64_MAX, true) : 0;
		if (!err)
			err = r;
		if (atomic_fetch_and(&i->flags, ~(u32)INODE_DIRTY) & INODE_DIRTY) {
			r = sb->ops->write_inode(i, wait);
			if (!err)
				err = r;
		}
		inode_put(prev);
		prev = i;
		spin_lock(&hash_lock);
	}
	spin_unlock(&hash_lock);
	inode_put(prev);
	return err;
}

bool inode_sb_is_empty(struct super_block *sb)
{
	bool empty;

	spin_lock(&hash_lock);
	empty = list_empty(&sb->inodes);
	spin_unlock(&hash_lock);
	return empty;
}

/* A file of sb is open for writing: it cannot become read-only. */
bool inode_sb_has_writers(struct super_block *sb)
{
	struct inode *i;
	bool found = false;

	spin_lock(&hash_lock);
	list_for_each(i, &sb->inodes, sb_link)
		found |= S_ISREG(i->mode) && atomic_load(&i->writers) > 0;
	spin_unlock(&hash_lock);
	return found;
}

/* Counts an opening for writing; -ETXTBSY while a program runs from the file. */
int inode_get_write(struct inode *i)
{
	s32 n = atomic_load(&i->writers);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!atomic_cmpxchg(&i->writers, &n, n + 1));
	return 0;
}

void inode_put_write(struct inode *i) { atomic_sub(&i->writers, 1); }

int inode_deny_write(struct inode *i)
{
	s32 n = atomic_load(&i->writers);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!atomic_cmpxchg(&i->writers, &n, n - 1));
	return 0;
}

void inode_allow_write(struct inode *i) { atomic_add(&i->writers, 1); }

/* The wall clock cut to what the file system can store. */
struct timespec64 inode_now(const struct inode *i)
{
	const struct super_block *sb = i->sb;
	s64 ns = time_wall_coarse_ns();
	struct timespec64 t = { ns / 1000000000, ns % 1000000000 };

	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += 1000000000;
	}
	if (sb->time_gran_ns > 1)
		t.tv_nsec -= t.tv_nsec % sb->time_gran_ns;
	return t;
}

void inode_touch(struct inode *i, u32 attr_times)
{
	struct timespec64 now = inode_now(i);

	if (attr_times & ATTR_ATIME)
		i->atime = now;
	if (attr_times & ATTR_MTIME)
		i->mtime = now;
	if (attr_times & ATTR_CTIME)
		i->ctime = now;
	if (attr_times & (ATTR_MTIME | ATTR_CTIME))
		i->version++;
	inode_mark_dirty(i);
}

static bool not_after(const struct timespec64 *a, const struct timespec64 *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec <= b->tv_nsec;
}

/* Access time as "relatime" means it: only when older than the last change or than a day. */
void inode_touch_atime(struct inode *i, const struct mount *mnt)
{
	struct timespec64 now;

	if (i->sb->flags & (MS_RDONLY | MS_NOATIME) || !mnt || mnt->flags & (MS_NOATIME | MS_RDONLY) ||
	    (S_ISDIR(i->mode) && (mnt->flags | i->sb->flags) & MS_NODIRATIME))
		return;
	if (!(mnt->flags & MS_STRICTATIME) && !not_after(&i->atime, &i->mtime) &&
	    !not_after(&i->atime, &i->ctime)) {
		now = inode_now(i);
		if (now.tv_sec - i->atime.tv_sec < 24 * 3600)
			return;
	}
	inode_touch(i, ATTR_ATIME);
}

void inode_cache_init(void)
{
	for (u32 n = 0; n < INODE_BUCKETS; n++)
		list_init(&inode_hash[n]);
	inode_cache = kmem_cache_create("inode", sizeof(struct inode), 0, NULL);
}

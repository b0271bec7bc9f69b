/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on names: create, link, remove, rename. All take the directory's inode lock for
 * writing; a rename takes the file system's rename_lock and both directories, ancestors first.
 */
#include "vfs.h"
#include <kernel/notify.h>
#include <kernel/process.h>
#include <uapi/capability.h>

int dir_may_create(struct inode *dir)
{
	if (dir->nlink == 0)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

/* Removing or replacing victim: write permission, and the sticky bit's owner rule. */
static int may_delete(struct inode *dir, struct inode *victim)
{
	const struct cred *c = cred_current();
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (dir->flags & INODE_APPEND || victim->flags & (INODE_APPEND | INODE_IMMUTABLE))
		return -EPERM;
	if (dir->mode & S_ISVTX && c->fsuid != victim->uid && c->fsuid != dir->uid && !cred_capable(c, CAP_FOWNER))
		return -EPERM;
	return 0;
}

/* Locks the directory and finds a free place for name: a negative dentry. -EEXIST; on error nothing is locked. */
static struct dentry *begin_create(const struct path *dir, const char *name, u32 len)
{
	struct inode *di = dir->dentry->inode;
	struct dentry *d;
	int err = mount_wants_write(dir);

	if (!S_ISDIR(di->mode))
		return err_ptr(-ENOTDIR);
	rwlock_write_lock(&di->lock);
	d = dir_lookup_locked(dir->dentry, name, len);
	if (is_err(d)) {
		err = (int)ptr_err(d);
	} else {
		if (d->inode)
			err = -EEXIST;
		if (!err)
			err = dir_may_create(di);
		if (err)
			dentry_put(d);
	}
	if (!err)
		return d;
	rwlock_write_unlock(&di->lock);
	return err_ptr(err);
}

static int end_create(const struct path *dir, struct dentry *d, int err, struct inode *inode)
{
	if (!err)
		dentry_instantiate(d, inode);
	if (!err && d->flags & DENTRY_UNHASHED) {	/* a volatile directory's */
		d = dentry_insert(d);
	}
	if (!err)
		notify_name(dir->dentry->inode, inode, IN_CREATE, 0, d->name, d->name_len);
	rwlock_write_unlock(&dir->dentry->inode->lock);
	dentry_put(d);
	return err;
}

int dir_mknod(const struct path *dir, const char *name, u32 len, mode_t mode, dev_t dev)
{
	struct inode *di = dir->dentry->inode, *inode = NULL;
	struct dentry *d;
	int err;

	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !capable(CAP_MKNOD))
		return -EPERM;
	d = begin_create(dir, name, len);
	if (is_err(d))
		return (int)ptr_err(d);
	if (S_ISREG(mode))
		err = di->ops->create ? di->ops->create(di, name, len, mode, &inode) : -EPERM;
	else
		err = di->ops->mknod ? di->ops->mknod(di, name, len, mode, dev, &inode) : -EPERM;
	return end_create(dir, d, err, inode);
}

int dir_mkdir(const struct path *dir, const char *name, u32 len, mode_t mode)
{
	struct inode *di = dir->dentry->inode, *inode = NULL;
	struct dentry *d = begin_create(dir, name, len);
	int err;

	if (is_err(d))
		return (int)ptr_err(d);
	mode &= S_IALLUGO & ~(mode_t)(S_ISUID | S_ISGID);
	err = di->ops->mkdir ? di->ops->mkdir(di, name, len, mode | S_IFDIR, &inode) : -EPERM;
	return end_create(dir, d, err, inode);
}

int dir_symlink(const struct path *dir, const char *name, u32 len, const char *target)
{
	struct inode *di = dir->dentry->inode, *inode = NULL;
	struct dentry *d = begin_create(dir, name, len);
	int err;

	if (is_err(d))
		return (int)ptr_err(d);
	err = di->ops->symlink ? di->ops->symlink(di, name, len, target, &inode) : -EPERM;
	return end_create(dir, d, err, inode);
}

int dir_link(const struct path *old, const struct path *dir, const char *name, u32 len)
{
	struct inode *di = dir->dentry->inode, *inode = old->dentry->inode;
	struct dentry *d = begin_create(dir, name, len);
	int err;

	/* Linux's order: the new name first (EEXIST), then what the old one is. */
	if (is_err(d))
		return (int)ptr_err(d);
	if (old->dentry->sb != dir->dentry->sb || old->mnt != dir->mnt)
		return end_create(dir, d, -EXDEV, inode);
	if (S_ISDIR(inode->mode))
		return end_create(dir, d, -EPERM, inode);
	rwlock_write_lock(&inode->lock);
	if (inode->flags & (INODE_APPEND | INODE_IMMUTABLE))
		err = -EPERM;
	else if (inode->nlink == 0)
		err = -ENOENT;
	else
		err = di->ops->link ? di->ops->link(di, name, len, inode) : -EPERM;
	rwlock_write_unlock(&inode->lock);
	if (!err) {
		inode_get(inode);
		notify_inode(inode, IN_ATTRIB);		/* one more link */
	}
	return end_create(dir, d, err, inode);
}

/* Creates a regular file for open(O_CREAT): directory locked for writing, d negative in it. */
int dir_create_locked(const struct path *dir, struct dentry *d, mode_t mode)
{
	struct inode *di = dir->dentry->inode, *inode = NULL;
	int err = mount_wants_write(dir);

	if (!err)
		err = dir_may_create(di);
	if (!err)
		err = di->ops->create ? di->ops->create(di, d->name, d->name_len, mode | S_IFREG, &inode) : -EACCES;
	if (!err) {
		dentry_instantiate(d, inode);
		notify_name(di, inode, IN_CREATE, 0, d->name, d->name_len);
	}
	return err;
}

/* Locks the directory and finds an existing name. On error nothing is locked. */
static struct dentry *begin_remove(const struct path *dir, const char *name, u32 len)
{
	struct inode *di = dir->dentry->inode;
	struct dentry *d;
	int err;

	rwlock_write_lock(&di->lock);
	d = dir_lookup_locked(dir->dentry, name, len);
	if (is_err(d)) {
		rwlock_write_unlock(&di->lock);
		return d;
	}
	err = !d->inode ? -ENOENT : mount_wants_write(dir);
	if (!err)
		err = may_delete(di, d->inode);
	if (!err && mount_covers(d))
		err = -EBUSY;
	if (!err)
		return d;
	rwlock_write_unlock(&di->lock);
	dentry_put(d);
	return err_ptr(err);
}

static int end_remove(const struct path *dir, struct dentry *d, const char *name, u32 len, int err)
{
	struct inode *i = NULL;

	if (!err) {
		dentry_unhash(d);
		if (notify_is_on()) {
			i = inode_get(d->inode);
			if (!S_ISDIR(i->mode))
				notify_inode(i, IN_ATTRIB);	/* one link less */
		}
	}
	rwlock_write_unlock(&dir->dentry->inode->lock);
	if (!err)
		mount_leave(d);
	dentry_put(d);	/* may evict the inode: outside the lock */
	if (i) {
		notify_name(dir->dentry->inode, i, IN_DELETE, 0, name, len);
		inode_put(i);
	}
	return err;
}

int dir_unlink(const struct path *dir, const char *name, u32 len)
{
	struct inode *di = dir->dentry->inode, *i;
	struct dentry *d = begin_remove(dir, name, len);
	int err;

	if (is_err(d))
		return (int)ptr_err(d);
	i = d->inode;
	if (S_ISDIR(i->mode)) {
		err = -EISDIR;
	} else {
		rwlock_write_lock(&i->lock);
		err = di->ops->unlink ? di->ops->unlink(di, name, len, i) : -EPERM;
		rwlock_write_unlock(&i->lock);
	}
	return end_remove(dir, d, name, len, err);
}

int dir_rmdir(const struct path *dir, const char *name, u32 len)
{
	struct inode *di = dir->dentry->inode, *i;
	struct dentry *d = begin_remove(dir, name, len);
	int err;

	if (is_err(d))
		return (int)ptr_err(d);
	i = d->inode;
	if (!S_ISDIR(i->mode)) {
		err = -ENOTDIR;
	} else {
		rwlock_write_lock(&i->lock);
		err = di->ops->rmdir ? di->ops->rmdir(di, name, len, i) : -EPERM;
		rwlock_write_unlock(&i->lock);
	}
	return end_remove(dir, d, name, len, err);
}

/* The directory that is an ancestor of the other first, else by address. rename_lock held when they differ. */
static void lock_two_dirs(struct dentry *a, struct dentry *b)
{
	if (a == b) {
		rwlock_write_lock(&a->inode->lock);
		return;
	}
	if (!dentry_is_below(b, a) && (dentry_is_below(a, b) || a > b)) {
		struct dentry *t = a;

		a = b;
		b = t;
	}
	rwlock_write_lock(&a->inode->lock);
	rwlock_write_lock(&b->inode->lock);
}

static void unlock_two_dirs(struct dentry *a, struct dentry *b)
{
	rwlock_write_unlock(&a->inode->lock);
	if (a != b)
		rwlock_write_unlock(&b->inode->lock);
}

/* Everything POSIX rename demands of source s and target t, both in locked directories. 1: nothing to do. */
static int check_rename(const struct path *from_dir, struct dentry *s, const struct path *to_dir, struct dentry *t,
			u32 flags)
{
	struct inode *from = from_dir->dentry->inode, *to = to_dir->dentry->inode, *victim = t->inode;
	int err;

	if (!s->inode)
		return -ENOENT;
	if (to->nlink == 0)
		return -ENOENT;
	if (!victim && flags & RENAME_EXCHANGE)
		return -ENOENT;
	if (victim && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (dentry_is_below(to_dir->dentry, s))
		return -EINVAL;
	/* The victim holds the source, so it is not empty; Linux says so before it compares the kinds. */
	if (victim && dentry_is_below(from_dir->dentry, t))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (victim == s->inode)
		return 1;
	err = may_delete(from, s->inode);
	if (!err)
		err = victim ? may_delete(to, victim) : dir_may_create(to);
	if (err)
		return err;
	if (mount_covers(s) || mount_covers(t))
		return -EBUSY;
	if (victim && !(flags & RENAME_EXCHANGE)) {
		if (S_ISDIR(s->inode->mode) && !S_ISDIR(victim->mode))
			return -ENOTDIR;
		if (!S_ISDIR(s->inode->mode) && S_ISDIR(victim->mode))
			return -EISDIR;
	}
	/* A moved directory's ".." changes. */
	if (S_ISDIR(s->inode->mode) && from != to)
		return inode_permission(s->inode, MAY_WRITE);
	return 0;
}

/* s took t's place (or they changed places); names are still the old ones. */
static void notify_rename(struct inode *from, struct dentry *s, struct inode *to, struct dentry *t, u32 flags)
{
	u32 cookie;

	if (!notify_is_on())
		return;
	cookie = notify_cookie();
	notify_name(from, s->inode, IN_MOVED_FROM, cookie, s->name, s->name_len);
	notify_name(to, s->inode, IN_MOVED_TO, cookie, t->name, t->name_len);
	if (t->inode && !(flags & RENAME_EXCHANGE))
		notify_inode(t->inode, IN_ATTRIB);
	notify_inode(s->inode, IN_MOVE_SELF);
	if (!(flags & RENAME_EXCHANGE))
		return;
	cookie = notify_cookie();
	notify_name(to, t->inode, IN_MOVED_FROM, cookie, t->name, t->name_len);
	notify_name(from, t->inode, IN_MOVED_TO, cookie, s->name, s->name_len);
	notify_inode(t->inode, IN_MOVE_SELF);
}

static int rename_locked(const struct path *from_dir, struct dentry *s, const struct path *to_dir,
			 struct dentry *t, u32 flags)
{
	struct inode *from = from_dir->dentry->inode, *to = to_dir->dentry->inode;
	int err = check_rename(from_dir, s, to_dir, t, flags);

	if (err)
		return err == 1 ? 0 : err;
	if (!from->ops->rename)
		return -EPERM;
	err = from->ops->rename(from, s->name, s->name_len, s->inode, to, t->name, t->name_len, t->inode, flags);
	if (err)
		return err;
	notify_rename(from, s, to, t, flags);
	if (flags & RENAME_EXCHANGE)
		return dentry_exchange(s, t);
	dentry_unhash(t);
	err = dentry_move(s, to_dir->dentry, t->name, t->name_len);
	if (err) {		/* done on disk; only the cache lacks memory: forget the name */
		dentry_unhash(s);
		err = 0;
	}
	return err;
}

int dir_rename(const struct path *from_dir, const char *from, u32 from_len,
	       const struct path *to_dir, const char *to, u32 to_len, u32 flags)
{
	struct super_block *sb = from_dir->dentry->sb;
	struct dentry *s, *t = NULL;
	int err;

	if (from_dir->mnt != to_dir->mnt || sb != to_dir->dentry->sb)
		return -EXDEV;
	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = mount_wants_write(from_dir);
	if (err)
		return err;
	mutex_lock(&sb->rename_lock);
	lock_two_dirs(from_dir->dentry, to_dir->dentry);
	s = dir_lookup_locked(from_dir->dentry, from, from_len);
	err = is_err(s) ? (int)ptr_err(s) : 0;
	if (!err) {
		t = dir_lookup_locked(to_dir->dentry, to, to_len);
		err = is_err(t) ? (int)ptr_err(t) : rename_locked(from_dir, s, to_dir, t, flags);
	}
	unlock_two_dirs(from_dir->dentry, to_dir->dentry);
	mutex_unlock(&sb->rename_lock);
	if (!is_err(s))
		dentry_put(s);
	if (t && !is_err(t)) {
		if (!err && !(flags & RENAME_EXCHANGE))
			mount_leave(t);
		dentry_put(t);
	}
	return err;
}

static bool name_is_bad(const char *name)
{
	return !*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..");
}

static int check_name(const char *name)
{
	if (name_is_bad(name))
		return -EINVAL;
	return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

int vfs_mkdir(const struct path *dir, const char *name, mode_t mode)
{
	int err = check_name(name);

	return err ? err : dir_mkdir(dir, name, (u32)strlen(name), mode);
}

int vfs_mknod(const struct path *dir, const char *name, mode_t mode, dev_t dev)
{
	int err = check_name(name);

	return err ? err : dir_mknod(dir, name, (u32)strlen(name), mode, dev);
}

int vfs_mknod_path(const char *path, mode_t mode, dev_t dev, struct path *out)
{
	struct walk w;
	int err;

	if (!*path)
		return -ENOENT;
	(void)walk_begin(&w, NULL, path);
	err = walk_parent(&w);
	if (!err && (w.type != LAST_NAME || w.last_slash))
		err = w.type != LAST_NAME ? -EEXIST : -ENOENT;
	if (!err)
		err = dir_mknod(&w.cur, w.last, w.last_len, mode, dev);
	if (!err)
		err = walk_step(&w, w.last, w.last_len, out);
	if (!err && (!out->dentry->inode || ((out->dentry->inode->mode ^ mode) & S_IFMT))) {
		path_put(out);		/* somebody was quicker to replace it */
		err = -ENOENT;
	}
	walk_end(&w);
	return err;
}

int vfs_symlink(const struct path *dir, const char *name, const char *target)
{
	int err = check_name(name);

	return err ? err : dir_symlink(dir, name, (u32)strlen(name), target);
}

int vfs_link(const struct path *old, const struct path *dir, const char *name)
{
	int err = check_name(name);

	return err ? err : dir_link(old, dir, name, (u32)strlen(name));
}

int vfs_unlink(const struct path *dir, const char *name)
{
	int err = check_name(name);

	return err ? err : dir_unlink(dir, name, (u32)strlen(name));
}

int vfs_rmdir(const struct path *dir, const char *name)
{
	int err = check_name(name);

	return err ? err : dir_rmdir(dir, name, (u32)strlen(name));
}

int vfs_rename(const struct path *from_dir, const char *from, const struct path *to_dir, const char *to, u32 flags)
{
	int err = check_name(from);

	if (!err)
		err = check_name(to);
	return err ? err : dir_rename(from_dir, from, (u32)strlen(from), to_dir, to, (u32)strlen(to), flags);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening: from a path and O_* flags to an open file (POSIX open). */
#include "vfs.h"
#include <kernel/notify.h>
#include <kernel/block.h>
#include <kernel/process.h>
#include <uapi/capability.h>
#include <uapi/mount.h>

static const struct file_ops no_ops;	/* O_PATH, and inodes nobody can open */

static u32 access_mask(u32 flags)
{
	static const u32 masks[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };

	return masks[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* Everything that forbids opening p this way. */
static int check_open(const struct path *p, u32 flags, const struct cred *cred, bool is_new)
{
	struct inode *i = p->dentry->inode;
	u32 mask = access_mask(flags);
	int err;

	if (S_ISLNK(i->mode))
		return -ELOOP;
	if (S_ISDIR(i->mode) && (mask & MAY_WRITE || flags & O_CREAT))
		return -EISDIR;
	if (flags & O_DIRECTORY && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if ((S_ISCHR(i->mode) || S_ISBLK(i->mode)) && p->mnt && p->mnt->flags & MS_NODEV)
		return -EACCES;
	if (S_ISSOCK(i->mode))
		return -ENXIO;
	if (is_new)
		return 0;
	err = inode_permission_cred(i, mask, cred);
	if (err)
		return err;
	if (mask & MAY_WRITE && (S_ISREG(i->mode) || S_ISDIR(i->mode)) && mount_wants_write(p))
		return -EROFS;
	if (i->flags & INODE_APPEND && ((mask & MAY_WRITE && !(flags & O_APPEND)) || flags & O_TRUNC))
		return -EPERM;
	if (flags & O_NOATIME && cred->fsuid != i->uid && !cred_capable(cred, CAP_FOWNER))
		return -EPERM;
	return 0;
}

static const struct file_ops *ops_of(struct inode *i)
{
	if (S_ISBLK(i->mode))
		return &blockdev_file_ops;
	if (S_ISFIFO(i->mode))
		return &fifo_file_ops;
	return i->fops ? i->fops : &no_ops;
}

static int truncate_for_open(struct inode *i)
{
	struct iattr attr = { .valid = ATTR_SIZE };

	return inode_setattr(i, &attr);
}

/*
 * p's references stay the caller's. is_new: the file was just created, its mode does not bind the creator. f: of
 * file_alloc, used up either way; NULL: one is made.
 */
struct file *file_open_checked(struct file *f, const struct path *p, u32 flags, const struct cred *cred, bool is_new)
{
	struct inode *i = p->dentry->inode;
	bool is_cut = false;
	int err = flags & O_PATH ? 0 : check_open(p, flags, cred, is_new);

	if (flags & O_PATH && flags & O_DIRECTORY && !S_ISDIR(i->mode))
		err = -ENOTDIR;
	if (err) {
		if (f)
			file_free(f);
		return err_ptr(err);
	}
	if (!f)
		f = file_alloc(flags);
	if (is_err(f))
		return f;
	f->path = *p;
	path_get(&f->path);
	f->inode = i;
	f->ops = &no_ops;
	if (flags & O_PATH)
		return f;
	if (f->mode & FMODE_WRITE && S_ISREG(i->mode)) {
		err = inode_get_write(i);
		if (err)
			goto no_write;
	}
	if (flags & O_TRUNC && S_ISREG(i->mode) && !is_new) {
		err = truncate_for_open(i);
		if (err)
			goto no_open;
		is_cut = true;
	}
	f->ops = ops_of(i);
	err = S_ISCHR(i->mode) && !i->fops ? chardev_open(i, f) : f->ops->open ? f->ops->open(i, f) : 0;
	f->flags &= ~(u32)O_NOCTTY;	/* a terminal's open has seen it */
	if (!err) {
		notify_file(f, IN_OPEN);
		if (is_cut)
			notify_file(f, IN_MODIFY);
		return f;
	}
no_open:
	if (f->mode & FMODE_WRITE && S_ISREG(i->mode))
		inode_put_write(i);
no_write:
	file_free(f);
	return err_ptr(err);
}

struct file *file_open_path(const struct path *p, u32 flags, const struct cred *cred)
{
	return file_open_checked(NULL, p, flags, cred, false);
}

/* The last component is not known to exist: create it unless it does. *p is the result. */
static int create_last(struct walk *w, struct path *p, mode_t mode, bool *is_new)
{
	struct inode *di = w->cur.dentry->inode;
	struct dentry *d;
	int err = 0;

	rwlock_write_lock(&di->lock);
	d = dir_lookup_locked(w->cur.dentry, w->last, w->last_len);
	if (is_err(d)) {
		err = (int)ptr_err(d);
	} else if (!d->inode) {
		err = dir_create_locked(&w->cur, d, mode);
		*is_new = !err;
	}
	rwlock_write_unlock(&di->lock);
	if (err) {
		if (!is_err(d))
			dentry_put(d);
		return err;
	}
	p->mnt = mount_get(w->cur.mnt);
	p->dentry = d;
	return 0;
}

/*
 * To the last component. *p without a name: not known to exist. For O_CREAT the file system is not asked here: create_last
 * does so with the directory locked for writing, and locking it for reading first would be one more place to meet others.
 */
static int last_step(struct walk *w, u32 flags, struct path *p)
{
	int err;

	if (!(flags & O_CREAT))
		return walk_step(w, w->last, w->last_len, p);
	err = walk_step_cached(w, w->last, w->last_len, p);
	if (err != -EAGAIN)
		return err;
	*p = (struct path){ 0 };
	return 0;
}

/* Walks to what is to be opened, creating it if asked. *p referenced. */
static int open_walk(struct walk *w, u32 flags, mode_t mode, struct path *p, bool *is_new)
{
	int err;

	while (1) {
		err = walk_parent(w);
		if (!err && w->type == LAST_DOTDOT)
			err = walk_up(w);
		if (err)
			return err;
		if (w->type != LAST_NAME) {
			*p = w->cur;
			path_get(p);
			return 0;
		}
		if (flags & O_CREAT && w->last_slash)
			return -EISDIR;
		err = last_step(w, flags, p);
		if (err)
			return err;
		if (!p->dentry || !p->dentry->inode) {
			path_put(p);
			if (!(flags & O_CREAT))
				return -ENOENT;
			err = create_last(w, p, mode, is_new);
			if (err)
				return err;
		}
		if (flags & O_CREAT && flags & O_EXCL && !*is_new) {
			path_put(p);
			return -EEXIST;
		}
		if (!walk_is_symlink(p->dentry))
			break;
		if (flags & O_NOFOLLOW && !w->last_slash) {
			if (flags & O_PATH)
				return 0;
			path_put(p);
			return flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
		}
		err = walk_symlink(w, p);
		if (err)
			return err;
	}
	if (w->last_slash && !S_ISDIR(p->dentry->inode->mode)) {
		path_put(p);
		return -ENOTDIR;
	}
	return 0;
}

/* O_TMPFILE: a file without a name in the directory. */
static struct file *open_tmpfile(const struct path *dir, const char *path, u32 flags, mode_t mode, u32 resolve)
{
	struct path p;
	struct inode *i = NULL;
	struct dentry *d;
	struct file *f;
	int err = path_lookup_resolve(dir, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, resolve, &p);

	if (err)
		return err_ptr(err);
	err = mount_wants_write(&p);
	if (!err)
		err = dir_may_create(p.dentry->inode);
	if (!err && !p.dentry->inode->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (!err) {
		rwlock_write_lock(&p.dentry->inode->lock);
		err = p.dentry->inode->ops->tmpfile(p.dentry->inode, mode | S_IFREG, &i);
		rwlock_write_unlock(&p.dentry->inode->lock);
	}
	d = err ? NULL : dentry_alloc(NULL, "(tmpfile)", 9);
	if (!err && !d) {
		inode_put(i);
		err = -ENOMEM;
	}
	if (!err) {
		struct path file_path = { p.mnt, d };

		d->sb = i->sb;
		d->inode = i;
		f = file_open_checked(NULL, &file_path, flags & ~(u32)(O_TMPFILE | O_TRUNC), cred_current(), true);
		dentry_put(d);
	} else {
		f = err_ptr(err);
	}
	path_put(&p);
	return f;
}

struct file *file_open_at(const struct path *dir, const char *path, u32 flags, mode_t mode)
{
	return file_open_resolve(dir, path, flags, mode, 0);
}

struct file *file_open_resolve(const struct path *dir, const char *path, u32 flags, mode_t mode, u32 resolve)
{
	struct walk w;
	struct path p;
	struct file *f = NULL;
	bool is_new = false;
	int err;

	if (!*path)
		return err_ptr(-ENOENT);
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	mode = mode_umask(mode & S_IALLUGO);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return (flags & O_ACCMODE) == O_RDONLY ? err_ptr(-EINVAL) : open_tmpfile(dir, path, flags, mode, resolve);
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return err_ptr(-EINVAL);
	/* What may fail for want of memory comes before the file is made. */
	if (flags & O_CREAT) {
		f = file_alloc(flags);
		if (is_err(f))
			return f;
	}
	err = walk_begin_resolve(&w, dir, path, resolve);
	if (err) {
		if (f)
			file_free(f);
		return err_ptr(err);
	}
	err = open_walk(&w, flags, mode, &p, &is_new);
	if (!err) {
		f = file_open_checked(f, &p, flags, cred_current(), is_new);
		path_put(&p);
	} else {
		if (f)
			file_free(f);
		f = err_ptr(err);
	}
	walk_end(&w);
	return f;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that ask about files: stat and its kin, statfs, access, readlink, getdents. */
#include "vfs.h"
#include <kernel/notify.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <uapi/dirent.h>
#include <uapi/mount.h>
#include <uapi/statfs.h>

static int copy_stat(void __user *buf, const struct kstat *st)
{
	struct user_stat u = {
		.st_dev = st->dev, .st_ino = st->ino, .st_mode = st->mode, .st_nlink = st->nlink, .st_uid = st->uid,
		.st_gid = st->gid, .st_rdev = st->rdev, .st_size = (s64)st->size, .st_blksize = (s32)st->block_size,
		.st_blocks = (s64)st->blocks, .st_atime = st->atime.tv_sec, .st_atime_nsec = st->atime.tv_nsec,
		.st_mtime = st->mtime.tv_sec, .st_mtime_nsec = st->mtime.tv_nsec, .st_ctime = st->ctime.tv_sec,
		.st_ctime_nsec = st->ctime.tv_nsec,
	};

	return copy_to_user(buf, &u, sizeof(u));
}

/* Any mount's and inode's attributes at dirfd + path. AT_EMPTY_PATH (or NULL path with it): of dirfd itself. */
static int stat_at(int dirfd, const char __user *path, u32 at_flags, struct kstat *st, u32 *mount_id, bool *is_mount_root)
{
	u32 flags = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path p;
	int err;

	if (!path && at_flags & AT_EMPTY_PATH) {
		struct file *f = fd_get_any(dirfd);

		if (!f)
			return -EBADF;
		p = f->path;
		path_get(&p);
		file_put(f);
		err = 0;
	} else {
		err = path_lookup_user(dirfd, path, flags, &p);
	}
	if (err)
		return err;
	err = inode_getattr(p.dentry->inode, st);
	if (mount_id)
		*mount_id = p.mnt ? p.mnt->id : 0;
	if (is_mount_root)
		*is_mount_root = p.mnt && p.mnt->root == p.dentry;
	path_put(&p);
	return err;
}

static long do_stat(int dirfd, const char __user *path, u32 at_flags, void __user *buf)
{
	struct kstat st;
	int err = stat_at(dirfd, path, at_flags, &st, NULL, NULL);

	return err ? err : copy_stat(buf, &st);
}

long sys_stat(const char __user *path, void __user *statbuf) { return do_stat(AT_FDCWD, path, 0, statbuf); }
long sys_lstat(const char __user *path, void __user *statbuf) { return do_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, statbuf); }

long sys_newfstatat(int dirfd, const char __user *path, void __user *statbuf, int flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	return do_stat(dirfd, path, (u32)flags, statbuf);
}

long sys_fstat(int fd, void __user *statbuf)
{
	bool borrowed;
	struct file *f = fd_borrow_any(fd, &borrowed);
	struct kstat st;
	int err;

	if (!f)
		return -EBADF;
	err = inode_getattr(f->inode, &st);
	fd_return(f, borrowed);
	return err ? err : copy_stat(statbuf, &st);
}

static struct user_statx_time statx_time(const struct timespec64 *t)
{
	return (struct user_statx_time){ .tv_sec = t->tv_sec, .tv_nsec = (u32)t->tv_nsec };
}

long sys_statx(int dirfd, const char __user *path, int flags, u32 mask, void __user *buf)
{
	struct user_statx x = { 0 };
	struct kstat st;
	u32 mount_id;
	bool is_mount_root;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC) ||
	    mask & STATX_RESERVED)
		return -EINVAL;
	err = stat_at(dirfd, path, (u32)flags, &st, &mount_id, &is_mount_root);
	if (err)
		return err;
	x.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (st.btime.tv_sec ? STATX_BTIME : 0);
	x.stx_blksize = st.block_size;
	x.stx_attributes = st.attributes | (is_mount_root ? STATX_ATTR_MOUNT_ROOT : 0);
	x.stx_attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT;
	x.stx_nlink = st.nlink;
	x.stx_uid = st.uid;
	x.stx_gid = st.gid;
	x.stx_mode = (u16)st.mode;
	x.stx_ino = st.ino;
	x.stx_size = st.size;
	x.stx_blocks = st.blocks;
	x.stx_atime = statx_time(&st.atime);
	x.stx_btime = statx_time(&st.btime);
	x.stx_ctime = statx_time(&st.ctime);
	x.stx_mtime = statx_time(&st.mtime);
	x.stx_rdev_major = MAJOR(st.rdev);
	x.stx_rdev_minor = MINOR(st.rdev);
	x.stx_dev_major = MAJOR(st.dev);
	x.stx_dev_minor = MINOR(st.dev);
	x.stx_mnt_id = mount_id;
	return copy_to_user(buf, &x, sizeof(x));
}

static u32 statfs_flags(const struct path *p)
{
	u32 m = (p->mnt ? p->mnt->flags : 0) | (p->dentry->sb->flags & MS_RDONLY), f = ST_VALID;

	f |= m & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME);	/* the same bits */
	return f | (m & MS_RELATIME ? ST_RELATIME : 0);
}

static long do_statfs(const struct path *p, void __user *buf)
{
	struct super_block *sb = p->dentry->sb;
	struct statfs_kernel k = { .type = sb->magic, .block_size = sb->block_size, .name_len = NAME_MAX };
	struct user_statfs u;
	int err = sb->ops && sb->ops->statfs ? sb->ops->statfs(sb, &k) : 0;

	if (err)
		return err;
	u = (struct user_statfs){
		.f_type = (s64)k.type, .f_bsize = (s64)k.block_size, .f_frsize = (s64)k.block_size, .f_blocks = k.blocks,
		.f_bfree = k.blocks_free, .f_bavail = k.blocks_avail, .f_files = k.files, .f_ffree = k.files_free,
		.f_namelen = (s64)k.name_len, .f_fsid = { (s32)k.fsid[0], (s32)k.fsid[1] }, .f_flags = statfs_flags(p),
	};
	return copy_to_user(buf, &u, sizeof(u));
}

long sys_statfs(const char __user *path, void __user *buf)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = do_statfs(&p, buf);
	path_put(&p);
	return err;
}

long sys_fstatfs(int fd, void __user *buf)
{
	struct file *f = fd_get_any(fd);
	long err;

	if (!f)
		return -EBADF;
	err = do_statfs(&f->path, buf);
	file_put(f);
	return err;
}

static int check_access(const struct path *p, u32 mode, const struct cred *cred)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (mode & MAY_EXEC && S_ISREG(i->mode) && p->mnt && p->mnt->flags & MS_NOEXEC)
		return -EACCES;
	err = inode_permission_cred(i, mode, cred);
	if (!err && mode & MAY_WRITE && (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
		err = mount_wants_write(p);
	return err;
}

/* access asks for the real ids: a copy of the credentials that acts as them (POSIX access). */
static struct cred *real_cred(void)
{
	const struct cred *now = cred_current();
	struct cred *c = cred_copy(now, now->nr_groups);

	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = c->uid ? 0 : c->cap_permitted;
	return c;
}

static long do_access(int dirfd, const char __user *path, int mode, int flags)
{
	const struct cred *now = cred_current();
	u32 lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct cred *real = NULL;
	struct path p;
	long err;

	if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && (now->uid != now->fsuid || now->gid != now->fsgid)) {
		real = real_cred();
		if (!real)
			return -ENOMEM;
	}
	err = path_lookup_user(dirfd, path, lookup, &p);
	if (!err) {
		err = mode ? check_access(&p, (u32)mode, real ? real : now) : 0;
		path_put(&p);
	}
	if (real)
		cred_put(real);
	return err;
}

long sys_access(const char __user *path, int amode) { return do_access(AT_FDCWD, path, amode, 0); }
long sys_faccessat(int dirfd, const char __user *path, int amode) { return do_access(dirfd, path, amode, 0); }
long sys_faccessat2(int dirfd, const char __user *path, int amode, int flags) { return do_access(dirfd, path, amode, flags); }

/* Where a magic link points, as text. */
static ssize_t magic_link_text(struct inode *i, char *buf)
{
	struct path target, root;
	char *text;
	ssize_t n;
	int err = i->ops->follow(i, &target);

	if (err)
		return err;
	fs_context_get_paths(fs_context_current(), NULL, &root);
	text = path_text(&target, &root, buf, PATH_MAX);
	path_put(&root);
	path_put(&target);
	if (is_err(text))
		return ptr_err(text);
	n = (ssize_t)strlen(text);
	memmove(buf, text, (size_t)n);
	return n;
}

static long do_readlink(int dirfd, const char __user *path, char __user *buf, int size)
{
	struct inode *i;
	struct path p;
	char *text, first;
	ssize_t n;
	int err;

	if (size <= 0)
		return -EINVAL;
	err = path_lookup_user(dirfd, path, LOOKUP_EMPTY, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	text = kmalloc(PATH_MAX, 0);
	if (!text)
		n = -ENOMEM;
	else if (!S_ISLNK(i->mode))
		n = copy_from_user(&first, path, 1) || first ? -EINVAL : -ENOENT;
	else
		n = i->ops->readlink ? i->ops->readlink(i, text, PATH_MAX) : i->ops->follow ? magic_link_text(i, text) : -EINVAL;
	if (n > 0) {
		inode_touch_atime(i, p.mnt);
		n = min(n, (ssize_t)size);
		if (copy_to_user(buf, text, (size_t)n))
			n = -EFAULT;
	}
	kfree(text);
	path_put(&p);
	return n;
}

long sys_readlink(const char __user *path, char __user *buf, int size) { return do_readlink(AT_FDCWD, path, buf, size); }
long sys_readlinkat(int dirfd, const char __user *path, char __user *buf, int size) { return do_readlink(dirfd, path, buf, size); }

struct dents {
	struct dir_context ctx;
	u8 __user *out;
	u32 left;
	int error;
	bool is_old;		/* getdents: type at the end of the record */
};

static bool emit(struct dir_context *ctx, const char *name, u32 len, ino_t ino, u32 type, off_t next_pos)
{
	struct dents *d = container_of(ctx, struct dents, ctx);
	u8 buf[sizeof(struct user_dirent64) + NAME_MAX + 10] __aligned(8) = { 0 };
	struct user_dirent64 *e = (void *)buf;
	/* Both forms: two u64, length; then type + name, or name + NUL + type in the last byte. */
	u32 size = align_up(d->is_old ? 18 + len + 2 : 19 + len + 1, 8u);

	if (len > NAME_MAX)
		return true;
	if (size > d->left) {
		d->error = d->error ? d->error : -EINVAL;	/* matters only if nothing fitted */
		return false;
	}
	e->d_ino = ino;
	e->d_off = next_pos;
	e->d_reclen = (u16)size;
	if (d->is_old) {
		memcpy(buf + 18, name, len);
		buf[size - 1] = (u8)type;
	} else {
		e->d_type = (u8)type;
		memcpy(e->d_name, name, len);
	}
	if (copy_to_user(d->out, buf, size)) {
		d->error = -EFAULT;
		return false;
	}
	d->out += size;
	d->left -= size;
	ctx->pos = next_pos;
	return true;
}

static long read_dir(struct file *f, void __user *dirents, u32 count, bool is_old)
{
	struct dents d = { .ctx.emit = emit, .out = dirents, .left = count, .is_old = is_old };
	struct inode *i = f->inode;
	int err;

	if (!S_ISDIR(i->mode) || !f->ops->iterate)
		return -ENOTDIR;
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	mutex_lock(&f->pos_lock);
	d.ctx.pos = f->pos;
	rwlock_read_lock(&i->lock);
	err = i->nlink ? f->ops->iterate(f, &d.ctx) : -ENOENT;
	rwlock_read_unlock(&i->lock);
	f->pos = d.ctx.pos;
	mutex_unlock(&f->pos_lock);
	if (!err) {
		notify_file(f, IN_ACCESS);
		inode_touch_atime(i, f->path.mnt);
	}
	if (d.left != count)
		return count - d.left;
	return err ? err : d.error;
}

static long do_getdents(int fd, void __user *dirents, u32 count, bool is_old)
{
	struct file *f = fd_get(fd);
	long r;

	if (!f)
		return -EBADF;
	r = read_dir(f, dirents, count, is_old);
	file_put(f);
	return r;
}

long sys_getdents64(int fd, void __user *dirents, u32 count) { return do_getdents(fd, dirents, count, false); }
long sys_getdents(int fd, void __user *dirents, u32 count) { return do_getdents(fd, dirents, count, true); }

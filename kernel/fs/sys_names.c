/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that change names: mkdir, mknod, link, symlink, unlink, rmdir, rename; and those of cwd and root. */
#include "vfs.h"
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>

/* The directory and last name of a user's path. */
struct place {
	struct user_path up;
	struct walk w;
};

static int place_get(struct place *p, int dirfd, const char __user *path)
{
	const struct path *dirp;
	struct path dir;
	int err = user_path_get(&p->up, path);

	if (err)
		return err;
	err = *p->up.name ? at_dir_get(dirfd, p->up.name, &dir, &dirp) : -ENOENT;
	if (err)
		goto no_dir;
	(void)walk_begin(&p->w, dirp, p->up.name);
	path_put(&dir);
	err = walk_parent(&p->w);
	if (!err)
		return 0;
	walk_end(&p->w);
no_dir:
	user_path_put(&p->up);
	return err;
}

static void place_put(struct place *p)
{
	walk_end(&p->w);
	user_path_put(&p->up);
}

/* -EEXIST for "." and its kin; a trailing slash only before a directory to be. */
static int may_be_new(const struct place *p, bool dir)
{
	if (p->w.type != LAST_NAME)
		return -EEXIST;
	return p->w.last_slash && !dir ? -ENOENT : 0;
}

long sys_mkdirat(int dirfd, const char __user *path, mode_t mode)
{
	struct place p;
	long err = place_get(&p, dirfd, path);

	if (err)
		return err;
	err = may_be_new(&p, true);
	if (!err)
		err = dir_mkdir(&p.w.cur, p.w.last, p.w.last_len, mode_umask(mode & (S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX)));
	place_put(&p);
	return err;
}

long sys_mkdir(const char __user *path, mode_t mode) { return sys_mkdirat(AT_FDCWD, path, mode); }

long sys_mknodat(int dirfd, const char __user *path, mode_t mode, dev_t dev)
{
	struct place p;
	long err;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	err = place_get(&p, dirfd, path);
	if (err)
		return err;
	err = may_be_new(&p, false);
	if (!err)
		err = dir_mknod(&p.w.cur, p.w.last, p.w.last_len, (mode & S_IFMT) | mode_umask(mode & S_IALLUGO),
				S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0);
	place_put(&p);
	return err;
}

long sys_mknod(const char __user *path, mode_t mode, dev_t dev) { return sys_mknodat(AT_FDCWD, path, mode, dev); }

long sys_symlinkat(const char __user *target, int dirfd, const char __user *path)
{
	struct user_path text;
	struct place p;
	long err = user_path_get(&text, target);

	if (err)
		return err;
	err = *text.name ? place_get(&p, dirfd, path) : -ENOENT;
	if (!err) {
		err = may_be_new(&p, false);
		if (!err)
			err = dir_symlink(&p.w.cur, p.w.last, p.w.last_len, text.name);
		place_put(&p);
	}
	user_path_put(&text);
	return err;
}

long sys_symlink(const char __user *target, const char __user *path) { return sys_symlinkat(target, AT_FDCWD, path); }

long sys_linkat(int olddirfd, const char __user *from, int newdirfd, const char __user *to, int flags)
{
	u32 lookup = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path old;
	struct place p;
	long err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = path_lookup_user(olddirfd, from, lookup, &old);
	if (err)
		return err;
	err = place_get(&p, newdirfd, to);
	if (!err) {
		err = may_be_new(&p, false);
		if (!err)
			err = dir_link(&old, &p.w.cur, p.w.last, p.w.last_len);
		place_put(&p);
	}
	path_put(&old);
	return err;
}

long sys_link(const char __user *from, const char __user *to) { return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* unlink of "name/": what it is decides the error. */
static int unlink_with_slash(const struct place *p)
{
	struct dentry *d = dir_lookup(p->w.cur.dentry, p->w.last, p->w.last_len);
	int err;

	if (is_err(d))
		return (int)ptr_err(d);
	err = !d->inode ? -ENOENT : S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
	dentry_put(d);
	return err;
}

static long do_unlink(int dirfd, const char __user *path)
{
	struct place p;
	long err = place_get(&p, dirfd, path);

	if (err)
		return err;
	if (p.w.type != LAST_NAME)
		err = -EISDIR;
	else if (p.w.last_slash)
		err = unlink_with_slash(&p);
	else
		err = dir_unlink(&p.w.cur, p.w.last, p.w.last_len);
	place_put(&p);
	return err;
}

static long do_rmdir(int dirfd, const char __user *path)
{
	static const int errors[] = { [LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_NONE] = -EBUSY };
	struct place p;
	long err = place_get(&p, dirfd, path);

	if (err)
		return err;
	err = p.w.type == LAST_NAME ? dir_rmdir(&p.w.cur, p.w.last, p.w.last_len) : errors[p.w.type];
	place_put(&p);
	return err;
}

long sys_unlinkat(int dirfd, const char __user *path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return flags ? do_rmdir(dirfd, path) : do_unlink(dirfd, path);
}

long sys_unlink(const char __user *path) { return do_unlink(AT_FDCWD, path); }
long sys_rmdir(const char __user *path) { return do_rmdir(AT_FDCWD, path); }

/* A trailing slash on either name means the source must be a directory. */
static int check_slashes(const struct place *a, const struct place *b)
{
	struct dentry *d;
	int err = 0;

	if (!a->w.last_slash && !b->w.last_slash)
		return 0;
	d = dir_lookup(a->w.cur.dentry, a->w.last, a->w.last_len);
	if (is_err(d))
		return (int)ptr_err(d);
	if (d->inode && !S_ISDIR(d->inode->mode))
		err = -ENOTDIR;
	dentry_put(d);
	return err;
}

long sys_renameat2(int olddirfd, const char __user *from, int newdirfd, const char __user *to, u32 flags)
{
	struct place *p = kmalloc(2 * sizeof(*p), 0);
	long err;

	if (!p)
		return -ENOMEM;
	err = place_get(&p[0], olddirfd, from);
	if (err)
		goto no_from;
	err = place_get(&p[1], newdirfd, to);
	if (err)
		goto no_to;
	if (p[0].w.cur.mnt != p[1].w.cur.mnt)
		err = -EXDEV;
	else if (p[0].w.type != LAST_NAME || p[1].w.type != LAST_NAME)
		err = flags & RENAME_NOREPLACE && p[0].w.type == LAST_NAME ? -EEXIST : -EBUSY;
	else
		err = check_slashes(&p[0], &p[1]);
	if (!err)
		err = dir_rename(&p[0].w.cur, p[0].w.last, p[0].w.last_len, &p[1].w.cur, p[1].w.last, p[1].w.last_len, flags);
	place_put(&p[1]);
no_to:
	place_put(&p[0]);
no_from:
	kfree(p);
	return err;
}

long sys_renameat(int olddirfd, const char __user *from, int newdirfd, const char __user *to)
{
	return sys_renameat2(olddirfd, from, newdirfd, to, 0);
}

long sys_rename(const char __user *from, const char __user *to) { return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

static long set_cwd(const struct path *p)
{
	long err = S_ISDIR(p->dentry->inode->mode) ? inode_permission(p->dentry->inode, MAY_EXEC) : -ENOTDIR;

	if (!err)
		fs_context_set_cwd(fs_context_current(), p);
	return err;
}

long sys_chdir(const char __user *path)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = set_cwd(&p);
	path_put(&p);
	return err;
}

long sys_fchdir(int fd)
{
	struct file *f = fd_get_any(fd);
	long err;

	if (!f)
		return -EBADF;
	err = f->path.mnt ? set_cwd(&f->path) : -ENOTDIR;
	file_put(f);
	return err;
}

long sys_chroot(const char __user *path)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		fs_context_set_root(fs_context_current(), &p);
	path_put(&p);
	return err;
}

long sys_getcwd(char __user *buf, size_t size)
{
	struct path cwd, root;
	char *page = kmalloc(PATH_MAX, 0), *text;
	size_t len;
	long r;

	if (!page)
		return -ENOMEM;
	fs_context_get_paths(fs_context_current(), &cwd, &root);
	if (cwd.dentry->flags & DENTRY_UNHASHED && cwd.dentry != cwd.mnt->root) {
		r = -ENOENT;
	} else {
		text = path_text(&cwd, &root, page, PATH_MAX);
		r = is_err(text) ? ptr_err(text) : 0;
		if (!r) {
			len = strlen(text) + 1;
			r = len > size ? -ERANGE : copy_to_user(buf, text, len) ? -EFAULT : (long)len;
		}
	}
	path_put(&cwd);
	path_put(&root);
	kfree(page);
	return r;
}

long sys_umask(mode_t mask)
{
	struct fs_context *fc = fs_context_current();
	mode_t old;

	spin_lock(&fc->lock);
	old = fc->umask;
	WRITE_ONCE(fc->umask, mask & 0777);
	spin_unlock(&fc->lock);
	return old;
}

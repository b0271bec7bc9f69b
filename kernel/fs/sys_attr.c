/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that change attributes: chmod, chown, utimes, truncate, fallocate, and extended attributes. */
#include "vfs.h"
#include <kernel/notify.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>

/* As Linux: both times are an attribute, one alone is what would have set it. */
static u32 notify_mask(u32 valid)
{
	u32 times = valid & (ATTR_ATIME | ATTR_MTIME), mask = 0;

	if (valid & (ATTR_UID | ATTR_GID | ATTR_MODE) || times == (ATTR_ATIME | ATTR_MTIME))
		mask |= IN_ATTRIB;
	else if (times)
		mask |= times == ATTR_ATIME ? IN_ACCESS : IN_MODIFY;
	return valid & ATTR_SIZE ? mask | IN_MODIFY : mask;
}

static long change(const struct path *p, struct iattr *a)
{
	int err = mount_wants_write(p);

	if (!err)
		err = inode_setattr(p->dentry->inode, a);
	if (!err)
		notify_dentry(p->dentry, notify_mask(a->valid));
	return err;
}

static long change_at(int dirfd, const char __user *path, u32 at_flags, struct iattr *a)
{
	u32 flags = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path p;
	long err = path_lookup_user(dirfd, path, flags, &p);

	if (err)
		return err;
	/* Linux: a symlink has no mode of its own to change. */
	err = a->valid & ATTR_MODE && S_ISLNK(p.dentry->inode->mode) ? -EOPNOTSUPP : change(&p, a);
	path_put(&p);
	return err;
}

static long change_fd(int fd, struct iattr *a, bool any)
{
	struct file *f = any ? fd_get_any(fd) : fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = change(&f->path, a);
	file_put(f);
	return err;
}

static struct iattr mode_attr(mode_t mode) { return (struct iattr){ .valid = ATTR_MODE, .mode = mode & S_IALLUGO }; }

long sys_chmod(const char __user *path, mode_t mode)
{
	struct iattr a = mode_attr(mode);

	return change_at(AT_FDCWD, path, 0, &a);
}

long sys_fchmod(int fd, mode_t mode)
{
	struct iattr a = mode_attr(mode);

	return change_fd(fd, &a, false);
}

long sys_fchmodat(int dirfd, const char __user *path, mode_t mode)
{
	struct iattr a = mode_attr(mode);

	return change_at(dirfd, path, 0, &a);
}

long sys_fchmodat2(int dirfd, const char __user *path, mode_t mode, u32 flags)
{
	struct iattr a = mode_attr(mode);

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_at(dirfd, path, flags, &a);
}

static struct iattr owner_attr(uid_t uid, gid_t gid)
{
	return (struct iattr){
		.valid = (uid == (uid_t)-1 ? 0 : ATTR_UID) | (gid == (gid_t)-1 ? 0 : ATTR_GID), .uid = uid, .gid = gid,
	};
}

long sys_fchownat(int dirfd, const char __user *path, uid_t uid, gid_t gid, int flags)
{
	struct iattr a = owner_attr(uid, gid);

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_at(dirfd, path, (u32)flags, &a);
}

long sys_chown(const char __user *path, uid_t uid, gid_t gid) { return sys_fchownat(AT_FDCWD, path, uid, gid, 0); }
long sys_lchown(const char __user *path, uid_t uid, gid_t gid) { return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW); }

long sys_fchown(int fd, uid_t uid, gid_t gid)
{
	struct iattr a = owner_attr(uid, gid);

	return change_fd(fd, &a, false);
}

/* Times NULL: now. Who may: the owner; for "both now" also who may write (POSIX utimensat). */
static int check_times(struct inode *i, bool both_now)
{
	const struct cred *c = cred_current();

	if (c->fsuid == i->uid || cred_capable(c, CAP_FOWNER))
		return 0;
	if (!both_now)
		return -EPERM;
	return inode_permission(i, MAY_WRITE);
}

static long set_times(const struct path *p, const struct timespec64 *t)
{
	struct inode *i = p->dentry->inode;
	struct timespec64 now = inode_now(i);
	struct iattr a = { .valid = ATTR_ATIME | ATTR_MTIME, .atime = now, .mtime = now };
	bool both_now = !t || (t[0].tv_nsec == UTIME_NOW && t[1].tv_nsec == UTIME_NOW);
	long err;

	if (t && t[0].tv_nsec == UTIME_OMIT)
		a.valid &= ~(u32)ATTR_ATIME;
	else if (t && t[0].tv_nsec != UTIME_NOW)
		a.atime = t[0];
	if (t && t[1].tv_nsec == UTIME_OMIT)
		a.valid &= ~(u32)ATTR_MTIME;
	else if (t && t[1].tv_nsec != UTIME_NOW)
		a.mtime = t[1];
	if (!a.valid)
		return 0;
	err = check_times(i, both_now);
	return err ? err : change(p, &a);
}

static bool bad_nsec(s64 n) { return (n < 0 || n > 999999999) && n != UTIME_NOW && n != UTIME_OMIT; }

static long do_utimes(int dirfd, const char __user *path, const struct timespec64 *t, u32 at_flags)
{
	u32 flags = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path p;
	long err;

	if (t && (bad_nsec(t[0].tv_nsec) || bad_nsec(t[1].tv_nsec)))
		return -EINVAL;
	if (!path) {
		struct file *f = fd_get(dirfd);

		if (!f)
			return dirfd == AT_FDCWD ? -EFAULT : -EBADF;
		err = at_flags ? -EINVAL : set_times(&f->path, t);
		file_put(f);
		return err;
	}
	err = path_lookup_user(dirfd, path, flags, &p);
	if (err)
		return err;
	err = set_times(&p, t);
	path_put(&p);
	return err;
}

long sys_utimensat(int dirfd, const char __user *path, const struct timespec64 __user *times, int flags)
{
	struct timespec64 t[2];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times && copy_from_user(t, times, sizeof(t)))
		return -EFAULT;
	return do_utimes(dirfd, path, times ? t : NULL, (u32)flags);
}

/* Microseconds pairs of utimes and futimesat. */
static long utimes_usec(int dirfd, const char __user *path, const void __user *times)
{
	struct timeval64 tv[2];
	struct timespec64 t[2];

	if (!times)
		return do_utimes(dirfd, path, NULL, 0);
	if (copy_from_user(tv, times, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec > 999999)
			return -EINVAL;
		t[i] = (struct timespec64){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
	}
	return do_utimes(dirfd, path, t, 0);
}

long sys_utimes(const char __user *path, const void __user *times) { return utimes_usec(AT_FDCWD, path, times); }
long sys_futimesat(int dirfd, const char __user *path, const void __user *times) { return utimes_usec(dirfd, path, times); }

long sys_utime(const char __user *path, const void __user *times)
{
	struct timespec64 t[2] = { { 0 } };
	s64 sec[2];

	if (!times)
		return do_utimes(AT_FDCWD, path, NULL, 0);
	if (copy_from_user(sec, times, sizeof(sec)))
		return -EFAULT;
	t[0].tv_sec = sec[0];
	t[1].tv_sec = sec[1];
	return do_utimes(AT_FDCWD, path, t, 0);
}

long sys_truncate(const char __user *path, off_t length)
{
	struct iattr a = { .valid = ATTR_SIZE, .size = (u64)length };
	struct inode *i;
	struct path p;
	long err;

	if (length < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	err = S_ISDIR(i->mode) ? -EISDIR : !S_ISREG(i->mode) ? -EINVAL : inode_permission(i, MAY_WRITE);
	if (!err)
		err = inode_get_write(i);
	if (!err) {
		err = change(&p, &a);
		inode_put_write(i);
	}
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, off_t length)
{
	struct iattr a = { .valid = ATTR_SIZE, .size = (u64)length };
	struct file *f;
	long err;

	if (length < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = S_ISREG(f->inode->mode) && f->mode & FMODE_WRITE ? inode_setattr(f->inode, &a) : -EINVAL;
	if (!err)
		notify_file(f, IN_MODIFY);
	file_put(f);
	return err;
}

long sys_fallocate(int fd, int mode, off_t offset, off_t len)
{
	struct file *f = fd_get(fd);
	off_t end;
	long err = 0;

	if (!f)
		return -EBADF;
	if (offset < 0 || len <= 0 || (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE)))
		err = -EINVAL;
	else if (!(f->mode & FMODE_WRITE))
		err = -EBADF;
	else if (S_ISFIFO(f->inode->mode))
		err = -ESPIPE;
	else if (!S_ISREG(f->inode->mode))
		err = S_ISDIR(f->inode->mode) ? -EISDIR : -ENODEV;
	else if (__builtin_add_overflow(offset, len, &end) || (u64)end > f->inode->sb->max_bytes)
		err = -EFBIG;
	else
		err = f->ops->fallocate ? f->ops->fallocate(f, mode, offset, len) : -EOPNOTSUPP;
	if (!err)
		notify_file(f, IN_MODIFY);
	file_put(f);
	return err;
}

/* Extended attributes: names "class.rest"; the file system keeps them, the class decides who may. */
static int check_xattr(struct inode *i, const char *name, bool write)
{
	if (str_starts(name, "trusted."))
		return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (str_starts(name, "user."))
		return S_ISREG(i->mode) || S_ISDIR(i->mode) ? inode_permission(i, write ? MAY_WRITE : MAY_READ) : write ? -EPERM : -ENODATA;
	if (str_starts(name, "security.") || str_starts(name, "system."))
		return !write || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	return -EOPNOTSUPP;
}

static int get_name(char *buf, const char __user *name)
{
	ssize_t n = copy_string_from_user(buf, name, XATTR_NAME_MAX + 1);

	return n == 0 || n == -ENAMETOOLONG ? -ERANGE : n < 0 ? (int)n : 0;
}

static long xattr_get(const struct path *p, const char __user *uname, void __user *value, size_t size)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	void *buf = NULL;
	long n = get_name(name, uname);

	if (!n)
		n = check_xattr(i, name, false);
	if (!n && (!i->ops || !i->ops->getxattr))
		n = -EOPNOTSUPP;
	size = min(size, (size_t)XATTR_SIZE_MAX);
	if (!n && size && !(buf = kzalloc(size, 0)))
		n = -ENOMEM;
	if (!n)
		n = i->ops->getxattr(i, name, buf, size);
	if (n > 0 && size && copy_to_user(value, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

static long xattr_list(const struct path *p, char __user *list, size_t size)
{
	struct inode *i = p->dentry->inode;
	char *buf = NULL;
	long n;

	if (!i->ops || !i->ops->listxattr)
		return 0;	/* none can be there */
	size = min(size, (size_t)XATTR_SIZE_MAX);
	if (size && !(buf = kzalloc(size, 0)))
		return -ENOMEM;
	n = i->ops->listxattr(i, buf, size);
	if (n > 0 && size && copy_to_user(list, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

static long xattr_set(const struct path *p, const char __user *uname, const void __user *value, size_t size, int flags)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	void *buf = NULL;
	long err = get_name(name, uname);

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (!err)
		err = mount_wants_write(p);
	if (!err)
		err = check_xattr(i, name, true);
	if (!err && (!i->ops || !i->ops->setxattr))
		err = -EOPNOTSUPP;
	if (!err && size && !(buf = kmalloc(size, 0)))
		err = -ENOMEM;
	if (!err && size)
		err = copy_from_user(buf, value, size);
	if (!err) {
		rwlock_write_lock(&i->lock);
		err = i->ops->setxattr(i, name, buf, size, flags);
		rwlock_write_unlock(&i->lock);
		if (!err)
			notify_dentry(p->dentry, IN_ATTRIB);
	}
	kfree(buf);
	return err;
}

static long xattr_remove(const struct path *p, const char __user *uname)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	long err = get_name(name, uname);

	if (!err)
		err = mount_wants_write(p);
	if (!err)
		err = check_xattr(i, name, true);
	if (err)
		return err;
	if (!i->ops || !i->ops->removexattr)
		return -EOPNOTSUPP;
	rwlock_write_lock(&i->lock);
	err = i->ops->removexattr(i, name);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB);
	rwlock_write_unlock(&i->lock);
	return err;
}

/* The place meant by a path (path not NULL; follow or not) or a descriptor, referenced. */
static long xattr_place(int fd, const char __user *path, bool follow, struct path *p)
{
	struct file *f;

	if (path)
		return path_lookup_user(AT_FDCWD, path, follow ? LOOKUP_FOLLOW : 0, p);
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	*p = f->path;
	path_get(p);
	file_put(f);
	return 0;
}

#define XATTR_CALL(from_fd, from_path, follow, call) ({ \
	struct path _p; \
	long _r = xattr_place(from_fd, from_path, follow, &_p); \
	if (!_r) { \
		struct path *p = &_p; \
		_r = (call); \
		path_put(&_p); \
	} \
	_r; })

long sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return path ? XATTR_CALL(-1, path, true, xattr_get(p, name, value, size)) : -EFAULT;
}
long sys_lgetxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return path ? XATTR_CALL(-1, path, false, xattr_get(p, name, value, size)) : -EFAULT;
}
long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
	return XATTR_CALL(fd, NULL, false, xattr_get(p, name, value, size));
}
long sys_listxattr(const char __user *path, char __user *list, size_t size)
{
	return path ? XATTR_CALL(-1, path, true, xattr_list(p, list, size)) : -EFAULT;
}
long sys_llistxattr(const char __user *path, char __user *list, size_t size)
{
	return path ? XATTR_CALL(-1, path, false, xattr_list(p, list, size)) : -EFAULT;
}
long sys_flistxattr(int fd, char __user *list, size_t size)
{
	return XATTR_CALL(fd, NULL, false, xattr_list(p, list, size));
}
long sys_setxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
	return path ? XATTR_CALL(-1, path, true, xattr_set(p, name, value, size, flags)) : -EFAULT;
}
long sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
	return path ? XATTR_CALL(-1, path, false, xattr_set(p, name, value, size, flags)) : -EFAULT;
}
long sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size, int flags)
{
	return XATTR_CALL(fd, NULL, false, xattr_set(p, name, value, size, flags));
}
long sys_removexattr(const char __user *path, const char __user *name)
{
	return path ? XATTR_CALL(-1, path, true, xattr_remove(p, name)) : -EFAULT;
}
long sys_lremovexattr(const char __user *path, const char __user *name)
{
	return path ? XATTR_CALL(-1, path, false, xattr_remove(p, name)) : -EFAULT;
}
long sys_fremovexattr(int fd, const char __user *name) { return XATTR_CALL(fd, NULL, false, xattr_remove(p, name)); }

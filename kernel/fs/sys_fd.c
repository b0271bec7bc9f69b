/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on descriptors: open, close, dup, fcntl, ioctl, flock, pipe, memfd_create. */
#include "vfs.h"
#include "event/sigio.h"
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/socket.h>
#include <uapi/termios.h>

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

/* What openat2 knows; open ignores the rest. */
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT | \
		    O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)
#define RESOLVE_ALL (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED)

static long do_open(int dirfd, const char __user *path, u32 flags, mode_t mode, u32 resolve)
{
	const struct path *dirp;
	struct user_path up;
	struct path dir;
	struct file *f;
	long err = user_path_get(&up, path);
	int fd;

	if (err)
		return err;
	/* In a scope of its own a path that begins with a slash begins at the directory, too. */
	err = at_dir_get(dirfd, resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) ? "." : up.name, &dir, &dirp);
	if (err)
		goto no_dir;
	fd = fd_reserve(0, flags & O_CLOEXEC);
	err = fd;
	if (fd < 0)
		goto no_fd;
	f = file_open_resolve(dirp, up.name, flags, mode, resolve);
	if (is_err(f)) {
		fd_unreserve(fd);
		err = ptr_err(f);
		if (err == -EINTR)
			err = -ERESTARTSYS;
	} else {
		fd_publish(fd, f);
	}
no_fd:
	path_put(&dir);
no_dir:
	user_path_put(&up);
	return err;
}

long sys_open(const char __user *path, int oflags, mode_t mode) { return do_open(AT_FDCWD, path, (u32)oflags, mode, 0); }
long sys_openat(int dirfd, const char __user *path, int oflags, mode_t mode) { return do_open(dirfd, path, (u32)oflags, mode, 0); }
long sys_creat(const char __user *path, mode_t mode) { return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0); }

long sys_openat2(int dirfd, const char __user *path, const void __user *how, size_t size)
{
	struct {
		u64 flags, mode, resolve;
	} h;
	int err;

	if (size < sizeof(h))
		return -EINVAL;
	err = copy_struct_from_user(&h, sizeof(h), how, size);
	if (err)
		return err;
	if (h.resolve & ~(u64)RESOLVE_ALL || (h.resolve & RESOLVE_BENEATH && h.resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (h.flags & ~(u64)OPEN_FLAGS || h.mode & ~(u64)S_IALLUGO || (h.flags & O_PATH && h.flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) ||
	    (h.mode && !(h.flags & O_CREAT) && (h.flags & O_TMPFILE) != O_TMPFILE))
		return -EINVAL;
	if (h.resolve & RESOLVE_CACHED && h.flags & (O_TRUNC | O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		return -EAGAIN;
	return do_open(dirfd, path, (u32)h.flags, (mode_t)h.mode, (u32)h.resolve);
}

long sys_close(int fd) { return fd_close(fd); }

long sys_close_range(u32 first_fd, u32 last_fd, u32 flags)
{
	struct process *p = current_process();
	int fd;

	if (flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first_fd > last_fd)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE && ref_read(&p->files->refs) > 1) {
		struct fd_table *old = p->files, *own = fd_table_copy(old);

		if (!own)
			return -ENOMEM;
		p->files = own;
		fd_table_put(old);
	}
	while ((fd = fd_table_next(p->files, first_fd)) >= 0 && (u32)fd <= last_fd) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			(void)fd_table_cloexec(p->files, fd, 1);
		else
			(void)fd_close(fd);
		first_fd = (u32)fd + 1;
	}
	return 0;
}

static long dup_from(int fd, u32 from, bool cloexec)
{
	struct file *f = fd_get_any(fd);
	int r;

	if (!f)
		return -EBADF;
	r = fd_install(f, from, cloexec);
	if (r < 0)
		file_put(f);
	return r;
}

long sys_dup(int fd) { return dup_from(fd, 0, false); }

static long dup_to(int fd, int newfd, bool cloexec)
{
	struct file *f = fd_get_any(fd);
	int r;

	if (!f)
		return -EBADF;
	r = fd_replace(newfd, f, cloexec);
	if (r < 0)
		file_put(f);
	return r;
}

long sys_dup2(int fd, int newfd)
{
	struct file *f;

	if (fd != newfd)
		return dup_to(fd, newfd, false);
	f = fd_get_any(fd);
	file_put(f);
	return f ? newfd : -EBADF;
}

long sys_dup3(int fd, int newfd, int flags)
{
	if (flags & ~O_CLOEXEC || fd == newfd)
		return -EINVAL;
	return dup_to(fd, newfd, flags & O_CLOEXEC);
}

static long set_flags(struct file *f, int fd, u32 flags)
{
	long err = 0;

	if ((flags ^ f->flags) & O_ASYNC && f->ops->poll)
		err = sigio_set_async(f, fd, flags & O_ASYNC);
	if (err)
		return err;
	spin_lock(&f->inode->mapping.lock);	/* any lock all users of the file share */
	WRITE_ONCE(f->flags, (f->flags & ~(u32)SETFL_MASK) | (flags & SETFL_MASK));
	spin_unlock(&f->inode->mapping.lock);
	return 0;
}

static long lock_record(struct file *f, u32 cmd, u64 arg)
{
	struct user_flock fl;
	int err;

	if (copy_from_user(&fl, (void __user *)arg, sizeof(fl)))
		return -EFAULT;
	err = locks_posix(f, (int)cmd, &fl);
	if (!err && (cmd == F_GETLK || cmd == F_OFD_GETLK))
		err = copy_to_user((void __user *)arg, &fl, sizeof(fl));
	return err;
}

/* F_SETOWN's number: a process, or a group as a negative one. */
static int set_owner(struct file *f, s32 who)
{
	if (who == (s32)0x80000000)
		return -EINVAL;
	return sigio_set_owner(f, who < 0 ? F_OWNER_PGRP : F_OWNER_PID, who < 0 ? -who : who);
}

static s32 get_owner(struct file *f)
{
	int type;
	s32 id;

	sigio_get_owner(f, &type, &id);
	return type == F_OWNER_PGRP ? -id : id;
}

static int owner_ex(struct file *f, u32 cmd, u64 arg)
{
	struct user_owner_ex o = { 0 };

	if (cmd == F_GETOWN_EX) {
		sigio_get_owner(f, &o.type, &o.id);
		return copy_to_user((void __user *)arg, &o, sizeof(o));
	}
	if (copy_from_user(&o, (void __user *)arg, sizeof(o)))
		return -EFAULT;
	return o.type < F_OWNER_TID || o.type > F_OWNER_PGRP ? -EINVAL : sigio_set_owner(f, o.type, o.id);
}

static long do_fcntl(struct file *f, int fd, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return arg >= rlimit(RLIMIT_NOFILE) ? -EINVAL : dup_from(fd, (u32)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_table_cloexec(current_process()->files, fd, -1);
	case F_SETFD: {
		int r = fd_table_cloexec(current_process()->files, fd, arg & FD_CLOEXEC ? 1 : 0);

		return r < 0 ? r : 0;
	}
	case F_GETFL:
		return f->flags;
	}
	if (f->mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, fd, (u32)arg);
	case F_SETOWN:
		return set_owner(f, (s32)arg);
	case F_GETOWN:
		return get_owner(f);
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return owner_ex(f, cmd, arg);
	case F_SETSIG:
		return arg > 64 ? -EINVAL : sigio_set_signal(f, (s32)arg);
	case F_GETSIG:
		return sigio_get_signal(f);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_record(f, cmd, arg);
	case F_SETPIPE_SZ:
		return file_is_pipe(f) ? pipe_set_size(f, arg) : -EBADF;
	case F_GETPIPE_SZ:
		return file_is_pipe(f) ? pipe_get_size(f) : -EBADF;
	case F_ADD_SEALS:
		return (int)arg == -1 ? -EINVAL : tmpfs_seals(f, (int)arg);
	case F_GET_SEALS:
		return tmpfs_seals(f, -1);
	default:
		return -EINVAL;
	}
}

long sys_fcntl(int fd, u32 cmd, u64 arg)
{
	struct file *f = fd_get_any(fd);
	long r;

	if (!f)
		return -EBADF;
	r = do_fcntl(f, fd, cmd, arg);
	file_put(f);
	return r;
}

static long do_ioctl(struct file *f, int fd, u32 cmd, u64 arg)
{
	s32 v;

	switch (cmd) {
	case FIOCLEX:
		return fd_table_cloexec(current_process()->files, fd, 1) < 0 ? -EBADF : 0;
	case FIONCLEX:
		return fd_table_cloexec(current_process()->files, fd, 0) < 0 ? -EBADF : 0;
	case FIONBIO:
		if (get_user(v, (s32 __user *)arg))
			return -EFAULT;
		return set_flags(f, fd, v ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
	case FIOASYNC:
		if (get_user(v, (s32 __user *)arg))
			return -EFAULT;
		if (!f->ops->poll)
			return -ENOTTY;
		return set_flags(f, fd, v ? f->flags | O_ASYNC : f->flags & ~(u32)O_ASYNC);
	case FIONREAD:
		if (S_ISREG(f->inode->mode))
			return put_user((s32)((s64)atomic_load(&f->inode->size) - f->pos), (s32 __user *)arg);
		break;
	}
	if (S_ISSOCK(f->inode->mode) && (cmd == FIOSETOWN || cmd == SIOCSPGRP))
		return get_user(v, (s32 __user *)arg) ? -EFAULT : set_owner(f, v);
	if (S_ISSOCK(f->inode->mode) && (cmd == FIOGETOWN || cmd == SIOCGPGRP))
		return put_user(get_owner(f), (s32 __user *)arg);
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(int fd, u32 cmd, u64 arg)
{
	struct file *f = fd_get(fd);
	long r;

	if (!f)
		return -EBADF;
	r = do_ioctl(f, fd, cmd, arg);
	file_put(f);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

long sys_flock(int fd, u32 op)
{
	struct file *f = fd_get(fd);
	long r;

	if (!f)
		return -EBADF;
	r = f->mode & (FMODE_READ | FMODE_WRITE) ? locks_flock(f, (int)op) : -EBADF;
	file_put(f);
	return r;
}

static long do_pipe(int __user *fds, u32 flags)
{
	bool cloexec = flags & O_CLOEXEC;
	struct file *files[2];
	int fd[2], err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = pipe_create(files, flags);
	if (err)
		return err;
	fd[0] = err = fd_reserve(0, cloexec);
	if (err < 0)
		goto no_first;
	fd[1] = err = fd_reserve(0, cloexec);
	if (err < 0)
		goto no_second;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (err)
		goto no_copy;
	fd_publish(fd[0], files[0]);
	fd_publish(fd[1], files[1]);
	return 0;
no_copy:
	fd_unreserve(fd[1]);
no_second:
	fd_unreserve(fd[0]);
no_first:
	file_put(files[0]);
	file_put(files[1]);
	return err;
}

long sys_pipe(int __user *fds) { return do_pipe(fds, 0); }
long sys_pipe2(int __user *fds, int oflags) { return do_pipe(fds, (u32)oflags); }

#define MEMFD_NAME_MAX 249

long sys_memfd_create(const char __user *name, u32 flags)
{
	char text[7 + MEMFD_NAME_MAX + 1 + 10] = "/memfd:";	/* as /proc shows it: a path that is no more */
	struct file *f;
	ssize_t len;
	int fd, err;

	if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	len = copy_string_from_user(text + 7, name, MEMFD_NAME_MAX + 1);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	strlcpy(text + 7 + len, " (deleted)", sizeof(text) - 7 - (size_t)len);
	err = tmpfs_file_create(text, 0, &f);
	if (err)
		return err;
	if (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL))
		tmpfs_allow_seals(f);
	if (flags & MFD_NOEXEC_SEAL)
		f->inode->mode &= ~(mode_t)S_IXUGO;
	fd = fd_install(f, 0, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

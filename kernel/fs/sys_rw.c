/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that move bytes: read, write and their vector and position forms, lseek, sendfile, copy_file_range. */
#include "vfs.h"
#include <kernel/pipe.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/uio.h>

#define FAST_IOV 8u
#define COPY_CHUNK 32768u

/* The shared position is locked unless nobody else can be using it: a borrowed file in one table. */
static bool pos_is_shared(struct file *f, bool borrowed)
{
	return !borrowed || ref_read(&f->refs) > 1;
}

static ssize_t transfer(struct file *f, bool borrowed, struct uio *u, bool write)
{
	off_t pos = 0;
	ssize_t n;
	bool locked;

	if (f->mode & FMODE_NOSEEK)
		return write ? file_write(f, u, &pos) : file_read(f, u, &pos);
	locked = pos_is_shared(f, borrowed);
	if (locked)
		mutex_lock(&f->pos_lock);
	pos = f->pos;
	n = write ? file_write(f, u, &pos) : file_read(f, u, &pos);
	if (n >= 0)
		f->pos = pos;
	if (locked)
		mutex_unlock(&f->pos_lock);
	return n;
}

static ssize_t rw(int fd, void __user *buf, size_t count, bool write)
{
	bool borrowed;
	struct file *f = fd_borrow(fd, &borrowed);
	struct uio u;
	ssize_t n;

	if (!f)
		return -EBADF;
	if ((ssize_t)count < 0) {
		n = -EINVAL;
	} else if (!user_range_ok(buf, count)) {
		n = -EFAULT;
	} else {
		uio_init_user(&u, buf, count);
		n = transfer(f, borrowed, &u, write);
	}
	fd_return(f, borrowed);
	return n;
}

long sys_read(int fd, void __user *buf, size_t count) { return rw(fd, buf, count, false); }
long sys_write(int fd, const void __user *buf, size_t count) { return rw(fd, (void __user *)buf, count, true); }

static ssize_t rw_at(struct file *f, struct uio *u, off_t pos, bool write)
{
	if (f->mode & FMODE_NOSEEK)
		return -ESPIPE;
	if (pos < 0)
		return -EINVAL;
	return write ? file_write(f, u, &pos) : file_read(f, u, &pos);
}

static ssize_t prw(int fd, void __user *buf, size_t count, off_t pos, bool write)
{
	bool borrowed;
	struct file *f = fd_borrow(fd, &borrowed);
	struct uio u;
	ssize_t n;

	if (!f)
		return -EBADF;
	if ((ssize_t)count < 0) {
		n = -EINVAL;
	} else if (!user_range_ok(buf, count)) {
		n = -EFAULT;
	} else {
		uio_init_user(&u, buf, count);
		n = rw_at(f, &u, pos, write);
	}
	fd_return(f, borrowed);
	return n;
}

long sys_pread64(int fd, void __user *buf, size_t count, off_t offset) { return prw(fd, buf, count, offset, false); }
long sys_pwrite64(int fd, const void __user *buf, size_t count, off_t offset)
{
	return prw(fd, (void __user *)buf, count, offset, true);
}

#define RWF_ALL (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND)

/* Only who can tell "not now" from "never" takes RWF_NOWAIT: pipes, sockets, and reads through the page cache of a disk. */
static int check_flags(struct file *f, u32 flags, bool write)
{
	if (flags & ~(u32)RWF_ALL)
		return -EOPNOTSUPP;
	if (flags & RWF_NOWAIT && !file_is_pipe(f) && !S_ISSOCK(f->inode->mode) &&
	    (write || f->ops->read != generic_file_read || f->inode->mapping.keep))
		return -EOPNOTSUPP;
	return flags & RWF_APPEND && flags & RWF_NOAPPEND ? -EINVAL : 0;
}

/* has_pos: at position at, else at the file's. */
static ssize_t vector(int fd, const void __user *uvec, u64 nr, off_t at, bool has_pos, bool write, u32 flags)
{
	struct iovec_kernel fast[FAST_IOV], *iov = fast;
	bool borrowed;
	struct file *f = fd_borrow(fd, &borrowed);
	struct uio u;
	ssize_t n;

	if (!f)
		return -EBADF;
	n = flags ? check_flags(f, flags, write) : 0;
	if (!n)
		n = nr > UIO_MAXIOV ? -EINVAL : iov_import(uvec, nr, fast, FAST_IOV, &iov);
	if (n >= 0) {
		uio_init_iov(&u, iov, (u32)nr, true);
		u.rw_flags = (u8)flags;
		n = has_pos ? rw_at(f, &u, at, write) : transfer(f, borrowed, &u, write);
		if (iov != fast)
			kfree(iov);
	}
	fd_return(f, borrowed);
	return n;
}

long sys_readv(int fd, const void __user *iov, u64 iovcnt) { return vector(fd, iov, iovcnt, 0, false, false, 0); }
long sys_writev(int fd, const void __user *iov, u64 iovcnt) { return vector(fd, iov, iovcnt, 0, false, true, 0); }

/* On 64-bit the low word holds all of the position. */
long sys_preadv(int fd, const void __user *iov, u64 iovcnt, u64 pos_low, u64 pos_high)
{
	return vector(fd, iov, iovcnt, (off_t)pos_low, true, false, 0);
}

long sys_pwritev(int fd, const void __user *iov, u64 iovcnt, u64 pos_low, u64 pos_high)
{
	return vector(fd, iov, iovcnt, (off_t)pos_low, true, true, 0);
}

long sys_preadv2(int fd, const void __user *iov, u64 iovcnt, u64 pos_low, u64 pos_high, int flags)
{
	return vector(fd, iov, iovcnt, (off_t)pos_low, (off_t)pos_low != -1, false, (u32)flags);
}

long sys_pwritev2(int fd, const void __user *iov, u64 iovcnt, u64 pos_low, u64 pos_high, int flags)
{
	return vector(fd, iov, iovcnt, (off_t)pos_low, (off_t)pos_low != -1, true, (u32)flags);
}

long sys_lseek(int fd, off_t offset, int whence)
{
	bool borrowed;
	struct file *f = fd_borrow(fd, &borrowed);
	off_t r;

	if (!f)
		return -EBADF;
	if (whence < SEEK_SET || whence > SEEK_HOLE) {
		r = -EINVAL;
	} else if (f->mode & FMODE_NOSEEK) {
		r = -ESPIPE;
	} else {
		mutex_lock(&f->pos_lock);
		r = f->ops->seek ? f->ops->seek(f, offset, whence) : generic_file_seek(f, offset, whence);
		mutex_unlock(&f->pos_lock);
	}
	fd_return(f, borrowed);
	return r;
}

/*
 * From one file to another through a kernel buffer. The positions advance by what was written. Nothing is
 * read that could not be read again: in is not a stream.
 */
static ssize_t copy_range(struct file *in, off_t *in_pos, struct file *out, off_t *out_pos, size_t len)
{
	char *buf = kmalloc(COPY_CHUNK, 0);
	ssize_t done = 0, n, w = 0;
	struct uio u;
	off_t pos;

	if (!buf)
		return -ENOMEM;
	while ((size_t)done < len) {
		uio_init_kernel(&u, buf, min(len - (size_t)done, (size_t)COPY_CHUNK));
		pos = *in_pos;
		n = file_read(in, &u, &pos);
		if (n <= 0) {
			w = n;
			break;
		}
		uio_init_kernel(&u, buf, (size_t)n);
		w = file_write(out, &u, out_pos);
		if (w <= 0)
			break;
		*in_pos += w;
		done += w;
		if (w < n)
			break;
	}
	kfree(buf);
	return done ? done : w;
}

/* Copies between two files with optional positions of the user's; without one the file's own moves. */
static ssize_t copy_files(struct file *in, off_t __user *in_off, struct file *out, off_t __user *out_off, size_t len)
{
	off_t in_pos = in->pos, out_pos = out->pos;
	ssize_t n;

	if ((in_off && get_user(in_pos, in_off)) || (out_off && get_user(out_pos, out_off)))
		return -EFAULT;
	if (in_pos < 0 || out_pos < 0)
		return -EINVAL;
	len = min(len, (size_t)0x7ffff000);
	n = copy_range(in, &in_pos, out, &out_pos, len);
	if (n <= 0)
		return n;
	if (!in_off)
		in->pos = in_pos;
	else if (put_user(in_pos, in_off))
		return -EFAULT;
	if (!out_off) {
		if (!(out->mode & FMODE_NOSEEK))
			out->pos = out_pos;
	} else if (put_user(out_pos, out_off)) {
		return -EFAULT;
	}
	return n;
}

long sys_sendfile(int out_fd, int in_fd, off_t __user *offset, size_t count)
{
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	ssize_t n = -EBADF;

	if (in && out && in->mode & FMODE_READ && out->mode & FMODE_WRITE) {
		if (in->mode & FMODE_NOSEEK || !in->ops->read || out->flags & O_APPEND)
			n = offset && in->mode & FMODE_NOSEEK ? -ESPIPE : -EINVAL;
		else
			n = copy_files(in, offset, out, NULL, count);
	}
	file_put(in);
	file_put(out);
	return n;
}

/* Within one file the ranges must lie apart; what is behind the end is not there. */
static bool ranges_overlap(struct file *in, off_t __user *in_off, struct file *out, off_t __user *out_off, size_t len)
{
	off_t from = in->pos, to = out->pos, size = (off_t)atomic_load(&in->inode->size);

	if (in->inode != out->inode)
		return false;
	if ((in_off && get_user(from, in_off)) || (out_off && get_user(to, out_off)) || from < 0 || to < 0)
		return false;	/* the copy says what is wrong */
	len = from < size ? min(len, (size_t)(size - from)) : 0;
	return to < from + (off_t)len && from < to + (off_t)len;
}

static ssize_t copy_file_range(struct file *in, off_t __user *in_off, struct file *out, off_t __user *out_off, size_t len)
{
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || out->flags & O_APPEND)
		return -EBADF;
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	/* As Linux: programs copy by hand then, which the files of /proc need. */
	if (in->inode->sb != out->inode->sb)
		return -EXDEV;
	len = min(len, (size_t)0x7ffff000);
	return ranges_overlap(in, in_off, out, out_off, len) ? -EINVAL : copy_files(in, in_off, out, out_off, len);
}

long sys_copy_file_range(int in_fd, off_t __user *in_off, int out_fd, off_t __user *out_off, size_t len, u32 flags)
{
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	ssize_t n = -EBADF;

	if (in && out)
		n = flags ? -EINVAL : copy_file_range(in, in_off, out, out_off, len);
	file_put(in);
	file_put(out);
	return n;
}

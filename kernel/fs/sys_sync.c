/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about when data reaches the disk, and advice: fsync and kin, sync_file_range, fadvise64, readahead. */
#include "vfs.h"
#include <kernel/process.h>
#include <kernel/syscall.h>

static long do_fsync(int fd, bool data_only)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = f->ops->fsync ? f->ops->fsync(f, 0, S64_MAX, data_only) : -EINVAL;
	file_put(f);
	return err;
}

long sys_fsync(int fd) { return do_fsync(fd, false); }
long sys_fdatasync(int fd) { return do_fsync(fd, true); }

long sys_sync(void)
{
	vfs_sync(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = super_sync(f->path.dentry->sb, true);
	file_put(f);
	return err;
}

long sys_sync_file_range(int fd, off_t offset, off_t len, u32 flags)
{
	struct file *f = fd_get(fd);
	u64 last = len ? ((u64)offset + (u64)len - 1) >> PAGE_SHIFT : U64_MAX;
	long err = 0;

	if (!f)
		return -EBADF;
	if (flags & ~7u || offset < 0 || len < 0 || offset + len < offset)
		err = -EINVAL;
	else if (!S_ISREG(f->inode->mode) && !S_ISBLK(f->inode->mode) && !S_ISDIR(f->inode->mode))
		err = -ESPIPE;
	else if (flags)
		err = mapping_writeback(&f->inode->mapping, (u64)offset >> PAGE_SHIFT, last,
					flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER));
	if (!err)
		err = file_check_wb_error(f);
	file_put(f);
	return err;
}

/* Reads [first, first + n) pages into the cache, without waiting for the last. */
static void read_in(struct file *f, u64 first, u64 n)
{
	u64 end = (atomic_load(&f->inode->size) + PAGE_SIZE - 1) >> PAGE_SHIFT;

	end = min(end, first + min(n, (u64)512));
	for (; first < end; first += 32) {
		struct page *p = mapping_read(&f->inode->mapping, first, 31);

		if (is_err(p))
			return;
		page_put(p);
	}
}

long sys_fadvise64(int fd, off_t offset, off_t len, int advice)
{
	struct file *f = fd_get(fd);
	u64 first = (u64)offset >> PAGE_SHIFT, last;
	long err = 0;

	if (!f)
		return -EBADF;
	last = len > 0 ? ((u64)offset + (u64)len - 1) >> PAGE_SHIFT : U64_MAX >> PAGE_SHIFT;
	if (S_ISFIFO(f->inode->mode))
		err = -ESPIPE;
	else if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		err = -EINVAL;
	else if (!S_ISREG(f->inode->mode))
		err = 0;
	else if (advice == POSIX_FADV_WILLNEED)
		read_in(f, first, last - first + 1);
	else if (advice == POSIX_FADV_DONTNEED)
		(void)mapping_invalidate(&f->inode->mapping, first, last);
	else if (advice == POSIX_FADV_RANDOM)
		f->ra_size = 0;
	file_put(f);
	return err;
}

long sys_readahead(int fd, off_t offset, size_t count)
{
	struct file *f = fd_get(fd);
	long err = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_READ))
		err = -EBADF;
	else if (!S_ISREG(f->inode->mode) || offset < 0)
		err = -EINVAL;
	else
		read_in(f, (u64)offset >> PAGE_SHIFT, count / PAGE_SIZE + 1);
	file_put(f);
	return err;
}

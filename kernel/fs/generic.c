/* SPDX-License-Identifier: BSD-2-Clause */
/* File operations of ordinary files over the page cache, for file systems to put into their tables. */
#include "vfs.h"
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <uapi/capability.h>
#include <uapi/uio.h>

/* RWF_NOWAIT: no more than what lies in memory from pos on. -EAGAIN: nothing of it does. */
static int cut_to_resident(struct inode *i, struct uio *to, u64 pos)
{
	u64 size = atomic_load(&i->size), end = min(size, pos + to->count), at = pos;
	struct page *p;
	bool ready;

	while (at < end) {
		p = mapping_find(&i->mapping, at >> PAGE_SHIFT);
		ready = p && atomic_load_acquire(&p->flags) & PAGE_UPTODATE;
		if (p)
			page_put(p);
		if (!ready)
			break;
		at = (at & PAGE_MASK) + PAGE_SIZE;
	}
	if (at == pos && pos < end)
		return -EAGAIN;
	if (at < end)
		to->count = at - pos;
	return 0;
}

ssize_t generic_file_read(struct file *f, struct uio *to, off_t *pos)
{
	struct inode *i = f->inode;
	ssize_t n = unlikely(to->rw_flags & RWF_NOWAIT) ? cut_to_resident(i, to, (u64)*pos) : 0;

	if (n)
		return n;
	n = mapping_read_uio(&i->mapping, (u64)*pos, to, atomic_load(&i->size), f);
	if (n > 0) {
		*pos += n;
		if (!(f->flags & O_NOATIME))
			inode_touch_atime(i, f->path.mnt);
	}
	return n;
}

/* RLIMIT_FSIZE and the largest file cut the write; nothing left: SIGXFSZ or -EFBIG. */
static int limit_write(struct inode *i, off_t pos, struct uio *from)
{
	u64 limit = current_process() ? rlimit(RLIMIT_FSIZE) : RLIM_INFINITY;

	if (limit != RLIM_INFINITY && (u64)pos >= limit && from->count) {
		(void)signal_send_thread(current, SIGXFSZ, NULL);
		return -EFBIG;
	}
	limit = min(limit, i->sb->max_bytes);
	if ((u64)pos >= limit && from->count)
		return -EFBIG;
	if (from->count > limit - (u64)pos)
		from->count = limit - (u64)pos;
	return 0;
}

static int drop_setid(struct inode *i)
{
	struct iattr attr = { .valid = ATTR_MODE, .mode = mode_without_setid(i->mode) };

	if (likely(attr.mode == i->mode) || capable(CAP_FSETID))
		return 0;
	if (i->ops && i->ops->setattr)
		return i->ops->setattr(i, &attr);
	inode_setattr_copy(i, &attr);
	return 0;
}

/* Memory between the old end and pos must read as zeros; pages beyond the end may hold old bytes past a mapping's tail. */
static void zero_gap_tail(struct inode *i, off_t pos)
{
	u64 size = i->size;
	u32 tail = (u32)(size & ~PAGE_MASK);
	struct page *p;

	if ((u64)pos <= size || !tail)
		return;
	p = mapping_find(&i->mapping, size >> PAGE_SHIFT);
	if (!p)
		return;
	page_lock(p);
	if (p->mapping == &i->mapping && p->flags & PAGE_UPTODATE)
		memset((char *)page_to_virt(p) + tail, 0, PAGE_SIZE - tail);
	page_unlock(p);
	page_put(p);
}

static bool appends(const struct file *f, const struct uio *from)
{
	return from->rw_flags & RWF_APPEND || (f->flags & O_APPEND && !(from->rw_flags & RWF_NOAPPEND));
}

ssize_t generic_file_write(struct file *f, struct uio *from, off_t *pos)
{
	struct inode *i = f->inode;
	ssize_t n;
	off_t start;
	int err;

	if (!from->count)
		return 0;
	rwlock_write_lock(&i->lock);
	start = appends(f, from) ? (off_t)i->size : *pos;
	err = i->flags & INODE_IMMUTABLE ? -EPERM : limit_write(i, start, from);
	if (!err)
		err = drop_setid(i);
	if (err) {
		rwlock_write_unlock(&i->lock);
		return err;
	}
	zero_gap_tail(i, start);
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	n = mapping_write_uio(&i->mapping, (u64)start, from);
	rwlock_write_unlock(&i->lock);
	if (n > 0) {
		*pos = start + n;
		if ((f->flags & (O_SYNC | O_DSYNC) || from->rw_flags & (RWF_SYNC | RWF_DSYNC)) && f->ops->fsync) {
			bool data_only = (f->flags & O_SYNC) != O_SYNC && !(from->rw_flags & RWF_SYNC);

			err = f->ops->fsync(f, (u64)start, (u64)(start + n - 1), data_only);
			if (err)
				return err;
		}
	}
	return n;
}

int generic_file_mmap(struct file *f, struct vma *v)
{
	v->ops = &pagecache_vma_ops;
	inode_touch_atime(f->inode, f->path.mnt);
	return 0;
}

/* Errors of earlier write-back are told once to each open file. */
int file_check_wb_error(struct file *f)
{
	struct page_mapping *m = &f->inode->mapping;
	u32 seq = atomic_load(&m->wb_seq);

	if (seq == f->wb_seq)
		return 0;
	f->wb_seq = seq;
	return atomic_load(&m->wb_error) ? atomic_load(&m->wb_error) : -EIO;
}

int generic_file_fsync(struct file *f, u64 start, u64 end, bool data_only)
{
	struct inode *i = f->inode;
	int err = mapping_writeback(&i->mapping, start >> PAGE_SHIFT, end >> PAGE_SHIFT, true), r = 0;

	if (i->sb->ops && i->sb->ops->write_inode && (!data_only || i->flags & INODE_DIRTY)) {
		(void)atomic_fetch_and(&i->flags, ~(u32)INODE_DIRTY);
		r = i->sb->ops->write_inode(i, true);
	}
	err = err ? err : r;
	r = file_check_wb_error(f);
	return err ? err : r;
}

/* The next byte that is data (or a hole) by the pages present; for memory files. */
static off_t seek_data_hole(struct inode *i, off_t off, int whence, u64 size)
{
	u64 index = (u64)off >> PAGE_SHIFT;
	struct page *p;

	if (off < 0 || (u64)off >= size)
		return -ENXIO;
	if (!i->mapping.keep)
		return whence == SEEK_DATA ? off : (off_t)size;
	for (; index << PAGE_SHIFT < size; index++) {
		p = mapping_find(&i->mapping, index);
		if (p)
			page_put(p);
		if (!p == (whence == SEEK_HOLE))
			return max(off, (off_t)(index << PAGE_SHIFT));
	}
	return whence == SEEK_HOLE ? (off_t)size : -ENXIO;
}

off_t generic_file_seek(struct file *f, off_t off, int whence)
{
	u64 size = f->inode ? atomic_load(&f->inode->size) : 0;
	off_t base = 0;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
		base = (off_t)size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		off = seek_data_hole(f->inode, off, whence, size);
		if (off < 0)
			return off;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &off))
		return -EOVERFLOW;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

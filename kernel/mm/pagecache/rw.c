/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing a file through its pages, and faults of mappings. A page is never copied from
 * user memory with faults allowed while it is locked: the source may be a mapping of that very page.
 */
#include "pagecache.h"
#include <kernel/aspace.h>
#include <kernel/signal.h>

#define RA_MIN 4u
#define RA_MAX 32u

/* How far to read ahead of a miss at index: doubles while the file is read in order. */
static unsigned read_ahead(struct file *f, u64 index)
{
	if (!f)
		return RA_MIN;
	if (index == f->ra_next && index)
		f->ra_size = min((u64)RA_MAX, f->ra_size ? f->ra_size * 2 : RA_MIN);
	else
		f->ra_size = index ? 0 : RA_MIN;
	f->ra_next = index + 1 + f->ra_size;
	return (unsigned)f->ra_size;
}

/* *hit: it was there already and not just read ahead. */
static struct page *get_page(struct page_mapping *m, u64 index, struct file *f, bool *hit)
{
	struct page *p = mapping_find(m, index);

	*hit = p && !(f && index < f->ra_next && index + f->ra_size >= f->ra_next);
	if (p && atomic_load_acquire(&p->flags) & PAGE_UPTODATE)	/* pairs with page_read_done */
		return p;
	if (p)
		page_put(p);
	return mapping_read(m, index, read_ahead(f, index));
}

/* A hole of a memory file is read as zeros without giving it a page. */
static bool is_hole(struct page_mapping *m, u64 index)
{
	struct page *p;

	if (!m->keep)
		return false;
	p = mapping_find(m, index);
	if (p)
		page_put(p);
	return !p;
}

ssize_t mapping_read_uio(struct page_mapping *m, u64 pos, struct uio *to, u64 size, struct file *file)
{
	ssize_t done = 0;

	while (to->count && pos < size) {
		u32 off = (u32)(pos & ~PAGE_MASK);
		size_t n = min((u64)to->count, PAGE_SIZE - off), copied;

		n = min(n, size - pos);
		if (is_hole(m, pos >> PAGE_SHIFT)) {
			copied = uio_zero_out(to, n);
		} else {
			bool hit;
			struct page *p = get_page(m, pos >> PAGE_SHIFT, file, &hit);

			if (is_err(p))
				return done ? done : (ssize_t)ptr_err(p);
			/* A page is used when it is wanted again: one that came for this read has been wanted once. */
			if (hit && off == 0 && !(p->flags & PAGE_REFERENCED))
				(void)atomic_fetch_or(&p->flags, (u32)PAGE_REFERENCED);
			copied = uio_copy_out(to, (char *)page_to_virt(p) + off, n);
			page_put(p);
		}
		done += (ssize_t)copied;
		pos += copied;
		if (copied < n)
			return done ? done : -EFAULT;
		if (to->count && signal_fatal_pending(current))
			return done ? done : -EINTR;
	}
	return done;
}

/* Memory files: what is not overwritten of a new page is zero. */
static int begin_in_memory(struct page *p, u32 off, u32 len)
{
	if (!(p->flags & PAGE_UPTODATE) && len < PAGE_SIZE) {
		arch_page_clear(page_to_virt(p));
		(void)atomic_fetch_or(&p->flags, (u32)PAGE_UPTODATE);
	}
	return 0;
}

static void end_in_memory(struct page_mapping *m, struct page *p, u32 off, u32 copied)
{
	u64 end = (p->index << PAGE_SHIFT) + off + copied;

	if (copied && !m->keep)
		page_mark_dirty(p);
	if (copied && m->host && end > m->host->size)
		atomic_store(&m->host->size, end);
}

static size_t copy_no_fault(struct uio *from, void *dst, size_t n)
{
	size_t copied;

	current->fault_disabled++;
	copied = uio_copy_in(from, dst, n);
	current->fault_disabled--;
	return copied;
}

/* One page's part of a write. Bytes taken (0: fault the source in and come again) or -errno. */
static ssize_t write_page(struct page_mapping *m, u64 pos, struct uio *from, u32 n)
{
	u32 off = (u32)(pos & ~PAGE_MASK);
	struct page *p = mapping_grab(m, pos >> PAGE_SHIFT, 0);
	bool has_ops = m->ops && m->ops->write_begin;
	struct uio before;
	ssize_t copied;
	int err;

	if (is_err(p))
		return (ssize_t)ptr_err(p);
	page_wait_writeback(p);
	err = has_ops ? m->ops->write_begin(m, p, off, n) : begin_in_memory(p, off, n);
	if (err) {
		/* A memory file keeps no page that holds nothing: it would hide the hole. */
		if (m->keep && !(p->flags & PAGE_UPTODATE))
			mapping_remove_page(m, p);
		copied = err;
		goto out;
	}
	before = *from;
	copied = (ssize_t)copy_no_fault(from, (char *)page_to_virt(p) + off, n);
	if (copied < n && !(p->flags & PAGE_UPTODATE)) {
		*from = before;		/* the rest of the page is nothing yet: as if untouched */
		copied = 0;
	} else {
		(void)atomic_fetch_or(&p->flags, (u32)PAGE_UPTODATE);
	}
	if (has_ops)
		err = m->ops->write_end(m, p, off, (u32)copied);
	else
		end_in_memory(m, p, off, (u32)copied);
	if (err)
		copied = err;
out:
	page_unlock(p);
	page_put(p);
	return copied;
}

ssize_t mapping_write_uio(struct page_mapping *m, u64 pos, struct uio *from)
{
	ssize_t done = 0, n;

	while (from->count) {
		u32 len = (u32)min((u64)from->count, PAGE_SIZE - (pos & ~PAGE_MASK));

		n = write_page(m, pos, from, len);
		if (n == 0)
			n = uio_fault_in(from, len, false) ? -EFAULT : 0;
		if (n < 0)
			return done ? done : n;
		done += n;
		pos += (u64)n;
		if (!m->keep)
			writeback_throttle(m);
		if (from->count && signal_fatal_pending(current))
			return done ? done : -EINTR;
	}
	return done;
}

static int cache_fault(struct vma *v, u64 pgoff, unsigned fault_flags, struct page **page)
{
	struct inode *i = v->file->inode;
	struct page *p;

	if (pgoff >= (atomic_load(&i->size) + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return -EIO;
	p = mapping_find(&i->mapping, pgoff);
	if (!p || !(atomic_load_acquire(&p->flags) & PAGE_UPTODATE)) {	/* pairs with page_read_done */
		if (p)
			page_put(p);
		else if (!i->mapping.keep)
			current->maj_faults++;	/* the disk is asked: fault.c sees it by this */
		p = mapping_read(&i->mapping, pgoff, read_ahead(v->file, pgoff));
	}
	if (is_err(p))
		return ptr_err(p) == -ENOMEM ? -ENOMEM : -EIO;
	*page = p;
	return 0;
}

static int cache_mkwrite(struct vma *v, struct page *p)
{
	struct inode *i = v->file->inode;
	struct page_mapping *m = &i->mapping;
	u64 start = p->index << PAGE_SHIFT, size;
	int err = 0;

	page_lock(p);
	size = atomic_load(&i->size);
	if (p->mapping != m || start >= size) {
		err = -EIO;
	} else if (m->ops && m->ops->write_begin) {
		u32 len = (u32)min(PAGE_SIZE, size - start);

		page_wait_writeback(p);
		err = m->ops->write_begin(m, p, 0, len);
		if (!err)
			err = min(m->ops->write_end(m, p, 0, len), 0);	/* else bytes taken */
	} else if (!m->keep) {
		page_wait_writeback(p);
		page_mark_dirty(p);
	}
	page_unlock(p);
	if (!err)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	return err;
}

const struct vma_ops pagecache_vma_ops = { .fault = cache_fault, .page_mkwrite = cache_mkwrite };

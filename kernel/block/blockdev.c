/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache of a block device (/dev nodes, file-system metadata) and the file operations of its node.
 * A page may hold metadata beside blocks of files, which go to the disk past this cache: only the sectors
 * that were changed here are written back. Their bits stand in page.owner, above those of the file system.
 */
#include "block_internal.h"
#include <kernel/fs.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/ioctl.h>

/* Each page of the bio is told; the bio goes. */
static void read_end(struct bio *bio)
{
	for (u32 i = 0; i < bio->nr_vec; i++)
		page_read_done(bio->vec[i].page, bio->status);
	bio_free(bio);
}

static void write_end(struct bio *bio)
{
	for (u32 i = 0; i < bio->nr_vec; i++)
		page_write_done(bio->vec[i].page, bio->status);
	bio_free(bio);
}

/* Bytes of the page at index that lie on the device. */
static u32 bytes_on_device(struct block_device *dev, u64 index)
{
	u64 size = dev->sectors << SECTOR_SHIFT, start = index << PAGE_SHIFT;

	return start >= size ? 0 : (u32)min(size - start, PAGE_SIZE);
}

static void page_failed(struct page *p, bool write, int err)
{
	if (write) {
		page_unlock(p);
		page_write_done(p, err);
	} else {
		page_read_done(p, err);
	}
}

#define SECTORS_PER_PAGE ((unsigned)(PAGE_SIZE >> SECTOR_SHIFT))
#define DIRTY_SHIFT 32u		/* in page.owner; the bits below belong to who uses the page */
#define DIRTY_ALL ((1ull << SECTORS_PER_PAGE) - 1)

static u64 dirty_bits(const struct page *p, u32 off, u32 len)
{
	const struct page_mapping *m = p->mapping;
	const struct block_device *dev = m ? m->private : NULL;
	u32 unit = dev ? (dev->whole ? dev->whole : dev)->logical_block : (u32)PAGE_SIZE;
	u32 first = align_down(off, unit) >> SECTOR_SHIFT, last = (align_up(off + len, unit) >> SECTOR_SHIFT) - 1;

	return ((DIRTY_ALL >> (SECTORS_PER_PAGE - 1 - (last - first))) << first) << DIRTY_SHIFT;
}

void block_page_dirty(struct page *p, u32 off, u32 len)
{
	atomic_fetch_or((u64 *)&p->owner, dirty_bits(p, off, len));
	atomic_fence_full();	/* bits before the flag is looked at; pairs with writeback, which clears it first */
	page_mark_dirty(p);
}

void block_page_forget(struct page *p, u32 off, u32 len)
{
	atomic_fetch_and((u64 *)&p->owner, ~dirty_bits(p, off, len));
	atomic_fence_full();	/* a write that took the bits before has set PAGE_WRITEBACK before that */
	page_wait_writeback(p);
}

static u64 take_dirty(struct page *p)
{
	return atomic_fetch_and((u64 *)&p->owner, ~(DIRTY_ALL << DIRTY_SHIFT)) >> DIRTY_SHIFT & DIRTY_ALL;
}

/* A page of which some sectors are written: done when all its bios are. */
struct partial {
	struct page *page;
	struct refcount pending;
	int status;		/* [a] */
};

static void partial_put(struct partial *w)
{
	if (!ref_put(&w->pending))
		return;
	page_write_done(w->page, w->status);
	kfree(w);
}

static void partial_end(struct bio *bio)
{
	struct partial *w = bio->private;

	if (bio->status)
		atomic_store(&w->status, bio->status);
	bio_free(bio);
	partial_put(w);
}

/* One bio per run of dirty sectors. The page is locked and marked as under writeback; unlocks it. */
static void write_partial(struct block_device *dev, struct page *p, u64 dirty)
{
	struct partial *w = kmalloc(sizeof(*w), ALLOC_NO_IO);

	if (!w) {
		page_failed(p, true, -ENOMEM);
		return;
	}
	*w = (struct partial){ .page = p, .pending = REFCOUNT_INIT(1) };
	page_unlock(p);
	while (dirty) {
		unsigned first = ctz64(dirty), n = ctz64(~(dirty >> first));
		struct bio *bio = bio_alloc(dev, BIO_WRITE, 1, ALLOC_NO_IO);

		dirty &= ~((DIRTY_ALL >> (SECTORS_PER_PAGE - n)) << first);
		if (!bio || !bio_add(bio, p, n << SECTOR_SHIFT, first << SECTOR_SHIFT)) {
			if (bio)
				bio_free(bio);
			atomic_store(&w->status, -ENOMEM);
			continue;
		}
		bio->sector = (p->index << (PAGE_SHIFT - SECTOR_SHIFT)) + first;
		bio->private = w;
		bio->end = partial_end;
		ref_get(&w->pending);
		bio_submit(bio);
	}
	partial_put(w);
}

/* One bio per run that fits the device's limits. Pages that cannot be sent fail one by one. */
static int transfer(struct page_mapping *m, struct page **pages, unsigned n, bool write)
{
	struct block_device *dev = m->private;
	struct bio *bio = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];
		u32 len = bytes_on_device(dev, p->index);

		if (!write && len < PAGE_SIZE)
			memset((char *)page_to_virt(p) + len, 0, PAGE_SIZE - len);
		if (!len) {
			page_failed(p, write, 0);
			continue;
		}
		if (write) {
			u64 all = DIRTY_ALL >> (SECTORS_PER_PAGE - (len >> SECTOR_SHIFT)), dirty = take_dirty(p) & all;

			if (dirty != all) {
				if (bio)
					bio_submit(bio);
				bio = NULL;
				write_partial(dev, p, dirty);
				continue;
			}
		}
		if (bio && !bio_add(bio, p, len, 0)) {
			bio_submit(bio);
			bio = NULL;
		} else if (bio) {
			if (write)
				page_unlock(p);
			continue;
		}
		bio = bio_alloc(dev, write ? BIO_WRITE : BIO_READ, n - i, 0);
		if (bio && !bio_add(bio, p, len, 0)) {
			bio_free(bio);
			bio = NULL;
		}
		if (!bio) {
			page_failed(p, write, -ENOMEM);
			continue;
		}
		bio->sector = p->index << (PAGE_SHIFT - SECTOR_SHIFT);
		bio->end = write ? write_end : read_end;
		if (write)
			page_unlock(p);
	}
	if (bio)
		bio_submit(bio);
	return 0;
}

static int read_pages(struct page_mapping *m, struct page **pages, unsigned n) { return transfer(m, pages, n, false); }
static int write_pages(struct page_mapping *m, struct page **pages, unsigned n) { return transfer(m, pages, n, true); }

/* A page that is not overwritten whole is read first. */
static int write_begin(struct page_mapping *m, struct page *page, u32 off, u32 len)
{
	struct block_device *dev = m->private;
	u32 size = bytes_on_device(dev, page->index);
	int err;

	if (page->flags & PAGE_UPTODATE || (off == 0 && len >= size))
		return 0;
	if (size < PAGE_SIZE)
		memset((char *)page_to_virt(page) + size, 0, PAGE_SIZE - size);
	err = block_rw(dev, BIO_READ, page->index << (PAGE_SHIFT - SECTOR_SHIFT), page_to_virt(page), size);
	if (!err)
		(void)atomic_fetch_or(&page->flags, (u32)PAGE_UPTODATE);
	return err;
}

static int write_ended(struct page_mapping *m, struct page *page, u32 off, u32 copied)
{
	if (copied)
		block_page_dirty(page, off, copied);
	return 0;
}

static const struct mapping_ops mapping_ops = {
	.read_pages = read_pages,
	.write_begin = write_begin,
	.write_end = write_ended,
	.write_pages = write_pages,
};

int blockdev_mapping_create(struct block_device *dev)
{
	dev->mapping = kzalloc(sizeof(*dev->mapping), 0);
	if (!dev->mapping)
		return -ENOMEM;
	mapping_init(dev->mapping, NULL, &mapping_ops);
	dev->mapping->private = dev;
	return 0;
}

static struct block_device *dev_of(struct file *f) { return f->private; }

static int dev_open(struct inode *inode, struct file *f)
{
	struct block_device *dev = block_by_dev(inode->rdev);

	if (!dev)
		return -ENXIO;
	if (f->mode & FMODE_WRITE && (dev->is_read_only || (dev->whole && dev->whole->is_read_only)))
		return -EACCES;
	atomic_add(&dev->openers, 1u);
	f->private = dev;
	return 0;
}

static void dev_release(struct file *f)
{
	if (f->mode & FMODE_WRITE)
		(void)mapping_writeback(dev_of(f)->mapping, 0, U64_MAX, true);
	atomic_sub(&dev_of(f)->openers, 1u);
}

static ssize_t dev_read(struct file *f, struct uio *to, off_t *pos)
{
	struct block_device *dev = dev_of(f);
	ssize_t n = mapping_read_uio(dev->mapping, (u64)*pos, to, dev->sectors << SECTOR_SHIFT, f);

	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t dev_write(struct file *f, struct uio *from, off_t *pos)
{
	struct block_device *dev = dev_of(f);
	u64 size = dev->sectors << SECTOR_SHIFT;
	ssize_t n;

	if (!from->count)
		return 0;
	if ((u64)*pos >= size)
		return -ENOSPC;
	if (from->count > size - (u64)*pos)
		from->count = size - (u64)*pos;
	n = mapping_write_uio(dev->mapping, (u64)*pos, from);
	if (n > 0)
		*pos += n;
	return n;
}

static off_t dev_seek(struct file *f, off_t off, int whence)
{
	off_t size = (off_t)(dev_of(f)->sectors << SECTOR_SHIFT);

	if (whence == SEEK_END)
		off += size;
	else if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	return f->pos = off;
}

static int dev_fsync(struct file *f, u64 start, u64 end, bool data_only)
{
	int err = mapping_writeback(dev_of(f)->mapping, start >> PAGE_SHIFT, end >> PAGE_SHIFT, true);

	return err ? err : block_flush(dev_of(f));
}

static long dev_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct block_device *dev = dev_of(f);
	u64 bytes = dev->sectors << SECTOR_SHIFT;

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user(bytes, (u64 __user *)arg);
	case BLKGETSIZE:
		return put_user(dev->sectors, (u64 __user *)arg);
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_user((s32)dev->logical_block, (s32 __user *)arg);
	case BLKBSZGET:
		return put_user((s32)PAGE_SIZE, (s32 __user *)arg);
	case BLKIOOPT:
	case BLKALIGNOFF:
		return put_user(0, (s32 __user *)arg);
	case BLKROGET:
		return put_user((s32)dev->is_read_only, (s32 __user *)arg);
	case BLKFLSBUF:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		(void)mapping_writeback(dev->mapping, 0, U64_MAX, true);
		(void)mapping_invalidate(dev->mapping, 0, U64_MAX);
		return 0;
	default:
		return -ENOTTY;
	}
}

const struct file_ops blockdev_file_ops = {
	.open = dev_open,
	.release = dev_release,
	.read = dev_read,
	.write = dev_write,
	.seek = dev_seek,
	.ioctl = dev_ioctl,
	.fsync = dev_fsync,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File contents: between the page cache and the disk. Runs of physically contiguous blocks become
 * one bio each; a page is done when every bio of its batch is. map_lock guards the block map.
 * Neighbours: extent.c below, kernel/mm/pagecache above.
 */
#include <kernel/sched.h>
#include <lib/string.h>
#include "ext4.h"

#define BATCH_MAX 64u

/* One call's worth of pages under I/O. */
struct batch {
	struct refcount pending;	/* bios in flight, one for the submitter */
	int status;			/* [a] first error */
	bool is_write;
	unsigned n;
	struct page *pages[BATCH_MAX];
};

static void batch_put(struct batch *io)
{
	if (!ref_put(&io->pending))
		return;
	for (unsigned i = 0; i < io->n; i++) {
		if (io->is_write)
			page_write_done(io->pages[i], io->status);
		else
			page_read_done(io->pages[i], io->status);
	}
	kfree(io);
}

static void batch_bio_end(struct bio *bio)
{
	struct batch *io = bio->private;

	if (bio->status)
		atomic_store(&io->status, bio->status);
	bio_free(bio);
	batch_put(io);
}

/* Adds a block to the bio under construction or starts the next; 0 or -ENOMEM. */
static int batch_add(struct batch *io, struct bio **bio, struct ext4_sb *fs, u64 physical, struct page *page, u32 offset)
{
	sector_t sector = physical << (fs->block_bits - SECTOR_SHIFT);

	if (*bio) {
		u64 end = (*bio)->sector;

		for (u32 i = 0; i < (*bio)->nr_vec; i++)
			end += (*bio)->vec[i].len >> SECTOR_SHIFT;
		if (end == sector && bio_add(*bio, page, fs->block_size, offset))
			return 0;
		bio_submit(*bio);
	}
	*bio = bio_alloc(fs->bdev, io->is_write ? BIO_WRITE : BIO_READ, BATCH_MAX, ALLOC_NO_IO);
	if (!*bio)
		return -ENOMEM;
	(*bio)->sector = sector;
	(*bio)->private = io;
	(*bio)->end = batch_bio_end;
	ref_get(&io->pending);
	if (!bio_add(*bio, page, fs->block_size, offset))
		return -EIO;
	return 0;
}

/* Maps and queues every block of the pages; holes read as zeros and are not written. */
static int batch_run(struct batch *io, struct ext4_inode *ei)
{
	struct ext4_sb *fs = ext4_of(&ei->inode);
	u32 per_page = (u32)(PAGE_SIZE >> fs->block_bits);
	struct ext4_map m = {};
	struct bio *bio = NULL;
	int err = 0;

	for (unsigned i = 0; i < io->n && !err; i++) {
		u64 first = io->pages[i]->index * per_page;

		for (u32 k = 0; k < per_page && !err; k++) {
			u64 logical = first + k;
			u32 offset = k << fs->block_bits;

			if (!m.len || logical < m.logical || logical >= (u64)m.logical + m.len) {
				m = (struct ext4_map){ .logical = (u32)logical, .len = (io->n - i) * per_page };
				err = extent_lookup(ei, &m);
				if (err)
					break;
			}
			if (m.physical && (io->is_write || !m.is_unwritten))
				err = batch_add(io, &bio, fs, m.physical + (logical - m.logical), io->pages[i], offset);
			else if (!io->is_write)
				memset((u8 *)page_to_virt(io->pages[i]) + offset, 0, fs->block_size);
		}
	}
	if (bio)
		bio_submit(bio);
	return err;
}

static struct batch *batch_new(struct page **pages, unsigned n, bool is_write)
{
	struct batch *io = kmalloc(sizeof(*io), ALLOC_NO_IO);

	if (!io)
		return NULL;
	io->pending = (struct refcount)REFCOUNT_INIT(1);
	io->status = 0;
	io->is_write = is_write;
	io->n = n;
	memcpy(io->pages, pages, n * sizeof(*pages));
	return io;
}

static int ext4_read_pages(struct page_mapping *m, struct page **pages, unsigned n)
{
	struct ext4_inode *ei = ext4_i(m->host);

	for (unsigned at = 0; at < n; at += BATCH_MAX) {
		struct batch *io = batch_new(pages + at, min(n - at, BATCH_MAX), false);
		int err;

		if (!io) {
			if (at == 0)
				return -ENOMEM;
			for (unsigned i = at; i < n; i++)
				page_read_done(pages[i], -ENOMEM);
			return 0;
		}
		rwlock_read_lock(&ei->map_lock);
		err = batch_run(io, ei);
		rwlock_read_unlock(&ei->map_lock);
		if (err)
			atomic_store(&io->status, err);
		batch_put(io);
	}
	return 0;
}

/* What lies behind the end of the file is zero on disk. */
static void zero_behind_end(struct inode *inode, struct page *page)
{
	u64 size = atomic_load(&inode->size), start = page->index << PAGE_SHIFT;

	if (size > start && size - start < PAGE_SIZE)
		memset((u8 *)page_to_virt(page) + (size - start), 0, PAGE_SIZE - (size - start));
}

static int ext4_write_pages(struct page_mapping *m, struct page **pages, unsigned n)
{
	struct ext4_inode *ei = ext4_i(m->host);
	int err = 0;

	for (unsigned at = 0; at < n; at += BATCH_MAX) {
		unsigned count = min(n - at, BATCH_MAX);
		struct batch *io = batch_new(pages + at, count, true);

		for (unsigned i = at; i < at + count; i++) {
			zero_behind_end(m->host, pages[i]);
			page_unlock(pages[i]);
		}
		if (!io) {
			for (unsigned i = at; i < at + count; i++)
				page_write_done(pages[i], -ENOMEM);
			continue;
		}
		rwlock_read_lock(&ei->map_lock);
		err = batch_run(io, ei);
		rwlock_read_unlock(&ei->map_lock);
		if (err)
			atomic_store(&io->status, err);
		batch_put(io);
	}
	return 0;
}

/* Fills a locked page by the present map and waits; used before part of it is overwritten. */
static int read_page_sync(struct ext4_inode *ei, struct page *page)
{
	struct ext4_sb *fs = ext4_of(&ei->inode);
	u32 per_page = (u32)(PAGE_SIZE >> fs->block_bits);

	for (u32 k = 0; k < per_page; k++) {
		struct ext4_map m = { .logical = (u32)(page->index * per_page + k), .len = 1 };
		u8 *to = (u8 *)page_to_virt(page) + (k << fs->block_bits);
		int err = extent_lookup(ei, &m);

		if (!err && m.physical && !m.is_unwritten)
			err = block_rw(fs->bdev, BIO_READ, m.physical << (fs->block_bits - SECTOR_SHIFT), to,
				       fs->block_size);
		else if (!err)
			memset(to, 0, fs->block_size);
		if (err)
			return err;
	}
	return 0;
}

/* Gives every block of [off, off + len) in the page a place on disk. */
static int allocate_range(struct txn *t, struct ext4_inode *ei, u64 pos, u32 len)
{
	u32 bits = t->fs->block_bits;
	u64 last = (pos + len - 1) >> bits;
	int err = 0;

	if (last > 0xfffffffeull)
		return -EFBIG;
	for (u64 b = pos >> bits; b <= last && !err;) {
		struct ext4_map m = { .logical = (u32)b, .len = (u32)(last - b + 1) };

		err = extent_lookup(ei, &m);
		if (!err)
			err = extent_allocate(t, ei, &m, false);
		b += m.len;
	}
	return err;
}

static int ext4_write_begin(struct page_mapping *m, struct page *page, u32 off, u32 len)
{
	struct ext4_inode *ei = ext4_i(m->host);
	u64 blocks = m->host->blocks;
	struct txn t;
	int err = txn_begin(&t, ext4_of(m->host));

	if (err)
		return err;
	rwlock_write_lock(&ei->map_lock);
	if (!(atomic_load(&page->flags) & PAGE_UPTODATE) && len < PAGE_SIZE) {
		err = read_page_sync(ei, page);
		if (!err)
			atomic_fetch_or(&page->flags, PAGE_UPTODATE);
	}
	if (!err)
		err = allocate_range(&t, ei, (page->index << PAGE_SHIFT) + off, len);
	/* An inode whose block map changed goes to its table block at once: the two belong together. */
	if (blocks != m->host->blocks) {
		int stored = ext4_inode_store(&t, m->host);

		err = err ? err : stored;
	}
	rwlock_write_unlock(&ei->map_lock);
	txn_end(&t);
	return err;
}

static int ext4_write_end(struct page_mapping *m, struct page *page, u32 off, u32 copied)
{
	u64 end = (page->index << PAGE_SHIFT) + off + copied;
	struct inode *inode = m->host;

	if (!(atomic_load(&page->flags) & PAGE_UPTODATE)) {
		/* A whole page was promised; what did not come must not show the disk's old bytes. */
		memset((u8 *)page_to_virt(page) + off + copied, 0, PAGE_SIZE - off - copied);
		atomic_fetch_or(&page->flags, PAGE_UPTODATE);
	}
	page_mark_dirty(page);
	if (copied && end > inode->size) {
		atomic_store(&inode->size, end);
		inode_mark_dirty(inode);
	}
	return (int)copied;
}

const struct mapping_ops ext4_mapping_ops = {
	.read_pages = ext4_read_pages,
	.write_begin = ext4_write_begin,
	.write_end = ext4_write_end,
	.write_pages = ext4_write_pages,
};

/* Bytes behind `size` in its block become zero, so that growing again shows none of them. */
static int zero_tail(struct inode *inode, u64 size)
{
	struct page *page;

	if (!(size & (PAGE_SIZE - 1)))
		return 0;
	page = mapping_read(&inode->mapping, size >> PAGE_SHIFT, 0);
	if (is_err(page))
		return (int)ptr_err(page);
	page_lock(page);
	memset((u8 *)page_to_virt(page) + (size & (PAGE_SIZE - 1)), 0, PAGE_SIZE - (size & (PAGE_SIZE - 1)));
	page_mark_dirty(page);
	page_unlock(page);
	page_put(page);
	return 0;
}

/* inode.lock held for writing. Shrinking frees blocks; growing leaves a hole. */
int ext4_truncate(struct txn *t, struct inode *inode, u64 size)
{
	struct ext4_inode *ei = ext4_i(inode);
	u64 first = (size + t->fs->block_size - 1) >> t->fs->block_bits;
	bool shrinks = size < inode->size;
	int err = 0;

	if (size > inode->sb->max_bytes)
		return -EFBIG;
	if (shrinks)
		err = zero_tail(inode, size);
	if (err)
		return err;
	atomic_store(&inode->size, size);
	if (shrinks) {
		mapping_truncate(&inode->mapping, size);
		rwlock_write_lock(&ei->map_lock);
		err = first <= ~0u ? extent_remove(t, ei, (u32)first, ~0u) : 0;
		rwlock_write_unlock(&ei->map_lock);
	}
	return err;
}

int ext4_fsync(struct file *file, u64 start, u64 end, bool data_only)
{
	struct inode *inode = file->inode;
	struct ext4_sb *fs = ext4_of(inode);
	int err = S_ISDIR(inode->mode) ? 0 : generic_file_fsync(file, start, end, data_only);

	/* The tree's blocks and the inode lie in the device's cache: size and map must be there too. */
	if (!err)
		err = ext4_write_inode(inode, true);
	if (!err)
		err = mapping_writeback(fs->bdev->mapping, 0, ~0ull, true);
	return err ? err : block_flush(fs->bdev);
}

/* Only mode 0 and FALLOC_FL_KEEP_SIZE: room is promised as unwritten extents. */
static int ext4_fallocate(struct file *file, int mode, off_t off, off_t len)
{
	struct inode *inode = file->inode;
	struct ext4_inode *ei = ext4_i(inode);
	struct ext4_sb *fs = ext4_of(inode);
	u64 end = (u64)off + (u64)len, last;
	struct txn t;
	int err;

	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (end > inode->sb->max_bytes)
		return -EFBIG;
	err = txn_begin(&t, fs);
	if (err)
		return err;
	rwlock_write_lock(&inode->lock);
	rwlock_write_lock(&ei->map_lock);
	last = (end - 1) >> fs->block_bits;
	for (u64 b = (u64)off >> fs->block_bits; b <= last && !err;) {
		struct ext4_map m = { .logical = (u32)b, .len = (u32)(last - b + 1) };

		err = extent_lookup(ei, &m);
		if (!err)
			err = extent_allocate(&t, ei, &m, true);
		b += m.len;
	}
	rwlock_write_unlock(&ei->map_lock);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size)
		atomic_store(&inode->size, end);
	inode_touch(inode, ATTR_CTIME);
	if (!err)
		err = ext4_inode_store(&t, inode);
	rwlock_write_unlock(&inode->lock);
	txn_end(&t);
	return err;
}

const struct file_ops ext4_file_ops = {
	.read = generic_file_read,
	.write = generic_file_write,
	.seek = generic_file_seek,
	.mmap = generic_file_mmap,
	.fsync = ext4_fsync,
	.fallocate = ext4_fallocate,
};

const struct file_ops ext4_dir_ops = {
	.iterate = ext4_iterate,
	.seek = generic_file_seek,
	.fsync = ext4_fsync,
};

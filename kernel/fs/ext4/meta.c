/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metadata blocks, in the block device's page cache (a page may hold several). The bytes are
 * guarded by the lock of what they describe (see ext4.h); page lock only while reading.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include "ext4.h"

static struct meta_buf *handle_new(struct ext4_sb *fs, struct page *page, u64 block)
{
	struct meta_buf *b = kmalloc(sizeof(*b), ALLOC_NO_FS);
	u32 offset = (u32)(block << fs->block_bits & (PAGE_SIZE - 1));

	if (!b) {
		page_put(page);
		return err_ptr(-ENOMEM);
	}
	b->page = page;
	b->block = block;
	b->data = (u8 *)page_to_virt(page) + offset;
	b->index = offset >> fs->block_bits;
	return b;
}

static bool in_range(struct ext4_sb *fs, u64 block)
{
	if (block < fs->blocks_count)
		return true;
	ext4_corrupt(fs, "metadata block %llu lies beyond the end", (unsigned long long)block);
	return false;
}

struct meta_buf *meta_read(struct ext4_sb *fs, u64 block)
{
	struct page *page;

	if (!in_range(fs, block))
		return err_ptr(-EUCLEAN);
	page = mapping_read(fs->bdev->mapping, block << fs->block_bits >> PAGE_SHIFT, 0);
	if (is_err(page)) {
		log_err("ext4: %s: reading block %llu: error %ld", fs->bdev->name, (unsigned long long)block,
			-ptr_err(page));
		return (void *)page;
	}
	return handle_new(fs, page, block);
}

struct meta_buf *meta_new(struct ext4_sb *fs, u64 block)
{
	struct page *page;
	struct meta_buf *b;

	if (!in_range(fs, block))
		return err_ptr(-EUCLEAN);
	if (fs->block_size < PAGE_SIZE) {
		/* The page's other blocks are somebody else's: they must be read. */
		b = meta_read(fs, block);
	} else {
		page = mapping_grab(fs->bdev->mapping, block, ALLOC_NO_FS);
		if (is_err(page))
			return (void *)page;
		atomic_fetch_or(&page->flags, PAGE_UPTODATE);
		page_unlock(page);
		b = handle_new(fs, page, block);
	}
	if (!is_err(b)) {
		memset(b->data, 0, fs->block_size);
		atomic_fetch_and((u64 *)&b->page->owner, ~BIT(b->index));
	}
	return b;
}

void meta_put(struct meta_buf *b)
{
	if (!b || is_err(b))
		return;
	page_put(b->page);
	kfree(b);
}

bool meta_is_checked(const struct meta_buf *b)
{
	return atomic_load((u64 *)&b->page->owner) & BIT(b->index);
}

void meta_set_checked(struct meta_buf *b)
{
	atomic_fetch_or((u64 *)&b->page->owner, BIT(b->index));
}

void meta_forget(struct ext4_sb *fs, u64 block)
{
	u64 index = block << fs->block_bits >> PAGE_SHIFT;
	struct page *page = mapping_find(fs->bdev->mapping, index);

	if (!page)
		return;
	if (fs->block_size == PAGE_SIZE) {
		page_wait_writeback(page);
		page_lock(page);
		page_cancel_dirty(page);
		page_unlock(page);
		page_put(page);
		mapping_invalidate(fs->bdev->mapping, index, index);
		return;
	}
	/* Smaller blocks share the page. */
	block_page_forget(page, (u32)(block << fs->block_bits & (PAGE_SIZE - 1)), fs->block_size);
	page_put(page);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of one file's pages: finding, adding, reading in (with read-ahead), truncating, dropping.
 * Copying to and from users is in rw.c, writing to disk in writeback.c, unused clean pages in lru.c.
 *
 * A page found without the lock is trusted only after its reference was taken and the slot looked at
 * again: pages leave the tree with the mapping locked and their count frozen at the tree's one.
 */
#include <kernel/pressure.h>
#include "pagecache.h"
#include <kernel/aspace.h>
#include <kernel/thread.h>

#include "../group_memory.h"

struct pagecache_counts pagecache_counts;

void mapping_init(struct page_mapping *m, struct inode *host, const struct mapping_ops *ops)
{
	*m = (struct page_mapping){ .host = host, .ops = ops };
	spin_init(&m->lock, "mapping", LOCK_MAPPING);
	radix_init(&m->pages, ALLOC_ATOMIC);	/* nodes are made under the spin lock */
	mutex_init(&m->vmas_lock, "mapping-vmas", LOCK_MAPPING_INVALIDATE);
	list_init(&m->vmas);
	list_init(&m->dirty_link);
}

struct page *mapping_find(struct page_mapping *m, u64 index)
{
	struct page *p;

	epoch_enter();
	while ((p = radix_get(&m->pages, index))) {
		if (!ref_get_not_zero(&p->refs))
			continue;	/* on its way out: the slot empties at once */
		if (p == radix_get(&m->pages, index) && READ_ONCE(p->mapping) == m)
			break;
		epoch_exit();
		page_put(p);
		epoch_enter();
	}
	epoch_exit();
	return p;
}

#define INSERT_TRIES 8u	/* others may take what was made room for */

/* Puts a new locked page into the tree, or returns -EEXIST, -ENOMEM. */
static int insert_page(struct page_mapping *m, u64 index, struct page *p)
{
	int err;

	p->mapping = m;
	p->index = index;
	(void)atomic_fetch_or(&p->flags, (u32)PAGE_LOCKED);
	page_get(p);		/* the tree's */
	spin_lock(&m->lock);
	err = radix_insert(&m->pages, index, p);
	spin_unlock(&m->lock);
	if (err) {
		p->mapping = NULL;
		page_put(p);
		(void)atomic_fetch_and(&p->flags, ~(u32)PAGE_LOCKED);
		return err;
	}
	atomic_add(m->keep ? &pagecache_counts.shmem : &pagecache_counts.file, 1);
	if (!m->keep)
		pagecache_lru_add(p);
	else
		group_memory_count(p->group, GM_SHMEM, 1);
	return 0;
}

/* The tree's nodes are asked for under a spinlock, where nothing can be reclaimed: if there were none, room is made without it. */
static int insert_with_room(struct page_mapping *m, u64 index, struct page *p, u32 flags)
{
	int err = insert_page(m, index, p);

	for (unsigned tries = 0; tries < INSERT_TRIES && err == -ENOMEM && !radix_make_room(flags); tries++)
		err = insert_page(m, index, p);
	return err;
}

struct page *mapping_grab(struct page_mapping *m, u64 index, u32 flags)
{
	struct page *p;
	int err;

	while (1) {
		p = mapping_find(m, index);
		if (p) {
			page_lock(p);
			if (p->mapping == m)
				return p;
			page_unlock(p);	/* truncated while we waited */
			page_put(p);
			continue;
		}
		p = page_alloc(0, flags | ALLOC_USER);
		if (!p)
			return err_ptr(-ENOMEM);
		err = insert_with_room(m, index, p, flags);
		if (!err)
			return p;
		page_put(p);
		if (err != -EEXIST)
			return err_ptr(err);
	}
}

#define READ_BATCH 32u

/* Reads the n locked consecutive pages; drops their references. First error, if it is known already. */
static int start_read(struct page_mapping *m, struct page **pages, unsigned n)
{
	int err = 0;

	if (!n)
		return 0;
	if (m->ops && m->ops->read_pages) {
		err = m->ops->read_pages(m, pages, n);
	} else {
		for (unsigned i = 0; i < n; i++) {
			arch_page_clear(page_to_virt(pages[i]));
			page_read_done(pages[i], 0);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (err)
			page_unlock(pages[i]);
		page_put(pages[i]);
	}
	return err;
}

/*
 * Asked for a page that was just put into the tree: truncation sets the size, then empties the tree, each under
 * the mapping's lock, so a page that it missed finds the new size here.
 */
static bool is_behind_end(struct page_mapping *m, u64 index)
{
	return m->host && S_ISREG(m->host->mode) && index << PAGE_SHIFT >= atomic_load(&m->host->size);
}

/* Starts reading up to `count` absent pages from index on, in runs. Only the first page's errors are told. */
static int read_range(struct page_mapping *m, u64 index, unsigned count)
{
	struct page *run[READ_BATCH];
	unsigned n = 0;
	int err = 0, first_err = 0;

	for (unsigned i = 0; i < count; i++) {
		struct page *p = mapping_find(m, index + i);
		bool absent = !p;

		if (absent) {
			p = page_alloc(0, ALLOC_USER | (i ? ALLOC_NOWARN : 0));
			err = !p ? -ENOMEM : i ? insert_page(m, index + i, p) : insert_with_room(m, index, p, 0);
			if (err && p)
				page_put(p);
		} else {
			page_put(p);
		}
		if (i == 0 && err && err != -EEXIST)
			return err;
		if (absent && !err && is_behind_end(m, index + i)) {
			/* Truncated since the caller looked at the size, and truncation may not have seen the page. */
			mapping_remove_page(m, p);
			page_unlock(p);
			page_put(p);
			if (i == 0)
				return -EIO;
			err = -EIO;
		}
		if (absent && !err)
			run[n++] = p;
		if (n && (!absent || err || n == READ_BATCH)) {
			first_err = start_read(m, run, n) ? -EIO : first_err;
			n = 0;
		}
		if (err)
			break;
	}
	if (n && start_read(m, run, n))
		first_err = -EIO;
	return first_err;
}

/* The pages the file really has, so that read-ahead does not run past its end. */
static unsigned clamp_ahead(struct page_mapping *m, u64 index, unsigned count)
{
	u64 size, last;

	if (!m->host)
		return count;
	size = atomic_load(&m->host->size);
	last = size ? (size - 1) >> PAGE_SHIFT : 0;
	if (index > last)
		return 1;
	return (unsigned)min((u64)count, last - index + 1);
}

/* Waits for the reading of p: that is waiting for a disk, and for memory if the page was there not long ago. */
static void lock_for_read(struct page *p, bool is_refault)
{
	struct memory_stall io, memory;

	if (page_trylock(p))
		return;
	io_stall_begin(&io);
	if (is_refault)
		memory_stall_begin(&memory);
	page_lock(p);
	if (is_refault)
		memory_stall_end(&memory);
	io_stall_end(&io);
}

struct page *mapping_read(struct page_mapping *m, u64 index, unsigned ra_pages)
{
	bool is_refault = false;
	struct page *p;
	int err;

	for (unsigned tries = 0;; tries++) {
		p = mapping_find(m, index);
		if (!p) {
			is_refault |= refault_look(m, index);
			err = read_range(m, index, clamp_ahead(m, index, 1 + ra_pages));
			if (err)
				return err_ptr(err);
			p = mapping_find(m, index);
			if (!p)
				continue;
		}
		if (atomic_load_acquire(&p->flags) & PAGE_UPTODATE)	/* pairs with page_read_done */
			return p;
		lock_for_read(p, is_refault);
		if (p->mapping == m && !(p->flags & PAGE_UPTODATE) && tries < 2) {
			/* An earlier reader failed, or a writer left it partly filled: read it alone. */
			struct page *one = page_get(p);

			(void)atomic_fetch_and(&p->flags, ~(u32)PAGE_ERROR);
			err = start_read(m, &one, 1);
			if (!err)
				page_wait_unlocked(p);
		} else {
			page_unlock(p);
			err = 0;
		}
		if (atomic_load_acquire(&p->flags) & PAGE_UPTODATE && READ_ONCE(p->mapping) == m)
			return p;
		page_put(p);
		if (err || tries >= 2)
			return err_ptr(err ? err : -EIO);
	}
}

/* p locked, not under write-back. The tree's reference goes; the caller has its own. */
void mapping_remove_page(struct page_mapping *m, struct page *p)
{
	if (m->ops && m->ops->release)
		m->ops->release(m, p);
	if (!m->keep)
		pagecache_lru_remove(p);
	spin_lock(&m->lock);
	if (atomic_fetch_and(&p->flags, ~(u32)PAGE_DIRTY) & PAGE_DIRTY)
		page_dirty_cleared(m, p);
	(void)radix_remove(&m->pages, p->index);
	p->mapping = NULL;
	spin_unlock(&m->lock);
	atomic_sub(m->keep ? &pagecache_counts.shmem : &pagecache_counts.file, 1);
	if (m->keep)
		group_memory_count(p->group, GM_SHMEM, -1);
	page_put(p);
}

/* The first page at or after *index, referenced. */
static struct page *next_page(struct page_mapping *m, u64 *index)
{
	struct page *p;

	spin_lock(&m->lock);
	p = radix_next(&m->pages, index);
	if (p)
		page_get(p);
	spin_unlock(&m->lock);
	return p;
}

/* Removes every page of [first, last], dirty or not, after its I/O ended. */
static void remove_range(struct page_mapping *m, u64 first, u64 last)
{
	u64 index = first;
	struct page *p;

	while ((p = next_page(m, &index))) {
		if (index > last) {
			page_put(p);
			return;
		}
		page_lock(p);
		page_wait_writeback(p);
		if (p->mapping == m)
			mapping_remove_page(m, p);
		page_unlock(p);
		page_put(p);
		if (index++ == U64_MAX)
			break;
	}
}

static void unmap(struct page_mapping *m, u64 first, u64 last)
{
	if (!list_empty(&m->vmas))
		mapping_unmap_range(m, first, last);
}

/* Pages and entries of [first, last] go. Faults that run at the same time lose or win as a whole. */
static void drop_range(struct page_mapping *m, u64 first, u64 last)
{
	unmap(m, first, last);
	remove_range(m, first, last);
	unmap(m, first, last);	/* a fault may have found a page just before it left the tree */
}

void mapping_punch(struct page_mapping *m, u64 first, u64 last)
{
	assert(m->keep);
	if (first <= last)
		drop_range(m, first, last);
}

void mapping_truncate(struct page_mapping *m, u64 size)
{
	u64 first = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u32 tail = (u32)(size & ~PAGE_MASK);
	struct page *p;

	drop_range(m, first, U64_MAX);
	if (!tail)
		return;
	p = mapping_find(m, size >> PAGE_SHIFT);
	if (!p)
		return;
	page_lock(p);
	page_wait_writeback(p);
	if (p->mapping == m && p->flags & PAGE_UPTODATE) {
		memset((char *)page_to_virt(p) + tail, 0, PAGE_SIZE - tail);
		if (!m->keep)
			page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

void mapping_destroy(struct page_mapping *m)
{
	if (m->pages.count)
		remove_range(m, 0, U64_MAX);
	writeback_mapping_gone(m);
	radix_destroy(&m->pages);
}

/*
 * Takes a clean page that nobody uses out of the cache. p is locked and has the caller's reference and
 * the tree's. False if it is dirty, mapped or in use.
 */
bool page_drop_locked(struct page *p)
{
	struct page_mapping *m = p->mapping;
	u32 two = 2;
	bool dropped;

	if (!m || m->keep || p->flags & (PAGE_DIRTY | PAGE_WRITEBACK) || atomic_load(&p->mapcount))
		return false;
	spin_lock(&m->lock);
	/* At 0 no lock-free finder can take it; after the slot is empty none will want to. */
	dropped = atomic_cmpxchg(&p->refs.n, &two, 0u);
	if (dropped && p->flags & PAGE_DIRTY) {
		ref_set(&p->refs, 2);
		dropped = false;
	}
	if (dropped) {
		(void)radix_remove(&m->pages, p->index);
		ref_set(&p->refs, 2);
	}
	spin_unlock(&m->lock);
	if (!dropped)
		return false;
	if (m->ops && m->ops->release)
		m->ops->release(m, p);
	p->mapping = NULL;
	pagecache_lru_remove(p);
	atomic_sub(&pagecache_counts.file, 1);
	page_put(p);	/* the tree's */
	return true;
}

bool mapping_replace_page(struct page_mapping *m, struct page *old, struct page *new)
{
	const u32 kept = PAGE_UPTODATE | PAGE_DIRTY | PAGE_ERROR | PAGE_REFERENCED;
	u32 two = 2;

	if (m->keep || (m->ops && m->ops->release) || old->flags & PAGE_WRITEBACK || atomic_load(&old->mapcount))
		return false;
	spin_lock(&m->lock);
	/* At 0 no lock-free finder can take it; the slot shows the new one before they give up. */
	if (!atomic_cmpxchg(&old->refs.n, &two, 0u)) {
		spin_unlock(&m->lock);
		return false;
	}
	arch_page_copy(page_to_virt(new), page_to_virt(old));
	new->flags = (old->flags & kept) | PAGE_LOCKED;
	new->mapping = m;
	new->index = old->index;
	page_get(new);		/* the tree's */
	(void)radix_replace(&m->pages, old->index, new);
	(void)atomic_fetch_and(&old->flags, ~(u32)(PAGE_DIRTY | PAGE_UPTODATE));
	old->mapping = NULL;
	ref_set(&old->refs, 1);
	spin_unlock(&m->lock);
	pagecache_lru_remove(old);
	new->group = old->group;
	old->group = NULL;
	pagecache_lru_add(new);
	page_unlock(new);
	return true;
}

static bool drop_page(struct page_mapping *m, struct page *p)
{
	bool dropped = false;

	if (!page_trylock(p))
		return false;
	if (p->mapping == m)
		dropped = page_drop_locked(p);
	page_unlock(p);
	return dropped;
}

u64 mapping_invalidate(struct page_mapping *m, u64 first, u64 last)
{
	u64 index = first, n = 0;
	struct page *p;

	if (m->keep)
		return 0;
	while ((p = next_page(m, &index))) {
		if (index > last) {
			page_put(p);
			break;
		}
		n += drop_page(m, p);
		page_put(p);
		if (index++ == U64_MAX)
			break;
	}
	return n;
}

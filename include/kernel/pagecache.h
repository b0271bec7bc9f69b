/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: one struct page_mapping per inode (and per block device for metadata).
 * Lock order: inode.lock > page lock > mapping.lock. A page in the tree holds one reference of
 * the tree's. Page contents may be read without lock once PAGE_UPTODATE is seen.
 */
#ifndef KERNEL_PAGECACHE_H
#define KERNEL_PAGECACHE_H

#include <kernel/lock.h>
#include <kernel/mm.h>
#include <lib/radix.h>

struct inode;
struct file;
struct uio;
struct page_mapping;

#define MAPPING_DIRTY 0		/* radix marks */
#define MAPPING_WRITEBACK 1

struct mapping_ops {
	/*
	 * Starts reading n consecutive locked pages (not up to date); each is unlocked, with
	 * PAGE_UPTODATE or PAGE_ERROR set, when its data is there (page_read_done). 0 or -errno (then
	 * none was started and the caller unlocks).
	 */
	int (*read_pages)(struct page_mapping *m, struct page **pages, unsigned n);
	/*
	 * Before a write of [off, off+len) within the locked page: allocate blocks or reserve space,
	 * read what is not overwritten. After: page_mark_dirty, extend size; copied may be 0 (the user's
	 * memory failed). PAGE_UPTODATE is set in between when all of [off, off+len) was filled. Also called,
	 * without inode.lock and never past the size, when a shared mapping is first written.
	 * NULL: simple in-memory behaviour.
	 */
	int (*write_begin)(struct page_mapping *m, struct page *page, u32 off, u32 len);
	int (*write_end)(struct page_mapping *m, struct page *page, u32 off, u32 copied);
	/*
	 * Starts writing n consecutive pages, locked and marked PAGE_WRITEBACK (dirty cleared); unlocks
	 * them; page_write_done for each when it is on disk. 0, or -errno: none was started, and the
	 * caller unlocks and ends them.
	 */
	int (*write_pages)(struct page_mapping *m, struct page **pages, unsigned n);
	/* The page leaves the cache (truncate, reclaim): drop private state. */
	void (*release)(struct page_mapping *m, struct page *page);
};

struct page_mapping {
	struct inode *host;		/* NULL: none */
	const struct mapping_ops *ops;
	struct spinlock lock;		/* LOCK_MAPPING */
	struct radix pages;		/* lock; reads in an epoch section */
	u64 nr_dirty;			/* lock */
	int wb_error;			/* [a] first error since last reported; fsync returns it once per file */
	u32 wb_seq;			/* counts errors, for per-file reporting */
	struct mutex vmas_lock;		/* LOCK_MAPPING_INVALIDATE */
	struct list vmas;		/* struct vma.mapping_link, under vmas_lock */
	struct list dirty_link;		/* list of mappings with dirty pages, write-back's lock */
	void *private;
	s32 writable;			/* [a] areas that share it and may write; < 0: sealed against such */
	bool keep;			/* memory-only (tmpfs): never reclaimed or written */
};
void mapping_init(struct page_mapping *m, struct inode *host, const struct mapping_ops *ops);

void page_lock(struct page *p);			/* sleeps */
bool page_trylock(struct page *p);
void page_unlock(struct page *p);		/* any context; wakes */
void page_wait_writeback(struct page *p);
/* Any context: end of a read / write of one page; status 0 or -errno. Read: unlocks. */
void page_read_done(struct page *p, int status);
void page_write_done(struct page *p, int status);
void page_mark_dirty(struct page *p);		/* file pages; page locked or its mapping stable */
void page_cancel_dirty(struct page *p);		/* locked page: what it holds is no longer wanted on disk */

/* Referenced page or NULL; no I/O. */
struct page *mapping_find(struct page_mapping *m, u64 index);
/* Referenced and locked; created (zeroed only if ALLOC_ZERO) if absent: check PAGE_UPTODATE. err_ptr(-ENOMEM). */
struct page *mapping_grab(struct page_mapping *m, u64 index, u32 flags);
/* Referenced, up to date; reads it (and ahead: ra_pages) if need be. err_ptr(-EIO, -ENOMEM, -EINTR). */
struct page *mapping_read(struct page_mapping *m, u64 index, unsigned ra_pages);
/* File reads and writes through the cache; bytes or -errno. The caller holds inode.lock for writes and has set the size rules. */
ssize_t mapping_read_uio(struct page_mapping *m, u64 pos, struct uio *to, u64 size, struct file *file);
ssize_t mapping_write_uio(struct page_mapping *m, u64 pos, struct uio *from);
/* Writes dirty pages of [first, last] and (wait) waits; 0 or first error. */
int mapping_writeback(struct page_mapping *m, u64 first, u64 last, bool wait);
/* Removes pages from byte `size` on; zeroes the tail of the last one; unmaps them from spaces. */
void mapping_truncate(struct page_mapping *m, u64 size);
/* Memory-only mappings: pages [first, last] become holes, in spaces that map them too. */
void mapping_punch(struct page_mapping *m, u64 first, u64 last);
/* Drops clean, unmapped pages (drop_caches, direct I/O). */
u64 mapping_invalidate(struct page_mapping *m, u64 first, u64 last);
/* Empties the mapping for inode eviction: everything goes, dirty or not. */
void mapping_destroy(struct page_mapping *m);
/* The generic fault of a file mapping over the page cache. */
extern const struct vma_ops pagecache_vma_ops;
void writeback_all(bool wait);			/* sync: the data of every mapping */
/* Called by the write-back thread every few seconds (metadata of file systems). */
void writeback_set_periodic(void (*fn)(void));
void pagecache_init(void);			/* locks, the write-back thread; before the first file system */
struct pagecache_counts {			/* [a] pages */
	u64 file, shmem, dirty, writeback;
};
extern struct pagecache_counts pagecache_counts;
/*
 * Advice about a cached page, referenced, in no hurry: the first to go when memory runs short; or goes now, if it is clean and
 * at most one entry shows it. Neither waits for a lock.
 */
void pagecache_make_old(struct page *p);
void pagecache_page_out(struct page *p);
/* Pages on the active and inactive lists. */
extern u64 pagecache_refaults;	/* [a] reads of pages that were given back not long ago */
void pagecache_lru_counts(u64 *active, u64 *inactive);
/* Memory is short: the write-back thread reclaims and writes dirty pages. Any context but under a wait queue's lock. */
void writeback_relieve(void);
/* The same and waits a little for pages to become clean. False: there are none to wait for. Sleeps. */
bool writeback_wait_relief(void);
/* A reference of p if it is on one of those lists. False: it is not, whatever it is. */
bool pagecache_lru_get(struct page *p);
/*
 * new, the caller's alone, takes old's place in the cache with all it holds. old is locked, in m, mapped nowhere and not under
 * write-back; afterwards it is in no file, and the caller's reference is its last. False: others use it, nothing changed.
 */
bool mapping_replace_page(struct page_mapping *m, struct page *old, struct page *new);
u64 pagecache_drop_clean(void);			/* /proc/sys/vm/drop_caches; pages freed */

#endif

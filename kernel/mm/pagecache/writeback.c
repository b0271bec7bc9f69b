/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages to disk: on demand (fsync, sync), every few seconds by the write-back thread, and by
 * writers themselves when too much is dirty. wb_lock guards the list of mappings with dirty pages.
 */
#include "pagecache.h"
#include <kernel/aspace.h>
#include <kernel/daemon.h>
#include <kernel/pressure.h>
#include <kernel/time.h>

#define BATCH 32u
#define PERIOD_NS (5 * NSEC_PER_SEC)

static struct spinlock wb_lock = SPINLOCK_INIT("writeback", LOCK_MISC);
static struct list dirty_mappings = LIST_INIT(dirty_mappings);
static struct waitq progress_wait = WAITQ_INIT(progress_wait);
static u32 kicked;				/* [a] */
static u64 dirty_limit = 1024;			/* pages; a fifth of memory */
static void (*periodic)(void);

void writeback_set_periodic(void (*fn)(void)) { WRITE_ONCE(periodic, fn); }

static void mapping_listed(struct page_mapping *m)
{
	spin_lock(&wb_lock);
	if (list_empty(&m->dirty_link))
		list_push_back(&dirty_mappings, &m->dirty_link);
	spin_unlock(&wb_lock);
}

/* The mapping is about to be freed. */
void writeback_mapping_gone(struct page_mapping *m)
{
	spin_lock(&wb_lock);
	if (!list_empty(&m->dirty_link))
		list_remove(&m->dirty_link);
	spin_unlock(&wb_lock);
}

void page_mark_dirty(struct page *p)
{
	struct page_mapping *m = p->mapping;
	bool first = false;

	if (!m || m->keep || p->flags & PAGE_DIRTY)
		return;
	spin_lock(&m->lock);
	if (p->mapping == m && !(atomic_fetch_or(&p->flags, (u32)PAGE_DIRTY) & PAGE_DIRTY)) {
		radix_mark_set(&m->pages, p->index, MAPPING_DIRTY);
		first = m->nr_dirty++ == 0;
		atomic_add(&pagecache_counts.dirty, 1);
	}
	spin_unlock(&m->lock);
	if (first)
		mapping_listed(m);
}

/* PAGE_DIRTY was just cleared; m->lock held. */
void page_dirty_cleared(struct page_mapping *m, struct page *p)
{
	radix_mark_clear(&m->pages, p->index, MAPPING_DIRTY);
	m->nr_dirty--;
	atomic_sub(&pagecache_counts.dirty, 1);
}

/* The page stays cached; a write-back that runs already is not stopped. */
void page_cancel_dirty(struct page *p)
{
	struct page_mapping *m = p->mapping;

	if (!m)
		return;
	spin_lock(&m->lock);
	if (p->mapping == m && atomic_fetch_and(&p->flags, ~(u32)PAGE_DIRTY) & PAGE_DIRTY)
		page_dirty_cleared(m, p);
	spin_unlock(&m->lock);
}

/* The next dirty page at or after *index, referenced. */
static struct page *next_marked(struct page_mapping *m, u64 *index, unsigned mark)
{
	struct page *p;

	spin_lock(&m->lock);
	p = radix_next_marked(&m->pages, index, mark);
	if (p)
		page_get(p);
	spin_unlock(&m->lock);
	return p;
}

/* Locked page p turns from dirty to being written; takes the reference the end of writing drops. False: nothing to write. */
static bool start_page(struct page_mapping *m, struct page *p)
{
	bool was_dirty;

	if (p->mapping != m || !(p->flags & PAGE_DIRTY))
		return false;
	page_wait_writeback(p);
	/* Later stores through a mapping must fault again, or they would be lost. */
	if (atomic_load(&p->mapcount))
		(void)mapping_page_clean(m, p);
	page_get(p);
	spin_lock(&m->lock);
	was_dirty = atomic_fetch_and(&p->flags, ~(u32)PAGE_DIRTY) & PAGE_DIRTY;
	if (was_dirty) {
		page_dirty_cleared(m, p);
		radix_mark_set(&m->pages, p->index, MAPPING_WRITEBACK);
		(void)atomic_fetch_or(&p->flags, (u32)PAGE_WRITEBACK);
		atomic_add(&pagecache_counts.writeback, 1);
	}
	spin_unlock(&m->lock);
	if (!was_dirty)
		page_put(p);
	return was_dirty;
}

static int write_run(struct page_mapping *m, struct page **run, unsigned n)
{
	int err = m->ops->write_pages(m, run, n);

	for (unsigned i = 0; i < n; i++) {
		if (err) {
			page_unlock(run[i]);
			page_write_done(run[i], err);
		}
		page_put(run[i]);
	}
	return err;
}

/* Collects a run of consecutive dirty pages from *index on, locked. How many; *index moves behind the last. */
static unsigned collect_run(struct page_mapping *m, u64 *index, u64 last, struct page **run)
{
	unsigned n = 0;

	while (n < BATCH) {
		u64 at = *index;
		struct page *p = next_marked(m, &at, MAPPING_DIRTY);
		bool ok;

		if (!p || at > last || (n && at != *index)) {
			if (p)
				page_put(p);
			if (!n)
				*index = U64_MAX;
			break;
		}
		if (n && !page_trylock(p)) {	/* never wait for a lock while holding others */
			page_put(p);
			break;
		}
		if (!n)
			page_lock(p);
		ok = start_page(m, p);
		*index = at + 1;
		if (ok) {
			run[n++] = p;
			continue;
		}
		page_unlock(p);
		page_put(p);
		if (n)
			break;
	}
	return n;
}

static void wait_range(struct page_mapping *m, u64 first, u64 last)
{
	u64 index = first;
	struct page *p;

	while ((p = next_marked(m, &index, MAPPING_WRITEBACK))) {
		if (index > last) {
			page_put(p);
			return;
		}
		page_wait_writeback(p);
		spin_lock(&m->lock);
		if (p->mapping == m && !(p->flags & PAGE_WRITEBACK))
			radix_mark_clear(&m->pages, p->index, MAPPING_WRITEBACK);
		spin_unlock(&m->lock);
		page_put(p);
		index++;
	}
}

int mapping_writeback(struct page_mapping *m, u64 first, u64 last, bool wait)
{
	u32 seq = atomic_load(&m->wb_seq);
	struct page *run[BATCH];
	u64 index = first;
	unsigned n;
	int err = 0, r;

	if (m->keep || !m->ops || !m->ops->write_pages)
		return 0;
	while (READ_ONCE(m->nr_dirty) && index <= last) {
		n = collect_run(m, &index, last, run);
		if (n) {
			r = write_run(m, run, n);
			err = err ? err : r;
		}
		if (index == U64_MAX)
			break;
	}
	if (wait) {
		wait_range(m, first, last);
		if (!err && atomic_load(&m->wb_seq) != seq)
			err = atomic_load(&m->wb_error);
	}
	waitq_wake_all(&progress_wait);
	return err;
}

/* The next mapping of the list, its inode referenced (host NULL: it stays by itself), taken off the list. */
static struct page_mapping *take_mapping(void)
{
	struct page_mapping *m, *found = NULL;

	spin_lock(&wb_lock);
	list_for_each(m, &dirty_mappings, dirty_link)
		if (!m->host || ref_get_not_zero(&m->host->refs)) {
			found = m;
			break;
		}
	if (found)
		list_remove(&found->dirty_link);
	spin_unlock(&wb_lock);
	return found;
}

void writeback_all(bool wait)
{
	struct page_mapping *m;

	/* A bound: mappings dirtied again meanwhile come back to the list's end. */
	for (unsigned n = 0; n < 4096 && (m = take_mapping()); n++) {
		(void)mapping_writeback(m, 0, U64_MAX, wait);
		daemon_beat();
		if (READ_ONCE(m->nr_dirty))
			mapping_listed(m);
		if (m->host)
			inode_put(m->host);
	}
}

extern const struct daemon daemon_writeback, daemon_reclaim;

static void kick(void)
{
	atomic_store(&kicked, 1u);
	daemon_poke(&daemon_writeback);
}

static bool is_short;				/* [a] writeback_relieve was called */

void writeback_relieve(void)
{
	if (atomic_load(&is_short))
		return;
	atomic_store(&is_short, true);
	daemon_poke(&daemon_reclaim);
	daemon_poke(&daemon_writeback);
}

bool writeback_wait_relief(void)
{
	u64 before = atomic_load(&pagecache_counts.dirty) + atomic_load(&pagecache_counts.writeback);

	if (!before)
		return false;
	writeback_relieve();
	(void)waitq_wait_until(&progress_wait,
		atomic_load(&pagecache_counts.dirty) + atomic_load(&pagecache_counts.writeback) < before,
		SLEEP_KILLABLE, time_ns() + 20 * NSEC_PER_MSEC, false);
	return true;
}

/* Beside the reclaim daemon: what is dirty cannot be given back before. Not again at once. */
static void relieve(void)
{
	writeback_all(false);
	(void)sleep_until(time_ns() + 20 * NSEC_PER_MSEC, false);
	atomic_store(&is_short, false);
}

/* A writer that makes pages dirty faster than the disk takes them writes its own and waits. */
void writeback_throttle(struct page_mapping *m)
{
	if (likely(atomic_load(&pagecache_counts.dirty) < dirty_limit / 2))
		return;
	if (!atomic_load(&kicked))
		kick();
	if (atomic_load(&pagecache_counts.dirty) + atomic_load(&pagecache_counts.writeback) < dirty_limit)
		return;
	(void)mapping_writeback(m, 0, U64_MAX, true);
	(void)waitq_wait_until(&progress_wait,
		atomic_load(&pagecache_counts.dirty) + atomic_load(&pagecache_counts.writeback) < dirty_limit,
		SLEEP_KILLABLE, time_ns() + 100 * NSEC_PER_MSEC, false);
}

static u64 writeback_round(void)
{
	void (*fn)(void);

	if (atomic_load(&is_short)) {
		relieve();
		return atomic_load(&kicked) ? 0 : PERIOD_NS;
	}
	atomic_store(&kicked, 0u);
	writeback_all(false);
	fn = READ_ONCE(periodic);
	if (fn)
		fn();
	return PERIOD_NS;
}

const struct daemon daemon_writeback = {
	.name = "writeback", .description = "writes changed pages to their disks",
	.round = writeback_round, .watchdog_ns = 30 * NSEC_PER_SEC,
};

void pagecache_init(void)
{
	struct mm_stats stats;

	pressure_init(&pressure_memory, NULL);
	pressure_init(&pressure_io, NULL);
	page_lock_init();
	pagecache_lru_init();
	mm_stats(&stats);
	dirty_limit = max(stats.total_pages / 5, (u64)64);
}

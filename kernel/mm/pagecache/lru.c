/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cached file pages in order of age, and the shrinker that gives clean unmapped ones back: a second
 * chance for pages read since it last came by. Pages of memory files are never here.
 */
#include "pagecache.h"

static struct spinlock lru_lock = SPINLOCK_INIT("page-lru", LOCK_LRU);
static struct list pages = LIST_INIT(pages);
static u64 nr_pages;

void pagecache_lru_add(struct page *p)
{
	spin_lock(&lru_lock);
	list_push_back(&pages, &p->lru);
	(void)atomic_fetch_or(&p->flags, (u32)PAGE_LRU);
	nr_pages++;
	spin_unlock(&lru_lock);
}

/* Before the tree's reference goes, so that a page on the list always has one. */
void pagecache_lru_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (p->flags & PAGE_LRU) {
		list_remove(&p->lru);
		(void)atomic_fetch_and(&p->flags, ~(u32)PAGE_LRU);
		nr_pages--;
	}
	spin_unlock(&lru_lock);
}

/* The oldest page, referenced; it moves to the young end. */
static struct page *rotate(void)
{
	struct page *p;

	spin_lock(&lru_lock);
	p = list_first(&pages, struct page, lru);
	if (p) {
		list_remove(&p->lru);
		list_push_back(&pages, &p->lru);
		page_get(p);
	}
	spin_unlock(&lru_lock);
	return p;
}

static u64 shrink(u64 want, u64 look, bool all)
{
	u64 freed = 0;

	while (freed < want && look--) {
		struct page *p = rotate();

		if (!p)
			break;
		if ((!(atomic_fetch_and(&p->flags, ~(u32)PAGE_REFERENCED) & PAGE_REFERENCED) || all) && page_trylock(p)) {
			/* Locked and in a mapping: the mapping cannot be torn down under us. */
			freed += page_drop_locked(p);
			page_unlock(p);
		}
		page_put(p);
	}
	return freed;
}

static u64 shrinker_count(struct shrinker *s) { return READ_ONCE(nr_pages); }

static u64 shrinker_scan(struct shrinker *s, u64 n, u32 flags)
{
	return flags & ALLOC_ATOMIC ? 0 : shrink(n, 2 * READ_ONCE(nr_pages), false);
}
static struct shrinker shrinker = { .name = "page-cache", .count = shrinker_count, .scan = shrinker_scan };

u64 pagecache_drop_clean(void) { return shrink(U64_MAX, READ_ONCE(nr_pages), true); }

void pagecache_lru_init(void) { shrinker_register(&shrinker); }

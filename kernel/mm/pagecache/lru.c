/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cached file pages by age, in two lists, and the shrinker that gives clean ones back. New pages enter the
 * inactive list; those used again while there (PAGE_REFERENCED by reads, the accessed bit of user
 * entries) move to the active one, so a file read once does not drive out what is used. Pages that programs
 * map are unmapped first (rmap.c); they come back by faults. Pages of memory files are never here.
 *
 * Scanning only ever tries locks: it runs in whoever allocates, holding anything.
 */
#include "pagecache.h"
#include <kernel/aspace.h>

static struct spinlock lru_lock = SPINLOCK_INIT("page-lru", LOCK_LRU);
static struct list inactive = LIST_INIT(inactive), active = LIST_INIT(active);	/* lru_lock; oldest first */
static u64 nr_inactive, nr_active;	/* lru_lock; read without */

void pagecache_lru_add(struct page *p)
{
	spin_lock(&lru_lock);
	list_push_back(&inactive, &p->lru);
	(void)atomic_fetch_or(&p->flags, (u32)PAGE_LRU);
	nr_inactive++;
	spin_unlock(&lru_lock);
}

/* Before the tree's reference goes, so that a page on the list always has one. */
void pagecache_lru_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (p->flags & PAGE_LRU) {
		list_remove(&p->lru);
		*(p->flags & PAGE_ACTIVE ? &nr_active : &nr_inactive) -= 1;
		(void)atomic_fetch_and(&p->flags, ~(u32)(PAGE_LRU | PAGE_ACTIVE));
	}
	spin_unlock(&lru_lock);
}

void pagecache_lru_counts(u64 *young, u64 *old)
{
	*young = READ_ONCE(nr_active);
	*old = READ_ONCE(nr_inactive);
}

/* The page goes to the young end of the list. It may have left the lists meanwhile. */
static void move_to(struct page *p, bool to_active)
{
	spin_lock(&lru_lock);
	if (p->flags & PAGE_LRU) {
		bool was_active = p->flags & PAGE_ACTIVE;

		list_remove(&p->lru);
		list_push_back(to_active ? &active : &inactive, &p->lru);
		if (to_active)
			(void)atomic_fetch_or(&p->flags, (u32)PAGE_ACTIVE);
		else
			(void)atomic_fetch_and(&p->flags, ~(u32)PAGE_ACTIVE);
		*(was_active ? &nr_active : &nr_inactive) -= 1;
		*(to_active ? &nr_active : &nr_inactive) += 1;
	}
	spin_unlock(&lru_lock);
}

/* The oldest page of a list, referenced; it moves to the young end. */
static struct page *rotate(struct list *l)
{
	struct page *p;

	spin_lock(&lru_lock);
	p = list_first(l, struct page, lru);
	if (p) {
		list_remove(&p->lru);
		list_push_back(l, &p->lru);
		page_get(p);
	}
	spin_unlock(&lru_lock);
	return p;
}

/* Was the locked page used since somebody last looked? Forgets it. */
static bool was_used(struct page *p)
{
	bool read = atomic_fetch_and(&p->flags, ~(u32)PAGE_REFERENCED) & PAGE_REFERENCED;

	return (p->mapping && atomic_load(&p->mapcount) && mapping_page_referenced(p->mapping, p)) || read;
}

enum outcome { KEPT, ACTIVATED, FREED };

/* p is locked and in a mapping, which therefore cannot be torn down. */
static enum outcome try_to_free(struct page *p)
{
	if (!p->mapping)
		return KEPT;
	if (was_used(p))
		return ACTIVATED;
	if (atomic_load(&p->mapcount) && !mapping_page_unmap(p->mapping, p))
		return ACTIVATED;	/* locked in memory, or just busy */
	return page_drop_locked(p) ? FREED : KEPT;
}

/* Pages of the active list that were not used lately become inactive, until that is not the shorter one. */
static void age_active(u64 look)
{
	while (look-- && READ_ONCE(nr_active) > READ_ONCE(nr_inactive)) {
		struct page *p = rotate(&active);

		if (!p)
			break;
		if (page_trylock(p)) {
			if (!was_used(p))
				move_to(p, false);
			page_unlock(p);
		}
		page_put(p);
	}
}

static u64 shrink(u64 want, u64 look)
{
	u64 freed = 0;

	while (freed < want && look--) {
		struct page *p = rotate(&inactive);
		enum outcome r = KEPT;

		if (!p)
			break;
		if (page_trylock(p)) {
			r = try_to_free(p);
			if (r == ACTIVATED)
				move_to(p, true);
			page_unlock(p);
		}
		freed += r == FREED;
		page_put(p);
	}
	return freed;
}

static u64 shrinker_count(struct shrinker *s) { return READ_ONCE(nr_inactive) + READ_ONCE(nr_active); }

/* Once around; a second round finds what the first one took the marks from. */
static u64 shrinker_scan(struct shrinker *s, u64 n, u32 flags)
{
	u64 freed = 0;

	if (flags & ALLOC_ATOMIC)
		return 0;
	for (unsigned round = 0; round < 3 && freed < n; round++) {
		age_active(READ_ONCE(nr_active));
		freed += shrink(n - freed, READ_ONCE(nr_inactive));
	}
	return freed;
}
static struct shrinker shrinker = { .name = "page-cache", .count = shrinker_count, .scan = shrinker_scan };

/* What programs have mapped stays, as with Linux's drop_caches. */
static u64 drop_unmapped(struct list *l, u64 look)
{
	u64 freed = 0;

	while (look--) {
		struct page *p = rotate(l);

		if (!p)
			break;
		if (page_trylock(p)) {
			freed += page_drop_locked(p);
			page_unlock(p);
		}
		page_put(p);
	}
	return freed;
}

u64 pagecache_drop_clean(void)
{
	return drop_unmapped(&inactive, READ_ONCE(nr_inactive)) + drop_unmapped(&active, READ_ONCE(nr_active));
}

void pagecache_lru_init(void) { shrinker_register(&shrinker); }

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cached file pages by age, in two lists, and the shrinker that gives clean ones back. New pages enter the
 * inactive list; those used again while there (PAGE_REFERENCED by reads, the accessed bit of user
 * entries) move to the active one, so a file read once does not drive out what is used. Pages that programs
 * map are unmapped first (rmap.c); they come back by faults. Pages of memory files are never here.
 * Each group has its two lists; scanning for the system takes the groups' in turn.
 *
 * Scanning only ever tries locks: it runs in whoever allocates, holding anything.
 */
#include "pagecache.h"
#include <kernel/aspace.h>

#include "../group_memory.h"

static struct spinlock lru_lock = SPINLOCK_INIT("page-lru", LOCK_LRU);
static struct list lrus = LIST_INIT(lrus);	/* lru_lock */
static u32 nr_lrus;				/* lru_lock */
static u64 nr_inactive, nr_active;		/* lru_lock; read without; of all lists */

void page_lru_init(struct page_lru *l, struct group *g)
{
	list_init(&l->inactive);
	list_init(&l->active);
	l->group = g;
	spin_lock(&lru_lock);
	list_push_back(&lrus, &l->link);
	nr_lrus++;
	spin_unlock(&lru_lock);
}

void page_lru_destroy(struct page_lru *l)
{
	spin_lock(&lru_lock);
	assert(!l->nr_inactive && !l->nr_active);
	list_remove(&l->link);
	nr_lrus--;
	spin_unlock(&lru_lock);
}

/* The lists of the group that p is charged to. */
static struct page_lru *lru_of(const struct page *p) { return &group_memory(p->group)->lru; }

/* p, on the active list or the inactive one, counts n times more there. */
static void count(struct page_lru *l, bool is_active, s64 n)
{
	*(is_active ? &l->nr_active : &l->nr_inactive) += (u64)n;
	*(is_active ? &nr_active : &nr_inactive) += (u64)n;
}

void pagecache_lru_add(struct page *p)
{
	struct page_lru *l = lru_of(p);

	spin_lock(&lru_lock);
	list_push_back(&l->inactive, &p->lru);
	(void)atomic_fetch_or(&p->flags, (u32)PAGE_LRU);
	count(l, false, 1);
	spin_unlock(&lru_lock);
}

/* Before the tree's reference goes, so that a page on the list always has one. */
void pagecache_lru_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (p->flags & PAGE_LRU) {
		list_remove(&p->lru);
		count(lru_of(p), p->flags & PAGE_ACTIVE, -1);
		(void)atomic_fetch_and(&p->flags, ~(u32)(PAGE_LRU | PAGE_ACTIVE));
	}
	spin_unlock(&lru_lock);
}

bool pagecache_lru_get(struct page *p)
{
	bool is_listed;

	spin_lock(&lru_lock);
	is_listed = p->flags & PAGE_LRU;
	if (is_listed)
		page_get(p);
	spin_unlock(&lru_lock);
	return is_listed;
}

void pagecache_lru_counts(u64 *young, u64 *old)
{
	*young = READ_ONCE(nr_active);
	*old = READ_ONCE(nr_inactive);
}

/* The page goes to the young end of the list. It may have left the lists meanwhile. */
static void move_to(struct page *p, bool to_active)
{
	struct page_lru *l = lru_of(p);

	spin_lock(&lru_lock);
	if (p->flags & PAGE_LRU) {
		bool was_active = p->flags & PAGE_ACTIVE;

		list_remove(&p->lru);
		list_push_back(to_active ? &l->active : &l->inactive, &p->lru);
		if (to_active)
			(void)atomic_fetch_or(&p->flags, (u32)PAGE_ACTIVE);
		else
			(void)atomic_fetch_and(&p->flags, ~(u32)PAGE_ACTIVE);
		count(l, was_active, -1);
		count(l, to_active, 1);
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
	struct page_mapping *m = p->mapping;

	if (!page_drop_locked(p))
		return KEPT;
	refault_note(m, p->index);
	return FREED;
}

void pagecache_make_old(struct page *p)
{
	if (!page_trylock(p))
		return;
	if (p->mapping) {
		(void)was_used(p);
		move_to(p, false);
	}
	page_unlock(p);
}

void pagecache_page_out(struct page *p)
{
	if (!page_trylock(p))
		return;
	if (p->mapping && atomic_load(&p->mapcount) <= 1) {
		(void)was_used(p);
		if (try_to_free(p) == KEPT)
			move_to(p, false);
	}
	page_unlock(p);
}

/* Pages of the active list that were not used lately become inactive, until that is not the shorter one. */
static void age_active(struct page_lru *l)
{
	u64 look = READ_ONCE(l->nr_active);

	while (look-- && READ_ONCE(l->nr_active) > READ_ONCE(l->nr_inactive)) {
		struct page *p = rotate(&l->active);

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

static u64 shrink(struct page_lru *l, u64 want)
{
	u64 freed = 0, look = READ_ONCE(l->nr_inactive);

	while (freed < want && look--) {
		struct page *p = rotate(&l->inactive);
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

/* ---- whose lists ------------------------------------------------------------------------------ */

static bool is_below(const struct group *g, const struct group *top)
{
	while (g && g != top)
		g = g->parent;
	return g == top;
}

/* The next lists in turn that belong to top's subtree (NULL: all), their group referenced; at most *left more. */
static struct page_lru *next_lru(const struct group *top, u32 *left)
{
	struct page_lru *l = NULL;

	spin_lock(&lru_lock);
	while (!l && (*left)-- > 0) {
		l = list_first(&lrus, struct page_lru, link);
		list_remove(&l->link);
		list_push_back(&lrus, &l->link);
		if ((top && !is_below(l->group, top)) || (l->group && !ref_get_not_zero(&l->group->refs)))
			l = NULL;
	}
	spin_unlock(&lru_lock);
	return l;
}

#define ROUNDS 3u

/* memory.min protects a group (and what is below it) always, memory.low as long as others have something. */
static bool is_protected(const struct page_lru *l, const struct group *top, unsigned round)
{
	for (struct group *g = l->group; g && g != top && g->parent; g = g->parent) {
		const struct group_memory *m = group_memory(g);
		u64 now = atomic_load(&g->pages), low = atomic_load(&m->low);

		if (now <= atomic_load(&m->min) || (now <= low && round < ROUNDS))
			return true;
		if (now <= low)
			group_memory_event(g, GM_LOW);
	}
	return false;
}

/* Up to n pages of top's subtree (NULL: of all). A second round finds what the first one took the marks from. */
static u64 reclaim_below(const struct group *top, u64 n)
{
	u64 freed = 0;

	for (unsigned round = 0; round <= ROUNDS && freed < n; round++) {
		u32 left = READ_ONCE(nr_lrus);
		struct page_lru *l;

		while (freed < n && (l = next_lru(top, &left))) {
			if (!is_protected(l, top, round)) {
				age_active(l);
				freed += shrink(l, n - freed);
			}
			if (l->group)
				group_put(l->group);
		}
	}
	return freed;
}

u64 pagecache_reclaim_group(struct group *top, u64 n) { return preemptible() ? reclaim_below(top, n) : 0; }

static u64 shrinker_scan(struct shrinker *s, u64 n, u32 flags)
{
	return flags & ALLOC_ATOMIC ? 0 : reclaim_below(NULL, n);
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
	u32 left = READ_ONCE(nr_lrus);
	struct page_lru *l;
	u64 freed = 0;

	while ((l = next_lru(NULL, &left))) {
		freed += drop_unmapped(&l->inactive, READ_ONCE(l->nr_inactive)) +
			 drop_unmapped(&l->active, READ_ONCE(l->nr_active));
		if (l->group)
			group_put(l->group);
	}
	return freed;
}

void pagecache_lru_init(void)
{
	page_lru_init(&group_memory_root.lru, NULL);
	shrinker_register(&shrinker);
	refault_init();
}

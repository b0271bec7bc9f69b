/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory controller's part of a group, and the lists its file pages age in (pagecache/lru.c). */
#ifndef MM_GROUP_MEMORY_H
#define MM_GROUP_MEMORY_H

#include <kernel/group.h>
#include <kernel/mm.h>
#include <kernel/pressure.h>
#include <kernel/waitq.h>

/* File pages charged to one group, oldest first. All under the LRU lock; counts are read without. */
struct page_lru {
	struct list inactive, active;
	struct list link;		/* in the list of all of them */
	u64 nr_inactive, nr_active;
	struct group *group;		/* [b] whose; NULL: the root group's */
};
void page_lru_init(struct page_lru *l, struct group *g);	/* enters the list */
void page_lru_destroy(struct page_lru *l);			/* empty: leaves it */
/* Gives up to `want` of the file pages charged to top's subtree back; how many. Sleeps not, tries locks only. */
u64 pagecache_reclaim_group(struct group *top, u64 want);

enum group_memory_event { GM_LOW, GM_HIGH, GM_MAX, GM_OOM, GM_OOM_KILL, GM_OOM_GROUP_KILL, GM_EVENTS };
enum group_memory_count { GM_ANON, GM_SHMEM, GM_TABLES, GM_STACKS, GM_SLAB, GM_FAULTS, GM_MAJOR_FAULTS, GM_COUNTS };

/* [a] all but what is said. Pages, not bytes. */
struct group_memory {
	struct page_lru lru;
	u64 min, low;			/* not reclaimed from when below; low: unless nothing else is left */
	s64 counts[GM_COUNTS];		/* of this group alone; their sums are told */
	u64 events[GM_EVENTS];		/* of the subtree */
	u64 events_local[GM_EVENTS];
	u64 nr_events, nr_local;	/* for poll */
	struct waitq wait, wait_local;
	bool oom_group;			/* the OOM killer ends all of it or none */
	struct pressure pressure, io_pressure;	/* own locks */
};
extern struct group_controller group_controller_memory;
extern struct group_memory group_memory_root;

static inline struct group_memory *group_memory(const struct group *g)
{
	return g && g != &group_root ? g->controller[group_controller_memory.index] : &group_memory_root;
}

/* Charges n pages to g and above, making room if need be. 0; -ENOMEM: no room could be made. */
int group_memory_charge(struct group *g, u64 n, u32 flags);
void group_memory_event(struct group *g, enum group_memory_event e);
static inline void group_memory_count(struct group *g, enum group_memory_count c, s64 n)
{
	if (g)		/* the root's numbers are the system's */
		atomic_add(&group_memory(g)->counts[c], n);
}

#endif

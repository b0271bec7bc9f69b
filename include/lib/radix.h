/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sparse array u64 index -> pointer, 64 slots a level; serves the page cache, ids
 * and descriptor tables. Writers need the caller's lock; radix_get may run inside an
 * epoch section without it (nodes are freed by epoch, slots published by release).
 */
#ifndef LIB_RADIX_H
#define LIB_RADIX_H

#include <lib/compiler.h>

#define RADIX_MARKS 2		/* per-entry marks, e.g. dirty and write-back */
struct radix_node;
struct radix {
	struct radix_node *root;
	u32 height;		/* levels; 0: empty */
	u32 alloc_flags;	/* allocation context for nodes, see kernel/mm.h */
	u64 count;		/* entries that are not NULL */
};

static inline void radix_init(struct radix *r, u32 alloc_flags)
{
	r->root = NULL;
	r->height = 0;
	r->alloc_flags = alloc_flags;
	r->count = 0;
}
void *radix_get(const struct radix *r, u64 index);
/* 0, -EEXIST if the slot is taken, -ENOMEM. entry is not NULL. */
int radix_insert(struct radix *r, u64 index, void *entry);
/*
 * Before another attempt, when an insertion under a spinlock gave -ENOMEM: makes room for some nodes where it may sleep, as alloc
 * flags say. 0 or -ENOMEM.
 */
int radix_make_room(u32 alloc_flags);
/* Replaces the entry of a taken slot; returns the old one. */
void *radix_replace(struct radix *r, u64 index, void *entry);
/* Returns the old entry or NULL. Clears the marks. */
void *radix_remove(struct radix *r, u64 index);
/* First entry with index >= *index; sets *index. NULL if none. */
void *radix_next(const struct radix *r, u64 *index);
/* The same among the entries that bear the mark. */
void *radix_next_marked(const struct radix *r, u64 *index, unsigned mark);
void radix_mark_set(struct radix *r, u64 index, unsigned mark);
void radix_mark_clear(struct radix *r, u64 index, unsigned mark);
bool radix_mark_test(const struct radix *r, u64 index, unsigned mark);
/* Lowest free index in [from, max], or max + 1. */
u64 radix_find_free(const struct radix *r, u64 from, u64 max);
/* Frees all nodes (not the entries). */
void radix_destroy(struct radix *r);

#endif

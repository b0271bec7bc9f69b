/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted sets of physical ranges: what bootmem knows of RAM and reservations. Pure, no lock. */
#ifndef MM_MEMRANGES_H
#define MM_MEMRANGES_H

#include <lib/types.h>

#define MEM_RANGES_MAX 128

struct mem_range {
	paddr_t base, end;		/* [base, end), never empty in a set */
};
/* Sorted by base, disjoint, neighbours never touch. */
struct mem_set {
	struct mem_range r[MEM_RANGES_MAX];
	u32 nr;
};

/* Unites the set with [base, end). False: no room for one more range (set unchanged). */
bool mem_set_add(struct mem_set *s, paddr_t base, paddr_t end);
/* Takes [base, end) out. False: a split had no room (the upper part is lost from the set). */
bool mem_set_remove(struct mem_set *s, paddr_t base, paddr_t end);
/* The range that contains pa, or the next above it; NULL: none. */
const struct mem_range *mem_set_find(const struct mem_set *s, paddr_t pa);
bool mem_set_contains(const struct mem_set *s, paddr_t base, paddr_t end);
bool mem_set_overlaps(const struct mem_set *s, paddr_t base, paddr_t end);
u64 mem_set_bytes(const struct mem_set *s);
/*
 * First piece of `set` minus `holes` at or above from and below limit: true and *out. Walk all
 * pieces by from = out->end.
 */
bool mem_set_next_free(const struct mem_set *set, const struct mem_set *holes, paddr_t from,
		       paddr_t limit, struct mem_range *out);
/* Highest aligned block of size in set minus holes within [low, high); 0: none. */
paddr_t mem_set_find_top(const struct mem_set *set, const struct mem_set *holes, paddr_t low,
			 paddr_t high, u64 size, u64 align);

#endif

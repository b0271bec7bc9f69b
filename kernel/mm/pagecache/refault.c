/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which file pages were given back not long ago: a table of marks, one per eight pages of RAM, found by the hash of file and
 * page, younger ones over older ones. Who reads a page that left the cache fewer evictions ago than the cache has pages would not have had to,
 * with more memory: its wait counts as one for memory (kernel/mm/pressure.c). Guesses only, no locks: a mark is one word.
 */
#include "pagecache.h"
#include <kernel/boot.h>
#include <lib/bits.h>

#define PAGES_PER_MARK 8u
#define MARKS_MAX 65536u

static u32 *marks __ro_after_init;	/* [a] upper half: of the hash; lower: when, in evictions; 0: none */
static u32 mask __ro_after_init;
static u32 clock;			/* [a] evictions */
u64 pagecache_refaults;			/* [a] */

static u64 hash(const struct page_mapping *m, u64 index)
{
	u64 h = ((u64)(uintptr_t)m >> 4 ^ index * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	return h ^ h >> 32;
}

void refault_note(const struct page_mapping *m, u64 index)
{
	u64 h = hash(m, index);
	u32 now = atomic_fetch_add(&clock, 1u);

	if (marks)
		atomic_store(&marks[h & mask], (u32)(h >> 32 | 0x8000) << 16 | (now & 0xffff));
}

bool refault_look(const struct page_mapping *m, u64 index)
{
	u64 h = hash(m, index), young, old;
	u32 mark, age;

	if (!marks)
		return false;
	mark = atomic_load(&marks[h & mask]);
	if (mark >> 16 != ((u32)(h >> 32 | 0x8000) & 0xffff))
		return false;
	atomic_store(&marks[h & mask], 0u);
	age = (atomic_load(&clock) - mark) & 0xffff;
	pagecache_lru_counts(&young, &old);
	if (age > young + old)
		return false;
	atomic_add(&pagecache_refaults, 1ull);
	return true;
}

void refault_init(void)
{
	struct mm_stats m;
	u64 n;

	mm_stats(&m);
	n = 1ull << log2_floor(clamp(m.total_pages / PAGES_PER_MARK, 64ull, (u64)MARKS_MAX));
	marks = kzalloc(n * sizeof(*marks), ALLOC_NOWARN);
	mask = (u32)n - 1;
}

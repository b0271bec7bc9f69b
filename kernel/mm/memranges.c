/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorted sets of physical ranges. Firmware hands out ranges that overlap, touch and come in any
 * order; here they become a canonical form. Pure functions; bootmem.c owns the sets.
 */
#include "memranges.h"

#include <lib/compiler.h>
#include <lib/string.h>

/* Index of the first range whose end lies above pa. */
static u32 first_ending_above(const struct mem_set *s, paddr_t pa)
{
	u32 lo = 0, hi = s->nr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (s->r[mid].end > pa)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool open_slot(struct mem_set *s, u32 at)
{
	if (s->nr == MEM_RANGES_MAX)
		return false;
	memmove(&s->r[at + 1], &s->r[at], (s->nr - at) * sizeof(s->r[0]));
	s->nr++;
	return true;
}

static void close_slots(struct mem_set *s, u32 at, u32 n)
{
	memmove(&s->r[at], &s->r[at + n], (s->nr - at - n) * sizeof(s->r[0]));
	s->nr -= n;
}

bool mem_set_add(struct mem_set *s, paddr_t base, paddr_t end)
{
	u32 i, n = 0;

	if (base >= end)
		return true;
	/* Ranges that overlap or touch [base, end) melt into one. */
	i = base ? first_ending_above(s, base - 1) : 0;
	while (i + n < s->nr && s->r[i + n].base <= end)
		n++;
	if (n == 0) {
		if (!open_slot(s, i))
			return false;
		s->r[i] = (struct mem_range){ base, end };
		return true;
	}
	s->r[i].base = min(s->r[i].base, base);
	s->r[i].end = max(s->r[i + n - 1].end, end);
	close_slots(s, i + 1, n - 1);
	return true;
}

bool mem_set_remove(struct mem_set *s, paddr_t base, paddr_t end)
{
	u32 i = first_ending_above(s, base);

	if (base >= end)
		return true;
	while (i < s->nr && s->r[i].base < end) {
		struct mem_range *r = &s->r[i];

		if (r->base < base && r->end > end) {
			paddr_t old_end = r->end;

			r->end = base;
			if (!open_slot(s, i + 1))
				return false;
			s->r[i + 1] = (struct mem_range){ end, old_end };
			return true;
		}
		if (r->base < base) {
			r->end = base;
			i++;
		} else if (r->end > end) {
			r->base = end;
			return true;
		} else {
			close_slots(s, i, 1);
		}
	}
	return true;
}

const struct mem_range *mem_set_find(const struct mem_set *s, paddr_t pa)
{
	u32 i = first_ending_above(s, pa);

	return i < s->nr ? &s->r[i] : NULL;
}

bool mem_set_contains(const struct mem_set *s, paddr_t base, paddr_t end)
{
	const struct mem_range *r = mem_set_find(s, base);

	return r && r->base <= base && r->end >= end;
}

bool mem_set_overlaps(const struct mem_set *s, paddr_t base, paddr_t end)
{
	const struct mem_range *r = mem_set_find(s, base);

	return base < end && r && r->base < end;
}

u64 mem_set_bytes(const struct mem_set *s)
{
	u64 sum = 0;

	for (u32 i = 0; i < s->nr; i++)
		sum += s->r[i].end - s->r[i].base;
	return sum;
}

bool mem_set_next_free(const struct mem_set *set, const struct mem_set *holes, paddr_t from,
		       paddr_t limit, struct mem_range *out)
{
	while (from < limit) {
		const struct mem_range *r = mem_set_find(set, from), *h;

		if (!r || r->base >= limit)
			return false;
		from = max(from, r->base);
		h = mem_set_find(holes, from);
		if (h && h->base <= from) {
			from = h->end;
			continue;
		}
		out->base = from;
		out->end = min(r->end, limit);
		if (h)
			out->end = min(out->end, h->base);
		return true;
	}
	return false;
}

paddr_t mem_set_find_top(const struct mem_set *set, const struct mem_set *holes, paddr_t low,
			 paddr_t high, u64 size, u64 align)
{
	for (u32 i = set->nr; i-- > 0;) {
		paddr_t lo = max(set->r[i].base, low), hi = min(set->r[i].end, high);

		while (hi > lo && hi - lo >= size) {
			paddr_t at = align_down(hi - size, align);
			const struct mem_range *h;

			if (at < lo)
				break;
			h = mem_set_find(holes, at);
			if (!h || h->base >= at + size)
				return at;
			hi = h->base;
		}
	}
	return 0;
}

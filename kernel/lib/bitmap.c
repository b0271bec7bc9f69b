/* SPDX-License-Identifier: BSD-2-Clause */
/* Searches in bitmaps, a word at a time. The caller's lock guards the map. */
#include <lib/bits.h>

static size_t find(const u64 *map, size_t nbits, size_t from, u64 invert)
{
	for (size_t i = from; i < nbits; i = (i / 64 + 1) * 64) {
		u64 w = (map[i / 64] ^ invert) >> (i % 64);

		if (w)
			return min(i + ctz64(w), nbits);
	}
	return nbits;
}

size_t bitmap_find_clear(const u64 *map, size_t nbits, size_t from)
{
	return find(map, nbits, from, ~0ull);
}

size_t bitmap_find_set(const u64 *map, size_t nbits, size_t from)
{
	return find(map, nbits, from, 0);
}

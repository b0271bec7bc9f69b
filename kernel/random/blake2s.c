/* SPDX-License-Identifier: BSD-2-Clause */
/* BLAKE2s (RFC 7693 §3.1-3.3, parameters §2.1). Pure: the caller's state, no lock. */
#include "blake2s.h"
#include <lib/bits.h>
#include <lib/string.h>

static const u32 iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
static const u8 sigma[10][16] = {	/* RFC 7693 §2.7 */
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static inline u32 rotate_right(u32 v, unsigned n)
{
	return v >> n | v << (32 - n);
}

static inline void mix(u32 *v, unsigned a, unsigned b, unsigned c, unsigned d, u32 x, u32 y)
{
	v[a] += v[b] + x;
	v[d] = rotate_right(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotate_right(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotate_right(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotate_right(v[b] ^ v[c], 7);
}

static void compress(struct blake2s *b, bool is_last)
{
	u32 v[16], m[16];

	for (unsigned i = 0; i < 16; i++)
		m[i] = get_le32(b->block + 4 * i);
	for (unsigned i = 0; i < 8; i++) {
		v[i] = b->h[i];
		v[8 + i] = iv[i];
	}
	v[12] ^= (u32)b->total;
	v[13] ^= (u32)(b->total >> 32);
	if (is_last)
		v[14] = ~v[14];
	for (unsigned r = 0; r < 10; r++) {
		const u8 *s = sigma[r];

		mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
	for (unsigned i = 0; i < 8; i++)
		b->h[i] ^= v[i] ^ v[8 + i];
}

void blake2s_init(struct blake2s *b, const void *key, size_t key_len)
{
	for (unsigned i = 0; i < 8; i++)
		b->h[i] = iv[i];
	b->h[0] ^= 0x01010000 ^ (u32)key_len << 8 ^ BLAKE2S_DIGEST;
	b->total = 0;
	b->fill = 0;
	memset(b->block, 0, sizeof(b->block));
	if (key_len) {
		memcpy(b->block, key, key_len);
		b->fill = sizeof(b->block);
	}
}

void blake2s_update(struct blake2s *b, const void *data, size_t n)
{
	const u8 *p = data;

	while (n > 0) {
		size_t part;

		if (b->fill == sizeof(b->block)) {	/* only when more follows: the last block is special */
			b->total += sizeof(b->block);
			compress(b, false);
			b->fill = 0;
		}
		part = min(n, sizeof(b->block) - b->fill);
		memcpy(b->block + b->fill, p, part);
		b->fill += (u32)part;
		p += part;
		n -= part;
	}
}

void blake2s_final(struct blake2s *b, u8 digest[BLAKE2S_DIGEST])
{
	b->total += b->fill;
	memset(b->block + b->fill, 0, sizeof(b->block) - b->fill);
	compress(b, true);
	memcpy(digest, b->h, BLAKE2S_DIGEST);
	memset(b, 0, sizeof(*b));
	__asm__ volatile("" : : "r"(b) : "memory");	/* the wiping is not dead code */
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes of directory names: legacy, half MD4 (RFC 1320's functions, 8 words a block) and TEA, each
 * with signed or unsigned bytes. Pure functions.
 */
#include <lib/string.h>
#include "ext4.h"

enum { HASH_LEGACY, HASH_HALF_MD4, HASH_TEA, HASH_UNSIGNED_OFFSET };
#define HASH_EOF 0x7fffffffu

static u32 rol(u32 v, unsigned n) { return v << n | v >> (32 - n); }

static int char_at(const char *s, bool is_unsigned)
{
	return is_unsigned ? (int)(u8)*s : (int)(s8)*s;
}

static u32 hash_legacy(const char *name, u32 len, bool is_unsigned)
{
	u32 hash, h0 = 0x12a3fe2d, h1 = 0x37abe8f9;

	while (len--) {
		hash = h1 + (h0 ^ (u32)(char_at(name++, is_unsigned) * 7152373));
		if (hash & 0x80000000)
			hash -= 0x7fffffff;
		h1 = h0;
		h0 = hash;
	}
	return h0 << 1;
}

/* The next `words` words of input, padded with the length. */
static void name_to_words(const char *name, u32 len, u32 *out, u32 words, bool is_unsigned)
{
	u32 pad = len | len << 8, val, i;

	pad |= pad << 16;
	val = pad;
	len = min(len, words * 4);
	for (i = 0; i < len; i++) {
		val = (u32)char_at(name + i, is_unsigned) + (val << 8);
		if (i % 4 == 3) {
			*out++ = val;
			val = pad;
			words--;
		}
	}
	if (words) {
		*out++ = val;
		words--;
	}
	while (words--)
		*out++ = pad;
}

#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) (((x) & (y)) + (((x) ^ (y)) & (z)))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define K2 0x5a827999u
#define K3 0x6ed9eba1u

static void half_md4(u32 buf[4], const u32 in[8])
{
	static const u8 order[3][8] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7 }, { 1, 3, 5, 7, 0, 2, 4, 6 }, { 3, 7, 2, 6, 1, 5, 0, 4 } };
	static const u8 shift[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
	u32 a = buf[0], b = buf[1], c = buf[2], d = buf[3];

	for (unsigned r = 0; r < 3; r++)
		for (unsigned i = 0; i < 8; i++) {
			u32 f = r == 0 ? F(b, c, d) : r == 1 ? G(b, c, d) + K2 : H(b, c, d) + K3;
			u32 v = rol(a + f + in[order[r][i]], shift[r][i % 4]);

			/* The four words change places after each step. */
			a = d;
			d = c;
			c = b;
			b = v;
		}
	buf[0] += a;
	buf[1] += b;
	buf[2] += c;
	buf[3] += d;
}

static void tea(u32 buf[4], const u32 in[4])
{
	u32 sum = 0, b0 = buf[0], b1 = buf[1];

	for (unsigned n = 0; n < 16; n++) {
		sum += 0x9e3779b9;
		b0 += ((b1 << 4) + in[0]) ^ (b1 + sum) ^ ((b1 >> 5) + in[1]);
		b1 += ((b0 << 4) + in[2]) ^ (b0 + sum) ^ ((b0 >> 5) + in[3]);
	}
	buf[0] += b0;
	buf[1] += b1;
}

int ext4_hash(const struct ext4_sb *fs, u8 version, const char *name, u32 len, u32 *hash)
{
	bool is_unsigned = version >= HASH_UNSIGNED_OFFSET;
	u32 buf[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 }, in[8];
	u32 h, words;
	s32 left;

	if (fs->hash_seed[0] | fs->hash_seed[1] | fs->hash_seed[2] | fs->hash_seed[3])
		memcpy(buf, fs->hash_seed, sizeof(buf));
	version -= is_unsigned ? HASH_UNSIGNED_OFFSET : 0;
	if (version > HASH_TEA)
		return -EUCLEAN;
	if (version == HASH_LEGACY) {
		h = hash_legacy(name, len, is_unsigned);
	} else {
		words = version == HASH_TEA ? 4 : 8;
		for (left = (s32)len; left > 0; left -= (s32)words * 4, name += words * 4) {
			name_to_words(name, (u32)left, in, words, is_unsigned);
			if (version == HASH_TEA)
				tea(buf, in);
			else
				half_md4(buf, in);
		}
		h = version == HASH_TEA ? buf[0] : buf[1];
	}
	h &= ~1u;
	if (h == HASH_EOF << 1)
		h = (HASH_EOF - 1) << 1;
	*hash = h;
	return 0;
}

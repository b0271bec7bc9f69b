/* SPDX-License-Identifier: BSD-2-Clause */
/* Keyed hashes: SipHash-2-4 (Aumasson, Bernstein 2012) and a quick one for tables of names in memory. */
#include <lib/bits.h>
#include <lib/hash.h>

static inline u64 rotl(u64 v, int n) { return v << n | v >> (64 - n); }

static inline void sip_round(u64 v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void sip_word(u64 v[4], u64 m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

u64 siphash(const struct siphash_key *key, const void *data, size_t len)
{
	u64 v[4] = {
		key->k0 ^ 0x736f6d6570736575ull, key->k1 ^ 0x646f72616e646f6dull,
		key->k0 ^ 0x6c7967656e657261ull, key->k1 ^ 0x7465646279746573ull,
	};
	const u8 *p = data;
	u64 last = (u64)len << 56;
	size_t n = len;

	for (; n >= 8; n -= 8, p += 8)
		sip_word(v, get_le64(p));
	for (size_t i = 0; i < n; i++)
		last |= (u64)p[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline u64 fold(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

struct unaligned64 { u64 v; } __attribute__((packed, may_alias));
struct unaligned32 { u32 v; } __attribute__((packed, may_alias));

static inline u64 load64(const u8 *p) { return ((const struct unaligned64 *)p)->v; }
static inline u64 load32(const u8 *p) { return ((const struct unaligned32 *)p)->v; }

/* The 1 to 8 bytes at p in one word; with n known, different bytes give different words. */
static inline u64 load_last(const u8 *p, size_t n)
{
	if (n >= 4)
		return load32(p) << 32 | load32(p + n - 4);
	return n ? (u64)p[0] << 16 | (u64)p[n >> 1] << 8 | p[n - 1] : 0;
}

u64 name_hash64(u64 key, const void *data, size_t len)
{
	const u8 *p = data;
	u64 h = fold(key ^ len, 0x9e3779b97f4a7c15ull);

	for (; len > 8; len -= 8, p += 8)
		h = fold(h ^ load64(p), 0x9e3779b97f4a7c15ull);
	return fold(h ^ load_last(p, len), 0xd6e8feb86659fd93ull);
}

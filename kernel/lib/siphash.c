/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 (Aumasson, Bernstein 2012): keyed, so that nobody can aim at one hash chain. */
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

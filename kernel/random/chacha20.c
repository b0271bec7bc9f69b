/* SPDX-License-Identifier: BSD-2-Clause */
/* ChaCha20's block function (RFC 8439 §2.1-2.3). Pure: no state, no lock. */
#include "chacha20.h"
#include <lib/bits.h>
#include <lib/string.h>

static inline u32 rotate(u32 v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static inline void quarter_round(u32 *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

void chacha20_block(const u8 *key, u32 counter, const u8 *nonce, u8 *out)
{
	/* "expand 32-byte k" */
	u32 start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, s[16];

	for (unsigned i = 0; i < 8; i++)
		start[4 + i] = get_le32(key + 4 * i);
	start[12] = counter;
	for (unsigned i = 0; i < 3; i++)
		start[13 + i] = get_le32(nonce + 4 * i);
	memcpy(s, start, sizeof(s));
	for (unsigned round = 0; round < 10; round++) {
		quarter_round(s, 0, 4, 8, 12);
		quarter_round(s, 1, 5, 9, 13);
		quarter_round(s, 2, 6, 10, 14);
		quarter_round(s, 3, 7, 11, 15);
		quarter_round(s, 0, 5, 10, 15);
		quarter_round(s, 1, 6, 11, 12);
		quarter_round(s, 2, 7, 8, 13);
		quarter_round(s, 3, 4, 9, 14);
	}
	for (unsigned i = 0; i < 16; i++) {
		u32 v = s[i] + start[i];

		memcpy(out + 4 * i, &v, 4);	/* little-endian, like all our architectures */
	}
	memset(s, 0, sizeof(s));
	memset(start, 0, sizeof(start));
	__asm__ volatile("" : : "r"(s), "r"(start) : "memory");	/* the wiping is not dead code */
}

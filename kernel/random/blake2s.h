/* SPDX-License-Identifier: BSD-2-Clause */
/* BLAKE2s with 32-byte digests (RFC 7693), the pool's mixing function. */
#ifndef RANDOM_BLAKE2S_H
#define RANDOM_BLAKE2S_H

#include <lib/compiler.h>

#define BLAKE2S_DIGEST 32
struct blake2s {
	u32 h[8];
	u64 total;	/* bytes compressed so far */
	u8 block[64];
	u32 fill;	/* bytes in block */
};
/* key may be NULL with key_len 0; at most 32 bytes. */
void blake2s_init(struct blake2s *b, const void *key, size_t key_len);
void blake2s_update(struct blake2s *b, const void *data, size_t n);
void blake2s_final(struct blake2s *b, u8 digest[BLAKE2S_DIGEST]);	/* wipes b */

#endif

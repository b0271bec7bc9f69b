/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function (RFC 8439 §2.3), for kernel/random only. */
#ifndef RANDOM_CHACHA20_H
#define RANDOM_CHACHA20_H

#include <lib/compiler.h>

#define CHACHA20_KEY_SIZE 32
#define CHACHA20_BLOCK_SIZE 64

/* One block of key stream: key 32 bytes, nonce 12 bytes, out 64 bytes. */
void chacha20_block(const u8 *key, u32 counter, const u8 *nonce, u8 *out);

#endif

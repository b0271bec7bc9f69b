/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the pool (pool.c), its sources (sources.c) and the output side (random.c). */
#ifndef RANDOM_POOL_H
#define RANDOM_POOL_H

#include <lib/compiler.h>

/* Mixes data in and credits bits (already judged). Any context. */
void pool_add(const void *data, size_t n, u32 bits);
/* A fresh 32-byte key out of the base key; *generation tells when it becomes stale. Interrupts off. */
void pool_derive_key(u8 key[32], u64 *generation);
u64 pool_generation(void);
/* Draws clock jitter until the pool is ready or max_samples are used up. Thread context. */
void jitter_collect(u32 max_samples);
static inline void wipe(void *p, size_t n)
{
	__builtin_memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");	/* not dead code */
}

#endif

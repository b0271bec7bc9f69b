/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator's output side: per CPU a ChaCha20 key with fast key erasure: every request first
 * replaces the key by the first half of a block, then uses the second half, so that a later look at
 * memory tells nothing of earlier output. Keys come from the pool (pool.c) and are renewed when
 * its generation rises. No lock: the CPU's own state with interrupts off.
 */
#include <arch/irq.h>
#include <kernel/cpu.h>
#include <kernel/random.h>
#include <lib/string.h>
#include "chacha20.h"
#include "pool.h"

struct generator {
	u8 key[CHACHA20_KEY_SIZE];
	u64 generation;		/* of the pool when the key was made; 0: none */
};
static DEFINE_PERCPU(struct generator, random_generator);
static const u8 zero_nonce[12];

/* 32 bytes that nobody else gets. */
static void generator_draw(u8 out[32])
{
	u8 block[CHACHA20_BLOCK_SIZE];
	unsigned long flags = arch_irq_save();
	struct generator *g = percpu(random_generator);

	if (g->generation != pool_generation() || !random_is_ready())
		pool_derive_key(g->key, &g->generation);
	chacha20_block(g->key, 0, zero_nonce, block);
	memcpy(g->key, block, sizeof(g->key));
	arch_irq_restore(flags);
	memcpy(out, block + 32, 32);
	wipe(block, sizeof(block));
}

void random_bytes(void *buf, size_t n)
{
	u8 key[32], block[CHACHA20_BLOCK_SIZE], *p = buf;
	u32 counter = 0;

	generator_draw(key);
	if (n <= sizeof(key)) {
		memcpy(p, key, n);
	} else {
		/* A key of this request alone; one key serves 256 GiB at most, far more than asked. */
		while (n > 0) {
			size_t part = min(n, sizeof(block));

			chacha20_block(key, counter++, zero_nonce, block);
			memcpy(p, block, part);
			p += part;
			n -= part;
		}
		wipe(block, sizeof(block));
	}
	wipe(key, sizeof(key));
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}

u64 random_below(u64 limit)
{
	/* Rejects the values that would favour the low results; fewer than half in the worst case. */
	u64 reject = -limit % limit, v;

	do {
		v = random_u64();
	} while (v < reject);
	return v % limit;
}

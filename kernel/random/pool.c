/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy pool: everything that comes in is hashed into one BLAKE2s state. When 256 new bits
 * were credited (or before the first readiness, whenever something came) the state is closed, a
 * new base key is made of it and the old one, and the generation number rises, so that every
 * CPU's generator takes a new key. The base key hands out keys by fast key erasure.
 * Lock: pool_lock (LOCK_RANDOM); generation and bits are read without.
 */
#include "pool.h"
#include "blake2s.h"
#include "chacha20.h"
#include <arch/clock.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <uapi/errno.h>

#define READY_BITS 256u

static struct spinlock pool_lock = SPINLOCK_INIT("random pool", LOCK_RANDOM);
static struct blake2s pool;		/* pool_lock */
static bool pool_is_open;		/* pool_lock: pool was initialised */
static u8 base_key[32];			/* pool_lock */
static u32 new_bits;			/* pool_lock: credited since the last base key */
static bool has_new;			/* pool_lock: anything came since then */
static u64 generation = 1;		/* [a] */
static u32 credited;			/* [a] at most READY_BITS */
static struct waitq ready_wait = WAITQ_INIT(ready_wait);

/* With pool_lock held: base key = H(pool; old base key), pool continues from the same secret. */
static void pool_close(void)
{
	static const u8 next_label[] = "trivet pool", key_label[] = "trivet base key";
	u8 digest[BLAKE2S_DIGEST];
	struct blake2s b;

	blake2s_final(&pool, digest);
	blake2s_init(&b, digest, sizeof(digest));
	blake2s_update(&b, key_label, sizeof(key_label));
	blake2s_update(&b, base_key, sizeof(base_key));
	blake2s_final(&b, base_key);
	blake2s_init(&pool, digest, sizeof(digest));
	blake2s_update(&pool, next_label, sizeof(next_label));
	wipe(digest, sizeof(digest));
	new_bits = 0;
	has_new = false;
	atomic_store_release(&generation, generation + 1);	/* pairs with pool_generation */
}

void pool_add(const void *data, size_t n, u32 bits)
{
	unsigned long flags = spin_lock_irqsave(&pool_lock);
	u32 before = credited, length = (u32)n;
	u64 now = arch_clock_read();

	if (!pool_is_open) {
		blake2s_init(&pool, NULL, 0);
		pool_is_open = true;
	}
	blake2s_update(&pool, &length, sizeof(length));
	blake2s_update(&pool, &now, sizeof(now));
	blake2s_update(&pool, data, n);
	has_new = true;
	bits = min(bits, READY_BITS);
	new_bits += bits;
	if (before < READY_BITS)
		atomic_store(&credited, min(before + bits, READY_BITS));
	if (new_bits >= READY_BITS || (before < READY_BITS && credited == READY_BITS))
		pool_close();
	spin_unlock_irqrestore(&pool_lock, flags);
	if (before < READY_BITS && atomic_load(&credited) == READY_BITS) {
		log_info("random: ready");
		waitq_wake_all(&ready_wait);
	}
}

u64 pool_generation(void)
{
	return atomic_load_acquire(&generation);	/* pairs with pool_close */
}

void pool_derive_key(u8 key[32], u64 *gen)
{
	static const u8 nonce[12];
	u8 block[CHACHA20_BLOCK_SIZE];

	spin_lock(&pool_lock);
	if (credited < READY_BITS && has_new)
		pool_close();	/* as good as it can be so early */
	chacha20_block(base_key, 0, nonce, block);
	__builtin_memcpy(base_key, block, 32);
	__builtin_memcpy(key, block + 32, 32);
	*gen = generation;
	spin_unlock(&pool_lock);
	wipe(block, sizeof(block));
}

bool random_is_ready(void)
{
	return atomic_load(&credited) >= READY_BITS;
}

u32 random_entropy_bits(void)
{
	return atomic_load(&credited);
}

int random_wait_ready(void)
{
	while (!random_is_ready()) {
		int err;

		jitter_collect(512);
		err = waitq_wait_deadline(&ready_wait, random_is_ready(), time_ns() + 10 * NSEC_PER_MSEC);
		if (err == -EINTR)
			return err;
	}
	return 0;
}

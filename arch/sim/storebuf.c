/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Store buffers. Each CPU's plain atomic stores (relaxed or release) become visible to the others later,
 * in order, at the latest at a full fence or an atomic read-modify-write of that CPU: the reordering
 * of a store with later loads, which x86 has and the other architectures too. It is done backwards:
 * memory always shows what the running CPU sees; when another CPU takes its place, the stores that are
 * still in the buffer are taken back, and put in again when it returns. Loads are never early and
 * plain (not atomic) stores never late, so not every weak behaviour can be seen here.
 */
#include <kernel/thread.h>
#include <lib/string.h>
#include "sim.h"

#define PENDING_MAX 8
#define KEEP_ONE_IN 2		/* how often a switch finds the buffer still full */
#define OUR_FRAMES 512u		/* of the stack, from here up to the core's code that was interrupted */
#define AGE_MAX 64		/* switches of other CPUs until it drains by itself */

struct pending {
	void *p;
	u64 other;		/* running: what others see; not running: what is to come */
	u32 size;
};
static struct buffer {
	struct pending store[PENDING_MAX];
	unsigned nr, age;
} buffers[SIM_CPUS_MAX];
static bool is_off = true;

/*
 * Unseen by the sanitizer: a pending store may be to a variable whose block, but not its function, has ended. Nobody
 * looks at it any more, and what is taken out is put in again.
 */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined"), noinline))

UNCHECKED static u64 get(const void *p, u32 size)
{
	switch (size) {
	case 1: return *(const volatile u8 *)p;
	case 2: return *(const volatile u16 *)p;
	case 4: return *(const volatile u32 *)p;
	case 8: return *(const volatile u64 *)p;
	default: sim_fail("an atomic store of %u bytes", size);
	}
}

UNCHECKED static void put(void *p, u64 v, u32 size)
{
	switch (size) {
	case 1: *(volatile u8 *)p = (u8)v; break;
	case 2: *(volatile u16 *)p = (u16)v; break;
	case 4: *(volatile u32 *)p = (u32)v; break;
	default: *(volatile u64 *)p = v; break;
	}
}

void sim_storebuf_enable(bool on) { is_off = !on; }

void sim_store_note(void *p, unsigned long size)
{
	struct buffer *b = &buffers[sim_v->id];

	if (is_off || sim_nr_cpus == 1 || sim_hold)
		return;
	if (b->nr == PENDING_MAX) {	/* the oldest becomes visible */
		memmove(b->store, b->store + 1, (PENDING_MAX - 1) * sizeof(b->store[0]));
		b->nr--;
	}
	b->store[b->nr++] = (struct pending){ p, get(p, (u32)size), (u32)size };
}

void sim_store_drain(void) { buffers[sim_v->id].nr = 0; }

/* Exchanges memory with what the buffer keeps: newest first on the way out, oldest first on the way in. */
static void swap(struct pending *s)
{
	u64 v = get(s->p, s->size);

	put(s->p, s->other, s->size);
	s->other = v;
}

/*
 * A store to a variable of a function that has returned: the stack's words there are in use again, by
 * us. Nobody can look at it any more, so it counts as seen.
 */
static void forget_dead(struct buffer *b)
{
	u64 bottom = (u64)sim_current->kstack, used = (u64)__builtin_frame_address(0) + OUR_FRAMES;
	unsigned kept = 0;

	for (unsigned i = 0; i < b->nr; i++)
		if ((u64)b->store[i].p < bottom || (u64)b->store[i].p >= used)
			b->store[kept++] = b->store[i];
	b->nr = kept;
}

static void leave(struct buffer *b)
{
	b->age = 0;
	forget_dead(b);
	if (b->nr && !sim_chance(SIM_SCHEDULE, KEEP_ONE_IN))
		b->nr = 0;
	for (unsigned i = b->nr; i > 0; i--)
		swap(&b->store[i - 1]);
}

/* Another CPU's buffer drains while it does not run. */
static void drain_away(struct buffer *b)
{
	for (unsigned i = 0; i < b->nr; i++)
		put(b->store[i].p, b->store[i].other, b->store[i].size);
	b->nr = 0;
}

static void age_others(void)
{
	for (unsigned i = 0; i < sim_nr_cpus; i++)
		if (buffers[i].nr && (++buffers[i].age > AGE_MAX || sim_chance(SIM_SCHEDULE, 8)))
			drain_away(&buffers[i]);
}

void sim_storebuf_switch(unsigned from, unsigned to)
{
	if (is_off)
		return;
	leave(&buffers[from]);
	age_others();
	for (unsigned i = 0; i < buffers[to].nr; i++)
		swap(&buffers[to].store[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address-space ids: translations carry the id of the space they belong to, so a CPU that comes back to a space finds
 * those it left there. The architecture says how many bits an id has (arch_asid_bits; 0: every load flushes).
 *
 * Ids are given in generations. aspace.asid is a generation and, in its low bits, the id; it is good while the
 * generation is the current one. When ids run out the next generation begins: each CPU keeps the id it runs with
 * (`kept`), all others are free again, and each CPU drops everything before it loads its next space. The scheme is
 * that of Linux's arm64; Will Deacon's proof of it is the reason not to be clever here.
 *
 * What is changed while a CPU does not have the space loaded does not reach it: aspace.stale names the CPUs that must drop
 * the space's translations before they load it again. Whoever changes entries marks them first and reads aspace.cpus
 * then; who loads sets its bit in aspace.cpus first and looks at its mark then. One of the two sees the other.
 */
#include <kernel/cpu.h>
#include <kernel/lock.h>

#include "aspace_internal.h"
#include "asid.h"

#define BITS_MAX 10u			/* a thousand spaces between two full flushes are plenty */
#define FIRST_GENERATION (1ull << BITS_MAX)
#define NUMBER(asid) ((asid) & (FIRST_GENERATION - 1))

static struct spinlock lock = SPINLOCK_INIT("address-space ids", LOCK_RUNQ);	/* raw, interrupts off */
static u64 generation = FIRST_GENERATION;	/* [a] written under lock */
static u64 used[FIRST_GENERATION / 64];		/* lock; 0 is nobody's */
static u32 nr_ids, next_id = 1;			/* lock */
static u64 running[MAX_CPUS];			/* [a] what the CPU runs with; 0 since a new generation began */
static u64 kept[MAX_CPUS];			/* lock: what it ran with then */
static cpumask_t must_drop_all;			/* lock */

void asid_init(void)
{
	unsigned bits = arch_asid_bits();

	nr_ids = bits ? 1u << min(bits, BITS_MAX) : 0;
}

static bool is_current(u64 asid) { return !((asid ^ atomic_load(&generation)) & ~(FIRST_GENERATION - 1)); }

/* Lock held. The space runs somewhere since before this generation: its id is its own, in this one too. */
static bool was_kept(u64 old, u64 renewed)
{
	bool found = false;

	for (unsigned i = 0; i < MAX_CPUS; i++)
		if (kept[i] == old) {
			kept[i] = renewed;
			found = true;
		}
	return found;
}

static void begin_generation(void)
{
	atomic_store(&generation, generation + FIRST_GENERATION);
	for (unsigned i = 0; i < ARRAY_LEN(used); i++)
		used[i] = 0;
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		u64 was = atomic_xchg(&running[i], 0ull);

		/* 0: it ran nothing new since the last time, and what was kept for it then is still its own. */
		kept[i] = was ? was : kept[i];
		used[NUMBER(kept[i]) / 64] |= BIT(NUMBER(kept[i]) % 64);
	}
	used[0] |= 1;
	must_drop_all = ~0ull;
	next_id = 1;
}

static u32 free_id(void)
{
	for (u32 n = 0; n < nr_ids; n++, next_id = (next_id + 1) % nr_ids)
		if (!(used[next_id / 64] & BIT(next_id % 64)))
			return next_id;
	return 0;
}

/* Lock held. */
static u64 new_asid(struct aspace *as)
{
	u64 old = as->asid, renewed = atomic_load(&generation) | NUMBER(old);
	u32 id;

	if (old && was_kept(old, renewed))
		return renewed;
	id = free_id();
	if (!id) {
		begin_generation();
		id = free_id();
		assert(id);	/* more ids than CPUs: asid_init's caller */
	}
	used[id / 64] |= BIT(id % 64);
	return atomic_load(&generation) | id;
}

enum mmu_drop asid_take(struct aspace *as, struct cpu *cpu)
{
	u64 asid = atomic_load(&as->asid), was = atomic_load(&running[cpu->id]);
	enum mmu_drop drop = MMU_DROP_NONE;

	if (!nr_ids)
		return MMU_DROP_SPACE;
	/* A new generation that begins now takes `running`, and the exchange fails. */
	if (likely(was && asid && is_current(asid) && atomic_cmpxchg(&running[cpu->id], &was, asid)))
		return drop;
	spin_lock_raw(&lock);
	asid = as->asid;
	if (!asid || !is_current(asid))
		atomic_store(&as->asid, asid = new_asid(as));
	if (must_drop_all & cpu_mask(cpu->id)) {
		must_drop_all &= ~cpu_mask(cpu->id);
		drop = MMU_DROP_ALL;
	}
	atomic_store(&running[cpu->id], asid);
	spin_unlock_raw(&lock);
	return drop;
}

bool asid_is_stale(struct aspace *as, struct cpu *cpu)
{
	if (!nr_ids || likely(!(atomic_load(&as->stale) & cpu_mask(cpu->id))))
		return false;
	atomic_fetch_and(&as->stale, ~cpu_mask(cpu->id));
	return true;
}

void asid_mark_stale(struct aspace *as)
{
	struct cpu *self = arch_cpu_self();

	/* Who has it loaded here flushes here. */
	if (nr_ids)
		atomic_fetch_or(&as->stale, self->active_space == as ? ~cpu_mask(self->id) : ~0ull);
}

u32 aspace_id(const struct aspace *as) { return (u32)NUMBER(atomic_load(&as->asid)); }

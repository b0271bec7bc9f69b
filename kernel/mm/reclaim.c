/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory pressure: shrinkers first, the OOM killer last. Runs in the thread that wants memory, one
 * at a time; an allocation from inside a shrinker does not reclaim again.
 */
#include <kernel/cpu.h>
#include <kernel/daemon.h>
#include <kernel/epoch.h>
#include <kernel/irq.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/pagecache.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#include "mm_internal.h"

#define WRITE_ROUNDS 24u		/* of 20 ms each, in which dirty pages may become clean */
#define OOM_PAUSE_NS 20000000ull	/* between looks whether the victim is gone */

static struct spinlock shrinkers_lock = SPINLOCK_INIT("shrinkers", LOCK_MISC);
static struct list shrinkers = LIST_INIT(shrinkers);	/* only grows; shrinkers_lock */
static struct thread *reclaimer;			/* [a] who reclaims now */

void shrinker_register(struct shrinker *s)
{
	spin_lock(&shrinkers_lock);
	list_push_back(&shrinkers, &s->link);
	spin_unlock(&shrinkers_lock);
}

/* The list only grows, and at its end: it may be walked without the lock. */
static u64 run_shrinkers(u64 want, u32 flags)
{
	struct shrinker *s;
	u64 freed = 0;

	list_for_each(s, &shrinkers, link) {
		u64 have = s->count(s);

		if (have)
			freed += s->scan(s, min(have, want), flags);
		if (freed >= want)
			break;
	}
	return freed;
}

bool reclaim_pages(u64 want, u32 flags)
{
	struct thread *nobody = NULL;
	u64 before = buddy_free_pages(), freed;

	if (!preemptible() || !atomic_cmpxchg(&reclaimer, &nobody, current))
		return false;
	(void)vmap_purge();
	freed = slab_shrink();
	freed += run_shrinkers(max(want * 2, 64ull), flags);
	freed += slab_shrink();
	atomic_store_release(&reclaimer, NULL);	/* pairs with the exchange above */
	mm_count(MM_RECLAIMED, freed);
	return freed > 0 || buddy_free_pages() > before;
}

static void trim_cpu(void *unused)
{
	kstack_drain_cpu();
	slab_drain_cpu();
	buddy_drain_cpu();
}

void mm_trim(void)
{
	aspace_free_dead();
	/* Twice: what one grace period frees may defer more. */
	for (unsigned i = 0; i < 2; i++)
		epoch_wait();
	ipi_call(atomic_load(&cpu_online_mask), trim_cpu, NULL);
	kstack_trim();
	(void)vmap_purge();
	while (slab_shrink())
		;
	ipi_call(atomic_load(&cpu_online_mask), trim_cpu, NULL);
}

void mm_drop_caches(void)
{
	(void)run_shrinkers(U64_MAX, 0);
	mm_trim();
}

static void pause_thread(void)
{
	struct waitq q = WAITQ_INIT(q);

	(void)waitq_wait_until(&q, false, SLEEP_KILLABLE, time_ns() + OOM_PAUSE_NS, false);
}

/*
 * Nothing was reclaimable. Kills once, then gives the victim time to go. False: the caller should
 * give up (it is the victim itself, or nobody is left to kill).
 */
bool reclaim_oom(u64 want, unsigned round)
{
	if (!preemptible() || atomic_load(&reclaimer) == current)
		return false;
	if (current->is_user && signal_fatal_pending(current))
		return false;
	/* Dirty pages are memory that only waits for the disk. */
	if (round < WRITE_ROUNDS && writeback_wait_relief())
		return true;
	if (!atomic_load(&reclaimer) && (round % 16 == 0 || round == WRITE_ROUNDS)) {
		if (!oom_kill(want, NULL))
			return false;
	} else if (!atomic_load(&reclaimer) && round % 4 == 2) {
		oom_reap(NULL);
	}
	if (current->is_user && signal_fatal_pending(current))
		return false;
	pause_thread();
	return true;
}

#define LOOK_NS NSEC_PER_SEC

/* Ahead of need, so that those who allocate seldom have to: keeps the high mark free. Poked below the low one. */
static u64 reclaim_round(void)
{
	u64 have;

	while ((have = buddy_free_pages()) < buddy_high_mark && !section_online_next()) {
		if (!reclaim_pages(buddy_high_mark - have, 0))
			break;
		daemon_beat();
	}
	return LOOK_NS;
}

const struct daemon daemon_reclaim = {
	.name = "reclaim", .description = "keeps some memory free",
	.round = reclaim_round, .watchdog_ns = 30 * NSEC_PER_SEC,
};

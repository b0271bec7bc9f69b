/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching a sleeping lock for a moment before joining its queue: worth it while its owner runs, or is on its way to
 * another CPU. Also when others queue already: two that take turns at a lock would otherwise, once one of them slept,
 * sleep and wake each other at every turn. Inside an epoch section, which keeps the owner's struct readable.
 */
#ifndef KERNEL_SYNC_WATCH_H
#define KERNEL_SYNC_WATCH_H

#include <kernel/cpu.h>
#include <kernel/thread.h>

#define WATCH_ROUNDS 300u	/* tens of microseconds: more than a switch to the owner and its work */
#define WATCH_READERS 30u	/* nobody knows who they are, and they may sleep */

static inline bool watch_owner_comes(const struct thread *owner)
{
	return atomic_load(&owner->on_cpu) ||
	       (atomic_load(&owner->state) == THREAD_RUNNABLE && atomic_load(&owner->cpu) != arch_cpu_self());
}

/* Nobody else could change the word, or this CPU has something better to do. */
static inline bool watch_is_vain(void)
{
	cpumask_t online = atomic_load(&cpu_online_mask);

	return !(online & (online - 1)) || (atomic_load(&current->exit_work) & WORK_RESCHED);
}

#endif

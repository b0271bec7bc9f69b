/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membarrier(2): a barrier on other CPUs at the caller's expense. Every CPU that may run threads of the caller's memory is
 * interrupted (aspace.cpus; a CPU enters it before it loads the space, and switching is a full barrier); the global kinds
 * interrupt all. With SYNC_CORE the way back from the interrupt, and where that is not enough arch_icache_sync, lets no stale
 * instruction run; with RSEQ the interrupted section is aborted.
 * Lock: none; registrations only add bits.
 */
#include "proc.h"
#include <kernel/aspace.h>
#include <kernel/irq.h>
#include <kernel/syscall.h>
#include <uapi/sched.h>

#define KNOWN (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | \
	       MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
	       MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | \
	       MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ | \
	       MEMBARRIER_CMD_GET_REGISTRATIONS)

/* On each CPU, in its interrupt. */
static void barrier_here(void *arg)
{
	struct aspace *restart = arg;	/* abort the section that was interrupted; NULL: none */

	atomic_fence_full();
	if (restart && current->aspace == restart && current->rseq)
		atomic_fetch_or(&current->exit_work, WORK_RSEQ);
}

static void barrier_on(cpumask_t cpus, struct aspace *restart)
{
	atomic_fence_full();	/* ours before, as the caller was promised */
	if (cpus)
		ipi_call(cpus, barrier_here, restart);
	atomic_fence_full();
}

/* A private kind is for those who registered for it, by the next bit. 0 or -EPERM. */
static long private(struct aspace *as, int cmd, int cpu)
{
	cpumask_t cpus;

	if (!(atomic_load(&as->membarrier) & ((u32)cmd << 1)))
		return -EPERM;
	atomic_fence_full();	/* what we wrote before who runs is read; pairs with aspace_switch */
	cpus = atomic_load(&as->cpus) & atomic_load(&cpu_online_mask);
	if (cpu >= 0)
		cpus = cpu < 64 ? cpus & cpu_mask((u32)cpu) : 0;
	barrier_on(cpus, cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? as : NULL);
	if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)
		arch_icache_sync(NULL, 0);
	return 0;
}

long sys_membarrier(int cmd, u32 flags, int cpu_id)
{
	struct aspace *as = current->aspace;

	if (flags && (cmd != MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ || flags != MEMBARRIER_CMD_FLAG_CPU))
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return KNOWN;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		barrier_on(atomic_load(&cpu_online_mask), NULL);
		return 0;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		atomic_fetch_or(&as->membarrier, (u32)cmd);
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return private(as, cmd, flags ? cpu_id : -1);
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return atomic_load(&as->membarrier);
	default:
		return -EINVAL;
	}
}

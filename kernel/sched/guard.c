/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time guard: SCHED_FIFO and SCHED_RR threads of one CPU get sched_rt_runtime_us of each
 * sched_rt_period_us as soon as others want the CPU; the rest goes to those. While nobody else
 * waits, nothing is withheld. Lock: the run queue's.
 */
#include "runq.h"

static u64 period_ns(void) { return atomic_load(&sched_settings.rt_period_us) * NSEC_PER_USEC; }

/* U64_MAX: no guard. */
static u64 budget_ns(void)
{
	s64 us = atomic_load(&sched_settings.rt_runtime_us);

	return us < 0 ? U64_MAX : (u64)us * NSEC_PER_USEC;
}

static bool others_wait(const struct runq *rq)
{
	return (rq->queued_mask & ~(1u << SLOT_FIXED | 1u << SLOT_DEADLINE)) != 0;
}

void guard_refresh(struct runq *rq)
{
	u64 period = period_ns(), budget = budget_ns(), periods;

	if (rq->now_ns - rq->rt_period_ns < period)
		return;
	periods = (rq->now_ns - rq->rt_period_ns) / period;
	rq->rt_period_ns += periods * period;
	/* What was used beyond the budget counts in the next: a late timer takes nothing from the others. */
	rq->rt_used_ns -= budget == U64_MAX ? rq->rt_used_ns : min(rq->rt_used_ns, periods * budget);
	if (rq->rt_throttled && rq->rt_used_ns < budget) {
		rq->rt_throttled = false;
		if (rq->queued[SLOT_FIXED])
			atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	}
}

bool guard_account(struct runq *rq, u64 ran_ns)
{
	rq->rt_used_ns += ran_ns;
	guard_refresh(rq);
	if (rq->rt_used_ns < budget_ns())
		return false;
	if (!rq->rt_throttled)
		rq->stats.rt_throttled++;
	rq->rt_throttled = true;
	return others_wait(rq);
}

u64 guard_event_ns(const struct runq *rq)
{
	u64 budget = budget_ns();

	if (rq->rt_throttled)
		return rq->rt_period_ns + period_ns();
	if (budget == U64_MAX || !others_wait(rq))
		return U64_MAX;
	return rq->now_ns + (budget > rq->rt_used_ns ? budget - rq->rt_used_ns : 1);
}

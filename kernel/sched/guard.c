/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time guard: SCHED_FIFO and SCHED_RR threads of one CPU get, with SCHED_DEADLINE ones,
 * sched_rt_runtime_us of each sched_rt_period_us as soon as others want the CPU; the rest goes to those. While nobody else
 * waits, nothing is withheld. A period begins anew with the first real-time thread that runs after the others had all of their
 * part, so that no 950 ms follow 950 ms at a period's edge. Deadline threads are never held back, admission bounds them: what they are promised of the
 * period's rest counts as used, or the others' rest would go to them. Lock: the run queue's. Neighbour: overdue.c, who of
 * the others has it.
 */
#include "runq.h"

#define PROMISE_SHIFT 10	/* deadline_bandwidth has 20 */
#define LOOK_NS (10 * NSEC_PER_USEC)	/* less is not worth an interrupt */

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

static u64 period_left_ns(const struct runq *rq)
{
	u64 gone = rq->now_ns - min(rq->rt_period_ns, rq->now_ns);

	return period_ns() - min(gone, period_ns());
}

/* What the others may still claim of this period. */
static u64 owed_ns(const struct runq *rq, u64 budget)
{
	u64 ours = budget - min(budget, rq->rt_used_ns), left = period_left_ns(rq);

	return left - min(left, ours);
}

/* How long SLOT_FIXED may go on: until only that is left which deadline threads and the others have to get. */
static u64 left_ns(const struct runq *rq, u64 budget)
{
	u64 promised = deadline_bandwidth(rq->cpu->id) >> 10, left = period_left_ns(rq), used;

	if (owed_ns(rq, budget) == 0)
		return left;
	used = rq->rt_used_ns + (left * promised >> PROMISE_SHIFT);
	left = ((budget - min(budget, used)) << PROMISE_SHIFT) / (BIT(PROMISE_SHIFT) - promised);
	return left < LOOK_NS ? 0 : left;
}

static void begin_period(struct runq *rq, u64 period, u64 budget)
{
	u64 periods = (rq->now_ns - rq->rt_period_ns) / period;

	rq->rt_period_ns += periods * period;
	if (budget == U64_MAX) {
		rq->rt_used_ns = 0;
		return;
	}
	/* What was used beyond the budget while others waited counts in the next: a late timer takes nothing from them. */
	rq->rt_used_ns -= min(rq->rt_used_ns, periods * budget);
	rq->rt_used_ns = min(rq->rt_used_ns, others_wait(rq) ? budget : period - min(budget, period));
}

void guard_refresh(struct runq *rq)
{
	u64 period = period_ns(), budget = budget_ns();
	bool is_new = rq->now_ns - rq->rt_period_ns >= period;

	if (is_new)
		begin_period(rq, period, budget);
	if (rq->rt_throttled && (is_new ? left_ns(rq, budget) : !owed_ns(rq, budget))) {
		rq->rt_throttled = false;
		if (rq->queued[SLOT_FIXED])
			atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	}
}

bool guard_account(struct runq *rq, u64 ran_ns)
{
	u64 budget = budget_ns();

	rq->rt_used_ns += ran_ns;
	guard_refresh(rq);
	if (budget == U64_MAX)
		return false;
	if (owed_ns(rq, budget) == 0) {		/* as it was when this thread began: running changes nothing of it */
		rq->rt_period_ns = rq->now_ns - ran_ns;
		rq->rt_used_ns = ran_ns;
	}
	if (left_ns(rq, budget))
		return false;
	if (!rq->rt_throttled)
		rq->stats.rt_throttled++;
	rq->rt_throttled = true;
	return rq->running->sched_slot == SLOT_FIXED && others_wait(rq);
}

u64 guard_event_ns(const struct runq *rq)
{
	u64 budget = budget_ns();

	if (rq->rt_throttled)
		return rq->now_ns + max(min(owed_ns(rq, budget), period_left_ns(rq)), 1ull);
	if (budget == U64_MAX || !others_wait(rq))
		return U64_MAX;
	return rq->now_ns + max(left_ns(rq, budget), LOOK_NS);	/* the period may have ended long ago */
}

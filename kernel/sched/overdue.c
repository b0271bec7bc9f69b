/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nobody waits for ever, whatever the policy, nice values, groups and SCHED_IDLE say: of the threads that are not real-time,
 * who has waited for OVERDUE_NS is next, for a turn of RESCUE_NS. With up to a hundred runnable threads on a CPU none waits
 * two seconds, even beside a real-time thread that never sleeps: the 50 ms that the guard leaves to others in each second
 * are 125 such turns, so all hundred have theirs in each of its windows (who had his in one is overdue before the next), and
 * who was about to have it when the real-time thread began, after 750 and, all others being before him, 160 ms, has it 950 ms and
 * 40 ms later. Beside threads of its own kind that costs those 5 % at most. With many more than a hundred, when everybody is
 * overdue, policies would mean nothing; so overdue threads get a quarter of the time, save in the guard's windows, where the
 * longest wait is all that counts.
 *
 * runq.waiting has them by when they began to wait. In the common case that is the order in which they come; one that
 * was moved between CPUs keeps its time. Lock: the run queue's. Neighbours: core.c, guard.c.
 */
#include "runq.h"

#define OVERDUE_NS (750 * NSEC_PER_MSEC)
#define RESCUE_NS (400 * NSEC_PER_USEC)
#define RESCUE_PART 4u		/* one of so many parts of the time is theirs */

static struct thread *longest(const struct runq *rq) { return list_first(&rq->waiting, struct thread, wait_link); }

void overdue_init(struct runq *rq)
{
	list_init(&rq->waiting);
	rq->overdue_ns = 0;
}

/* Bounded: with the same numbers of others it is as good in another place. */
void overdue_wait_on(struct runq *rq, struct thread *t)
{
	struct list *before = rq->waiting.prev;

	if (t->sched_slot < SLOT_SYSTEM)
		return;
	for (unsigned looked = 0; looked < STEAL_LOOK && before != &rq->waiting; looked++, before = before->prev)
		if (list_entry(before, struct thread, wait_link)->wait_start_ns <= t->wait_start_ns)
			break;
	list_push_front(before, &t->wait_link);
	rq->overdue_ns = min(rq->overdue_ns, t->wait_start_ns + OVERDUE_NS);
}

/* overdue_ns as it is now. True: somebody is to have a turn. */
static bool refresh(struct runq *rq)
{
	const struct thread *t = longest(rq);

	rq->overdue_ns = max((t ? t->wait_start_ns : rq->now_ns) + OVERDUE_NS, rq->rescue_next_ns);
	return rq->now_ns >= rq->overdue_ns;
}

void overdue_look(struct runq *rq)
{
	bool is_due = rq->is_rescuing || refresh(rq);

	if (is_due && rq->running->sched_slot >= SLOT_SYSTEM)
		atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
}

struct thread *overdue_take(struct runq *rq)
{
	struct thread *t = longest(rq);

	if (!refresh(rq))
		return NULL;
	(void)runq_policy(rq, t)->dequeue(rq, runq_data(rq, t), t);
	runq_count_less(rq, t->sched_slot);
	list_remove(&t->wait_link);
	t->slice_ns = 0;
	rq->is_rescuing = true;
	rq->overdue_ns = rq->now_ns + RESCUE_NS;
	rq->rescue_next_ns = rq->now_ns + (rq->rt_throttled ? 1 : RESCUE_PART) * RESCUE_NS;
	rq->stats.rescues++;
	return t;
}

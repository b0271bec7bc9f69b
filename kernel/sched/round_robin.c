/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round robin (sched=rr): one list; who comes, comes last; everybody has a turn whose length the nice
 * value sets (5 to 40 ms). Nobody preempts. With very many threads turns shrink, so that a
 * round lasts ROUND_MAX_NS at most. Lock: the run queue's.
 */
#include "runq.h"

#define ROUND_MAX_NS (1500 * NSEC_PER_MSEC)
#define TURN_MIN_NS (NSEC_PER_MSEC / 2)

struct round_queue {
	struct list threads;
};

static void round_init(void *data) { list_init(&((struct round_queue *)data)->threads); }

static u64 turn_ns(const struct runq *rq, const struct thread *t)
{
	u64 turn = t->turn_ns, most;

	if (likely(rq->queued[SLOT_SYSTEM] < ROUND_MAX_NS / (40 * NSEC_PER_MSEC)))
		return turn;
	most = ROUND_MAX_NS / (rq->queued[SLOT_SYSTEM] + 1);
	return clamp(most, (u64)TURN_MIN_NS, turn);
}

/* slice_ns: used of the turn. Preempted by another class: it goes on where it was, at the head. */
static bool round_enqueue(struct runq *rq, void *data, struct thread *t, u32 flags)
{
	struct round_queue *q = data;

	if (flags || t->slice_ns >= turn_ns(rq, t)) {
		t->slice_ns = 0;
		list_push_back(&q->threads, &t->rq_link);
	} else {
		list_push_front(&q->threads, &t->rq_link);
	}
	return true;
}

static bool round_dequeue(struct runq *rq, void *data, struct thread *t)
{
	list_remove(&t->rq_link);
	return true;
}

static struct thread *round_pick(struct runq *rq, void *data)
{
	struct round_queue *q = data;
	struct thread *t = list_first(&q->threads, struct thread, rq_link);

	if (t)
		list_remove(&t->rq_link);
	return t;
}

static bool round_account(struct runq *rq, void *data, struct thread *t, u64 ran_ns)
{
	struct round_queue *q = data;

	t->slice_ns += ran_ns;
	if (t->slice_ns < turn_ns(rq, t))
		return false;
	if (!list_empty(&q->threads))
		return true;
	t->slice_ns = 0;	/* alone: the next turn is its, too */
	return false;
}

static bool round_preempts(const struct thread *woken, const struct thread *running) { return false; }

static u64 round_slice(const struct runq *rq, const void *data, const struct thread *t)
{
	u64 turn = turn_ns(rq, t);

	return t->slice_ns < turn ? turn - t->slice_ns : 1;
}

static u64 round_quantum(const struct thread *t) { return quantum_of_nice(t->nice); }

static struct thread *round_steal(struct runq *rq, void *data, unsigned to_cpu)
{
	struct round_queue *q = data;
	unsigned looked = 0;
	struct list *l;

	/* From the tail: who would run last loses least. */
	for (l = q->threads.prev; l != &q->threads && looked < STEAL_LOOK; l = l->prev, looked++)
		if (list_entry(l, struct thread, rq_link)->allowed & cpu_mask(to_cpu))
			return list_entry(l, struct thread, rq_link);
	return NULL;
}

const struct sched_policy sched_policy_round_robin = {
	.name = "rr",
	.data_size = sizeof(struct round_queue),
	.init = round_init,
	.enqueue = round_enqueue,
	.dequeue = round_dequeue,
	.pick = round_pick,
	.account = round_account,
	.preempts = round_preempts,
	.slice = round_slice,
	.quantum = round_quantum,
	.steal = round_steal,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multi-level feedback queue (sched=mlfq, the default). Threads start at the top level; who uses up
 * its allotment of a level, in one go or in pieces, sinks by one, and lower levels have longer
 * turns. Who slept longer than it ran rises by one, so what waits for input or output stays
 * high. Every sched_boost_ms all go back to the top, so nobody starves and a program that changes its
 * ways is seen. The nice value scales allotments (5 to 40 ms at the bottom); SCHED_BATCH
 * starts at the bottom.
 *
 * All operations are O(1): the boost joins lists and a thread learns of it by a sequence
 * number; a level's bit is cleared when pick finds its list empty. Lock: the run queue's.
 */
#include "runq.h"
#include <uapi/sched.h>

#define LEVELS 5u
#define BOTTOM (LEVELS - 1)

struct mlfq_queue {
	struct list levels[LEVELS];
	u32 bits;		/* bit l: levels[l] may have threads */
	u32 boost_seq;
	u64 boost_next_ns;
};
static_assert(sizeof(struct mlfq_queue) <= SLOT_DATA_SIZE, "");

static void mlfq_init(void *data)
{
	struct mlfq_queue *q = data;

	*q = (struct mlfq_queue){ .boost_seq = 1 };
	for (unsigned i = 0; i < LEVELS; i++)
		list_init(&q->levels[i]);
}

/* What t may use at its level: a fifth of its quantum at the top, the whole at the bottom. */
static inline u64 allotment(const struct thread *t)
{
	return t->turn_ns * (min(t->level, BOTTOM) + 1) / LEVELS;
}

static void boost(struct runq *rq, struct mlfq_queue *q)
{
	q->boost_next_ns = rq->now_ns + atomic_load(&sched_settings.boost_ms) * NSEC_PER_MSEC;
	q->boost_seq++;
	for (unsigned i = 1; i < LEVELS; i++)
		if (!list_empty(&q->levels[i])) {
			list_splice_back(&q->levels[0], &q->levels[i]);
			q->bits |= 1;
		}
}

/* t as of now: has there been a boost since it was last looked at? */
static void refresh(struct runq *rq, struct mlfq_queue *q, struct thread *t)
{
	if (unlikely(rq->now_ns >= q->boost_next_ns))
		boost(rq, q);
	if (t->boost_seq == q->boost_seq)
		return;
	t->boost_seq = q->boost_seq;
	t->level = t->sched_class == SCHED_BATCH ? BOTTOM : 0;
	t->slice_ns = 0;
}

/* slice_ns: used of the allotment, over all turns at this level. */
static void sink_if_used_up(struct thread *t)
{
	if (t->slice_ns < allotment(t))
		return;
	t->slice_ns = 0;
	if (t->level < BOTTOM)
		t->level++;
}

static void rise_if_slept(const struct runq *rq, struct thread *t)
{
	if (t->sched_class == SCHED_BATCH || rq->now_ns - t->slept_since_ns < allotment(t))
		return;
	t->level--;
	t->slice_ns = 0;
}

static bool mlfq_enqueue(struct runq *rq, void *data, struct thread *t, u32 flags)
{
	struct mlfq_queue *q = data;
	bool goes_on = flags == 0 && t->slice_ns > 0 && t->slice_ns < allotment(t);

	refresh(rq, q, t);
	if (t->slice_ns)
		sink_if_used_up(t);
	if ((flags & ENQUEUE_WOKEN) && t->slept_since_ns && t->level)
		rise_if_slept(rq, t);
	t->slept_since_ns = 0;
	if (goes_on)
		list_push_front(&q->levels[t->level], &t->rq_link);	/* it was preempted in its turn */
	else
		list_push_back(&q->levels[t->level], &t->rq_link);
	q->bits |= 1u << t->level;
	return true;
}

static bool mlfq_dequeue(struct runq *rq, void *data, struct thread *t)
{
	list_remove(&t->rq_link);
	return true;
}

static struct thread *mlfq_pick(struct runq *rq, void *data)
{
	struct mlfq_queue *q = data;

	if (unlikely(rq->now_ns >= q->boost_next_ns))
		boost(rq, q);
	while (q->bits) {
		unsigned level = (unsigned)__builtin_ctz(q->bits);
		struct thread *t = list_first(&q->levels[level], struct thread, rq_link);

		if (t) {
			list_remove(&t->rq_link);
			refresh(rq, q, t);	/* its turn is already that of the top */
			return t;
		}
		q->bits &= ~(1u << level);
	}
	return NULL;
}

static bool mlfq_account(struct runq *rq, void *data, struct thread *t, u64 ran_ns)
{
	struct mlfq_queue *q = data;

	t->slice_ns += ran_ns;
	if (t->slice_ns < allotment(t))
		return false;
	if (rq->queued[SLOT_SYSTEM])
		return true;
	refresh(rq, q, t);	/* alone: it sinks all the same */
	sink_if_used_up(t);
	return false;
}

static bool mlfq_preempts(const struct thread *woken, const struct thread *running)
{
	return woken->level < running->level;
}

static u64 mlfq_slice(const struct runq *rq, const void *data, const struct thread *t)
{
	u64 turn = allotment(t);

	return t->slice_ns < turn ? turn - t->slice_ns : 1;
}

static u64 mlfq_quantum(const struct thread *t) { return quantum_of_nice(t->nice); }

static struct thread *mlfq_steal(struct runq *rq, void *data, unsigned to_cpu)
{
	struct mlfq_queue *q = data;
	unsigned looked = 0;

	/* From the bottom: those who compute. */
	for (unsigned i = LEVELS; i-- > 0;)
		for (struct list *l = q->levels[i].prev; l != &q->levels[i]; l = l->prev) {
			if (list_entry(l, struct thread, rq_link)->allowed & cpu_mask(to_cpu))
				return list_entry(l, struct thread, rq_link);
			if (++looked == STEAL_LOOK)
				return NULL;
		}
	return NULL;
}

const struct sched_policy sched_policy_mlfq = {
	.name = "mlfq",
	.data_size = sizeof(struct mlfq_queue),
	.init = mlfq_init,
	.enqueue = mlfq_enqueue,
	.dequeue = mlfq_dequeue,
	.pick = mlfq_pick,
	.account = mlfq_account,
	.preempts = mlfq_preempts,
	.slice = mlfq_slice,
	.quantum = mlfq_quantum,
	.steal = mlfq_steal,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixed-priority policy (SCHED_FIFO, SCHED_RR; POSIX sched.h): 99 lists, the highest
 * that is not empty runs. A preempted thread returns to the head of its list; a woken one, one that
 * yielded and an RR thread whose slice is used up go to the tail. Lock: the run queue's.
 */
#include "runq.h"
#include <uapi/sched.h>

#define PRIORITIES 100

struct fixed_queue {
	u64 bitmap[BITMAP_WORDS(PRIORITIES)];	/* bit p: list p has threads */
	struct list lists[PRIORITIES];
};
static_assert(sizeof(struct fixed_queue) <= SLOT_DATA_SIZE, "");

/* Its own, or what waiters of its locks lend it. Changes only while t is in no queue. */
static u32 priority_of(const struct thread *t) { return max(t->rt_priority, t->lent_priority); }

static void fixed_init(void *rq_data)
{
	struct fixed_queue *q = rq_data;

	q->bitmap[0] = q->bitmap[1] = 0;
	for (unsigned i = 0; i < PRIORITIES; i++)
		list_init(&q->lists[i]);
}

static struct list *highest(struct fixed_queue *q)
{
	if (q->bitmap[1])
		return &q->lists[64 + log2_floor(q->bitmap[1])];
	return q->bitmap[0] ? &q->lists[log2_floor(q->bitmap[0])] : NULL;
}

static u64 turn_ns(void) { return atomic_load(&sched_settings.rr_timeslice_ms) * NSEC_PER_MSEC; }

/* thread.slice_ns: what is left of the turn; 0 means the turn is over. */
static bool fixed_enqueue(struct runq *rq, void *rq_data, struct thread *t, u32 flags)
{
	struct fixed_queue *q = rq_data;
	struct list *l = &q->lists[priority_of(t)];

	if (flags || t->slice_ns == 0) {
		t->slice_ns = turn_ns();
		list_push_back(l, &t->rq_link);
	} else {
		list_push_front(l, &t->rq_link);
	}
	bitmap_set(q->bitmap, priority_of(t));
	return true;
}

static bool fixed_dequeue(struct runq *rq, void *rq_data, struct thread *t)
{
	struct fixed_queue *q = rq_data;

	list_remove(&t->rq_link);
	if (list_empty(&q->lists[priority_of(t)]))
		bitmap_clear(q->bitmap, priority_of(t));
	return true;
}

static struct thread *fixed_pick(struct runq *rq, void *rq_data)
{
	struct list *l = highest(rq_data);
	struct thread *t;

	if (l == NULL)
		return NULL;
	t = list_first(l, struct thread, rq_link);
	fixed_dequeue(rq, rq_data, t);
	return t;
}

static bool fixed_account(struct runq *rq, void *rq_data, struct thread *t, u64 ran_ns)
{
	struct fixed_queue *q = rq_data;

	if (t->sched_class != SCHED_RR)
		return false;
	t->slice_ns = t->slice_ns > ran_ns ? t->slice_ns - ran_ns : 0;
	if (t->slice_ns != 0)
		return false;
	if (!list_empty(&q->lists[priority_of(t)]))
		return true;
	t->slice_ns = turn_ns();	/* alone at its priority */
	return false;
}

static bool fixed_preempts(const struct thread *woken, const struct thread *running)
{
	return priority_of(woken) > priority_of(running);
}

static u64 fixed_slice(const struct runq *rq, const void *rq_data, const struct thread *t)
{
	if (t->sched_class != SCHED_RR)
		return 0;
	return t->slice_ns ? t->slice_ns : turn_ns();
}

static u64 fixed_quantum(const struct thread *t) { return t->sched_class == SCHED_RR ? turn_ns() : 0; }

static struct thread *fixed_steal(struct runq *rq, void *rq_data, unsigned to_cpu)
{
	struct fixed_queue *q = rq_data;
	unsigned looked = 0;
	struct thread *t;

	for (unsigned p = PRIORITIES; p-- > 0;)
		list_for_each(t, &q->lists[p], rq_link) {
			if (t->allowed & cpu_mask(to_cpu))
				return t;
			if (++looked == STEAL_LOOK)
				return NULL;
		}
	return NULL;
}

const struct sched_policy sched_policy_fixed = {
	.name = "fixed",
	.data_size = sizeof(struct fixed_queue),
	.init = fixed_init,
	.enqueue = fixed_enqueue,
	.dequeue = fixed_dequeue,
	.pick = fixed_pick,
	.account = fixed_account,
	.preempts = fixed_preempts,
	.slice = fixed_slice,
	.quantum = fixed_quantum,
	.steal = fixed_steal,
};

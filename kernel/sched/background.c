/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The background policy (SCHED_IDLE): a round of threads that run when nobody else wants the CPU.
 * Lock: the run queue's.
 */
#include "runq.h"

#define SLICE_NS 5000000ull	/* spec.md: the idle class's turn */

struct background_queue {
	struct list threads;
};

static void background_init(void *data)
{
	list_init(&((struct background_queue *)data)->threads);
}

static bool background_enqueue(struct runq *rq, void *data, struct thread *t, u32 flags)
{
	struct background_queue *q = data;

	list_push_back(&q->threads, &t->rq_link);
	return true;
}

static bool background_dequeue(struct runq *rq, void *data, struct thread *t)
{
	list_remove(&t->rq_link);
	return true;
}

static struct thread *background_pick(struct runq *rq, void *data)
{
	struct background_queue *q = data;
	struct thread *t = list_first(&q->threads, struct thread, rq_link);

	if (t) {
		list_remove(&t->rq_link);
		t->slice_ns = 0;	/* used so far */
	}
	return t;
}

static bool background_account(struct runq *rq, void *data, struct thread *t, u64 ran_ns)
{
	t->slice_ns += ran_ns;
	return t->slice_ns >= SLICE_NS;	/* it may be here beside others: pick decides */
}

static bool background_preempts(const struct thread *woken, const struct thread *running) { return false; }

static u64 background_slice(const struct runq *rq, const void *data, const struct thread *t)
{
	return t->slice_ns < SLICE_NS ? SLICE_NS - t->slice_ns : 1;
}

static u64 background_quantum(const struct thread *t) { return SLICE_NS; }

static struct thread *background_steal(struct runq *rq, void *data, unsigned to_cpu)
{
	struct background_queue *q = data;
	unsigned looked = 0;
	struct thread *t;

	list_for_each(t, &q->threads, rq_link) {
		if (t->allowed & cpu_mask(to_cpu))
			return t;
		if (++looked == STEAL_LOOK)
			break;
	}
	return NULL;
}

const struct sched_policy sched_policy_background = {
	.name = "background",
	.data_size = sizeof(struct background_queue),
	.init = background_init,
	.enqueue = background_enqueue,
	.dequeue = background_dequeue,
	.pick = background_pick,
	.account = background_account,
	.preempts = background_preempts,
	.slice = background_slice,
	.quantum = background_quantum,
	.steal = background_steal,
};

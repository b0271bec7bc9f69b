/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The background policy (SCHED_IDLE): a round of threads that run when nobody else wants the CPU.
 * Lock: the run queue's.
 */
#include "runq.h"

#define SLICE_NS 20000000ull

struct background_queue {
	struct list threads;
	u32 nr;
};

static void background_init(void *rq_data)
{
	struct background_queue *q = rq_data;

	list_init(&q->threads);
	q->nr = 0;
}

static void background_enqueue(struct runq *rq, void *rq_data, struct thread *t, bool woken)
{
	struct background_queue *q = rq_data;

	list_push_back(&q->threads, &t->rq_link);
	q->nr++;
}

static void background_dequeue(struct runq *rq, void *rq_data, struct thread *t)
{
	struct background_queue *q = rq_data;

	list_remove(&t->rq_link);
	q->nr--;
}

static struct thread *background_pick(struct runq *rq, void *rq_data)
{
	struct background_queue *q = rq_data;
	struct thread *t = list_first(&q->threads, struct thread, rq_link);

	if (t) {
		background_dequeue(rq, q, t);
		t->slice_ns = 0;
	}
	return t;
}

static bool background_account(struct runq *rq, void *rq_data, struct thread *t, u64 ran_ns)
{
	struct background_queue *q = rq_data;

	t->slice_ns += ran_ns;
	return q->nr > 0 && t->slice_ns >= SLICE_NS - SLICE_NS / 16;
}

static bool background_preempts(const struct thread *woken, const struct thread *running)
{
	return false;
}

static u64 background_slice(const struct thread *t)
{
	return SLICE_NS;
}

static struct thread *background_steal(struct runq *rq, void *rq_data, unsigned to_cpu)
{
	struct background_queue *q = rq_data;
	struct thread *t;

	list_for_each(t, &q->threads, rq_link)
		if (t->affinity & cpu_mask(to_cpu))
			return t;
	return NULL;
}

static u64 background_load(const void *rq_data)
{
	return atomic_load(&((const struct background_queue *)rq_data)->nr) * 3ull;
}

const struct sched_policy sched_policy_background = {
	.name = "background",
	.rq_size = sizeof(struct background_queue),
	.rq_init = background_init,
	.enqueue = background_enqueue,
	.dequeue = background_dequeue,
	.pick = background_pick,
	.account = background_account,
	.preempts = background_preempts,
	.slice = background_slice,
	.steal = background_steal,
	.load = background_load,
};

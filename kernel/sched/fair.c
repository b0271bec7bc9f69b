/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fair policy (sched=fair): threads share the CPU in proportion to weight. Each
 * has a virtual time that grows by the time it ran divided by its weight; the smallest runs
 * next. A woken thread starts no further back than a bounded credit, so that sleepers run soon but
 * cannot save up time. Virtual times are relative to a queue's floor; moving rebases them.
 * Lock: the run queue's.
 */
#include "runq.h"

#define WEIGHT_NICE_0 1024u
#define SLICE_NS 4000000u		/* nice 0 with company */
#define WAKE_CREDIT_NS 3000000u		/* how far behind the floor a woken thread may start */
#define PREEMPT_NS 1000000u		/* a woken thread preempts when it is that much behind */

struct fair_queue {
	struct rb_tree tree;
	struct rb_node *leftmost;
	u64 floor;		/* never decreases: the smallest virtual time around */
};
static_assert(sizeof(struct fair_queue) <= SLOT_DATA_SIZE, "");

static struct thread *thread_of(struct rb_node *n)
{
	return rb_entry(n, struct thread, rq_node);
}

static bool is_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static void fair_init(void *rq_data)
{
	struct fair_queue *q = rq_data;

	*q = (struct fair_queue){ 0 };
}

static void raise_floor(struct fair_queue *q, const struct thread *running)
{
	u64 lowest = q->floor;
	bool has = false;

	if (running) {
		lowest = running->vruntime;
		has = true;
	}
	if (q->leftmost && (!has || is_before(thread_of(q->leftmost)->vruntime, lowest)))
		lowest = thread_of(q->leftmost)->vruntime;
	if (is_before(q->floor, lowest))
		q->floor = lowest;
}

/* No further back, no further ahead than the others: it comes from another policy. */
static void fair_join(struct runq *rq, void *rq_data, struct thread *t)
{
	t->vruntime = ((struct fair_queue *)rq_data)->floor;
}

static bool fair_enqueue(struct runq *rq, void *rq_data, struct thread *t, u32 flags)
{
	struct fair_queue *q = rq_data;
	struct rb_node **link = &q->tree.root, *parent = NULL;
	bool is_leftmost = true;

	if ((flags & ENQUEUE_WOKEN) && is_before(t->vruntime, q->floor - WAKE_CREDIT_NS))
		t->vruntime = q->floor - WAKE_CREDIT_NS;
	/* Behind the next one in line; with nobody in line a yield changes nothing. */
	if ((flags & ENQUEUE_YIELDED) && q->leftmost && !is_before(thread_of(q->leftmost)->vruntime, t->vruntime))
		t->vruntime = thread_of(q->leftmost)->vruntime + 1;
	while (*link) {
		parent = *link;
		if (is_before(t->vruntime, thread_of(parent)->vruntime)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_leftmost = false;
		}
	}
	rb_link(&t->rq_node, parent, link);
	rb_insert_fixup(&q->tree, &t->rq_node, NULL);
	if (is_leftmost)
		q->leftmost = &t->rq_node;
	return true;
}

static bool fair_dequeue(struct runq *rq, void *rq_data, struct thread *t)
{
	struct fair_queue *q = rq_data;

	if (q->leftmost == &t->rq_node)
		q->leftmost = rb_next(&t->rq_node);
	rb_remove(&q->tree, &t->rq_node, NULL);
	return true;
}

static struct thread *fair_pick(struct runq *rq, void *rq_data)
{
	struct fair_queue *q = rq_data;
	struct thread *t;

	if (q->leftmost == NULL)
		return NULL;
	t = thread_of(q->leftmost);
	fair_dequeue(rq, q, t);
	t->slice_ns = 0;	/* used so far */
	raise_floor(q, t);
	return t;
}

static u64 fair_slice(const struct runq *rq, const void *rq_data, const struct thread *t)
{
	return t->slice_ns < SLICE_NS ? SLICE_NS - t->slice_ns : SLICE_NS;	/* past the end and still first: one more */
}

static u64 fair_quantum(const struct thread *t) { return SLICE_NS; }

static bool fair_account(struct runq *rq, void *rq_data, struct thread *t, u64 ran_ns)
{
	struct fair_queue *q = rq_data;
	u64 weight = sched_weight(t);

	t->vruntime += weight == WEIGHT_NICE_0 ? ran_ns : ran_ns * WEIGHT_NICE_0 / weight;
	t->slice_ns += ran_ns;
	raise_floor(q, t);
	return q->leftmost && t->slice_ns >= SLICE_NS - SLICE_NS / 16 &&
		!is_before(t->vruntime, thread_of(q->leftmost)->vruntime);
}

static bool fair_preempts(const struct thread *woken, const struct thread *running)
{
	return is_before(woken->vruntime + PREEMPT_NS, running->vruntime);
}

static struct thread *fair_steal(struct runq *rq, void *rq_data, unsigned to_cpu)
{
	struct fair_queue *q = rq_data;

	unsigned looked = 0;

	/* From the right end: who would run last loses least. */
	for (struct rb_node *n = rb_last(&q->tree); n && looked < STEAL_LOOK; n = rb_prev(n), looked++)
		if (thread_of(n)->allowed & cpu_mask(to_cpu))
			return thread_of(n);
	return NULL;
}

static void fair_migrate(const void *from_rq_data, const void *to_rq_data, struct thread *t)
{
	const struct fair_queue *from = from_rq_data, *to = to_rq_data;

	t->vruntime += atomic_load(&to->floor) - atomic_load(&from->floor);
}

const struct sched_policy sched_policy_fair = {
	.name = "fair",
	.data_size = sizeof(struct fair_queue),
	.init = fair_init,
	.join = fair_join,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.pick = fair_pick,
	.account = fair_account,
	.preempts = fair_preempts,
	.slice = fair_slice,
	.quantum = fair_quantum,
	.steal = fair_steal,
	.migrate = fair_migrate,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fair policy (SCHED_OTHER, SCHED_BATCH): threads share the CPU in proportion to weight. Each
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
	u64 weight;		/* of the queued threads */
	u32 nr;
};
static_assert(sizeof(struct fair_queue) <= SLOT_DATA_SIZE, "");

/* 1024 * 1.25^-nice, rounded: one step of nice is a tenth of the CPU between two threads. */
static const u32 weights[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

u64 sched_weight(const struct thread *t)
{
	return weights[clamp(t->nice, -20, 19) + 20];
}

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

	if (running && running->policy == &sched_policy_fair) {
		lowest = running->vruntime;
		has = true;
	}
	if (q->leftmost && (!has || is_before(thread_of(q->leftmost)->vruntime, lowest)))
		lowest = thread_of(q->leftmost)->vruntime;
	if (is_before(q->floor, lowest))
		q->floor = lowest;
}

static void fair_enqueue(struct runq *rq, void *rq_data, struct thread *t, bool woken)
{
	struct fair_queue *q = rq_data;
	struct rb_node **link = &q->tree.root, *parent = NULL;
	bool is_leftmost = true;

	if (woken && is_before(t->vruntime, q->floor - WAKE_CREDIT_NS))
		t->vruntime = q->floor - WAKE_CREDIT_NS;
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
	q->weight += sched_weight(t);
	q->nr++;
}

static void fair_dequeue(struct runq *rq, void *rq_data, struct thread *t)
{
	struct fair_queue *q = rq_data;

	if (q->leftmost == &t->rq_node)
		q->leftmost = rb_next(&t->rq_node);
	rb_remove(&q->tree, &t->rq_node, NULL);
	q->weight -= sched_weight(t);
	q->nr--;
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

static u64 fair_slice(const struct thread *t)
{
	return SLICE_NS;
}

static bool fair_account(struct runq *rq, void *rq_data, struct thread *t, u64 ran_ns)
{
	struct fair_queue *q = rq_data;
	u64 weight = sched_weight(t);

	if (is_before(t->vruntime, q->floor - WAKE_CREDIT_NS))
		t->vruntime = q->floor;	/* came from another policy while running */
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

	/* From the right end: who would run last loses least. */
	for (struct rb_node *n = rb_last(&q->tree); n; n = rb_prev(n))
		if (thread_of(n)->affinity & cpu_mask(to_cpu))
			return thread_of(n);
	return NULL;
}

static u64 fair_load(const void *rq_data)
{
	return atomic_load(&((const struct fair_queue *)rq_data)->weight);
}

static void fair_migrate(const void *from_rq_data, const void *to_rq_data, struct thread *t)
{
	const struct fair_queue *from = from_rq_data, *to = to_rq_data;

	t->vruntime += atomic_load(&to->floor) - atomic_load(&from->floor);
}

/* Behind the next one in line; with nobody in line it changes nothing. */
static void fair_yield(struct runq *rq, void *rq_data, struct thread *t)
{
	struct fair_queue *q = rq_data;

	if (q->leftmost && !is_before(thread_of(q->leftmost)->vruntime, t->vruntime))
		t->vruntime = thread_of(q->leftmost)->vruntime + 1;
}

const struct sched_policy sched_policy_fair = {
	.name = "fair",
	.rq_size = sizeof(struct fair_queue),
	.rq_init = fair_init,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.pick = fair_pick,
	.account = fair_account,
	.preempts = fair_preempts,
	.slice = fair_slice,
	.steal = fair_steal,
	.migrate = fair_migrate,
	.yield = fair_yield,
	.load = fair_load,
};

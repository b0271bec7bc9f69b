/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priority with aging (sched=priority): the nice value is the priority, and who waits rises by one
 * for every AGE_NS. That is the same as ordering by (when the wait began + nice * AGE_NS), a number that
 * does not change while it waits: a tree gives the next in O(log n). A thread keeps its number
 * until its turn is over, so that somebody new preempts it only with a better one.
 * Lock: the run queue's.
 */
#include "runq.h"

#define AGE_NS (20 * NSEC_PER_MSEC)	/* nice 19 beats fresh nice 0 after 380 ms, fresh nice -20 after 780 ms */
#define TURN_NS (10 * NSEC_PER_MSEC)

struct priority_queue {
	struct rb_tree tree;		/* by vruntime, the number above */
	struct rb_node *first;
};

static struct thread *thread_of(struct rb_node *n) { return rb_entry(n, struct thread, rq_node); }

static void priority_init(void *data) { *(struct priority_queue *)data = (struct priority_queue){ 0 }; }

static u64 number_of(const struct runq *rq, const struct thread *t)
{
	return rq->now_ns + (u64)(t->nice + 20) * AGE_NS;
}

/* The same for all nice values; a group's share makes it longer or shorter. */
static u64 length_of_turn(const struct thread *t) { return TURN_NS * (t->turn_share ? t->turn_share : SHARE_ONE) / SHARE_ONE; }

static bool priority_enqueue(struct runq *rq, void *data, struct thread *t, u32 flags)
{
	struct priority_queue *q = data;
	struct rb_node **link = &q->tree.root, *parent = NULL;
	bool is_first = true;

	if (flags || t->slice_ns >= length_of_turn(t) || t->vruntime == 0) {
		t->slice_ns = 0;
		t->vruntime = number_of(rq, t);
	}
	while (*link) {
		parent = *link;
		if (t->vruntime < thread_of(parent)->vruntime) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_first = false;
		}
	}
	rb_link(&t->rq_node, parent, link);
	rb_insert_fixup(&q->tree, &t->rq_node, NULL);
	if (is_first)
		q->first = &t->rq_node;
	return true;
}

static bool priority_dequeue(struct runq *rq, void *data, struct thread *t)
{
	struct priority_queue *q = data;

	if (q->first == &t->rq_node)
		q->first = rb_next(&t->rq_node);
	rb_remove(&q->tree, &t->rq_node, NULL);
	return true;
}

static struct thread *priority_pick(struct runq *rq, void *data)
{
	struct priority_queue *q = data;
	struct thread *t = q->first ? thread_of(q->first) : NULL;

	if (t)
		priority_dequeue(rq, data, t);
	return t;
}

static bool priority_account(struct runq *rq, void *data, struct thread *t, u64 ran_ns)
{
	struct priority_queue *q = data;

	t->slice_ns += ran_ns;
	if (t->slice_ns < length_of_turn(t))
		return false;
	if (q->first && thread_of(q->first)->vruntime <= number_of(rq, t))
		return true;	/* with its turn over it would come behind that one */
	t->slice_ns = 0;
	t->vruntime = number_of(rq, t);
	return false;
}

static bool priority_preempts(const struct thread *woken, const struct thread *running)
{
	return woken->vruntime < running->vruntime;
}

static u64 priority_slice(const struct runq *rq, const void *data, const struct thread *t)
{
	u64 turn = length_of_turn(t);

	return t->slice_ns < turn ? turn - t->slice_ns : 1;
}

static u64 priority_quantum(const struct thread *t) { return TURN_NS; }

static struct thread *priority_steal(struct runq *rq, void *data, unsigned to_cpu)
{
	struct priority_queue *q = data;
	unsigned looked = 0;

	for (struct rb_node *n = rb_last(&q->tree); n && looked < STEAL_LOOK; n = rb_prev(n), looked++)
		if (thread_of(n)->allowed & cpu_mask(to_cpu))
			return thread_of(n);
	return NULL;
}

const struct sched_policy sched_policy_priority = {
	.name = "priority",
	.data_size = sizeof(struct priority_queue),
	.init = priority_init,
	.enqueue = priority_enqueue,
	.dequeue = priority_dequeue,
	.pick = priority_pick,
	.account = priority_account,
	.preempts = priority_preempts,
	.slice = priority_slice,
	.quantum = priority_quantum,
	.steal = priority_steal,
};

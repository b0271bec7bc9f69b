/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SCHED_DEADLINE: constant-bandwidth servers (Abeni and Buttazzo 1998), partitioned over CPUs with
 * first-fit admission. A thread may run runtime_ns in each period; who has used that up is parked until
 * its next period, so one that lies cannot harm another. Order: earliest deadline first, or
 * (kernel.sched_deadline_order = rm) shortest period first with the bound of Liu and Layland 1973.
 * Locks: the run queue's; sched_admin_lock for what is admitted where.
 */
#include "runq.h"
#include <lib/string.h>
#include <uapi/errno.h>

#define BANDWIDTH_SHIFT 20
#define BANDWIDTH_MAX ((95ull << BANDWIDTH_SHIFT) / 100)

struct deadline_queue {
	struct rb_tree ready, parked;	/* by order; by replenish_ns */
	struct rb_node *first, *first_parked;
};
static u64 admitted[MAX_CPUS];	/* sched_admin_lock: sum of bandwidths */
static u32 nr_admitted[MAX_CPUS];
static bool is_rm;		/* [a]; changes under sched_admin_lock while nobody is admitted */

bool deadline_is_rm(void) { return atomic_load(&is_rm); }

static struct thread *thread_of(struct rb_node *n) { return rb_entry(n, struct thread, rq_node); }

static void deadline_init(void *data) { *(struct deadline_queue *)data = (struct deadline_queue){ 0 }; }

static u64 order_of(const struct thread *t)
{
	return atomic_load(&is_rm) ? t->deadline.period_ns : t->deadline.absolute_ns;
}

static u64 key_of(const struct thread *t) { return t->deadline.is_parked ? t->deadline.replenish_ns : order_of(t); }

static void insert(struct rb_tree *tree, struct rb_node **first, struct thread *t)
{
	struct rb_node **link = &tree->root, *parent = NULL;
	bool is_first = true;

	while (*link) {
		parent = *link;
		if (key_of(t) < key_of(thread_of(parent))) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_first = false;
		}
	}
	rb_link(&t->rq_node, parent, link);
	rb_insert_fixup(tree, &t->rq_node, NULL);
	if (is_first)
		*first = &t->rq_node;
}

static void take(struct rb_tree *tree, struct rb_node **first, struct thread *t)
{
	if (*first == &t->rq_node)
		*first = rb_next(&t->rq_node);
	rb_remove(tree, &t->rq_node, NULL);
}

void deadline_begin(struct runq *rq, struct thread *t)
{
	struct sched_deadline *d = &t->deadline;

	d->absolute_ns = rq->now_ns + d->relative_ns;
	d->replenish_ns = 0;
	d->budget_ns = (s64)d->runtime_ns;
}

/*
 * The wake-up rule of the constant-bandwidth server: what is left of budget and deadline may be kept
 * if using it up would not exceed the bandwidth; else a new job begins now.
 */
static void begin_if_stale(struct runq *rq, struct thread *t)
{
	struct sched_deadline *d = &t->deadline;
	u64 left;

	if (d->budget_ns <= 0 && rq->now_ns < d->replenish_ns)
		return;		/* still owes */
	if (d->budget_ns <= 0 || rq->now_ns >= d->absolute_ns) {
		deadline_begin(rq, t);
		return;
	}
	left = d->absolute_ns - rq->now_ns;
	/* budget / left > runtime / relative, in units of 1,024 ns so that the products fit */
	if (((u64)d->budget_ns >> 10) * (d->relative_ns >> 10) > (left >> 10) * (d->runtime_ns >> 10))
		deadline_begin(rq, t);
}

static void replenish(struct runq *rq, struct thread *t)
{
	struct sched_deadline *d = &t->deadline;

	d->absolute_ns = d->replenish_ns + d->relative_ns;
	d->budget_ns = min(d->budget_ns + (s64)d->runtime_ns, (s64)d->runtime_ns);
	if (d->budget_ns <= 0 || d->absolute_ns <= rq->now_ns)
		deadline_begin(rq, t);	/* far behind (a CPU without host time): as if released now */
}

/* The begin of the period after the current job's. */
static void set_replenish(struct sched_deadline *d)
{
	d->replenish_ns = d->absolute_ns - d->relative_ns + d->period_ns;
}

static bool deadline_enqueue(struct runq *rq, void *data, struct thread *t, u32 flags)
{
	struct deadline_queue *q = data;
	struct sched_deadline *d = &t->deadline;

	if (flags & ENQUEUE_WOKEN) {
		begin_if_stale(rq, t);
	} else if (flags & ENQUEUE_YIELDED) {	/* the job is done */
		d->budget_ns = 0;
		set_replenish(d);
	} else if (d->budget_ns <= 0) {
		d->overruns++;
		set_replenish(d);
	}
	if (d->budget_ns <= 0 && rq->now_ns >= d->replenish_ns)
		replenish(rq, t);
	d->is_parked = d->budget_ns <= 0;
	if (!d->is_parked) {
		insert(&q->ready, &q->first, t);
		return true;
	}
	insert(&q->parked, &q->first_parked, t);
	rq->release_ns = min(rq->release_ns, d->replenish_ns);
	return false;
}

static bool deadline_dequeue(struct runq *rq, void *data, struct thread *t)
{
	struct deadline_queue *q = data;
	bool was_ready = !t->deadline.is_parked;

	if (was_ready)
		take(&q->ready, &q->first, t);
	else
		take(&q->parked, &q->first_parked, t);
	t->deadline.is_parked = false;
	return was_ready;
}

u64 deadline_release_due(struct runq *rq)
{
	struct deadline_queue *q = (void *)rq->data[SLOT_DEADLINE];

	while (q->first_parked && thread_of(q->first_parked)->deadline.replenish_ns <= rq->now_ns) {
		struct thread *t = thread_of(q->first_parked);

		take(&q->parked, &q->first_parked, t);
		t->deadline.is_parked = false;
		replenish(rq, t);
		insert(&q->ready, &q->first, t);
		t->wait_start_ns = rq->now_ns;
		if (unlikely(atomic_load(&sched_trace_on)))
			trace_wake(t, rq->cpu);
		runq_count_more(rq, SLOT_DEADLINE);
		runq_set_running(rq, rq->nr_running + 1);
		atomic_fetch_or(&rq->running->exit_work, WORK_RESCHED);
	}
	return q->first_parked ? thread_of(q->first_parked)->deadline.replenish_ns : U64_MAX;
}

static struct thread *deadline_pick(struct runq *rq, void *data)
{
	struct deadline_queue *q = data;
	struct thread *t = q->first ? thread_of(q->first) : NULL;

	if (t)
		take(&q->ready, &q->first, t);
	return t;
}

static bool deadline_account(struct runq *rq, void *data, struct thread *t, u64 ran_ns)
{
	struct sched_deadline *d = &t->deadline;

	d->budget_ns -= (s64)ran_ns;
	if (rq->now_ns > d->absolute_ns && rq->now_ns - ran_ns <= d->absolute_ns)
		d->misses++;
	return d->budget_ns <= 0;
}

static bool deadline_preempts(const struct thread *woken, const struct thread *running)
{
	return order_of(woken) < order_of(running);
}

static u64 deadline_slice(const struct runq *rq, const void *data, const struct thread *t)
{
	return t->deadline.budget_ns > 0 ? (u64)t->deadline.budget_ns : 1;
}

static u64 deadline_quantum(const struct thread *t) { return 0; }

/* Partitioned: only admission moves them. */
static struct thread *deadline_steal(struct runq *rq, void *data, unsigned to_cpu) { return NULL; }

const struct sched_policy sched_policy_deadline = {
	.name = "deadline",
	.data_size = sizeof(struct deadline_queue),
	.init = deadline_init,
	.join = NULL,
	.enqueue = deadline_enqueue,
	.dequeue = deadline_dequeue,
	.pick = deadline_pick,
	.account = deadline_account,
	.preempts = deadline_preempts,
	.slice = deadline_slice,
	.quantum = deadline_quantum,
	.steal = deadline_steal,
};

/* What n threads may use together. Rate-monotonic: n (2^(1/n) - 1), at least ln 2. */
static u64 bound(u32 n)
{
	static const u32 rm_permille[] = { 950, 950, 828, 779, 756, 743, 734, 728, 724 };

	if (!atomic_load(&is_rm))
		return BANDWIDTH_MAX;
	return ((u64)(n < ARRAY_LEN(rm_permille) ? rm_permille[n] : 693) << BANDWIDTH_SHIFT) / 1000;
}

static bool fits(unsigned cpu, u64 bandwidth)
{
	return admitted[cpu] + bandwidth <= bound(nr_admitted[cpu] + 1);
}

void deadline_withdraw(struct thread *t)
{
	struct sched_deadline *d = &t->deadline;

	lock_assert_held(&sched_admin_lock);
	if (!d->bandwidth)
		return;
	admitted[d->cpu] -= d->bandwidth;
	nr_admitted[d->cpu]--;
	d->bandwidth = 0;
}

u64 deadline_bandwidth(unsigned cpu) { return atomic_load(&admitted[cpu]); }

int deadline_admit(struct thread *t, u64 runtime_ns, u64 period_ns, cpumask_t cpus)
{
	struct sched_deadline *d = &t->deadline;
	u32 old = d->bandwidth, old_cpu = d->cpu;
	u64 bandwidth = max((runtime_ns << BANDWIDTH_SHIFT) / period_ns, 1ull);
	int found = -EBUSY;

	lock_assert_held(&sched_admin_lock);
	deadline_withdraw(t);
	if (old && (cpus & cpu_mask(old_cpu)) && fits(old_cpu, bandwidth))
		found = (int)old_cpu;
	for (unsigned cpu = 0; found < 0 && cpu < MAX_CPUS; cpu++)
		if ((cpus & cpu_mask(cpu)) && fits(cpu, bandwidth))
			found = (int)cpu;
	if (found >= 0) {
		d->bandwidth = (u32)bandwidth;
		d->cpu = (u32)found;
	} else if (old) {
		d->bandwidth = old;
		d->cpu = old_cpu;
	} else {
		return found;
	}
	admitted[d->cpu] += d->bandwidth;
	nr_admitted[d->cpu]++;
	return found;
}

int sched_deadline_order_choose(const char *name)
{
	bool rm = !strcmp(name, "rm");
	int err = rm || !strcmp(name, "edf") ? 0 : -EINVAL;

	mutex_lock(&sched_admin_lock);
	for (unsigned i = 0; !err && i < MAX_CPUS; i++)
		if (nr_admitted[i])
			err = -EBUSY;
	if (!err)
		atomic_store(&is_rm, rm);
	mutex_unlock(&sched_admin_lock);
	return err;
}

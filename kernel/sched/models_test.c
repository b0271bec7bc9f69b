/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every policy against a model of it: an array of numbers, searched from end to end where the policy has trees, lists
 * and bits, and no sequence numbers where it is lazy. Seeds choose what happens; after each step both must agree who is
 * chosen and whether the running thread must give way. The word policy_seeds= says how many seeds.
 * Also here: EDF keeps all deadlines of a set that uses 95 %, for edf_periods= periods.
 */
#include "runq.h"
#include <kernel/boot.h>
#include <kernel/test.h>
#include <lib/string.h>
#include <uapi/sched.h>

#define MSEC NSEC_PER_MSEC
#define THREADS 9u
#define STEPS 160u
#define BOTTOM_LEVEL 4u

enum kind { KIND_RR, KIND_PRIORITY, KIND_MLFQ, KIND_FAIR, KIND_FIXED, KIND_BACKGROUND, KIND_EDF, KIND_RM, KINDS };
enum where { ASLEEP, QUEUED, PARKED, ON_CPU };

struct model_thread {
	enum where where;
	s64 order;			/* among equals: the lowest first */
	u64 key;			/* chosen first: the lowest level, then key, then order */
	u32 level;
	u64 used;
	bool has_joined;		/* fair: it has a place in virtual time */
	bool is_boosted;		/* mlfq: it was not in the queue when the others rose */
	u64 slept_since;
	s64 budget;
	u64 deadline, replenish;
};

static struct {
	enum kind kind;
	unsigned slot;
	struct runq rq;
	struct thread t[THREADS], idle;
	struct model_thread m[THREADS];
	s64 first, last;		/* of orders given out */
	u64 boost_next, floor;
	unsigned running;		/* THREADS: nobody */
	u64 random;
} w;

static u32 draw(u32 below)
{
	w.random = w.random * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)((w.random >> 33) % below);
}

static bool is_deadline(void) { return w.kind == KIND_EDF || w.kind == KIND_RM; }

/* ---- the models ---- */

static bool comes_before(const struct model_thread *a, const struct model_thread *b)
{
	if (a->level != b->level)
		return a->level < b->level;
	if (a->key != b->key)
		return (s64)(a->key - b->key) < 0;
	return a->order < b->order;
}

static unsigned model_first(void)
{
	unsigned best = THREADS;

	for (unsigned i = 0; i < THREADS; i++)
		if (w.m[i].where == QUEUED && (best == THREADS || comes_before(&w.m[i], &w.m[best])))
			best = i;
	return best;
}

static u64 allotment_of(unsigned i) { return quantum_of_nice(w.t[i].nice) * (w.m[i].level + 1) / (BOTTOM_LEVEL + 1); }

static void boost_if_due(void)
{
	if (w.rq.now_ns < w.boost_next)
		return;
	w.boost_next = w.rq.now_ns + 500 * MSEC;
	/* Level by level, each in its order, behind those that are at the top. */
	for (u32 level = 1; level <= BOTTOM_LEVEL; level++)
		while (1) {
			unsigned best = THREADS;

			for (unsigned i = 0; i < THREADS; i++)
				if (w.m[i].where == QUEUED && w.m[i].level == level &&
				    (best == THREADS || w.m[i].order < w.m[best].order))
					best = i;
			if (best == THREADS)
				break;
			w.m[best].level = 0;
			w.m[best].used = 0;
			w.m[best].order = ++w.last;
		}
	for (unsigned i = 0; i < THREADS; i++) {
		if (w.m[i].where == QUEUED)
			w.m[i].used = 0;
		else
			w.m[i].is_boosted = true;
	}
}

static void take_boost(struct model_thread *m)
{
	if (!m->is_boosted)
		return;
	m->is_boosted = false;
	m->level = 0;
	m->used = 0;
}

static void sink(unsigned i)
{
	struct model_thread *m = &w.m[i];

	if (m->used < allotment_of(i))
		return;
	m->used = 0;
	m->level = min(m->level + 1, BOTTOM_LEVEL);
}

static void model_raise_floor(void)
{
	unsigned first = model_first();
	u64 lowest = w.running < THREADS ? w.m[w.running].key : first < THREADS ? w.m[first].key : w.floor;

	if (first < THREADS && (s64)(w.m[first].key - lowest) < 0)
		lowest = w.m[first].key;
	if ((s64)(lowest - w.floor) > 0)
		w.floor = lowest;
}

static void deadline_fresh(unsigned i)
{
	w.m[i].deadline = w.rq.now_ns + w.t[i].deadline.relative_ns;
	w.m[i].replenish = 0;
	w.m[i].budget = (s64)w.t[i].deadline.runtime_ns;
}

static void deadline_next_period(unsigned i)
{
	struct model_thread *m = &w.m[i];
	const struct sched_deadline *d = &w.t[i].deadline;

	m->deadline = m->replenish + d->relative_ns;
	m->budget = min(m->budget + (s64)d->runtime_ns, (s64)d->runtime_ns);
	if (m->budget <= 0 || m->deadline <= w.rq.now_ns)
		deadline_fresh(i);
}

static void deadline_key(unsigned i) { w.m[i].key = w.kind == KIND_EDF ? w.m[i].deadline : w.t[i].deadline.period_ns; }

static void model_insert_deadline(unsigned i, u32 flags)
{
	struct model_thread *m = &w.m[i];
	const struct sched_deadline *d = &w.t[i].deadline;

	if (flags & ENQUEUE_WOKEN) {
		bool owes = m->budget <= 0 && w.rq.now_ns < m->replenish;

		/* budget / time left <= runtime / deadline: what is left may be used up */
		if (!owes && (m->budget <= 0 || w.rq.now_ns >= m->deadline ||
			      (__int128)(m->budget >> 10) * (d->relative_ns >> 10) >
			      (__int128)((m->deadline - w.rq.now_ns) >> 10) * (d->runtime_ns >> 10)))
			deadline_fresh(i);
	} else if (flags & ENQUEUE_YIELDED || m->budget <= 0) {
		if (flags & ENQUEUE_YIELDED)
			m->budget = 0;
		m->replenish = m->deadline - d->relative_ns + d->period_ns;
	}
	if (m->budget <= 0 && w.rq.now_ns >= m->replenish)
		deadline_next_period(i);
	m->where = m->budget <= 0 ? PARKED : QUEUED;
	m->order = ++w.last;
	deadline_key(i);
}

/* Those whose period has begun, the earliest first. */
static void model_release(void)
{
	while (1) {
		unsigned best = THREADS;

		for (unsigned i = 0; i < THREADS; i++)
			if (w.m[i].where == PARKED && w.m[i].replenish <= w.rq.now_ns &&
			    (best == THREADS || w.m[i].replenish < w.m[best].replenish ||
			     (w.m[i].replenish == w.m[best].replenish && w.m[i].order < w.m[best].order)))
				best = i;
		if (best == THREADS)
			return;
		deadline_next_period(best);
		deadline_key(best);
		w.m[best].where = QUEUED;
		w.m[best].order = ++w.last;
	}
}

static void model_insert(unsigned i, u32 flags)
{
	struct model_thread *m = &w.m[i];
	u64 turn = quantum_of_nice(w.t[i].nice);
	bool goes_on = false;

	switch (w.kind) {
	case KIND_RR:
		goes_on = !flags && m->used < turn;
		if (!goes_on)
			m->used = 0;
		break;
	case KIND_PRIORITY:
		if (flags || m->used >= 10 * MSEC || m->key == 0) {
			m->used = 0;
			m->key = w.rq.now_ns + (u64)(w.t[i].nice + 20) * 20 * MSEC;
		}
		break;
	case KIND_MLFQ:
		goes_on = !flags && m->used > 0 && m->used < allotment_of(i);
		boost_if_due();
		take_boost(m);
		sink(i);
		if (flags & ENQUEUE_WOKEN && m->slept_since && m->level && w.rq.now_ns - m->slept_since >= allotment_of(i)) {
			m->level--;
			m->used = 0;
		}
		m->slept_since = 0;
		break;
	case KIND_FAIR:
		if (!m->has_joined)
			m->key = w.floor;
		m->has_joined = true;
		if (flags & ENQUEUE_WOKEN && (s64)(m->key - (w.floor - 3 * MSEC)) < 0)
			m->key = w.floor - 3 * MSEC;
		if (flags & ENQUEUE_YIELDED && model_first() < THREADS && (s64)(w.m[model_first()].key - m->key) >= 0)
			m->key = w.m[model_first()].key + 1;
		break;
	case KIND_FIXED:
		goes_on = !flags && m->used > 0;	/* used: what is left */
		if (!goes_on)
			m->used = 100 * MSEC;
		m->key = 99 - w.t[i].rt_priority;
		break;
	case KIND_BACKGROUND:
		break;
	default:
		model_insert_deadline(i, flags);
		return;
	}
	m->order = goes_on ? --w.first : ++w.last;
	m->where = QUEUED;
}

static unsigned model_pick(void)
{
	unsigned i;

	if (w.kind == KIND_MLFQ && model_first() < THREADS)
		boost_if_due();		/* nobody asks an empty queue */
	i = model_first();
	if (i == THREADS)
		return i;
	w.m[i].where = ON_CPU;
	w.running = i;
	if (w.kind == KIND_FAIR || w.kind == KIND_BACKGROUND)
		w.m[i].used = 0;
	if (w.kind == KIND_FAIR)
		model_raise_floor();
	return i;
}

static bool model_account(unsigned i, u64 ran)
{
	struct model_thread *m = &w.m[i];
	unsigned first = model_first();

	switch (w.kind) {
	case KIND_RR:
		m->used += ran;
		if (m->used < quantum_of_nice(w.t[i].nice))
			return false;
		if (first == THREADS)
			m->used = 0;
		return first < THREADS;
	case KIND_PRIORITY:
		m->used += ran;
		if (m->used < 10 * MSEC)
			return false;
		if (first < THREADS && w.m[first].key <= w.rq.now_ns + (u64)(w.t[i].nice + 20) * 20 * MSEC)
			return true;
		m->used = 0;
		m->key = w.rq.now_ns + (u64)(w.t[i].nice + 20) * 20 * MSEC;
		return false;
	case KIND_MLFQ:
		m->used += ran;
		if (m->used < allotment_of(i) || first < THREADS)
			return m->used >= allotment_of(i);
		boost_if_due();
		take_boost(m);
		sink(i);
		return false;
	case KIND_FAIR:
		m->key += w.t[i].nice ? ran * 1024 / sched_weight(&w.t[i]) : ran;
		m->used += ran;
		model_raise_floor();
		return first < THREADS && m->used >= 4 * MSEC - 4 * MSEC / 16 && (s64)(m->key - w.m[first].key) >= 0;
	case KIND_BACKGROUND:
		m->used += ran;
		return m->used >= 5 * MSEC;
	default:
		m->budget -= (s64)ran;
		return m->budget <= 0;
	}
}

/* ---- the run ---- */

static const struct sched_policy *real_policy(void)
{
	static const struct sched_policy *const of[KINDS] = {
		&sched_policy_round_robin, &sched_policy_priority, &sched_policy_mlfq, &sched_policy_fair, &sched_policy_fixed,
		&sched_policy_background, &sched_policy_deadline, &sched_policy_deadline,
	};

	return of[w.kind];
}

static void begin(enum kind kind, u64 seed)
{
	static const unsigned slot[KINDS] = {
		SLOT_SYSTEM, SLOT_SYSTEM, SLOT_SYSTEM, SLOT_SYSTEM, SLOT_FIXED, SLOT_BACKGROUND, SLOT_DEADLINE, SLOT_DEADLINE,
	};

	memset(&w, 0, sizeof(w));
	w.kind = kind;
	w.slot = slot[kind];
	w.random = seed * 0x9e3779b97f4a7c15ull + kind;
	w.running = THREADS;
	w.rq.idle = w.rq.running = &w.idle;
	w.rq.release_ns = U64_MAX;
	w.rq.now_ns = NSEC_PER_SEC;
	w.rq.policy[w.slot] = real_policy();
	w.rq.policy_seq[w.slot] = 1;
	real_policy()->init(w.rq.data[w.slot]);
	for (unsigned i = 0; i < THREADS; i++) {
		struct thread *t = &w.t[i];

		t->sched_slot = w.slot;
		t->allowed = t->affinity = ~0ull;
		t->nice = (s32)draw(40) - 20;
		t->sched_class = kind == KIND_FIXED ? SCHED_FIFO : SCHED_OTHER;
		t->rt_priority = kind == KIND_FIXED ? 1 + draw(99) : 0;
		if (is_deadline()) {
			t->sched_class = SCHED_DEADLINE;
			t->deadline.period_ns = (10 + draw(90)) * MSEC;
			t->deadline.relative_ns = t->deadline.period_ns - draw(5) * MSEC;
			t->deadline.runtime_ns = t->deadline.relative_ns / (2 + draw(12));
			t->policy_seq = 1;
			deadline_begin(&w.rq, t);
			deadline_fresh(i);
		}
	}
	w.boost_next = 0;
}

static void both_insert(unsigned i, u32 flags)
{
	if (w.kind == KIND_MLFQ && flags & ENQUEUE_WOKEN)
		w.t[i].slept_since_ns = w.m[i].slept_since;
	(void)runq_insert(&w.rq, &w.t[i], flags);
	model_insert(i, flags);
}

static bool both_pick(void)
{
	struct thread *t = NULL;
	unsigned i;

	if (w.rq.queued[w.slot]) {
		runq_count_less(&w.rq, w.slot);
		t = w.rq.policy[w.slot]->pick(&w.rq, w.rq.data[w.slot]);
	}
	i = model_pick();
	w.rq.running = t ? t : &w.idle;
	return t == (i < THREADS ? &w.t[i] : NULL);
}

/* The running one uses the CPU; sometimes it gives way, sleeps, yields or is preempted. */
static bool both_run(void)
{
	unsigned i = w.running;
	struct thread *t = &w.t[i];
	u64 ran = draw(4) ? draw(6 * MSEC) : draw(60 * MSEC);
	bool real, model;

	w.rq.now_ns += ran;
	real = w.rq.policy[w.slot]->account(&w.rq, w.rq.data[w.slot], t, ran);
	model = w.kind == KIND_FIXED ? real : model_account(i, ran);	/* FIFO has no turns */
	if (real != model)
		return false;
	w.running = THREADS;
	switch (real ? 0 : draw(4)) {
	case 0:
		both_insert(i, 0);
		break;
	case 1:
		both_insert(i, ENQUEUE_YIELDED);
		break;
	case 2:
		w.m[i].where = ASLEEP;
		w.m[i].slept_since = w.rq.now_ns;
		break;
	default:
		w.running = i;
		return true;
	}
	w.rq.running = &w.idle;
	return true;
}

static bool step(void)
{
	unsigned i = draw(THREADS);

	if (w.rq.now_ns >= w.rq.release_ns) {
		w.rq.release_ns = deadline_release_due(&w.rq);
		model_release();
	}
	switch (draw(5)) {
	case 0:
	case 1:
		if (w.m[i].where == ASLEEP)
			both_insert(i, ENQUEUE_WOKEN);
		return true;
	case 2:		/* taken away by another CPU */
		if (w.m[i].where != QUEUED && w.m[i].where != PARKED)
			return true;
		if (w.rq.policy[w.slot]->dequeue(&w.rq, w.rq.data[w.slot], &w.t[i]) != (w.m[i].where == QUEUED))
			return false;
		if (w.m[i].where == QUEUED)
			runq_count_less(&w.rq, w.slot);
		w.m[i].where = ASLEEP;
		w.m[i].slept_since = w.rq.now_ns;
		return true;
	default:
		if (w.running < THREADS)
			return both_run();
		if (!both_pick())
			return false;
		if (w.running == THREADS)
			w.rq.now_ns += draw(30 * MSEC);
		return true;
	}
}

static void compare(enum kind kind, const char *name)
{
	u64 seeds = cmdline_u64("policy_seeds", 40);

	for (u64 seed = 1; seed <= seeds; seed++) {
		begin(kind, seed);
		for (unsigned n = 0; n < STEPS; n++)
			if (!step()) {
				test_fail(__FILE__, __LINE__, "%s and its model part at step %u of seed %llu", name, n,
					  (unsigned long long)seed);
				return;
			}
	}
}

static void test_rr(void) { compare(KIND_RR, "rr"); }
static void test_priority(void) { compare(KIND_PRIORITY, "priority"); }
static void test_mlfq(void) { compare(KIND_MLFQ, "mlfq"); }
static void test_fair(void) { compare(KIND_FAIR, "fair"); }
static void test_fixed(void) { compare(KIND_FIXED, "fixed"); }
static void test_background(void) { compare(KIND_BACKGROUND, "background"); }
static void test_edf(void) { compare(KIND_EDF, "edf"); }

static void test_rm(void)
{
	test_equal(sched_deadline_order_choose("rm"), 0);
	compare(KIND_RM, "rm");
	test_equal(sched_deadline_order_choose("edf"), 0);
}

/* Periodic jobs that use all of their runtime, 30 + 25 + 40 = 95 %: none is late. */
static void test_edf_full(void)
{
	static const u64 runtime[3] = { 3 * MSEC, 10 * MSEC, 20 * MSEC }, period[3] = { 10 * MSEC, 40 * MSEC, 50 * MSEC };
	u64 left = cmdline_u64("edf_periods", 3000), late = 0, done = 0, job_left[3], due[3];

	begin(KIND_EDF, 1);
	for (unsigned i = 0; i < 3; i++) {
		w.t[i].deadline = (struct sched_deadline){ .runtime_ns = runtime[i], .relative_ns = period[i], .period_ns = period[i] };
		deadline_begin(&w.rq, &w.t[i]);
		(void)runq_insert(&w.rq, &w.t[i], ENQUEUE_WOKEN);
		job_left[i] = runtime[i];
		due[i] = w.rq.now_ns + period[i];
	}
	while (done < left) {
		struct thread *t = NULL;
		unsigned i;
		u64 ran;

		if (w.rq.now_ns >= w.rq.release_ns)
			w.rq.release_ns = deadline_release_due(&w.rq);
		if (w.rq.queued[w.slot]) {
			runq_count_less(&w.rq, w.slot);
			t = w.rq.policy[w.slot]->pick(&w.rq, w.rq.data[w.slot]);
		}
		if (!t) {
			w.rq.now_ns = w.rq.release_ns;
			continue;
		}
		i = (unsigned)(t - w.t);
		w.rq.running = t;
		ran = min(job_left[i], w.rq.release_ns - w.rq.now_ns);
		w.rq.now_ns += ran;
		job_left[i] -= ran;
		(void)w.rq.policy[w.slot]->account(&w.rq, w.rq.data[w.slot], t, ran);
		if (job_left[i]) {
			(void)runq_insert(&w.rq, t, 0);
			continue;
		}
		late += w.rq.now_ns > due[i];
		done++;
		due[i] += period[i];
		job_left[i] = runtime[i];
		(void)runq_insert(&w.rq, t, ENQUEUE_YIELDED);
	}
	test_equal(late, 0);
}

const struct test_suite test_suite_models = {
	"models",
	(const struct test_case[]){
		TEST_CASE(test_rr), TEST_CASE(test_priority), TEST_CASE(test_mlfq), TEST_CASE(test_fair), TEST_CASE(test_fixed),
		TEST_CASE(test_background), TEST_CASE(test_edf), TEST_CASE(test_rm), TEST_CASE(test_edf_full), {} },
};

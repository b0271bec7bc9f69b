/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policies alone: a run queue that belongs to no CPU, threads that are only numbers, and a clock that
 * the test moves. run() is the loop of core.c around them.
 */
#include "runq.h"
#include <kernel/test.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#define MSEC NSEC_PER_MSEC

static struct runq rq;
static struct thread threads[128], idle;

static void begin(const struct sched_policy *p, unsigned slot, unsigned n)
{
	memset(&rq, 0, sizeof(rq));
	memset(threads, 0, sizeof(threads));
	rq.idle = rq.running = &idle;
	rq.release_ns = U64_MAX;
	rq.now_ns = NSEC_PER_SEC;
	rq.policy[slot] = p;
	rq.policy_seq[slot] = 1;
	p->init(rq.data[slot]);
	for (unsigned i = 0; i < n; i++)
		threads[i] = (struct thread){ .sched_slot = slot, .allowed = ~0ull, .affinity = ~0ull };
}

static void add(struct thread *t, u32 flags)
{
	if (runq_insert(&rq, t, flags))
		rq.nr_running++;
}

static struct thread *pick(unsigned slot)
{
	struct thread *t;

	if (!rq.queued[slot])
		return NULL;
	runq_count_less(&rq, slot);
	t = rq.policy[slot]->pick(&rq, rq.data[slot]);
	if (t)
		rq.running = t;
	return t;
}

/* Lets the chosen ones run for so long, in their turns; their times are in runtime_ns, longest waits in wait_max_ns. */
static void run(unsigned slot, u64 ns)
{
	const struct sched_policy *p = rq.policy[slot];
	u64 end = rq.now_ns + ns;

	while (rq.now_ns < end) {
		struct thread *t;
		u64 left;
		bool give_way = false;

		if (rq.now_ns >= rq.release_ns)
			rq.release_ns = deadline_release_due(&rq);
		t = pick(slot);
		if (!t) {
			rq.now_ns = min(rq.release_ns, end);
			continue;
		}
		t->wait_max_ns = max(t->wait_max_ns, rq.now_ns - t->wait_start_ns);
		while (!give_way && rq.now_ns < end) {
			left = p->slice(&rq, rq.data[slot], t);
			left = min(left ? left : end, min(end, rq.release_ns) - rq.now_ns);
			rq.now_ns += left;
			t->runtime_ns += left;
			give_way = p->account(&rq, rq.data[slot], t, left) || rq.now_ns >= rq.release_ns;
		}
		t->wait_start_ns = rq.now_ns;
		add(t, 0);
	}
}

static bool within(u64 a, u64 b, u64 percent) { return a * 100 <= b * (100 + percent) && b * 100 <= a * (100 + percent); }

/* Equal threads get equal time, under each policy, whatever their number. */
static void test_equal_shares(void)
{
	for (unsigned i = 0; i < sched_system_policies_len; i++)
		for (unsigned n = 1; n <= 7; n += 3) {
			begin(sched_system_policies[i], SLOT_SYSTEM, n);
			for (unsigned k = 0; k < n; k++)
				add(&threads[k], ENQUEUE_WOKEN);
			run(SLOT_SYSTEM, 20 * NSEC_PER_SEC);
			for (unsigned k = 1; k < n; k++)
				if (!within(threads[0].runtime_ns, threads[k].runtime_ns, 5))
					test_fail(__FILE__, __LINE__, "%s: thread %u of %u has %llu ms, the first %llu",
						  sched_system_policies[i]->name, k, n,
						  (unsigned long long)(threads[k].runtime_ns / MSEC),
						  (unsigned long long)(threads[0].runtime_ns / MSEC));
		}
}

/* The highest slot's next, as core.c picks it; only until `end`. False: nobody wants the CPU. */
static bool run_turn(u64 end)
{
	unsigned slot = (unsigned)__builtin_ctz(rq.queued_mask | 1u << SLOT_COUNT);
	struct thread *t = rq.now_ns >= rq.overdue_ns ? overdue_take(&rq) : NULL;
	u64 before = rq.now_ns;

	if (slot == SLOT_COUNT && !t)
		return false;
	if (t) {
		rq.running = t;
	} else {
		t = pick(slot);
		list_remove(&t->wait_link);
	}
	t->wait_max_ns = max(t->wait_max_ns, rq.now_ns - t->wait_start_ns);
	slot = t->sched_slot;
	rq.now_ns += rq.policy[slot]->slice(&rq, rq.data[slot], t);
	rq.now_ns = min(rq.now_ns, min(end, max(rq.overdue_ns, before + 1)));
	t->runtime_ns += rq.now_ns - before;
	(void)rq.policy[slot]->account(&rq, rq.data[slot], t, rq.now_ns - before);
	add(t, rq.is_rescuing ? ENQUEUE_YIELDED : 0);
	rq.is_rescuing = false;
	t->wait_start_ns = rq.now_ns;
	runq_wait_begin(&rq, t);
	return true;
}

/*
 * A hundred busy threads of all nice values, some of SCHED_IDLE: nobody waits over two seconds, with the whole CPU or with what
 * the guard leaves of each second (less 2 ms for switches). Without overdue.c the fair policy lets some wait for minutes, and
 * beside a real-time thread all do.
 */
static void check_crowd(const struct sched_policy *p, u64 part_ns)
{
	u64 longest = 0;

	begin(p, SLOT_SYSTEM, 100);
	rq.policy[SLOT_BACKGROUND] = &sched_policy_background;
	rq.policy_seq[SLOT_BACKGROUND] = 2;
	sched_policy_background.init(rq.data[SLOT_BACKGROUND]);
	overdue_init(&rq);
	rq.rt_throttled = part_ns < NSEC_PER_SEC;
	for (unsigned k = 0; k < 100; k++) {
		threads[k].nice = (s32)(k * 40 / 100) - 20;
		threads[k].sched_slot = k % 10 == 7 ? SLOT_BACKGROUND : SLOT_SYSTEM;
		threads[k].wait_start_ns = rq.now_ns;
		add(&threads[k], ENQUEUE_WOKEN);
		runq_wait_begin(&rq, &threads[k]);
	}
	for (unsigned second = 0; second < 20; second++) {
		u64 end = rq.now_ns + part_ns;

		while (rq.now_ns < end && run_turn(end))
			;
		rq.now_ns = end + NSEC_PER_SEC - part_ns;
	}
	for (unsigned k = 0; k < 100; k++) {
		longest = max(longest, max(threads[k].wait_max_ns, rq.now_ns - threads[k].wait_start_ns));
		if (!threads[k].runtime_ns)
			test_fail(__FILE__, __LINE__, "%s: thread %u never ran", p->name, k);
	}
	if (longest > 2 * NSEC_PER_SEC)
		test_fail(__FILE__, __LINE__, "%s, %llu ms a second: somebody waited %llu ms", p->name,
			  (unsigned long long)(part_ns / MSEC), (unsigned long long)(longest / MSEC));
}

static void test_bounded_waiting(void)
{
	for (unsigned i = 0; i < sched_system_policies_len; i++) {
		check_crowd(sched_system_policies[i], NSEC_PER_SEC);
		check_crowd(sched_system_policies[i], 48 * MSEC);
	}
}

/* Kept in the order of waiting, from wherever they come. */
static void test_waiting_order(void)
{
	static const u64 since[] = { 50, 70, 60, 10, 80, 10 };
	u64 last = 0;
	struct thread *t;

	begin(&sched_policy_round_robin, SLOT_SYSTEM, 6);
	overdue_init(&rq);
	rq.overdue_ns = U64_MAX;
	for (unsigned i = 0; i < 6; i++) {
		threads[i].wait_start_ns = since[i];
		overdue_wait_on(&rq, &threads[i]);
	}
	list_for_each(t, &rq.waiting, wait_link) {
		test_check(t->wait_start_ns >= last);
		last = t->wait_start_ns;
	}
	test_equal(last, 80);
	test_check(list_first(&rq.waiting, struct thread, wait_link) == &threads[3]);
	test_check(rq.overdue_ns < U64_MAX);
	threads[0].sched_slot = SLOT_FIXED;	/* never among them */
	list_remove(&threads[0].wait_link);
	overdue_wait_on(&rq, &threads[0]);
	test_check(list_empty(&threads[0].wait_link));
}

/* A step of a thread that computes without end, while others wait or not; false: the guard says give way. */
static bool fixed_runs(u64 ns)
{
	rq.now_ns += ns;
	return !guard_account(&rq, ns);
}

static void guard_begin(bool others)
{
	begin(&sched_policy_fixed, SLOT_FIXED, 1);
	rq.cpu = &cpu_boot;
	rq.running = &threads[0];
	rq.rt_period_ns = rq.now_ns;
	rq.queued_mask = others ? 1u << SLOT_SYSTEM : 0;
}

static void test_guard(void)
{
	u64 start, budget = (u64)sched_settings.rt_runtime_us * NSEC_PER_USEC;

	test_equal(deadline_bandwidth(0), 0);
	guard_begin(true);
	start = rq.now_ns;
	test_equal(guard_event_ns(&rq), start + budget);
	test_check(fixed_runs(budget - MSEC));
	test_check(!fixed_runs(MSEC));
	test_check(rq.rt_throttled);
	test_equal(guard_event_ns(&rq), start + NSEC_PER_SEC);
	rq.now_ns = start + NSEC_PER_SEC;
	guard_refresh(&rq);
	test_check(!rq.rt_throttled);
	/* A timer that is late by 300 ms: the others have them in the next period. */
	rq.now_ns = start + NSEC_PER_SEC;
	test_check(!fixed_runs(NSEC_PER_SEC - 1));
	rq.now_ns++;
	guard_refresh(&rq);
	test_equal(guard_event_ns(&rq) - rq.now_ns, budget - (NSEC_PER_SEC - 1 - budget));
}

/* It begins in the middle of a period: 950 ms later the others have their part, not at the next period's end. */
static void test_guard_begins(void)
{
	u64 budget = (u64)sched_settings.rt_runtime_us * NSEC_PER_USEC;

	guard_begin(true);
	test_check(fixed_runs(MSEC));
	rq.now_ns += 500 * MSEC;		/* the others', or nobody's */
	test_check(fixed_runs(MSEC));
	test_equal(guard_event_ns(&rq) - rq.now_ns, budget - MSEC);
	test_check(fixed_runs(budget - 2 * MSEC));
	test_check(!fixed_runs(MSEC));
	/* Of their part they have had 20 ms when it begins again after a sleep: they have the other 30 in this period. */
	guard_begin(true);
	test_check(fixed_runs(100 * MSEC));
	rq.now_ns += 20 * MSEC;
	test_equal(guard_event_ns(&rq) - rq.now_ns, budget - 100 * MSEC);
}

/* An hour alone on the CPU is no debt: when somebody comes, he gets this period's part and the next one's, no more. */
static void test_guard_alone(void)
{
	guard_begin(false);
	for (unsigned i = 0; i < 3600; i++)
		test_check(fixed_runs(NSEC_PER_SEC));
	rq.queued_mask = 1u << SLOT_SYSTEM;
	(void)fixed_runs(MSEC);
	rq.now_ns += 2 * (NSEC_PER_SEC - (u64)sched_settings.rt_runtime_us * NSEC_PER_USEC);
	guard_refresh(&rq);
	test_check(!rq.rt_throttled);
}

static void test_quanta(void)
{
	test_equal(quantum_of_nice(-20), 40 * MSEC);
	test_equal(quantum_of_nice(-10), 30 * MSEC);
	test_equal(quantum_of_nice(0), 20 * MSEC);
	test_equal(quantum_of_nice(10), 10 * MSEC);
	test_equal(quantum_of_nice(19), 5 * MSEC);
}

/* In the order of coming, turns of the length that nice says. */
static void test_round_robin(void)
{
	begin(&sched_policy_round_robin, SLOT_SYSTEM, 3);
	threads[1].nice = 10;
	for (unsigned i = 0; i < 3; i++)
		add(&threads[i], ENQUEUE_WOKEN);
	run(SLOT_SYSTEM, 20 * MSEC);
	test_equal(threads[0].runtime_ns, 20 * MSEC);
	run(SLOT_SYSTEM, 10 * MSEC);
	test_equal(threads[1].runtime_ns, 10 * MSEC);
	run(SLOT_SYSTEM, 20 * MSEC);
	test_equal(threads[2].runtime_ns, 20 * MSEC);
	test_check(pick(SLOT_SYSTEM) == &threads[0]);
	/* Cut short by another class it goes on first; a yield sends it to the end. */
	rq.policy[SLOT_SYSTEM]->account(&rq, rq.data[SLOT_SYSTEM], &threads[0], MSEC);
	add(&threads[0], 0);
	test_check(pick(SLOT_SYSTEM) == &threads[0]);
	add(&threads[0], ENQUEUE_YIELDED);
	test_check(pick(SLOT_SYSTEM) == &threads[1]);
}

/* The better nice value runs, but waiting makes the worse one better. */
static void test_priority_ages(void)
{
	begin(&sched_policy_priority, SLOT_SYSTEM, 2);
	threads[0].nice = 5;
	add(&threads[0], ENQUEUE_WOKEN);
	add(&threads[1], ENQUEUE_WOKEN);
	test_check(rq.policy[SLOT_SYSTEM]->preempts(&threads[1], &threads[0]));
	run(SLOT_SYSTEM, 100 * MSEC);
	test_equal(threads[0].runtime_ns, 0);		/* five steps of 20 ms */
	run(SLOT_SYSTEM, 100 * MSEC);
	test_check(threads[0].runtime_ns > 0 && threads[0].runtime_ns < threads[1].runtime_ns);
}

/* Who computes sinks to the bottom, who sleeps stays above it, the boost lifts all. */
static void test_mlfq_levels(void)
{
	struct thread *busy = &threads[0], *interactive = &threads[1];

	begin(&sched_policy_mlfq, SLOT_SYSTEM, 2);
	rq.now_ns += 1;
	add(busy, ENQUEUE_WOKEN);
	test_equal(busy->level, 0);
	run(SLOT_SYSTEM, 4 * MSEC);
	test_equal(busy->level, 1);
	run(SLOT_SYSTEM, (8 + 12 + 16 + 20) * MSEC);
	test_equal(busy->level, 4);
	/* 1 ms of work, 30 ms of sleep: up to the top, and never behind the busy one. */
	interactive->level = 3;
	interactive->policy_seq = rq.policy_seq[SLOT_SYSTEM];
	interactive->boost_seq = busy->boost_seq;
	for (unsigned i = 0; i < 10; i++) {
		interactive->slept_since_ns = rq.now_ns;
		run(SLOT_SYSTEM, 30 * MSEC);
		add(interactive, ENQUEUE_WOKEN);
		test_check(rq.policy[SLOT_SYSTEM]->preempts(interactive, busy));
		test_check(pick(SLOT_SYSTEM) == interactive);
		rq.now_ns += MSEC;
		rq.policy[SLOT_SYSTEM]->account(&rq, rq.data[SLOT_SYSTEM], interactive, MSEC);
	}
	test_equal(interactive->level, 0);
	run(SLOT_SYSTEM, 500 * MSEC);
	test_check(busy->boost_seq > 1);
	/* SCHED_BATCH begins at the bottom. */
	threads[2] = (struct thread){ .sched_slot = SLOT_SYSTEM, .sched_class = SCHED_BATCH };
	add(&threads[2], ENQUEUE_WOKEN);
	test_equal(threads[2].level, 4);
}

/* Order by virtual time, the floor, the credit of sleepers. */
static void test_fair_queue(void)
{
	const struct sched_policy *p = &sched_policy_fair;
	void *data = rq.data[SLOT_SYSTEM];

	begin(p, SLOT_SYSTEM, 3);
	test_check(p->pick(&rq, data) == NULL);
	for (unsigned i = 0; i < 3; i++) {
		threads[i].policy_seq = 1;
		threads[i].vruntime = 100 - i;
		threads[i].allowed = cpu_mask(i);
		add(&threads[i], 0);
	}
	test_check(p->steal(&rq, data, 1) == &threads[1]);
	test_check(p->steal(&rq, data, 5) == NULL);
	test_check(pick(SLOT_SYSTEM) == &threads[2]);
	p->dequeue(&rq, data, &threads[1]);
	test_check(p->pick(&rq, data) == &threads[0]);
	/* threads[0] runs a second; threads[1] slept since the beginning and may not claim that second. */
	p->account(&rq, data, &threads[0], NSEC_PER_SEC);
	add(&threads[1], ENQUEUE_WOKEN);
	test_check(threads[1].vruntime > NSEC_PER_SEC / 2 && threads[1].vruntime < threads[0].vruntime);
	test_check(p->preempts(&threads[1], &threads[0]));
}

static void test_fixed_queue(void)
{
	static const u32 priority[4] = { 1, 99, 64, 64 };
	const struct sched_policy *p = &sched_policy_fixed;

	begin(p, SLOT_FIXED, 4);
	for (unsigned i = 0; i < 4; i++) {
		threads[i].rt_priority = priority[i];
		threads[i].sched_class = SCHED_RR;
		add(&threads[i], ENQUEUE_WOKEN);
	}
	test_check(pick(SLOT_FIXED) == &threads[1]);
	test_check(pick(SLOT_FIXED) == &threads[2]);
	add(&threads[2], 0);		/* preempted: back to the head */
	test_check(pick(SLOT_FIXED) == &threads[2]);
	test_check(p->account(&rq, rq.data[SLOT_FIXED], &threads[2], NSEC_PER_SEC));	/* turn over, threads[3] waits */
	add(&threads[2], 0);
	test_check(pick(SLOT_FIXED) == &threads[3]);
	test_check(pick(SLOT_FIXED) == &threads[2]);
	test_check(pick(SLOT_FIXED) == &threads[0]);
	test_check(pick(SLOT_FIXED) == NULL);
}

static void contract(struct thread *t, u64 runtime_ns, u64 period_ns)
{
	t->sched_class = SCHED_DEADLINE;
	t->deadline = (struct sched_deadline){ .runtime_ns = runtime_ns, .relative_ns = period_ns, .period_ns = period_ns };
	t->policy_seq = 1;
	deadline_begin(&rq, t);
}

/* Three that want more than they contracted for get exactly their bandwidth, 95 % in all, and no more. */
static void test_deadline_servers(void)
{
	static const u64 runtime[3] = { 3 * MSEC, 10 * MSEC, 20 * MSEC }, period[3] = { 10 * MSEC, 40 * MSEC, 50 * MSEC };

	begin(&sched_policy_deadline, SLOT_DEADLINE, 3);
	for (unsigned i = 0; i < 3; i++) {
		contract(&threads[i], runtime[i], period[i]);
		add(&threads[i], ENQUEUE_WOKEN);
	}
	run(SLOT_DEADLINE, 10 * NSEC_PER_SEC);
	for (unsigned i = 0; i < 3; i++) {
		test_check(within(threads[i].runtime_ns, 10 * NSEC_PER_SEC / period[i] * runtime[i], 1));
		test_equal(threads[i].deadline.misses, 0);
	}
}

/* Earliest deadline first; after a short sleep the old job goes on, after a long one a new one begins. */
static void test_deadline_order(void)
{
	u64 first;

	begin(&sched_policy_deadline, SLOT_DEADLINE, 2);
	contract(&threads[0], 5 * MSEC, 100 * MSEC);
	contract(&threads[1], 5 * MSEC, 20 * MSEC);
	add(&threads[0], ENQUEUE_WOKEN);
	add(&threads[1], ENQUEUE_WOKEN);
	test_check(pick(SLOT_DEADLINE) == &threads[1]);
	test_check(rq.policy[SLOT_DEADLINE]->preempts(&threads[1], &threads[0]));
	first = threads[1].deadline.absolute_ns;
	rq.now_ns += 4 * MSEC;
	rq.policy[SLOT_DEADLINE]->account(&rq, rq.data[SLOT_DEADLINE], &threads[1], 4 * MSEC);
	add(&threads[1], ENQUEUE_WOKEN);
	test_equal(threads[1].deadline.absolute_ns, first);
	test_check(pick(SLOT_DEADLINE) == &threads[1]);
	rq.now_ns += 30 * MSEC;
	add(&threads[1], ENQUEUE_WOKEN);
	test_equal(threads[1].deadline.absolute_ns, rq.now_ns + 20 * MSEC);
	/* A yield ends the job: parked until the next period. */
	test_check(pick(SLOT_DEADLINE) == &threads[1]);
	add(&threads[1], ENQUEUE_YIELDED);
	test_check(threads[1].deadline.is_parked);
	test_equal(rq.release_ns, rq.now_ns + 20 * MSEC);
	test_check(pick(SLOT_DEADLINE) == &threads[0]);
}

static void test_admission(void)
{
	cpumask_t two = 3ull << 62;	/* CPUs that nobody has */
	int cpu[4];

	begin(&sched_policy_deadline, SLOT_DEADLINE, 4);
	mutex_lock(&sched_admin_lock);
	cpu[0] = deadline_admit(&threads[0], 60 * MSEC, 100 * MSEC, two);
	cpu[1] = deadline_admit(&threads[1], 50 * MSEC, 100 * MSEC, two);
	cpu[2] = deadline_admit(&threads[2], 35 * MSEC, 100 * MSEC, two);
	cpu[3] = deadline_admit(&threads[3], 46 * MSEC, 100 * MSEC, two);
	for (unsigned i = 0; i < 4; i++)
		deadline_withdraw(&threads[i]);
	mutex_unlock(&sched_admin_lock);
	test_equal(cpu[0], 62);
	test_equal(cpu[1], 63);
	test_equal(cpu[2], 62);		/* first fit: 0.95 in all */
	test_equal(cpu[3], -EBUSY);
	test_equal(deadline_bandwidth(62) + deadline_bandwidth(63), 0);
}

const struct test_suite test_suite_policies = {
	"policies",
	(const struct test_case[]){
		TEST_CASE(test_quanta), TEST_CASE(test_equal_shares), TEST_CASE(test_bounded_waiting),
		TEST_CASE(test_waiting_order), TEST_CASE(test_guard), TEST_CASE(test_guard_begins), TEST_CASE(test_guard_alone),
		TEST_CASE(test_round_robin), TEST_CASE(test_priority_ages), TEST_CASE(test_mlfq_levels),
		TEST_CASE(test_fair_queue), TEST_CASE(test_fixed_queue), TEST_CASE(test_deadline_servers),
		TEST_CASE(test_deadline_order), TEST_CASE(test_admission), {} },
};

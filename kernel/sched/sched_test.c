/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests: life of threads, classes and their precedence, affinity, spreading, wake-up races, policies' orders. */
#include "runq.h"
#include <kernel/test.h>
#include <kernel/time.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#define SOON (time_ns() + 5 * NSEC_PER_SEC)
#define WAIT_FOR(cond) \
	({ u64 _until = SOON; while (!(cond) && time_ns() < _until) sleep_until(time_ns() + 100000, false); (cond); })

static u32 stop, started;

static void exit_with(void *arg)
{
	thread_exit((int)(long)arg);
}

static void test_create_join(void)
{
	for (int i = 0; i < 100; i++) {
		struct thread *t = thread_create("exit", exit_with, (void *)(long)i, -1);

		test_check(t != NULL);
		thread_start(t);
		test_equal(thread_join(t), i);
	}
}

static void test_never_started(void)
{
	struct thread *t = thread_create("unborn", exit_with, NULL, -1);

	test_check(t != NULL);
	test_equal(t->state, THREAD_NEW);
	thread_put(t);
}

static void note_cpu(void *arg)
{
	*(u32 *)arg = arch_cpu_self()->id;	/* bound: cannot change */
}

static void test_bound_to_cpu(void)
{
	struct cpu *cpu;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		u32 where = ~0u;
		struct thread *t = thread_create("bound", note_cpu, &where, (int)cpu->id);

		test_check(t != NULL);
		thread_start(t);
		thread_join(t);
		test_equal(where, cpu->id);
	}
}

static void test_move_self(void)
{
	cpumask_t before = current->affinity;
	struct cpu *cpu;

	for (unsigned round = 0; round < 20; round++) {
		cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
			test_equal(sched_set_affinity(current, cpu_mask(cpu->id)), 0);
			test_equal(arch_cpu_self()->id, cpu->id);
		}
	}
	test_equal(sched_set_affinity(current, 0), -EINVAL);
	test_equal(sched_set_affinity(current, before), 0);
}

static void spin_until_stop(void *arg)
{
	atomic_add(&started, 1u);
	while (!atomic_load(&stop))
		arch_cpu_relax();
}

/* A thread that never sleeps is moved off its CPU while it runs, while it waits in a queue. */
static void test_move_running(void)
{
	struct thread *t[2];
	struct cpu *cpu;

	stop = started = 0;
	for (unsigned i = 0; i < 2; i++) {
		t[i] = thread_create("spin", spin_until_stop, NULL, 0);
		test_check(t[i] != NULL);
		thread_start(t[i]);
	}
	test_check(WAIT_FOR(atomic_load(&started) == 2));	/* on one CPU: slices work */
	for (unsigned round = 0; round < 10; round++)
		cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
			for (unsigned i = 0; i < 2; i++)
				test_equal(sched_set_affinity(t[i], cpu_mask(cpu->id)), 0);
			for (unsigned i = 0; i < 2; i++)
				test_check(WAIT_FOR(atomic_load(&t[i]->cpu) == cpu));
		}
	atomic_store(&stop, 1u);
	for (unsigned i = 0; i < 2; i++)
		thread_join(t[i]);
}

/* As many busy threads as CPUs, all born on one: each ends up with a CPU. */
static void test_spreads(void)
{
	unsigned n = popcount64(atomic_load(&cpu_online_mask));
	struct thread *t[MAX_CPUS];
	cpumask_t used = 0;
	u64 until;

	stop = started = 0;
	for (unsigned i = 0; i < n; i++) {
		t[i] = thread_create("spread", spin_until_stop, NULL, 0);
		test_check(t[i] != NULL);
		thread_start(t[i]);
		sched_set_affinity(t[i], ~0ull);
	}
	for (until = SOON; time_ns() < until && used != atomic_load(&cpu_online_mask);) {
		sleep_until(time_ns() + NSEC_PER_MSEC, false);
		used = 0;
		for (unsigned i = 0; i < n; i++)
			used |= cpu_mask(atomic_load(&t[i]->cpu)->id);
	}
	atomic_store(&stop, 1u);
	for (unsigned i = 0; i < n; i++)
		thread_join(t[i]);
	test_equal(used, atomic_load(&cpu_online_mask));
}

static void test_class_arguments(void)
{
	test_equal(sched_set_class(current, SCHED_FIFO, 0), -EINVAL);
	test_equal(sched_set_class(current, SCHED_RR, 100), -EINVAL);
	test_equal(sched_set_class(current, SCHED_OTHER, 1), -EINVAL);
	test_equal(sched_set_class(current, 77, 0), -EINVAL);
	test_equal(sched_set_nice(current, -21), -EINVAL);
	test_equal(sched_set_nice(current, 20), -EINVAL);
}

static void count_until_stop(void *arg)
{
	atomic_add(&started, 1u);
	while (!atomic_load(&stop)) {
		WRITE_ONCE(*(u64 *)arg, *(u64 *)arg + 1);
		arch_cpu_relax();
	}
}

struct pair {
	struct thread *t[2];
	u64 work[2];
};

static bool pair_start(struct pair *p)
{
	stop = started = 0;
	for (unsigned i = 0; i < 2; i++) {
		p->work[i] = 0;
		p->t[i] = thread_create("pair", count_until_stop, &p->work[i], 0);
		if (p->t[i] == NULL)
			return false;
	}
	return true;
}

static void pair_finish(struct pair *p)
{
	atomic_store(&stop, 1u);
	for (unsigned i = 0; i < 2; i++)
		thread_join(p->t[i]);
}

/* Two equal threads on one CPU share it; a host may steal tens of milliseconds from either at a time. */
static void test_fair_shares(void)
{
	struct pair p;
	u64 a, b;

	test_check(pair_start(&p));
	thread_start(p.t[0]);
	thread_start(p.t[1]);
	test_check(WAIT_FOR(sched_runtime_ns(p.t[0]) + sched_runtime_ns(p.t[1]) > 400 * NSEC_PER_MSEC));
	a = sched_runtime_ns(p.t[0]);
	b = sched_runtime_ns(p.t[1]);
	pair_finish(&p);
	test_check(a > 80 * NSEC_PER_MSEC && b > 80 * NSEC_PER_MSEC);
}

/* SCHED_FIFO shuts the normal class out; SCHED_IDLE gets what others leave. */
static void test_class_precedence(void)
{
	struct pair p;
	u64 before;

	test_check(pair_start(&p));
	test_equal(sched_set_affinity(current, cpu_mask(cpu_count - 1)), 0);
	test_equal(sched_set_class(current, SCHED_FIFO, 50), 0);	/* on one CPU we must outrank them */
	test_equal(sched_set_class(p.t[0], SCHED_FIFO, 10), 0);
	thread_start(p.t[0]);
	test_check(WAIT_FOR(atomic_load(&started) == 1));
	thread_start(p.t[1]);
	sleep_until(time_ns() + 10 * NSEC_PER_MSEC, false);
	test_equal(READ_ONCE(p.work[1]), 0);
	test_equal(sched_set_class(p.t[0], SCHED_IDLE, 0), 0);
	test_check(WAIT_FOR(atomic_load(&started) == 2));
	before = sched_runtime_ns(p.t[0]);
	sleep_until(time_ns() + 10 * NSEC_PER_MSEC, false);
	test_check(sched_runtime_ns(p.t[0]) - before < NSEC_PER_MSEC);
	pair_finish(&p);
	test_equal(sched_set_class(current, SCHED_OTHER, 0), 0);
	test_equal(sched_set_affinity(current, ~0ull), 0);
}

static void sleep_short(void *arg)
{
	for (unsigned i = 0; i < 200; i++) {
		thread_prepare_sleep(SLEEP_UNINTERRUPTIBLE);
		(void)thread_sleep(SLEEP_UNINTERRUPTIBLE, time_ns() + 20000 + (i % 7) * 3000);
		atomic_store(&current->state, (u32)THREAD_RUNNABLE);
	}
	atomic_add(&started, 1u);
}

/* Timers wake threads at the moment others wake them and others change their CPUs. */
static void test_wake_races(void)
{
	struct thread *t[4];

	started = 0;
	for (unsigned i = 0; i < 4; i++) {
		t[i] = thread_create("racer", sleep_short, NULL, -1);
		test_check(t[i] != NULL);
		thread_start(t[i]);
	}
	for (unsigned round = 0; atomic_load(&started) < 4; round++) {
		for (unsigned i = 0; i < 4; i++) {
			thread_wake(t[i], BIT(THREAD_BLOCKED));
			if (round % 8 == i)
				(void)sched_set_affinity(t[i], cpu_mask(round % cpu_count));
		}
		if (round % 16 == 0)
			sched_yield();
	}
	for (unsigned i = 0; i < 4; i++)
		thread_join(t[i]);
	test_equal(started, 4);
}

static int find_self(struct thread *t, void *arg)
{
	++*(u32 *)arg;
	return t == current ? 7 : 0;
}

static void test_list_and_letters(void)
{
	u32 seen = 0;

	test_equal(thread_for_each(find_self, &seen), 7);
	test_check(seen > 0);
	test_equal(thread_state_letter(current), 'R');
}

static void test_loadavg(void)
{
	u64 load[3] = { ~0ull, ~0ull, ~0ull };

	sched_loadavg(load);
	for (unsigned i = 0; i < 3; i++)
		test_check(load[i] < 1000ull << 11);
}

/* The fair queue alone: order by virtual time, the floor, the credit of sleepers. */
static void test_fair_queue(void)
{
	static u8 data[SLOT_DATA_SIZE] __aligned(16);
	static struct thread t[3];
	const struct sched_policy *p = &sched_policy_fair;

	p->rq_init(data);
	test_check(p->pick(NULL, data) == NULL);
	for (unsigned i = 0; i < 3; i++) {
		t[i] = (struct thread){ .policy = p, .affinity = cpu_mask(i), .vruntime = 100 - i };
		p->enqueue(NULL, data, &t[i], false);
	}
	test_check(p->load(data) == 3 * 1024);
	test_check(p->steal(NULL, data, 1) == &t[1]);
	test_check(p->steal(NULL, data, 5) == NULL);
	test_check(p->pick(NULL, data) == &t[2]);
	p->dequeue(NULL, data, &t[1]);
	test_check(p->pick(NULL, data) == &t[0]);
	test_check(p->pick(NULL, data) == NULL);
	/* t[0] runs a second; t[1] slept since the beginning and may not claim that second. */
	p->account(NULL, data, &t[0], NSEC_PER_SEC);
	p->enqueue(NULL, data, &t[1], true);
	test_check(t[1].vruntime > NSEC_PER_SEC / 2 && t[1].vruntime < t[0].vruntime);
	test_check(p->preempts(&t[1], &t[0]));
	test_equal(p->load(data), 1024);
}

static void test_fixed_queue(void)
{
	static u8 data[SLOT_DATA_SIZE] __aligned(16);
	static struct thread t[4];
	static const u32 priority[4] = { 1, 99, 64, 64 };
	const struct sched_policy *p = &sched_policy_fixed;

	p->rq_init(data);
	test_check(p->pick(NULL, data) == NULL);
	for (unsigned i = 0; i < 4; i++) {
		t[i] = (struct thread){ .policy = p, .affinity = 1, .rt_priority = priority[i], .sched_class = SCHED_RR };
		p->enqueue(NULL, data, &t[i], true);
	}
	test_check(p->pick(NULL, data) == &t[1]);
	test_check(p->pick(NULL, data) == &t[2]);
	p->enqueue(NULL, data, &t[2], false);		/* preempted: back to the head */
	test_check(p->pick(NULL, data) == &t[2]);
	test_check(p->account(NULL, data, &t[2], NSEC_PER_SEC));	/* turn over, t[3] waits */
	p->enqueue(NULL, data, &t[2], false);
	test_check(p->pick(NULL, data) == &t[3]);
	test_check(p->pick(NULL, data) == &t[2]);
	test_check(p->pick(NULL, data) == &t[0]);
	test_check(p->pick(NULL, data) == NULL);
}

const struct test_suite test_suite_sched = {
	"sched",
	(const struct test_case[]){
		TEST_CASE(test_fair_queue), TEST_CASE(test_fixed_queue), TEST_CASE(test_create_join),
		TEST_CASE(test_never_started), TEST_CASE(test_bound_to_cpu), TEST_CASE(test_move_self),
		TEST_CASE(test_move_running), TEST_CASE(test_spreads), TEST_CASE(test_class_arguments),
		TEST_CASE(test_fair_shares), TEST_CASE(test_class_precedence), TEST_CASE(test_wake_races),
		TEST_CASE(test_list_and_letters), TEST_CASE(test_loadavg), {} },
};

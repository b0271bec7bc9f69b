/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests: life of threads, classes and their precedence, affinity, spreading, wake-up races, policies' orders. */
#include "runq.h"
#include <kernel/boot.h>
#include <kernel/irq.h>
#include <kernel/waitq.h>
#include <kernel/mm.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

static u32 stop, started;

static void nothing(void *arg)
{
}

/*
 * One step of waiting: a nap, then every CPU has served an interrupt. What a test waits for is measured
 * in such steps, not in time: a host that gives one virtual CPU nothing for seconds fails no test.
 */
static bool wait_step(unsigned *left)
{
	sleep_until(time_ns() + 100000, false);
	ipi_call(atomic_load(&cpu_online_mask), nothing, NULL);
	return --*left > 0;
}
#define WAIT_FOR(cond) ({ unsigned _left = 20000; while (!(cond) && wait_step(&_left)) ; (cond); })

/* The threads of the running test: with_crew ends and joins them however the test ends. */
static struct thread *crew[MAX_CPUS + 4];
static unsigned crew_len;

static struct thread *crew_add(const char *name, void (*fn)(void *arg), void *arg, int cpu)
{
	struct thread *t = thread_create(name, fn, arg, cpu);

	if (t)
		crew[crew_len++] = t;
	return t;
}

static void crew_dismiss(void)
{
	atomic_store(&stop, 1u);
	for (unsigned i = 0; i < crew_len; i++) {
		if (atomic_load(&crew[i]->state) == THREAD_NEW) {
			thread_put(crew[i]);
			continue;
		}
		(void)sched_set_class(crew[i], SCHED_OTHER, 0);
		(void)sched_set_affinity(crew[i], ~0ull);
		thread_join(crew[i]);
	}
	crew_len = 0;
}

static void with_crew(void (*body)(void))
{
	cpumask_t before = current->affinity;

	stop = started = 0;
	body();
	(void)sched_set_class(current, SCHED_OTHER, 0);
	(void)sched_set_affinity(current, before);
	crew_dismiss();
}

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
static void move_running(void)
{
	struct cpu *cpu;

	for (unsigned i = 0; i < 2; i++) {
		test_check(crew_add("spin", spin_until_stop, NULL, 0) != NULL);
		thread_start(crew[i]);
	}
	test_check(WAIT_FOR(atomic_load(&started) == 2));	/* on one CPU: slices work */
	for (unsigned round = 0; round < 10; round++)
		cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
			for (unsigned i = 0; i < 2; i++)
				test_equal(sched_set_affinity(crew[i], cpu_mask(cpu->id)), 0);
			for (unsigned i = 0; i < 2; i++)
				test_check(WAIT_FOR(atomic_load(&crew[i]->cpu) == cpu));
		}
}

static void test_move_running(void) { with_crew(move_running); }

static cpumask_t crew_cpus(void)
{
	cpumask_t used = 0;

	for (unsigned i = 0; i < crew_len; i++)
		used |= cpu_mask(atomic_load(&crew[i]->cpu)->id);
	return used;
}

/* As many busy threads as CPUs, all born on one: each ends up with a CPU. */
static void spreads(void)
{
	unsigned n = popcount64(atomic_load(&cpu_online_mask));

	for (unsigned i = 0; i < n; i++) {
		test_check(crew_add("spread", spin_until_stop, NULL, 0) != NULL);
		thread_start(crew[i]);
		test_equal(sched_set_affinity(crew[i], ~0ull), 0);
	}
	test_check(WAIT_FOR(crew_cpus() == atomic_load(&cpu_online_mask)));
}

static void test_spreads(void) { with_crew(spreads); }

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

/* Two counters on CPU 0, not started. */
static bool pair_add(u64 work[2])
{
	for (unsigned i = 0; i < 2; i++) {
		work[i] = 0;
		if (crew_add("pair", count_until_stop, &work[i], 0) == NULL)
			return false;
	}
	return true;
}

static u64 turns(const struct thread *t) { return READ_ONCE(t->involuntary_switches); }

/* Two equal threads on one CPU take turns; how long a turn is in real time is the host's affair. */
static void equal_turns(void)
{
	static u64 work[2];

	test_check(pair_add(work));
	thread_start(crew[0]);
	thread_start(crew[1]);
	test_check(WAIT_FOR(turns(crew[0]) >= 30 && turns(crew[1]) >= 30));
	test_check(READ_ONCE(work[0]) && READ_ONCE(work[1]));
}

static void test_equal_turns(void) { with_crew(equal_turns); }

static void keep_preemption_off(void *arg)
{
	u64 end = time_ns() + 3 * quantum_of_nice(-20);

	preempt_disable();
	while (time_ns() < end)
		arch_cpu_relax();
	preempt_enable();
	atomic_store((u32 *)arg, 1u);
}

/* A turn ends while its thread may not be preempted: the thread goes on, the interrupt does not come again and again. */
static void turn_ends_late(void)
{
	static u32 is_through;

	atomic_store(&is_through, 0u);
	test_check(crew_add("busy", spin_until_stop, NULL, 0) != NULL);
	test_check(crew_add("keeps", keep_preemption_off, &is_through, 0) != NULL);
	thread_start(crew[0]);
	thread_start(crew[1]);
	test_check(WAIT_FOR(atomic_load(&is_through)));
}

static void test_turn_ends_late(void) { with_crew(turn_ends_late); }

/* SCHED_FIFO shuts the normal class out; SCHED_IDLE gets what others leave. */
static void class_precedence(void)
{
	static u64 work[2];
	u64 before;

	test_check(pair_add(work));
	test_equal(sched_set_affinity(current, cpu_mask(cpu_count - 1)), 0);
	test_equal(sched_set_class(current, SCHED_FIFO, 50), 0);	/* on one CPU we must outrank them */
	test_equal(sched_set_class(crew[0], SCHED_FIFO, 10), 0);
	thread_start(crew[0]);
	test_check(WAIT_FOR(atomic_load(&started) == 1));
	thread_start(crew[1]);
	sleep_until(time_ns() + 10 * NSEC_PER_MSEC, false);
	test_equal(READ_ONCE(work[1]), 0);
	test_equal(sched_set_class(crew[0], SCHED_IDLE, 0), 0);
	test_check(WAIT_FOR(atomic_load(&started) == 2));
	before = sched_runtime_ns(crew[0]);
	sleep_until(time_ns() + 10 * NSEC_PER_MSEC, false);
	test_check(sched_runtime_ns(crew[0]) - before < NSEC_PER_MSEC);
}

static void test_class_precedence(void) { with_crew(class_precedence); }

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
static void wake_races(void)
{
	for (unsigned i = 0; i < 4; i++) {
		test_check(crew_add("racer", sleep_short, NULL, -1) != NULL);
		thread_start(crew[i]);
	}
	for (unsigned round = 0; atomic_load(&started) < 4; round++) {
		for (unsigned i = 0; i < 4; i++) {
			thread_wake(crew[i], BIT(THREAD_BLOCKED));
			if (round % 8 == i)
				(void)sched_set_affinity(crew[i], cpu_mask(round % cpu_count));
		}
		if (round % 16 == 0)
			sched_yield();
	}
	test_equal(started, 4);
}

static void test_wake_races(void) { with_crew(wake_races); }

static struct waitq crowd_q = WAITQ_INIT(crowd_q);
static bool crowd_may_go;

static void wait_in_crowd(void *arg)
{
	waitq_wait(&crowd_q, atomic_load(&crowd_may_go));
	atomic_add((u32 *)arg, 1u);
}

/* Ten thousand threads sleep, are woken at once and end. */
static void test_crowd(void)
{
	static u32 passed;
	/* A small machine holds fewer: a stack and what belongs to it take less than 24 KiB. */
	unsigned wanted = (unsigned)min(cmdline_u64("sched_threads", 10000), mm_free_pages() / 8), n = 0;
	struct thread **t = kcalloc(wanted, sizeof(*t), 0);

	test_check(t != NULL);
	passed = 0;
	atomic_store(&crowd_may_go, false);
	while (n < wanted && (t[n] = thread_create("crowd", wait_in_crowd, &passed, -1)))
		thread_start(t[n++]);
	atomic_store(&crowd_may_go, true);
	waitq_wake_all(&crowd_q);
	for (unsigned i = 0; i < n; i++)
		(void)thread_join(t[i]);
	kfree(t);
	test_equal(n, wanted);
	test_equal(passed, wanted);
}

/* All but this CPU off, and one after the other back: the last one stays. */
static void check_last_stays(void)
{
	cpumask_t before = atomic_load(&cpu_online_mask), leave = 0;
	struct cpu *cpu;

	cpu_for_each(cpu, before & ~cpu_mask(ctz64(before)))
		leave |= cpu_mask(cpu->id);
	cpu_for_each(cpu, leave)
		test_equal(cpu_offline(cpu->id), 0);
	test_equal(cpu_offline(ctz64(before)), -EBUSY);
	cpu_for_each(cpu, leave)
		test_equal(cpu_online(cpu->id), 0);
	test_equal(atomic_load(&cpu_online_mask), before);
}

/* Each CPU that may goes and comes back while threads run, sleep and wake on it: all go on. */
static void cpus_go_and_come(void)
{
	static u64 work[2];
	struct cpu *cpu;

	for (unsigned i = 0; i < 2; i++) {
		work[i] = 0;
		test_check(crew_add("moved", count_until_stop, &work[i], -1) != NULL);
		thread_start(crew[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		test_check(crew_add("racer", sleep_short, NULL, -1) != NULL);
		thread_start(crew[2 + i]);
	}
	check_last_stays();
	test_equal(cpu_offline(MAX_CPUS), -ENODEV);
	test_equal(cpu_online(0), 0);
	cpu_for_each(cpu, popcount64(atomic_load(&cpu_online_mask)) > 1 ? atomic_load(&cpu_online_mask) : 0) {
		cpumask_t here = cpu_mask(cpu->id);
		u64 before[2];

		if (!cpu_may_leave(cpu->id)) {
			test_equal(cpu_offline(cpu->id), -EBUSY);
			continue;
		}
		/* One that may run nowhere else runs elsewhere meanwhile, and comes back. */
		test_equal(sched_set_affinity(crew[0], here), 0);
		test_equal(cpu_offline(cpu->id), 0);
		test_equal(atomic_load(&cpu_online_mask) & here, 0);
		test_equal(cpu_offline(cpu->id), 0);
		test_equal(sched_set_affinity(crew[1], here), -EINVAL);
		for (unsigned i = 0; i < 2; i++)
			before[i] = READ_ONCE(work[i]);
		test_check(WAIT_FOR(READ_ONCE(work[0]) > before[0] && READ_ONCE(work[1]) > before[1]));
		for (unsigned i = 0; i < 2; i++)	/* who sleeps still names its last CPU */
			test_equal(cpu_mask(atomic_load(&crew[i]->cpu)->id) & here, 0);
		test_equal(cpu_online(cpu->id), 0);
		test_check(atomic_load(&cpu_online_mask) & here);
		test_check(WAIT_FOR(atomic_load(&crew[0]->cpu) == cpu));
		test_equal(sched_set_affinity(crew[0], ~0ull), 0);
	}
	test_check(WAIT_FOR(atomic_load(&started) == 4));
}

static void test_cpus_go_and_come(void) { with_crew(cpus_go_and_come); }

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

const struct test_suite test_suite_sched = {
	"sched",
	(const struct test_case[]){
		TEST_CASE(test_create_join),
		TEST_CASE(test_never_started), TEST_CASE(test_bound_to_cpu), TEST_CASE(test_move_self),
		TEST_CASE(test_move_running), TEST_CASE(test_spreads), TEST_CASE(test_class_arguments),
		TEST_CASE(test_equal_turns), TEST_CASE(test_turn_ends_late), TEST_CASE(test_class_precedence), TEST_CASE(test_wake_races),
		TEST_CASE(test_cpus_go_and_come), TEST_CASE(test_crowd),
		TEST_CASE(test_list_and_letters), TEST_CASE(test_loadavg), {} },
};

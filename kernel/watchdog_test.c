/* SPDX-License-Identifier: BSD-2-Clause */
/* The watchdogs find a planted hang of each kind, and report each once. */
#include <kernel/irq.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <kernel/watchdog.h>

#define LIMIT_NS (40 * NSEC_PER_MSEC)

static u64 normal_ns;

/* The beats take the new limit at their next: so they are started anew. */
static void limit_set(u64 ns)
{
	atomic_store(&watchdog_lockup_ns, ns);
	watchdog_restart();
}

/* What runs on the last CPU, and whether its own report came. Others may be reported too: a busy host stops CPUs. */
struct plant {
	struct cpu *cpu;
	u64 give_up_ns;
	struct watchdog_cpu_reports before;
	bool found;
};

static bool soft_found(const struct plant *p)
{
	struct watchdog_cpu_reports now;

	watchdog_cpu_reports(p->cpu, &now);
	return now.soft != p->before.soft && now.soft_thread == current;
}

static bool hard_found(const struct plant *p)
{
	struct watchdog_cpu_reports now;

	watchdog_cpu_reports(p->cpu, &now);
	return now.hard != p->before.hard;
}

static void busy_with_preemption_off(void *arg)
{
	struct plant *p = arg;

	preempt_disable();
	while (!(p->found = soft_found(p)) && time_ns() < p->give_up_ns)
		arch_cpu_relax();
	preempt_enable();
}

static void busy_with_interrupts_off(void *arg)
{
	struct plant *p = arg;
	unsigned long flags = arch_irq_save();

	while (!(p->found = hard_found(p)) && time_ns() < p->give_up_ns)
		arch_cpu_relax();
	arch_irq_restore(flags);
}

static void busy(void *arg)
{
	struct plant *p = arg;

	while (!(p->found = soft_found(p)) && time_ns() < p->give_up_ns)
		arch_cpu_relax();
}

/* Runs fn on the last CPU for at most ns: 1 its report came, 0 it did not, -1 no thread. */
static int reported(void (*fn)(void *arg), u64 ns)
{
	unsigned cpu = 63 - (unsigned)__builtin_clzll(atomic_load(&cpu_online_mask));
	struct plant p = { .cpu = cpu_table[cpu], .give_up_ns = time_ns() + ns };
	struct thread *t = thread_create("busy", fn, &p, (int)cpu);

	if (!t)
		return -1;
	watchdog_cpu_reports(p.cpu, &p.before);
	limit_set(LIMIT_NS);
	thread_start(t);
	thread_join(t);
	limit_set(normal_ns);
	return p.found;
}

static void test_soft(void)
{
	normal_ns = atomic_load(&watchdog_lockup_ns);
	test_equal(reported(busy_with_preemption_off, 20 * NSEC_PER_SEC), 1);
}

static void test_busy_is_no_lockup(void)
{
	test_equal(reported(busy, 4 * LIMIT_NS), 0);
}

static void test_hard(void)
{
	if (popcount64(atomic_load(&cpu_online_mask)) < 2)
		return;		/* nobody is there to notice */
	test_equal(reported(busy_with_interrupts_off, 20 * NSEC_PER_SEC), 1);
}

static struct completion never;

static void sleeper(void *arg)
{
	completion_wait(&never);
}

static void test_hung(void)
{
	u64 normal = atomic_load(&watchdog_hung_ns);
	struct thread *t;
	u32 before, found;

	completion_init(&never);
	t = thread_create("hung", sleeper, NULL, -1);
	test_check(t);
	thread_start(t);
	while (atomic_load(&t->state) != THREAD_BLOCKED)
		(void)sleep_until(time_ns() + NSEC_PER_MSEC, false);
	before = atomic_load(&watchdog_reports.hung);
	atomic_store(&watchdog_hung_ns, 1000000ull * NSEC_PER_SEC);
	watchdog_scan(true);
	watchdog_scan(true);
	found = atomic_load(&watchdog_reports.hung) - before;
	if (!found) {
		/* As if it slept since boot; all others were first seen asleep a moment ago. */
		t->hung_since_ns = 1;
		atomic_store(&watchdog_hung_ns, time_ns() / 2);
		watchdog_scan(true);
		watchdog_scan(true);
		found = atomic_load(&watchdog_reports.hung) - before + 100;
	}
	atomic_store(&watchdog_hung_ns, normal);
	completion_signal(&never);
	thread_join(t);
	test_equal(found, 101);
}

static const struct test_case cases[] = {
	TEST_CASE(test_soft), TEST_CASE(test_busy_is_no_lockup), TEST_CASE(test_hard), TEST_CASE(test_hung), {},
};
const struct test_suite test_suite_watchdog = { "watchdog", cases };

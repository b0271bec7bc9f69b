/* SPDX-License-Identifier: BSD-2-Clause */
/* The watchdogs find a planted hang of each kind, and report each once. */
#include <kernel/irq.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <kernel/watchdog.h>

#define LIMIT_NS (40 * NSEC_PER_MSEC)

static u64 normal_ns;

static void nothing(void *arg)
{
}

/* The beats take the new limit at their next: so they are started anew. */
static void limit_set(u64 ns)
{
	atomic_store(&watchdog_lockup_ns, ns);
	watchdog_restart();
}

static void busy_with_preemption_off(void *arg)
{
	u64 end = time_ns() + *(u64 *)arg;

	preempt_disable();
	while (time_ns() < end)
		arch_cpu_relax();
	preempt_enable();
}

static void busy_with_interrupts_off(void *arg)
{
	unsigned long flags = arch_irq_save();
	u64 end = time_ns() + *(u64 *)arg;

	while (time_ns() < end)
		arch_cpu_relax();
	arch_irq_restore(flags);
}

/* Runs fn on the last CPU; how often `count` grew. */
static u32 reports_of(u32 *count, void (*fn)(void *arg), u64 ns)
{
	u32 before = atomic_load(count);
	cpumask_t online = atomic_load(&cpu_online_mask);
	struct thread *t = thread_create("busy", fn, &ns, 63 - (int)__builtin_clzll(online));

	if (!t)
		return ~0u;
	thread_start(t);
	thread_join(t);
	ipi_call(online, nothing, NULL);
	return atomic_load(count) - before;
}

static void test_soft(void)
{
	u32 n;

	normal_ns = atomic_load(&watchdog_lockup_ns);
	limit_set(LIMIT_NS);
	n = reports_of(&watchdog_reports.soft, busy_with_preemption_off, 12 * LIMIT_NS);

	limit_set(normal_ns);
	test_equal(n, 1);
}

static void busy(void *arg)
{
	u64 end = time_ns() + *(u64 *)arg;

	while (time_ns() < end)
		arch_cpu_relax();
}

static void test_busy_is_no_lockup(void)
{
	u32 n;

	limit_set(LIMIT_NS);
	n = reports_of(&watchdog_reports.soft, busy, 4 * LIMIT_NS);
	limit_set(normal_ns);
	test_equal(n, 0);
}

static void test_hard(void)
{
	u32 n;

	if (popcount64(atomic_load(&cpu_online_mask)) < 2)
		return;		/* nobody is there to notice */
	limit_set(LIMIT_NS);
	n = reports_of(&watchdog_reports.hard, busy_with_interrupts_off, 12 * LIMIT_NS);

	limit_set(normal_ns);
	test_check(n >= 1);
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests: clocks, conversions, timers: order, slack, cancel, re-arm from the callback. */
#include "clock_local.h"
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/irq.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/waitq.h>

static void test_clock_never_back(void)
{
	u64 last = time_ns();

	for (unsigned i = 0; i < 20000; i++) {
		u64 now = time_ns();

		test_check(now >= last);
		last = now;
	}
}

static void read_clock(void *arg)
{
	*(u64 *)arg = time_ns();
}

static void test_clock_across_cpus(void)
{
	struct cpu *cpu;

	for (unsigned i = 0; i < 50; i++) {
		cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
			u64 before = time_ns(), there = 0;

			ipi_call(cpu_mask(cpu->id), read_clock, &there);
			test_check(there >= before);
			test_check(time_ns() >= there);
		}
	}
}

static void test_clock_conversion(void)
{
	static const u64 values[] = { 0, 1, 999, 1000000007, 86400ull * NSEC_PER_SEC, 1ull << 60 };

	for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
		u64 at = time_ns() + values[i], ticks = time_ns_to_ticks(at);

		/* Never early, and at most a microsecond and some ppb late. */
		test_check(time_ticks_to_ns(ticks) >= at);
		test_check(time_ticks_to_ns(ticks) - at <= 1000 + values[i] / 100000000);
	}
	/* What is past is past: not before the clock's base, which moves. */
	test_check(time_ns_to_ticks(0) <= arch_clock_read());
	test_check(time_ns_to_ticks(U64_MAX) == U64_MAX);
}

static void test_wall_clock(void)
{
	s64 before = time_wall_ns(), set = 4102444800ll * (s64)NSEC_PER_SEC;	/* 2100 */

	time_wall_set(set);
	test_check(time_wall_ns() >= set && time_wall_ns() < set + (s64)NSEC_PER_SEC);
	time_wall_set(before);
	time_wall_set(-5);	/* before 1970 */
	test_check(time_wall_ns() >= -5 && time_wall_ns() < (s64)NSEC_PER_SEC);
	time_wall_set(before);
}

static void test_wall_2038_2106(void)
{
	static const s64 edges[] = { 0x7fffffffll, 0x80000000ll, 0xffffffffll, 0x100000000ll, 9000000000ll };
	s64 before = time_wall_ns();

	for (unsigned i = 0; i < ARRAY_LEN(edges); i++) {
		s64 at = edges[i] * (s64)NSEC_PER_SEC - 1000;

		time_wall_set(at);
		delay_us(2);
		test_check(time_wall_ns() > at + 1000 && time_wall_ns() < at + (s64)NSEC_PER_SEC);
	}
	time_wall_set(before);
}

/* Steered by up to 10 % either way the monotonic clock goes on without a jump, and at that rate. */
static void test_clock_rate(void)
{
	static const s64 rates[] = { 0, 100000000ll << 16, -(100000000ll << 16), 500000ll << 16, -(500000ll << 16), 0 };

	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		u64 before = time_ns(), mono, raw, after;

		clock_rate_set(rates[i]);
		after = time_ns();
		test_check(after >= before && after - before < 100 * NSEC_PER_MSEC);
		raw = time_raw_ns();
		mono = time_ns();
		delay_us(20000);
		raw = time_raw_ns() - raw;
		mono = time_ns() - mono;
		/* mono = raw * (1 + rate), as exactly as the two are read together. */
		raw += (u64)((s64)raw * ((rates[i] >> 16) / 100000) / 10000);
		test_check(mono + NSEC_PER_MSEC * 5 > raw && raw + NSEC_PER_MSEC * 5 > mono);
	}
}

static void test_delay(void)
{
	u64 before = time_ns();

	delay_us(200);
	test_check(time_ns() - before >= 200000);
}

struct probe {
	struct timer timer;
	u64 fired_ns;
	u32 order, count, rearm;
	struct completion done;
};
static u32 next_order;

static void probe_fire(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired_ns = time_ns();
	p->order = atomic_fetch_add(&next_order, 1u);
	p->count++;
	if (p->rearm) {
		p->rearm--;
		timer_arm(t, time_ns() + 50000, 0);
	} else {
		completion_signal(&p->done);
	}
}

static void probe_init(struct probe *p)
{
	*p = (struct probe){ .count = 0 };
	timer_init(&p->timer, probe_fire);
	completion_init(&p->done);
}

static bool probe_wait(struct probe *p)
{
	return completion_wait_deadline(&p->done, time_ns() + 5 * NSEC_PER_SEC) == 0;
}

static void test_timer_order(void)
{
	static struct probe p[8];
	u64 now = time_ns() + 2 * NSEC_PER_MSEC;
	unsigned long flags = arch_irq_save();

	next_order = 0;
	for (unsigned i = 0; i < 8; i++) {
		probe_init(&p[i]);
		timer_arm(&p[i].timer, now + ((i * 5) % 8) * 100000, 0);
	}
	arch_irq_restore(flags);
	for (unsigned i = 0; i < 8; i++)
		test_check(probe_wait(&p[i]));
	for (unsigned i = 0; i < 8; i++) {
		test_equal(p[i].order, (i * 5) % 8);
		test_check(p[i].fired_ns >= p[i].timer.deadline_ns);
		test_equal(p[i].count, 1);
	}
}

static void test_timer_past(void)
{
	struct probe p;

	probe_init(&p);
	timer_arm(&p.timer, 0, 0);
	test_check(probe_wait(&p));
	test_check(!timer_cancel_sync(&p.timer));
}

/* A timer on the wall clock follows it: forward it is due at once, back it waits. */
static void test_timer_wall(void)
{
	s64 before = time_wall_ns(), now = 3000000000ll * (s64)NSEC_PER_SEC;
	struct probe p;
	u64 armed;

	time_wall_set(now);
	probe_init(&p);
	timer_arm_wall(&p.timer, (u64)now + 3600 * NSEC_PER_SEC, 0);
	time_wall_set(now + 3601 * (s64)NSEC_PER_SEC);
	test_check(probe_wait(&p));
	/* A busy host may stop this CPU until the timer is due: then it was not set back in time, and says nothing. */
	do {
		armed = time_ns();
		time_wall_set(now);
		probe_init(&p);
		timer_arm_wall(&p.timer, (u64)now + 20 * NSEC_PER_MSEC, 0);
		time_wall_set(now - 3600 * (s64)NSEC_PER_SEC);
	} while (time_ns() - armed > 15 * NSEC_PER_MSEC && (timer_cancel_sync(&p.timer), true));
	test_equal(sleep_until(time_ns() + 40 * NSEC_PER_MSEC, false), 0);
	test_equal(p.count, 0);
	time_wall_set(now);
	test_check(probe_wait(&p));
	test_check(time_wall_ns() >= (s64)p.timer.deadline_ns);
	time_wall_set(before);
}

static void test_timer_cancel(void)
{
	struct probe p;

	probe_init(&p);
	test_check(!timer_cancel(&p.timer));
	timer_arm(&p.timer, time_ns() + 3600 * NSEC_PER_SEC, 0);
	test_check(timer_cancel(&p.timer));
	test_check(!timer_cancel_sync(&p.timer));
	timer_arm(&p.timer, U64_MAX, U64_MAX);	/* never; the sum does not wrap */
	test_check(timer_cancel_sync(&p.timer));
	test_equal(p.count, 0);
}

static void test_timer_rearm_moves(void)
{
	struct probe p;

	probe_init(&p);
	timer_arm(&p.timer, time_ns() + 3600 * NSEC_PER_SEC, 0);
	timer_arm(&p.timer, time_ns() + 100000, 0);
	test_check(probe_wait(&p));
	test_check(!timer_cancel_sync(&p.timer));
	test_equal(p.count, 1);
}

static void test_timer_rearm_in_callback(void)
{
	struct probe p;

	probe_init(&p);
	p.rearm = 5;
	timer_arm(&p.timer, time_ns(), 0);
	test_check(probe_wait(&p));
	timer_cancel_sync(&p.timer);
	test_equal(p.count, 6);
}

static void test_timer_slack(void)
{
	struct probe lazy, sharp;
	u64 now;

	probe_init(&lazy);
	probe_init(&sharp);
	now = time_ns();
	timer_arm(&lazy.timer, now + NSEC_PER_MSEC, 20 * NSEC_PER_MSEC);
	timer_arm(&sharp.timer, now + 2 * NSEC_PER_MSEC, 0);
	test_check(probe_wait(&sharp));
	test_check(probe_wait(&lazy));
	test_check(lazy.fired_ns >= now + NSEC_PER_MSEC);
	timer_cancel_sync(&lazy.timer);
	timer_cancel_sync(&sharp.timer);
}

static void test_sleep(void)
{
	u64 before = time_ns();

	test_equal(sleep_until(before + NSEC_PER_MSEC, false), 0);
	test_check(time_ns() >= before + NSEC_PER_MSEC);
	test_equal(sleep_until(0, true), 0);
}

const struct test_suite test_suite_timer = {
	"timer",
	(const struct test_case[]){
		TEST_CASE(test_clock_never_back), TEST_CASE(test_clock_across_cpus),
		TEST_CASE(test_clock_conversion), TEST_CASE(test_wall_clock), TEST_CASE(test_wall_2038_2106), TEST_CASE(test_clock_rate), TEST_CASE(test_delay),
		TEST_CASE(test_timer_order), TEST_CASE(test_timer_past), TEST_CASE(test_timer_wall), TEST_CASE(test_timer_cancel),
		TEST_CASE(test_timer_rearm_moves), TEST_CASE(test_timer_rearm_in_callback),
		TEST_CASE(test_timer_slack), TEST_CASE(test_sleep), {} },
};

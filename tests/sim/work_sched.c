/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "sched": kernel threads that compute (virtual time passes, no steps are needed), sleep and wake
 * each other. The model: nobody who can run waits longer than a bound, no sleeper oversleeps by much, no
 * wake-up is lost, and while there is enough work for all CPUs they are not idle. Under the fair policy,
 * some runs keep threads of different nice values on one CPU and compare what each got with its weight. In some runs up to
 * a hundred threads of all kinds share one CPU, most often with a real-time thread that never sleeps: none waits over two seconds.
 */
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <uapi/sched.h>
#include "work.h"

#define HOGS_MAX 12u
#define SLEEPERS 3u
#define RUN_NS (2 * NSEC_PER_SEC)
#define CHUNK_NS NSEC_PER_MSEC
#define GAP_MAX_NS NSEC_PER_SEC		/* 12 threads on one CPU at 20 ms each come round in 240 ms */
#define LATE_MAX_NS (500 * NSEC_PER_MSEC)
#define IDLE_SHARE 4u			/* at most a quarter of the time */
#define SHARERS_MAX 6u
#define SHARE_OFF_NS (30 * NSEC_PER_MSEC)	/* a few turns more or less than the share */

#define CROWD_MAX 100u
#define CROWD_NS (4 * NSEC_PER_SEC)
#define WAIT_MAX_NS (2 * NSEC_PER_SEC)	/* the promise of kernel/sched/overdue.c */

static struct {
	unsigned hogs;
	u64 gather, end;
	struct completion ping, pong;
	u64 pings;
} s;

static void hog(void *unused)
{
	u64 last = time_ns();
	bool has_moved = false;

	while (last < s.end) {
		u64 now;

		/* All on one CPU, free to leave it: the others must come and take their share. */
		if (!has_moved && last > s.gather) {
			has_moved = true;
			(void)sched_set_affinity(current, cpu_mask(0));
			(void)sched_set_affinity(current, ~0ull);
		}

		sim_busy(1 + sim_below(SIM_WORK, CHUNK_NS));
		if (sim_chance(SIM_WORK, 64))
			sched_yield();
		now = time_ns();
		if (now - last > GAP_MAX_NS)
			sim_fail("sched: a runnable thread waited %llu ms", (unsigned long long)(now - last) / 1000000);
		last = now;
	}
}

static void sleeper(void *unused)
{
	while (time_ns() < s.end) {
		u64 until = time_ns() + sim_below(SIM_WORK, 20 * NSEC_PER_MSEC), now;

		(void)sleep_until(until, false);
		now = time_ns();
		if (now < until)
			sim_fail("sched: a sleep ended early");
		if (now - until > LATE_MAX_NS)
			sim_fail("sched: a sleep ended %llu ms late", (unsigned long long)(now - until) / 1000000);
		sim_busy(1 + sim_below(SIM_WORK, 100000));
	}
}

static void pinger(void *unused)
{
	while (time_ns() < s.end) {
		u64 start = time_ns();

		completion_signal(&s.ping);
		completion_wait(&s.pong);
		completion_init(&s.pong);
		if (time_ns() - start > 2 * LATE_MAX_NS)
			sim_fail("sched: two wake-ups took %llu ms",
				 (unsigned long long)(time_ns() - start) / 1000000);
		s.pings++;
		sim_busy(1 + sim_below(SIM_WORK, 200000));
	}
	s.pings = U64_MAX;
	completion_signal(&s.ping);
}

static void ponger(void *unused)
{
	while (1) {
		completion_wait(&s.ping);
		completion_init(&s.ping);
		if (s.pings == U64_MAX)
			return;
		completion_signal(&s.pong);
	}
}

static struct thread *start(const char *name, void (*fn)(void *))
{
	struct thread *t = thread_create(name, fn, NULL, -1);

	if (!t)
		sim_fail("sched: no memory for a thread");
	thread_start(t);
	return t;
}

static u64 idle_ns(void)
{
	u64 sum = 0;

	for (unsigned i = 0; i < cpu_count; i++) {
		struct sched_cpu_stats stats;

		sched_cpu_stats(i, &stats);
		sum += stats.idle_ns;
	}
	return sum;
}

/* Computes on one CPU until s.end. */
static void sharer(void *unused)
{
	while (time_ns() < s.end)
		sim_busy(1 + sim_below(SIM_WORK, CHUNK_NS));
}

static void check_share(struct thread *t, u64 weight, u64 all_weight, u64 all_ns)
{
	u64 got = sched_runtime_ns(t), want = all_ns * weight / all_weight;

	if (got > want + want / 8 + SHARE_OFF_NS || got + got / 8 + SHARE_OFF_NS < want)
		sim_fail("sched: a thread of weight %llu of %llu ran for %llu of %llu ms", (unsigned long long)weight,
			 (unsigned long long)all_weight, (unsigned long long)got / 1000000, (unsigned long long)all_ns / 1000000);
}

static void run_shares(void)
{
	static const int nices[] = { 0, 0, 0, 3, 5, -3 };
	unsigned n = 2 + (unsigned)sim_below(SIM_WORK, SHARERS_MAX - 1);
	cpumask_t cpu = cpu_mask((unsigned)sim_below(SIM_WORK, cpu_count));
	u64 weight[SHARERS_MAX], all_weight = 0, all_ns = 0;
	struct thread *t[SHARERS_MAX];

	s.end = time_ns() + RUN_NS;
	for (unsigned i = 0; i < n; i++) {
		int nice = nices[sim_below(SIM_WORK, ARRAY_LEN(nices))];

		weight[i] = sched_weight_of_nice(nice);
		all_weight += weight[i];
		t[i] = thread_create("sharer", sharer, NULL, -1);
		if (!t[i] || sched_set_nice(t[i], nice) || sched_set_affinity(t[i], cpu))
			sim_fail("sched: no sharer");
		thread_start(t[i]);
	}
	(void)sleep_until(s.end, false);
	for (unsigned i = 0; i < n; i++)
		all_ns += sched_runtime_ns(t[i]);
	for (unsigned i = 0; i < n; i++)
		check_share(t[i], weight[i], all_weight, all_ns);
	while (n)
		(void)thread_join(t[--n]);
}

/* Computes without end, before all others as far as the guard lets it. */
static void realtime_hog(void *unused)
{
	while (time_ns() < s.end)
		sim_busy(1 + sim_below(SIM_WORK, 4 * CHUNK_NS));
}

/* One of many; some sleep now and then. */
static void one_of_many(void *unused)
{
	bool sleeps = sim_chance(SIM_WORK, 4);

	while (time_ns() < s.end) {
		sim_busy(1 + sim_below(SIM_WORK, CHUNK_NS));
		if (sleeps && sim_chance(SIM_WORK, 8))
			(void)sleep_until(time_ns() + sim_below(SIM_WORK, 50 * NSEC_PER_MSEC), false);
	}
}

static struct thread *start_on(unsigned cpu, void (*fn)(void *), u32 sched_class, u32 priority, int nice)
{
	struct thread *t = thread_create("crowd", fn, NULL, -1);

	if (!t || sched_set_class(t, sched_class, priority) || sched_set_nice(t, nice) || sched_set_affinity(t, cpu_mask(cpu)))
		sim_fail("sched: no thread for the crowd");
	thread_start(t);
	return t;
}

static void run_crowd(void)
{
	static const u32 classes[] = { SCHED_OTHER, SCHED_OTHER, SCHED_OTHER, SCHED_BATCH, SCHED_IDLE };
	static struct thread *t[CROWD_MAX + 1];
	unsigned n = 2 + (unsigned)sim_below(SIM_WORK, CROWD_MAX - 1), cpu = (unsigned)sim_below(SIM_WORK, cpu_count), all = n;

	s.end = time_ns() + CROWD_NS;
	for (unsigned i = 0; i < n; i++)
		t[i] = start_on(cpu, one_of_many, classes[sim_below(SIM_WORK, ARRAY_LEN(classes))], 0,
				(int)sim_below(SIM_WORK, 40) - 20);
	if (sim_chance(SIM_WORK, 4) == 0)
		t[all++] = start_on(cpu, realtime_hog, SCHED_FIFO, 1 + (u32)sim_below(SIM_WORK, 99), 0);
	(void)sleep_until(s.end, false);
	for (unsigned i = 0; i < n; i++) {
		u64 since = atomic_load(&t[i]->wait_start_ns), now = time_ns(), waits = since ? now - min(now, since) : 0;

		waits = max(waits, atomic_load(&t[i]->wait_max_ns));
		if (waits > WAIT_MAX_NS)
			sim_fail("sched: %s: of %u one waited %llu ms (class %u, nice %d)", sched_system_policy_name(), n,
				 (unsigned long long)waits / 1000000, t[i]->sched_class, t[i]->nice);
	}
	while (all)
		(void)thread_join(t[--all]);
}

static void run(void *unused)
{
	struct thread *t[HOGS_MAX + SLEEPERS + 2];
	unsigned n = 0;
	u64 idle;

	memset(&s, 0, sizeof(s));
	if (!strcmp(sched_system_policy_name(), "fair") && sim_chance(SIM_WORK, 2)) {
		run_shares();
		return;
	}
	if (sim_chance(SIM_WORK, 4)) {
		run_crowd();
		return;
	}
	completion_init(&s.ping);
	completion_init(&s.pong);
	s.hogs = (unsigned)sim_below(SIM_WORK, HOGS_MAX + 1);
	s.end = time_ns() + RUN_NS;
	s.gather = s.end - RUN_NS + sim_below(SIM_WORK, RUN_NS / 2);
	idle = idle_ns();
	for (unsigned i = 0; i < s.hogs; i++)
		t[n++] = start("hog", hog);
	for (unsigned i = 0; i < SLEEPERS; i++)
		t[n++] = start("sleeper", sleeper);
	t[n++] = start("ponger", ponger);
	t[n++] = start("pinger", pinger);
	while (n)
		(void)thread_join(t[--n]);
	idle = idle_ns() - idle;
	if (s.hogs >= cpu_count && idle > RUN_NS * cpu_count / IDLE_SHARE)
		sim_fail("sched: with %u busy threads %u CPUs were idle for %llu of %llu ms", s.hogs, cpu_count,
			 (unsigned long long)idle / 1000000, (unsigned long long)RUN_NS * cpu_count / 1000000);
}

void work_sched(void) { sim_in_kernel(run, NULL); }

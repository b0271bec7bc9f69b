/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times and counts: user/system/interrupt split per thread and CPU, load averages as Linux
 * words them (exponential, 1/5/15 minutes, every 5 s, 11-bit fixed point); the load is caught up when somebody switches or asks.
 *
 * How long a thread runs is counted exactly, at switches. In which mode is sampled: a CPU that is not idle looks every
 * SAMPLE_NS, and what its thread runs until it is found next counts as the mode it was found in. Reading the clock at each
 * system call would cost more than many of them, and QEMU's clocks are locks that all virtual CPUs share.
 */
#include "runq.h"
#include <arch/clock.h>
#include <kernel/irq.h>
#include <kernel/time.h>

#define SAMPLE_NS (5 * NSEC_PER_MSEC)
#define LOAD_SHIFT 11
#define LOAD_ONE (1u << LOAD_SHIFT)
#define LOAD_PERIOD_NS (5 * NSEC_PER_SEC)
#define LOOK_NS NSEC_PER_SEC	/* so often a switch looks whether something is to be caught up */
#define LOAD_CATCH_UP 720u	/* periods after which nothing of the past is left */

/* exp(-5 s / 1, 5, 15 min) * 2048 */
static const u32 decay[3] = { 1884, 2014, 2037 };
static struct spinlock load_lock = SPINLOCK_INIT("loadavg", LOCK_RUNQ);
static u64 load[3];		/* load_lock */
static u64 load_next_ns = LOAD_PERIOD_NS;	/* load_lock */
static u64 look_next_ns;	/* [a] */

static u64 active_threads(void)
{
	struct cpu *cpu;
	u64 n = 0;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask))
		n += atomic_load(&runq_of(cpu)->nr_running);
	return n;
}

static bool works_in(const struct thread *t, const struct group *top)
{
	const struct group *g = atomic_load(&t->group);

	if (!t->is_user || READ_ONCE(t->memory_stalled))
		return false;
	while (top && g && g != top)
		g = g->parent;
	return !top || g;
}

bool sched_group_works(const struct group *top)
{
	bool works = false;
	struct cpu *cpu;

	epoch_enter();	/* threads and groups that are seen stay for it */
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		const struct thread *t = READ_ONCE(runq_of(cpu)->running);

		works |= t && works_in(t, top);
	}
	epoch_exit();
	return works;
}

void loadavg_update(u64 now_ns)
{
	unsigned long flags;
	u64 active, periods;

	if (likely(now_ns < atomic_load(&look_next_ns)))
		return;
	atomic_store(&look_next_ns, now_ns + LOOK_NS);
	pressure_update(now_ns);
	flags = spin_lock_irqsave(&load_lock);
	if (now_ns >= load_next_ns) {
		active = active_threads() << LOAD_SHIFT;
		periods = (now_ns - load_next_ns) / LOAD_PERIOD_NS + 1;
		load_next_ns += periods * LOAD_PERIOD_NS;
		for (u64 p = min(periods, (u64)LOAD_CATCH_UP); p > 0; p--)
			for (unsigned i = 0; i < 3; i++)
				load[i] = (load[i] * decay[i] + active * (LOAD_ONE - decay[i])) >> LOAD_SHIFT;
	}
	spin_unlock_irqrestore(&load_lock, flags);
}

void sched_loadavg(u64 out[3])
{
	unsigned long flags;

	atomic_store(&look_next_ns, 0ull);
	loadavg_update(time_ns());
	flags = spin_lock_irqsave(&load_lock);
	for (unsigned i = 0; i < 3; i++)
		out[i] = load[i];
	spin_unlock_irqrestore(&load_lock, flags);
}

u64 sched_runtime_ns(struct thread *t)
{
	unsigned long flags = arch_irq_save();
	struct runq *rq = runq_lock_of(t);
	u64 now = time_ns(), ns;

	ns = t->runtime_ns;
	if (rq->running == t && now > t->exec_start_ns)
		ns += now - t->exec_start_ns;
	spin_unlock_raw(&rq->lock);
	arch_irq_restore(flags);
	return ns;
}

/* The clocks of two CPUs may differ by a little. */
static void count(struct thread *t, u64 ticks)
{
	u64 ran = ticks > t->mode_stamp ? ticks - t->mode_stamp : 0;

	if (t->sampled_user)
		atomic_store(&t->user_ticks, t->user_ticks + ran);
	else
		atomic_store(&t->system_ticks, t->system_ticks + ran);
	t->mode_stamp += ran;
}

void __hot stats_settle_to(struct runq *rq, struct thread *t, u64 ticks, struct group *g)
{
	u64 user, system;

	count(t, ticks);
	user = t->user_ticks;
	system = t->system_ticks;

	if (t->nice > 0)
		rq->nice_ticks += user - t->told_user;
	else
		rq->user_ticks += user - t->told_user;
	rq->system_ticks += system - t->told_system;
	atomic_fetch_add(&g->cpu.user_ticks, user - t->told_user);
	atomic_fetch_add(&g->cpu.system_ticks, system - t->told_system);
	t->told_user = user;
	t->told_system = system;
}

void __hot stats_settle(struct runq *rq, struct thread *t, u64 ticks) { stats_settle_to(rq, t, ticks, atomic_load(&t->group)); }

void __hot stats_end_idle(struct runq *rq)
{
	if (rq->now_ns < rq->sample_ns)
		return;
	rq->sample_ns = rq->now_ns + SAMPLE_NS;	/* nobody looked meanwhile */
	time_coarse_update(rq->now_ns);
}

void stats_sample(struct runq *rq)
{
	struct thread *t = rq->running;

	rq->sample_ns = rq->now_ns + SAMPLE_NS;
	time_coarse_update(rq->now_ns);
	if (t == rq->idle)
		return;
	count(t, arch_clock_read());
	t->sampled_user = rq->cpu->irq_from_user;
}

void sched_cpu_stats(unsigned cpu, struct sched_cpu_stats *out)
{
	unsigned long flags;
	struct runq *rq;

	*out = (struct sched_cpu_stats){ 0 };
	if (cpu >= MAX_CPUS || cpu_table[cpu] == NULL)
		return;
	rq = runq_of(cpu_table[cpu]);
	flags = spin_lock_irqsave(&rq->lock);
	if (rq->running && rq->running != rq->idle)
		stats_settle(rq, rq->running, arch_clock_read());
	*out = rq->stats;	/* each counter is written by its CPU alone */
	out->user_ns = time_span_ns(rq->user_ticks);
	out->nice_ns = time_span_ns(rq->nice_ticks);
	out->system_ns = time_span_ns(rq->system_ticks);
	spin_unlock_irqrestore(&rq->lock, flags);
	out->irq_ns = irq_cpu_time_ns(cpu);
	out->runnable = atomic_load(&rq->nr_running);
	if (rq->running && rq->running == rq->idle) {
		u64 now = time_ns(), since = atomic_load(&rq->idle->exec_start_ns);

		if (now > since)
			out->idle_ns += now - since;
	}
}

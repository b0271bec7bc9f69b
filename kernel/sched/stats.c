/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times and counts: user/system/interrupt split per thread and CPU, load averages as Linux
 * words them (exponential, 1/5/15 minutes, every 5 s, 11-bit fixed point). Nothing here ticks: the
 * load is caught up when somebody switches or asks.
 */
#include "runq.h"
#include <kernel/irq.h>
#include <kernel/time.h>

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

void stats_settle_to(struct runq *rq, struct thread *t, struct group *g)
{
	u64 user = t->user_ticks, system = t->system_ticks;

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

void stats_settle(struct runq *rq, struct thread *t) { stats_settle_to(rq, t, atomic_load(&t->group)); }

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
		stats_settle(rq, rq->running);
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

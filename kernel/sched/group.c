/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource groups and CPU time, above the policies: how much a group may use (cpu.max) and how it shares with others
 * (cpu.weight). The files are in kernel/proc/group/cpu.c.
 *
 * Bandwidth: a pool of time per period for all CPUs. Running threads are charged when they are accounted; each CPU
 * looks again when its part of what is left could be used up. Out of time, a thread goes on until it would return to
 * user mode, holding no lock of the kernel there, and sleeps until the pool is filled. Only SCHED_OTHER, BATCH and
 * IDLE are charged, as on Linux.
 *
 * Shares: a policy gives turns by nice; here the turns are scaled, so that groups that compete on a CPU use it as their
 * weights say, whatever the number of their threads. group_load counts, per group and CPU, 100 for each of its
 * runnable threads and the weight of each child that has some.
 *
 * Locks: bandwidth.lock, raw, inside a run queue's; loads belong to the run queue of their CPU.
 */
#include "runq.h"
#include <arch/clock.h>
#include <kernel/mm.h>
#include <uapi/errno.h>

#define THREAD_LOAD 100u			/* as much as a child of default weight */
#define SHARE_MIN (SHARE_ONE / 128)
#define SHARE_MAX (SHARE_ONE * 8)		/* of a 20 ms turn: longer ones would make others wait too long */
#define LOOK_AGAIN_NS (50 * NSEC_PER_USEC)	/* no earlier: how far a pool may be overdrawn on each CPU */

/* ---- shares ---- */

void group_load_add(struct runq *rq, struct thread *t)
{
	unsigned cpu = rq->cpu->id;
	u32 more = THREAD_LOAD;

	t->load_group = atomic_load(&t->group);
	for (struct group *g = t->load_group; g->parent; g = g->parent) {
		struct group_load *l = &g->cpu.load[cpu];

		l->sum += more;
		if (l->sum != more)
			return;
		l->weight = more = atomic_load(&g->cpu_weight);
	}
}

void group_load_remove(struct runq *rq, struct thread *t)
{
	unsigned cpu = rq->cpu->id;
	u32 less = THREAD_LOAD;

	for (struct group *g = t->load_group; g->parent; g = g->parent) {
		struct group_load *l = &g->cpu.load[cpu];

		l->sum -= less;
		if (l->sum)
			break;
		less = l->weight;	/* what it counted for, even if the weight has changed */
	}
	t->load_group = NULL;
}

u32 group_share(const struct runq *rq, const struct thread *t)
{
	unsigned cpu = rq->cpu->id;
	u64 share = SHARE_ONE << 8, part = THREAD_LOAD;

	for (const struct group *g = t->load_group; g->parent; g = g->parent) {
		share = share * part / max(g->cpu.load[cpu].sum, 1u);
		part = atomic_load(&g->cpu_weight);
	}
	return (u32)clamp((share * part / THREAD_LOAD) >> 8, (u64)SHARE_MIN, (u64)SHARE_MAX);
}

void sched_group_moved(struct thread *t, struct group *from, struct group *to)
{
	unsigned long flags = arch_irq_save();
	struct runq *rq = runq_lock_of(t);

	if (rq->running == t) {
		runq_account_current(rq, time_ns());
		stats_settle_to(rq, t, arch_clock_read(), from);
		runq_kick(rq);		/* the new group's limit, or none, decides how long it may run */
	}
	if (t->load_group) {
		group_load_remove(rq, t);
		group_load_add(rq, t);
	} else if (to->parent && atomic_load(&t->on_rq)) {
		group_load_add(rq, t);
	}
	spin_unlock_raw(&rq->lock);
	arch_irq_restore(flags);
}

/* ---- bandwidth ---- */

static bool is_charged(const struct thread *t) { return t->sched_slot >= SLOT_SYSTEM; }

/* The nearest group at or above g that has a limit. */
static struct group *limit_of(const struct group *g) { return g ? atomic_load(&g->cpu.limit) : NULL; }

static void refill(struct group_cpu *b, u64 now)
{
	u64 periods;

	if (now < b->period_start_ns + b->period_ns)
		return;
	periods = (now - b->period_start_ns) / b->period_ns;
	b->period_start_ns += periods * b->period_ns;
	/* What was left is only kept as far as a burst is allowed. */
	if (b->left_ns > 0 || periods > 1)
		b->left_ns = (s64)min((u64)max(b->left_ns, 0ll) + b->quota_ns * min(periods, 2ull), b->quota_ns + b->burst_ns);
	else
		b->left_ns += (s64)b->quota_ns;
	b->nr_periods++;
	if (b->is_throttled)
		b->nr_throttled++;	/* counted with its period, as on Linux */
}

static bool charge_one(struct group *g, u64 now, u64 ran)
{
	struct group_cpu *b = &g->cpu;
	bool is_out;

	spin_lock_raw(&b->lock);
	if (!b->is_throttled)
		refill(b, now);
	b->left_ns -= (s64)ran;
	if (b->left_ns <= 0 && !b->is_throttled && b->quota_ns != U64_MAX) {
		atomic_store(&b->is_throttled, true);
		b->throttled_since_ns = now;	/* who stops for it arms the timer: here locks above the timer's are held */
	}
	is_out = b->is_throttled;
	spin_unlock_raw(&b->lock);
	return is_out;
}

void bandwidth_charge(struct thread *t, u64 now, u64 ran)
{
	bool is_out = false;

	if (!is_charged(t))
		return;
	for (struct group *g = limit_of(t->group); g; g = limit_of(g->parent))
		is_out |= charge_one(g, now, ran);
	if (is_out)
		atomic_fetch_or(&t->exit_work, WORK_THROTTLE);
}

u64 bandwidth_event_ns(const struct thread *t, u64 now)
{
	u64 least = U64_MAX;

	if (!is_charged(t) || (atomic_load(&t->exit_work) & WORK_THROTTLE))
		return U64_MAX;
	for (struct group *g = limit_of(t->group); g; g = limit_of(g->parent)) {
		s64 left = atomic_load(&g->cpu.left_ns);

		least = min(least, (u64)max(left, 0ll) / popcount64(atomic_load(&cpu_active_mask) | 1));
	}
	return now + max(least, LOOK_AGAIN_NS);
}

/* The group that keeps the current thread from going on, referenced; or NULL. */
static struct group *throttler(void)
{
	struct group *g;

	epoch_enter();
	for (g = limit_of(atomic_load(&current->group)); g; g = limit_of(g->parent))
		if (atomic_load(&g->cpu.is_throttled) && ref_get_not_zero(&g->refs))
			break;
	epoch_exit();
	return g;
}

void sched_group_park(void)
{
	unsigned long flags;
	struct group *g;

	while (is_charged(current) && !atomic_load(&current->sig_exit_pending) && (g = throttler())) {
		flags = arch_irq_save();
		spin_lock_raw(&g->cpu.lock);	/* several threads may park at once, and refill_due arms it too */
		if (g->cpu.is_throttled)
			timer_arm(&g->cpu.refill, g->cpu.period_start_ns + g->cpu.period_ns, 0);
		spin_unlock_raw(&g->cpu.lock);
		arch_irq_restore(flags);
		(void)waitq_wait_until(&g->cpu.waiters, !atomic_load(&g->cpu.is_throttled), SLEEP_KILLABLE, U64_MAX, false);
		group_put(g);
	}
	/* On its way here it had no end to its turn: bandwidth_event_ns leaves it out. It gets one before it goes on. */
	atomic_fetch_or(&current->exit_work, WORK_RESCHED);
}

/* The period's end, for a group that is out of time. Interrupt context. */
static void refill_due(struct timer *timer)
{
	struct group_cpu *b = container_of(timer, struct group_cpu, refill);
	u64 now = time_ns();
	bool goes_on;

	spin_lock_raw(&b->lock);
	refill(b, now);
	goes_on = b->is_throttled && b->left_ns > 0;
	if (goes_on) {
		b->throttled_ns += now - b->throttled_since_ns;
		atomic_store(&b->is_throttled, false);
	} else if (b->is_throttled) {
		timer_arm(timer, b->period_start_ns + b->period_ns, 0);
	}
	spin_unlock_raw(&b->lock);
	if (goes_on)
		waitq_wake_all(&b->waiters);
}

void sched_group_set_bandwidth(struct group *g, u64 quota_ns, u64 period_ns, u64 burst_ns)
{
	struct group_cpu *b = &g->cpu;
	unsigned long flags;
	struct cpu *cpu;
	struct group *i;

	lock_assert_held(&group_tree_lock);
	flags = arch_irq_save();
	spin_lock_raw(&b->lock);
	if (b->is_throttled)
		b->throttled_ns += time_ns() - b->throttled_since_ns;
	b->quota_ns = quota_ns;
	b->period_ns = period_ns;
	b->burst_ns = burst_ns;
	b->period_start_ns = time_ns();
	b->left_ns = quota_ns == U64_MAX ? 0 : (s64)quota_ns;
	atomic_store(&b->is_throttled, false);
	spin_unlock_raw(&b->lock);
	arch_irq_restore(flags);
	waitq_wake_all(&b->waiters);
	for (i = g; i; i = group_next_below(g, i))
		atomic_store(&i->cpu.limit, i->cpu.quota_ns != U64_MAX ? i : limit_of(i->parent));
	/* Who runs now had another limit, or none, when its end was reckoned. */
	cpu_for_each(cpu, atomic_load(&cpu_active_mask)) {
		struct runq *rq = runq_of(cpu);

		flags = arch_irq_save();
		spin_lock_raw(&rq->lock);
		if (rq->running != rq->idle)
			runq_kick(rq);
		spin_unlock_raw(&rq->lock);
		arch_irq_restore(flags);
	}
}

void sched_group_bandwidth(struct group *g, struct group_bandwidth *out)
{
	struct group_cpu *b = &g->cpu;
	unsigned long flags = arch_irq_save();
	u64 now = time_ns();

	spin_lock_raw(&b->lock);
	*out = (struct group_bandwidth){ b->quota_ns, b->period_ns, b->burst_ns, b->nr_periods, b->nr_throttled,
		b->throttled_ns + (b->is_throttled ? now - b->throttled_since_ns : 0) };
	spin_unlock_raw(&b->lock);
	arch_irq_restore(flags);
}

void sched_group_times(struct group *g, u64 *user_ns, u64 *system_ns)
{
	u64 user = 0, system = 0;
	struct sched_cpu_stats unused;

	lock_assert_held(&group_tree_lock);
	for (unsigned i = 0; i < cpu_count; i++)	/* brings what runs now up to date */
		sched_cpu_stats(i, &unused);
	for (struct group *i = g; i; i = group_next_below(g, i)) {
		user += atomic_load(&i->cpu.user_ticks);
		system += atomic_load(&i->cpu.system_ticks);
	}
	*user_ns = time_span_ns(user);
	*system_ns = time_span_ns(system);
}

int sched_group_create(struct group *g)
{
	struct group_cpu *b = &g->cpu;

	b->load = g->parent ? kcalloc(cpu_count, sizeof(*b->load), 0) : NULL;
	if (g->parent && !b->load)
		return -ENOMEM;
	spin_init(&b->lock, "group bandwidth", LOCK_RUNQ);
	b->quota_ns = U64_MAX;
	b->period_ns = 100 * NSEC_PER_MSEC;
	b->limit = g->parent ? limit_of(g->parent) : NULL;
	timer_init(&b->refill, refill_due);
	waitq_init(&b->waiters);
	return 0;
}

void sched_group_destroy(struct group *g)
{
	(void)timer_cancel_sync(&g->cpu.refill);
	/* What it used stays used: the parent's sums go on from there. */
	atomic_fetch_add(&g->parent->cpu.user_ticks, atomic_load(&g->cpu.user_ticks));
	atomic_fetch_add(&g->parent->cpu.system_ticks, atomic_load(&g->cpu.system_ticks));
	kfree(g->cpu.load);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be chosen: the system policy, at boot (sched=) and while threads run, and the numbers
 * shown in /proc/sys/kernel/sched_* (sched_quantum_ms=, sched_balance_ms= at boot). spec.md has the
 * defaults. Lock: sched_admin_lock for changes.
 */
#include "runq.h"
#include <kernel/boot.h>
#include <kernel/log.h>
#include <lib/string.h>
#include <uapi/errno.h>

const struct sched_policy *const sched_system_policies[] = {
	&sched_policy_mlfq, &sched_policy_round_robin, &sched_policy_priority, &sched_policy_fair,
};
const unsigned sched_system_policies_len = ARRAY_LEN(sched_system_policies);

struct sched_settings sched_settings = {
	.quantum_ms = 20,
	.balance_ms = 50,
	.rr_timeslice_ms = 100,		/* SCHED_RR, as Linux */
	.affinity = 1,
	.balance = 1,
	.rt_runtime_us = 950000,
	.rt_period_us = 1000000,
	.boost_ms = 500,
	.deadline_period_min_us = 100,
	.deadline_period_max_us = 1u << 22,	/* as Linux */
};

static const struct sched_policy *system_policy = &sched_policy_mlfq;	/* [a], changed under sched_admin_lock */
static u32 system_policy_seq = SLOT_COUNT + 1;				/* sched_admin_lock */

/* 1024 * 1.25^-nice, rounded: one step of nice is a tenth of the CPU between two threads. */
static const u32 weights[NICE_COUNT] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

u64 sched_weight(const struct thread *t)
{
	u64 weight = weights[clamp(t->nice, -20, 19) + 20];

	return likely(t->turn_share == SHARE_ONE || !t->turn_share) ? weight : max(weight * t->turn_share / SHARE_ONE, 2ull);
}

u32 sched_weight_of_nice(int nice) { return weights[clamp(nice, -20, 19) + 20]; }

/*
 * Turns in 1/360 of the default quantum, by nice: 2 at -20, 1.5 at -10, 1 at 0, 0.5 at 10, 0.25 at 19: with 20 ms the
 * 40, 30, 20, 10 and 5 ms of the priorities critical, high, normal, low and idle.
 */
static u64 turn_share(s32 nice)
{
	if (nice <= 10)
		return (u64)(360 - 18 * nice);
	return (u64)(180 - 10 * (nice - 10));
}

u64 quantum_of_nice(s32 nice)
{
	if (likely(nice == 0))
		return atomic_load(&sched_settings.quantum_ms) * NSEC_PER_MSEC;
	return turn_share(clamp(nice, -20, 19)) * atomic_load(&sched_settings.quantum_ms) * NSEC_PER_MSEC / 360;
}

u64 sched_quantum_ns(struct thread *t)
{
	unsigned long flags = arch_irq_save();
	struct runq *rq = runq_lock_of(t);
	u64 ns = runq_policy(rq, t)->quantum(t);

	spin_unlock_raw(&rq->lock);
	arch_irq_restore(flags);
	return ns;
}

const char *sched_policy_name(const struct thread *t)
{
	switch (t->sched_slot) {
	case SLOT_DEADLINE:
		return deadline_is_rm() ? "rm" : "edf";
	case SLOT_SYSTEM:
		return atomic_load(&system_policy)->name;
	default:
		return runq_of(&cpu_boot)->policy[t->sched_slot]->name;
	}
}

const char *sched_system_policy_name(void) { return atomic_load(&system_policy)->name; }
const char *sched_deadline_order_name(void) { return deadline_is_rm() ? "rm" : "edf"; }

const char *sched_system_policy_at(unsigned i)
{
	return i < sched_system_policies_len ? sched_system_policies[i]->name : NULL;
}

void sched_settings_changed(void)
{
	mutex_lock(&sched_admin_lock);
	sched_refresh_all();
	mutex_unlock(&sched_admin_lock);
}

static const struct sched_policy *policy_named(const char *name)
{
	for (unsigned i = 0; i < sched_system_policies_len; i++)
		if (!strcmp(sched_system_policies[i]->name, name))
			return sched_system_policies[i];
	return NULL;
}

/* A queue whose threads, if it has any, are out. */
static void install(struct runq *rq)
{
	rq->policy[SLOT_SYSTEM] = system_policy;
	rq->policy_seq[SLOT_SYSTEM] = system_policy_seq;
	system_policy->init(rq->data[SLOT_SYSTEM]);
}

void settings_install(struct runq *rq)
{
	static const struct sched_policy *const fixed[SLOT_COUNT] = {
		[SLOT_DEADLINE] = &sched_policy_deadline,
		[SLOT_FIXED] = &sched_policy_fixed,
		[SLOT_BACKGROUND] = &sched_policy_background,
	};

	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		if (slot == SLOT_SYSTEM)
			continue;
		assert(fixed[slot]->data_size <= SLOT_DATA_SIZE);
		rq->policy[slot] = fixed[slot];
		rq->policy_seq[slot] = slot + 1;
		fixed[slot]->init(rq->data[slot]);
	}
	install(rq);
}

/*
 * One CPU's waiting threads change over: all out in the old order, in again under the new policy.
 * Sleeping ones notice by policy_seq when they wake, those in flight when they arrive.
 */
static void change_over(struct runq *rq)
{
	struct list waiting = LIST_INIT(waiting);
	struct thread *t;

	rq->now_ns = max(rq->now_ns, time_ns());
	if (rq->running != rq->idle)
		runq_account_current(rq, rq->now_ns);
	while (rq->queued[SLOT_SYSTEM]) {
		runq_count_less(rq, SLOT_SYSTEM);
		t = rq->policy[SLOT_SYSTEM]->pick(rq, rq->data[SLOT_SYSTEM]);
		list_push_back(&waiting, &t->rq_link);
	}
	install(rq);
	while ((t = list_first(&waiting, struct thread, rq_link))) {
		list_remove(&t->rq_link);
		(void)runq_insert(rq, t, ENQUEUE_WOKEN);
	}
	runq_meet(rq, rq->running);
	runq_kick(rq);
}

int sched_policy_choose(const char *name)
{
	const struct sched_policy *p = policy_named(name);
	unsigned long flags;
	struct cpu *cpu;

	if (!p)
		return -EINVAL;
	mutex_lock(&sched_admin_lock);
	if (p != system_policy) {
		atomic_store(&system_policy, p);
		system_policy_seq++;
		cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
			flags = arch_irq_save();
			spin_lock_raw(&runq_of(cpu)->lock);
			change_over(runq_of(cpu));
			spin_unlock_raw(&runq_of(cpu)->lock);
			arch_irq_restore(flags);
		}
		if (atomic_load(&sched_trace_on))
			trace_policy(name);
		log_info("sched: system policy %s", name);
	}
	mutex_unlock(&sched_admin_lock);
	return 0;
}

/* Before threads run. */
void settings_read_cmdline(void)
{
	const char *name = cmdline_get("sched");
	const struct sched_policy *p = name && *name ? policy_named(name) : NULL;

	if (p)
		system_policy = p;
	else if (name && *name)
		log_warn("sched=%s: no such policy (mlfq, rr, priority, fair)", name);
	sched_settings.quantum_ms = (u32)clamp(cmdline_u64("sched_quantum_ms", 20), 1ull, 1000ull);
	sched_settings.balance_ms = (u32)clamp(cmdline_u64("sched_balance_ms", 50), 1ull, 10000ull);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU goes on, and for how many steps. Three kinds, chosen by the seed or by `schedule=`:
 *   walk    any runnable CPU, for a random time between one step and a few thousand
 *   pct     fixed priorities with random change points (Burckhardt and others, "A randomized scheduler
 *           with probabilistic guarantees of finding bugs", 2010)
 *   starve  as walk, but for long stretches one CPU does not run while another can
 * A CPU that says it spins gives way in all of them.
 */
#include <lib/string.h>
#include "sim.h"

enum kind { WALK, PCT, STARVE };

static struct {
	enum kind kind;
	unsigned max_shift;		/* budgets are below 2^max_shift */
	u64 change_one_in;		/* pct: a change point */
	s64 priority[SIM_CPUS_MAX], lowest;
	unsigned victim;		/* starve */
	u64 until;			/* steps */
} sched;

/* Nanoseconds per step. Slow CPUs let timers, ends of slices and preemption meet more places of the code. */
static const u32 speeds[] = { 1, 1, 5, 20, 80 };

void sim_schedule_init(void)
{
	memset(&sched, 0, sizeof(sched));
	sched.kind = (enum kind)sim_below(SIM_SCHEDULE, 3);
	if (sim_setting_is("schedule", "walk"))
		sched.kind = WALK;
	else if (sim_setting_is("schedule", "pct"))
		sched.kind = PCT;
	else if (sim_setting_is("schedule", "starve"))
		sched.kind = STARVE;
	sim_step_ns = (u32)sim_setting("step", speeds[sim_below(SIM_SCHEDULE, ARRAY_LEN(speeds))]);
	sched.max_shift = 4 + (unsigned)sim_below(SIM_SCHEDULE, 9);
	sched.change_one_in = 1ull << (2 + sim_below(SIM_SCHEDULE, 8));
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++)
		sched.priority[i] = (s64)sim_below(SIM_SCHEDULE, 1000);
}

static bool can_run(const struct sim_vcpu *v)
{
	return v->cpu && !v->is_stopped && (!v->is_waiting || sim_now >= v->busy_until || sim_irq_due(v));
}

/* The n-th of the candidates. */
static struct sim_vcpu *nth(u32 mask, unsigned n)
{
	while (n--)
		mask &= mask - 1;
	return &sim_vcpus[__builtin_ctz(mask)];
}

static struct sim_vcpu *pick_any(u32 mask)
{
	unsigned n = (unsigned)__builtin_popcount(mask);

	return n == 1 ? nth(mask, 0) : nth(mask, (unsigned)sim_below(SIM_SCHEDULE, n));
}

static struct sim_vcpu *pick_highest(u32 mask, struct sim_vcpu *now)
{
	struct sim_vcpu *best = NULL;

	if (now->is_spinning || sim_chance(SIM_SCHEDULE, sched.change_one_in))
		sched.priority[now->id] = --sched.lowest;
	for (; mask; mask &= mask - 1) {
		struct sim_vcpu *v = nth(mask, 0);

		if (!best || sched.priority[v->id] > sched.priority[best->id])
			best = v;
	}
	return best;
}

static struct sim_vcpu *pick_starving(u32 mask)
{
	if (sim_steps >= sched.until) {
		sched.victim = (unsigned)sim_below(SIM_SCHEDULE, sim_nr_cpus * 2);	/* half the time nobody */
		sched.until = sim_steps + (1ull << (8 + sim_below(SIM_SCHEDULE, 12)));
	}
	if (sched.victim < SIM_CPUS_MAX && (mask & ~(1u << sched.victim)))
		mask &= ~(1u << sched.victim);
	return pick_any(mask);
}

struct sim_vcpu *sim_schedule_pick(struct sim_vcpu *now)
{
	u32 mask = 0;

	for (unsigned i = 0; i < sim_nr_cpus; i++)
		if (can_run(&sim_vcpus[i]))
			mask |= 1u << i;
	if (!mask)
		return NULL;
	if (sched.kind == PCT)
		return pick_highest(mask, now);
	if (now->is_spinning && (mask & ~(1u << now->id)))
		mask &= ~(1u << now->id);
	return sched.kind == WALK ? pick_any(mask) : pick_starving(mask);
}

int sim_schedule_budget(void)
{
	return 1 + (int)sim_below(SIM_SCHEDULE, 1ull << sim_below(SIM_SCHEDULE, sched.max_shift + 1));
}

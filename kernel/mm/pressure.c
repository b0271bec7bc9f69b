/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pressure stall information of memory and disks. Who reclaims, waits for the OOM killer's victim or is held back by
 * memory.high calls memory_stall_begin and _end; "some" is the time in which at least one thread does, and is
 * exact. "full", when no other program got on, is looked for every LOOK_NS while somebody waits.
 * Averages decay in periods of two seconds, as Linux's do; where nobody waits nothing runs.
 */
#include <kernel/pressure.h>
#include <kernel/sched.h>
#include <kernel/procfs.h>
#include <kernel/thread.h>

#include "group_memory.h"

#define LOOK_NS (10 * NSEC_PER_MSEC)
#define PERIOD_NS (2 * NSEC_PER_SEC)
#define FIXED 2048u			/* 1.0 */

/* FIXED * exp(-2 s / window) for windows of 10, 60 and 300 s */
static const u32 decay[3] = { 1677, 1981, 2034 };

struct pressure pressure_memory, pressure_io;

static void average(struct pressure *p, unsigned kind, u64 percent_fixed)
{
	for (unsigned i = 0; i < 3; i++)
		p->average[kind][i] = (u32)((p->average[kind][i] * (u64)decay[i] +
					     percent_fixed * (FIXED - decay[i]) + FIXED / 2) / FIXED);
}

/* Brings totals and averages up to now. */
static void roll(struct pressure *p, u64 now)
{
	u64 passed = now > p->stamp_ns ? now - p->stamp_ns : 0, periods;

	lock_assert_held(&p->lock);
	if (p->stalled) {
		p->total_ns[PRESSURE_SOME] += passed;
		p->total_ns[PRESSURE_FULL] += p->is_full ? passed : 0;
	}
	p->stamp_ns = now;
	periods = now > p->period_ns ? (now - p->period_ns) / PERIOD_NS : 0;
	if (!periods)
		return;
	for (unsigned k = 0; k < PRESSURE_KINDS; k++) {
		u64 waited = min(p->total_ns[k] - p->period_total_ns[k], PERIOD_NS);

		/* Nobody looked for several periods: nothing happened but in the first. */
		average(p, k, waited * 100 * FIXED / PERIOD_NS);
		for (u64 i = 1; i < min(periods, 1000ull); i++)
			average(p, k, 0);
		p->period_total_ns[k] = p->total_ns[k];
	}
	p->period_ns += periods * PERIOD_NS;
}

static void look(struct timer *t)
{
	struct pressure *p = container_of(t, struct pressure, timer);
	bool is_full = !sched_group_works(p->group);
	u64 now = time_ns();
	unsigned long irq = spin_lock_irqsave(&p->lock);

	p->is_full = is_full;
	roll(p, now);
	if (p->stalled)
		timer_arm(t, now + LOOK_NS, 0);
	spin_unlock_irqrestore(&p->lock, irq);
}

void pressure_init(struct pressure *p, const struct group *g)
{
	spin_init(&p->lock, "pressure", LOCK_PRESSURE);
	p->group = g;
	p->stamp_ns = p->period_ns = time_ns();
	timer_init(&p->timer, look);
}

void pressure_destroy(struct pressure *p) { (void)timer_cancel_sync(&p->timer); }

static void change(struct pressure *p, s32 n)
{
	unsigned long irq = spin_lock_irqsave(&p->lock);
	u64 now = time_ns();

	roll(p, now);
	p->stalled += (u32)n;
	if (n > 0 && p->stalled == 1) {
		p->is_full = false;
		timer_arm(&p->timer, now + LOOK_NS, 0);
	}
	spin_unlock_irqrestore(&p->lock, irq);
}

static struct pressure *pressure_of(const struct group *g, bool is_io)
{
	if (!g || g == &group_root)
		return is_io ? &pressure_io : &pressure_memory;
	return is_io ? &group_memory(g)->io_pressure : &group_memory(g)->pressure;
}

static void change_path(struct group *g, bool is_io, s32 n)
{
	change(pressure_of(NULL, is_io), n);
	for (; g && g != &group_root; g = g->parent)
		change(pressure_of(g, is_io), n);
}

void memory_stall_begin(struct memory_stall *s)
{
	s->group = NULL;
	if (current->memory_stalled++ || !current->group)
		return;
	s->group = group_of_thread(current);
	change_path(s->group, false, 1);
}

void memory_stall_end(struct memory_stall *s)
{
	current->memory_stalled--;
	if (!s->group)
		return;
	change_path(s->group, false, -1);
	group_put(s->group);
}

void io_stall_begin(struct memory_stall *s)
{
	s->group = NULL;
	if (current->io_stalled++ || !current->group)
		return;
	s->group = group_of_thread(current);
	change_path(s->group, true, 1);
}

void io_stall_end(struct memory_stall *s)
{
	current->io_stalled--;
	if (!s->group)
		return;
	change_path(s->group, true, -1);
	group_put(s->group);
}

u64 pressure_total_ns(struct pressure *p, unsigned kind)
{
	unsigned long irq = spin_lock_irqsave(&p->lock);
	u64 total;

	roll(p, time_ns());
	total = p->total_ns[kind];
	spin_unlock_irqrestore(&p->lock, irq);
	return total;
}

int pressure_group_memory_show(struct text *t, struct group *g)
{
	pressure_show(t, pressure_of(g, false));
	return 0;
}

int pressure_group_io_show(struct text *t, struct group *g)
{
	pressure_show(t, pressure_of(g, true));
	return 0;
}

/* ---- sources of triggers -------------------------------------------------------------------------- */

static u64 source_total(void *arg, unsigned kind) { return pressure_total_ns(arg, kind); }
const struct pressure_source pressure_memory_source = { source_total, &pressure_memory };
const struct pressure_source pressure_io_source = { source_total, &pressure_io };

static int store_proc(void **state, const char *text, void *of) { return pressure_trigger_store(state, text, of); }

static int store_group(void **state, const char *text, struct group *g, bool is_io)
{
	struct pressure_source from = { source_total, pressure_of(g, is_io) };

	return pressure_trigger_store(state, text, &from);
}
static int store_group_memory(void **state, const char *text, void *of) { return store_group(state, text, of, false); }
static int store_group_io(void **state, const char *text, void *of) { return store_group(state, text, of, true); }

const struct text_watch pressure_watch = { store_proc, pressure_trigger_poll, pressure_trigger_release };
const struct text_watch pressure_group_memory_watch = { store_group_memory, pressure_trigger_poll, pressure_trigger_release };
const struct text_watch pressure_group_io_watch = { store_group_io, pressure_trigger_poll, pressure_trigger_release };

void pressure_show(struct text *t, struct pressure *p)
{
	static const char *const names[PRESSURE_KINDS] = { "some", "full" };
	u32 avg[PRESSURE_KINDS][3];
	u64 total[PRESSURE_KINDS];
	unsigned long irq = spin_lock_irqsave(&p->lock);

	roll(p, time_ns());
	for (unsigned k = 0; k < PRESSURE_KINDS; k++) {
		total[k] = p->total_ns[k] / NSEC_PER_USEC;
		for (unsigned i = 0; i < 3; i++)
			avg[k][i] = p->average[k][i];
	}
	spin_unlock_irqrestore(&p->lock, irq);
	for (unsigned k = 0; k < PRESSURE_KINDS; k++)
		text_printf(t, "%s avg10=%u.%02u avg60=%u.%02u avg300=%u.%02u total=%llu\n", names[k],
			    avg[k][0] / FIXED, avg[k][0] % FIXED * 100 / FIXED,
			    avg[k][1] / FIXED, avg[k][1] % FIXED * 100 / FIXED,
			    avg[k][2] / FIXED, avg[k][2] % FIXED * 100 / FIXED, (unsigned long long)total[k]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * .timer units: when the next of their times is, and starting their unit then. A time that has passed
 * unnoticed, on a machine that was slow, counts all the same: at once.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "init.h"

static struct unit *target_of(const struct unit *u)
{
	char name[CONFIG_NAME_MAX + 8];

	if (u->c->activates)
		return unit_get(u->c->activates);
	snprintf(name, sizeof name, "%.*s.service", (int)(strlen(u->name) - 6), u->name);
	return unit_get(name);
}

static void fire(struct unit *u)
{
	struct unit *target = target_of(u);
	int error = target ? unit_post(target, SUP_EV_START, 0) : SUP_ENOTFOUND;

	if (error)
		say("%s: %s", u->name, sup_error_name(error));
	u->fired_at = now_ns();
	state_save(u);
	timer_unit_arm(u);
}

static void earlier(uint64_t *best, uint64_t at)
{
	if (at < *best)
		*best = at;
}

/* Once each: unless the timer has started its unit since. */
static void once(const struct unit *u, uint64_t *best, uint64_t at)
{
	if (at > u->fired_at)
		earlier(best, at);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Times counted from the unit's last start or end. Of one that runs only what is to come, else the timer
 * would start what runs over and over; when it ends the timer is set again. A start that was refused
 * counts as one: the next try is not at once.
 */
static void since_unit(const struct unit *u, const struct unit *target, uint64_t now, uint64_t *best)
{
	const struct timer_config *c = u->c->timer;
	const struct sup_unit *s = unit_state(target);
	bool is_active = sup_is_active(s);
	uint64_t started = later(target->attempt_at, u->fired_at), ended = later(s->since, u->fired_at);

	if (!target->attempt_at)
		return;		/* never ran */
	if (c->on_unit_active && (!is_active || started + c->on_unit_active > now))
		earlier(best, started + c->on_unit_active);
	if (c->on_unit_inactive && !is_active)
		earlier(best, ended + c->on_unit_inactive);
}

static void at_calendar(const struct calendar *calendars, uint64_t now, uint64_t *best)
{
	for (const struct calendar *k = calendars; k; k = k->next) {
		struct timespec wall;
		int64_t next;

		clock_gettime(CLOCK_REALTIME, &wall);
		next = calendar_next(k, wall.tv_sec);
		if (next)
			earlier(best, now + (next - wall.tv_sec) * 1000000000ull - wall.tv_nsec);
	}
}

void timer_unit_arm(struct unit *u)
{
	const struct timer_config *c = u->c->timer;
	struct unit *target = target_of(u);
	uint64_t now = now_ns(), best = SUP_NEVER;

	if (u->unit_timer.fire && u->unit_timer.at <= now)
		return;		/* due: about to be heard */
	if (c->on_boot)
		once(u, &best, init.began + c->on_boot);
	if (c->on_active)
		once(u, &best, unit_state(u)->since + c->on_active);
	if (target)
		since_unit(u, target, now, &best);
	at_calendar(c->calendars, now, &best);
	if (best == SUP_NEVER)
		timer_clear(&u->unit_timer);
	else
		timer_set(&u->unit_timer, best, fire, u);
}

void timers_unit_changed(const struct unit *target)
{
	for (uint32_t i = 0; init.has_timers && i < init.sup.units; i++) {
		struct unit *t = init.units[i];

		if (t->type == UNIT_TIMER && t->step == STEP_UP &&
		    (t->c->timer->on_unit_inactive || t->c->timer->on_unit_active) && target_of(t) == target)
			timer_unit_arm(t);
	}
}

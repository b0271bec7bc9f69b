/* SPDX-License-Identifier: BSD-2-Clause */
/* .timer units: when the next of their times is, and starting their unit then. */
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
	u->accepted++;
	timer_unit_arm(u, false);
}

static void earlier(uint64_t *best, uint64_t at, uint64_t now)
{
	if (at > now && at < *best)
		*best = at;
}

/* Sets the timer to the nearest of its times. FROM_START: the timer itself was just started. */
void timer_unit_arm(struct unit *u, bool from_start)
{
	uint64_t now = now_ns(), best = SUP_NEVER;
	const struct config *c = u->c;
	struct unit *target = target_of(u);
	struct sup_unit *s = target ? unit_state(target) : NULL;

	if (c->on_boot)
		earlier(&best, from_start && init.began + c->on_boot <= now ? now + 1 : init.began + c->on_boot, now);
	if (c->on_active)
		earlier(&best, unit_state(u)->since + c->on_active, now);
	if (c->on_unit_active && s && (s->since || !from_start))
		earlier(&best, (s->state == SUP_RUNNING ? s->since : now) + c->on_unit_active, now);
	if (c->on_unit_inactive && s && !sup_is_active(s) && s->since)
		earlier(&best, s->since + c->on_unit_inactive, now);
	for (const struct calendar *k = c->calendars; k; k = k->next) {
		struct timespec wall;
		int64_t next;

		clock_gettime(CLOCK_REALTIME, &wall);
		next = calendar_next(k, wall.tv_sec);
		if (next)
			earlier(&best, now + (next - wall.tv_sec) * 1000000000ull - wall.tv_nsec, now);
	}
	if (best == SUP_NEVER)
		timer_clear(&u->unit_timer);
	else
		timer_set(&u->unit_timer, best, fire, u);
}

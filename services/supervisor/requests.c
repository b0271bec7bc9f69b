/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of the supervisor: each request checked, then a change of state or of jobs. */
#include "engine.h"

static int request_start(struct sup *s, uint32_t u, uint64_t now)
{
	const struct sup_unit *unit = &s->unit[u];

	if (s->is_stopping_all)
		return SUP_ESHUTDOWN;
	if (unit->state == SUP_PAUSED && !unit->job)
		return SUP_ENOTSTOPPED;
	if (sup_is_start(unit->job) || (!unit->job && (unit->state == SUP_RUNNING || unit->state == SUP_STARTING)))
		return 0;
	return sup_plan_start(s, u, now);
}

static int request_stop(struct sup *s, uint32_t u)
{
	sup_plan_stop(s, u, SUP_JOB_STOP);
	return 0;
}

static int request_restart(struct sup *s, uint32_t u, uint64_t now)
{
	const struct sup_unit *unit = &s->unit[u];

	if (s->is_stopping_all)
		return SUP_ESHUTDOWN;
	if (unit->flags & SUP_F_MISSING)
		return SUP_ENOTFOUND;
	if (unit->flags & SUP_F_BROKEN)
		return SUP_ECONFIG;
	if (!sup_is_active(unit) || unit->job == SUP_JOB_STOP)
		return request_start(s, u, now);
	sup_plan_stop(s, u, SUP_JOB_RESTART);
	return 0;
}

static int request_pause(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state != SUP_RUNNING || unit->job)
		return SUP_ENOTRUNNING;
	sup_clear_timers(unit);
	sup_set_state(s, u, SUP_PAUSED, now);
	sup_todo(s, u, SUP_DO_FREEZE);
	return 0;
}

static int request_resume(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state != SUP_PAUSED || unit->job)
		return SUP_ENOTRUNNING;
	sup_set_state(s, u, SUP_RUNNING, now);
	sup_arm_watchdog(s, unit, now);
	sup_todo(s, u, SUP_DO_THAW);
	return 0;
}

static int request_enable(struct sup *s, uint32_t u, bool enable)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->flags & SUP_F_MISSING)
		return SUP_ENOTFOUND;
	if (unit->enabled != enable)
		sup_todo(s, u, SUP_DO_CHANGED);
	unit->enabled = enable;
	if (unit->state == (enable ? SUP_DISABLED : SUP_STOPPED))
		unit->state = enable ? SUP_STOPPED : SUP_DISABLED;
	return 0;
}

/* Forgets failures: the state, the starts counted and the back-off. */
static int request_reset(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	unit->starts_used = unit->starts_at = 0;
	unit->attempts = 0;
	if (unit->state == SUP_FAILED && !unit->job) {
		unit->result = SUP_R_OK;
		sup_set_state(s, u, SUP_STOPPED, now);
	}
	return 0;
}

int sup_request_stop_all(struct sup *s)
{
	s->is_stopping_all = true;
	sup_touch_all(s);
	for (uint32_t u = 0; u < s->units; u++) {
		struct sup_unit *unit = &s->unit[u];

		if (unit->job == SUP_JOB_STOP)
			continue;
		sup_job_done(s, u, SUP_R_CANCELLED);
		if (sup_is_active(unit))
			sup_set_job(s, u, SUP_JOB_STOP);
	}
	return 0;
}

int sup_request(struct sup *s, const struct sup_event *e)
{
	switch (e->kind) {
	case SUP_EV_START:
		return request_start(s, e->unit, e->now);
	case SUP_EV_STOP:
		return request_stop(s, e->unit);
	case SUP_EV_RESTART:
		return request_restart(s, e->unit, e->now);
	case SUP_EV_PAUSE:
		return request_pause(s, e->unit, e->now);
	case SUP_EV_RESUME:
		return request_resume(s, e->unit, e->now);
	case SUP_EV_ENABLE:
		return request_enable(s, e->unit, true);
	case SUP_EV_DISABLE:
		return request_enable(s, e->unit, false);
	case SUP_EV_RESET:
		return request_reset(s, e->unit, e->now);
	default:
		return SUP_EINVALID;
	}
}

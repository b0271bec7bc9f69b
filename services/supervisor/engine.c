/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's state machine: what each fact does to a unit, which jobs may run now, what the clock
 * brings. Requests are requests.c's, lists jobs.c's, the sets of units that a request concerns plan.c's,
 * tables policy.c's.
 */
#include "engine.h"

/* ---- states and deadlines ----------------------------------------------------------------------- */

void sup_set_deadline(struct sup *s, uint64_t *field, uint64_t now, uint64_t delay)
{
	*field = delay ? (now > SUP_NEVER - 1 - delay ? SUP_NEVER - 1 : now + delay) : 0;
	if (*field && *field < s->next)
		s->next = *field;
}

void sup_arm_watchdog(struct sup *s, struct sup_unit *unit, uint64_t now)
{
	if (!(unit->flags & SUP_F_ONESHOT))
		sup_set_deadline(s, &unit->watchdog_at, now, unit->watchdog);
}

void sup_set_state(struct sup *s, uint32_t u, enum sup_state state, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (state == SUP_STOPPED && !unit->enabled)
		state = SUP_DISABLED;
	if (unit->state != state)
		unit->since = now;
	unit->state = state;
	unit->is_waiting_restart = false;
	if (state != SUP_STARTING)	/* which nobody waits for: neither settled nor gone */
		sup_touch_around(s, u);
	sup_todo(s, u, SUP_DO_CHANGED);
}

void sup_refuse(struct sup *s, uint32_t u, enum sup_result result)
{
	struct sup_unit *unit = &s->unit[u];

	if (sup_is_active(unit) || unit->job)
		return;
	unit->result = result;
	unit->state = SUP_FAILED;
	sup_touch_around(s, u);
	sup_todo(s, u, SUP_DO_CHANGED);
}

/* ---- leaving a state ------------------------------------------------------------------------ */

void sup_clear_timers(struct sup_unit *u)
{
	u->deadline = u->watchdog_at = 0;
}

/* It ended by itself: what is bound to it stops. */
static void stop_bound(struct sup *s, uint32_t u)
{
	const struct sup_unit *unit = &s->unit[u];

	for (uint32_t k = 0; k < unit->in_count; k++) {
		const struct sup_edge *e = &s->edge[s->in_edge[unit->in + k]];

		if ((e->bits & SUP_BINDS_TO) && sup_is_active(&s->unit[e->from]) &&
		    s->unit[e->from].job != SUP_JOB_STOP)
			sup_plan_stop(s, e->from, SUP_JOB_STOP);
	}
}

static void fail(struct sup *s, uint32_t u, enum sup_result result, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	sup_clear_timers(unit);
	unit->stage = unit->forced = 0;
	unit->result = result;
	sup_set_state(s, u, SUP_FAILED, now);
	sup_job_done(s, u, result);
	stop_bound(s, u);
}

static void attempt(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	unit->bad_checks = 0;
	unit->is_unhealthy = false;
	unit->forced = unit->stage = 0;
	if (!sup_limit_take(unit, now)) {
		fail(s, u, SUP_R_START_LIMIT, now);
		return;
	}
	unit->result = SUP_R_OK;
	unit->job_deadline = 0;
	sup_set_state(s, u, SUP_STARTING, now);
	sup_set_deadline(s, &unit->deadline, now, unit->timeout_start);
	sup_todo(s, u, SUP_DO_START);
}

static enum sup_result result_of(const struct sup_unit *u, enum sup_cause cause)
{
	static const uint8_t results[SUP_CAUSES] = {
		SUP_R_OK, SUP_R_EXIT, SUP_R_SIGNAL, SUP_R_TIMEOUT, SUP_R_WATCHDOG,
	};

	return u->forced ? u->forced : results[cause];
}

/* Its end was not asked for: once more, or over. */
static void end_by_itself(struct sup *s, uint32_t u, enum sup_cause cause, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];
	enum sup_result result = result_of(unit, cause);
	bool was_starting = unit->state == SUP_STARTING;

	if (unit->forced == SUP_R_TIMEOUT)
		cause = SUP_TIMEOUT;
	else if (unit->forced)
		cause = SUP_WATCHDOG;
	if (was_starting && (unit->flags & SUP_F_ONESHOT) && cause == SUP_CLEAN) {
		sup_clear_timers(unit);
		sup_set_state(s, u, unit->flags & SUP_F_REMAIN ? SUP_RUNNING : SUP_STOPPED, now);
		sup_job_done(s, u, SUP_R_OK);
		return;
	}
	sup_clear_timers(unit);
	unit->stage = unit->forced = 0;
	unit->result = result;
	if (!s->is_stopping_all && sup_policy_restarts(unit->restart, cause)) {
		/* Long enough up: the next wait is short again. */
		if (!was_starting && now - unit->since >= unit->restart_delay_max)
			unit->attempts = 0;
		uint64_t delay = sup_backoff(unit);

		if (unit->attempts < UINT16_MAX)
			unit->attempts++;
		sup_set_state(s, u, SUP_STARTING, now);
		unit->is_waiting_restart = true;
		sup_set_deadline(s, &unit->deadline, now, delay ? delay : 1);
		stop_bound(s, u);
		return;
	}
	if (result == SUP_R_OK && was_starting)
		result = SUP_R_PROTOCOL;	/* ended before it said that it is ready */
	if (result != SUP_R_OK) {
		fail(s, u, result, now);
		return;
	}
	sup_set_state(s, u, SUP_STOPPED, now);
	sup_job_done(s, u, SUP_R_OK);
	stop_bound(s, u);
}

static void stopped_as_asked(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];
	bool by_force = unit->forced == SUP_R_TIMEOUT || unit->stage == SUP_STAGE_KILL;

	sup_clear_timers(unit);
	unit->stage = unit->forced = 0;
	unit->attempts = 0;
	unit->is_unhealthy = false;
	unit->result = by_force ? SUP_R_TIMEOUT : SUP_R_OK;
	sup_set_state(s, u, by_force && unit->job != SUP_JOB_RESTART ? SUP_FAILED : SUP_STOPPED, now);
	if (unit->job == SUP_JOB_RESTART) {
		sup_set_job(s, u, SUP_JOB_START);
		sup_set_deadline(s, &unit->job_deadline, now, unit->timeout_dependency);
	} else {
		sup_job_done(s, u, SUP_R_OK);
	}
}

static void exited(struct sup *s, uint32_t u, enum sup_cause cause, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (!sup_is_active(unit) || unit->is_waiting_restart || cause >= SUP_CAUSES)
		return;
	if (unit->state == SUP_STOPPING &&
	    (unit->job == SUP_JOB_STOP || unit->job == SUP_JOB_RESTART))
		stopped_as_asked(s, u, now);
	else if (unit->job == SUP_JOB_STOP || unit->job == SUP_JOB_RESTART) {
		/* Ended while its stop still waited for others. */
		sup_todo(s, u, unit->state == SUP_PAUSED ? SUP_DO_THAW : 0);
		stopped_as_asked(s, u, now);
	} else
		end_by_itself(s, u, cause, now);
}

/* ---- running jobs --------------------------------------------------------------------------- */

static void begin_stop(struct sup *s, uint32_t u, uint8_t action, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state == SUP_PAUSED)
		sup_todo(s, u, SUP_DO_THAW);
	sup_clear_timers(unit);
	sup_set_state(s, u, SUP_STOPPING, now);
	unit->stage = SUP_STAGE_TERM;
	sup_set_deadline(s, &unit->deadline, now, unit->timeout_stop);
	sup_todo(s, u, action);
}

static void force_stop(struct sup *s, uint32_t u, enum sup_result why, uint8_t action, uint64_t now)
{
	begin_stop(s, u, action, now);
	s->unit[u].forced = why;
}

enum verdict { WAIT, GO, NO };

static bool is_settled(const struct sup_unit *u)
{
	return !u->job && u->state != SUP_STARTING && u->state != SUP_STOPPING;
}

static bool is_excluded(const struct sup *s, uint32_t u)
{
	const struct sup_unit *unit = &s->unit[u];

	for (uint32_t e = unit->out; e < unit->out + unit->out_count; e++)
		if ((s->edge[e].bits & SUP_CONFLICTS) && s->edge[e].to != u && sup_is_active(&s->unit[s->edge[e].to]))
			return true;
	for (uint32_t k = 0; k < unit->in_count; k++) {
		const struct sup_edge *edge = &s->edge[s->in_edge[unit->in + k]];

		if ((edge->bits & SUP_CONFLICTS) && edge->from != u && sup_is_active(&s->unit[edge->from]))
			return true;
	}
	return false;
}

/* May U, which has a start job, start now? */
static enum verdict may_start(const struct sup *s, uint32_t u)
{
	const struct sup_unit *unit = &s->unit[u];
	enum verdict verdict = GO;

	if (!unit->is_early && s->early_starts)
		return WAIT;
	for (uint32_t e = unit->out; e < unit->out + unit->out_count; e++) {
		const struct sup_edge *edge = &s->edge[e];
		const struct sup_unit *to = &s->unit[edge->to];
		bool is_hard = edge->bits & SUP_HARD;

		if (edge->to == u)
			continue;
		if (is_hard && !to->job && to->state == SUP_FAILED)
			return NO;
		if (!(edge->bits & SUP_AFTER))
			continue;
		if (!is_settled(to))
			verdict = WAIT;
		else if (is_hard && !sup_is_active(to) &&
			 (to->result == SUP_R_CANCELLED || (edge->bits & SUP_BINDS_TO)))
			return NO;
		if (verdict == WAIT && !unit->has_hard)
			return WAIT;	/* no other edge can say no */
	}
	return unit->has_conflicts && is_excluded(s, u) ? WAIT : verdict;
}

static bool may_stop(const struct sup *s, uint32_t u)
{
	const struct sup_unit *unit = &s->unit[u];

	if (s->is_stopping_all && unit->is_late && s->normal_stops)
		return false;
	for (uint32_t k = 0; k < unit->in_count; k++) {
		const struct sup_edge *edge = &s->edge[s->in_edge[unit->in + k]];
		const struct sup_unit *from = &s->unit[edge->from];

		if ((edge->bits & SUP_AFTER) && edge->from != u && sup_is_active(from) &&
		    (from->job == SUP_JOB_STOP || from->job == SUP_JOB_RESTART))
			return false;
	}
	return true;
}

static void run_stop(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state == SUP_STOPPING || !may_stop(s, u))
		return;
	if (unit->is_waiting_restart || !sup_is_active(unit))
		stopped_as_asked(s, u, now);
	else
		begin_stop(s, u, SUP_DO_STOP_IT, now);
}

static void run_start(struct sup *s, uint32_t u, uint64_t now)
{
	if (sup_is_active(&s->unit[u]))
		return;		/* begun already */
	switch (may_start(s, u)) {
	case GO:
		attempt(s, u, now);
		break;
	case NO:
		fail(s, u, SUP_R_DEPENDENCY, now);
		break;
	case WAIT:
		break;
	}
}

/* Lets every job that may be concerned go as far as it may; each change can free others, until nothing changes. */
static void kick(struct sup *s, uint64_t now)
{
	while (s->touched_first != SUP_NONE) {
		uint32_t u = s->touched_first;
		struct sup_unit *unit = &s->unit[u];

		s->touched_first = unit->next_touched;
		if (s->touched_first == SUP_NONE)
			s->touched_last = SUP_NONE;
		unit->is_touched = false;
		if (unit->job == SUP_JOB_START)
			run_start(s, u, now);
		else if (unit->job)
			run_stop(s, u, now);
	}
}

/* ---- facts ---------------------------------------------------------------------------------- */

static void ready(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state != SUP_STARTING || unit->is_waiting_restart || (unit->flags & SUP_F_ONESHOT))
		return;
	unit->deadline = 0;
	sup_set_state(s, u, SUP_RUNNING, now);
	sup_arm_watchdog(s, unit, now);
	if (unit->job == SUP_JOB_START)
		sup_job_done(s, u, SUP_R_OK);
}

static void skip(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state != SUP_STARTING || unit->is_waiting_restart)
		return;
	sup_clear_timers(unit);
	unit->result = SUP_R_SKIPPED;
	sup_set_state(s, u, SUP_STOPPED, now);
	sup_job_done(s, u, SUP_R_SKIPPED);
}

static void tell_dependants_unhealthy(struct sup *s, uint32_t u)
{
	const struct sup_unit *unit = &s->unit[u];

	for (uint32_t k = 0; k < unit->in_count; k++) {
		const struct sup_edge *e = &s->edge[s->in_edge[unit->in + k]];
		const struct sup_unit *from = &s->unit[e->from];

		if (!(e->bits & (SUP_HARD | SUP_WANTS)) || from->state != SUP_RUNNING || from->job)
			continue;
		if (from->on_dependency_unhealthy == SUP_DO_RESTART)
			sup_plan_stop(s, e->from, SUP_JOB_RESTART);
		else if (from->on_dependency_unhealthy == SUP_DO_STOP)
			sup_plan_stop(s, e->from, SUP_JOB_STOP);
	}
}

static void health(struct sup *s, uint32_t u, bool is_good, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->state != SUP_RUNNING)
		return;
	if (is_good) {
		unit->bad_checks = 0;
		if (unit->is_unhealthy)
			sup_todo(s, u, SUP_DO_CHANGED);
		unit->is_unhealthy = false;
		return;
	}
	if (unit->bad_checks < UINT16_MAX)
		unit->bad_checks++;
	if (unit->is_unhealthy || !unit->health_threshold || unit->bad_checks < unit->health_threshold)
		return;
	unit->is_unhealthy = true;
	sup_todo(s, u, SUP_DO_CHANGED);
	tell_dependants_unhealthy(s, u);
	if (!(unit->flags & SUP_F_KEEP) && !unit->job)
		force_stop(s, u, SUP_R_HEALTH, SUP_DO_STOP_IT, now);
}

/* ---- the clock ------------------------------------------------------------------------------ */

static void state_deadline(struct sup *s, uint32_t u, uint64_t now)
{
	struct sup_unit *unit = &s->unit[u];

	unit->deadline = 0;
	if (unit->is_waiting_restart) {
		unit->restarts++;
		attempt(s, u, now);
	} else if (unit->state == SUP_STARTING) {
		force_stop(s, u, SUP_R_TIMEOUT, SUP_DO_STOP_IT, now);
	} else if (unit->state == SUP_STOPPING && unit->stage == SUP_STAGE_TERM) {
		unit->stage = SUP_STAGE_KILL;
		if (!unit->forced)
			unit->forced = SUP_R_TIMEOUT;
		sup_set_deadline(s, &unit->deadline, now, unit->timeout_stop);
		sup_todo(s, u, SUP_DO_KILL);
	} else if (unit->state == SUP_STOPPING) {
		/* Not even SIGKILL ended it: nobody waits for it any longer. */
		if (unit->job == SUP_JOB_STOP || unit->job == SUP_JOB_RESTART)
			stopped_as_asked(s, u, now);
		else
			fail(s, u, SUP_R_TIMEOUT, now);
	}
}

/* What it only wants, or comes after, is not waited for any longer; what it needs is missing. */
static void waited_too_long(struct sup *s, uint32_t u, uint64_t now)
{
	const struct sup_unit *unit = &s->unit[u];

	for (uint32_t i = 0; i < unit->out_count + unit->in_count; i++) {
		bool is_out = i < unit->out_count;
		const struct sup_edge *e = is_out ? &s->edge[unit->out + i]
			: &s->edge[s->in_edge[unit->in + i - unit->out_count]];
		const struct sup_unit *other = &s->unit[is_out ? e->to : e->from];

		if (((e->bits & SUP_CONFLICTS) && sup_is_active(other) && other != unit) ||
		    (is_out && (e->bits & SUP_HARD) && (e->bits & SUP_AFTER) && !is_settled(other))) {
			fail(s, u, SUP_R_DEPENDENCY_TIMEOUT, now);
			return;
		}
	}
	attempt(s, u, now);
}

static void tick(struct sup *s, uint64_t now)
{
	if (now < s->next)
		return;
	s->next = SUP_NEVER;
	for (uint32_t u = 0; u < s->units; u++) {
		struct sup_unit *unit = &s->unit[u];

		if (unit->deadline && unit->deadline <= now)
			state_deadline(s, u, now);
		if (unit->watchdog_at && unit->watchdog_at <= now)
			force_stop(s, u, SUP_R_WATCHDOG, SUP_DO_ABORT, now);
		if (unit->job_deadline && unit->job_deadline <= now) {
			unit->job_deadline = 0;
			if (unit->job == SUP_JOB_START && !sup_is_active(unit))
				waited_too_long(s, u, now);
		}
		uint64_t fields[] = { unit->deadline, unit->watchdog_at, unit->job_deadline };

		for (unsigned int i = 0; i < 3; i++)
			if (fields[i] && fields[i] < s->next)
				s->next = fields[i];
	}
}

uint64_t sup_deadline(struct sup *s)
{
	return s->next;
}

/* ---- events --------------------------------------------------------------------------------- */

static void fact(struct sup *s, const struct sup_event *e)
{
	struct sup_unit *unit = &s->unit[e->unit];

	switch (e->kind) {
	case SUP_EV_READY:
		ready(s, e->unit, e->now);
		break;
	case SUP_EV_SKIP:
		skip(s, e->unit, e->now);
		break;
	case SUP_EV_EXIT:
		exited(s, e->unit, e->arg, e->now);
		break;
	case SUP_EV_PING:
		if (unit->state == SUP_RUNNING)
			sup_arm_watchdog(s, unit, e->now);
		break;
	case SUP_EV_HEALTH:
		health(s, e->unit, e->arg, e->now);
		break;
	}
}

int sup_step(struct sup *s, const struct sup_event *e)
{
	int answer = 0;

	if (e->kind >= SUP_EVENTS)
		return SUP_EINVALID;
	if (e->kind != SUP_EV_TICK && e->kind != SUP_EV_STOP_ALL && e->unit >= s->units)
		return SUP_ENOTFOUND;
	tick(s, e->now);	/* what was due before this event comes first */
	if (e->kind == SUP_EV_STOP_ALL)
		answer = sup_request_stop_all(s);
	else if (e->kind >= SUP_EV_READY)
		fact(s, e);
	else if (e->kind != SUP_EV_TICK)
		answer = sup_request(s, e);
	kick(s, e->now);
	return answer;
}

void sup_unit_init(struct sup_unit *u)
{
	*u = (struct sup_unit){
		.timeout_start = 30000 * SUP_MS, .timeout_stop = 5000 * SUP_MS,
		.timeout_dependency = 30000 * SUP_MS,
		.restart_delay = 100 * SUP_MS, .restart_delay_max = 10000 * SUP_MS,
		.limit_interval = 10000 * SUP_MS, .health_threshold = 3,
		.enabled = true, .next_todo = SUP_NONE, .next_job = SUP_NONE, .previous_job = SUP_NONE, .next_touched = SUP_NONE,
	};
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the engine's own files: engine.c (states), requests.c, jobs.c (lists), plan.c (what a request sets in motion). */
#ifndef SERVICES_SUPERVISOR_ENGINE_H
#define SERVICES_SUPERVISOR_ENGINE_H

#include "supervisor.h"

#define SUP_HARD (SUP_REQUIRES | SUP_BINDS_TO)

/* Gives the unit a job (or none), keeping the list of jobs and the counts of early and late ones. */
void sup_set_job(struct sup *s, uint32_t u, enum sup_job job);

/* Something that U's job waits for may have changed; the same for all that have an edge to or from it; for all with jobs. */
void sup_touch(struct sup *s, uint32_t u);
void sup_touch_around(struct sup *s, uint32_t u);
void sup_touch_all(struct sup *s);

static inline bool sup_is_start(unsigned int job)
{
	return job == SUP_JOB_START || job == SUP_JOB_RESTART;
}

/* Enters a state (stopped and not enabled: disabled) and tells the owner and all whose jobs may wait for it. */
void sup_set_state(struct sup *s, uint32_t u, enum sup_state state, uint64_t now);

/* FIELD of a unit becomes NOW + DELAY, 0 for no DELAY. */
void sup_set_deadline(struct sup *s, uint64_t *field, uint64_t now, uint64_t delay);
void sup_clear_timers(struct sup_unit *u);

/* The next ping is due; a finished oneshot has nobody who could. */
void sup_arm_watchdog(struct sup *s, struct sup_unit *unit, uint64_t now);

/* requests.c; each 0 or an enum sup_error. */
int sup_request(struct sup *s, const struct sup_event *e);
int sup_request_stop_all(struct sup *s);

/* Marks actions to be handed out. */
void sup_todo(struct sup *s, uint32_t u, uint8_t bits);

/* Ends the unit's job with that result and tells the owner; nothing if there is no job. */
void sup_job_done(struct sup *s, uint32_t u, enum sup_result result);

/* A wanted unit that cannot be started at all: failed, with the reason. */
void sup_refuse(struct sup *s, uint32_t u, enum sup_result result);

/* Gives jobs to the unit and to all that starts, stops or restarts with it; 0 or an error. */
int sup_plan_start(struct sup *s, uint32_t u, uint64_t now);
void sup_plan_stop(struct sup *s, uint32_t u, enum sup_job job);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's lists: what the owner is to do, which units have jobs, whose jobs may go on since
 * something they wait for has changed. What the jobs do is engine.c's.
 */
#include "engine.h"

void sup_todo(struct sup *s, uint32_t u, uint8_t bits)
{
	struct sup_unit *unit = &s->unit[u];

	unit->todo |= bits;
	if (unit->is_queued)
		return;
	unit->is_queued = true;
	unit->next_todo = SUP_NONE;
	if (s->todo_last == SUP_NONE)
		s->todo_first = u;
	else
		s->unit[s->todo_last].next_todo = u;
	s->todo_last = u;
}

unsigned int sup_next(struct sup *s, uint32_t *unit)
{
	while (s->todo_first != SUP_NONE) {
		struct sup_unit *u = &s->unit[s->todo_first];

		if (u->todo) {
			unsigned int bit = u->todo & -u->todo;

			u->todo &= ~bit;
			*unit = s->todo_first;
			return bit;
		}
		u->is_queued = false;
		s->todo_first = u->next_todo;
		if (s->todo_first == SUP_NONE)
			s->todo_last = SUP_NONE;
	}
	return 0;
}

void sup_touch(struct sup *s, uint32_t u)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->is_touched)
		return;
	unit->is_touched = true;
	unit->next_touched = SUP_NONE;
	if (s->touched_last == SUP_NONE)
		s->touched_first = u;
	else
		s->unit[s->touched_last].next_touched = u;
	s->touched_last = u;
}

void sup_touch_around(struct sup *s, uint32_t u)
{
	const struct sup_unit *unit = &s->unit[u];

	sup_touch(s, u);
	for (uint32_t e = unit->out; e < unit->out + unit->out_count; e++)
		if (s->unit[s->edge[e].to].job)
			sup_touch(s, s->edge[e].to);
	for (uint32_t k = 0; k < unit->in_count; k++)
		if (s->unit[s->edge[s->in_edge[unit->in + k]].from].job)
			sup_touch(s, s->edge[s->in_edge[unit->in + k]].from);
}

void sup_touch_all(struct sup *s)
{
	for (uint32_t u = s->job_first; u != SUP_NONE; u = s->unit[u].next_job)
		sup_touch(s, u);
}

static void list_job(struct sup *s, uint32_t u)
{
	struct sup_unit *unit = &s->unit[u];

	unit->previous_job = SUP_NONE;
	unit->next_job = s->job_first;
	if (s->job_first != SUP_NONE)
		s->unit[s->job_first].previous_job = u;
	s->job_first = u;
}

static void unlist_job(struct sup *s, uint32_t u)
{
	struct sup_unit *unit = &s->unit[u];

	if (unit->previous_job == SUP_NONE)
		s->job_first = unit->next_job;
	else
		s->unit[unit->previous_job].next_job = unit->next_job;
	if (unit->next_job != SUP_NONE)
		s->unit[unit->next_job].previous_job = unit->previous_job;
}

void sup_set_job(struct sup *s, uint32_t u, enum sup_job job)
{
	struct sup_unit *unit = &s->unit[u];
	uint32_t early = s->early_starts, normal = s->normal_stops;

	if (!unit->job && job)
		list_job(s, u);
	else if (unit->job && !job)
		unlist_job(s, u);
	s->early_starts -= unit->is_early && sup_is_start(unit->job);
	s->normal_stops -= !unit->is_late && unit->job == SUP_JOB_STOP;
	unit->job = job;
	s->early_starts += unit->is_early && sup_is_start(job);
	s->normal_stops += !unit->is_late && job == SUP_JOB_STOP;
	sup_touch_around(s, u);
	if ((early && !s->early_starts) || (normal && !s->normal_stops))
		sup_touch_all(s);	/* what waited for all early starts, or for all normal stops */
}

void sup_job_done(struct sup *s, uint32_t u, enum sup_result result)
{
	struct sup_unit *unit = &s->unit[u];

	if (!unit->job)
		return;
	sup_set_job(s, u, SUP_JOB_NONE);
	unit->job_deadline = 0;
	unit->job_result = result;
	sup_todo(s, u, SUP_DO_JOB_DONE);
}

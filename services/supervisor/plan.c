/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request sets in motion: the set of units that start, stop or restart together, checked as
 * a whole (missing, broken, circular, conflicting) before any of them gets a job. Also the
 * adjacency lists. When the jobs run is decided in engine.c.
 */
#include "engine.h"

/* ---- adjacency ------------------------------------------------------------------------------ */

static void sort_edges_by_from(struct sup *s)
{
	/* Cycle-leading permutation over counted buckets: in place, linear. */
	uint32_t at = 0;

	for (uint32_t u = 0; u < s->units; u++)
		s->unit[u].out_count = s->unit[u].in_count = 0;
	for (uint32_t e = 0; e < s->edges; e++)
		s->unit[s->edge[e].from].out_count++;
	for (uint32_t u = 0; u < s->units; u++) {
		s->unit[u].out = s->unit[u].cursor = at;
		at += s->unit[u].out_count;
	}
	for (uint32_t u = 0; u < s->units; u++) {
		uint32_t end = s->unit[u].out + s->unit[u].out_count;

		while (s->unit[u].cursor < end) {
			struct sup_edge *here = &s->edge[s->unit[u].cursor];
			struct sup_unit *home = &s->unit[here->from];

			if (here->from == u) {
				s->unit[u].cursor++;
			} else {
				struct sup_edge other = s->edge[home->cursor];

				s->edge[home->cursor++] = *here;
				*here = other;
			}
		}
	}
}

/* One edge per pair, with all its bits: what holds together is looked at together. */
static void merge_edges(struct sup *s)
{
	uint32_t kept = 0;

	for (uint32_t u = 0; u < s->units; u++) {
		struct sup_unit *unit = &s->unit[u];
		uint64_t epoch = ++s->epoch;
		uint32_t first = kept;

		for (uint32_t e = unit->out; e < unit->out + unit->out_count; e++) {
			struct sup_unit *to = &s->unit[s->edge[e].to];

			if (to->visit == epoch) {
				s->edge[to->cursor].bits |= s->edge[e].bits;
				continue;
			}
			to->visit = epoch;
			to->cursor = kept;
			s->edge[kept++] = s->edge[e];
		}
		unit->out = first;
		unit->out_count = kept - first;
	}
	s->edges = kept;
}

static void list_edges_by_to(struct sup *s)
{
	uint32_t at = 0;

	for (uint32_t e = 0; e < s->edges; e++)
		s->unit[s->edge[e].to].in_count++;
	for (uint32_t u = 0; u < s->units; u++) {
		s->unit[u].in = s->unit[u].cursor = at;
		at += s->unit[u].in_count;
	}
	for (uint32_t e = 0; e < s->edges; e++)
		s->in_edge[s->unit[s->edge[e].to].cursor++] = e;
}

/* Everything that EARLY (or LATE) units need is early (late) itself, or they would wait for it. */
static void spread(struct sup *s, bool early)
{
	uint32_t count = 0;

	for (uint32_t u = 0; u < s->units; u++) {
		bool is = s->unit[u].flags & (early ? SUP_F_EARLY : SUP_F_LATE);

		*(early ? &s->unit[u].is_early : &s->unit[u].is_late) = is;
		if (is)
			s->list[count++] = u;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct sup_unit *unit = &s->unit[s->list[i]];

		for (uint32_t e = unit->out; e < unit->out + unit->out_count; e++) {
			struct sup_unit *to = &s->unit[s->edge[e].to];
			bool *is = early ? &to->is_early : &to->is_late;

			if (*is || !(s->edge[e].bits & (SUP_HARD | SUP_WANTS | SUP_AFTER)))
				continue;
			*is = true;
			s->list[count++] = s->edge[e].to;
		}
	}
}

static void count_jobs(struct sup *s)
{
	s->early_starts = s->normal_stops = 0;
	for (uint32_t u = s->job_first; u != SUP_NONE; u = s->unit[u].next_job) {
		struct sup_unit *unit = &s->unit[u];

		s->early_starts += unit->is_early && (unit->job == SUP_JOB_START || unit->job == SUP_JOB_RESTART);
		s->normal_stops += !unit->is_late && unit->job == SUP_JOB_STOP;
	}
}

/* What spares most units a look at all of their edges, each time that something may have changed for them. */
static void note_edges(struct sup *s)
{
	for (uint32_t u = 0; u < s->units; u++)
		s->unit[u].has_hard = s->unit[u].has_conflicts = false;
	for (uint32_t e = 0; e < s->edges; e++) {
		const struct sup_edge *edge = &s->edge[e];

		s->unit[edge->from].has_hard |= (edge->bits & SUP_HARD) != 0;
		if (edge->bits & SUP_CONFLICTS)
			s->unit[edge->from].has_conflicts = s->unit[edge->to].has_conflicts = true;
	}
}

void sup_link(struct sup *s)
{
	if (!s->epoch) {	/* the first time */
		s->todo_first = s->todo_last = s->job_first = s->touched_first = s->touched_last = SUP_NONE;
		s->next = SUP_NEVER;
		s->epoch = 1;
	}
	sort_edges_by_from(s);
	merge_edges(s);
	list_edges_by_to(s);
	note_edges(s);
	spread(s, true);
	spread(s, false);
	count_jobs(s);
	sup_touch_all(s);
}

/* ---- cycles --------------------------------------------------------------------------------- */

/* What `visit` is while a unit is on the path, and once all behind it is seen. */
struct walk {
	uint64_t on_path, done;
	uint64_t mark;		/* in the graph: units with this mark and those to be started; 0: all units */
	bool only_marked;	/* in the graph: units with this mark */
};

static void keep_cycle(struct sup *s, uint32_t from, uint32_t to)
{
	/* parent[] leads from FROM back to TO: written backwards, so that each comes after the next. */
	uint32_t length = 0, *out = s->list + 2 * s->units;

	for (uint32_t u = from;; u = s->unit[u].parent) {
		length++;
		if (u == to)
			break;
	}
	s->cycle = out;
	s->cycle_length = length;
	for (uint32_t u = from; length; u = s->unit[u].parent)
		out[--length] = u;
}

static bool in_graph(const struct sup *s, uint32_t u, const struct walk *w)
{
	if (!w->mark || s->unit[u].mark == w->mark)
		return true;
	return !w->only_marked && (s->unit[u].job == SUP_JOB_START || s->unit[u].job == SUP_JOB_RESTART);
}

/* Depth first along AFTER from ROOT, without recursion. */
static bool walk_from(struct sup *s, uint32_t root, const struct walk *w)
{
	uint32_t u = root;

	s->unit[u].parent = SUP_NONE;
	s->unit[u].visit = w->on_path;
	s->unit[u].cursor = s->unit[u].out;
	for (;;) {
		struct sup_unit *unit = &s->unit[u];

		if (unit->cursor == unit->out + unit->out_count) {
			unit->visit = w->done;
			u = unit->parent;
			if (u == SUP_NONE)
				return false;
			continue;
		}
		const struct sup_edge *edge = &s->edge[unit->cursor++];
		struct sup_unit *to = &s->unit[edge->to];

		if (!(edge->bits & SUP_AFTER) || to->visit == w->done || !in_graph(s, edge->to, w))
			continue;
		if (to->visit == w->on_path) {
			keep_cycle(s, u, edge->to);
			return true;
		}
		to->parent = u;
		to->visit = w->on_path;
		to->cursor = to->out;
		u = edge->to;
	}
}

/* Something that is to be started comes after one of the marked: only then can a cycle lead out of them and back. */
static bool is_entered(const struct sup *s, const uint32_t *list, uint32_t count, uint64_t mark)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sup_unit *u = &s->unit[list[i]];

		for (uint32_t k = 0; k < u->in_count; k++) {
			const struct sup_edge *e = &s->edge[s->in_edge[u->in + k]];
			const struct sup_unit *from = &s->unit[e->from];

			if ((e->bits & SUP_AFTER) && from->mark != mark &&
			    (from->job == SUP_JOB_START || from->job == SUP_JOB_RESTART))
				return true;
		}
	}
	return false;
}

static bool find_cycle(struct sup *s, const uint32_t *roots, uint32_t count, uint64_t mark)
{
	struct walk w = { .mark = mark };

	w.on_path = ++s->epoch;
	w.done = ++s->epoch;
	w.only_marked = mark && !is_entered(s, roots, count, mark);
	s->cycle_length = 0;
	for (uint32_t i = 0; i < count; i++)
		if (s->unit[roots[i]].visit != w.done && walk_from(s, roots[i], &w))
			return true;
	return false;
}

uint32_t sup_find_cycle(struct sup *s)
{
	for (uint32_t u = 0; u < s->units; u++)
		s->list[u] = u;
	find_cycle(s, s->list, s->units, 0);
	return s->cycle_length;
}

/* ---- starting ------------------------------------------------------------------------------- */

/* Is or becomes active without our doing. */
static bool will_run(const struct sup_unit *u)
{
	if (u->job == SUP_JOB_START || u->job == SUP_JOB_RESTART)
		return true;
	return u->job == SUP_JOB_NONE &&
	       (u->state == SUP_RUNNING || u->state == SUP_PAUSED || u->state == SUP_STARTING);
}

static int unusable(const struct sup_unit *u)
{
	if (u->flags & SUP_F_MISSING)
		return SUP_ENOTFOUND;
	return u->flags & SUP_F_BROKEN ? SUP_ECONFIG : 0;
}

/* ROOT and what it requires, marked and listed; 0 or the error. */
static int collect_hard(struct sup *s, uint32_t root, uint32_t *list, uint32_t *count, uint64_t mark)
{
	int error = unusable(&s->unit[root]);

	*count = 0;
	if (error)
		return error;
	s->unit[root].mark = mark;
	list[(*count)++] = root;
	for (uint32_t i = 0; i < *count; i++) {
		const struct sup_unit *u = &s->unit[list[i]];

		for (uint32_t e = u->out; e < u->out + u->out_count; e++) {
			struct sup_unit *to = &s->unit[s->edge[e].to];

			if (s->edge[e].bits & SUP_BAD_VERSION)
				return SUP_EDEPENDENCY;
			if (!(s->edge[e].bits & SUP_HARD) || to->mark == mark || will_run(to))
				continue;
			if (unusable(to))
				return SUP_EDEPENDENCY;
			to->mark = mark;
			list[(*count)++] = s->edge[e].to;
		}
	}
	return 0;
}

/* Calls for each unit that conflicts with U, in either direction, and wants to be active. */
static uint32_t next_conflict(const struct sup *s, uint32_t u, uint32_t *at)
{
	const struct sup_unit *unit = &s->unit[u];

	while (*at < unit->out_count + unit->in_count) {
		uint32_t i = (*at)++;
		bool is_out = i < unit->out_count;
		const struct sup_edge *e = is_out ? &s->edge[unit->out + i]
			: &s->edge[s->in_edge[unit->in + i - unit->out_count]];
		uint32_t other = is_out ? e->to : e->from;

		if ((e->bits & SUP_CONFLICTS) && other != u &&
		    (sup_is_active(&s->unit[other]) || s->unit[other].job))
			return other;
	}
	return SUP_NONE;
}

static bool stops_with(const struct sup_edge *e)
{
	return e->bits & (SUP_HARD | SUP_PART_OF);
}

/* Two units of the set exclude each other. */
static bool conflicts_within(const struct sup *s, const uint32_t *list, uint32_t count, uint64_t mark)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sup_unit *u = &s->unit[list[i]];

		for (uint32_t e = u->out; e < u->out + u->out_count; e++)
			if ((s->edge[e].bits & SUP_CONFLICTS) && s->edge[e].to != list[i] &&
			    s->unit[s->edge[e].to].mark == mark)
				return true;
	}
	return false;
}

/* Would stopping the units that conflict with the set also stop one of the set, or what it needs? */
static bool conflict_hits_set(struct sup *s, const uint32_t *list, uint32_t count, uint64_t mark)
{
	uint32_t *stop = s->list + s->units, stops = 0;
	uint64_t seen = ++s->epoch;

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t at = 0, v; (v = next_conflict(s, list[i], &at)) != SUP_NONE;)
			if (s->unit[v].visit != seen) {
				s->unit[v].visit = seen;
				stop[stops++] = v;
			}
	for (uint32_t i = 0; i < stops; i++) {
		const struct sup_unit *u = &s->unit[stop[i]];

		if (u->mark == mark)
			return true;
		for (uint32_t k = 0; k < u->in_count; k++) {
			const struct sup_edge *e = &s->edge[s->in_edge[u->in + k]];

			if (stops_with(e) && s->unit[e->from].visit != seen) {
				s->unit[e->from].visit = seen;
				stop[stops++] = e->from;
			}
		}
	}
	/* What the set relies on because it runs already must not be stopped either. */
	for (uint32_t i = 0; i < count; i++) {
		const struct sup_unit *u = &s->unit[list[i]];

		for (uint32_t e = u->out; e < u->out + u->out_count; e++)
			if ((s->edge[e].bits & SUP_HARD) && s->unit[s->edge[e].to].visit == seen)
				return true;
	}
	return false;
}

static void give_start_jobs(struct sup *s, const uint32_t *list, uint32_t count, uint64_t now)
{
	for (uint32_t i = 0; i < count; i++) {
		struct sup_unit *u = &s->unit[list[i]];

		if (u->job == SUP_JOB_STOP && u->state != SUP_STOPPING) {
			sup_job_done(s, list[i], SUP_R_CANCELLED);	/* it has not begun to stop */
			continue;
		}
		if (u->job == SUP_JOB_STOP)
			sup_job_done(s, list[i], SUP_R_CANCELLED);
		sup_set_job(s, list[i], u->state == SUP_STOPPING ? SUP_JOB_RESTART : SUP_JOB_START);
		u->result = u->state == SUP_FAILED ? u->result : SUP_R_OK;
		u->job_deadline = u->timeout_dependency ? now + u->timeout_dependency : 0;
		if (u->job_deadline && u->job_deadline < s->next)
			s->next = u->job_deadline;
	}
	/* plan_stop() uses the lists: find the conflicts again after each. */
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t at = 0, v; (v = next_conflict(s, list[i], &at)) != SUP_NONE;)
			if (s->unit[v].job != SUP_JOB_STOP)
				sup_plan_stop(s, v, SUP_JOB_STOP);
}

/* All that starting ROOT may start has no cycle among it: then no part of it has. */
static bool is_acyclic(struct sup *s, uint32_t root)
{
	uint32_t *list = s->list, count = 0;
	uint64_t mark = ++s->epoch;

	s->unit[root].mark = mark;
	list[count++] = root;
	for (uint32_t i = 0; i < count; i++) {
		const struct sup_unit *u = &s->unit[list[i]];

		for (uint32_t e = u->out; e < u->out + u->out_count; e++) {
			struct sup_unit *to = &s->unit[s->edge[e].to];

			if (!(s->edge[e].bits & (SUP_HARD | SUP_WANTS)) || to->mark == mark)
				continue;
			to->mark = mark;
			list[count++] = s->edge[e].to;
		}
	}
	return !find_cycle(s, list, count, mark);
}

/* One unit with what it requires, all or nothing. LIST has room for all units. */
static int plan_hard(struct sup *s, uint32_t root, uint32_t *list, uint32_t *count, bool no_cycle, uint64_t now)
{
	uint64_t mark = ++s->epoch;
	int error;

	error = collect_hard(s, root, list, count, mark);
	if (error)
		return error;
	if (!no_cycle && find_cycle(s, list, *count, mark))
		return SUP_ECYCLE;
	if (conflicts_within(s, list, *count, mark) || conflict_hits_set(s, list, *count, mark))
		return SUP_ECONFLICT;
	give_start_jobs(s, list, *count, now);
	return 0;
}

static enum sup_result result_of(int error)
{
	switch (error) {
	case SUP_ENOTFOUND:
		return SUP_R_NOT_FOUND;
	case SUP_ECONFIG:
		return SUP_R_CONFIG;
	case SUP_ECYCLE:
		return SUP_R_CYCLE;
	case SUP_ECONFLICT:
		return SUP_R_CONFLICT;
	default:
		return SUP_R_DEPENDENCY;
	}
}

/* The next unit wanted by one that has a start job, not tried yet in this plan. */
static uint32_t next_wanted(struct sup *s, uint64_t epoch)
{
	for (uint32_t u = s->job_first; u != SUP_NONE; u = s->unit[u].next_job) {
		struct sup_unit *unit = &s->unit[u];

		if (unit->scanned == epoch || (unit->job != SUP_JOB_START && unit->job != SUP_JOB_RESTART))
			continue;
		for (uint32_t e = unit->out; e < unit->out + unit->out_count; e++) {
			uint32_t to = s->edge[e].to;

			if ((s->edge[e].bits & SUP_WANTS) && !(s->edge[e].bits & SUP_BAD_VERSION) &&
			    s->unit[to].tried != epoch && !will_run(&s->unit[to])) {
				s->unit[to].tried = epoch;
				return to;
			}
		}
		unit->scanned = epoch;
	}
	return SUP_NONE;
}

int sup_plan_start(struct sup *s, uint32_t u, uint64_t now)
{
	uint32_t count, wanted;
	uint64_t epoch;
	bool no_cycle = is_acyclic(s, u);
	int error = plan_hard(s, u, s->list, &count, no_cycle, now);

	if (error)
		return error;
	epoch = ++s->epoch;
	while ((wanted = next_wanted(s, epoch)) != SUP_NONE) {
		error = plan_hard(s, wanted, s->list, &count, no_cycle, now);
		if (error)
			sup_refuse(s, wanted, result_of(error));
	}
	return 0;
}

/* ---- stopping ------------------------------------------------------------------------------- */

/* What a stop (or restart) request means for one unit of the set. */
static void give_stop_job(struct sup *s, uint32_t u, enum sup_job job)
{
	struct sup_unit *unit = &s->unit[u];

	if (!sup_is_active(unit)) {
		/* It waits for its start: that is off, unless all it shall do is start afterwards. */
		if (unit->job == SUP_JOB_START && job == SUP_JOB_STOP) {
			unit->result = SUP_R_CANCELLED;
			sup_job_done(s, u, SUP_R_CANCELLED);
			sup_todo(s, u, SUP_DO_CHANGED);
		}
		return;
	}
	if (unit->job == job)
		return;
	if (unit->job == SUP_JOB_STOP)
		return;		/* a stop wins over a restart that comes with another unit's */
	sup_job_done(s, u, SUP_R_CANCELLED);
	sup_set_job(s, u, job);
}

void sup_plan_stop(struct sup *s, uint32_t root, enum sup_job job)
{
	uint32_t *list = s->list + s->units, count = 0;
	uint64_t seen = ++s->epoch;

	s->unit[root].visit = seen;
	list[count++] = root;
	for (uint32_t i = 0; i < count; i++) {
		const struct sup_unit *u = &s->unit[list[i]];

		for (uint32_t k = 0; k < u->in_count; k++) {
			const struct sup_edge *e = &s->edge[s->in_edge[u->in + k]];

			if (stops_with(e) && s->unit[e->from].visit != seen) {
				s->unit[e->from].visit = seen;
				list[count++] = e->from;
			}
		}
	}
	for (uint32_t i = 0; i < count; i++)
		give_stop_job(s, list[i], job);
}

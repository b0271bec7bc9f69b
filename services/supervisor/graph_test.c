/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many units: random graphs started and stopped with every promise of the edges checked at every
 * step, cycles against a transitive closure, conflicts, BindsTo, PartOf, unhealthy dependencies,
 * time-outs, versions, early and late kinds.
 */
#include "host_test.h"

#define UNITS 24

/* What a unit's process does when it is started. */
enum fate { COMES_UP, DIES, HANGS, IS_SKIPPED };

struct world {
	struct fixture f;
	enum fate fate[UNITS];
	bool was_started[UNITS];
	uint64_t acts_at[UNITS];	/* when the process does what it does; 0: nothing to come */
	uint64_t seed;
	char has[UNITS][UNITS];		/* bits of all edges */
	uint32_t rank[UNITS];		/* a random order; AFTER leads from higher to lower */
};

static struct sup_unit *unit(struct world *w, uint32_t u)
{
	return &w->f.s.unit[u];
}

/* BEFORE: states before the event; within one event things may go on after U's start. */
static void check_may_start(struct world *w, uint32_t u, const struct sup_unit *before)
{
	for (uint32_t v = 0; v < UNITS; v++) {
		const struct sup_unit *to = unit(w, v);

		if (u == v)
			continue;
		if (w->has[u][v] & SUP_AFTER) {
			CHECK(to->job == SUP_JOB_NONE || before[v].job == SUP_JOB_NONE);
			CHECK(to->state != SUP_STARTING || before[v].state != SUP_STARTING);
			CHECK(to->state != SUP_STOPPING || before[v].state != SUP_STOPPING);
			if (w->has[u][v] & (SUP_REQUIRES | SUP_BINDS_TO))
				CHECK(to->state != SUP_FAILED || before[v].state != SUP_FAILED);
		}
		if ((w->has[u][v] | w->has[v][u]) & SUP_CONFLICTS)
			CHECK(!sup_is_active(to));
	}
}

static void check_may_stop(struct world *w, uint32_t u)
{
	for (uint32_t v = 0; v < UNITS; v++)
		if (v != u && (w->has[v][u] & SUP_AFTER))
			CHECK(!(sup_is_active(unit(w, v)) && unit(w, v)->job == SUP_JOB_STOP));
}

/* Does what the engine asks, checking each demand before it is met. */
static void serve(struct world *w)
{
	unsigned int bit;
	uint32_t u;

	while ((bit = sup_next(&w->f.s, &u))) {
		w->f.did[u] |= bit;
		if (bit == SUP_DO_START) {
			w->was_started[u] = true;
			w->acts_at[u] = w->fate[u] == HANGS ? 0 : w->f.now + 1 + rnd(&w->seed) % 1000;
		} else if (bit == SUP_DO_STOP_IT) {
			w->acts_at[u] = w->f.now + 1 + rnd(&w->seed) % 1000;
		}
	}
}

static void step(struct world *w, uint8_t kind, uint32_t u, uint8_t arg)
{
	struct sup_unit before[UNITS];

	memcpy(before, w->f.s.unit, sizeof before);
	sup_step(&w->f.s, &(struct sup_event){ w->f.now, u, kind, arg });
	for (uint32_t v = 0; v < UNITS; v++) {
		if (before[v].state != SUP_STARTING && unit(w, v)->state == SUP_STARTING &&
		    !unit(w, v)->is_waiting_restart)
			check_may_start(w, v, before);
		if (before[v].state != SUP_STOPPING && unit(w, v)->state == SUP_STOPPING && unit(w, v)->job)
			check_may_stop(w, v);
	}
	serve(w);
}

static void process_acts(struct world *w, uint32_t u)
{
	w->acts_at[u] = 0;
	if (unit(w, u)->state == SUP_STOPPING)
		step(w, SUP_EV_EXIT, u, SUP_CLEAN);
	else if (w->fate[u] == COMES_UP)
		step(w, SUP_EV_READY, u, 0);
	else if (w->fate[u] == DIES)
		step(w, SUP_EV_EXIT, u, SUP_UNCLEAN);
	else if (w->fate[u] == IS_SKIPPED)
		step(w, SUP_EV_SKIP, u, 0);
}

/* Until nothing is left to happen. */
static void settle(struct world *w)
{
	for (int guard = 0;; guard++) {
		uint64_t next = sup_deadline(&w->f.s);
		uint32_t who = SUP_NONE;

		CHECK(guard < 10000);
		for (uint32_t u = 0; u < UNITS; u++)
			if (w->acts_at[u] && w->acts_at[u] <= next) {
				next = w->acts_at[u];
				who = u;
			}
		if (next == SUP_NEVER)
			break;
		w->f.now = next > w->f.now ? next : w->f.now;
		if (who != SUP_NONE)
			process_acts(w, who);
		else
			step(w, SUP_EV_TICK, SUP_NONE, 0);
	}
	for (uint32_t u = 0; u < UNITS; u++)
		CHECK_EQ(unit(w, u)->job, SUP_JOB_NONE);
}

static void add(struct world *w, uint32_t from, uint32_t to, uint8_t bits)
{
	w->has[from][to] |= bits;
	edge_add(&w->f, from, to, bits);
}

static void make_world(struct world *w, uint64_t seed, bool with_conflicts)
{
	memset(w, 0, sizeof *w);
	fixture_init(&w->f, UNITS, UNITS * UNITS);
	w->seed = seed;
	for (uint32_t u = 0; u < UNITS; u++)
		w->rank[u] = rnd(&w->seed);
	for (uint32_t u = 0; u < UNITS; u++) {
		uint32_t dice = rnd(&w->seed) % 20;

		unit(w, u)->timeout_start = 100 * SUP_MS;
		w->fate[u] = dice == 0 ? DIES : dice == 1 ? HANGS : dice == 2 ? IS_SKIPPED : COMES_UP;
		for (uint32_t v = 0; v < UNITS; v++) {
			uint8_t bits = 0;

			if (u == v || rnd(&w->seed) % 6)
				continue;
			if (w->rank[u] > w->rank[v])
				bits |= rnd(&w->seed) % 5 ? SUP_AFTER : 0;
			dice = rnd(&w->seed) % 8;
			bits |= dice < 3 ? SUP_WANTS : dice < 5 && bits ? SUP_REQUIRES : dice == 5 && bits ? SUP_BINDS_TO : 0;
			if (with_conflicts && rnd(&w->seed) % 12 == 0)
				bits |= SUP_CONFLICTS;
			if (bits)
				add(w, u, v, bits);
		}
	}
	sup_link(&w->f.s);
}

/* The naive answer: what becomes of U, when all it pulls in is started and nothing conflicts. */
static uint8_t outcome(struct world *w, uint32_t u)
{
	for (uint32_t v = 0; v < UNITS; v++) {
		if (!(w->has[u][v] & (SUP_REQUIRES | SUP_BINDS_TO)))
			continue;
		uint8_t there = outcome(w, v);	/* ends: hard edges go down in rank */

		if (there == SUP_FAILED || (there == SUP_STOPPED && (w->has[u][v] & SUP_BINDS_TO)))
			return SUP_FAILED;
	}
	return w->fate[u] == COMES_UP ? SUP_RUNNING : w->fate[u] == IS_SKIPPED ? SUP_STOPPED : SUP_FAILED;
}

static void pulled(struct world *w, uint32_t u, bool *in)
{
	in[u] = true;
	for (uint32_t v = 0; v < UNITS; v++)
		if (!in[v] && (w->has[u][v] & (SUP_REQUIRES | SUP_BINDS_TO | SUP_WANTS)))
			pulled(w, v, in);
}

static void test_graphs_start_and_stop_in_order(void)
{
	int running = 0, failed = 0;

	for (uint64_t g = 1; g <= 400; g++) {
		static struct world w;
		bool in[UNITS] = { 0 };

		make_world(&w, g * 0x9e3779b97f4a7c15, false);
		pulled(&w, 0, in);
		step(&w, SUP_EV_START, 0, 0);
		settle(&w);
		for (uint32_t u = 0; u < UNITS; u++) {
			uint8_t want = in[u] ? outcome(&w, u) : SUP_STOPPED;

			CHECK_EQ(unit(&w, u)->state, want);
			running += want == SUP_RUNNING;
			failed += want == SUP_FAILED;
		}
		step(&w, SUP_EV_STOP_ALL, SUP_NONE, 0);
		settle(&w);
		for (uint32_t u = 0; u < UNITS; u++)
			CHECK(!sup_is_active(unit(&w, u)));
		fixture_free(&w.f);
	}
	CHECK(running > 1000 && failed > 200);
}

static void test_random_requests_keep_promises(void)
{
	for (uint64_t g = 1; g <= 300; g++) {
		static struct world w;

		make_world(&w, g * 0x2545f4914f6cdd1d, true);
		for (uint32_t u = 0; u < UNITS; u++)
		{
			unit(&w, u)->restart = rnd(&w.seed) % SUP_RESTARTS;
			unit(&w, u)->limit_interval = SUP_NEVER / 2;	/* five starts, then rest */
		}
		for (int i = 0; i < 150; i++) {
			static const uint8_t kinds[] = { SUP_EV_START, SUP_EV_START, SUP_EV_STOP, SUP_EV_RESTART,
				SUP_EV_EXIT, SUP_EV_HEALTH, SUP_EV_PAUSE, SUP_EV_RESUME, SUP_EV_READY };
			uint32_t u = rnd(&w.seed) % UNITS;

			step(&w, kinds[rnd(&w.seed) % sizeof kinds], u, rnd(&w.seed) % 3);
			if (rnd(&w.seed) % 10 == 0)
				settle(&w);
			for (uint32_t a = 0; a < UNITS; a++)
				for (uint32_t b = 0; b < UNITS; b++)
					if (a != b && (w.has[a][b] & SUP_CONFLICTS))
						CHECK(!sup_is_active(unit(&w, a)) || !sup_is_active(unit(&w, b)));
		}
		step(&w, SUP_EV_STOP_ALL, SUP_NONE, 0);
		settle(&w);
		fixture_free(&w.f);
	}
}

static void test_cycles_found_and_named(void)
{
	int with = 0;

	for (uint64_t seed = 1; seed <= 1000; seed++) {
		uint64_t r = seed * 0x9e3779b97f4a7c15;
		bool reach[12][12] = { 0 }, direct[12][12] = { 0 }, is_cyclic = false;
		struct fixture f;
		uint32_t n;

		fixture_init(&f, 12, 40);
		for (uint32_t i = 0; i < 4 + seed % 20; i++) {
			uint32_t a = rnd(&r) % 12, b = rnd(&r) % 12;

			edge_add(&f, a, b, SUP_AFTER | SUP_WANTS);
			direct[a][b] = reach[a][b] = true;
		}
		for (int k = 0; k < 12; k++)
			for (int i = 0; i < 12; i++)
				for (int j = 0; j < 12; j++)
					reach[i][j] |= reach[i][k] && reach[k][j];
		for (int i = 0; i < 12; i++)
			is_cyclic |= reach[i][i];
		sup_link(&f.s);
		n = sup_find_cycle(&f.s);
		CHECK_EQ(n != 0, is_cyclic);
		for (uint32_t i = 0; i < n; i++)
			CHECK(direct[f.s.cycle[i]][f.s.cycle[(i + 1) % n]]);
		/* A request refuses exactly the units on which a cycle can be reached hard. */
		for (uint32_t u = 0; u < 12; u++) {
			bool own = reach[u][u] && direct[u][u];

			if (own)
				CHECK_EQ(event(&f, SUP_EV_START, u, 0), SUP_ECYCLE);
		}
		with += is_cyclic;
		fixture_free(&f);
	}
	CHECK(with > 100 && with < 900);
}

static void test_cycle_refused_the_rest_starts(void)
{
	struct fixture f;

	fixture_init(&f, 5, 8);	/* 0 wants 1, 2 and 4; 2 and 3 form a cycle */
	edge_add(&f, 0, 1, SUP_WANTS | SUP_AFTER);
	edge_add(&f, 0, 2, SUP_WANTS | SUP_AFTER);
	edge_add(&f, 0, 4, SUP_WANTS | SUP_AFTER);
	edge_add(&f, 2, 3, SUP_REQUIRES | SUP_AFTER);
	edge_add(&f, 3, 2, SUP_REQUIRES | SUP_AFTER);
	sup_link(&f.s);
	CHECK_EQ(event(&f, SUP_EV_START, 2, 0), SUP_ECYCLE);
	CHECK_EQ(f.s.cycle_length, 2);
	CHECK_EQ(f.s.cycle[0] + f.s.cycle[1], 5);
	CHECK_EQ(event(&f, SUP_EV_START, 0, 0), 0);
	CHECK_EQ(f.s.unit[2].result, SUP_R_CYCLE);
	event(&f, SUP_EV_READY, 1, 0);
	event(&f, SUP_EV_READY, 4, 0);
	CHECK_EQ(f.s.unit[0].state, SUP_STARTING);
	fixture_free(&f);
}

/* Two units with one edge, both running. */
static void pair(struct fixture *f, uint8_t bits)
{
	fixture_init(f, 2, 1);
	edge_add(f, 0, 1, bits);
	f->s.unit[1].restart = SUP_ON_FAILURE;
	sup_link(&f->s);
	event(f, SUP_EV_START, 1, 0);
	event(f, SUP_EV_READY, 1, 0);
	event(f, SUP_EV_START, 0, 0);
	event(f, SUP_EV_READY, 0, 0);
	CHECK_EQ(f->s.unit[0].state, SUP_RUNNING);
	CHECK_EQ(f->s.unit[1].state, SUP_RUNNING);
	memset(f->did, 0, 2);
}

static void test_edges_stop_and_restart(void)
{
	static const struct { uint8_t bits; bool on_stop, on_restart, on_end; } rows[] = {
		{ SUP_REQUIRES, true, true, false }, { SUP_WANTS, false, false, false },
		{ SUP_BINDS_TO, true, true, true }, { SUP_PART_OF, true, true, false },
		{ SUP_AFTER, false, false, false },
	};

	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;

		pair(&f, rows[i].bits);
		event(&f, SUP_EV_STOP, 1, 0);
		CHECK_EQ(!!(take(&f, 0) & SUP_DO_STOP_IT), rows[i].on_stop);
		fixture_free(&f);
		pair(&f, rows[i].bits);
		event(&f, SUP_EV_RESTART, 1, 0);
		CHECK_EQ(!!(take(&f, 0) & SUP_DO_STOP_IT), rows[i].on_restart);
		event(&f, SUP_EV_EXIT, 0, SUP_CLEAN);
		event(&f, SUP_EV_EXIT, 1, SUP_CLEAN);
		event(&f, SUP_EV_READY, 1, 0);
		event(&f, SUP_EV_READY, 0, 0);
		CHECK_EQ(f.s.unit[1].state, SUP_RUNNING);
		CHECK_EQ(f.s.unit[0].state == SUP_RUNNING, rows[i].on_restart || !rows[i].on_stop ? rows[i].on_restart : false);
		fixture_free(&f);
		pair(&f, rows[i].bits);
		event(&f, SUP_EV_EXIT, 1, SUP_SIGNAL);
		CHECK_EQ(!!(take(&f, 0) & SUP_DO_STOP_IT), rows[i].on_end);
		fixture_free(&f);
	}
}

static void test_conflicts_both_ways(void)
{
	for (int reverse = 0; reverse < 2; reverse++) {
		struct fixture f;

		fixture_init(&f, 3, 3);
		edge_add(&f, reverse, !reverse, SUP_CONFLICTS);
		edge_add(&f, 2, 0, SUP_REQUIRES);
		edge_add(&f, 2, 1, SUP_REQUIRES);
		sup_link(&f.s);
		CHECK_EQ(event(&f, SUP_EV_START, 2, 0), SUP_ECONFLICT);
		CHECK_EQ(event(&f, SUP_EV_START, 0, 0), 0);
		event(&f, SUP_EV_READY, 0, 0);
		CHECK_EQ(event(&f, SUP_EV_START, 1, 0), 0);
		CHECK(take(&f, 0) & SUP_DO_STOP_IT);
		CHECK(!(take(&f, 1) & SUP_DO_START));
		event(&f, SUP_EV_EXIT, 0, SUP_CLEAN);
		CHECK(take(&f, 1) & SUP_DO_START);
		fixture_free(&f);
	}
}

static void test_unhealthy_dependency(void)
{
	for (int policy = SUP_IGNORE; policy <= SUP_DO_STOP; policy++) {
		struct fixture f;

		pair(&f, SUP_WANTS);
		f.s.unit[0].on_dependency_unhealthy = policy;
		f.s.unit[1].flags = SUP_F_KEEP;
		for (int i = 0; i < 2; i++)
			event(&f, SUP_EV_HEALTH, 1, 0);
		event(&f, SUP_EV_HEALTH, 1, 1);
		for (int i = 0; i < 2; i++)
			event(&f, SUP_EV_HEALTH, 1, 0);
		CHECK(!f.s.unit[1].is_unhealthy);
		event(&f, SUP_EV_HEALTH, 1, 0);
		CHECK(f.s.unit[1].is_unhealthy);
		CHECK_EQ(f.s.unit[1].state, SUP_RUNNING);
		CHECK_EQ(!!(take(&f, 0) & SUP_DO_STOP_IT), policy != SUP_IGNORE);
		event(&f, SUP_EV_EXIT, 0, SUP_CLEAN);
		CHECK_EQ(!!(take(&f, 0) & SUP_DO_START), policy == SUP_DO_RESTART);
		fixture_free(&f);
	}
}

static void test_dependency_timeout(void)
{
	struct fixture f;

	fixture_init(&f, 2, 3);
	edge_add(&f, 0, 1, SUP_AFTER);	/* in pieces, as unit files say it */
	edge_add(&f, 1, 0, SUP_PART_OF);
	edge_add(&f, 0, 1, SUP_REQUIRES);
	f.s.unit[1].timeout_start = 0;	/* starts for ever */
	sup_link(&f.s);
	CHECK_EQ(f.s.edges, 2);
	event(&f, SUP_EV_START, 0, 0);
	pass(&f, 30000 * SUP_MS - 1);
	CHECK_EQ(f.s.unit[0].job, SUP_JOB_START);
	pass(&f, 1);
	CHECK_EQ(f.s.unit[0].state, SUP_FAILED);
	CHECK_EQ(f.s.unit[0].result, SUP_R_DEPENDENCY_TIMEOUT);
	CHECK_EQ(f.s.unit[1].state, SUP_STARTING);
	fixture_free(&f);
	fixture_init(&f, 2, 1);	/* what is only wanted is waited for as long, and no longer */
	edge_add(&f, 0, 1, SUP_WANTS | SUP_AFTER);
	f.s.unit[1].timeout_start = 0;
	sup_link(&f.s);
	event(&f, SUP_EV_START, 0, 0);
	pass(&f, 30000 * SUP_MS - 1);
	CHECK_EQ(f.s.unit[0].job, SUP_JOB_START);
	pass(&f, 1);
	CHECK_EQ(f.s.unit[0].state, SUP_STARTING);
	fixture_free(&f);
}

static void test_bad_version_and_missing(void)
{
	struct fixture f;

	fixture_init(&f, 4, 4);
	edge_add(&f, 0, 1, SUP_REQUIRES | SUP_BAD_VERSION);
	edge_add(&f, 2, 3, SUP_REQUIRES);
	f.s.unit[3].flags = SUP_F_MISSING;
	sup_link(&f.s);
	CHECK_EQ(event(&f, SUP_EV_START, 0, 0), SUP_EDEPENDENCY);
	CHECK_EQ(event(&f, SUP_EV_START, 2, 0), SUP_EDEPENDENCY);
	CHECK(!(take(&f, 1) & SUP_DO_START));
	fixture_free(&f);
}

static void test_early_and_late_kinds(void)
{
	struct fixture f;

	fixture_init(&f, 4, 4);	/* 0: everything; 1: monitoring, needs 3; 2: ordinary; 3 is also system */
	edge_add(&f, 0, 1, SUP_WANTS);
	edge_add(&f, 0, 2, SUP_WANTS);
	edge_add(&f, 1, 3, SUP_REQUIRES | SUP_AFTER);
	f.s.unit[1].flags = SUP_F_EARLY;
	f.s.unit[3].flags = SUP_F_LATE;
	sup_link(&f.s);
	event(&f, SUP_EV_START, 0, 0);
	CHECK(take(&f, 3) & SUP_DO_START);
	CHECK(!(take(&f, 2) & SUP_DO_START));
	event(&f, SUP_EV_READY, 3, 0);
	CHECK(take(&f, 1) & SUP_DO_START);
	CHECK(!(take(&f, 2) & SUP_DO_START));
	event(&f, SUP_EV_READY, 1, 0);
	CHECK(take(&f, 2) & SUP_DO_START);
	CHECK(take(&f, 0) & SUP_DO_START);
	event(&f, SUP_EV_READY, 2, 0);
	event(&f, SUP_EV_READY, 0, 0);
	event(&f, SUP_EV_STOP_ALL, SUP_NONE, 0);
	CHECK(!(take(&f, 3) & SUP_DO_STOP_IT));
	for (uint32_t u = 0; u < 3; u++)
		event(&f, SUP_EV_EXIT, u, SUP_CLEAN);
	CHECK(take(&f, 3) & SUP_DO_STOP_IT);
	fixture_free(&f);
}

/* A thousand units in a chain: no recursion, and not quadratic beyond reason. */
static void test_long_chain(void)
{
	struct fixture f;

	fixture_init(&f, 1024, 1024);
	for (uint32_t u = 0; u < 1023; u++)
		edge_add(&f, u, u + 1, SUP_REQUIRES | SUP_AFTER);
	sup_link(&f.s);
	CHECK_EQ(event(&f, SUP_EV_START, 0, 0), 0);
	for (uint32_t u = 1024; u-- > 0;) {
		CHECK(take(&f, u) & SUP_DO_START);
		event(&f, SUP_EV_READY, u, 0);
	}
	event(&f, SUP_EV_STOP, 1023, 0);
	for (uint32_t u = 0; u < 1024; u++) {
		CHECK(take(&f, u) & SUP_DO_STOP_IT);
		event(&f, SUP_EV_EXIT, u, SUP_CLEAN);
	}
	fixture_free(&f);
}

int main(void)
{
	RUN(test_graphs_start_and_stop_in_order);
	RUN(test_random_requests_keep_promises);
	RUN(test_cycles_found_and_named);
	RUN(test_cycle_refused_the_rest_starts);
	RUN(test_edges_stop_and_restart);
	RUN(test_conflicts_both_ways);
	RUN(test_unhealthy_dependency);
	RUN(test_dependency_timeout);
	RUN(test_bad_version_and_missing);
	RUN(test_early_and_late_kinds);
	RUN(test_long_chain);
	return 0;
}

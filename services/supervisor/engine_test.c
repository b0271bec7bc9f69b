/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One unit: the 35 cells of Restart=, start limit, back-off, watchdog, time-outs, each alone and to
 * the tick, then random histories in which the engine must equal the naive model after every event.
 */
#include "host_test.h"
#include "model.h"

/* The manual's table, cause by cause: the policies that restart. */
static const char *const restarting[SUP_CAUSES] = {
	[SUP_CLEAN] = "always on-success",
	[SUP_UNCLEAN] = "always on-failure",
	[SUP_SIGNAL] = "always on-failure on-abnormal on-abort",
	[SUP_TIMEOUT] = "always on-failure on-abnormal",
	[SUP_WATCHDOG] = "always on-failure on-abnormal on-watchdog",
};

static bool has_word(const char *list, const char *word)
{
	const char *at = strstr(list, word);
	size_t n = strlen(word);

	return at && (at == list || at[-1] == ' ') && (!at[n] || at[n] == ' ');
}

static void test_policy_cells(void)
{
	int cells = 0;

	for (int p = 0; p < SUP_RESTARTS; p++)
		for (int c = 0; c < SUP_CAUSES; c++, cells++)
			CHECK_EQ(sup_policy_restarts(p, c), has_word(restarting[c], sup_restart_name(p)));
	CHECK_EQ(cells, 35);
	CHECK(!sup_policy_restarts(SUP_RESTARTS, 0) && !sup_policy_restarts(0, SUP_CAUSES));
}

/* Brings one unit to an end of that cause, the way it comes about. */
static void end_with(struct fixture *f, enum sup_cause c)
{
	if (c == SUP_TIMEOUT) {	/* never ready */
		pass(f, f->s.unit[0].timeout_start);
		CHECK(take(f, 0) & SUP_DO_STOP_IT);
		event(f, SUP_EV_EXIT, 0, SUP_CLEAN);
		return;
	}
	event(f, SUP_EV_READY, 0, 0);
	if (c == SUP_WATCHDOG) {
		pass(f, f->s.unit[0].watchdog);
		CHECK(take(f, 0) & SUP_DO_ABORT);
		event(f, SUP_EV_EXIT, 0, SUP_SIGNAL);
	} else {
		event(f, SUP_EV_EXIT, 0, c);
	}
}

static void test_policy_thousand_ends_each(void)
{
	for (int p = 0; p < SUP_RESTARTS; p++)
		for (int c = 0; c < SUP_CAUSES; c++) {
			struct fixture f;
			uint32_t want = 0;

			fixture_init(&f, 1, 0);
			f.s.unit[0].restart = p;
			f.s.unit[0].watchdog = 50 * SUP_MS;
			f.s.unit[0].limit_burst = 0;
			sup_link(&f.s);
			for (int i = 0; i < 1000; i++) {
				if (!sup_is_active(&f.s.unit[0]))
					CHECK_EQ(event(&f, SUP_EV_START, 0, 0), 0);
				CHECK(take(&f, 0) & SUP_DO_START);
				end_with(&f, c);
				if (has_word(restarting[c], sup_restart_name(p))) {
					CHECK(f.s.unit[0].is_waiting_restart);
					pass(&f, 10000 * SUP_MS);
					want++;
				} else {
					CHECK_EQ(f.s.unit[0].state, c == SUP_CLEAN ? SUP_STOPPED : SUP_FAILED);
				}
				CHECK_EQ(f.s.unit[0].restarts, want);
			}
			fixture_free(&f);
		}
}

static void test_start_limit_exact(void)
{
	/* Five starts; the sixth one tick before the first leaves the window fails, at its end not. */
	for (int late = -1; late <= 1; late++) {
		struct fixture f;

		fixture_init(&f, 1, 0);
		sup_link(&f.s);
		uint64_t first = f.now;

		for (int i = 0; i < 5; i++) {
			CHECK_EQ(event(&f, SUP_EV_START, 0, 0), 0);
			CHECK_EQ(f.s.unit[0].state, SUP_STARTING);
			event(&f, SUP_EV_EXIT, 0, SUP_UNCLEAN);
			CHECK_EQ(f.s.unit[0].result, SUP_R_EXIT);
			f.now += 100;
		}
		f.now = first + 10000 * SUP_MS + late;
		CHECK_EQ(event(&f, SUP_EV_START, 0, 0), 0);
		CHECK_EQ(f.s.unit[0].state, late < 0 ? SUP_FAILED : SUP_STARTING);
		CHECK_EQ(f.s.unit[0].result, late < 0 ? SUP_R_START_LIMIT : SUP_R_OK);
		fixture_free(&f);
	}
}

static void test_backoff_series(void)
{
	static const uint64_t waits[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct fixture f;

	fixture_init(&f, 1, 0);
	f.s.unit[0].restart = SUP_ALWAYS;
	f.s.unit[0].limit_burst = 0;
	sup_link(&f.s);
	event(&f, SUP_EV_START, 0, 0);
	for (unsigned int i = 0; i < sizeof waits / sizeof *waits; i++) {
		event(&f, SUP_EV_READY, 0, 0);
		take(&f, 0);
		event(&f, SUP_EV_EXIT, 0, SUP_CLEAN);
		pass(&f, waits[i] * SUP_MS - 1);
		CHECK(!(take(&f, 0) & SUP_DO_START));
		pass(&f, 1);
		CHECK(take(&f, 0) & SUP_DO_START);
	}
	/* Up for the longest wait: the series begins again. */
	event(&f, SUP_EV_READY, 0, 0);
	pass(&f, 10000 * SUP_MS);
	event(&f, SUP_EV_EXIT, 0, SUP_CLEAN);
	CHECK_EQ(sup_deadline(&f.s), f.now + 100 * SUP_MS);
	fixture_free(&f);
}

static void test_watchdog_exact(void)
{
	struct fixture f;

	fixture_init(&f, 1, 0);
	f.s.unit[0].watchdog = 1000 * SUP_MS;
	f.s.unit[0].restart = SUP_ON_WATCHDOG;
	sup_link(&f.s);
	event(&f, SUP_EV_START, 0, 0);
	event(&f, SUP_EV_READY, 0, 0);
	for (int i = 0; i < 10; i++) {
		pass(&f, 1000 * SUP_MS - 1);
		CHECK_EQ(f.s.unit[0].state, SUP_RUNNING);
		event(&f, SUP_EV_PING, 0, 0);
	}
	take(&f, 0);
	pass(&f, 1000 * SUP_MS - 1);
	CHECK(!(take(&f, 0) & SUP_DO_ABORT));
	pass(&f, 1);
	CHECK(take(&f, 0) & SUP_DO_ABORT);
	pass(&f, 5000 * SUP_MS);	/* it ignores the signal */
	CHECK(take(&f, 0) & SUP_DO_KILL);
	event(&f, SUP_EV_EXIT, 0, SUP_SIGNAL);
	CHECK_EQ(f.s.unit[0].result, SUP_R_WATCHDOG);
	CHECK(f.s.unit[0].is_waiting_restart);
	fixture_free(&f);
}

static void test_stop_term_then_kill(void)
{
	struct fixture f;

	fixture_init(&f, 1, 0);
	sup_link(&f.s);
	event(&f, SUP_EV_START, 0, 0);
	event(&f, SUP_EV_READY, 0, 0);
	take(&f, 0);
	event(&f, SUP_EV_STOP, 0, 0);
	CHECK(take(&f, 0) & SUP_DO_STOP_IT);
	pass(&f, 5000 * SUP_MS - 1);
	CHECK(!(take(&f, 0) & SUP_DO_KILL));
	pass(&f, 1);
	CHECK(take(&f, 0) & SUP_DO_KILL);
	event(&f, SUP_EV_EXIT, 0, SUP_SIGNAL);
	CHECK_EQ(f.s.unit[0].state, SUP_FAILED);
	CHECK_EQ(f.s.unit[0].result, SUP_R_TIMEOUT);
	CHECK_EQ(f.s.unit[0].job_result, SUP_R_OK);
	fixture_free(&f);
}

static void test_pause_and_requests(void)
{
	struct fixture f;

	fixture_init(&f, 2, 0);
	f.s.unit[0].watchdog = 100 * SUP_MS;
	f.s.unit[1].flags = SUP_F_MISSING;
	sup_link(&f.s);
	CHECK_EQ(event(&f, SUP_EV_PAUSE, 0, 0), SUP_ENOTRUNNING);
	CHECK_EQ(event(&f, SUP_EV_START, 1, 0), SUP_ENOTFOUND);
	CHECK_EQ(event(&f, SUP_EV_START, 2, 0), SUP_ENOTFOUND);
	CHECK_EQ(event(&f, SUP_EVENTS, 0, 0), SUP_EINVALID);
	f.s.unit[1].flags = SUP_F_BROKEN;
	CHECK_EQ(event(&f, SUP_EV_START, 1, 0), SUP_ECONFIG);
	CHECK_EQ(event(&f, SUP_EV_DISABLE, 0, 0), 0);
	CHECK_EQ(f.s.unit[0].state, SUP_DISABLED);
	event(&f, SUP_EV_START, 0, 0);
	event(&f, SUP_EV_READY, 0, 0);
	take(&f, 0);
	CHECK_EQ(event(&f, SUP_EV_PAUSE, 0, 0), 0);
	CHECK(take(&f, 0) & SUP_DO_FREEZE);
	pass(&f, 1000 * SUP_MS);	/* a frozen service cannot ping */
	CHECK_EQ(f.s.unit[0].state, SUP_PAUSED);
	CHECK_EQ(event(&f, SUP_EV_START, 0, 0), SUP_ENOTSTOPPED);
	CHECK_EQ(event(&f, SUP_EV_RESUME, 0, 0), 0);
	CHECK(take(&f, 0) & SUP_DO_THAW);
	event(&f, SUP_EV_PAUSE, 0, 0);
	take(&f, 0);
	event(&f, SUP_EV_STOP, 0, 0);	/* a frozen process sees no signal */
	CHECK_EQ(take(&f, 0) & (SUP_DO_THAW | SUP_DO_STOP_IT), SUP_DO_THAW | SUP_DO_STOP_IT);
	event(&f, SUP_EV_EXIT, 0, SUP_CLEAN);
	CHECK_EQ(f.s.unit[0].state, SUP_DISABLED);
	event(&f, SUP_EV_ENABLE, 0, 0);
	CHECK_EQ(f.s.unit[0].state, SUP_STOPPED);
	event(&f, SUP_EV_STOP_ALL, 0, 0);
	CHECK_EQ(event(&f, SUP_EV_START, 0, 0), SUP_ESHUTDOWN);
	fixture_free(&f);
}

static void test_versions(void)
{
	static const struct { const char *have, *op, *want; bool yes; } rows[] = {
		{ "1.2", ">=", "1.2", true }, { "1.10", ">", "1.9", true }, { "1.2", "<", "1.2.1", true },
		{ "2", "<=", "10", true }, { "1.02", "=", "1.2", true }, { "1.2-rc1", "==", "1.2-rc1", true },
		{ "1.2", "!=", "1.3", false }, { "1.2", ">", "1.2", false }, { "", ">=", "1", false },
		{ "99999999999999999999.1", ">", "99999999999999999999.0", true }, { "1", "<", "", false },
		{ "1.2", "", "1.2", false }, { "1.2", ">==", "1.2", false }, { "1.2", "=>", "1.2", false },
	};

	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_EQ(sup_version_satisfies(rows[i].have, rows[i].op, rows[i].want), rows[i].yes);
}

/* ---- random histories --------------------------------------------------------------------------- */

static void compare(const struct fixture *f, const struct model *m, int step, const struct sup_event *e)
{
	const struct sup_unit *u = &f->s.unit[0];
	const char *state = sup_state_name(u->state), *result = sup_result_name(u->result);

	if (strcmp(state, model_state(m)) || (m->why && strcmp(result, m->why)) ||
	    u->restarts != (uint32_t)m->retries) {
		printf("not ok %s step %d event %u: engine %s/%s/%u model %s/%s/%d\n", test_now_running, step, e->kind, state,
		       result, u->restarts, model_state(m), m->why, m->retries);
		exit(1);
	}
}

static void configure(struct fixture *f, struct model *m, uint64_t *seed)
{
	struct sup_unit *u = &f->s.unit[0];

	u->restart = rnd(seed) % SUP_RESTARTS;
	u->flags = rnd(seed) % 4 ? 0 : SUP_F_ONESHOT | (rnd(seed) % 2 ? SUP_F_REMAIN : 0);
	u->timeout_start = rnd(seed) % 5 ? 50 : 0;
	u->timeout_stop = rnd(seed) % 5 ? 20 : 0;
	u->watchdog = rnd(seed) % 3 ? 0 : 30;
	u->restart_delay = rnd(seed) % 8;
	u->restart_delay_max = rnd(seed) % 40;
	u->limit_burst = rnd(seed) % 6;
	u->limit_interval = 1 + rnd(seed) % 200;
	u->health_threshold = rnd(seed) % 4;
	*m = (struct model){ .restart = sup_restart_name(u->restart), .oneshot = u->flags & SUP_F_ONESHOT,
		.remain = u->flags & SUP_F_REMAIN, .start_s = u->timeout_start, .stop_s = u->timeout_stop,
		.watchdog_s = u->watchdog, .retry_s = u->restart_delay, .retry_max_s = u->restart_delay_max,
		.window_s = u->limit_interval, .burst = u->limit_burst, .threshold = u->health_threshold };
}

static void random_event(struct fixture *f, struct sup_event *e, uint64_t *seed)
{
	static const uint8_t kinds[] = { SUP_EV_TICK, SUP_EV_TICK, SUP_EV_START, SUP_EV_START, SUP_EV_START,
		SUP_EV_STOP, SUP_EV_RESTART, SUP_EV_PAUSE, SUP_EV_RESUME, SUP_EV_READY, SUP_EV_READY,
		SUP_EV_READY, SUP_EV_EXIT, SUP_EV_EXIT, SUP_EV_EXIT, SUP_EV_PING, SUP_EV_PING, SUP_EV_HEALTH,
		SUP_EV_HEALTH, SUP_EV_RESET, SUP_EV_SKIP };

	*e = (struct sup_event){ f->now, 0, kinds[rnd(seed) % sizeof kinds], 0 };
	if (rnd(seed) % 3000 == 0)
		e->kind = SUP_EV_STOP_ALL;
	if (e->kind == SUP_EV_EXIT)
		e->arg = rnd(seed) % 3;	/* time-out and watchdog come from the clock */
	if (e->kind == SUP_EV_HEALTH)
		e->arg = rnd(seed) % 3 == 0;
}

static void one_history(uint64_t seed, int steps)
{
	static struct model m;
	struct fixture f;

	fixture_init(&f, 1, 0);
	configure(&f, &m, &seed);
	sup_link(&f.s);
	for (int i = 0; i < steps; i++) {
		uint64_t end = f.now + rnd(&seed) % 25;
		struct sup_event e = { 0 };

		/* The clock stops at every deadline: both must have the same ones. */
		for (;;) {
			uint64_t due = model_deadline(&m);

			if (due > end)
				break;
			CHECK(sup_deadline(&f.s) <= due);
			f.now = due > f.now ? due : f.now;
			e = (struct sup_event){ f.now, 0, SUP_EV_TICK, 0 };
			model_event(&m, &e);
			sup_step(&f.s, &e);
			drain(&f);
			compare(&f, &m, i, &e);
		}
		f.now = end;
		random_event(&f, &e, &seed);
		model_event(&m, &e);
		sup_step(&f.s, &e);
		drain(&f);
		compare(&f, &m, i, &e);
		CHECK_EQ(f.s.unit[0].is_waiting_restart, m.phase == M_PAUSE_BEFORE_RETRY);
	}
	fixture_free(&f);
}

static void test_equals_model(void)
{
	for (uint64_t seed = 1; seed <= 2000; seed++)
		one_history(seed * 0x9e3779b97f4a7c15, 500);
}

int main(void)
{
	RUN(test_policy_cells);
	RUN(test_policy_thousand_ends_each);
	RUN(test_start_limit_exact);
	RUN(test_backoff_series);
	RUN(test_watchdog_exact);
	RUN(test_stop_term_then_kill);
	RUN(test_pause_and_requests);
	RUN(test_versions);
	RUN(test_equals_model);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel daemons: each is killed, stalled and hung, and works afterwards; stopping, limits, bad commands. */
#include <kernel/test.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "daemons.h"

#define PATIENCE_NS (10 * NSEC_PER_SEC)

static struct daemon_state *state_of(const char *name)
{
	for (unsigned i = 0; i < daemon_table_len; i++)
		if (!strcmp(daemon_states[i].d->name, name))
			return &daemon_states[i];
	return NULL;
}

static int command(const char *verb, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s\n", verb, name);
	return daemons_command(text);
}

static bool is_running(const struct daemon_state *s)
{
	return atomic_load(&daemon_unit(s)->state) == SUP_RUNNING;
}

/* Until it runs and has been restarted that often. */
static bool comes_back(const struct daemon_state *s, u32 restarts)
{
	struct waitq q = WAITQ_INIT(q);
	u64 end = time_ns() + PATIENCE_NS;

	while (!is_running(s) || atomic_load(&daemon_unit(s)->restarts) != restarts) {
		if (time_ns() > end)
			return false;
		(void)waitq_wait_until(&q, false, SLEEP_INTERRUPTIBLE, time_ns() + NSEC_PER_MSEC, false);
	}
	return true;
}

/* A poked daemon does a round. */
static bool works(struct daemon_state *s)
{
	struct waitq q = WAITQ_INIT(q);
	u64 before = atomic_load(&s->rounds), end = time_ns() + PATIENCE_NS;

	daemon_poke(s->d);
	while (atomic_load(&s->rounds) == before) {
		if (time_ns() > end)
			return false;
		(void)waitq_wait_until(&q, false, SLEEP_INTERRUPTIBLE, time_ns() + NSEC_PER_MSEC, false);
	}
	return true;
}

/* The starts of this suite must not count against the limit of what comes next. */
static void forget(struct daemon_state *s)
{
	(void)daemons_post(s, SUP_EV_RESET, 0);
}

static void test_four_run(void)
{
	static const char *const names[] = { "writeback", "reclaim", "log", "entropy" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		struct daemon_state *s = state_of(names[i]);

		test_check(s != NULL);
		test_check(comes_back(s, daemon_unit(s)->restarts));	/* after a boot of one CPU it may not have run yet */
		test_check(works(s));
	}
}

static void test_killed(void)
{
	for (unsigned i = 0; i < daemon_table_len; i++) {
		struct daemon_state *s = &daemon_states[i];
		u32 before = daemon_unit(s)->restarts;

		forget(s);
		test_equal(command("kill", s->d->name), 0);
		test_check(comes_back(s, before + 1));
		test_check(works(s));
		test_equal(daemon_unit(s)->result, SUP_R_OK);
		forget(s);
	}
}

/* Its round does not end: the watchdog sees it; told to end, it does. */
static void test_stalled(void)
{
	for (unsigned i = 0; i < daemon_table_len; i++) {
		struct daemon_state *s = &daemon_states[i];
		u32 before = daemon_unit(s)->restarts, left = s->left_behind;
		char text[64];

		forget(s);
		snprintf(text, sizeof(text), "watchdog %s 50", s->d->name);
		test_equal(daemons_command(text), 0);
		test_equal(command("stall", s->d->name), 0);
		test_check(comes_back(s, before + 1));
		test_equal(s->left_behind, left);
		test_check(works(s));
		snprintf(text, sizeof(text), "watchdog %s %u", s->d->name, (unsigned)(s->d->watchdog_ns / NSEC_PER_MSEC));
		test_equal(daemons_command(text), 0);
		forget(s);
	}
}

/* Nor does it end when told: it is left behind, another takes its place. */
static void test_hung(void)
{
	struct daemon_state *s = state_of("entropy");
	u32 before = daemon_unit(s)->restarts, left = s->left_behind;
	struct thread *t;

	forget(s);
	test_equal(daemons_command("watchdog entropy 50"), 0);
	t = thread_get(s->thread);
	test_equal(command("hang", "entropy"), 0);
	if (!comes_back(s, before + 1)) {
		thread_put(t);
		test_check(false);
	}
	test_equal(s->left_behind, left + 1);
	(void)thread_join(t);	/* it found out and went */
	test_check(works(s));
	test_equal(daemons_command("watchdog entropy 10000"), 0);
	forget(s);
}

static void test_sleeping_is_well(void)
{
	struct daemon_state *s = state_of("entropy");
	u32 before = daemon_unit(s)->restarts;
	struct waitq q = WAITQ_INIT(q);

	test_equal(daemons_command("watchdog entropy 10"), 0);
	(void)waitq_wait_until(&q, false, SLEEP_INTERRUPTIBLE, time_ns() + 200 * NSEC_PER_MSEC, false);
	test_equal(daemon_unit(s)->restarts, before);
	test_check(is_running(s));
	test_equal(daemons_command("watchdog entropy 10000"), 0);
}

static void test_stop_start_restart(void)
{
	struct daemon_state *s = state_of("entropy");
	u64 rounds;

	test_equal(command("stop", "entropy"), 0);
	test_equal(daemon_unit(s)->state, SUP_STOPPED);
	rounds = s->rounds;
	daemon_poke(s->d);
	test_equal(command("kill", "entropy"), -EBUSY);
	test_equal(command("stall", "entropy"), -EBUSY);
	test_equal(s->rounds, rounds);
	test_equal(command("start", "entropy"), 0);
	test_check(is_running(s) && works(s));
	test_equal(command("restart", "entropy"), 0);
	test_check(is_running(s) && works(s));
	forget(s);
}

static void test_start_limit(void)
{
	struct daemon_state *s = state_of("entropy");
	u32 before = daemon_unit(s)->restarts;
	u64 end = time_ns() + PATIENCE_NS;
	struct waitq q = WAITQ_INIT(q);

	forget(s);
	for (u32 i = 1; i <= 5; i++) {
		test_equal(command("kill", "entropy"), 0);
		test_check(comes_back(s, before + i));
	}
	test_equal(command("kill", "entropy"), 0);
	while (daemon_unit(s)->state != SUP_FAILED) {
		test_check(time_ns() < end);
		(void)waitq_wait_until(&q, false, SLEEP_INTERRUPTIBLE, time_ns() + NSEC_PER_MSEC, false);
	}
	test_equal(daemon_unit(s)->result, SUP_R_START_LIMIT);
	forget(s);
	test_equal(command("start", "entropy"), 0);
	test_check(is_running(s));
	forget(s);
}

/* Nobody is awake without need: a second without work costs (almost) no rounds and no CPU time. */
static void test_idle(void)
{
	struct waitq q = WAITQ_INIT(q);
	u64 before = daemons_supervisor_ns(), began = time_ns();

	(void)waitq_wait_until(&q, false, SLEEP_INTERRUPTIBLE, began + NSEC_PER_SEC, false);
	test_check(daemons_supervisor_ns() - before < NSEC_PER_SEC / 20);
}

static void test_bad_commands(void)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{ "", -EINVAL }, { "start", -EINVAL }, { "start ", -ENOENT }, { "start nobody", -ENOENT },
		{ "frob entropy", -EINVAL }, { "start entropy now", -EINVAL }, { "watchdog entropy", -EINVAL },
		{ "watchdog entropy 0", -EINVAL }, { "watchdog entropy 99999999999", -EINVAL },
		{ "watchdog entropy 12x", -EINVAL }, { "watchdog nobody 5", -ENOENT }, { "start entropy\n\n", -EINVAL },
		{ "start\nentropy", -EINVAL }, { " start entropy", -EINVAL },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		test_equal(daemons_command(rows[i].text), rows[i].error);
}

static const struct test_case cases[] = {
	TEST_CASE(test_four_run), TEST_CASE(test_killed), TEST_CASE(test_stalled), TEST_CASE(test_hung),
	TEST_CASE(test_sleeping_is_well), TEST_CASE(test_stop_start_restart), TEST_CASE(test_start_limit),
	TEST_CASE(test_idle), TEST_CASE(test_bad_commands), {},
};
const struct test_suite test_suite_daemons = { "daemons", cases };

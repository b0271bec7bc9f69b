/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked of init: a table of verbs, each a function of the request's words. Answers are
 * lines of `key=value` fields; requests that start or stop something are answered when it is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>

#include "control.h"

static const char *const type_names[] = { "service", "target", "socket", "timer" };
static const char *const kind_names[] = { "group", "system", "user", "monitoring", "load-balancer", "service" };

/* ---- showing ------------------------------------------------------------------------------------ */

static void put_unit(struct client *c, struct unit *u)
{
	const struct sup_unit *s = unit_state(u);
	char path[300];

	client_field(c, "name", u->name);
	client_field(c, "type", type_names[u->type]);
	client_field(c, "kind", kind_names[u->c->kind]);
	client_field(c, "state", sup_state_name(s->state));
	client_field(c, "result", u->is_missing ? "not-found" : u->is_broken ? "configuration" : sup_result_name(s->result));
	client_field(c, "job", s->job == SUP_JOB_NONE ? "-" : s->job == SUP_JOB_START ? "start" : s->job == SUP_JOB_STOP ? "stop" : "restart");
	client_field(c, "health", !u->c->health->kind ? "-" : s->is_unhealthy ? "unhealthy" : "healthy");
	client_number(c, "pid", u->main_pid);
	client_number(c, "restarts", s->restarts);
	client_number(c, "since_ns", s->since);
	client_number(c, "now_ns", now_ns());
	client_field(c, "enabled", s->enabled ? "yes" : "no");
	client_field(c, "waiting", s->is_waiting_restart ? "yes" : "no");
	if (sup_is_active(s) && u->type == UNIT_SERVICE) {
		client_number(c, "memory", group_number(u, "memory.current", NULL));
		client_number(c, "cpu_us", group_number(u, "cpu.stat", "usage_usec "));
		client_number(c, "tasks", group_number(u, "pids.current", NULL));
	}
	client_field(c, "group", init.has_groups ? group_path(u, NULL) : "");
	client_field(c, "description", u->c->description);
	client_field(c, "text", u->notify_text);
	client_field(c, "file", u->path);
	log_path(u, path, sizeof path);
	client_field(c, "log", path);
	if (u->main_ended && !u->main_pid)
		client_number(c, "exit", u->main_status);
	if (u->why_broken)
		client_field(c, "error", u->why_broken);
	client_put(c, "\n");
}

static bool is_shown(const struct unit *u, const char *pattern, bool all)
{
	if (u->is_missing && !all)
		return false;
	return name_matches(pattern, u->name);
}

static void verb_list(struct client *c, int count, char **words)
{
	const char *pattern = count > 1 ? words[1] : "*";

	for (uint32_t i = 0; i < init.sup.units; i++)
		if (is_shown(init.units[i], pattern, false))
			put_unit(c, init.units[i]);
	kernel_list(c, pattern);
	client_end(c, 0, NULL);
}

static void verb_status(struct client *c, int count, char **words)
{
	struct unit *u;

	if (kernel_is_name(words[1])) {
		client_end(c, kernel_list(c, words[1]) ? 0 : SUP_ENOTFOUND, words[1]);
		return;
	}
	u = unit_find(words[1]);	/* not made for anybody who asks, and anybody may */
	if (!u && !strchr(words[1], '@'))
		u = unit_known(words[1]);
	if (!u || (u->is_missing && !sup_is_active(unit_state(u)))) {
		client_end(c, SUP_ENOTFOUND, words[1]);
		return;
	}
	put_unit(c, u);
	client_end(c, 0, NULL);
}

/* Names that match and run well. */
static void verb_discover(struct client *c, int count, char **words)
{
	int found = 0;

	for (uint32_t i = 0; i < init.sup.units; i++) {
		const struct sup_unit *s = unit_state(init.units[i]);

		if (!is_shown(init.units[i], words[1], false) || s->state != SUP_RUNNING || s->is_unhealthy)
			continue;
		client_field(c, "name", init.units[i]->name);
		client_field(c, "backend", init.units[i]->c->rare->backend);
		client_put(c, "\n");
		found++;
	}
	client_end(c, found ? 0 : SUP_EDISCOVERY, found ? NULL : "nothing that runs matches");
}

static bool is_instance(const struct unit *u, const char *template)
{
	const char *at = strchr(template, '@');

	return at && !strncmp(u->name, template, at + 1 - template) && strcmp(u->name, template) &&
	       unit_name_type(template) == u->type;
}

/* One running instance of web@.service, each in turn. */
static void verb_instance(struct client *c, int count, char **words)
{
	static uint32_t turn;
	char template[CONFIG_NAME_MAX + 16];
	const char *at = strchr(words[1], '@');

	snprintf(template, sizeof template, at ? "%s" : "%s@.service", words[1]);
	for (uint32_t i = 0; i < init.sup.units; i++) {
		struct unit *u = init.units[++turn % init.sup.units];
		const struct sup_unit *s = unit_state(u);

		if (!is_instance(u, template) || s->state != SUP_RUNNING || s->is_unhealthy || u->is_draining)
			continue;
		client_field(c, "name", u->name);
		client_field(c, "backend", u->c->rare->backend);
		client_put(c, "\n");
		client_end(c, 0, NULL);
		return;
	}
	client_end(c, SUP_EBALANCER, "no instance runs");
}

static void verb_graph(struct client *c, int count, char **words)
{
	for (uint32_t i = 0; i < init.sup.edges; i++) {
		const struct sup_edge *e = &init.sup.edge[i];

		client_field(c, "from", init.units[e->from]->name);
		client_field(c, "to", init.units[e->to]->name);
		client_number(c, "bits", e->bits);
		client_put(c, "\n");
	}
	client_end(c, 0, NULL);
}

static void verb_chart(struct client *c, int count, char **words)
{
	client_number(c, "began", init.began);
	client_number(c, "booted", init.booted);
	client_number(c, "now", now_ns());
	client_put(c, "\n");
	for (uint32_t i = 0; i < init.sup.units; i++) {
		const struct unit *u = init.units[i];

		if (!u->started_at)
			continue;
		client_field(c, "name", u->name);
		client_number(c, "queued", u->queued_at);
		client_number(c, "started", u->started_at);
		client_number(c, "ready", u->ready_at);
		client_put(c, "\n");
	}
	client_end(c, 0, NULL);
}

static void verb_keys(struct client *c, int count, char **words)
{
	const char *key;

	for (unsigned int i = 0; (key = config_key(i)); i++) {
		client_put(c, key);
		client_put(c, "\n");
	}
	client_end(c, 0, NULL);
}

/* ---- changing ----------------------------------------------------------------------------------- */

static void end_cycle(struct client *c)
{
	char text[500] = "";

	for (uint32_t i = 0; i <= init.sup.cycle_length; i++)
		if (strlen(text) < sizeof text - CONFIG_NAME_MAX - 8) {
			strcat(text, i ? " -> " : "");
			strcat(text, init.units[init.sup.cycle[i % init.sup.cycle_length]]->name);
		}
	client_end(c, SUP_ECYCLE, text);
}

static void request(struct client *c, struct unit *u, uint8_t event)
{
	int error = unit_post(u, event, 0);

	if (error == SUP_ECYCLE)
		end_cycle(c);
	else if (error)
		client_end(c, error, u->why_broken ? u->why_broken : u->name);
	else if (unit_state(u)->job || (unit_state(u)->todo & SUP_DO_JOB_DONE))
		c->waits_for = u->id;
	else
		client_end(c, 0, NULL);
}

/* The unit of a request that exists, or NULL after the answer. */
static struct unit *named(struct client *c, const char *name)
{
	struct unit *u = unit_known(name);

	if (!u || (u->is_missing && !sup_is_active(unit_state(u)))) {
		client_end(c, SUP_ENOTFOUND, name);
		return NULL;
	}
	return u;
}

static void simple_request(struct client *c, char **words, uint8_t event)
{
	struct unit *u = named(c, words[1]);

	if (u)
		request(c, u, event);
}

static void verb_start(struct client *c, int count, char **words)
{
	struct unit *u = named(c, words[1]);

	if (!u)
		return;
	if (!u->queued_at)
		u->queued_at = now_ns();
	request(c, u, SUP_EV_START);
}

static void verb_stop(struct client *c, int count, char **words)
{
	simple_request(c, words, SUP_EV_STOP);
}

static void verb_restart(struct client *c, int count, char **words)
{
	simple_request(c, words, SUP_EV_RESTART);
}

static void verb_pause(struct client *c, int count, char **words)
{
	simple_request(c, words, SUP_EV_PAUSE);
}

static void verb_resume(struct client *c, int count, char **words)
{
	simple_request(c, words, SUP_EV_RESUME);
}

static void verb_reset(struct client *c, int count, char **words)
{
	simple_request(c, words, SUP_EV_RESET);
}

static void verb_reload(struct client *c, int count, char **words)
{
	struct unit *u = named(c, words[1]);
	int error;

	if (!u)
		return;
	error = service_reload(u);
	client_end(c, error, error ? u->name : NULL);
}

static void verb_enable(struct client *c, int count, char **words)
{
	struct unit *u = named(c, words[1]);
	int error;

	if (!u)
		return;
	error = unit_enable(u, !strcmp(words[0], "enable"));
	client_end(c, error, error == SUP_ECONFIG ? "no [Install] section" : u->name);
}

static void verb_kill(struct client *c, int count, char **words)
{
	struct unit *u = named(c, words[1]);
	int signal = 15;

	if (!u)
		return;
	if (count > 2 && parse_signal(words[2], &signal))
		client_end(c, SUP_EINVALID, "no such signal");
	else if (!sup_is_active(unit_state(u)) || !service_signal(u, signal, false))
		client_end(c, SUP_ENOTRUNNING, u->name);
	else
		client_end(c, 0, NULL);
}

/* run NAME KEY=VALUE... : a transient unit of [Service] keys, started. */
static void verb_run_unit(struct client *c, int count, char **words)
{
	char text[REQUEST_MAX + 64] = "[Unit]\nDescription=transient\n[Service]\n";
	struct unit *u = NULL;
	int error;

	for (int i = 2; i < count; i++) {
		if (strchr(words[i], '\n')) {
			client_end(c, SUP_EINVALID, "a line break");
			return;
		}
		strcat(text, words[i]);
		strcat(text, "\n");
	}
	error = unit_name_type(words[1]) == UNIT_SERVICE ? unit_add_text(words[1], text, &u) : SUP_EINVALID;
	if (error) {
		u = unit_find(words[1]);
		client_end(c, error, u && u->why_broken ? u->why_broken : words[1]);
	} else {
		request(c, u, SUP_EV_START);
	}
}

static void verb_forget(struct client *c, int count, char **words)
{
	struct unit *u = named(c, words[1]);

	if (u)
		client_end(c, unit_forget(u), u->name);
}

static void verb_daemon_reload(struct client *c, int count, char **words)
{
	char text[40];
	int refused = units_load();

	snprintf(text, sizeof text, "%d refused", refused);
	client_end(c, refused ? SUP_ECONFIG : 0, text);
}

static void verb_shutdown(struct client *c, int count, char **words)
{
	enum end_action action = !strcmp(words[0], "reboot") ? END_REBOOT : !strcmp(words[0], "halt") ? END_HALT
		: END_POWEROFF;

	client_end(c, 0, NULL);
	shutdown_begin(action, "asked by svctl");
}

static void verb_crash(struct client *c, int count, char **words)
{
	client_end(c, 0, NULL);
	abort();	/* what follows is state.c's promise */
}

/* ---- balancers ---------------------------------------------------------------------------------- */

void verb_backends(struct client *c)
{
	for (uint32_t i = 0; i < init.sup.units; i++) {
		struct unit *u = init.units[i];
		const struct sup_unit *s = unit_state(u);

		if (!u->c->rare->backend || !is_instance(u, c->balances) || (u->step != STEP_UP && u->step != STEP_DRAIN))
			continue;
		client_field(c, "name", u->name);
		client_field(c, "backend", u->c->rare->backend);
		client_field(c, "state", u->step == STEP_DRAIN ? "drain" : s->is_unhealthy ? "unhealthy" : "up");
		client_put(c, "\n");
	}
	client_put(c, "ok\n");
}

static void verb_subscribe(struct client *c, int count, char **words)
{
	free((char *)c->balances);
	c->balances = strdup(words[1]);
	if (c->balances)
		verb_backends(c);
}

static void verb_drained(struct client *c, int count, char **words)
{
	struct unit *u = unit_find(words[1]);

	if (u && c->balances)
		service_drained(u);
}

/* ---- the table ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int min, max;		/* words, with the verb */
	void (*run)(struct client *c, int count, char **words);
} verbs[] = {
	{ "list", 1, 2, verb_list }, { "status", 2, 2, verb_status }, { "discover", 2, 2, verb_discover },
	{ "instance", 2, 2, verb_instance }, { "graph", 1, 1, verb_graph }, { "chart", 1, 1, verb_chart },
	{ "keys", 1, 1, verb_keys }, { "start", 2, 2, verb_start }, { "stop", 2, 2, verb_stop },
	{ "restart", 2, 2, verb_restart }, { "reload", 2, 2, verb_reload }, { "pause", 2, 2, verb_pause },
	{ "resume", 2, 2, verb_resume }, { "reset-failed", 2, 2, verb_reset }, { "enable", 2, 2, verb_enable },
	{ "disable", 2, 2, verb_enable }, { "kill", 2, 3, verb_kill },
	{ "run", 3, REQUEST_WORDS, verb_run_unit }, { "forget", 2, 2, verb_forget },
	{ "daemon-reload", 1, 1, verb_daemon_reload }, { "poweroff", 1, 1, verb_shutdown },
	{ "reboot", 1, 1, verb_shutdown }, { "halt", 1, 1, verb_shutdown }, { "crash", 1, 1, verb_crash },
	{ "backends", 2, 2, verb_subscribe }, { "drained", 2, 2, verb_drained },
};

void verb_run(struct client *c, int count, char **words)
{
	for (unsigned int i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, words[0]))
			continue;
		if (count < verbs[i].min || count > verbs[i].max)
			client_end(c, SUP_EINVALID, "wrong number of words");
		else
			verbs[i].run(c, count, words);
		return;
	}
	client_end(c, SUP_EINVALID, "no such verb");
}

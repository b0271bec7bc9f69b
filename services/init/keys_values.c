/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The setters of single values: text, spans, numbers, words from a list, outputs. Those that append
 * to a list are keys_lists.c's; which key has which stands in keys.c.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"

char *parser_text(struct parser *p, const char *text)
{
	return arena_text(&p->config.arena, text, strlen(text));
}

const char *set_text(struct parser *p, const struct key *k, char *value)
{
	return (*FIELD(const char *, p, k) = parser_text(p, value)) ? NULL : NO_MEMORY;
}

const char *set_path(struct parser *p, const struct key *k, char *value)
{
	if (value[0] != '/')
		return "not an absolute path";
	return set_text(p, k, value);
}

const char *set_bool(struct parser *p, const struct key *k, char *value)
{
	return parse_bool(value, FIELD(bool, p, k)) ? "not yes or no" : NULL;
}

const char *set_span(struct parser *p, const struct key *k, char *value)
{
	if (parse_span(value, FIELD(uint64_t, p, k)))
		return "not a span of time such as 5, 100ms or 1min 30s";
	if (k->arg && !*FIELD(uint64_t, p, k))
		return "must be longer than 0";
	return NULL;
}

const char *set_both_timeouts(struct parser *p, const struct key *k, char *value)
{
	uint64_t ns;

	if (parse_span(value, &ns))
		return "not a span of time";
	p->config.timeout_start = p->config.timeout_stop = ns;
	return NULL;
}

const char *set_number(struct parser *p, const struct key *k, char *value)
{
	return parse_number(value, k->arg >> 32, (int32_t)k->arg, FIELD(int64_t, p, k)) ? "not a number in range" : NULL;
}

const char *set_size(struct parser *p, const struct key *k, char *value)
{
	return parse_size(value, FIELD(int64_t, p, k)) ? "not a size such as 64M or infinity" : NULL;
}

const char *set_log_max(struct parser *p, const struct key *k, char *value)
{
	int64_t size;

	if (parse_size(value, &size) || size < 1024)
		return "not a size of at least 1K";
	p->parts.rare.log_max = size;
	return NULL;
}

const char *set_octal(struct parser *p, const struct key *k, char *value)
{
	return parse_octal(value, FIELD(int64_t, p, k)) ? "not an octal mode" : NULL;
}

const char *set_signal(struct parser *p, const struct key *k, char *value)
{
	return parse_signal(value, FIELD(int, p, k)) ? "not a signal" : NULL;
}

/* ---- words from a list -------------------------------------------------------------------------- */

static const char *const kinds[] = { "group", "system", "user", "monitoring", "load-balancer", "service", NULL };
static const char *const types[] = { "simple", "exec", "forking", "oneshot", "notify", NULL };
static const char *const restarts[] = { "no", "always", "on-success", "on-failure", "on-abnormal", "on-abort",
	"on-watchdog", NULL };
static const char *const kill_modes[] = { "control-group", "mixed", "process", "none", NULL };
static const char *const inputs[] = { "null", "tty", "socket", NULL };
static const char *const classes[] = { "", "system", "user", "service", "background", "interactive", NULL };
static const char *const reactions[] = { "ignore", "restart", "stop", NULL };
static const char *const actions[] = { "none", "poweroff", "reboot", "halt", NULL };
static const char *const balances[] = { "none", "round-robin", "least-loaded", NULL };
static const char *const accesses[] = { "main", "all", NULL };
static const char *const *const lists[] = { kinds, types, restarts, kill_modes, inputs, classes, reactions, actions,
	balances, accesses };

const char *set_word(struct parser *p, const struct key *k, char *value)
{
	const char *const *list = lists[k->arg];

	for (int i = 0; list[i]; i++)
		if (*value && !strcmp(list[i], value)) {
			*FIELD(uint8_t, p, k) = i;
			return NULL;
		}
	return "not one of the words for this key";
}

const char *set_policy(struct parser *p, const struct key *k, char *value)
{
	static const struct {
			const char *name;
			int policy;
		} policies[] = {
		{ "other", SCHED_OTHER }, { "batch", SCHED_BATCH }, { "idle", SCHED_IDLE }, { "fifo", SCHED_FIFO },
		{ "rr", SCHED_RR },
	};

	for (unsigned int i = 0; i < sizeof policies / sizeof *policies; i++)
		if (!strcmp(policies[i].name, value)) {
			p->parts.run.sched_policy = policies[i].policy;
			return NULL;
		}
	return "not other, batch, idle, fifo or rr";
}

/* ---- values with a form of their own ------------------------------------------------------------ */

const char *set_cpus(struct parser *p, const struct key *k, char *value)
{
	if (!p->parts.run.cpus)
		p->parts.run.cpus = arena_alloc(&p->config.arena, CONFIG_CPUS_MAX / 8);
	if (!p->parts.run.cpus)
		return NO_MEMORY;
	return parse_cpus(value, p->parts.run.cpus, CONFIG_CPUS_MAX / 64) ? "not a list of CPUs such as 0-3,5" : NULL;
}

const char *set_quota(struct parser *p, const struct key *k, char *value)
{
	size_t length = strlen(value);

	if (length < 2 || value[length - 1] != '%')
		return "not a percentage such as 20%";
	value[length - 1] = 0;
	return parse_number(value, 1, 100000, &p->parts.quota.cpu_quota_percent) ? "not a percentage in range" : NULL;
}

const char *set_exits(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX];
	int n = split_words(value, words, CONFIG_WORDS_MAX);

	if (!p->parts.rare.success_exits)
		p->parts.rare.success_exits = arena_alloc(&p->config.arena, 256 / 8);
	if (!p->parts.rare.success_exits)
		return NO_MEMORY;
	p->parts.rare.success_exits[0] |= 1;
	for (int i = 0; i < n; i++) {
		int64_t code;

		if (parse_number(words[i], 0, 255, &code))
			return "not exit codes";
		p->parts.rare.success_exits[code / 32] |= 1u << code % 32;
	}
	return n < 0 ? "too many words" : NULL;
}

const char *set_output(struct parser *p, const struct key *k, char *value)
{
	static const char *const words[] = { "log", "null", "console", "inherit", NULL, NULL, "socket" };
	bool is_err = k->arg;
	uint8_t *out = is_err ? &p->config.err : &p->config.out;
	const char **file = is_err ? &p->parts.run.err_file : &p->parts.run.out_file;

	p->config.err_is_set |= is_err;
	for (unsigned int i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i] && !strcmp(words[i], value)) {
			*out = i;
			return NULL;
		}
	*file = parser_text(p, strchr(value, ':') ? strchr(value, ':') + 1 : "");
	if (!*file)
		return NO_MEMORY;
	*out = !strncmp(value, "append:", 7) ? OUT_APPEND : OUT_FILE;
	if ((*out == OUT_FILE && strncmp(value, "file:", 5)) || **file != '/')
		return "not log, null, console, inherit, socket, append:/path or file:/path";
	return NULL;
}

const char *set_unit(struct parser *p, const struct key *k, char *value)
{
	if (unit_name_type(value) != UNIT_SERVICE && unit_name_type(value) != UNIT_TARGET)
		return "not a service or target";
	return set_text(p, k, value);
}

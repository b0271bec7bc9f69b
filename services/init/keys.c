/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of unit files: one table row each, with the section, the function that reads the value
 * and the field it goes to. A key that is not in the table is refused; each row has a test that
 * fails when init ignores the key (tests/services).
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "keys.h"

struct key {
	const char *section, *name;
	/* 0, or a reason why not. */
	const char *(*set)(struct parser *p, const struct key *k, char *value);
	size_t field;
	long arg;
};

#define FIELD(type, p, k) ((type *)((char *)(p)->config + (k)->field))
#define NO_MEMORY "out of memory"

/* Appends to a singly linked list whose first member is the link. */
static void *append(struct parser *p, void *list, size_t size)
{
	void **at = list, *item = arena_alloc(&p->config->arena, size);

	while (*at)
		at = *at;
	return *at = item;
}

/* A copy that lives as long as the configuration. */
static char *keep(struct parser *p, const char *text)
{
	return arena_text(&p->config->arena, text, strlen(text));
}

static const char *set_text(struct parser *p, const struct key *k, char *value)
{
	return (*FIELD(const char *, p, k) = keep(p, value)) ? NULL : NO_MEMORY;
}

static const char *set_path(struct parser *p, const struct key *k, char *value)
{
	if (value[0] != '/')
		return "not an absolute path";
	return set_text(p, k, value);
}

static const char *set_bool(struct parser *p, const struct key *k, char *value)
{
	return parse_bool(value, FIELD(bool, p, k)) ? "not yes or no" : NULL;
}

static const char *set_span(struct parser *p, const struct key *k, char *value)
{
	if (parse_span(value, FIELD(uint64_t, p, k)))
		return "not a span of time such as 5, 100ms or 1min 30s";
	if (k->arg && !*FIELD(uint64_t, p, k))
		return "must be longer than 0";
	return NULL;
}

static const char *set_both_timeouts(struct parser *p, const struct key *k, char *value)
{
	uint64_t ns;

	if (parse_span(value, &ns))
		return "not a span of time";
	p->config->timeout_start = p->config->timeout_stop = ns;
	return NULL;
}

/* arg: min << 32 | max, both as int32 */
#define RANGE(min, max) ((long)(min) * (1l << 32) + (uint32_t)(max))

static const char *set_number(struct parser *p, const struct key *k, char *value)
{
	return parse_number(value, k->arg >> 32, (int32_t)k->arg, FIELD(int64_t, p, k)) ? "not a number in range" : NULL;
}

static const char *set_size(struct parser *p, const struct key *k, char *value)
{
	return parse_size(value, FIELD(int64_t, p, k)) ? "not a size such as 64M or infinity" : NULL;
}

static const char *set_log_max(struct parser *p, const struct key *k, char *value)
{
	int64_t size;

	if (parse_size(value, &size) || size < 1024)
		return "not a size of at least 1K";
	p->config->log_max = size;
	return NULL;
}

static const char *set_octal(struct parser *p, const struct key *k, char *value)
{
	return parse_octal(value, FIELD(int64_t, p, k)) ? "not an octal mode" : NULL;
}

static const char *set_signal(struct parser *p, const struct key *k, char *value)
{
	return parse_signal(value, FIELD(int, p, k)) ? "not a signal" : NULL;
}

/* ---- words from a list -------------------------------------------------------------------------- */

static const char *const kinds[] = { "group", "system", "user", "monitoring", "load-balancer", "discovery", "service", NULL };
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
enum { L_KIND, L_TYPE, L_RESTART, L_KILL, L_INPUT, L_CLASS, L_REACTION, L_ACTION, L_BALANCE, L_ACCESS };

static const char *set_word(struct parser *p, const struct key *k, char *value)
{
	const char *const *list = lists[k->arg];

	for (int i = 0; list[i]; i++)
		if (*value && !strcmp(list[i], value)) {
			*FIELD(uint8_t, p, k) = i;
			p->config->kind_is_set |= k->arg == L_KIND;
			return NULL;
		}
	return "not one of the words for this key";
}

static const char *set_policy(struct parser *p, const struct key *k, char *value)
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
			p->config->sched_policy = policies[i].policy;
			return NULL;
		}
	return "not other, batch, idle, fifo or rr";
}

/* ---- lists -------------------------------------------------------------------------------------- */

const char *dep_end(const struct dep *dep)
{
	const char *at = dep->names;

	for (unsigned int i = 0; i < dep->count; i++)
		at += strlen(at) + 1;
	return at;
}

static const char *set_units(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX], *out;
	size_t length = 0;
	struct dep *d;
	int n = split_words(value, words, CONFIG_WORDS_MAX);

	if (n < 0)
		return "too many words, or a quote without end";
	for (int i = 0; i < n; i++) {
		if (unit_name_type(words[i]) < 0)
			return "not the name of a unit";
		length += strlen(words[i]) + 1;
	}
	d = append(p, FIELD(struct dep *, p, k), sizeof *d + length);
	if (!d)
		return NO_MEMORY;
	d->bits = k->arg & 0xff;
	d->is_reverse = k->arg & 0x100;
	d->count = n;
	out = d->names;
	for (int i = 0; i < n; i++)
		out = stpcpy(out, words[i]) + 1;
	return NULL;
}

static const char *set_version(struct parser *p, const struct key *k, char *value)
{
	size_t name = strcspn(value, "<>="), relation = strspn(value + name, "<>=");
	struct version_need *need;

	if (!relation)
		return (p->config->version = keep(p, value)) ? NULL : NO_MEMORY;
	need = append(p, &p->config->versions, sizeof *need);
	if (!need)
		return NO_MEMORY;
	need->name = arena_text(&p->config->arena, value, name);
	need->relation = arena_text(&p->config->arena, value + name, relation);
	need->want = keep(p, value + name + relation);
	if (!need->name || !need->relation || !need->want)
		return NO_MEMORY;
	if (unit_name_type(need->name) < 0 || !*need->want || relation > 2 ||
	    (!sup_version_satisfies("1", need->relation, "1") && !sup_version_satisfies("1", need->relation, "2") &&
	     !sup_version_satisfies("2", need->relation, "1")))
		return "not a version, or NAME.service>=VERSION";
	return NULL;
}

static const char *set_condition(struct parser *p, const struct key *k, char *value)
{
	struct condition *c = append(p, &p->config->conditions, sizeof *c);

	if (!c)
		return NO_MEMORY;
	c->is_device = k->arg;
	c->is_negated = *value == '!';
	c->what = keep(p, value + c->is_negated);
	if (!c->what)
		return NO_MEMORY;
	return c->is_device ? (*c->what ? NULL : "no device named") : (*c->what == '/' ? NULL : "not an absolute path");
}

static const char *set_command(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX];
	bool may_fail = *value == '-';
	struct command *c;
	int n;

	if (strchr("@+!:|", *value))
		return "only the prefix - is known";
	value = keep(p, value + may_fail);
	if (!value)
		return NO_MEMORY;
	n = split_words(value, words, CONFIG_WORDS_MAX);
	if (n < 0)
		return "more than 64 words, or a quote without end";
	if (!n || words[0][0] != '/')
		return "does not begin with an absolute path";
	c = append(p, FIELD(struct command *, p, k), sizeof *c);
	if (!c)
		return NO_MEMORY;
	c->may_fail = may_fail;
	c->argv = arena_alloc(&p->config->arena, (n + 1) * sizeof *c->argv);
	if (!c->argv)
		return NO_MEMORY;
	memcpy(c->argv, words, n * sizeof *words);
	return NULL;
}

static const char *set_env(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX];
	int n = (value = keep(p, value)) ? split_words(value, words, CONFIG_WORDS_MAX) : 0;

	if (!value)
		return NO_MEMORY;
	if (n < 0)
		return "too many words, or a quote without end";
	for (int i = 0; i < n; i++) {
		struct text_list *item = append(p, &p->config->env, sizeof *item);

		if (!item)
			return NO_MEMORY;
		item->text = words[i];
		if (!strchr(words[i], '=') || words[i][0] == '=')
			return "not NAME=value";
	}
	return NULL;
}

static const char *set_list(struct parser *p, const struct key *k, char *value)
{
	struct text_list *item = append(p, FIELD(struct text_list *, p, k), sizeof *item);

	if (!item || !(item->text = keep(p, value)))
		return NO_MEMORY;
	if (k->arg == '/' && *value != '/')
		return "not an absolute path";
	if (k->arg != '/' && (*value == '/' || *value == '.' || strstr(value, "..") || strchr(value, ' ')))
		return "not a name of one directory below /run";
	return NULL;
}

static const char *set_limit(struct parser *p, const struct key *k, char *value)
{
	struct limit *limit = append(p, &p->config->limits, sizeof *limit);
	char *colon = strchr(value, ':');
	int64_t soft, hard;

	if (!limit)
		return NO_MEMORY;
	limit->resource = k->arg;
	if (colon)
		*colon = 0;
	if (parse_size(value, &soft) || parse_size(colon ? colon + 1 : value, &hard))
		return "not a limit, or soft:hard";
	limit->value.rlim_cur = soft < 0 ? RLIM_INFINITY : (rlim_t)soft;
	limit->value.rlim_max = hard < 0 ? RLIM_INFINITY : (rlim_t)hard;
	if (limit->value.rlim_cur > limit->value.rlim_max)
		return "the soft limit is above the hard one";
	return NULL;
}

static const char *set_cpus(struct parser *p, const struct key *k, char *value)
{
	if (!p->config->cpus)
		p->config->cpus = arena_alloc(&p->config->arena, CONFIG_CPUS_MAX / 8);
	if (!p->config->cpus)
		return NO_MEMORY;
	return parse_cpus(value, p->config->cpus, CONFIG_CPUS_MAX / 64) ? "not a list of CPUs such as 0-3,5" : NULL;
}

static const char *set_quota(struct parser *p, const struct key *k, char *value)
{
	size_t length = strlen(value);

	if (length < 2 || value[length - 1] != '%')
		return "not a percentage such as 20%";
	value[length - 1] = 0;
	return parse_number(value, 1, 100000, &p->config->cpu_quota_percent) ? "not a percentage in range" : NULL;
}

static const char *set_exits(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX];
	int n = split_words(value, words, CONFIG_WORDS_MAX);

	if (!p->config->success_exits)
		p->config->success_exits = arena_alloc(&p->config->arena, 256 / 8);
	if (!p->config->success_exits)
		return NO_MEMORY;
	p->config->success_exits[0] |= 1;
	for (int i = 0; i < n; i++) {
		int64_t code;

		if (parse_number(words[i], 0, 255, &code))
			return "not exit codes";
		p->config->success_exits[code / 32] |= 1u << code % 32;
	}
	return n < 0 ? "too many words" : NULL;
}

static const char *set_output(struct parser *p, const struct key *k, char *value)
{
	static const char *const words[] = { "log", "null", "console", "inherit", NULL, NULL, "socket" };
	bool is_err = k->arg;
	uint8_t *out = is_err ? &p->config->err : &p->config->out;
	const char **file = is_err ? &p->config->err_file : &p->config->out_file;

	p->config->err_is_set |= is_err;
	for (unsigned int i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i] && !strcmp(words[i], value)) {
			*out = i;
			return NULL;
		}
	*file = keep(p, strchr(value, ':') ? strchr(value, ':') + 1 : "");
	if (!*file)
		return NO_MEMORY;
	*out = !strncmp(value, "append:", 7) ? OUT_APPEND : OUT_FILE;
	if ((*out == OUT_FILE && strncmp(value, "file:", 5)) || **file != '/')
		return "not log, null, console, inherit, socket, append:/path or file:/path";
	return NULL;
}

static const char *set_health(struct parser *p, const struct key *k, char *value)
{
	if (p->config->health)
		return "one health check is enough";
	p->config->health = k->arg;
	p->config->health_target = keep(p, value);
	if (!p->config->health_target)
		return NO_MEMORY;
	if (k->arg == HEALTH_EXEC)
		return set_command(p, k, value);
	if (k->arg == HEALTH_TCP ? !strchr(value, ':') : strncmp(value, "http://", 7))
		return "not ADDRESS:PORT or http://ADDRESS:PORT/path";
	return NULL;
}

static const char *set_listen(struct parser *p, const struct key *k, char *value)
{
	struct listen *l = append(p, &p->config->listens, sizeof *l);

	if (!l)
		return NO_MEMORY;
	l->type = k->arg;
	l->address = keep(p, value);
	if (!l->address)
		return NO_MEMORY;
	if (strchr("/@", *value))
		return strlen(value) < 108 ? NULL : "longer than a socket's path can be";
	return strspn(value, "0123456789abcdefABCDEF.:[]") == strlen(value) ? NULL : "not a path, port or address";
}

static const char *set_unit(struct parser *p, const struct key *k, char *value)
{
	if (unit_name_type(value) != UNIT_SERVICE && unit_name_type(value) != UNIT_TARGET)
		return "not a service or target";
	return set_text(p, k, value);
}

static const char *set_calendar(struct parser *p, const struct key *k, char *value)
{
	struct calendar *c = append(p, &p->config->calendars, sizeof *c);
	struct calendar *next;

	if (!c)
		return NO_MEMORY;
	next = c->next;
	if (parse_calendar(value, c))
		return "not a calendar time such as daily or Mon *-*-* 03:00";
	c->next = next;
	return NULL;
}

/* ---- the table ---------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct config, field)
#define UNIT(name, set, field, arg) { "Unit", name, set, AT(field), arg }
#define SERVICE(name, set, field, arg) { "Service", name, set, AT(field), arg }
#define LIMIT(name) { "Service", "Limit" #name, set_limit, 0, RLIMIT_##name }

static const struct key keys[] = {
	UNIT("Description", set_text, description, 0),
	UNIT("Requires", set_units, deps, SUP_REQUIRES),
	UNIT("Wants", set_units, deps, SUP_WANTS),
	UNIT("BindsTo", set_units, deps, SUP_BINDS_TO),
	UNIT("PartOf", set_units, deps, SUP_PART_OF),
	UNIT("Conflicts", set_units, deps, SUP_CONFLICTS),
	UNIT("After", set_units, deps, SUP_AFTER),
	UNIT("Before", set_units, deps, SUP_AFTER | 0x100),
	UNIT("ConditionPath", set_condition, conditions, 0),
	UNIT("ConditionPathExists", set_condition, conditions, 0),
	UNIT("ConditionDevice", set_condition, conditions, 1),
	UNIT("StartLimitIntervalSec", set_span, limit_interval, 0),
	UNIT("StartLimitBurst", set_number, limit_burst, RANGE(0, CONFIG_BURST_MAX)),
	UNIT("SuccessAction", set_word, on_success, L_ACTION),
	UNIT("FailureAction", set_word, on_failure, L_ACTION),
	UNIT("X-Version", set_version, version, 0),
	UNIT("X-DependencyTimeoutSec", set_span, timeout_dependency, 0),
	UNIT("X-OnDependencyUnhealthy", set_word, on_dependency_unhealthy, L_REACTION),
	UNIT("X-Kind", set_word, kind, L_KIND),
	SERVICE("Type", set_word, service_type, L_TYPE),
	SERVICE("ExecStartPre", set_command, exec[STAGE_PRE], 0),
	SERVICE("ExecStart", set_command, exec[STAGE_MAIN], 0),
	SERVICE("ExecStartPost", set_command, exec[STAGE_POST], 0),
	SERVICE("ExecReload", set_command, exec[STAGE_RELOAD], 0),
	SERVICE("ExecStop", set_command, exec[STAGE_STOP], 0),
	SERVICE("ExecStopPost", set_command, exec[STAGE_STOP_POST], 0),
	SERVICE("Restart", set_word, restart, L_RESTART),
	SERVICE("RestartSec", set_span, restart_delay, 0),
	SERVICE("RestartMaxDelaySec", set_span, restart_delay_max, 0),
	SERVICE("TimeoutStartSec", set_span, timeout_start, 0),
	SERVICE("TimeoutStopSec", set_span, timeout_stop, 0),
	SERVICE("TimeoutSec", set_both_timeouts, timeout_start, 0),
	SERVICE("WatchdogSec", set_span, watchdog, 0),
	SERVICE("User", set_text, user, 0),
	SERVICE("Group", set_text, group, 0),
	SERVICE("WorkingDirectory", set_path, directory, 0),
	SERVICE("RuntimeDirectory", set_list, runtime_dirs, 0),
	SERVICE("Environment", set_env, env, 0),
	SERVICE("EnvironmentFile", set_list, env_files, '/'),
	LIMIT(AS), LIMIT(CORE), LIMIT(CPU), LIMIT(DATA), LIMIT(FSIZE), LIMIT(MEMLOCK), LIMIT(NICE), LIMIT(NOFILE),
	LIMIT(NPROC), LIMIT(RTPRIO), LIMIT(STACK),
	SERVICE("MemoryMax", set_size, memory_max, 0),
	SERVICE("CPUQuota", set_quota, cpu_quota_percent, 0),
	SERVICE("CPUWeight", set_number, cpu_weight, RANGE(1, 10000)),
	SERVICE("TasksMax", set_size, tasks_max, 0),
	SERVICE("CPUAffinity", set_cpus, cpus, 0),
	SERVICE("CPUSchedulingPolicy", set_policy, sched_policy, 0),
	SERVICE("CPUSchedulingPriority", set_number, sched_priority, RANGE(1, 99)),
	SERVICE("Nice", set_number, nice, RANGE(-20, 19)),
	SERVICE("OOMScoreAdjust", set_number, oom_score, RANGE(-1000, 1000)),
	SERVICE("UMask", set_octal, umask, 0),
	SERVICE("NoNewPrivileges", set_bool, no_new_privileges, 0),
	SERVICE("KillMode", set_word, kill_mode, L_KILL),
	SERVICE("KillSignal", set_signal, kill_signal, 0),
	SERVICE("SuccessExitStatus", set_exits, success_exits, 0),
	SERVICE("RemainAfterExit", set_bool, remain, 0),
	SERVICE("PIDFile", set_path, pid_file, 0),
	SERVICE("NotifyAccess", set_word, notify_all, L_ACCESS),
	SERVICE("StandardInput", set_word, in, L_INPUT),
	SERVICE("StandardOutput", set_output, out, 0),
	SERVICE("StandardError", set_output, err, 1),
	SERVICE("TTYPath", set_path, tty, 0),
	SERVICE("X-PriorityClass", set_word, class, L_CLASS),
	SERVICE("X-HealthExec", set_health, health_command, HEALTH_EXEC),
	SERVICE("X-HealthTcp", set_health, health_target, HEALTH_TCP),
	SERVICE("X-HealthHttp", set_health, health_target, HEALTH_HTTP),
	SERVICE("X-HealthIntervalSec", set_span, health_interval, 1),
	SERVICE("X-HealthTimeoutSec", set_span, health_timeout, 1),
	SERVICE("X-HealthThreshold", set_number, health_threshold, RANGE(1, 1000)),
	SERVICE("X-HealthKeep", set_bool, health_keep, 0),
	SERVICE("X-LogMaxSize", set_log_max, log_max, 0),
	SERVICE("X-DrainSec", set_span, drain, 0),
	SERVICE("X-Backend", set_text, backend, 0),
	{ "Socket", "ListenStream", set_listen, 0, SOCK_STREAM },
	{ "Socket", "ListenDatagram", set_listen, 0, SOCK_DGRAM },
	{ "Socket", "SocketMode", set_octal, AT(socket_mode), 0 },
	{ "Socket", "Backlog", set_number, AT(backlog), RANGE(1, 65535) },
	{ "Socket", "Accept", set_bool, AT(accept), 0 },
	{ "Socket", "Service", set_unit, AT(activates), 0 },
	{ "Socket", "X-Balance", set_word, AT(balance), L_BALANCE },
	{ "Socket", "X-Instances", set_number, AT(instances), RANGE(1, 64) },
	{ "Timer", "OnBootSec", set_span, AT(on_boot), 1 },
	{ "Timer", "OnActiveSec", set_span, AT(on_active), 1 },
	{ "Timer", "OnUnitActiveSec", set_span, AT(on_unit_active), 1 },
	{ "Timer", "OnUnitInactiveSec", set_span, AT(on_unit_inactive), 1 },
	{ "Timer", "OnCalendar", set_calendar, 0, 0 },
	{ "Timer", "Unit", set_unit, AT(activates), 0 },
	{ "Install", "WantedBy", set_units, AT(installs), SUP_WANTS },
	{ "Install", "RequiredBy", set_units, AT(installs), SUP_REQUIRES },
};

#define KEYS (sizeof keys / sizeof *keys)

const char *config_key(unsigned int index)
{
	static char name[80];

	if (index >= KEYS)
		return NULL;
	snprintf(name, sizeof name, "%s.%s", keys[index].section, keys[index].name);
	return name;
}

const char *keys_section(const struct parser *p, const char *name)
{
	static const char *const own[UNIT_TYPES] = { "Service", "Unit", "Socket", "Timer" };

	if (!strcmp(name, "Unit"))
		return "Unit";
	if (!strcmp(name, "Install"))
		return "Install";
	return !strcmp(name, own[p->type]) ? own[p->type] : NULL;
}

void keys_set(struct parser *p, const char *name, char *value)
{
	for (unsigned int i = 0; i < KEYS; i++) {
		const char *why;

		if (keys[i].name[0] != name[0] || strcmp(keys[i].name, name) || strcmp(keys[i].section, p->section))
			continue;
		why = keys[i].set(p, &keys[i], value);
		if (why && !strcmp(why, NO_MEMORY))
			p->error = -ENOMEM;
		else if (why)
			report(p->report, "%s=: %s", name, why);
		return;
	}
	report(p->report, "unknown key %.60s= in [%s]", name, p->section);
}

void keys_defaults(struct config *c, int type)
{
	c->timeout_start = 30000 * SUP_MS;
	c->timeout_stop = 5000 * SUP_MS;
	c->timeout_dependency = 30000 * SUP_MS;
	c->limit_interval = 10000 * SUP_MS;
	c->restart_delay = 100 * SUP_MS;
	c->restart_delay_max = 10000 * SUP_MS;
	c->health_interval = 10000 * SUP_MS;
	c->health_timeout = 5000 * SUP_MS;
	c->health_threshold = 3;
	c->drain = 10000 * SUP_MS;
	c->log_max = 1 << 20;
	c->limit_burst = c->nice = c->umask = c->sched_policy = c->sched_priority = c->oom_score = NOT_SET;
	c->memory_max = c->cpu_quota_percent = c->cpu_weight = c->tasks_max = NOT_SET;
	c->socket_mode = 0666;
	c->backlog = 128;
	c->instances = 1;
	c->kill_signal = 15;
	c->kind = type == UNIT_TARGET ? KIND_GROUP : KIND_SERVICE;
}

static bool is_template(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at[1] == '.';
}

static const char *check_service(const struct config *c)
{
	bool is_oneshot = c->service_type == TYPE_ONESHOT;

	if (!c->exec[STAGE_MAIN])
		return "no ExecStart=";
	if (c->exec[STAGE_MAIN]->next && !is_oneshot)
		return "more than one ExecStart= needs Type=oneshot";
	if (is_oneshot && (c->restart == SUP_ALWAYS || c->restart == SUP_ON_SUCCESS))
		return "Type=oneshot cannot have Restart=always or on-success";
	if (c->remain && !is_oneshot)
		return "RemainAfterExit= needs Type=oneshot";
	if (c->watchdog && c->service_type != TYPE_NOTIFY)
		return "WatchdogSec= needs Type=notify";
	if (c->pid_file && c->service_type != TYPE_FORKING)
		return "PIDFile= needs Type=forking";
	if ((c->sched_policy == SCHED_FIFO || c->sched_policy == SCHED_RR) != (c->sched_priority != NOT_SET))
		return "CPUSchedulingPriority= goes with CPUSchedulingPolicy=fifo or rr";
	if (c->kind == KIND_USER && !c->user)
		return "X-Kind=user needs User=";
	if (c->tty && c->in != IN_TTY)
		return "TTYPath= needs StandardInput=tty";
	return NULL;
}

static const char *check_socket(const struct config *c)
{
	if (!c->listens)
		return "no ListenStream= or ListenDatagram=";
	if (c->balance && (!c->activates || !is_template(c->activates)))
		return "X-Balance= needs Service=NAME@.service";
	if (c->balance && c->accept)
		return "X-Balance= and Accept= exclude each other";
	if (c->accept && c->activates && !is_template(c->activates))
		return "Accept=yes needs a template";
	if (c->instances != 1 && !c->balance)
		return "X-Instances= needs X-Balance=";
	for (const struct listen *l = c->listens; l; l = l->next)
		if ((c->balance || c->accept) && l->type != SOCK_STREAM)
			return "connections come from ListenStream= only";
	return NULL;
}

void keys_check(struct parser *p)
{
	const struct config *c = p->config;
	const char *why = NULL;

	if (p->type == UNIT_SERVICE)
		why = check_service(c);
	else if (p->type == UNIT_SOCKET)
		why = check_socket(c);
	else if (p->type == UNIT_TIMER && !c->on_boot && !c->on_active && !c->on_unit_active && !c->on_unit_inactive &&
		 !c->calendars)
		why = "a timer without a time";
	if (why) {
		p->report->line = p->lines;
		report(p->report, "%s", why);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A unit file as data: what config_parse() makes of systemd's syntax. Pure: text in, struct out, no
 * file, no global; every string lives in the config's own arena. Units at run time are init.h's.
 */
#ifndef SERVICES_INIT_CONFIG_H
#define SERVICES_INIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "../supervisor/supervisor.h"

#define CONFIG_FILE_MAX		(64 * 1024)
#define CONFIG_NAME_MAX		128
#define CONFIG_WORDS_MAX	64
#define CONFIG_BURST_MAX	64
#define CONFIG_CPUS_MAX		256
#define NOT_SET			INT64_MIN

struct arena_chunk {
	struct arena_chunk *next;
	char data[];
};

struct arena {
	struct arena_chunk *first;
	size_t used, size;
};

/* Zeroed memory, NULL when there is none; all of it goes with arena_free(). */
void *arena_alloc(struct arena *a, size_t bytes);
char *arena_text(struct arena *a, const char *text, size_t length);
void arena_free(struct arena *a);

enum unit_type { UNIT_SERVICE, UNIT_TARGET, UNIT_SOCKET, UNIT_TIMER, UNIT_TYPES };
enum unit_kind { KIND_GROUP, KIND_SYSTEM, KIND_USER, KIND_MONITORING, KIND_BALANCER, KIND_SERVICE };
enum service_type { TYPE_SIMPLE, TYPE_EXEC, TYPE_FORKING, TYPE_ONESHOT, TYPE_NOTIFY };
enum kill_mode { KILL_GROUP, KILL_MIXED, KILL_PROCESS, KILL_NONE };
enum output { OUT_LOG, OUT_NULL, OUT_CONSOLE, OUT_INHERIT, OUT_APPEND, OUT_FILE, OUT_SOCKET };
enum input { IN_NULL, IN_TTY, IN_SOCKET };
enum class { CLASS_NONE, CLASS_SYSTEM, CLASS_USER, CLASS_SERVICE, CLASS_BACKGROUND, CLASS_INTERACTIVE, CLASSES };
enum health_kind { HEALTH_NONE, HEALTH_EXEC, HEALTH_TCP, HEALTH_HTTP };
enum end_action { END_NONE, END_POWEROFF, END_REBOOT, END_HALT };

struct dep {
	struct dep *next;
	uint8_t bits;		/* SUP_REQUIRES ...; SUP_AFTER may be alone */
	bool is_reverse;	/* Before=, WantedBy=, RequiredBy=: from the named one to this one */
	uint8_t count;		/* of names */
	char names[];		/* one after the other, each with its zero byte */
};

/* Each NAME of a list, and the D it stands in. */
#define for_each_dep(d, name, list) \
	for (const struct dep *d = (list); d; d = d->next) \
		for (const char *name = d->names, *name##_end = dep_end(d); name < name##_end; name += strlen(name) + 1)

struct version_need {
	struct version_need *next;
	const char *name, *relation, *want;
};

struct command {
	struct command *next;
	char **argv;
	bool may_fail;
};

struct text_list {
	struct text_list *next;
	const char *text;
};

struct condition {
	struct condition *next;
	const char *what;
	bool is_device, is_negated;
};

struct limit {
	struct limit *next;
	int resource;		/* RLIMIT_* */
	struct rlimit value;
};

struct listen {
	struct listen *next;
	int type;		/* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	const char *address;	/* /path, @abstract, port, a.b.c.d:port, [v6]:port */
};

/* OnCalendar=: bit sets of what matches. */
struct calendar {
	struct calendar *next;
	uint64_t second, minute;	/* 0-59 */
	uint32_t hour, day;		/* 0-23, 1-31 */
	uint16_t month;			/* 1-12 */
	uint8_t weekday;		/* Sunday is bit 0 */
	int year;			/* 0: any */
};

/* Commands of a service, in the order in which they can run. */
enum stage { STAGE_PRE, STAGE_MAIN, STAGE_POST, STAGE_RELOAD, STAGE_STOP, STAGE_STOP_POST, STAGES };

/* How the processes run. */
struct run_config {
	const char *user, *group, *directory, *out_file, *err_file, *tty;
	struct text_list *env, *env_files, *runtime_dirs;
	struct limit *limits;
	int64_t nice, umask, sched_policy, sched_priority, oom_score;	/* NOT_SET */
	uint64_t *cpus;			/* bits, CONFIG_CPUS_MAX of them; NULL: not given */
	bool no_new_privileges;
};

/* What the control group allows. NOT_SET; -1: max */
struct quota_config {
	int64_t memory_max, cpu_quota_percent, cpu_weight, tasks_max;
};

struct health_config {
	uint8_t kind;
	bool keep;
	const char *target;
	struct command *command;
	uint64_t interval, timeout;
	int64_t threshold;
};

struct socket_config {
	struct listen *listens;
	int64_t mode, backlog, instances;
	bool accept;
	uint8_t balance;		/* BALANCE_* */
};

/* ns, 0: not given */
struct timer_config {
	uint64_t on_boot, on_active, on_unit_active, on_unit_inactive;
	struct calendar *calendars;
};

struct rare_config {
	const char *version;
	struct version_need *versions;
	struct condition *conditions;
	uint64_t limit_interval, timeout_dependency, restart_delay_max, log_max, drain;
	int64_t limit_burst;		/* NOT_SET: by kind */
	const char *pid_file;
	const char *backend;		/* where an instance behind a balanced socket listens */
	uint32_t *success_exits;	/* 256 bits of exit codes that count as clean; NULL: 0 alone */
};

/* Small, since init holds one per unit: what few units say lies in parts, never NULL, all defaults shared. */
struct config {
	struct arena arena;
	const struct run_config *run;
	const struct quota_config *quota;
	const struct health_config *health;
	const struct socket_config *socket;
	const struct timer_config *timer;
	const struct rare_config *rare;
	/* [Unit], [Install] */
	const char *description;
	struct dep *deps, *installs;
	const char *activates;		/* Service= of a socket, Unit= of a timer */
	/* [Service] */
	struct command *exec[STAGES];
	uint64_t restart_delay, timeout_start, timeout_stop, watchdog;
	int kill_signal;
	uint8_t kind, on_dependency_unhealthy, on_success, on_failure;
	uint8_t service_type, restart, kill_mode, out, err, in, class;
	bool err_is_set, remain;
	uint8_t notify_all;
};

extern const struct config config_empty;	/* of a unit without a file: all defaults */

enum { BALANCE_NONE, BALANCE_ROUND_ROBIN, BALANCE_LEAST_LOADED };

/* Told about each problem; the unit is refused when there was one. */
struct report {
	void (*say)(void *arg, unsigned int line, const char *text);
	void *arg;
	unsigned int line, count;
};

__attribute__((format(printf, 2, 3)))
void report(struct report *r, const char *format, ...);

/*
 * TEXT (LENGTH bytes, any bytes) of the unit NAME ("web@1.service") into *C, which the caller
 * zeroed and frees with arena_free(&c->arena). 0, -EINVAL when something was reported, -ENOMEM.
 */
int config_parse(struct config *c, const char *name, const char *text, size_t length, struct report *r);

/* A valid unit name of a known type; the type, or -1. */
int unit_name_type(const char *name);

/* Each key that is accepted, "Section.Key", for tests and completion; NULL after the last. */
const char *config_key(unsigned int index);

/* values.c; each returns 0 or -EINVAL and leaves *OUT alone then. */
int parse_bool(const char *text, bool *out);
int parse_span(const char *text, uint64_t *ns);		/* 5, 100ms, 1min 30s, infinity is 0 */
int parse_size(const char *text, int64_t *bytes);	/* 512K, 1G; infinity is -1 */
int parse_number(const char *text, int64_t min, int64_t max, int64_t *out);
int parse_octal(const char *text, int64_t *out);
int parse_signal(const char *text, int *out);
int parse_cpus(const char *text, uint64_t *set, unsigned int words);
int parse_calendar(const char *text, struct calendar *out);
const char *signal_name(int signal);

/* The first matching second after NOW (both seconds since the epoch, UTC); 0 for never. */
int64_t calendar_next(const struct calendar *c, int64_t now);

/* Where the names of one end. */
const char *dep_end(const struct dep *dep);

/* match.c: whether the unit's name is of that pattern. */
bool name_matches(const char *pattern, const char *name);

/* Splits at blanks, with quotes and backslashes, in place. Count, or -EINVAL. */
int split_words(char *text, char **words, int max);

#endif

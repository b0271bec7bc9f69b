/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the parser's files: parse.c (syntax), keys.c (the table of keys), keys_values.c and
 * keys_lists.c (what reads a value), keys_check.c (defaults, what must hold).
 */
#ifndef SERVICES_INIT_KEYS_H
#define SERVICES_INIT_KEYS_H

#include "config.h"

/* Keys that few units have: kept only where one of them is not the default. */
struct parts {
	struct run_config run;
	struct quota_config quota;
	struct health_config health;
	struct socket_config socket;
	struct timer_config timer;
	struct rare_config rare;
};

struct parser {
	struct config config;	/* becomes the caller's at the end; its parts are: */
	struct parts parts;
	const char *name, *section;	/* section: NULL before the first, "" while a refused one lasts */
	struct report *report;
	unsigned int lines;
	int type, error;
	struct arena scratch;	/* what only parsing needs */
};

struct key {
	const char *section, *name;
	/* NULL, or a reason why not. VALUE is scratch and may be written to. */
	const char *(*set)(struct parser *p, const struct key *k, char *value);
	size_t field;		/* in struct parser */
	long arg;
};

#define FIELD(type, p, k) ((type *)((char *)(p) + (k)->field))
#define NO_MEMORY "out of memory"

/* For key.arg of set_word(): which list; of set_number(): both limits, as int32. */
enum { L_KIND, L_TYPE, L_RESTART, L_KILL, L_INPUT, L_CLASS, L_REACTION, L_ACTION, L_BALANCE, L_ACCESS };
#define RANGE(min, max) ((long)(min) * (1l << 32) + (uint32_t)(max))

typedef const char *key_setter(struct parser *p, const struct key *k, char *value);
/* keys_values.c */
key_setter set_text, set_path, set_bool, set_span, set_both_timeouts, set_number, set_size, set_log_max, set_octal,
	set_signal, set_word, set_policy, set_cpus, set_quota, set_exits, set_output, set_unit;
/* keys_lists.c */
key_setter set_units, set_version, set_condition, set_command, set_env, set_list, set_limit, set_health, set_listen,
	set_calendar;

/* A copy that lives as long as the configuration; NULL without memory. */
char *parser_text(struct parser *p, const char *text);

/* The section's constant name if this type of unit may have it, else NULL. */
const char *keys_section(const struct parser *p, const char *name);

/* One assignment: sets it or reports why not. VALUE is scratch and may be written to. */
void keys_set(struct parser *p, const char *key, char *value);

/* What holds without being said; what must hold once all is read (reported); the parts that differ. */
void keys_defaults(struct parser *p);
void keys_check(struct parser *p);
int keys_keep_parts(struct parser *p);		/* 0 or -ENOMEM */

#endif

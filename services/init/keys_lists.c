/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The setters of keys that may be given several times: each appends to a list of the configuration.
 */
#include <stdio.h>
#include <string.h>

#include "keys.h"

/* Appends to a singly linked list whose first member is the link. */
static void *append(struct parser *p, void *list, size_t size)
{
	void **at = list, *item = arena_alloc(&p->config.arena, size);

	while (*at)
		at = *at;
	return *at = item;
}

const char *dep_end(const struct dep *dep)
{
	const char *at = dep->names;

	for (unsigned int i = 0; i < dep->count; i++)
		at += strlen(at) + 1;
	return at;
}

const char *set_units(struct parser *p, const struct key *k, char *value)
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

const char *set_version(struct parser *p, const struct key *k, char *value)
{
	size_t name = strcspn(value, "<>="), relation = strspn(value + name, "<>=");
	struct version_need *need;

	if (!relation)
		return (p->parts.rare.version = parser_text(p, value)) ? NULL : NO_MEMORY;
	need = append(p, &p->parts.rare.versions, sizeof *need);
	if (!need)
		return NO_MEMORY;
	need->name = arena_text(&p->config.arena, value, name);
	need->relation = arena_text(&p->config.arena, value + name, relation);
	need->want = parser_text(p, value + name + relation);
	if (!need->name || !need->relation || !need->want)
		return NO_MEMORY;
	if (unit_name_type(need->name) < 0 || !*need->want || relation > 2 ||
	    (!sup_version_satisfies("1", need->relation, "1") && !sup_version_satisfies("1", need->relation, "2") &&
	     !sup_version_satisfies("2", need->relation, "1")))
		return "not a version, or NAME.service>=VERSION";
	return NULL;
}

const char *set_condition(struct parser *p, const struct key *k, char *value)
{
	struct condition *c = append(p, &p->parts.rare.conditions, sizeof *c);

	if (!c)
		return NO_MEMORY;
	c->is_device = k->arg;
	c->is_negated = *value == '!';
	c->what = parser_text(p, value + c->is_negated);
	if (!c->what)
		return NO_MEMORY;
	return c->is_device ? (*c->what ? NULL : "no device named") : (*c->what == '/' ? NULL : "not an absolute path");
}

const char *set_command(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX];
	bool may_fail = *value == '-';
	struct command *c;
	int n;

	if (strchr("@+!:|", *value))
		return "only the prefix - is known";
	value = parser_text(p, value + may_fail);
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
	c->argv = arena_alloc(&p->config.arena, (n + 1) * sizeof *c->argv);
	if (!c->argv)
		return NO_MEMORY;
	memcpy(c->argv, words, n * sizeof *words);
	return NULL;
}

const char *set_env(struct parser *p, const struct key *k, char *value)
{
	char *words[CONFIG_WORDS_MAX];
	int n = (value = parser_text(p, value)) ? split_words(value, words, CONFIG_WORDS_MAX) : 0;

	if (!value)
		return NO_MEMORY;
	if (n < 0)
		return "too many words, or a quote without end";
	for (int i = 0; i < n; i++) {
		struct text_list *item = append(p, &p->parts.run.env, sizeof *item);

		if (!item)
			return NO_MEMORY;
		item->text = words[i];
		if (!strchr(words[i], '=') || words[i][0] == '=')
			return "not NAME=value";
	}
	return NULL;
}

const char *set_list(struct parser *p, const struct key *k, char *value)
{
	struct text_list *item = append(p, FIELD(struct text_list *, p, k), sizeof *item);

	if (!item || !(item->text = parser_text(p, value)))
		return NO_MEMORY;
	if (k->arg == '/' && *value != '/')
		return "not an absolute path";
	if (k->arg != '/' && (*value == '/' || *value == '.' || strstr(value, "..") || strchr(value, ' ')))
		return "not a name of one directory below /run";
	return NULL;
}

const char *set_limit(struct parser *p, const struct key *k, char *value)
{
	struct limit *limit = append(p, &p->parts.run.limits, sizeof *limit);
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

const char *set_health(struct parser *p, const struct key *k, char *value)
{
	if (p->parts.health.kind)
		return "one health check is enough";
	p->parts.health.kind = k->arg;
	p->parts.health.target = parser_text(p, value);
	if (!p->parts.health.target)
		return NO_MEMORY;
	if (k->arg == HEALTH_EXEC)
		return set_command(p, k, value);
	if (k->arg == HEALTH_TCP ? !strchr(value, ':') : strncmp(value, "http://", 7))
		return "not ADDRESS:PORT or http://ADDRESS:PORT/path";
	return NULL;
}

const char *set_listen(struct parser *p, const struct key *k, char *value)
{
	struct listen *l = append(p, &p->parts.socket.listens, sizeof *l);

	if (!l)
		return NO_MEMORY;
	l->type = k->arg;
	l->address = parser_text(p, value);
	if (!l->address)
		return NO_MEMORY;
	if (strchr("/@", *value))
		return strlen(value) < 108 ? NULL : "longer than a socket's path can be";
	return strspn(value, "0123456789abcdefABCDEF.:[]") == strlen(value) ? NULL : "not a path, port or address";
}

const char *set_calendar(struct parser *p, const struct key *k, char *value)
{
	struct calendar *c = append(p, &p->parts.timer.calendars, sizeof *c);
	struct calendar *next;

	if (!c)
		return NO_MEMORY;
	next = c->next;
	if (parse_calendar(value, c))
		return "not a calendar time such as daily or Mon *-*-* 03:00";
	c->next = next;
	return NULL;
}

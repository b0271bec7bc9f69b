/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The syntax of unit files: sections, KEY=value, comments, lines continued by a backslash,
 * specifiers. What each key means is keys.c's. Hostile text is reported with its line, never more.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"

void report(struct report *r, const char *format, ...)
{
	char text[256];
	va_list ap;

	r->count++;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (r->say)
		r->say(r->arg, r->line, text);
}

int unit_name_type(const char *name)
{
	static const char *const suffixes[UNIT_TYPES] = { ".service", ".target", ".socket", ".timer" };
	const char *dot = NULL, *p = name;

	if (name[0] == '.' || name[0] == '@')
		return -1;
	for (; *p; p++) {	/* asked for each name in each list of each unit: one pass, no calls */
		unsigned char letter = (*p | 0x20) - 'a', digit = *p - '0';

		if (*p == '.')
			dot = p;
		else if (letter >= 26 && digit >= 10 && *p != '-' && *p != '_' && *p != '@' && *p != ':' && *p != '\\')
			return -1;
	}
	if (!dot || p - name > CONFIG_NAME_MAX)
		return -1;
	for (int i = 0; i < UNIT_TYPES; i++)
		if (!strcmp(dot, suffixes[i]))
			return i;
	return -1;
}

/* The piece of the unit's name that a specifier stands for; its length, -1 for none such. */
static int specifier(char letter, const char *name, const char **from)
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	*from = name;
	switch (letter) {
	case 'n':
		return strlen(name);
	case 'N':
		return dot - name;
	case 'p':
		return (at ? at : dot) - name;
	case 'i':
	case 'I':
		*from = at ? at + 1 : dot;
		return dot - *from;
	case '%':
		*from = "%";
		return 1;
	default:
		return -1;
	}
}

/* The text, or a copy in scratch with the specifiers replaced; NULL when one is unknown or memory ends. */
static char *expand(struct parser *p, char *text)
{
	size_t length = 0;
	const char *from;
	char *out, *to;

	if (!strchr(text, '%'))
		return text;
	for (const char *at = text; *at; at++) {
		int n = 1;

		if (*at == '%') {
			n = at[1] ? specifier(*++at, p->name, &from) : -1;
			if (n < 0) {
				report(p->report, "unknown specifier %%%c", *at);
				return NULL;
			}
		}
		length += n;
	}
	to = out = arena_alloc(&p->scratch, length + 1);
	for (const char *at = text; out && *at; at++) {
		if (*at == '%') {
			int n = specifier(*++at, p->name, &from);

			memcpy(to, from, n);
			to += n;
		} else {
			*to++ = *at;
		}
	}
	if (!out)
		p->error = -ENOMEM;
	return out;
}

static char *trim(char *text)
{
	size_t length;

	while (*text == ' ' || *text == '\t')
		text++;
	length = strlen(text);
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		text[--length] = 0;
	return text;
}

static void section(struct parser *p, char *line)
{
	size_t length = strlen(line);

	p->section = "";
	if (length < 3 || line[length - 1] != ']') {
		report(p->report, "bad section line");
		return;
	}
	line[length - 1] = 0;
	p->section = keys_section(p, line + 1);
	if (!p->section) {
		report(p->report, "unknown section [%.40s] for this type of unit", line + 1);
		p->section = "";
	}
}

static void assignment(struct parser *p, char *line)
{
	char *equals = strchr(line, '='), *key = line, *value;

	if (!equals) {
		report(p->report, "neither a [section] nor KEY=value: \"%.40s\"", line);
		return;
	}
	*equals = 0;
	key = trim(key);
	value = trim(equals + 1);
	if (!p->section) {
		report(p->report, "%.40s= stands before any section", key);
		return;
	}
	if (!*p->section || !strncmp(key, "X-Comment", 9))
		return;		/* of a section that was refused already, or nobody's business */
	if (!*value) {
		report(p->report, "%.40s= has no value", key);
		return;
	}
	value = expand(p, value);
	if (value)
		keys_set(p, key, value);
}

/* Joins continued lines in place: the next logical line, NULL at the end. */
static char *next_line(struct parser *p, char **at, char *end)
{
	char *line = *at, *out = *at, *in = *at, *newline;

	if (in >= end)
		return NULL;
	p->report->line = ++p->lines;
	newline = memchr(in, '\n', end - in);
	if (newline && (newline == in || newline[-1] != '\\')) {	/* nearly every line */
		*newline = 0;
		*at = newline + 1;
		return line;
	}
	for (; in < end && *in != '\n'; in++) {
		if (*in == '\\' && in + 1 < end && in[1] == '\n') {
			*out++ = ' ';
			in++;
			p->lines++;
		} else {
			*out++ = *in;
		}
	}
	*at = in + 1;
	*out = 0;	/* at worst over the '\n' or the spare byte at the end */
	return line;
}

int config_parse(struct config *c, const char *name, const char *text, size_t length, struct report *r)
{
	struct parser p = { .name = name, .report = r, .type = unit_name_type(name) };
	unsigned int before = r->count;
	char *copy, *at, *line;

	r->line = 0;
	*c = config_empty;
	if (p.type < 0) {
		report(r, "not a name of a .service, .target, .socket or .timer");
		return -EINVAL;
	}
	if (length > CONFIG_FILE_MAX || memchr(text, 0, length)) {
		report(r, length > CONFIG_FILE_MAX ? "larger than 64 KiB" : "holds a zero byte");
		return -EINVAL;
	}
	keys_defaults(&p);
	copy = at = arena_alloc(&p.scratch, length + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, length);
	while ((line = next_line(&p, &at, copy + length))) {
		line = trim(line);
		if (*line == '[')
			section(&p, line);
		else if (*line && *line != '#' && *line != ';')
			assignment(&p, line);
	}
	if (!p.error && r->count == before)
		p.error = keys_keep_parts(&p);
	if (!p.error && r->count == before)
		keys_check(&p);
	arena_free(&p.scratch);
	*c = p.config;
	if (p.error)
		return p.error;
	return r->count != before ? -EINVAL : 0;
}

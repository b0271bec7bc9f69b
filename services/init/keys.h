/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parser's files: parse.c (syntax) and keys.c (meaning). */
#ifndef SERVICES_INIT_KEYS_H
#define SERVICES_INIT_KEYS_H

#include "config.h"

struct parser {
	struct config *config;
	const char *name, *section;	/* section: NULL before the first, "" while a refused one lasts */
	struct report *report;
	unsigned int lines;
	int type, error;
	struct arena scratch;	/* what only parsing needs */
};

/* The section's constant name if this type of unit may have it, else NULL. */
const char *keys_section(const struct parser *p, const char *name);

/* One assignment: sets it or reports why not. VALUE is scratch and may be written to. */
void keys_set(struct parser *p, const char *key, char *value);

/* What holds without being said; what must hold once all is read. */
void keys_defaults(struct config *c, int type);
void keys_check(struct parser *p);

#endif

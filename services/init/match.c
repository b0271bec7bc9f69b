/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Patterns of unit names: * ? [a-z] [!a-z]. The C library's fnmatch() brings tables of all scripts,
 * 20 KiB of PID 1; names of units are ASCII. Pure and fuzzed.
 */
#include "config.h"

/* Whether C is in the set that begins behind `[`; *END: behind its `]`, NULL when there is none. */
static bool set_has(const char *set, char c, const char **end)
{
	bool is_negated = *set == '!' || *set == '^', found = false;
	const char *at = set + is_negated;

	do {
		char low = *at, high = low;

		if (!low) {
			*end = NULL;
			return false;
		}
		if (at[1] == '-' && at[2] && at[2] != ']') {
			high = at[2];
			at += 2;
		}
		found |= low <= c && c <= high;
	} while (*++at != ']');
	*end = at + 1;
	return found != is_negated;
}

/* One character against the pattern's next element; *NEXT: the element behind. */
static bool one_matches(const char *pattern, char c, const char **next)
{
	*next = pattern + 1;
	if (*pattern == '[') {
		const char *end;
		bool has = set_has(pattern + 1, c, &end);

		if (end) {
			*next = end;
			return has;
		}
	}
	return *pattern == '?' || *pattern == c;
}

bool name_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;	/* behind the last `*`; where what it stands for ends */

	while (*name) {
		const char *next;

		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
		} else if (*pattern && one_matches(pattern, *name, &next)) {
			pattern = next;
			name++;
		} else if (star) {
			pattern = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

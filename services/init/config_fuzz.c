/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer's door to the unit-file parser and to the words of a control request. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a.service", "b@x.service", "c.socket", "d.timer", "e.target" };
	struct report r = { 0 };
	struct config c = { 0 };
	char *words[REQUEST_WORDS], *line;

	if (!size)
		return 0;
	config_parse(&c, names[data[0] % 5], (const char *)data + 1, size - 1, &r);
	for (const struct calendar *k = c.timer->calendars; k; k = k->next)
		calendar_next(k, 1767225600);
	arena_free(&c.arena);
	line = malloc(size);
	if (line) {
		memcpy(line, data + 1, size - 1);
		line[size - 1] = 0;
		name_matches(line, "web@2.service");
		request_split(line, words, REQUEST_WORDS);
		free(line);
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a request line: blanks between them, %XX for any byte within. Pure and fuzzed. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>

int request_split(char *line, char **words, int max);

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

int request_split(char *line, char **words, int max)
{
	int count = 0;
	char *out;

	for (;;) {
		while (*line == ' ')
			line++;
		if (!*line)
			return count;
		if (count == max)
			return -EINVAL;
		words[count++] = out = line;
		while (*line && *line != ' ') {
			if (*line != '%') {
				*out++ = *line++;
				continue;
			}
			if (hex(line[1]) < 0 || hex(line[2]) < 0 || !(hex(line[1]) | hex(line[2])))
				return -EINVAL;
			*out++ = hex(line[1]) << 4 | hex(line[2]);
			line += 3;
		}
		if (*line)
			line++;
		*out = 0;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of unit files: spans of time, sizes, numbers, signals, CPU lists, quoted words. Pure text
 * to number; the text may hold anything.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

int parse_bool(const char *text, bool *out)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (unsigned int i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(text, words[i])) {
			*out = i & 1;
			return 0;
		}
	return -EINVAL;
}

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "usec", 1000 }, { "ms", 1000000 }, { "msec", 1000000 },
	{ "s", 1000000000 }, { "sec", 1000000000 }, { "second", 1000000000 }, { "seconds", 1000000000 },
	{ "m", 60000000000 }, { "min", 60000000000 }, { "minute", 60000000000 }, { "minutes", 60000000000 },
	{ "h", 3600000000000 }, { "hr", 3600000000000 }, { "hour", 3600000000000 }, { "hours", 3600000000000 },
	{ "d", 86400000000000 }, { "day", 86400000000000 }, { "days", 86400000000000 },
	{ "w", 604800000000000 }, { "week", 604800000000000 }, { "weeks", 604800000000000 },
};

static uint64_t unit_of(const char **at)
{
	size_t n = 0;

	while (isalpha((unsigned char)(*at)[n]))
		n++;
	if (!n)
		return 1000000000;
	for (unsigned int i = 0; i < sizeof units / sizeof *units; i++)
		if (strlen(units[i].name) == n && !strncmp(units[i].name, *at, n)) {
			*at += n;
			return units[i].ns;
		}
	return 0;
}

#define SPAN_MAX (100ull * 365 * 86400 * 1000000000)	/* a century: sums stay far from the edge */

/* One number with fraction, as `whole` and ninths after the point. */
static int read_decimal(const char **at, uint64_t *whole, uint64_t *billionths)
{
	const char *p = *at;
	uint64_t scale = 100000000;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (*whole = 0; isdigit((unsigned char)*p); p++) {
		*whole = *whole * 10 + (*p - '0');
		if (*whole > SPAN_MAX)
			return -EINVAL;
	}
	*billionths = 0;
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++, scale /= 10)
			*billionths += (*p - '0') * scale;
	}
	*at = p;
	return 0;
}

int parse_span(const char *text, uint64_t *ns)
{
	uint64_t sum = 0;

	if (!strcmp(text, "infinity")) {
		*ns = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		uint64_t whole, billionths, unit;

		if (read_decimal(&text, &whole, &billionths))
			return -EINVAL;
		while (*text == ' ')
			text++;
		unit = unit_of(&text);
		if (!unit || (whole && whole > SPAN_MAX / unit))
			return -EINVAL;
		sum += whole * unit + (uint64_t)((__uint128_t)billionths * unit / 1000000000);
		if (sum > SPAN_MAX)
			return -EINVAL;
		while (*text == ' ')
			text++;
	}
	*ns = sum;
	return 0;
}

int parse_size(const char *text, int64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	uint64_t value = 0;
	const char *suffix;

	if (!strcmp(text, "infinity") || !strcmp(text, "max")) {
		*bytes = -1;
		return 0;
	}
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		value = value * 10 + (*text - '0');
		if (value > INT64_MAX / 16)
			return -EINVAL;
	}
	if (*text && (suffix = strchr(suffixes, *text))) {
		unsigned int shift = 10 * (suffix - suffixes + 1);

		if (value > (uint64_t)INT64_MAX >> shift)
			return -EINVAL;
		value <<= shift;
		text++;
		if (text[0] == 'i' && text[1] == 'B')
			text += 2;
		else if (*text == 'B')
			text++;
	}
	if (*text)
		return -EINVAL;
	*bytes = value;
	return 0;
}

int parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long value;

	if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+')
		return -EINVAL;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || *end || end == text || value < min || value > max)
		return -EINVAL;
	*out = value;
	return 0;
}

int parse_octal(const char *text, int64_t *out)
{
	int64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '7' || value > 0777)
			return -EINVAL;
		value = value * 8 + *text - '0';
	}
	if (value > 07777)
		return -EINVAL;
	*out = value;
	return 0;
}

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "ILL", SIGILL }, { "TRAP", SIGTRAP },
	{ "ABRT", SIGABRT }, { "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 },
	{ "SEGV", SIGSEGV }, { "USR2", SIGUSR2 }, { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },
	{ "TERM", SIGTERM }, { "CHLD", SIGCHLD }, { "CONT", SIGCONT }, { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP }, { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU }, { "URG", SIGURG },
	{ "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ }, { "WINCH", SIGWINCH }, { "IO", SIGIO }, { "PWR", SIGPWR },
	{ "SYS", SIGSYS },
};

int parse_signal(const char *text, int *out)
{
	int64_t number;

	if (!parse_number(text, 1, 64, &number)) {
		*out = number;
		return 0;
	}
	if (!strncmp(text, "SIG", 3))
		text += 3;
	for (unsigned int i = 0; i < sizeof signals / sizeof *signals; i++)
		if (!strcmp(text, signals[i].name)) {
			*out = signals[i].number;
			return 0;
		}
	return -EINVAL;
}

const char *signal_name(int signal)
{
	for (unsigned int i = 0; i < sizeof signals / sizeof *signals; i++)
		if (signals[i].number == signal)
			return signals[i].name;
	return "?";
}

/* "0-3,5 7" */
int parse_cpus(const char *text, uint64_t *set, unsigned int words)
{
	uint64_t found[words];
	bool any = false;

	memset(found, 0, sizeof found);
	while (*text) {
		unsigned long from, to;
		char *end;

		if (*text == ' ' || *text == ',') {
			text++;
			continue;
		}
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		from = to = strtoul(text, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return -EINVAL;
			to = strtoul(end + 1, &end, 10);
		}
		if (from > to || to >= words * 64 || (*end && *end != ' ' && *end != ','))
			return -EINVAL;
		for (; from <= to; from++)
			found[from / 64] |= 1ull << from % 64;
		any = true;
		text = end;
	}
	if (!any)
		return -EINVAL;
	memcpy(set, found, sizeof found);
	return 0;
}

/* One word's characters into OUT (TEXT itself, or as long); where it ends, NULL if unbalanced. */
static const char *read_word(const char *text, char *out, size_t *length)
{
	char quote = 0;
	size_t n = 0;

	for (; *text && (quote || (*text != ' ' && *text != '\t')); text++) {
		if (*text == '\\' && text[1] && quote != '\'') {
			static const char from[] = "ntr", to[] = "\n\t\r";
			const char *escape = strchr(from, *++text);

			out[n++] = escape ? to[escape - from] : *text;
		} else if (quote && *text == quote) {
			quote = 0;
		} else if (!quote && (*text == '"' || *text == '\'')) {
			quote = *text;
		} else {
			out[n++] = *text;
		}
	}
	*length = n;
	return quote ? NULL : text;
}

int split_words(char *text, char **words, int max)
{
	int count = 0;

	for (;;) {
		const char *end;
		bool is_last;
		size_t length;

		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			return count;
		if (count == max)
			return -EINVAL;
		end = read_word(text, text, &length);
		if (!end)
			return -EINVAL;
		is_last = !*end;
		text[length] = 0;	/* at END at the latest */
		words[count++] = text;
		if (is_last)
			return count;
		text += end + 1 - text;
	}
}

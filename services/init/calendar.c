/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OnCalendar=: [weekdays] [year-month-day] [hour:minute[:second]] with *, lists, ranges and steps,
 * and the words minutely to yearly; times are UTC. calendar_next() walks days, then within the day.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "config.h"

static const struct {
	const char *word, *meaning;
} words[] = {
	{ "minutely", "*-*-* *:*:00" }, { "hourly", "*-*-* *:00:00" }, { "daily", "*-*-* 00:00:00" },
	{ "weekly", "Mon *-*-* 00:00:00" }, { "monthly", "*-*-01 00:00:00" }, { "yearly", "*-01-01 00:00:00" },
};

static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static int read_number(const char **at, unsigned int max, unsigned int *out)
{
	unsigned int value = 0;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	for (; isdigit((unsigned char)**at); ++*at) {
		value = value * 10 + (**at - '0');
		if (value > max)
			return -EINVAL;
	}
	*out = value;
	return 0;
}

/* "*", "5", "1,2", "1..5", "0/15", "*" "/15" up to a character that belongs to none of them. */
static int read_set(const char **at, unsigned int min, unsigned int max, uint64_t *set)
{
	*set = 0;
	for (;;) {
		unsigned int from, to, step = 0;

		if (**at == '*') {
			++*at;
			from = min;
			to = max;
			step = 1;
		} else {
			if (read_number(at, max, &from) || from < min)
				return -EINVAL;
			to = from;
			if ((*at)[0] == '.' && (*at)[1] == '.') {
				*at += 2;
				if (read_number(at, max, &to) || to < from)
					return -EINVAL;
				step = 1;
			}
		}
		if (**at == '/') {
			++*at;
			if (read_number(at, max, &step) || !step)
				return -EINVAL;
			if (to == from)
				to = max;
		}
		for (; from <= to; from += step ? step : max + 1)
			*set |= 1ull << from;
		if (**at != ',')
			return 0;
		++*at;
	}
}

static int read_weekday(const char **at)
{
	for (int i = 0; i < 7; i++)
		if (!strncasecmp(*at, weekdays[i], 3)) {
			*at += 3;
			while (isalpha((unsigned char)**at))
				++*at;
			return i;
		}
	return -EINVAL;
}

static int read_weekdays(const char **at, uint8_t *set)
{
	*set = 0;
	for (;;) {
		int from = read_weekday(at), to = from;

		if (from < 0)
			return -EINVAL;
		if ((*at)[0] == '.' && (*at)[1] == '.') {
			*at += 2;
			to = read_weekday(at);
			if (to < 0)
				return -EINVAL;
		}
		for (int day = from;; day = (day + 1) % 7) {
			*set |= 1 << day;
			if (day == to)
				break;
		}
		if (**at != ',')
			return 0;
		++*at;
	}
}

static int read_date(const char **at, struct calendar *c)
{
	uint64_t set;
	unsigned int year = 0;

	if (**at == '*')
		++*at;
	else if (read_number(at, 2999, &year) || year < 1970)
		return -EINVAL;
	c->year = year;
	if (*(*at)++ != '-' || read_set(at, 1, 12, &set))
		return -EINVAL;
	c->month = set;
	if (*(*at)++ != '-' || read_set(at, 1, 31, &set))
		return -EINVAL;
	c->day = set;
	return 0;
}

static int read_time(const char **at, struct calendar *c)
{
	uint64_t set;

	if (read_set(at, 0, 23, &set) || *(*at)++ != ':')
		return -EINVAL;
	c->hour = set;
	if (read_set(at, 0, 59, &c->minute))
		return -EINVAL;
	c->second = 1;
	if (**at == ':') {
		++*at;
		return read_set(at, 0, 59, &c->second);
	}
	return 0;
}

int parse_calendar(const char *text, struct calendar *out)
{
	struct calendar c = { .second = 1, .minute = 1, .hour = 1, .day = ~1u, .month = 0x1ffe, .weekday = 0x7f };

	for (unsigned int i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(text, words[i].word))
			text = words[i].meaning;
	if (!*text)
		return -EINVAL;
	if (isalpha((unsigned char)*text)) {
		if (read_weekdays(&text, &c.weekday) || (*text && *text != ' '))
			return -EINVAL;
		text += *text == ' ';
	}
	if (*text && strchr(text, '-')) {
		if (read_date(&text, &c) || (*text && *text != ' '))
			return -EINVAL;
		text += *text == ' ';
	}
	if (*text && (read_time(&text, &c) || *text))
		return -EINVAL;
	*out = c;
	return 0;
}

/* Days since 1970-01-01 to a date, proleptic Gregorian. */
static void date_of(int64_t days, int *year, unsigned int *month, unsigned int *day)
{
	/* 400 years are 146,097 days; years are counted from March so that the leap day is the last. */
	int64_t shifted = days + 719468, era = shifted / 146097;
	unsigned int of_era = shifted % 146097;
	unsigned int years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned int of_year = of_era - (365 * years + years / 4 - years / 100);
	unsigned int shifted_month = (5 * of_year + 2) / 153;

	*day = of_year - (153 * shifted_month + 2) / 5 + 1;
	*month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
	*year = years + era * 400 + (*month <= 2);
}

static bool day_matches(const struct calendar *c, int64_t day_number)
{
	unsigned int month, day;
	int year;

	date_of(day_number, &year, &month, &day);
	return (!c->year || c->year == year) && (c->month >> month & 1) && (c->day >> day & 1) &&
	       (c->weekday >> (day_number + 4) % 7 & 1);	/* 1970-01-01 was a Thursday */
}

/* The first matching second of the day at or after FROM; -1 when there is none. */
static int64_t second_of_day(const struct calendar *c, int64_t from)
{
	for (int64_t t = from; t < 86400;) {
		if (!(c->hour >> t / 3600 & 1))
			t = (t / 3600 + 1) * 3600;
		else if (!(c->minute >> t / 60 % 60 & 1))
			t = (t / 60 + 1) * 60;
		else if (!(c->second >> t % 60 & 1))
			t++;
		else
			return t;
	}
	return -1;
}

#define DAYS_AHEAD (366 * 9)	/* 29 February may be eight years away, 2096 to 2104 */

int64_t calendar_next(const struct calendar *c, int64_t now)
{
	int64_t day = (now + 1) / 86400, from = (now + 1) % 86400;

	for (int i = 0; i < DAYS_AHEAD; i++, day++, from = 0) {
		int64_t second;

		if (!day_matches(c, day))
			continue;
		second = second_of_day(c, from);
		if (second >= 0)
			return day * 86400 + second;
	}
	return 0;
}

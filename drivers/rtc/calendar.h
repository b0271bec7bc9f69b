/* SPDX-License-Identifier: BSD-2-Clause */
/* Between a clock's calendar fields and seconds since 1970 (proleptic Gregorian, UTC). */
#ifndef RTC_CALENDAR_H
#define RTC_CALENDAR_H

#include <lib/types.h>
#include <uapi/errno.h>
#include <uapi/rtc.h>

/* month and day from 1. 0 or -EINVAL. */
static inline int calendar_seconds(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
				   unsigned second, s64 *seconds)
{
	static const u16 before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	u64 days, y = year;

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return -EINVAL;
	if (month <= 2)
		y--;	/* this year's leap day is not yet behind us */
	days = (year - 1970) * 365ull + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
	     + before[month - 1] + day - 1;
	*seconds = (s64)(((days * 24 + hour) * 60 + minute) * 60 + second);
	return 0;
}

/* seconds >= 0. In eras of 400 years whose years begin in March, so that the leap day is the last. */
static inline void calendar_fields(s64 seconds, struct user_rtc_time *t)
{
	u64 days = (u64)seconds / 86400, day, era, of_era, year, of_year, month;
	u32 rest = (u32)((u64)seconds % 86400);
	bool is_leap;

	t->sec = (s32)(rest % 60);
	t->min = (s32)(rest / 60 % 60);
	t->hour = (s32)(rest / 3600);
	t->wday = (s32)((days + 4) % 7);		/* 1970 began on a Thursday */
	day = days + 719468;				/* since 1 March of the year 0 */
	era = day / 146097;
	of_era = day % 146097;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;		/* from March */
	t->mday = (s32)(of_year - (153 * month + 2) / 5 + 1);
	t->mon = (s32)(month < 10 ? month + 2 : month - 10);
	year += era * 400 + (t->mon <= 1);
	t->year = (s32)(year - 1900);
	is_leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
	t->yday = (s32)(t->mon <= 1 ? of_year - 306 : of_year + 59 + is_leap);
	t->isdst = 0;
}

#endif

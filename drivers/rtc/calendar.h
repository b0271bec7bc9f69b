/* SPDX-License-Identifier: BSD-2-Clause */
/* From a clock's calendar fields to seconds since 1970 (proleptic Gregorian, UTC). */
#ifndef RTC_CALENDAR_H
#define RTC_CALENDAR_H

#include <lib/types.h>
#include <uapi/errno.h>

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

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The calendar of the clocks' drivers. */
#include <kernel/test.h>

#include "calendar.h"

/* Every day from 1970 to 2400 there and back, and the days follow each other as a calendar's do. */
static void test_round_trips(void)
{
	static const u8 lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct user_rtc_time t;
	int year = 70, month = 0, day = 1, of_year = 0, weekday = 4;

	for (s64 n = 0; n < 157054; n++) {
		s64 back = -1, seconds = n * 86400 + n % 86400;
		int leap = (year % 4 == 0 && year % 100) || (year + 1900) % 400 == 0;

		calendar_fields(seconds, &t);
		test_check(t.year == year && t.mon == month && t.mday == day);
		test_check(t.yday == of_year && t.wday == weekday);
		test_equal(calendar_seconds((u32)t.year + 1900, (u32)t.mon + 1, (u32)t.mday, (u32)t.hour, (u32)t.min,
					    (u32)t.sec, &back), 0);
		test_equal(back, seconds);
		weekday = (weekday + 1) % 7;
		of_year++;
		if (++day > lengths[month] + (month == 1 && leap)) {
			day = 1;
			if (++month == 12) {
				month = of_year = 0;
				year++;
			}
		}
	}
}

static void test_refuses(void)
{
	s64 s;

	test_equal(calendar_seconds(1969, 12, 31, 0, 0, 0, &s), -EINVAL);
	test_equal(calendar_seconds(2000, 0, 1, 0, 0, 0, &s), -EINVAL);
	test_equal(calendar_seconds(2000, 13, 1, 0, 0, 0, &s), -EINVAL);
	test_equal(calendar_seconds(2000, 1, 0, 0, 0, 0, &s), -EINVAL);
	test_equal(calendar_seconds(2000, 1, 1, 24, 0, 0, &s), -EINVAL);
	test_equal(calendar_seconds(2000, 1, 1, 0, 60, 0, &s), -EINVAL);
}

const struct test_suite test_suite_calendar = {
	"calendar",
	(const struct test_case[]){
		TEST_CASE(test_round_trips),
		TEST_CASE(test_refuses),
		{},
	},
};

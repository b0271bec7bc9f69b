/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/rtc0: reading, setting, alarms, update and periodic interrupts, bad times. A Linux without a driver for the board's clock passes empty-handed. */
#include "test.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

struct rtc_time {
	int sec, min, hour, mday, mon, year, wday, yday, isdst;
};
struct rtc_wkalrm {
	unsigned char enabled, pending;
	struct rtc_time time;
};
#define RTC_AIE_ON _IO('p', 1)
#define RTC_AIE_OFF _IO('p', 2)
#define RTC_UIE_ON _IO('p', 3)
#define RTC_UIE_OFF _IO('p', 4)
#define RTC_PIE_ON _IO('p', 5)
#define RTC_PIE_OFF _IO('p', 6)
#define RTC_RD_TIME _IOR('p', 9, struct rtc_time)
#define RTC_SET_TIME _IOW('p', 10, struct rtc_time)
#define RTC_IRQP_READ _IOR('p', 11, unsigned long)
#define RTC_IRQP_SET _IOW('p', 12, unsigned long)
#define RTC_WKALM_SET _IOW('p', 15, struct rtc_wkalrm)
#define RTC_WKALM_RD _IOR('p', 16, struct rtc_wkalrm)

/* Its descriptor; -1: Linux has none here. */
static int open_rtc(int flags)
{
	struct utsname u;
	int fd = open("/dev/rtc0", O_RDONLY | flags);

	if (fd < 0 && !uname(&u) && !strstr(u.release, "trivet"))
		return -1;
	check(fd >= 0);
	return fd;
}

static long long seconds(const struct rtc_time *t)
{
	struct tm tm = { .tm_sec = t->sec, .tm_min = t->min, .tm_hour = t->hour, .tm_mday = t->mday, .tm_mon = t->mon,
			 .tm_year = t->year };

	return timegm(&tm);
}

static struct rtc_time fields(long long s)
{
	time_t when = s;
	struct tm tm;

	gmtime_r(&when, &tm);
	return (struct rtc_time){ tm.tm_sec, tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon, tm.tm_year, tm.tm_wday, tm.tm_yday, 0 };
}

static long long rtc_now(int fd)
{
	struct rtc_time t;

	check_ok(ioctl(fd, RTC_RD_TIME, &t));
	return seconds(&t);
}

/* It is what the wall clock came from, and it runs. */
static void runs(void)
{
	int fd = open_rtc(0);
	long long first;

	if (fd < 0)
		return;
	first = rtc_now(fd);
	check(first - time(0) >= -30 && first - time(0) <= 30);
	for (int i = 0; i < 500 && rtc_now(fd) == first; i++)
		sleep_ms(10);
	check(rtc_now(fd) > first && rtc_now(fd) < first + 15);
	check_errno(open("/dev/rtc0", O_RDONLY), EBUSY);
}

static void is_set(void)
{
	static const long long edges[] = { 951782399, 951782400, 1709164800, 1709251199, 2145916799, 4102444799 - 86400 };
	int fd = open_rtc(0);
	long long before, start = now_ms();

	if (fd < 0)
		return;
	before = rtc_now(fd);
	for (unsigned i = 0; i < sizeof edges / sizeof *edges; i++) {
		struct rtc_time t = fields(edges[i]), back;

		check_ok(ioctl(fd, RTC_SET_TIME, &t));
		check_ok(ioctl(fd, RTC_RD_TIME, &back));
		check(seconds(&back) >= edges[i] && seconds(&back) <= edges[i] + 10);
	}
	check(time(0) < 4000000000);		/* the wall clock goes its own way */
	struct rtc_time t = fields(before + (now_ms() - start) / 1000);

	check_ok(ioctl(fd, RTC_SET_TIME, &t));
}

static void updates(void)
{
	int fd = open_rtc(0);
	unsigned long data = 0;
	struct pollfd p = { fd, POLLIN, 0 };
	long long at;

	if (fd < 0 || (ioctl(fd, RTC_UIE_ON, 0) && errno == EINVAL))
		return;			/* Linux: a clock without interrupts */
	check_equal(read(fd, &data, sizeof data), sizeof data);
	check(data >> 8 >= 1 && (data & 0x90) == 0x90);
	at = rtc_now(fd);
	check_equal(poll(&p, 1, 10000), 1);
	check_equal(read(fd, &data, sizeof data), sizeof data);
	check(rtc_now(fd) > at);
	check_errno(read(fd, &data, 3), EINVAL);
	check_ok(ioctl(fd, RTC_UIE_OFF, 0));
	check_ok(fcntl(fd, F_SETFL, O_NONBLOCK));
	for (int i = 0; i < 3; i++)
		(void)!read(fd, &data, sizeof data);
	check_errno(read(fd, &data, sizeof data), EAGAIN);
}

static void alarms(void)
{
	int fd = open_rtc(0);
	struct rtc_wkalrm a = { .enabled = 1 }, got;
	struct pollfd p = { fd, POLLIN, 0 };
	unsigned long data;
	long long when;

	if (fd < 0)
		return;
	when = rtc_now(fd) + 3;
	a.time = fields(when);
	if (ioctl(fd, RTC_WKALM_SET, &a)) {
		check(errno == EINVAL || errno == ENOTTY);
		return;			/* Linux: a clock without alarm */
	}
	check_ok(ioctl(fd, RTC_WKALM_RD, &got));
	check_equal(got.enabled, 1);
	check_equal(seconds(&got.time), when);
	check_equal(poll(&p, 1, 15000), 1);
	check_equal(read(fd, &data, sizeof data), sizeof data);
	check((data & 0xa0) == 0xa0);
	check(rtc_now(fd) >= when);
	a.time = fields(when - 1000);
	check_ok(ioctl(fd, RTC_WKALM_SET, &a));	/* past: comes at once */
	check_equal(poll(&p, 1, 5000), 1);
	check_equal(read(fd, &data, sizeof data), sizeof data);
	check((data & 0xa0) == 0xa0);
	a.time = fields(when + 1000);
	check_ok(ioctl(fd, RTC_WKALM_SET, &a));
	check_ok(ioctl(fd, RTC_AIE_OFF, 0));
	check_equal(poll(&p, 1, 20), 0);
}

static void periods(void)
{
	int fd = open_rtc(0);
	unsigned long rate = 0, data, total = 0;

	if (fd < 0)
		return;
	check_ok(ioctl(fd, RTC_IRQP_SET, 64));
	check_ok(ioctl(fd, RTC_IRQP_READ, &rate));
	check_equal(rate, 64);
	check_ok(ioctl(fd, RTC_PIE_ON, 0));
	while (total < 20) {
		check_equal(read(fd, &data, sizeof data), sizeof data);
		check((data & 0xc0) == 0xc0);
		total += data >> 8;
	}
	check_ok(ioctl(fd, RTC_PIE_OFF, 0));
	check_errno(ioctl(fd, RTC_IRQP_SET, 0), EINVAL);
	check_errno(ioctl(fd, RTC_IRQP_SET, 100000), EINVAL);
}

static void bad_times(void)
{
	static const struct rtc_time bad[] = {
		{ 60, 0, 0, 1, 0, 120, 0, 0, 0 }, { 0, 60, 0, 1, 0, 120, 0, 0, 0 }, { 0, 0, 24, 1, 0, 120, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, 120, 0, 0, 0 }, { 0, 0, 0, 32, 0, 120, 0, 0, 0 }, { 0, 0, 0, 30, 1, 120, 0, 0, 0 },
		{ 0, 0, 0, 29, 1, 121, 0, 0, 0 }, { 0, 0, 0, 1, 12, 120, 0, 0, 0 }, { 0, 0, 0, 1, -1, 120, 0, 0, 0 },
		{ 0, 0, 0, 1, 0, 69, 0, 0, 0 }, { -1, 0, 0, 1, 0, 120, 0, 0, 0 },
	};
	int fd = open_rtc(0);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		check_errno(ioctl(fd, RTC_SET_TIME, &bad[i]), EINVAL);
	check_errno(ioctl(fd, RTC_RD_TIME, (void *)8), EFAULT);
	check_errno(ioctl(fd, RTC_SET_TIME, (void *)8), EFAULT);
	check_errno(ioctl(fd, 0x1234, 0), ENOTTY);
	check_ok(setuid(65534));
	check_errno(ioctl(fd, RTC_SET_TIME, &bad[0]), EACCES);
	check_errno(open("/dev/rtc0", O_RDONLY), EACCES);
}

static const struct test table[] = {
	{ "runs", runs }, { "is_set", is_set }, { "updates", updates }, { "alarms", alarms }, { "periods", periods },
	{ "bad_times", bad_times }, { 0 },
};

TEST_MAIN(table)

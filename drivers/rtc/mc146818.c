/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PC's CMOS clock (Motorola MC146818), taken as UTC. Nobody else uses the index/data port pair: rtc.c's lock
 * guards it.
 */
#include <kernel/device.h>
#include <uapi/errno.h>

#include "calendar.h"
#include "rtc.h"

enum { REG_SECOND = 0, REG_MINUTE = 2, REG_HOUR = 4, REG_DAY = 7, REG_MONTH = 8, REG_YEAR = 9, REG_A = 10,
       REG_B = 11, REG_CENTURY = 0x32 };
enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, FIELDS };	/* in the order of regs */
static const u8 regs[FIELDS] = { REG_SECOND, REG_MINUTE, REG_HOUR, REG_DAY, REG_MONTH, REG_YEAR, REG_CENTURY };
#define A_UPDATING 0x80
#define B_SET 0x80		/* no updates while it is written */
#define B_BINARY 0x04
#define B_24_HOURS 0x02
#define HOUR_PM 0x80
#define TRIES 100000u

static u16 port_of(void *state) { return (u16)(uintptr_t)state; }

static u8 cmos_read(u16 port, u8 reg)
{
	port_write8(port, reg);
	return port_read8(port + 1);
}

static void cmos_write(u16 port, u8 reg, u8 value)
{
	port_write8(port, reg);
	port_write8(port + 1, value);
}

static unsigned number(u8 raw, bool is_binary)
{
	return is_binary ? raw : (raw >> 4) * 10u + (raw & 15);
}

static u8 raw_of(unsigned number, bool is_binary)
{
	return (u8)(is_binary ? number : number / 10 << 4 | number % 10);
}

/* The fields as they are; false: an update went on for ever. */
static bool fields_read(u16 port, u8 raw[FIELDS])
{
	unsigned tries = 0;

	while (cmos_read(port, REG_A) & A_UPDATING)
		if (++tries == TRIES)
			return false;
	for (unsigned i = 0; i < FIELDS; i++)
		raw[i] = cmos_read(port, regs[i]);
	return true;
}

static int mc146818_read(void *state, s64 *seconds)
{
	u16 port = port_of(state);
	u8 a[FIELDS], b[FIELDS], mode;
	unsigned hour, century, year;
	bool binary, same = false;

	/* Two equal readings: no update fell between. */
	for (unsigned i = 0; i < 5 && !same; i++) {
		if (!fields_read(port, a) || !fields_read(port, b))
			return -EIO;
		same = true;
		for (unsigned k = 0; k < FIELDS; k++)
			same &= a[k] == b[k];
	}
	mode = cmos_read(port, REG_B);
	binary = mode & B_BINARY;
	hour = number(a[HOUR] & (u8)~HOUR_PM, binary);
	if (!(mode & B_24_HOURS))
		hour = hour % 12 + (a[HOUR] & HOUR_PM ? 12 : 0);
	century = number(a[CENTURY], binary);
	year = number(a[YEAR], binary);
	year += century >= 19 && century <= 25 ? century * 100 : year >= 70 ? 1900 : 2000;
	return same ? calendar_seconds(year, number(a[MONTH], binary), number(a[DAY], binary), hour,
				       number(a[MINUTE], binary), number(a[SECOND], binary), seconds) : -EIO;
}

static int mc146818_set(void *state, s64 seconds)
{
	u16 port = port_of(state);
	u8 mode = cmos_read(port, REG_B);
	bool binary = mode & B_BINARY;
	struct user_rtc_time t;
	unsigned values[FIELDS];

	calendar_fields(seconds, &t);
	if (t.year < 70 || t.year >= 700)	/* the century's range, as it is read */
		return -ERANGE;
	values[SECOND] = (unsigned)t.sec;
	values[MINUTE] = (unsigned)t.min;
	values[HOUR] = (unsigned)t.hour;
	values[DAY] = (unsigned)t.mday;
	values[MONTH] = (unsigned)t.mon + 1;
	values[YEAR] = (unsigned)t.year % 100;
	values[CENTURY] = (unsigned)t.year / 100 + 19;
	cmos_write(port, REG_B, mode | B_SET);
	for (unsigned i = 0; i < FIELDS; i++) {
		u8 raw = raw_of(values[i], binary);

		if (i == HOUR && !(mode & B_24_HOURS))
			raw = raw_of((values[i] + 11) % 12 + 1, binary) | (values[i] >= 12 ? HOUR_PM : 0);
		cmos_write(port, regs[i], raw);
	}
	cmos_write(port, REG_B, mode);
	return 0;
}

static const struct rtc_ops mc146818_ops = { .read = mc146818_read, .set = mc146818_set };

static int mc146818_probe(struct device *dev)
{
	int port = device_port(dev, 0);

	return port < 0 ? -ENODEV : rtc_register("mc146818", &mc146818_ops, (void *)(uintptr_t)port);
}

static const struct driver_match mc146818_match[] = {
	{ .compatible = "motorola,mc146818" },
	{ .hid = "PNP0B00" },
	{ 0 },
};
const struct driver driver_mc146818 = {
	.name = "mc146818",
	.match = mc146818_match,
	.bus = BUS_PLATFORM,
	.probe = mc146818_probe,
	.level = 2,
};

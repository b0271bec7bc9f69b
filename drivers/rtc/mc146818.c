/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PC's CMOS clock (Motorola MC146818): read once at boot to set the wall clock, which is taken as UTC.
 * Only in probe, so no lock around the index/data port pair.
 */
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/time.h>
#include <uapi/errno.h>

#include "calendar.h"

enum { REG_SECOND = 0, REG_MINUTE = 2, REG_HOUR = 4, REG_DAY = 7, REG_MONTH = 8, REG_YEAR = 9, REG_A = 10,
       REG_B = 11, REG_CENTURY = 0x32 };
#define A_UPDATING 0x80
#define B_BINARY 0x04
#define B_24_HOURS 0x02
#define HOUR_PM 0x80
#define TRIES 100000u

static u8 cmos_read(u16 port, u8 reg)
{
	port_write8(port, reg);
	return port_read8(port + 1);
}

static unsigned number(u8 raw, bool is_binary)
{
	return is_binary ? raw : (raw >> 4) * 10u + (raw & 15);
}

/* The fields as they are; false: an update went on for ever. */
static bool fields_read(u16 port, u8 raw[7])
{
	static const u8 regs[7] = { REG_SECOND, REG_MINUTE, REG_HOUR, REG_DAY, REG_MONTH, REG_YEAR, REG_CENTURY };
	unsigned tries = 0;

	while (cmos_read(port, REG_A) & A_UPDATING)
		if (++tries == TRIES)
			return false;
	for (unsigned i = 0; i < 7; i++)
		raw[i] = cmos_read(port, regs[i]);
	return true;
}

static int mc146818_probe(struct device *dev)
{
	int port = device_port(dev, 0);
	u8 a[7], b[7], mode;
	unsigned hour, century, year;
	bool binary, same = false;
	s64 seconds;

	if (port < 0)
		return -ENODEV;
	/* Two equal readings: no update fell between. */
	for (unsigned i = 0; i < 5 && !same; i++) {
		if (!fields_read((u16)port, a) || !fields_read((u16)port, b))
			return -EIO;
		same = true;
		for (unsigned k = 0; k < 7; k++)
			same &= a[k] == b[k];
	}
	mode = cmos_read((u16)port, REG_B);
	binary = mode & B_BINARY;
	hour = number(a[2] & (u8)~HOUR_PM, binary);
	if (!(mode & B_24_HOURS))
		hour = hour % 12 + (a[2] & HOUR_PM ? 12 : 0);
	century = number(a[6], binary);
	year = number(a[5], binary);
	year += century >= 19 && century <= 25 ? century * 100 : year >= 70 ? 1900 : 2000;
	if (!same || calendar_seconds(year, number(a[4], binary), number(a[3], binary), hour,
				      number(a[1], binary), number(a[0], binary), &seconds)) {
		log_warn("rtc: the CMOS clock shows no valid time");
		return -EINVAL;
	}
	time_wall_set(seconds * (s64)NSEC_PER_SEC);
	return 0;
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

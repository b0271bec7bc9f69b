/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm's PL031 clock (Arm DDI 0224): a counter of seconds since 1970 in its data register, set through the load register. */
#include <kernel/device.h>
#include <uapi/errno.h>

#include "rtc.h"

#define RTC_DATA 0x00
#define RTC_LOAD 0x08

static int pl031_read(void *state, s64 *seconds)
{
	char __iomem *regs = state;

	*seconds = (s64)mmio_read32(regs + RTC_DATA);
	return 0;
}

static int pl031_set(void *state, s64 seconds)
{
	char __iomem *regs = state;

	if (seconds > (s64)U32_MAX)
		return -ERANGE;		/* after 2106 */
	mmio_write32(regs + RTC_LOAD, (u32)seconds);
	return 0;
}

static const struct rtc_ops pl031_ops = { .read = pl031_read, .set = pl031_set };

static int pl031_probe(struct device *dev)
{
	char __iomem *regs = device_mmio(dev, 0);

	return regs ? rtc_register("pl031", &pl031_ops, regs) : -ENODEV;
}

static const struct driver_match pl031_match[] = { { .compatible = "arm,pl031" }, { 0 } };
const struct driver driver_pl031 = {
	.name = "pl031",
	.match = pl031_match,
	.bus = BUS_PLATFORM,
	.probe = pl031_probe,
	.level = 2,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm's PL031 clock: a counter of seconds since 1970 in its data register. */
#include <kernel/device.h>
#include <kernel/time.h>
#include <uapi/errno.h>

#define RTC_DATA 0x00

static int pl031_probe(struct device *dev)
{
	char __iomem *regs = device_mmio(dev, 0);

	if (!regs)
		return -ENODEV;
	time_wall_set((s64)mmio_read32(regs + RTC_DATA) * (s64)NSEC_PER_SEC);
	return 0;
}

static const struct driver_match pl031_match[] = { { .compatible = "arm,pl031" }, { 0 } };
const struct driver driver_pl031 = {
	.name = "pl031",
	.match = pl031_match,
	.bus = BUS_PLATFORM,
	.probe = pl031_probe,
	.level = 2,
};

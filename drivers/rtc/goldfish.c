/* SPDX-License-Identifier: BSD-2-Clause */
/* The Goldfish clock of QEMU's RISC-V board: ns since 1970; reading the low word latches the high one. */
#include <kernel/device.h>
#include <kernel/time.h>
#include <uapi/errno.h>

#define TIME_LOW 0x00
#define TIME_HIGH 0x04

static int goldfish_probe(struct device *dev)
{
	char __iomem *regs = device_mmio(dev, 0);
	u64 low;

	if (!regs)
		return -ENODEV;
	low = mmio_read32(regs + TIME_LOW);
	time_wall_set((s64)((u64)mmio_read32(regs + TIME_HIGH) << 32 | low));
	return 0;
}

static const struct driver_match goldfish_match[] = { { .compatible = "google,goldfish-rtc" }, { 0 } };
const struct driver driver_goldfish_rtc = {
	.name = "goldfish-rtc",
	.match = goldfish_match,
	.bus = BUS_PLATFORM,
	.probe = goldfish_probe,
	.level = 2,
};

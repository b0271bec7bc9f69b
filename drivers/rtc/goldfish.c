/* SPDX-License-Identifier: BSD-2-Clause */
/* The Goldfish clock of QEMU's RISC-V board: ns since 1970; reading the low word latches the high one. */
#include <kernel/device.h>
#include <kernel/time.h>
#include <uapi/errno.h>

#include "rtc.h"

#define TIME_LOW 0x00
#define TIME_HIGH 0x04

static int goldfish_read(void *state, s64 *seconds)
{
	char __iomem *regs = state;
	u64 low = mmio_read32(regs + TIME_LOW);

	*seconds = (s64)((u64)mmio_read32(regs + TIME_HIGH) << 32 | low) / (s64)NSEC_PER_SEC;
	return *seconds < 0 ? -EINVAL : 0;
}

static int goldfish_set(void *state, s64 seconds)
{
	char __iomem *regs = state;
	u64 ns = (u64)seconds * NSEC_PER_SEC;

	if (seconds > S64_MAX / (s64)NSEC_PER_SEC)
		return -ERANGE;
	mmio_write32(regs + TIME_HIGH, (u32)(ns >> 32));
	mmio_write32(regs + TIME_LOW, (u32)ns);
	return 0;
}

static const struct rtc_ops goldfish_ops = { .read = goldfish_read, .set = goldfish_set };

static int goldfish_probe(struct device *dev)
{
	char __iomem *regs = device_mmio(dev, 0);

	return regs ? rtc_register("goldfish-rtc", &goldfish_ops, regs) : -ENODEV;
}

static const struct driver_match goldfish_match[] = { { .compatible = "google,goldfish-rtc" }, { 0 } };
const struct driver driver_goldfish_rtc = {
	.name = "goldfish-rtc",
	.match = goldfish_match,
	.bus = BUS_PLATFORM,
	.probe = goldfish_probe,
	.level = 2,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt of the Arm generic timer's virtual view; the timer's registers belong to the
 * architecture (arch_timer_arm). It is a private line, the same on every CPU.
 */
#include <arch/clock.h>
#include <arch/upcall.h>
#include <kernel/device.h>
#include <kernel/irq.h>
#include <kernel/log.h>

#define IRQ_VIRTUAL 2		/* the binding's order: secure, non-secure, virtual, hypervisor */

static bool timer_handle(void *unused)
{
	arch_timer_arm(U64_MAX);	/* the line is a level: it drops here */
	timer_fire();
	return true;
}

static int timer_probe(struct device *dev)
{
	int irq = device_irq(dev, IRQ_VIRTUAL);

	return irq < 0 ? irq : irq_request((u32)irq, timer_handle, NULL, 0, "arch_timer");
}

static const struct driver_match timer_match[] = {
	{ .compatible = "arm,armv8-timer" }, { .compatible = "arm,armv7-timer" }, {},
};
const struct driver driver_arm_timer = {
	.name = "arm-timer", .match = timer_match, .bus = BUS_PLATFORM, .probe = timer_probe,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kind of machine this is: asks whoever describes it, device tree or ACPI. Early for what boot
 * needs (memory, command line, CPUs), later for the devices. Drivers never learn who it was.
 */
#include <arch/boot.h>
#include <kernel/cpu.h>
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/platform.h>
#include <lib/string.h>
#include "platform_local.h"

/* A build without platform/acpi finds nothing there. */
__weak const char *acpi_early_init(void) { return NULL; }
__weak void acpi_discover(void) {}

static bool have_fdt;

static bool have_ram(void)
{
	for (u32 i = 0; i < boot_info.nr_ranges; i++)
		if (boot_info.ranges[i].type == BOOT_RAM && boot_info.ranges[i].size)
			return true;
	return false;
}

void platform_early_init(void)
{
	const char *problem = NULL, *acpi_problem;

	cpu_register(boot_info.boot_hwid);
	if (boot_info.fdt) {
		problem = fdt_early_init();
		have_fdt = !problem;
		if (problem)
			log_err("device tree at 0x%llx: %s", (unsigned long long)boot_info.fdt, problem);
	}
	for (u32 i = 0; i < boot_info.nr_cpus; i++)
		cpu_register(i);
	acpi_problem = acpi_early_init();
	if (acpi_problem)
		log_err("ACPI: %s", acpi_problem);
	if (!have_ram())
		panic("no description of memory: %s",
		      problem ? problem : acpi_problem ? acpi_problem : "no device tree, no memory map");
}

/* No table tells of SBI firmware, yet its console may be all there is. */
static void sbi_discover(void)
{
	static const char compatible[] = "riscv,sbi";
	struct device *dev = device_alloc(NULL, "sbi", BUS_PLATFORM);

	if (!dev)
		return;
	dev->compatible = compatible;
	dev->compatible_len = sizeof(compatible);
	device_register(dev);
}

void platform_discover(void)
{
	words_discover();
	if (have_fdt)
		fdt_discover();
	acpi_discover();
	if (strcmp(boot_info.protocol, "sbi") == 0)
		sbi_discover();
}

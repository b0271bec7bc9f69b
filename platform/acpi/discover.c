/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From ACPI's tables to boot_info, CPUs, interrupt controllers and devices. Early: what the architecture
 * needs (CPUs, HPET, PM timer). Late: the rest. Without tables and without a device tree a PC's standard
 * places are assumed.
 */
#include "acpi_local.h"
#include "devices.h"

#include "../platform_local.h"
#include <arch/boot.h>
#include <drivers/ioapic.h>
#include <kernel/cpu.h>
#include <kernel/irq.h>
#include <kernel/log.h>

#define FADT_DSDT 40u
#define FADT_PM_TMR_BLK 76u
#define FADT_PM_TMR_LEN 91u
#define FADT_X_DSDT 140u
#define HPET_ADDRESS 40u
#define IOAPIC_DEFAULT 0xfec00000ull

static bool have_tables;

const char *acpi_early_init(void)
{
	struct acpi_table fadt, hpet;
	struct acpi_gas gas;
	const char *problem;
	u32 port;

	if (!boot_info.rsdp)
		return NULL;
	problem = acpi_tables_init(boot_info.rsdp);
	if (problem)
		return problem;
	have_tables = true;
	acpi_madt_cpus(acpi_table_find("APIC", 0), cpu_register);
	hpet = acpi_table_find("HPET", 0);
	gas = acpi_gas_read(hpet, HPET_ADDRESS);
	if (gas.space == ACPI_SPACE_MEMORY)
		boot_info.hpet_base = gas.address;
	fadt = acpi_table_find("FACP", 0);
	port = acpi_u32(fadt, FADT_PM_TMR_BLK);
	if (acpi_u8(fadt, FADT_PM_TMR_LEN) == 4 && port <= 0xfffc)
		boot_info.pm_timer_port = (u16)port;
	return NULL;
}

static void ioapic_found(paddr_t pa, u32 gsi_base)
{
	int err = ioapic_add(pa, gsi_base);

	if (err)
		log_err("acpi: I/O APIC at %#lx for GSI %u: error %d", pa, gsi_base, err);
}

static struct acpi_table dsdt_find(struct acpi_table fadt)
{
	u64 pa = acpi_u64(fadt, FADT_X_DSDT);

	if (!pa)
		pa = acpi_u32(fadt, FADT_DSDT);
	return pa ? acpi_table_at(pa) : (struct acpi_table){ NULL, 0 };
}

static void scan_aml(struct acpi_table t, struct acpi_table madt)
{
	if (t.len > ACPI_HEADER_LEN)
		aml_devices(t.data + ACPI_HEADER_LEN, t.len - ACPI_HEADER_LEN, acpi_device_found, &madt);
}

void acpi_discover(void)
{
	struct acpi_table fadt, madt, dsdt, t;
	const char *problem;
	u8 s5[2] = { 0, 0 };
	bool has_s5;

	if (have_tables) {
		problem = acpi_tables_init(boot_info.rsdp);
		have_tables = !problem;
		if (problem)
			log_err("ACPI: %s", problem);
	}
	if (!have_tables) {
		if (!boot_info.fdt) {
			ioapic_found(IOAPIC_DEFAULT, 0);
			legacy_devices();
		}
		return;
	}
	madt = acpi_table_find("APIC", 0);
	acpi_madt_ioapics(madt, ioapic_found);
	if (!irq_domain_by_gsi(0))
		ioapic_found(IOAPIC_DEFAULT, 0);
	fadt = acpi_table_find("FACP", 0);
	dsdt = dsdt_find(fadt);
	has_s5 = aml_find_s5(dsdt.data, dsdt.len, s5);
	acpi_power_init(fadt, has_s5, s5);
	scan_aml(dsdt, madt);
	for (unsigned n = 0; (t = acpi_table_find("SSDT", n)).data; n++)
		scan_aml(t, madt);
	pci_host_found(acpi_table_find("MCFG", 0), madt);
}

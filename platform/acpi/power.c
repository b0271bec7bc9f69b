/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power off and reset by the FADT's registers (ACPI 6.4 §4.8.3, §4.8.3.7 for hardware-reduced machines such as
 * microvm). Nothing is mapped or allocated at the moment of use: a panic may come here.
 */
#include "acpi_local.h"

#include <arch/cpu.h>
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/power.h>

#define FADT_SMI_CMD 48u
#define FADT_ACPI_ENABLE 52u
#define FADT_PM1A_CNT 64u
#define FADT_PM1B_CNT 68u
#define FADT_FLAGS 112u
#define FADT_RESET_REG 116u
#define FADT_RESET_VALUE 128u
#define FADT_SLEEP_CONTROL 244u
#define FLAG_RESET_SUPPORTED BIT(10)
#define FLAG_HW_REDUCED BIT(20)
#define PM1_SCI_EN BIT(0)
#define PM1_SLP_EN BIT(13)
#define SLEEP_EN BIT(5)

struct reg {
	struct acpi_gas gas;
	void __iomem *mmio;
};
static struct {
	u16 pm1a, pm1b, smi_cmd;
	u8 acpi_enable, s5[2], reset_value;
	struct reg sleep_control, reset;
} power;

static bool reg_open(struct reg *r, struct acpi_gas gas)
{
	r->gas = gas;
	if (gas.address && gas.space == ACPI_SPACE_MEMORY) {
		r->mmio = mmio_map(gas.address, 4);
		if (!r->mmio)
			r->gas.address = 0;
	}
	return r->gas.address != 0;
}

static void reg_write8(const struct reg *r, u8 v)
{
	if (r->mmio)
		mmio_write8(r->mmio, v);
	else
		port_write8((u16)r->gas.address, v);
}

static void pause_loop(unsigned n)
{
	while (n--)
		arch_cpu_relax();
}

static void off_by_pm1(struct power_handler *h)
{
	u16 v = port_read16(power.pm1a);

	/* Sleep commands count only in ACPI mode. */
	if (!(v & PM1_SCI_EN) && power.smi_cmd && power.acpi_enable) {
		port_write8(power.smi_cmd, power.acpi_enable);
		for (unsigned i = 0; i < 1000 && !(port_read16(power.pm1a) & PM1_SCI_EN); i++)
			pause_loop(100);
		v = port_read16(power.pm1a);
	}
	v &= (u16)~0x3c00;
	port_write16(power.pm1a, (u16)(v | power.s5[0] << 10 | PM1_SLP_EN));
	if (power.pm1b)
		port_write16(power.pm1b, (u16)(v | power.s5[1] << 10 | PM1_SLP_EN));
	pause_loop(100000);
}

static void off_by_sleep_control(struct power_handler *h)
{
	reg_write8(&power.sleep_control, (u8)(power.s5[0] << 2 | SLEEP_EN));
	pause_loop(100000);
}

static void reset_by_register(struct power_handler *h)
{
	reg_write8(&power.reset, power.reset_value);
	pause_loop(100000);
}

void acpi_power_init(struct acpi_table fadt, bool has_s5, const u8 s5[2])
{
	static struct power_handler handler = { .name = "acpi", .priority = 100 };
	u32 flags = acpi_u32(fadt, FADT_FLAGS);

	if (!ARCH_HAS_PORTS)
		return;
	power.s5[0] = s5[0];
	power.s5[1] = s5[1];
	if (has_s5 && flags & FLAG_HW_REDUCED) {
		if (reg_open(&power.sleep_control, acpi_gas_read(fadt, FADT_SLEEP_CONTROL)))
			handler.off = off_by_sleep_control;
	} else if (has_s5 && acpi_u32(fadt, FADT_PM1A_CNT) - 1 < 0xfffe) {
		power.pm1a = (u16)acpi_u32(fadt, FADT_PM1A_CNT);
		power.pm1b = (u16)acpi_u32(fadt, FADT_PM1B_CNT);
		power.smi_cmd = (u16)acpi_u32(fadt, FADT_SMI_CMD);
		power.acpi_enable = acpi_u8(fadt, FADT_ACPI_ENABLE);
		handler.off = off_by_pm1;
	}
	if (flags & FLAG_RESET_SUPPORTED && reg_open(&power.reset, acpi_gas_read(fadt, FADT_RESET_REG))) {
		power.reset_value = acpi_u8(fadt, FADT_RESET_VALUE);
		handler.reset = reset_by_register;
	}
	if (!handler.off)
		log_warn("acpi: no way to power off (%s)", has_s5 ? "no sleep register" : "no \\_S5");
	if (handler.off || handler.reset)
		power_handler_register(&handler);
}

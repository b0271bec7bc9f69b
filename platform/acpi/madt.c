/* SPDX-License-Identifier: BSD-2-Clause */
/* The MADT (ACPI 6.4 §5.2.12): CPUs, I/O APICs and which ISA interrupt is wired elsewhere. Pure parsers. */
#include "acpi_local.h"

#include <kernel/irq.h>

#define MADT_ENTRIES 44u
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };
#define CPU_ENABLED BIT(0)
#define CPU_ONLINE_CAPABLE BIT(1)

/* Walks the entries: 0 at the end, else the entry's length (all of it inside the table). */
static u32 entry_len(struct acpi_table t, u32 at)
{
	u32 len = acpi_u8(t, at + 1);

	return at + 2 <= t.len && len >= 2 && at + len <= t.len ? len : 0;
}

void acpi_madt_cpus(struct acpi_table t, void (*fn)(u64 hwid))
{
	u32 len;

	for (u32 at = MADT_ENTRIES; (len = entry_len(t, at)); at += len) {
		u8 type = acpi_u8(t, at);

		if (type == MADT_LAPIC && len >= 8 && acpi_u32(t, at + 4) & CPU_ENABLED)
			fn(acpi_u8(t, at + 3));
		else if (type == MADT_X2APIC && len >= 16 && acpi_u32(t, at + 8) & CPU_ENABLED)
			fn(acpi_u32(t, at + 4));
	}
}

void acpi_madt_ioapics(struct acpi_table t, void (*fn)(paddr_t pa, u32 gsi_base))
{
	u32 len;

	for (u32 at = MADT_ENTRIES; (len = entry_len(t, at)); at += len)
		if (acpi_u8(t, at) == MADT_IOAPIC && len >= 12)
			fn(acpi_u32(t, at + 4), acpi_u32(t, at + 8));
}

void acpi_madt_isa(struct acpi_table t, u32 isa, u32 *gsi, u32 *type)
{
	u32 len;

	*gsi = isa;
	*type = IRQ_EDGE;
	for (u32 at = MADT_ENTRIES; (len = entry_len(t, at)); at += len) {
		u16 flags;

		if (acpi_u8(t, at) != MADT_OVERRIDE || len < 10 || acpi_u8(t, at + 3) != isa)
			continue;
		*gsi = acpi_u32(t, at + 4);
		flags = acpi_u16(t, at + 8);
		*type = (flags >> 2 & 3) == 3 ? IRQ_LEVEL : IRQ_EDGE;
		if ((flags & 3) == 3)
			*type |= IRQ_ACTIVE_LOW;
		return;
	}
}

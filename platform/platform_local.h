/* SPDX-License-Identifier: BSD-2-Clause */
/* The describers of a machine, called by discover.c. */
#ifndef PLATFORM_PLATFORM_LOCAL_H
#define PLATFORM_PLATFORM_LOCAL_H

#include <lib/types.h>

/* platform/fdt: boot_info.fdt is set. Early: NULL, or why the tree cannot be used. */
const char *fdt_early_init(void);
void fdt_discover(void);

/* Devices of the command line, before all others; and whether it named one with registers at base. */
void words_discover(void);
bool words_have(u64 base);

/* platform/acpi: called on every machine, with boot_info.rsdp 0 where there are no tables. */
const char *acpi_early_init(void);
void acpi_discover(void);

#endif

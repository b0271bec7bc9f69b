/* SPDX-License-Identifier: BSD-2-Clause */
/* The describers of a machine, called by discover.c. */
#ifndef PLATFORM_PLATFORM_LOCAL_H
#define PLATFORM_PLATFORM_LOCAL_H

/* platform/fdt: boot_info.fdt is set. Early: NULL, or why the tree cannot be used. */
const char *fdt_early_init(void);
void fdt_discover(void);

/*
 * platform/acpi: called on every machine, with boot_info.rsdp 0 where there are no tables; on x86 also
 * finds what is described by neither (virtio_mmio.device=).
 */
const char *acpi_early_init(void);
void acpi_discover(void);

#endif

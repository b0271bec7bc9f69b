/* SPDX-License-Identifier: BSD-2-Clause */
/* Making struct devices; devices.c. */
#ifndef ACPI_DEVICES_H
#define ACPI_DEVICES_H

#include "acpi_local.h"

/* For aml_devices; arg: the MADT's struct acpi_table. */
void acpi_device_found(const struct aml_device *d, void *arg);
/* The PCI host: configuration space from MCFG's first segment, else the ports 0xcf8; windows from _CRS. */
void pci_host_found(struct acpi_table mcfg, struct acpi_table madt);
/* What a PC without tables has. */
void legacy_devices(void);

#endif

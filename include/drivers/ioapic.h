/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APICs of x86, as firmware tables announce them. Boot CPU, before devices are created. */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include <lib/types.h>

/*
 * Drives the I/O APIC whose registers lie at pa and whose pins are gsi_base onwards; the first call also makes
 * the MSI domain and the irq root. 0, -ENOMEM, -ENODEV: no chip answers there, -EBUSY: known.
 */
int ioapic_add(paddr_t pa, u32 gsi_base);

#endif

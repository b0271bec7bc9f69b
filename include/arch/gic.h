/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICv3 CPU interface lies in system registers; AArch64 alone has <native/gic.h>, for drivers/irqchip/gic_v3.c. */
#ifndef ARCH_GIC_H
#define ARCH_GIC_H

#include <native/gic.h>

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls into RISC-V's SBI firmware; RISC-V alone has <native/sbi.h>, for drivers/console/sbi_console.c. */
#ifndef ARCH_SBI_H
#define ARCH_SBI_H

#include <native/sbi.h>

#endif

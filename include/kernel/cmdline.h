/* SPDX-License-Identifier: BSD-2-Clause */
/* Splitting the command line: once, by kernel/main.c, as soon as boot_info has it. Queries are in kernel/boot.h. */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

void cmdline_init(void);

#endif

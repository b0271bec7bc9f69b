/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line and the boot chart. Words are Linux's: NAME or NAME=VALUE, quotes keep blanks;
 * words after `--` and unknown words go to init.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <lib/compiler.h>

/* Value of the last NAME=VALUE; "" for a bare NAME; NULL: absent. Stays valid. */
const char *cmdline_get(const char *name);
bool cmdline_has(const char *name);
/* n-th occurrence (console=, virtio_mmio.device=); NULL past the end. */
const char *cmdline_get_nth(const char *name, unsigned n);
u64 cmdline_u64(const char *name, u64 fallback);	/* a bad number is logged */
/* What init gets: argv words after -- and unknown ones, and NAME=VALUE unknown ones as environment. */
const char *const *cmdline_init_args(unsigned *n);
const char *const *cmdline_init_env(unsigned *n);
const char *cmdline_raw(void);				/* /proc/cmdline */

/* Every known word stands in one table in kernel/cmdline.c. */

/* Says in the log whether the image was moved, not how far. */
void slide_report(void);

/* Marks a point on the boot chart (name is kept): kernel/main.c's steps do it by themselves. */
void bootchart_mark(const char *name);
/* First instruction of the first user program: the end of the chart. */
void bootchart_finish(void);

#endif

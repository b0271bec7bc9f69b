/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/fs/sysfs/ share. */
#ifndef SYSFS_LOCAL_H
#define SYSFS_LOCAL_H

#include "../proc/virtual.h"

void sysfs_block_add(void);	/* block.c */
void debugfs_init(void);		/* debugfs.c */
void sysfs_class_add(void);	/* class.c */
void sysfs_cpus_add(void);	/* cpus.c */
void sysfs_memory_add(void);	/* memory.c */

#endif

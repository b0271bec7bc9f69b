/* SPDX-License-Identifier: BSD-2-Clause */
/* What System V IPC has to do with the lives of processes (kernel/ipc/). */
#ifndef KERNEL_SYSV_H
#define KERNEL_SYSV_H

#include <kernel/process.h>

/* The last thread of p ends: what SEM_UNDO promised. Sleeps. */
void sem_exit(struct process *p);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot of inter-process communication: what shows in /proc, and the file system of message queues (kernel/ipc/). */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

void sysv_init(void);
/* Panics when the file system cannot be made: there is no memory for anything then. */
void mqueue_init(void);

#endif

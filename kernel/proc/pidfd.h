/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors for processes (pidfd.c), for clone and waitid. */
#ifndef PROC_PIDFD_H
#define PROC_PIDFD_H

#include "proc.h"

#define PIDFD_NONBLOCK ((u32)O_NONBLOCK)
#define PIDFD_THREAD ((u32)O_EXCL)
#define PIDFD_SIGNAL_THREAD 1u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u

/* The process behind a descriptor, referenced, and the file's flags. err_ptr: -EBADF. */
struct process *pidfd_process(int fd, u32 *flags);

#endif

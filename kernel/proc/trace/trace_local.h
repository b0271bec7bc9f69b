/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/proc/trace/ share among themselves. */
#ifndef TRACE_LOCAL_H
#define TRACE_LOCAL_H

#include "trace.h"

long trace_me(void);
/* ATTACH, SEIZE. -EIO: bad options, -EPERM: not allowed, traced already, own process; -ENOMEM. Sleeps. */
long trace_attach(struct thread *t, bool is_seize, u64 addr, u64 options);
/* The caller's held tracee is let go, with a signal. */
void trace_detach(struct tracee *tr, u32 sig);
/* info.c: what a tracer reads and changes of a held tracee. */
long trace_get_siginfo(struct tracee *tr, void __user *to);
long trace_set_siginfo(struct tracee *tr, const void __user *from);
long trace_peek_siginfo(struct tracee *tr, const void __user *args, void __user *to);
long trace_get_sigmask(struct tracee *tr, u64 size, u64 __user *to);
long trace_set_sigmask(struct tracee *tr, u64 size, const u64 __user *from);
long trace_regset(struct tracee *tr, u32 note, void __user *iov, bool is_set);
long trace_syscall_info(struct tracee *tr, u64 size, void __user *to);
long trace_rseq_info(struct tracee *tr, u64 size, void __user *to);

#endif

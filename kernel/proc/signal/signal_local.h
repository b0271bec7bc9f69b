/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/proc/signal/ share. */
#ifndef SIGNAL_LOCAL_H
#define SIGNAL_LOCAL_H

#include <kernel/process.h>

/* Signal lock held: the current thread took stop signal sig. No effect while a stop is under way. */
void job_stop_begin(struct process *p, int sig);
/* Signal lock held: the entry of a POSIX timer left the queue; completes info and goes on with the timer. */
void posix_timer_taken(struct sig_info *entry, struct user_siginfo *info);

#endif

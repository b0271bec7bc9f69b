/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/proc/signal/ share. */
#ifndef SIGNAL_LOCAL_H
#define SIGNAL_LOCAL_H

#include <kernel/process.h>
#include <kernel/trace_stop.h>

/* Signal lock held: the current thread took stop signal sig. No effect while a stop is under way. */
void job_stop_begin(struct process *p, int sig);
/*
 * Has t to stop with its group, or to tell its tracer of such a thing? A traced thread that its tracer let go on runs
 * although the group is stopped.
 */
static inline bool job_wants_stop(const struct thread *t)
{
	return t->trace_traps || (t->process->sig.job != JOB_RUNNING && !(t->tracee && t->job_counted));
}
/* Signal lock held: the entry of a POSIX timer left the queue; completes info and goes on with the timer. */
void posix_timer_taken(struct sig_info *entry, struct user_siginfo *info);

#endif

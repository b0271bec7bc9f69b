/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Job control: running -> stopping -> stopped -> running. The thread that takes a stop signal starts
 * the stop; every thread counts itself out at its next way to user mode; the last one makes it
 * complete and tells the parent. SIGCONT (send.c) or a fatal signal ends it. Lock: the signal lock.
 */
#include "../proc.h"
#include "../trace/trace.h"
#include "signal_local.h"
#include <kernel/sched.h>
#include <uapi/ptrace.h>

/* Lock held: the current thread took stop signal sig. */
static void stop_start(struct process *p, int sig)
{
	struct thread *t;

	p->sig.job = JOB_STOPPING;
	p->sig.stop_signal = (u32)sig;
	p->sig.stop_reported = false;
	p->sig.cont_reported = true;
	p->sig.nr_to_stop = 0;
	list_for_each(t, &p->threads, process_link) {
		if (t->exiting)
			continue;
		t->job_counted = false;
		p->sig.nr_to_stop++;
		if (t != current) {
			thread_notify(t, WORK_SIGNAL);
			thread_wake(t, BIT(THREAD_SLEEPING));
			trace_notify_job(t);
		}
	}
}

void job_stop_begin(struct process *p, int sig)
{
	if (p->sig.job == JOB_RUNNING && !p->group_exit)
		stop_start(p, sig);
}

/* Lock held: one thread less to wait for. True: the stop is complete. */
static bool stop_count(struct process *p, struct thread *t)
{
	if (p->sig.job != JOB_STOPPING || t->job_counted)
		return false;
	t->job_counted = true;
	if (--p->sig.nr_to_stop)
		return false;
	p->sig.job = JOB_STOPPED;
	if (process_state_may(p->state, PROC_SUSPENDED))
		process_state_set(p, PROC_SUSPENDED);
	return true;
}

bool job_thread_gone(struct thread *t) { return stop_count(t->process, t); }

static void tell_parent(struct process *p, int why)
{
	spin_lock(&process_tree_lock);
	process_notify_parent(p, why);
	spin_unlock(&process_tree_lock);
}

/*
 * Lock held, dropped meanwhile: a traced thread tells its tracer of the group's stop, or that it was interrupted, and goes
 * on when that one says so, whatever the group does.
 */
static unsigned long stop_traced(struct thread *self, unsigned long flags)
{
	struct process *p = self->process;
	bool is_stop = p->sig.job != JOB_RUNNING, is_seized = self->tracee->is_seized;
	u32 sig = is_stop ? p->sig.stop_signal : SIGTRAP;
	struct user_siginfo info = { .signo = (s32)sig };
	struct trace_stop s = { .code = sig, .why = CLD_STOPPED, .completes_job = stop_count(p, self) };

	self->job_counted = is_stop;
	self->trace_traps = 0;
	if (!is_stop && !is_seized)
		return flags;		/* SIGCONT was faster than the turn into a trace stop */
	if (is_seized) {
		s.code |= PTRACE_EVENT_STOP << 8;
		info.code = (s32)s.code;
		info.rt.pid = self->tid;
		info.rt.uid = cred_current()->uid;
		s.info = &info;
	}
	signal_unlock(p, flags);
	(void)trace_stop(&s);
	return signal_lock(p);
}

bool job_stop_current(void)
{
	struct thread *self = current;
	struct process *p = self->process;
	unsigned long flags = signal_lock(p);
	bool slept = false, tell;

	while (job_wants_stop(self) && !self->sig_exit_pending) {
		if (self->tracee) {
			flags = stop_traced(self, flags);
			slept = true;
			continue;
		}
		/* In every round: a new stop may have begun since SIGCONT woke us from the one before. */
		if (stop_count(p, self)) {
			signal_unlock(p, flags);
			tell_parent(p, CLD_STOPPED);
			flags = signal_lock(p);
			continue;
		}
		self->job_counted = true;	/* of a stop that was complete when clone made us, too */
		slept = true;
		/* Under the lock that SIGCONT and SIGKILL take to wake us: no wake-up is lost. */
		atomic_store(&self->state, (u32)THREAD_STOPPED);
		signal_unlock(p, flags);
		schedule();
		atomic_store(&self->state, (u32)THREAD_RUNNABLE);
		flags = signal_lock(p);
	}
	if (p->sig.job == JOB_RUNNING)
		self->job_counted = false;
	tell = p->sig.cont_notify;
	p->sig.cont_notify = false;
	signal_unlock(p, flags);
	if (tell)
		tell_parent(p, CLD_CONTINUED);
	return slept || tell;
}

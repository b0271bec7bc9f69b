/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace stops, from the tracee's side: it says why it stops, wakes its tracer's wait4 and sleeps as
 * THREAD_TRACED until the tracer lets it go (request.c), lets go of it (link.c), or SIGKILL comes.
 * Which signals, events and calls lead here is the matter of events.c and of kernel/proc/signal/.
 * Locks: the tree lock to find the tracer, inside it the signal lock for the stop.
 */
#include "trace.h"
#include "../signal/signal_local.h"
#include <kernel/cpu_clock.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <uapi/ptrace.h>

static void tracee_free(struct epoch_head *h) { kfree(container_of(h, struct tracee, epoch)); }

/* Tree lock held. SIGCHLD and a wake-up for the tracer. */
void trace_tell(struct tracee *tr, int why, u32 status, int sig)
{
	struct process *tracer = tr->tracer->process;
	struct thread *t = tr->thread;
	struct user_siginfo info = { .signo = sig, .code = why };
	struct cpu_time cpu;
	u64 sa_flags, handler;

	lock_assert_held(&process_tree_lock);
	cpu_time_of_thread(t, &cpu);
	info.child.pid = t->tid;
	info.child.uid = t->cred ? t->cred->uid : 0;
	info.child.utime = (s64)(cpu.user_ns / (NSEC_PER_SEC / USER_HZ));
	info.child.stime = (s64)(cpu.system_ns / (NSEC_PER_SEC / USER_HZ));
	info.child.status = (s32)status;
	handler = tracer->sig.actions->action[SIGCHLD - 1].handler;
	sa_flags = tracer->sig.actions->action[SIGCHLD - 1].flags;
	if (sig && ((why != CLD_TRAPPED && why != CLD_STOPPED) || (handler != SIG_IGN && !(sa_flags & SA_NOCLDSTOP))))
		(void)signal_send_process(tracer, sig, &info);
	waitq_wake_all(&tracer->child_wait);
}

/* Signal lock held: does something end the stop that is not the tracer's word? */
static bool must_leave(const struct tracee *tr)
{
	return !tr->is_held && !tr->is_last_stop && tr->thread->sig_exit_pending;
}

/* Sleeps; signal lock not held. What the tracer passes. Afterwards tr may be gone. */
static u32 sleep_traced(struct tracee *tr)
{
	struct thread *self = current;
	struct process *p = self->process;
	unsigned long flags;
	bool is_left;
	u32 sig;

	schedule();
	flags = signal_lock(p);
	while (tr->is_stopped && !must_leave(tr)) {
		/* Under the lock that who wakes us takes. */
		atomic_store(&self->state, (u32)THREAD_TRACED);
		signal_unlock(p, flags);
		schedule();
		flags = signal_lock(p);
	}
	atomic_store(&self->state, (u32)THREAD_RUNNABLE);
	sig = tr->is_stopped ? 0 : tr->resume_signal;
	tr->is_stopped = tr->is_listening = tr->is_last_stop = tr->is_event_stop = false;
	tr->info = NULL;
	tr->message = 0;
	tr->code = 0;
	is_left = tr->is_left;
	signal_update_work(self);
	signal_unlock(p, flags);
	if (is_left)
		epoch_defer(&tr->epoch, tracee_free);
	return sig;
}

/* Both locks held. */
static void enter_stop(struct tracee *tr, const struct trace_stop *s)
{
	tr->code = s->code;
	tr->message = s->message;
	tr->info = s->info;
	tr->is_last_stop = s->is_last && current->sig_exit_pending;
	tr->is_event_stop = s->code >> 8 == PTRACE_EVENT_STOP;
	tr->resume_signal = 0;
	current->trace_traps &= tr->is_event_stop ? 0 : (u8)~TRACE_TRAP_STOP;
	tr->is_stopped = true;
	atomic_store(&current->state, (u32)THREAD_TRACED);
}

u32 trace_stop(const struct trace_stop *s)
{
	struct thread *self = current;
	struct process *p = self->process;
	unsigned long flags;
	struct tracee *tr;
	bool stops;

	/* From the moment the tracer can see the stop until we are off the CPU nobody else runs here. */
	preempt_disable();
	spin_lock(&process_tree_lock);
	flags = signal_lock(p);
	tr = self->tracee;
	stops = tr && (s->is_last || !self->sig_exit_pending);
	if (stops)
		enter_stop(tr, s);
	signal_unlock(p, flags);
	if (stops)
		trace_tell(tr, s->why, s->why == CLD_STOPPED ? p->sig.stop_signal & 0x7f : s->code & 0x7f, SIGCHLD);
	if (s->completes_job && (!stops || p->parent != tr->tracer->process))
		process_notify_parent(p, CLD_STOPPED);
	spin_unlock(&process_tree_lock);
	preempt_enable_no_resched();
	return stops ? sleep_traced(tr) : s->code;
}

int trace_signal(int sig, struct user_siginfo *info)
{
	struct trace_stop s = { .code = (u32)sig, .why = CLD_TRAPPED, .info = info };
	struct thread *self = current;
	struct process *p = self->process;
	u32 continued = atomic_load(&p->sig.nr_continued);
	int now = (int)trace_stop(&s);
	unsigned long flags;

	if (!now)
		return 0;
	if ((sig_bit(now) & SIGNALS_STOP) && continued != atomic_load(&p->sig.nr_continued))
		return 0;	/* SIGCONT came during the stop */
	if (now != info->signo) {
		*info = (struct user_siginfo){ .signo = now, .code = SI_USER };
		spin_lock(&process_tree_lock);
		if (self->tracee) {
			info->rt.pid = self->tracee->tracer->process->pid;
			info->rt.uid = self->tracee->tracer->cred ? self->tracee->tracer->cred->uid : 0;
		}
		spin_unlock(&process_tree_lock);
	}
	flags = signal_lock(p);
	if (self->sig_mask & sig_bit(now)) {
		(void)signal_post(p, self, now, info, NULL, true);
		now = 0;
	}
	signal_unlock(p, flags);
	return now;
}

void trace_notify_job(struct thread *t)
{
	struct tracee *tr = t->tracee;

	if (!tr || !tr->is_seized)
		return;
	t->trace_traps |= TRACE_TRAP_NOTIFY;
	thread_notify(t, WORK_SIGNAL);
	if (!tr->is_listening || !tr->is_stopped) {
		thread_wake(t, BIT(THREAD_SLEEPING) | BIT(THREAD_STOPPED));
		return;
	}
	tr->is_stopped = false;
	tr->resume_signal = 0;
	thread_wake(t, BIT(THREAD_TRACED));
}

void trace_wake_to_die(struct thread *t)
{
	const struct tracee *tr = t->tracee;

	if (tr && tr->is_stopped && !tr->is_held && !tr->is_last_stop)
		thread_wake(t, BIT(THREAD_TRACED));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back to user mode: rescheduling, signals, restart of interrupted calls, FPU. Also
 * synchronous faults. The architecture builds the frames. Lock: the signal lock for the sets.
 */
#include "../cpu_timer.h"
#include "../proc.h"
#include "../trace/trace.h"
#include "signal_local.h"
#include <arch/trace.h>
#include <arch/upcall.h>
#include <kernel/aspace.h>
#include <kernel/event.h>
#include <kernel/log.h>
#include <kernel/rseq.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <uapi/native.h>
#include <uapi/wait.h>

/* What is left of an interrupted call's result when a handler runs (sa_flags) or none does (no_handler). */
static void settle_call(struct arch_regs *regs, bool no_handler, u64 sa_flags)
{
	long result = arch_user_get_result(regs);

	if (!arch_user_in_call(regs))
		return;
	switch (result) {
	case -ERESTARTNOINTR:
		arch_user_restart_call(regs, U64_MAX);
		break;
	case -ERESTARTSYS:
		if (no_handler || (sa_flags & SA_RESTART))
			arch_user_restart_call(regs, U64_MAX);
		else
			arch_user_set_result(regs, -EINTR);
		break;
	case -ERESTARTNOHAND:
		if (no_handler)
			arch_user_restart_call(regs, U64_MAX);
		else
			arch_user_set_result(regs, -EINTR);
		break;
	case -ERESTART_RESTARTBLOCK:
		if (no_handler)
			arch_user_restart_call(regs, syscall_restart_nr);
		else
			arch_user_set_result(regs, -EINTR);
		break;
	default:
		break;
	}
	arch_user_forget_call(regs);
}

static void set_mask_locked(struct thread *t, u64 mask)
{
	t->sig_mask = mask & ~SIGNALS_UNMASKABLE;
	signal_update_work(t);
}

void signal_set_mask(u64 mask)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);

	set_mask_locked(current, mask);
	signal_unlock(p, flags);
}

static bool sp_on_altstack(const struct thread *t, u64 sp)
{
	return t->altstack_size && !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_sp &&
	       sp - t->altstack_sp <= t->altstack_size;
}

/* Runs the handler: the frame goes on the stack, then the mask changes. */
static void call_handler(struct arch_regs *regs, struct signal_delivery *d, int sig)
{
	struct thread *self = current;
	struct process *p = self->process;
	u64 mask = d->action.mask, sp = arch_regs_sp(regs);
	unsigned long flags;

	settle_call(regs, false, d->action.flags);
	d->old_mask = self->sig_mask;
	if (atomic_load(&self->exit_work) & WORK_SIGMASK) {
		d->old_mask = self->saved_sigmask;
		atomic_fetch_and(&self->exit_work, ~(u32)WORK_SIGMASK);
	}
	d->altstack = (struct user_stack){ self->altstack_sp, 0, 0, self->altstack_size };
	d->altstack.flags = !self->altstack_size ? SS_DISABLE : sp_on_altstack(self, sp) ? SS_ONSTACK : 0;
	d->altstack.flags |= (s32)(self->altstack_flags & SS_AUTODISARM);
	d->on_altstack = (d->action.flags & SA_ONSTACK) && self->altstack_size && !sp_on_altstack(self, sp);
	d->vdso_sigreturn = self->aspace->vdso + arch_vdso_sigreturn;
	if (unlikely(self->trace_calls & TRACE_CALLS_STEP))
		arch_step_disable(self);	/* the frame keeps the program's own flags */
	if (rseq_signal(regs) || arch_signal_push(regs, d)) {
		if (sig == SIGSEGV)
			process_exit_group(WAIT_SIGNALED(SIGSEGV, false));
		signal_fault(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	if (d->on_altstack && (self->altstack_flags & SS_AUTODISARM))
		self->altstack_sp = self->altstack_size = self->altstack_flags = 0;
	if (!(d->action.flags & SA_NODEFER))
		mask |= sig_bit(sig);
	flags = signal_lock(p);
	p->signals_handled++;
	set_mask_locked(self, self->sig_mask | mask);
	signal_unlock(p, flags);
	if (unlikely(self->tracee))
		trace_handler_entered();
}

/* Lock held; drops it. True: a stop began. */
static bool default_action(struct process *p, int sig, unsigned long flags)
{
	enum signal_default what = signal_default_action(sig);

	if (what == SIGNAL_STOPS) {
		signal_unlock(p, flags);
		/* The tree lock ranks before the signal lock. */
		if (sig != SIGSTOP && pgrp_is_orphaned(p->pgid))
			return false;
		flags = signal_lock(p);
		job_stop_begin(p, sig);
		signal_unlock(p, flags);
		return true;
	}
	signal_unlock(p, flags);
	if (what == SIGNAL_TERMINATES || what == SIGNAL_CORE)
		process_exit_group(WAIT_SIGNALED(sig, false));
	return false;
}

/*
 * Where Linux sets an interrupted call up to run again before its tracer looks, debuggers rely on it: they save and
 * restore registers around calls of their own, which forgets everything else about the call.
 */
struct early_restart {
	u64 again_pc, next_pc;
	long result;		/* 0: nothing was set up */
};

static struct early_restart restart_early(struct arch_regs *regs)
{
	struct early_restart e = { 0 };

	if (!ARCH_RESTART_EARLY || likely(!current->tracee) || !arch_user_in_call(regs))
		return e;
	e.next_pc = arch_regs_pc(regs);
	e.result = arch_user_get_result(regs);
	if (e.result > -ERESTARTSYS || e.result < -ERESTART_RESTARTBLOCK || e.result == -ENOIOCTLCMD) {
		e.result = 0;
		return e;
	}
	arch_user_restart_call(regs, U64_MAX);
	e.again_pc = arch_regs_pc(regs);
	return e;
}

/* A handler runs: was it a call that then ends with EINTR? */
static void early_restart_undo(struct arch_regs *regs, const struct early_restart *e, u64 sa_flags)
{
	if (!e->result || arch_regs_pc(regs) != e->again_pc || e->result == -ERESTARTNOINTR ||
	    (e->result == -ERESTARTSYS && (sa_flags & SA_RESTART)))
		return;
	arch_user_set_result(regs, -EINTR);
	arch_regs_set_pc(regs, e->next_pc);
}

/* None runs: calls that go on with restart_syscall need its number. */
static void early_restart_finish(struct arch_regs *regs, const struct early_restart *e)
{
	if (e->result != -ERESTART_RESTARTBLOCK || arch_regs_pc(regs) != e->again_pc)
		return;
	arch_regs_set_pc(regs, e->next_pc);
	arch_user_restart_call(regs, syscall_restart_nr);
}

void signal_handle(struct arch_regs *regs)
{
	struct thread *self = current;
	struct process *p = self->process;
	struct early_restart early = restart_early(regs);

	while (1) {
		struct signal_delivery d;
		struct sig_action *action;
		unsigned long flags;
		int sig;

		if (p->sig.job != JOB_RUNNING || p->sig.cont_notify || unlikely(self->trace_traps))
			job_stop_current();
		if (self->sig_exit_pending)
			process_exit_thread(0);
		flags = signal_lock(p);
		if (job_wants_stop(self) || self->sig_exit_pending) {
			signal_unlock(p, flags);
			continue;
		}
		sig = signal_take(self, ~self->sig_mask, &d.info);
		if (!sig) {
			signal_update_work(self);
			signal_unlock(p, flags);
			break;
		}
		if (unlikely(self->tracee) && sig != SIGKILL) {
			signal_unlock(p, flags);
			sig = trace_signal(sig, &d.info);
			if (!sig)
				continue;
			flags = signal_lock(p);
		}
		action = &p->sig.actions->action[sig - 1];
		if (action->handler == SIG_IGN) {
			signal_unlock(p, flags);
			continue;
		}
		if (action->handler == SIG_DFL) {
			default_action(p, sig, flags);
			continue;
		}
		d.action = *action;
		if (action->flags & SA_RESETHAND)
			action->handler = SIG_DFL;
		signal_unlock(p, flags);
		early_restart_undo(regs, &early, d.action.flags);
		call_handler(regs, &d, sig);
	}
	early_restart_finish(regs, &early);
	settle_call(regs, true, 0);
	if (atomic_load(&self->exit_work) & WORK_SIGMASK) {
		atomic_fetch_and(&self->exit_work, ~(u32)WORK_SIGMASK);
		signal_set_mask(self->saved_sigmask);
	}
}

void user_return_work(struct arch_regs *regs)
{
	struct thread *self = current;
	u32 work = atomic_load(&self->exit_work);

	if (work & (WORK_RESCHED | WORK_SIGNAL | WORK_SIGMASK | WORK_RSEQ | WORK_THROTTLE |
		    WORK_CPU_TIMER)) {
		arch_irq_enable();
		if (work & WORK_RESCHED)
			schedule();
		if (work & WORK_CPU_TIMER)
			cpu_timers_resume();
		if (atomic_load(&self->exit_work) & WORK_RSEQ)
			rseq_return_work(regs);
		if (work & (WORK_SIGNAL | WORK_SIGMASK))
			signal_handle(regs);
		if (work & WORK_THROTTLE) {
			if (self->memory_over_high)
				group_memory_throttle();
			group_park();
		}
		arch_irq_disable();
		return;		/* the caller looks again: the FPU comes last, with interrupts off until user mode */
	}
	if (work & WORK_FPU)
		sched_fpu_reload();
	if (work & WORK_TRACE) {
		atomic_fetch_and(&self->exit_work, ~(u32)WORK_TRACE);
		arch_debug_load(self);
	}
}

/* Fatal faults of programs are worth a line: nothing else tells where it went wrong. */
static void fault_log(struct thread *t, int sig, int code, vaddr_t addr)
{
	const struct arch_regs *regs = arch_user_regs(t);
	const char *name = signal_name(sig);

	log_notice("%s[%d]: %s (code %d) at address %#llx, pc %#llx, sp %#llx", t->name, t->tid,
		   name ? name : "signal", code, (unsigned long long)addr,
		   (unsigned long long)arch_regs_pc(regs), (unsigned long long)arch_regs_sp(regs));
}

void signal_fault(int sig, int code, vaddr_t addr)
{
	struct thread *self = current;
	struct process *p = self->process;
	struct user_siginfo info = { .signo = sig, .code = code };
	unsigned long flags;
	bool fatal;

	info.fault.addr = addr;
	flags = signal_lock(p);
	if (p->sig.actions->action[sig - 1].handler == SIG_IGN || (self->sig_mask & sig_bit(sig))) {
		p->sig.actions->action[sig - 1].handler = SIG_DFL;
		self->sig_mask &= ~sig_bit(sig);
	}
	fatal = p->sig.actions->action[sig - 1].handler == SIG_DFL && !self->tracee;
	(void)signal_post(p, self, sig, &info, NULL, true);
	signal_update_work(self);
	signal_unlock(p, flags);
	if (fatal)
		fault_log(self, sig, code, addr);
}

void trap_user_fault(struct arch_regs *regs, int signo, int si_code, vaddr_t addr)
{
	event_count(EVENT_EXCEPTION);
	signal_fault(signo, si_code, addr);
}

void signal_exec(void)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);

	for (unsigned i = 0; i < NSIG; i++) {
		struct sig_action *a = &p->sig.actions->action[i];
		u64 keep = a->handler == SIG_IGN ? SIG_IGN : SIG_DFL;

		*a = (struct sig_action){ .handler = keep };
	}
	signal_unlock(p, flags);
	current->altstack_sp = current->altstack_size = current->altstack_flags = 0;
}

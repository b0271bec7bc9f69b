/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace(2), the tracer's side: an order is given to a tracee that is held in its stop, so that neither
 * SIGKILL nor anything else moves it meanwhile. Reading and changing is info.c's matter.
 * Lock: the signal lock of the tracee's process for the stop.
 */
#include "trace_local.h"
#include <arch/trace.h>
#include <kernel/aspace.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/ptrace.h>

#define SPINS 200u			/* looks at a CPU that is about to leave its thread */

/* Signal lock held. */
static bool is_going(const struct tracee *tr)
{
	return !tr->is_last_stop && tr->thread->sig_exit_pending;
}

/* Tree lock held: t's tracee if the current thread is its tracer. */
static struct tracee *mine(struct thread *t)
{
	return t->tracee && t->tracee->tracer == current ? t->tracee : NULL;
}

/* The tracee of t stays where it is until release or an order that ends the stop. NULL: not ours or not stopped. */
static struct tracee *hold(struct thread *t)
{
	struct process *p = t->process;
	struct tracee *tr;
	unsigned long flags;

	spin_lock(&process_tree_lock);
	flags = signal_lock(p);
	tr = mine(t);
	if (tr && (!tr->is_stopped || tr->is_listening || is_going(tr)))
		tr = NULL;
	if (tr)
		tr->is_held = true;
	signal_unlock(p, flags);
	spin_unlock(&process_tree_lock);
	/* It said that it stops a few instructions before it leaves its CPU. */
	for (unsigned n = 0; tr && (atomic_load_acquire(&t->on_cpu) || atomic_load(&t->on_rq)); n++) {
		if (n < SPINS)
			arch_cpu_relax();
		else
			(void)sleep_until(time_ns() + 20 * NSEC_PER_USEC, false);
	}
	return tr;
}

static void release(struct tracee *tr)
{
	struct thread *t = tr->thread;
	struct process *p = t->process;
	unsigned long flags = signal_lock(p);

	tr->is_held = false;
	if (is_going(tr))
		thread_wake(t, BIT(THREAD_TRACED));
	signal_unlock(p, flags);
}

static u8 calls_of(u64 request)
{
	switch (request) {
	case PTRACE_SYSCALL:
		return TRACE_CALLS_STOP;
	case PTRACE_SYSEMU:
		return TRACE_CALLS_SKIP;
	case PTRACE_SINGLESTEP:
		return TRACE_CALLS_STEP;
	case PTRACE_SYSEMU_SINGLESTEP:
		return TRACE_CALLS_SKIP | TRACE_CALLS_STEP;
	default:
		return 0;
	}
}

/* Ends the stop. 0, -EIO: no such signal, no single step here. */
static long resume(struct tracee *tr, u64 request, u64 sig)
{
	struct thread *t = tr->thread;
	struct process *p = t->process;
	u8 calls = calls_of(request);
	unsigned long flags;

	if (sig > NSIG || ((calls & TRACE_CALLS_STEP) && !arch_step_enable(t)))
		return -EIO;
	if (!(calls & TRACE_CALLS_STEP))
		arch_step_disable(t);
	flags = signal_lock(p);
	t->trace_calls = (u8)((t->trace_calls & ~TRACE_CALLS_PTRACE) | calls);
	tr->resume_signal = (u32)sig;
	tr->code = 0;
	tr->is_stopped = tr->is_held = false;
	thread_wake(t, BIT(THREAD_TRACED));
	signal_unlock(p, flags);
	return 0;
}

static long detach(struct tracee *tr, u64 sig)
{
	if (sig > NSIG)
		return -EIO;
	arch_step_disable(tr->thread);
	arch_debug_clear(tr->thread);
	trace_detach(tr, (u32)sig);
	return 0;
}

/* From a group stop or interrupt stop of a seized tracee into one that the group's next change ends. */
static long listen(struct tracee *tr)
{
	struct thread *t = tr->thread;
	struct process *p = t->process;
	unsigned long flags;
	long err = -EIO;

	flags = signal_lock(p);
	if (tr->is_seized && tr->is_event_stop) {
		tr->is_listening = true;
		tr->is_held = false;
		err = 0;
		if (t->trace_traps & TRACE_TRAP_NOTIFY) {
			tr->is_stopped = false;
			tr->resume_signal = 0;
		}
		if (!tr->is_stopped || is_going(tr))
			thread_wake(t, BIT(THREAD_TRACED));
	}
	signal_unlock(p, flags);
	return err;
}

static long peek(struct thread *t, u64 addr, u64 __user *to)
{
	u64 word;

	if (aspace_access_forced(t->aspace, addr, &word, sizeof(word), false) != sizeof(word))
		return -EIO;
	return put_user(word, to);
}

static long poke(struct thread *t, u64 addr, u64 word)
{
	return aspace_access_forced(t->aspace, addr, &word, sizeof(word), true) == sizeof(word) ? 0 : -EIO;
}

static long set_options(struct tracee *tr, u64 options)
{
	if (options & ~(u64)PTRACE_O_KNOWN)
		return -EINVAL;
	WRITE_ONCE(tr->options, (u32)options);
	return 0;
}

/* Orders that leave the tracee in its stop. */
static long look(struct tracee *tr, u64 request, u64 addr, u64 data)
{
	struct thread *t = tr->thread;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, addr, (u64 __user *)data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(t, addr, data);
	case PTRACE_SETOPTIONS:
		return set_options(tr, data);
	case PTRACE_GETEVENTMSG:
		return put_user(tr->message, (u64 __user *)data);
	case PTRACE_GETSIGINFO:
		return trace_get_siginfo(tr, (void __user *)data);
	case PTRACE_SETSIGINFO:
		return trace_set_siginfo(tr, (const void __user *)data);
	case PTRACE_PEEKSIGINFO:
		return trace_peek_siginfo(tr, (const void __user *)addr, (void __user *)data);
	case PTRACE_GETSIGMASK:
		return trace_get_sigmask(tr, addr, (u64 __user *)data);
	case PTRACE_SETSIGMASK:
		return trace_set_sigmask(tr, addr, (const u64 __user *)data);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return trace_regset(tr, (u32)addr, (void __user *)data, request == PTRACE_SETREGSET);
	case PTRACE_GET_SYSCALL_INFO:
		return trace_syscall_info(tr, addr, (void __user *)data);
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return trace_rseq_info(tr, addr, (void __user *)data);
	default:
		return arch_ptrace(t, request, addr, data);
	}
}

static bool ends_stop(u64 request)
{
	return request == PTRACE_CONT || request == PTRACE_SYSCALL || request == PTRACE_SINGLESTEP ||
	       (ARCH_PTRACE_SYSEMU && (request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP));
}

static long order(struct thread *t, u64 request, u64 addr, u64 data)
{
	struct tracee *tr = hold(t);
	long err;

	if (!tr)
		return -ESRCH;
	if (ends_stop(request))
		err = resume(tr, request, data);
	else if (request == PTRACE_DETACH)
		err = detach(tr, data);
	else if (request == PTRACE_LISTEN)
		err = listen(tr);
	else
		err = look(tr, request, addr, data);
	/* When those three succeed the tracee is on its way, and may be gone. */
	if (err || !(ends_stop(request) || request == PTRACE_DETACH || request == PTRACE_LISTEN))
		release(tr);
	return err;
}

static long interrupt(struct thread *t)
{
	struct process *p = t->process;
	struct tracee *tr;
	unsigned long flags;
	long err = 0;

	spin_lock(&process_tree_lock);
	flags = signal_lock(p);
	tr = mine(t);
	if (!tr || t->exiting) {
		err = -ESRCH;
	} else if (!tr->is_seized) {
		err = -EIO;
	} else {
		t->trace_traps |= TRACE_TRAP_STOP;
		thread_notify(t, WORK_SIGNAL);
		if (tr->is_stopped && tr->is_listening) {
			tr->is_stopped = false;
			tr->resume_signal = 0;
			thread_wake(t, BIT(THREAD_TRACED));
		}
		thread_wake(t, BIT(THREAD_SLEEPING));
	}
	signal_unlock(p, flags);
	spin_unlock(&process_tree_lock);
	return err;
}

static long kill_tracee(struct thread *t)
{
	bool ours;

	spin_lock(&process_tree_lock);
	ours = mine(t) != NULL;
	if (ours)
		(void)signal_send_process(t->process, SIGKILL, NULL);
	spin_unlock(&process_tree_lock);
	return ours ? 0 : -ESRCH;
}

long sys_ptrace(u64 request, pid_t pid, u64 addr, u64 data)
{
	struct thread *t;
	long result;

	if (request == PTRACE_TRACEME)
		return trace_me();
	t = thread_find(pid);
	if (!t)
		return -ESRCH;
	switch (request) {
	case PTRACE_ATTACH:
	case PTRACE_SEIZE:
		result = trace_attach(t, request == PTRACE_SEIZE, addr, data);
		break;
	case PTRACE_INTERRUPT:
		result = interrupt(t);
		break;
	case PTRACE_KILL:
		result = kill_tracee(t);
		break;
	default:
		result = order(t, request, addr, data);
	}
	thread_put(t);
	return result;
}

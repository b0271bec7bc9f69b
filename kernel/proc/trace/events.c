/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a traced thread stops for besides its signals: system calls, the steps of its life (fork, exec,
 * exit …), handlers that begin under single step. All of it on the tracee's own way; locks are stop.c's.
 */
#include "trace.h"
#include <arch/trace.h>
#include <uapi/ptrace.h>
#include <uapi/wait.h>

static u32 options_of(struct thread *t)
{
	struct tracee *tr;
	u32 options;

	epoch_enter();
	tr = atomic_load_acquire(&t->tracee);	/* pairs with trace_link */
	options = tr ? READ_ONCE(tr->options) : 0;
	epoch_exit();
	return options;
}

/* A stop that says SIGTRAP and what it is about. The signal the tracer passes. */
static u32 stop_for(u32 code, u64 message, bool is_last)
{
	struct user_siginfo info = { .signo = SIGTRAP, .code = (s32)code };
	struct trace_stop s = { .code = code, .why = CLD_TRAPPED, .message = message, .info = &info, .is_last = is_last };
	struct thread *self = current;
	u32 sig;

	info.rt.pid = self->tid;
	info.rt.uid = cred_current()->uid;
	sig = trace_stop(&s);
	return self->tracee ? sig : 0;
}

bool trace_wants(unsigned event) { return options_of(current) & PTRACE_O_TRACEEVENT(event); }

bool trace_event(unsigned event, u64 message)
{
	if (likely(!current->tracee) || !trace_wants(event))
		return false;
	(void)stop_for(SIGTRAP | event << 8, message, event == PTRACE_EVENT_EXIT);
	return true;
}

static void stop_for_call(u64 message)
{
	u32 good = options_of(current) & PTRACE_O_TRACESYSGOOD ? 0x80 : 0;
	u32 sig = stop_for(SIGTRAP | good, message, false);
	struct user_siginfo info = { .signo = (s32)sig, .code = SI_USER };

	/* A signal let through here is sent to the tracee as by itself. */
	if (sig && sig <= NSIG) {
		info.rt.pid = current_process()->pid;
		info.rt.uid = cred_current()->uid;
		(void)signal_send_thread(current, (int)sig, &info);
	}
}

bool trace_call_enter(struct arch_regs *regs)
{
	u32 calls = READ_ONCE(current->trace_calls);

	if (!(calls & (TRACE_CALLS_STOP | TRACE_CALLS_SKIP)))
		return true;
	stop_for_call(PTRACE_EVENTMSG_SYSCALL_ENTRY);
	/* Who is to die does not begin anything. */
	return !(calls & TRACE_CALLS_SKIP) && !signal_fatal_pending(current);
}

void trace_call_leave(struct arch_regs *regs)
{
	u32 calls = READ_ONCE(current->trace_calls);

	if (calls & TRACE_CALLS_STOP)
		stop_for_call(PTRACE_EVENTMSG_SYSCALL_EXIT);
	else if ((calls & TRACE_CALLS_STEP) && !(calls & TRACE_CALLS_SKIP))
		signal_fault(SIGTRAP, TRAP_BRKPT, arch_regs_pc(regs));
}

void trace_handler_entered(void)
{
	struct thread *self = current;

	if (!(READ_ONCE(self->trace_calls) & TRACE_CALLS_STEP))
		return;
	arch_step_disable(self);
	(void)stop_for(SIGTRAP, 0, false);
}

void trace_exec(pid_t old_tid)
{
	struct user_siginfo info = { .signo = SIGTRAP, .code = SI_USER };
	struct thread *self = current;
	bool is_seized;

	if (likely(!self->tracee) || trace_event(PTRACE_EVENT_EXEC, (u64)old_tid))
		return;
	epoch_enter();
	is_seized = self->tracee && self->tracee->is_seized;
	epoch_exit();
	if (is_seized)
		return;
	info.rt.pid = self->process->pid;
	info.rt.uid = cred_current()->uid;
	(void)signal_send_thread(self, SIGTRAP, &info);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace as the rest of the kernel meets it: where a traced thread stops and what its tracer hears.
 * A thread that nobody traces pays one test of thread.tracee (or of thread.trace_calls per call).
 * kernel/proc/trace/ has the rest.
 */
#ifndef KERNEL_TRACE_STOP_H
#define KERNEL_TRACE_STOP_H

#include <kernel/process.h>

/* thread.trace_calls: why its system calls take the slow way. */
#define TRACE_CALLS_LOG BIT(0)		/* strace= names it */
#define TRACE_CALLS_STOP BIT(1)		/* PTRACE_SYSCALL: stops at entry and exit */
#define TRACE_CALLS_SKIP BIT(2)		/* PTRACE_SYSEMU: stops at entry, does nothing */
#define TRACE_CALLS_STEP BIT(3)		/* single step: a call counts as an instruction */
#define TRACE_CALLS_PTRACE (TRACE_CALLS_STOP | TRACE_CALLS_SKIP | TRACE_CALLS_STEP)

/* thread.trace_traps: stops it has to make on its way to user mode. */
#define TRACE_TRAP_STOP BIT(0)		/* PTRACE_INTERRUPT, SEIZE of a stopped one */
#define TRACE_TRAP_NOTIFY BIT(1)	/* a group stop began or ended */

/* The current thread makes a system call: stops if its tracer wants. False: it is not to be made. */
bool trace_call_enter(struct arch_regs *regs);
void trace_call_leave(struct arch_regs *regs);
/* Event PTRACE_EVENT_* of the current thread, with its message, if the tracer asked for it. True: it stopped. */
bool trace_event(unsigned event, u64 message);

#endif

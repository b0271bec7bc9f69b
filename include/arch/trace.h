/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What debuggers see and change of a thread's registers, in Linux's layouts: for ptrace and core dumps.
 * But for those of the system call, each is called for a thread that is off the CPU and stays there
 * (a trace stop, held), or for the current one.
 */
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H

#include <lib/compiler.h>
#include <lib/types.h>

struct arch_regs;
struct thread;

#define ARCH_REGSET_MAX 1024u	/* no set is larger */

/* Register set `note` (NT_*) of t: its bytes, *unit: a piece of it (transfers are multiples). -EINVAL: there is none such, -ENODEV: not used. */
int arch_regset_get(struct thread *t, u32 note, void *buf, u32 *unit);
/* Takes over the whole set (as many bytes as get gave). -EINVAL, -EIO: values that user mode must not have. */
int arch_regset_set(struct thread *t, u32 note, const void *buf, u32 len);
/* The notes of a core file besides NT_PRSTATUS and NT_PRFPREG, ends with 0. */
extern const u32 arch_core_notes[];

/* The next instruction of t traps and no other does. False: this machine cannot. */
bool arch_step_enable(struct thread *t);
void arch_step_disable(struct thread *t);

/* A traced system call of the current thread begins: what Linux's tracers find in the result register. */
void arch_trace_call_begin(struct arch_regs *regs);
/* Number and arguments as the tracer left them. False: the call is not to be made. */
bool arch_trace_call_get(const struct arch_regs *regs, u64 *nr, u64 args[6]);
/* Before the stop at the call's end: its number is shown even if it has replaced all registers (execve). */
void arch_trace_call_end(struct arch_regs *regs, u64 nr);

/* How large a struct arch_debug is: thread_debug(t) of <kernel/thread.h> makes one. */
extern const u32 arch_debug_bytes;
/* The current thread's part of the CPU's debug registers; last before user mode, interrupts off. */
void arch_debug_load(struct thread *t);
/* Takes it out again: t leaves the CPU. Interrupts off. */
void arch_debug_unload(struct thread *t);

/* A debugger let go of t: no breakpoint or watchpoint of its is left. */
void arch_debug_clear(struct thread *t);

/* ptrace requests of this architecture alone (GETREGS, PEEKUSR …), of a held tracee. -EIO: no such request. */
long arch_ptrace(struct thread *t, u64 request, u64 addr, u64 data);

#endif

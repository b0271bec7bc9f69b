/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the trap to the handler. The architecture calls syscall_dispatch with interrupts on and
 * goes through user_return_work (kernel/proc/signal/) afterwards. The table is generated from
 * syscalls.tbl. No lock; the "told once" bitmap is atomic.
 */
#include <arch/trace.h>
#include <arch/upcall.h>
#include <arch/user.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/paint.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/trace_stop.h>
#include <lib/bits.h>

#define SYSCALL_NR_MAX 1024		/* numbers beyond share one bit of the bitmap */

static u64 told[BITMAP_WORDS(SYSCALL_NR_MAX)];

/* A call nobody handles: one log line per number, then ENOSYS. */
static __noinline __cold long syscall_missing(u64 nr)
{
	unsigned bit = min(nr, (u64)SYSCALL_NR_MAX - 1);
	const char *name = nr < syscall_table_len ? syscall_table[nr].name : NULL;

	if (!(atomic_fetch_or(&told[bit / 64], BIT(bit % 64)) & BIT(bit % 64)))
		log_info("syscall: %llu (%s) is not implemented, called by %s[%d]",
			 (unsigned long long)nr, name ? name : "no such number", current->name,
			 current->tid);
	return -ENOSYS;
}

static inline bool wants_restart(long result)
{
	return unlikely(result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK);
}

static __always_inline long call(u64 nr, const u64 args[6])
{
	if (likely(nr < syscall_table_len && syscall_table[nr].fn))
		return syscall_table[nr].fn(args[0], args[1], args[2], args[3], args[4], args[5]);
	return syscall_missing(nr);
}

/* What the call changes of its own registers (exec, rt_sigreturn) does not show. */
static long logged_call(u64 nr, const u64 args[6])
{
	long result;

	if (!(current->trace_calls & TRACE_CALLS_LOG))
		return call(nr, args);
	strace_enter(nr, args);
	result = call(nr, args);
	if (current->trace_calls & TRACE_CALLS_LOG)
		strace_leave(nr, args, result);
	return result;
}

/* A debugger may change number, arguments and result, or have the call left out. */
static __noinline __cold long traced_call(struct arch_regs *regs)
{
	struct thread *self = current;
	bool is_made = true;
	u64 nr, args[6];

	arch_user_get_call(regs, &nr, args);
	if (!(self->trace_calls & TRACE_CALLS_PTRACE))
		return logged_call(nr, args);
	arch_trace_call_begin(regs);
	if (!trace_call_enter(regs) || !arch_trace_call_get(regs, &nr, args))
		is_made = false;
	self->syscall_nr = (u32)nr;
	if (is_made)
		arch_user_set_result(regs, logged_call(nr, args));
	arch_trace_call_end(regs, nr);
	trace_call_leave(regs);
	return arch_user_get_result(regs);
}

__hot void syscall_dispatch(struct arch_regs *regs)
{
	struct thread *self = current;
	u64 nr, args[6];
	long result;

	paint_stack();
	arch_user_get_call(regs, &nr, args);
	self->syscall_nr = (u32)nr;
	result = unlikely(self->trace_calls) ? traced_call(regs) : call(nr, args);
	arch_user_set_result(regs, result);
	/* signal_handle turns these into a restart or EINTR even if no signal is left. */
	if (wants_restart(result))
		atomic_fetch_or(&self->exit_work, WORK_SIGNAL);
	lock_check_user_return();
}

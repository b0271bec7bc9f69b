/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User mode: entering it, system-call registers, signal frames, user memory.
 *
 * System calls: the trap code, interrupts enabled, calls syscall_dispatch(regs), which reads
 * number and arguments with arch_user_get_call and stores the result. On the way out, with
 * interrupts off, it calls user_return_work(regs) while thread->exit_work != 0.
 */
#ifndef ARCH_USER_H
#define ARCH_USER_H

#include <lib/compiler.h>

struct arch_regs;
struct thread;
struct signal_delivery;

/* Fresh register file for a program: pc, sp, everything else 0 (user mode, interrupts on). */
void arch_user_start(struct arch_regs *regs, u64 pc, u64 sp);
/* Goes to user mode with the current thread's frame. Runs user_return_work first. */
__noreturn void arch_user_enter(struct arch_regs *regs);

/*
 * Inline, in <native/thread.h>, since every call passes them:
 * static inline void arch_user_get_call(const struct arch_regs *regs, u64 *nr, u64 args[6]): number and arguments
 * static inline void arch_user_set_result(struct arch_regs *regs, long result)
 * static inline bool arch_user_in_call(const struct arch_regs *regs): regs stem from a system call whose result may
 * still ask for a restart
 */
long arch_user_get_result(const struct arch_regs *regs);
/*
 * Makes the interrupted call run again at user return with its original arguments. If
 * nr_override is not U64_MAX, with that number instead (restart_syscall).
 */
void arch_user_restart_call(struct arch_regs *regs, u64 nr_override);
void arch_user_forget_call(struct arch_regs *regs);

/*
 * Builds the Linux signal frame (siginfo, ucontext with FPU state, mask) on the user stack
 * and points regs at the handler. -EFAULT when the stack cannot take it: the caller then
 * kills with SIGSEGV.
 */
int arch_signal_push(struct arch_regs *regs, const struct signal_delivery *d);
/*
 * rt_sigreturn: restores regs and FPU from the frame; *mask gets the old mask, *alt the
 * alternate stack (uc_stack, user layout). Never yields a privileged frame. -EFAULT.
 */
struct user_stack {		/* Linux stack_t */
	u64 sp;
	s32 flags;
	u32 pad;
	u64 size;
};
int arch_signal_pop(struct arch_regs *regs, u64 *mask, struct user_stack *alt);

/* The vDSO image (ELF), page-aligned, and the offset of the sigreturn trampoline in it. */
extern const char arch_vdso_start[], arch_vdso_end[];
extern const u64 arch_vdso_sigreturn;

/*
 * User memory. The portable wrappers in kernel/usercopy.h have checked that the range lies
 * below arch_layout.user_end. May sleep (fault in) unless the thread has fault_disabled.
 * Return the number of bytes NOT copied (0: all). RISC-V and sim build on
 * kernel/mm/usercopy.c's page-table walk; SUM stays 0.
 */
size_t arch_copy_from_user(void *dst, const void __user *src, size_t n);
size_t arch_copy_to_user(void __user *dst, const void *src, size_t n);
size_t arch_clear_user(void __user *dst, size_t n);
/* Copies up to max bytes including the NUL. Returns the length without it, max if there was no NUL, -EFAULT. */
ssize_t arch_copy_string(char *dst, const char __user *src, size_t max);
/* Naturally aligned 32-bit access; 0 or -EFAULT. cmpxchg32: *prev gets what was there. */
int arch_user_load32(const u32 __user *src, u32 *value);
int arch_user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* User mode: first registers, the system-call convention (AMD64 psABI A.2.1), 32-bit atomics on user words. */
#include <arch/upcall.h>
#include <arch/user.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "x86.h"

void arch_user_start(struct arch_regs *regs, u64 pc, u64 sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->orig_rax = U64_MAX;
	regs->rip = pc;
	regs->rsp = sp;
	regs->cs = SEL_USER_CS;
	regs->ss = SEL_USER_DS;
	regs->rflags = RFLAGS_IF | RFLAGS_FIXED;
	if (regs == arch_user_regs(current)) {
		current->arch.gs_base = 0;
		arch_thread_set_tls(current, 0);
	}
}

void arch_user_enter(struct arch_regs *regs)
{
	x86_user_return(regs);
	x86_load_bases(current);	/* a kernel thread that becomes a program was not switched to as one */
	x86_enter_user(regs);
}

long arch_user_get_result(const struct arch_regs *regs)
{
	return (long)regs->rax;
}

/* The SYSCALL instruction is two bytes long. */
void arch_user_restart_call(struct arch_regs *regs, u64 nr_override)
{
	regs->rax = nr_override != U64_MAX ? nr_override : regs->orig_rax;
	regs->rip -= 2;
	regs->in_call = 0;
}

void arch_user_forget_call(struct arch_regs *regs)
{
	regs->in_call = 0;
	regs->orig_rax = U64_MAX;
}

int arch_user_load32(const u32 __user *src, u32 *value)
{
	u32 v = 0;
	int err = -EFAULT;

	__asm__ volatile(X86_STAC
		"1:	movl %2, %0\n"
		"	xorl %1, %1\n"
		"2:	" X86_CLAC
		X86_EXTABLE("1b", "2b")
		: "+r"(v), "+r"(err) : "m"(*(const u32 __force *)src) : "memory");
	*value = v;
	return err;
}

int arch_user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev)
{
	int err = -EFAULT;

	__asm__ volatile(X86_STAC
		"1:	lock cmpxchgl %3, %2\n"
		"	movl $0, %1\n"
		"2:	" X86_CLAC
		X86_EXTABLE("1b", "2b")
		: "+a"(old), "+r"(err), "+m"(*(u32 __force *)dst) : "r"(new) : "memory");
	*prev = old;
	return err;
}

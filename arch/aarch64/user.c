/* SPDX-License-Identifier: BSD-2-Clause */
/* System-call registers, program start, and the user-memory primitives that need more than assembly. */
#include <arch/thread.h>
#include <arch/user.h>
#include <lib/string.h>
#include "arch_local.h"

int user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev);

void arch_user_start(struct arch_regs *regs, u64 pc, u64 sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->pc = pc;
	regs->sp = sp;
	regs->pstate = PSR_MODE_EL0T;
	regs->call_nr = -1;
}

long arch_user_get_result(const struct arch_regs *regs) { return (long)regs->x[0]; }

void arch_user_restart_call(struct arch_regs *regs, u64 nr_override)
{
	regs->x[0] = regs->orig_x0;
	if (nr_override != U64_MAX)
		regs->x[8] = nr_override;
	regs->pc -= 4;
	regs->call_nr = -1;
}
void arch_user_forget_call(struct arch_regs *regs) { regs->call_nr = -1; }

/* PAN as an immediate of MSR has no name in the base architecture: MSR PAN, #imm (C6.2.229). */
static void pan_set(bool on)
{
	if (!cpu_has_pan)
		return;
	if (on)
		__asm__ volatile(".inst 0xd500419f" ::: "memory");
	else
		__asm__ volatile(".inst 0xd500409f" ::: "memory");
}

int arch_user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev)
{
	int ret;

	pan_set(false);
	ret = user_cmpxchg32(dst, old, new, prev);
	pan_set(true);
	return ret;
}

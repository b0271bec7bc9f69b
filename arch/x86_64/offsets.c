/* SPDX-License-Identifier: BSD-2-Clause */
/* Structure offsets for assembly: compiled only, its output becomes <asm-offsets.h>. */
#include <arch/mmu.h>
#include <kernel/thread.h>

#define OFFSET(name, type, member) \
	__asm__ volatile("\n->" #name " %0" :: "i"(offsetof(type, member)))

void offsets(void);
void offsets(void)
{
	OFFSET(CPU_CURRENT, struct cpu, running);
	OFFSET(CPU_SELF, struct cpu, self);
	OFFSET(CPU_SCRATCH, struct cpu, scratch);
	OFFSET(CPU_CANARY, struct cpu, canary);
	OFFSET(CPU_TSS_RSP0, struct cpu, arch.tss.rsp);
	OFFSET(THREAD_KSTACK_TOP, struct thread, kstack_top);
	OFFSET(THREAD_CANARY, struct thread, canary);
	OFFSET(THREAD_SP, struct thread, arch.sp);
	OFFSET(THREAD_EXIT_WORK, struct thread, exit_work);
	OFFSET(THREAD_RFLAGS_USER, struct thread, arch.rflags_user);
	OFFSET(LAYOUT_USER_END, struct arch_layout, user_end);
	OFFSET(REGS_IN_CALL, struct arch_regs, in_call);
	OFFSET(REGS_R11, struct arch_regs, r11);
	OFFSET(REGS_RAX, struct arch_regs, rax);
	OFFSET(REGS_RCX, struct arch_regs, rcx);
	OFFSET(REGS_RIP, struct arch_regs, rip);
	OFFSET(REGS_CS, struct arch_regs, cs);
	OFFSET(REGS_RFLAGS, struct arch_regs, rflags);
	OFFSET(REGS_RSP, struct arch_regs, rsp);
	__asm__ volatile("\n->REGS_SIZE %0" :: "i"(sizeof(struct arch_regs)));
}

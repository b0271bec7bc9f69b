/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and return addresses for panics. Never faults: every frame is checked before it is read. */
#include <arch/thread.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/thread.h>

#include "x86.h"

u64 arch_regs_pc(const struct arch_regs *regs) { return regs->rip; }
u64 arch_regs_sp(const struct arch_regs *regs) { return regs->rsp; }
void arch_regs_set_pc(struct arch_regs *regs, u64 pc) { regs->rip = pc; }
bool arch_regs_user(const struct arch_regs *regs) { return regs->cs & 3; }

void arch_regs_print(const struct arch_regs *r)
{
	log_err("RIP %04lx:%016lx RSP %04lx:%016lx RFLAGS %08lx", r->cs, r->rip, r->ss, r->rsp, r->rflags);
	log_err("RAX %016lx RBX %016lx RCX %016lx", r->rax, r->rbx, r->rcx);
	log_err("RDX %016lx RSI %016lx RDI %016lx", r->rdx, r->rsi, r->rdi);
	log_err("RBP %016lx R08 %016lx R09 %016lx", r->rbp, r->r8, r->r9);
	log_err("R10 %016lx R11 %016lx R12 %016lx", r->r10, r->r11, r->r12);
	log_err("R13 %016lx R14 %016lx R15 %016lx", r->r13, r->r14, r->r15);
	log_err("vector %ld error %#lx CR2 %016lx CR3 %016lx", r->vector, r->error, read_cr2(), read_cr3());
}

static bool text_contains(u64 pc)
{
	return (pc >= (u64)__text_start && pc < (u64)__text_end)
	    || (pc >= (u64)__init_start && pc < (u64)__init_text_end);
}

/* The mapped kernel stack that holds sp: the thread's or one of this CPU's interrupt stacks. */
static bool stack_bounds(u64 sp, u64 *low, u64 *high)
{
	const struct thread *t = arch_current();
	const struct cpu *cpu = arch_cpu_self();

	if (t && sp >= t->kstack_top - KSTACK_SIZE && sp < t->kstack_top) {
		*low = t->kstack_top - KSTACK_SIZE;
		*high = t->kstack_top;
		return true;
	}
	for (unsigned i = 0; i < 4; i++) {
		u64 top = cpu->arch.tss.ist[i];

		if (top && sp >= top - IST_STACK_SIZE && sp < top) {
			*low = top - IST_STACK_SIZE;
			*high = top;
			return true;
		}
	}
	return false;
}

unsigned arch_backtrace(const struct arch_regs *regs, vaddr_t *pcs, unsigned max)
{
	u64 frame, low, high;
	unsigned n = 0;

	if (max == 0 || (regs && arch_regs_user(regs)))
		return 0;
	if (regs) {
		pcs[n++] = regs->rip;
		/* A call through a bad pointer: the caller's address is on top of the stack. */
		if (!text_contains(regs->rip) && stack_bounds(regs->rsp, &low, &high)
		    && regs->rsp + 8 <= high && n < max)
			pcs[n++] = *(const u64 *)regs->rsp;
		frame = regs->rbp;
	} else {
		frame = (u64)__builtin_frame_address(0);
	}
	if (!stack_bounds(frame, &low, &high))
		return n;
	while (n < max && frame % 8 == 0 && frame >= low && frame + 16 <= high) {
		u64 next = ((const u64 *)frame)[0], pc = ((const u64 *)frame)[1];

		if (!text_contains(pc))
			break;
		pcs[n++] = pc;
		if (next <= frame)	/* frames only rise: no loops */
			break;
		frame = next;
	}
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backtraces by frame pointers (s0 points above the saved ra at -8 and the caller's s0 at -16), and
 * printing a frame. Damaged stacks are met: every word is read through a fix-up, the chain must rise.
 */
#include <arch/mmu.h>
#include <kernel/log.h>

#include "../riscv.h"

#define FRAME_MAX 16384		/* no frame of ours is larger */

static bool is_kernel_text(u64 pc)
{
	return (pc >= (u64)__text_start && pc < (u64)__text_end) ||
	       (pc >= (u64)__init_start && pc < (u64)__init_text_end);
}

unsigned arch_backtrace(const struct arch_regs *regs, vaddr_t *pcs, unsigned max)
{
	u64 fp = (u64)__builtin_frame_address(0), ra, next;
	unsigned n = 0;

	if (regs) {
		if (n < max)
			pcs[n++] = regs->pc;
		if (arch_regs_user(regs))
			return n;
		/* A function that has not saved ra yet: its caller is known from there alone. */
		if (n < max && is_kernel_text(regs->ra))
			pcs[n++] = regs->ra;
		fp = regs->s0;
	}
	while (n < max && fp && is_aligned(fp, 8) && fp > arch_layout.user_end) {
		if (!riscv_probe_read(fp - 8, &ra) || !riscv_probe_read(fp - 16, &next))
			break;
		if (!is_kernel_text(ra))
			break;
		if (!(n == 2 && regs && pcs[1] == ra))
			pcs[n++] = ra;
		if (next <= fp || next - fp > FRAME_MAX)
			break;
		fp = next;
	}
	return n;
}

void arch_regs_print(const struct arch_regs *regs)
{
	static const char names[][4] = {
		"pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
		"a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};
	const u64 *r = &regs->pc;

	for (unsigned i = 0; i < ARRAY_LEN(names); i += 4)
		log_err("%4.4s %016llx %4.4s %016llx %4.4s %016llx %4.4s %016llx",
			names[i], (unsigned long long)r[i], names[i + 1], (unsigned long long)r[i + 1],
			names[i + 2], (unsigned long long)r[i + 2], names[i + 3], (unsigned long long)r[i + 3]);
	log_err("status %016llx cause %016llx tval %016llx", (unsigned long long)regs->status,
		(unsigned long long)regs->cause, (unsigned long long)regs->tval);
}

u64 arch_regs_pc(const struct arch_regs *regs) { return regs->pc; }
u64 arch_regs_sp(const struct arch_regs *regs) { return regs->sp; }
void arch_regs_set_pc(struct arch_regs *regs, u64 pc) { regs->pc = pc; }
bool arch_regs_user(const struct arch_regs *regs) { return !(regs->status & SSTATUS_SPP); }

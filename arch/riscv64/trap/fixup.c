/* SPDX-License-Identifier: BSD-2-Clause */
/* The few kernel instructions that may trap, and where to go on when they do. */
#include "../riscv.h"

extern const struct fixup __fixup_start[], __fixup_end[];

bool fixup_apply(struct arch_regs *regs)
{
	for (const struct fixup *f = __fixup_start; f < __fixup_end; f++) {
		if (f->insn == regs->pc) {
			regs->pc = f->landing;
			return true;
		}
	}
	return false;
}

bool riscv_probe_read(vaddr_t addr, u64 *value)
{
	u64 v = 0, ok = 1;

	__asm__ volatile(
		"1:\tld %0, 0(%2)\n\t"
		"j 3f\n"
		"2:\tli %1, 0\n"
		"3:\n\t"
		FIXUP(1b, 2b)
		: "+r"(v), "+r"(ok) : "r"(addr) : "memory");
	*value = v;
	return ok != 0;
}

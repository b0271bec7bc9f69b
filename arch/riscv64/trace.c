/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers as debuggers see them: user_regs_struct (the head of the trap frame) and the F and D registers.
 * Like Linux there is no single step: debuggers plant breakpoints; and no debug registers.
 */
#include <arch/irq.h>
#include <arch/trace.h>
#include <arch/user.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/ptrace.h>

#include "riscv.h"

#define REGS_BYTES 256u		/* pc, x1 to x31 */

const u32 arch_debug_bytes = sizeof(u64);	/* there is none */
const u32 arch_core_notes[] = { 0 };

static void get_fpu(struct thread *t, struct riscv_fpu *f)
{
	unsigned long flags = arch_irq_save();

	if (t == current)
		arch_fpu_save(t);
	*f = t->arch.fpu;
	f->pad = 0;
	arch_irq_restore(flags);
}

int arch_regset_get(struct thread *t, u32 note, void *buf, u32 *unit)
{
	*unit = sizeof(u64);
	switch (note) {
	case NT_PRSTATUS:
		memcpy(buf, arch_user_regs(t), REGS_BYTES);
		return REGS_BYTES;
	case NT_PRFPREG:
		if (!riscv_has_fpu())
			return -EINVAL;
		get_fpu(t, buf);
		return sizeof(struct riscv_fpu);
	default:
		return -EINVAL;
	}
}

int arch_regset_set(struct thread *t, u32 note, const void *buf, u32 len)
{
	struct arch_regs *regs = arch_user_regs(t);

	if (note == NT_PRSTATUS) {
		memcpy(regs, buf, REGS_BYTES);
		return 0;
	}
	memcpy(&t->arch.fpu, buf, sizeof(t->arch.fpu));
	t->arch.fpu.fcsr &= 0xff;
	/* Loaded on the way to user mode. */
	regs->status = (regs->status & ~(u64)SSTATUS_FS) | SSTATUS_FS_CLEAN;
	return 0;
}

bool arch_step_enable(struct thread *t) { return false; }
void arch_step_disable(struct thread *t) {}

void arch_trace_call_begin(struct arch_regs *regs) { regs->a0 = (u64)-ENOSYS; }

bool arch_trace_call_get(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	arch_user_get_call(regs, nr, args);
	return *nr != U64_MAX;
}

void arch_trace_call_end(struct arch_regs *regs, u64 nr) {}

void arch_debug_load(struct thread *t) {}
void arch_debug_unload(struct thread *t) {}
void arch_debug_clear(struct thread *t) {}
long arch_ptrace(struct thread *t, u64 request, u64 addr, u64 data) { return -EIO; }

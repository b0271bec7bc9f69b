/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as debuggers see them: pc, sp, the last call. A simulated program cannot be stepped. */
#include <arch/trace.h>
#include <arch/user.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/ptrace.h>

struct sim_user_regs {
	u64 pc, sp, nr, args[6], result;
};

const u32 arch_debug_bytes = sizeof(u64);	/* there is none */
const u32 arch_core_notes[] = { 0 };

int arch_regset_get(struct thread *t, u32 note, void *buf, u32 *unit)
{
	const struct arch_regs *r = arch_user_regs(t);
	struct sim_user_regs u = { .pc = r->pc, .sp = r->sp, .nr = r->nr, .result = r->result };

	if (note != NT_PRSTATUS)
		return -EINVAL;
	*unit = sizeof(u64);
	memcpy(u.args, r->args, sizeof(u.args));
	memcpy(buf, &u, sizeof(u));
	return sizeof(u);
}

/* The program's place is a host stack: only the call can be changed. */
int arch_regset_set(struct thread *t, u32 note, const void *buf, u32 len)
{
	struct arch_regs *r = arch_user_regs(t);
	struct sim_user_regs u;

	memcpy(&u, buf, sizeof(u));
	r->nr = u.nr;
	memcpy(r->args, u.args, sizeof(r->args));
	r->result = u.result;
	return 0;
}

bool arch_step_enable(struct thread *t) { return false; }
void arch_step_disable(struct thread *t) {}
void arch_trace_call_begin(struct arch_regs *regs) { regs->result = (u64)-ENOSYS; }

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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers as debuggers see them: user_pt_regs, FP and SIMD, the thread pointer, the call's number; single
 * step by MDSCR_EL1.SS and PSTATE.SS (Arm ARM D2.12), hardware breakpoints and watchpoints (D2.9, D2.10).
 */
#include <arch/irq.h>
#include <arch/trace.h>
#include <arch/user.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/ptrace.h>
#include "arch_local.h"

#define NR_RT_SIGRETURN 139
#define REGS_BYTES (34 * sizeof(u64))	/* x0 to x30, sp, pc, pstate */
#define PSTATE_SS BIT(21)
#define MDSCR_SS BIT(0)
#define MDSCR_MDE BIT(15)
#define SLOTS 16

/* Control words, the same in Linux's interface and in DBGBCR and DBGWCR as far as they are used. */
#define CONTROL_ENABLED BIT(0)
#define CONTROL_EL0 BIT(2)		/* user mode only */
#define CONTROL_TYPE 0x18u		/* load, store */
#define CONTROL_BYTES 0x1fe0u

struct slot {
	u64 address;
	u32 control, pad;
};
struct user_hwdebug_state {
	u32 info, pad;
	struct slot slot[SLOTS];
};
static_assert(sizeof(struct user_hwdebug_state) == 264, "Linux's layout");

struct arch_debug {
	struct slot breaks[SLOTS], watches[SLOTS];
	bool steps;
};
const u32 arch_debug_bytes = sizeof(struct arch_debug);
const u32 arch_core_notes[] = { NT_ARM_TLS, NT_ARM_SYSTEM_CALL, 0 };

static unsigned nr_breaks(void) { return (unsigned)(sysreg_read(id_aa64dfr0_el1) >> 12 & 15) + 1; }
static unsigned nr_watches(void) { return (unsigned)(sysreg_read(id_aa64dfr0_el1) >> 20 & 15) + 1; }

static void get_fpu(struct thread *t, void *to)
{
	preempt_disable();
	if (arch_cpu_self()->fpu_owner == t && t->fpu_cpu == arch_cpu_self() && t == current)
		arch_fpu_save(t);
	preempt_enable();
	memcpy(to, &t->arch.fpu, sizeof(t->arch.fpu));
}

static int get_hardware(const struct thread *t, bool is_watch, struct user_hwdebug_state *s)
{
	const struct arch_debug *d = t->debug;

	memset(s, 0, sizeof(*s));
	s->info = (u32)(sysreg_read(id_aa64dfr0_el1) & 15) << 8 | (is_watch ? nr_watches() : nr_breaks());
	if (d)
		memcpy(s->slot, is_watch ? d->watches : d->breaks, sizeof(s->slot));
	return sizeof(*s);
}

int arch_regset_get(struct thread *t, u32 note, void *buf, u32 *unit)
{
	const struct arch_regs *regs = arch_user_regs(t);

	*unit = sizeof(u64);
	switch (note) {
	case NT_PRSTATUS:
		memcpy(buf, regs, REGS_BYTES);
		((u64 *)buf)[33] &= ~(u64)PSTATE_SS;
		return REGS_BYTES;
	case NT_PRFPREG:
		*unit = sizeof(u32);
		get_fpu(t, buf);
		return sizeof(struct arch_fpu);
	case NT_ARM_TLS:
		((u64 *)buf)[0] = arch_thread_get_tls(t);
		((u64 *)buf)[1] = 0;	/* TPIDR2, of SME */
		return 2 * sizeof(u64);
	case NT_ARM_SYSTEM_CALL:
		*unit = sizeof(s32);
		memcpy(buf, &regs->call_nr, sizeof(s32));
		return sizeof(s32);
	case NT_ARM_HW_BREAK:
	case NT_ARM_HW_WATCH:
		*unit = sizeof(u32);
		return get_hardware(t, note == NT_ARM_HW_WATCH, buf);
	default:
		return -EINVAL;
	}
}

static int set_regs(struct thread *t, const u64 *from)
{
	struct arch_regs *regs = arch_user_regs(t);

	if ((from[33] & PSR_MODE_MASK) != PSR_MODE_EL0T)
		return -EINVAL;
	memcpy(regs->x, from, sizeof(regs->x));
	regs->sp = from[31];
	regs->pc = from[32];
	regs->pstate = (from[33] & (PSR_NZCV | PSR_SSBS | PSR_DIT | PSR_TCO | PSR_BTYPE)) | PSR_MODE_EL0T;
	return 0;
}

static int set_hardware(struct thread *t, bool is_watch, const struct user_hwdebug_state *s)
{
	unsigned n = is_watch ? nr_watches() : nr_breaks();
	struct arch_debug *d = thread_debug(t);
	struct slot *to;

	if (!d)
		return -ENOMEM;
	to = is_watch ? d->watches : d->breaks;
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = &s->slot[i];

		if (!(slot->control & CONTROL_ENABLED))
			continue;
		if (i >= n)
			return -ENOSPC;
		if (slot->address >= arch_layout.user_end || !(slot->control & CONTROL_BYTES) ||
		    (is_watch ? !(slot->control & CONTROL_TYPE) || slot->address % 4 : slot->address % 4))
			return -EINVAL;
	}
	memcpy(to, s->slot, sizeof(s->slot));
	atomic_fetch_or(&t->exit_work, WORK_TRACE);
	return 0;
}

int arch_regset_set(struct thread *t, u32 note, const void *buf, u32 len)
{
	switch (note) {
	case NT_PRSTATUS:
		return set_regs(t, buf);
	case NT_PRFPREG:
		memcpy(&t->arch.fpu, buf, sizeof(t->arch.fpu));
		return 0;
	case NT_ARM_TLS:
		arch_thread_set_tls(t, *(const u64 *)buf);
		return 0;
	case NT_ARM_SYSTEM_CALL:
		memcpy(&arch_user_regs(t)->call_nr, buf, sizeof(s32));
		return 0;
	default:
		return set_hardware(t, note == NT_ARM_HW_WATCH, buf);
	}
}

bool arch_step_enable(struct thread *t)
{
	struct arch_debug *d = thread_debug(t);

	if (!d)
		return false;
	d->steps = true;
	arch_user_regs(t)->pstate |= PSTATE_SS;
	atomic_fetch_or(&t->exit_work, WORK_TRACE);
	return true;
}

void arch_step_disable(struct thread *t)
{
	arch_user_regs(t)->pstate &= ~(u64)PSTATE_SS;
	if (!t->debug || !t->debug->steps)
		return;
	t->debug->steps = false;
	atomic_fetch_or(&t->exit_work, WORK_TRACE);
}

void arch_trace_call_begin(struct arch_regs *regs) {}

bool arch_trace_call_get(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	*nr = (u32)regs->call_nr;
	memcpy(args, regs->x, 6 * sizeof(u64));
	return regs->call_nr != -1;
}

void arch_trace_call_end(struct arch_regs *regs, u64 nr)
{
	if (regs->call_nr == -1 && nr != NR_RT_SIGRETURN)
		regs->call_nr = (s32)nr;
}

/* ---- debug registers ---------------------------------------------------------------------------- */

/* The registers' numbers are part of the instruction. */
#define EACH_SLOT(do) \
	do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11) do(12) do(13) do(14) do(15)

static void write_break(unsigned n, u64 address, u32 control)
{
	switch (n) {
#define BREAK(i) case i: sysreg_write(dbgbvr##i##_el1, address); sysreg_write(dbgbcr##i##_el1, control); break;
	EACH_SLOT(BREAK)
#undef BREAK
	}
}

static void write_watch(unsigned n, u64 address, u32 control)
{
	switch (n) {
#define WATCH(i) case i: sysreg_write(dbgwvr##i##_el1, address); sysreg_write(dbgwcr##i##_el1, control); break;
	EACH_SLOT(WATCH)
#undef WATCH
	}
}

static u32 control_of(const struct slot *s, bool is_watch)
{
	if (!(s->control & CONTROL_ENABLED))
		return 0;
	return (s->control & (CONTROL_BYTES | (is_watch ? CONTROL_TYPE : 0))) | CONTROL_EL0 | CONTROL_ENABLED;
}

static bool has_enabled(const struct slot *s)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (s[i].control & CONTROL_ENABLED)
			return true;
	return false;
}

void arch_debug_load(struct thread *t)
{
	const struct arch_debug *d = t->debug;
	u64 mdscr = 0;

	if (!d)
		return;
	if (d->steps)
		mdscr |= MDSCR_SS;
	if (has_enabled(d->breaks) || has_enabled(d->watches)) {
		mdscr |= MDSCR_MDE;
		for (unsigned n = 0; n < nr_breaks(); n++)
			write_break(n, d->breaks[n].address, control_of(&d->breaks[n], false));
		for (unsigned n = 0; n < nr_watches(); n++)
			write_watch(n, d->watches[n].address, control_of(&d->watches[n], true));
	}
	sysreg_write(mdscr_el1, mdscr);
	isb();
	arch_cpu_self()->debug_owner = mdscr ? t : NULL;
}

void arch_debug_unload(struct thread *t)
{
	sysreg_write(mdscr_el1, 0);
	isb();
}

void arch_debug_clear(struct thread *t)
{
	if (!t->debug)
		return;
	memset(t->debug, 0, sizeof(*t->debug));
	atomic_fetch_or(&t->exit_work, WORK_TRACE);
}

long arch_ptrace(struct thread *t, u64 request, u64 addr, u64 data) { return -EIO; }

/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread contexts: first frames, fork, thread pointer, FPU state, backtrace. The switch is in entry.S. */
#include <arch/boot.h>
#include <arch/thread.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include "arch_local.h"

void fpu_registers_save(struct arch_fpu *fpu);
void fpu_registers_load(const struct arch_fpu *fpu);
extern char overflow_stack[], overflow_stack_end[];

struct arch_regs *arch_user_regs(const struct thread *t)
{
	return (struct arch_regs *)t->kstack_top - 1;
}

void arch_thread_init(struct thread *t, void (*fn)(void *), void *arg)
{
	memset(&t->arch, 0, sizeof(t->arch));
	t->arch.x19_x28[0] = (u64)fn;
	t->arch.x19_x28[1] = (u64)arg;
	t->arch.sp = (u64)arch_user_regs(t);
	t->arch.lr = (u64)thread_entry;
}

void arch_thread_fork(struct thread *child, const struct arch_regs *regs, u64 user_sp)
{
	struct arch_regs *frame = arch_user_regs(child);
	struct thread *parent = current;

	arch_thread_init(child, NULL, NULL);
	*frame = *regs;
	frame->x[0] = 0;
	frame->call_nr = -1;
	if (user_sp)
		frame->sp = user_sp;
	preempt_disable();
	if (arch_cpu_self()->fpu_owner == parent && parent->fpu_cpu == arch_cpu_self())
		fpu_registers_save(&parent->arch.fpu);
	preempt_enable();
	child->arch.fpu = parent->arch.fpu;
	child->arch.tls = arch_thread_get_tls(parent);
}

void arch_thread_set_tls(struct thread *t, u64 tls)
{
	if (t == current)
		sysreg_write(tpidr_el0, tls);
	else
		t->arch.tls = tls;
}
u64 arch_thread_get_tls(const struct thread *t)
{
	return t == current ? sysreg_read(tpidr_el0) : t->arch.tls;
}

void arch_thread_destroy(struct thread *t) {}	/* everything is inside struct thread */

void arch_fpu_save(struct thread *t) { fpu_registers_save(&t->arch.fpu); }
void arch_fpu_restore(struct thread *t) { fpu_registers_load(&t->arch.fpu); }
void arch_fpu_reset(struct thread *t)
{
	memset(&t->arch.fpu, 0, sizeof(t->arch.fpu));
	preempt_disable();
	if (arch_cpu_self()->fpu_owner == t && t->fpu_cpu == arch_cpu_self())
		fpu_registers_load(&t->arch.fpu);
	preempt_enable();
}

u64 arch_regs_pc(const struct arch_regs *regs) { return regs->pc; }
u64 arch_regs_sp(const struct arch_regs *regs) { return regs->sp; }
void arch_regs_set_pc(struct arch_regs *regs, u64 pc) { regs->pc = pc; }
bool arch_regs_user(const struct arch_regs *regs) { return (regs->pstate & PSR_MODE_MASK) == PSR_MODE_EL0T; }

void arch_regs_print(const struct arch_regs *regs)
{
	log_write(LOG_EMERG, "pc %016llx  sp %016llx  pstate %08llx", (unsigned long long)regs->pc,
		  (unsigned long long)regs->sp, (unsigned long long)regs->pstate);
	for (unsigned i = 0; i < 30; i += 3)
		log_write(LOG_EMERG, "x%-2u %016llx  x%-2u %016llx  x%-2u %016llx", i,
			  (unsigned long long)regs->x[i], i + 1, (unsigned long long)regs->x[i + 1], i + 2,
			  (unsigned long long)regs->x[i + 2]);
	log_write(LOG_EMERG, "x30 %016llx", (unsigned long long)regs->x[30]);
}

static bool in_stack(vaddr_t fp, vaddr_t low, vaddr_t high)
{
	return fp >= low && fp < high && high - fp >= 16;
}
/* A frame record can be read at fp: it lies in the current thread's stack or in the overflow stack. */
static bool record_ok(vaddr_t fp)
{
	const struct thread *t = current;

	return is_aligned(fp, 8ull) &&
	       (in_stack(fp, (vaddr_t)t->kstack, t->kstack_top) ||
		in_stack(fp, (vaddr_t)overflow_stack, (vaddr_t)overflow_stack_end));
}

unsigned arch_backtrace(const struct arch_regs *regs, vaddr_t *pcs, unsigned max)
{
	vaddr_t fp = (vaddr_t)__builtin_frame_address(0);
	unsigned n = 0;

	if (regs) {
		if (max == 0 || arch_regs_user(regs))
			return 0;
		pcs[n++] = regs->pc;
		/* A jump to nowhere: who made it stands in the link register only. */
		if (n < max && (regs->pc < (vaddr_t)__text_start || regs->pc >= (vaddr_t)__init_text_end))
			pcs[n++] = regs->x[30];
		fp = regs->x[29];
	}
	while (n < max && record_ok(fp)) {
		const u64 *record = (const u64 *)fp;

		if (!record[1])
			break;
		pcs[n++] = record[1];
		if (record[0] <= fp && record_ok(record[0]) && in_stack(fp, (vaddr_t)current->kstack,
									 current->kstack_top))
			break;		/* a chain only goes up */
		fp = record[0];
	}
	return n;
}

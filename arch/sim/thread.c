/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of the simulation: host stacks switched by hand, told to the sanitizer. The user frame lies at their top. */
#include <arch/thread.h>
#include <arch/user.h>
#include <arch/upcall.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include "host.h"
#include "sim.h"

static struct thread *switched_from;	/* between the two sides of a switch no other CPU runs */

struct arch_regs *arch_user_regs(const struct thread *t) { return (struct arch_regs *)t->kstack_top - 1; }

void arch_thread_init(struct thread *t, void (*fn)(void *), void *arg)
{
	u64 *sp = (u64 *)align_down((u64)arch_user_regs(t), 16ull);

	host_stack_reset(t->kstack, KSTACK_SIZE);
	memset(arch_user_regs(t), 0, sizeof(struct arch_regs));	/* a kernel thread may become a program (PID 1) */
	*--sp = (u64)sim_thread_start;
	*--sp = 0;			/* rbp */
	*--sp = 0;			/* rbx */
	*--sp = (u64)fn;		/* r12 */
	*--sp = (u64)arg;		/* r13 */
	*--sp = 0;			/* r14 */
	*--sp = 0;			/* r15 */
	t->arch.sp = (u64)sp;
}

static void switch_finish(void)
{
	host_switch_end();
	sim_cpu->running = sim_current;
}

struct thread *arch_thread_switch(struct thread *prev, struct thread *next)
{
	switched_from = prev;
	sim_current = next;
	host_switch_begin(next->kstack, KSTACK_SIZE);
	sim_switch(&prev->arch.sp, next->arch.sp);
	switch_finish();
	return switched_from;
}

__noreturn void sim_thread_main(void (*fn)(void *), void *arg)
{
	switch_finish();
	thread_first_run(switched_from);
	fn(arg);
	panic("thread %s returned to the architecture", current->name);
}

/* The child begins with the function that sim_clone left in the parent's frame. */
void arch_thread_fork(struct thread *child, const struct arch_regs *regs, u64 user_sp)
{
	struct arch_regs *r = arch_user_regs(child);

	arch_thread_init(child, sim_user_first_run, NULL);
	*r = *regs;
	r->result = 0;
	r->tag = r->entry_tag;
	r->in_call = false;
	child->arch.tls = current->arch.tls;
	if (user_sp)
		r->sp = user_sp;
}

void arch_thread_set_tls(struct thread *t, u64 tls) { t->arch.tls = tls; }
u64 arch_thread_get_tls(const struct thread *t) { return t->arch.tls; }
/* The addresses may be something else's next: the sanitizer shall not take that for this stack. */
void arch_thread_destroy(struct thread *t) { host_stack_reset(t->kstack, KSTACK_SIZE); }
void arch_fpu_save(struct thread *t) {}		/* programs keep nothing in host registers */
void arch_fpu_restore(struct thread *t) {}
void arch_fpu_reset(struct thread *t) {}

u64 arch_regs_pc(const struct arch_regs *regs) { return regs->pc; }
u64 arch_regs_sp(const struct arch_regs *regs) { return regs->sp; }
void arch_regs_set_pc(struct arch_regs *regs, u64 pc) { regs->pc = pc; }
bool arch_regs_user(const struct arch_regs *regs) { return regs->is_user; }

void arch_regs_print(const struct arch_regs *regs)
{
	log_write(LOG_EMERG, "pc %016llx sp %016llx", (unsigned long long)regs->pc, (unsigned long long)regs->sp);
}

/* Frame pointers, as far as they stay on the current thread's stack. */
unsigned arch_backtrace(const struct arch_regs *regs, vaddr_t *pcs, unsigned max)
{
	const u64 *fp = __builtin_frame_address(0);
	vaddr_t top = current->kstack_top;
	unsigned n = 0;

	while (n < max && (vaddr_t)fp % 8 == 0 && (vaddr_t)fp < top && top - (vaddr_t)fp <= 1 << 20) {
		if (!fp[1])
			break;
		pcs[n++] = fp[1];
		if (fp[0] <= (u64)fp)
			break;
		fp = (const u64 *)fp[0];
	}
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs of the simulation: host functions that run as coroutines on their thread's kernel stack, just
 * below the frame. They touch user memory through sim_load and sim_store, which are instructions to
 * the machine: translated by the modelled TLB, interrupted like any other, faulting into the core.
 * A system call is a call of syscall_dispatch between the two accounting marks of every port.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/thread.h>
#include <arch/upcall.h>
#include <arch/user.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include "host.h"
#include "program.h"
#include "sim.h"
#include "tlb.h"

#define NR_RT_SIGRETURN 15	/* the simulation has x86_64's numbers */
#define NR_CLONE 56
#define NR_EXIT 60
#define NR_EXIT_GROUP 231
#define USER_POINT_NS 20u
#define RETRIES_MAX 1000u	/* of one access that faults again and again */
#define STACK_LEFT 6144u	/* a program that wants to go deeper than this has a bug */

static struct arch_regs *frame(void) { return arch_user_regs(sim_current); }

/* Back to user mode: interrupts off on entry, on after. */
static void leave_kernel(void)
{
	arch_irq_disable();
	while (READ_ONCE(sim_current->exit_work))
		user_return_work(frame());
	lock_check_user_return();
	WRITE_ONCE(sim_irq_off, false);
}

static void enter_kernel(void)
{
	arch_irq_disable();
	arch_irq_enable();
}

static void check_stack(void)
{
	vaddr_t here = (vaddr_t)__builtin_frame_address(0);

	if (here < (vaddr_t)sim_current->kstack + STACK_LEFT)
		sim_fail("program %s goes too deep", sim_current->name);
}

static long one_call(u64 nr, const u64 args[6])
{
	struct arch_regs *r = frame();
	u64 starts = r->starts;

	r->nr = nr;
	memcpy(r->args, args, sizeof(r->args));
	r->in_call = true;
	r->restart = false;
	enter_kernel();
	syscall_dispatch(frame());
	leave_kernel();
	r = frame();
	r->in_call = false;
	sim_trace(4, nr << 32 ^ (u64)r->result);
	if (r->starts != starts)	/* execve: this program is gone */
		arch_user_enter(r);
	return (long)r->result;
}

/* Handlers that signals put in front of what the program was doing. */
static void run_handlers(void)
{
	static const u64 none[6];

	check_stack();
	while (frame()->handler) {
		struct arch_regs *r = frame();
		void (*fn)(u64 signo) = (void (*)(u64))r->handler;

		r->handler = 0;
		fn(r->signo);
		(void)one_call(NR_RT_SIGRETURN, none);	/* puts the frame back as it was before the signal */
	}
}

/* Between two instructions of a program. */
static void user_point(void)
{
	sim_now += USER_POINT_NS;
	if (--sim_budget <= 0)
		sim_yield();
	while (sim_irq_due(sim_v)) {
		sim_irq_take(frame());
		leave_kernel();
	}
	if (frame()->handler)
		run_handlers();
}

long sim_call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	u64 args[6] = { a, b, c, d, e, f };
	struct arch_regs *r;
	long result;

	user_point();
	result = one_call(nr, args);
	while (1) {
		if (frame()->handler) {
			run_handlers();
			result = (long)frame()->result;
		}
		r = frame();
		if (!r->restart)
			return result;
		r->restart = false;
		memcpy(args, r->args, sizeof(args));
		result = one_call(r->nr, args);
	}
}

long sim_clone(u64 flags, u64 stack, void (*fn)(u64 arg), u64 arg, u64 tag)
{
	frame()->entry_tag = tag;
	frame()->entry = (u64)fn;
	frame()->entry_arg = arg;
	return sim_call(NR_CLONE, flags, stack, 0, 0, 0, 0);
}

u64 sim_tag(void) { return frame()->tag; }

void sim_in_kernel(void (*fn)(void *arg), void *arg)
{
	user_point();
	enter_kernel();
	fn(arg);
	leave_kernel();
	run_handlers();
}

/* An access that does not translate: a page fault as the hardware reports it. False: it stays impossible. */
static bool fault(vaddr_t va, unsigned access)
{
	frame()->faulted = false;
	arch_irq_disable();
	arch_irq_enable();
	trap_page_fault(frame(), va, FAULT_USER | access);
	leave_kernel();
	run_handlers();
	return !frame()->faulted;
}

static void *access_at(vaddr_t va, unsigned size, unsigned access)
{
	if (va % size)
		sim_fail("a misaligned access of %u bytes at %#llx", size, (unsigned long long)va);
	for (unsigned i = 0; i < RETRIES_MAX; i++) {
		void *p;

		user_point();
		p = sim_translate(va, access);
		if (p)
			return p;
		if (!fault(va, access))
			return NULL;
	}
	sim_fail("the fault at %#llx comes again and again", (unsigned long long)va);
}

bool sim_try_load(u64 va, unsigned size, u64 *value)
{
	void *p = access_at(va, size, 0);

	*value = 0;
	if (p)
		memcpy(value, p, size);
	return p != NULL;
}

bool sim_try_store(u64 va, unsigned size, u64 value)
{
	void *p = access_at(va, size, FAULT_WRITE);

	if (p)
		memcpy(p, &value, size);
	return p != NULL;
}

static void *access_or_die(vaddr_t va, unsigned size, unsigned access)
{
	void *p = access_at(va, size, access);

	if (!p)
		sim_fail("program %s: access to %#llx failed", sim_current->name, (unsigned long long)va);
	return p;
}

u64 sim_load(u64 va, unsigned size)
{
	u64 v = 0;

	memcpy(&v, access_or_die(va, size, 0), size);
	return v;
}

void sim_store(u64 va, unsigned size, u64 value) { memcpy(access_or_die(va, size, FAULT_WRITE), &value, size); }

u64 sim_swap(u64 va, u64 value)
{
	u64 *p = access_or_die(va, 8, FAULT_WRITE), old = *p;

	*p = value;
	return old;
}

u64 sim_add(u64 va, u64 value)
{
	u64 *p = access_or_die(va, 8, FAULT_WRITE), old = *p;

	*p = old + value;
	return old;
}

u32 sim_add32(u64 va, u32 value)
{
	u32 *p = access_or_die(va, 4, FAULT_WRITE), old = *p;

	*p = old + value;
	return old;
}

bool sim_cas32(u64 va, u32 old, u32 value)
{
	u32 *p = access_or_die(va, 4, FAULT_WRITE);

	if (*p != old)
		return false;
	*p = value;
	return true;
}

static unsigned piece(u64 va, size_t n) { return va % 8 == 0 && n >= 8 ? 8 : 1; }

void sim_copy_in(u64 va, const void *from, size_t n)
{
	for (const u8 *p = from; n;) {
		unsigned size = piece(va, n);
		u64 v = 0;

		memcpy(&v, p, size);
		sim_store(va, size, v);
		va += size, p += size, n -= size;
	}
}

void sim_copy_out(void *to, u64 va, size_t n)
{
	for (u8 *p = to; n;) {
		unsigned size = piece(va, n);
		u64 v = sim_load(va, size);

		memcpy(p, &v, size);
		va += size, p += size, n -= size;
	}
}

void sim_work(unsigned steps)
{
	while (steps--)
		user_point();
}

void sim_user_fault_handler(u64 signo) { frame()->faulted = true; }
u64 sim_handler_siginfo(void) { return frame()->siginfo; }

static __noreturn void end_program(u64 nr)
{
	sim_call(nr, 0, 0, 0, 0, 0, 0);
	sim_fail("a program went on after its exit");
}

static __noreturn void illegal(void)
{
	arch_irq_disable();
	arch_irq_enable();
	trap_user_fault(frame(), SIGILL, ILL_ILLOPC, frame()->pc);
	leave_kernel();
	run_handlers();
	sim_fail("program %s goes on after SIGILL", sim_current->name);
}

/* In user mode, on the fresh part of the stack. */
static void begin(void)
{
	struct arch_regs *r = frame();
	void (*fn)(u64) = (void (*)(u64))r->entry;
	const u64 *text;
	u64 word;

	run_handlers();
	if (fn) {
		r->entry = 0;
		fn(r->entry_arg);
		end_program(NR_EXIT);
	}
	text = r->pc % 8 ? NULL : access_at(r->pc, 8, FAULT_EXEC);
	word = text ? *text : 0;
	/* Not a program's first word: an instruction that this machine does not have. */
	if ((word & ~0xffffull) != SIM_PROGRAM_MAGIC || (word & 0xffff) >= sim_nr_programs)
		illegal();
	sim_programs[word & 0xffff].main();
	end_program(NR_EXIT_GROUP);
}

void arch_user_enter(struct arch_regs *regs)
{
	arch_irq_disable();
	leave_kernel();
	host_stack_reset(sim_current->kstack, KSTACK_SIZE);
	sim_rewind((vaddr_t)frame(), begin);
}

void sim_user_first_run(void *unused) { arch_user_enter(frame()); }

/* Registers of a user program. */
void arch_user_start(struct arch_regs *regs, u64 pc, u64 sp)
{
	*regs = (struct arch_regs){ .pc = pc, .sp = sp, .is_user = true, .starts = regs->starts + 1 };
}

long arch_user_get_result(const struct arch_regs *regs) { return (long)regs->result; }
void arch_user_forget_call(struct arch_regs *regs) { regs->in_call = false; }

void arch_user_restart_call(struct arch_regs *regs, u64 nr_override)
{
	if (nr_override != U64_MAX)
		regs->nr = nr_override;
	regs->restart = true;
	regs->in_call = false;
}

/* The signal frame of the simulation: siginfo, mask, alternate stack, registers. */
struct user_frame {
	struct user_siginfo info;
	struct user_stack alt;
	u64 mask;
	struct arch_regs regs;
};

int arch_signal_push(struct arch_regs *regs, const struct signal_delivery *d)
{
	struct user_frame f = { .info = d->info, .alt = d->altstack, .mask = d->old_mask, .regs = *regs };
	u64 top = d->on_altstack ? d->altstack.sp + d->altstack.size : regs->sp;
	u64 sp = align_down(top - sizeof(f), 16ull);

	if (copy_to_user((void __user *)sp, &f, sizeof(f)))
		return -EFAULT;
	regs->sp = sp;
	regs->handler = d->action.handler;
	regs->signo = (u64)d->info.signo;
	regs->siginfo = sp + offsetof(struct user_frame, info);
	regs->restart = false;
	arch_user_forget_call(regs);
	return 0;
}

int arch_signal_pop(struct arch_regs *regs, u64 *mask, struct user_stack *alt)
{
	struct user_frame f;
	u64 starts = regs->starts;
	bool faulted = regs->faulted;

	if (copy_from_user(&f, (const void __user *)regs->sp, sizeof(f)))
		return -EFAULT;
	*regs = f.regs;
	regs->is_user = true;
	regs->starts = starts;
	regs->faulted |= faulted;	/* what sim_user_fault_handler said */
	*mask = f.mask;
	*alt = f.alt;
	return 0;
}

const u64 arch_vdso_sigreturn;

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions, interrupts and system calls after trap_entry.S built the frame. Decides between user's
 * fault (signal), fix-up (a place in the kernel that expected it) and panic. Interrupts are
 * off on entry and on return.
 */
#include <arch/upcall.h>
#include <arch/user.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/thread.h>

#include "x86.h"

/* Signal numbers and codes of Linux's x86 ABI that exceptions become. */
enum { SIG_ILL = 4, SIG_TRAP = 5, SIG_BUS = 7, SIG_FPE = 8, SIG_SEGV = 11 };
enum { CODE_KERNEL = 0x80, CODE_ILL_ILLOPN = 2, CODE_BUS_ADRALN = 1,
       CODE_FPE_INTDIV = 1, CODE_FPE_FLTDIV = 3, CODE_FPE_FLTOVF = 4, CODE_FPE_FLTUND = 5,
       CODE_FPE_FLTRES = 6, CODE_FPE_FLTINV = 7 };

/* Page-fault error code (Intel SDM 3A §4.7). */
#define PF_PRESENT 0x1
#define PF_WRITE 0x2
#define PF_USER 0x4
#define PF_RESERVED 0x8
#define PF_FETCH 0x10

static const char *const exception_name[32] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode",
	"device not available", "double fault", NULL, "invalid TSS", "segment not present",
	"stack segment", "general protection", "page fault", NULL, "x87 error", "alignment check",
	"machine check", "SIMD error", "virtualization", "control protection",
};

const struct irq_root *x86_irq_root;

void x86_trap(struct arch_regs *regs);
bool x86_syscall_return(struct arch_regs *regs);

struct extable_entry {
	s32 insn, target;	/* distances from the field itself */
};
extern const struct extable_entry __extable_start[], __extable_end[];

/* The place the table names for this instruction, 0: none. */
static u64 fixup_find(u64 rip)
{
	for (const struct extable_entry *e = __extable_start; e < __extable_end; e++)
		if ((u64)&e->insn + e->insn == rip)
			return (u64)&e->target + e->target;
	return 0;
}

static __noreturn void kernel_page_fault_panic(struct arch_regs *regs, u64 addr)
{
	const char *what = regs->error & PF_FETCH ? "executed" : regs->error & PF_WRITE ? "wrote" : "read";

	if (addr < PAGE_SIZE)
		panic_regs(regs, "kernel %s through a NULL pointer at %#lx", what, addr);
	if (addr < arch_layout.user_end)
		panic_regs(regs, "kernel %s user address %#lx outside a user copy", what, addr);
	panic_regs(regs, "kernel %s %s address %#lx", what,
		   regs->error & PF_PRESENT ? "protected" : "unmapped", addr);
}

static void page_fault(struct arch_regs *regs)
{
	u64 addr = read_cr2();
	bool is_user = regs->cs & 3;
	u64 fixup = 0;
	unsigned flags = 0;

	if (regs->error & PF_RESERVED)
		panic_regs(regs, "page tables are corrupt at %#lx", addr);
	if (regs->error & PF_PRESENT)
		flags |= FAULT_PRESENT;
	if (regs->error & PF_WRITE)
		flags |= FAULT_WRITE;
	if (regs->error & PF_FETCH)
		flags |= FAULT_EXEC;
	if (is_user)
		flags |= FAULT_USER;
	/* The kernel touches user memory only where the exception table says so, with SMAP asleep. */
	if (!is_user && addr < arch_layout.user_end) {
		fixup = fixup_find(regs->rip);
		if (!fixup)
			kernel_page_fault_panic(regs, addr);
	}
	if (is_user) {
		current->arch.cr2 = addr;
		current->arch.trap_nr = VECTOR_PF;
		/* Linux shows kernel addresses as protection faults, so that a program learns nothing. */
		current->arch.error = regs->error | (addr >= arch_layout.user_end ? PF_PRESENT : 0);
	}
	if (regs->rflags & RFLAGS_IF)
		arch_irq_enable();
	if (trap_page_fault(regs, addr, flags)) {
		arch_irq_disable();
		return;
	}
	arch_irq_disable();
	if (is_user)
		return;
	if (!fixup)
		kernel_page_fault_panic(regs, addr);
	regs->rip = fixup;
}

static int x87_code(void)
{
	u16 status, control;

	__asm__ volatile("fnstsw %0; fnstcw %1" : "=m"(status), "=m"(control));
	status &= ~control;
	return status & 1 ? CODE_FPE_FLTINV : status & 4 ? CODE_FPE_FLTDIV : status & 8 ? CODE_FPE_FLTOVF
	     : status & 0x12 ? CODE_FPE_FLTUND : status & 0x20 ? CODE_FPE_FLTRES : 0;
}

static int simd_code(void)
{
	u32 mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	mxcsr &= ~(mxcsr >> 7);
	return mxcsr & 1 ? CODE_FPE_FLTINV : mxcsr & 4 ? CODE_FPE_FLTDIV : mxcsr & 8 ? CODE_FPE_FLTOVF
	     : mxcsr & 0x12 ? CODE_FPE_FLTUND : mxcsr & 0x20 ? CODE_FPE_FLTRES : 0;
}

/* An exception of user mode that is not a page fault. */
static void user_exception(struct arch_regs *regs)
{
	int signo = SIG_SEGV, code = CODE_KERNEL;
	vaddr_t addr = 0;

	current->arch.trap_nr = regs->vector;
	current->arch.error = regs->error;
	switch (regs->vector) {
	case 0: signo = SIG_FPE; code = CODE_FPE_INTDIV; addr = regs->rip; break;
	case VECTOR_DB:
		regs->rflags &= ~(u64)RFLAGS_TF;
		signo = SIG_TRAP;
		code = x86_debug_take(current);
		addr = regs->rip;
		break;
	case VECTOR_BP: signo = SIG_TRAP; break;
	case VECTOR_UD: signo = SIG_ILL; code = CODE_ILL_ILLOPN; addr = regs->rip; break;
	case 11: case 12: signo = SIG_BUS; break;
	case 16: signo = SIG_FPE; code = x87_code(); addr = regs->rip; break;
	case 17: signo = SIG_BUS; code = CODE_BUS_ADRALN; break;
	case 19: signo = SIG_FPE; code = simd_code(); addr = regs->rip; break;
	default: break;
	}
	arch_irq_enable();
	trap_user_fault(regs, signo, code, addr);
	arch_irq_disable();
}

static void double_fault(struct arch_regs *regs)
{
	u64 addr = read_cr2();
	u64 low = current->kstack_top - KSTACK_SIZE;

	if (addr < low && addr >= low - PAGE_SIZE)
		panic_regs(regs, "kernel stack overflow in thread %s", current->name);
	panic_regs(regs, "double fault (last page fault at %#lx)", addr);
}

static void exception(struct arch_regs *regs)
{
	const char *name = exception_name[regs->vector];

	switch (regs->vector) {
	case VECTOR_PF:
		page_fault(regs);
		return;
	case VECTOR_NMI:
		/* The way to look into a machine that hangs (QEMU monitor: nmi); hardware sends it when it fails. */
		panic_regs(regs, "NMI");
	case VECTOR_DF:
		double_fault(regs);
		return;
	case VECTOR_MC:
		panic_regs(regs, "machine check");
	default:
		break;
	}
	if (regs->cs & 3) {
		user_exception(regs);
		return;
	}
	if (regs->vector == VECTOR_DB) {
		/* A watched address was used by a copy for the program: only its own accesses count. */
		(void)x86_debug_take(current);
		/* TF in kernel mode is never ours: QEMU 7.2 leaves it behind after CMPXCHG16B. */
		regs->rflags &= ~(u64)RFLAGS_TF;
		return;
	}
	panic_regs(regs, "%s (error code %#lx)", name ? name : "unknown exception", regs->error);
}

static void interrupt(struct arch_regs *regs)
{
	unsigned vector = (unsigned)regs->vector;

	/* Neither the spurious vector nor a stray 8259 interrupt is in service: no EOI. */
	if (vector == VECTOR_SPURIOUS || (vector >= VECTOR_PIC && vector < VECTOR_DEVICE_FIRST))
		return;
	irq_enter(regs);
	switch (vector) {
	case VECTOR_TIMER: x86_apic_eoi(); x86_timer_interrupt(); break;
	case VECTOR_IPI: x86_apic_eoi(); ipi_receive(); break;
	case VECTOR_TLB: x86_apic_eoi(); x86_tlb_interrupt(); break;
	case VECTOR_APIC_ERROR: x86_apic_eoi(); break;
	default:
		if (x86_irq_root)
			x86_irq_root->handle(vector);
		x86_apic_eoi();
		break;
	}
	irq_exit(regs);
}

/* Everything but SYSCALL. */
__hot void x86_trap(struct arch_regs *regs)
{
	bool is_user = regs->cs & 3;

	regs->vector &= 0xff;	/* the stub pushed it sign-extended */
	if (regs->vector >= 32) {
		interrupt(regs);	/* irq_enter does the accounting */
	} else {
		exception(regs);
	}
	if (is_user)
		x86_user_return(regs);
}

/*
 * The last C before user mode. Interrupts end off. Whatever the frame says, it becomes a user frame:
 * selectors fixed, flags from a list, address below the user's end (SYSRET and IRETQ fault in
 * kernel mode on others).
 */
static __always_inline void user_return(struct arch_regs *regs)
{
	arch_irq_disable();
	while (1) {
		while (READ_ONCE(current->exit_work))
			user_return_work(regs);
		if (likely(regs->rip < arch_layout.user_end))
			break;
		current->arch.trap_nr = VECTOR_GP;
		current->arch.error = 0;
		arch_irq_enable();
		trap_user_fault(regs, SIG_SEGV, CODE_KERNEL, 0);
		arch_irq_disable();
	}
	regs->cs = SEL_USER_CS;
	regs->ss = SEL_USER_DS;
	regs->rflags = (regs->rflags & current->arch.rflags_user) | RFLAGS_IF | RFLAGS_FIXED;
	lock_check_user_return();
}

__hot void x86_user_return(struct arch_regs *regs) { user_return(regs); }

/*
 * After a system call, when the quick way of trap_entry.S is barred. True when the registers are as SYSRET leaves them: RCX =
 * RIP, R11 = RFLAGS.
 */
bool x86_syscall_return(struct arch_regs *regs)
{
	user_return(regs);
	return regs->rcx == regs->rip && regs->r11 == regs->rflags;
}

void arch_irq_set_root(const struct irq_root *root)
{
	struct cpu *cpu;

	x86_irq_root = root;
	/* x86's controllers keep nothing per CPU, but the contract allows it. */
	if (root->cpu_init)
		cpu_for_each(cpu, cpu_online_mask)
			root->cpu_init(cpu);
}

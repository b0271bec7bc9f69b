/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hart trapped for: system calls, interrupts, page faults, other exceptions. entry.S
 * has stored the frame; interrupts are off. The kernel never touches user pages by their user
 * address (SUM stays 0), so a page fault in kernel mode is a fix-up, a stale "invalid"
 * translation of a kernel mapping, or a bug.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <uapi/signal.h>

#include "../riscv.h"

enum cause {
	CAUSE_FETCH_MISALIGNED, CAUSE_FETCH_ACCESS, CAUSE_ILLEGAL, CAUSE_BREAKPOINT,
	CAUSE_LOAD_MISALIGNED, CAUSE_LOAD_ACCESS, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS,
	CAUSE_ECALL_USER, CAUSE_ECALL_SUPERVISOR,
	CAUSE_FETCH_PAGE = 12, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE = 15,
};
static_assert(CAUSE_ECALL_USER == RISCV_CAUSE_CALL, "");
enum interrupt { INTERRUPT_SOFT = 1, INTERRUPT_TIMER = 5, INTERRUPT_EXTERNAL = 9 };

static const struct irq_root *irq_root;

void arch_irq_set_root(const struct irq_root *root)
{
	struct cpu *cpu;

	assert(!irq_root);
	irq_root = root;
	if (root->cpu_init)
		cpu_for_each(cpu, atomic_load(&cpu_online_mask))
			root->cpu_init(cpu);
}

/* On each hart: its part of the root controller, if that is known already. */
void riscv_irq_cpu_init(struct cpu *cpu)
{
	if (irq_root && irq_root->cpu_init)
		irq_root->cpu_init(cpu);
	csr_write(sie, SIE_SOFT | SIE_EXTERNAL);
}

static void handle_interrupt(struct arch_regs *regs, u64 cause)
{
	irq_enter(regs);
	switch (cause & ~CAUSE_INTERRUPT) {
	case INTERRUPT_TIMER:
		riscv_timer_interrupt();
		break;
	case INTERRUPT_SOFT:
		csr_clear(sip, SIE_SOFT);
		ipi_receive();
		break;
	case INTERRUPT_EXTERNAL:
		if (irq_root)
			irq_root->handle(cause);
		else
			csr_clear(sie, SIE_EXTERNAL);
		break;
	default:
		panic_regs(regs, "interrupt %lu, which was never enabled", (unsigned long)(cause & ~CAUSE_INTERRUPT));
	}
	irq_exit(regs);
}

static unsigned fault_flags(u64 cause)
{
	if (cause == CAUSE_STORE_PAGE)
		return FAULT_WRITE;
	return cause == CAUSE_FETCH_PAGE ? FAULT_EXEC : 0;
}

static bool is_page_fault(u64 cause)
{
	return cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE;
}

/* Remembers the fault; true when it is the same one again. */
static bool fault_repeats(struct arch_regs *regs)
{
	struct arch_thread *a = &current->arch;
	bool same = a->fault_pc == regs->pc && a->fault_addr == regs->tval;

	a->fault_pc = regs->pc;
	a->fault_addr = regs->tval;
	return same;
}

static void user_page_fault(struct arch_regs *regs, u64 cause)
{
	u64 addr = regs->tval;

	/* The tables may be right already and only this hart's copy of "invalid" stale. */
	if (fault_repeats(regs))
		__asm__ volatile("sfence.vma %0" :: "r"(addr) : "memory");
	arch_irq_enable();
	trap_page_fault(regs, addr, FAULT_USER | fault_flags(cause));
}

static void user_exception(struct arch_regs *regs, u64 cause)
{
	int signo = SIGSEGV, code = SEGV_ACCERR;
	u64 addr = regs->tval;

	switch (cause) {
	case CAUSE_ILLEGAL:
		if ((regs->status & SSTATUS_FS) == SSTATUS_FS_OFF && riscv_has_fpu()) {
			riscv_fpu_begin(regs);	/* if it was no FPU instruction it comes again */
			return;
		}
		signo = SIGILL, code = ILL_ILLOPC, addr = regs->pc;
		break;
	case CAUSE_BREAKPOINT:
		signo = SIGTRAP, code = TRAP_BRKPT, addr = regs->pc;
		break;
	case CAUSE_FETCH_MISALIGNED:
	case CAUSE_LOAD_MISALIGNED:
	case CAUSE_STORE_MISALIGNED:
		signo = SIGBUS, code = BUS_ADRALN;
		break;
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		break;
	default:
		signo = SIGILL, code = ILL_ILLTRP, addr = regs->pc;
		break;
	}
	arch_irq_enable();
	trap_user_fault(regs, signo, code, addr);
}

__hot void riscv_trap_user(struct arch_regs *regs)
{
	u64 cause = regs->cause;

	if (cause & CAUSE_INTERRUPT) {
		handle_interrupt(regs, cause);	/* irq_enter does the accounting */
		return;
	}
	if (cause == CAUSE_ECALL_USER) {
		regs->pc += 4;
		regs->orig_a0 = regs->a0;
		arch_irq_enable();
		syscall_dispatch(regs);
	} else if (is_page_fault(cause)) {
		user_page_fault(regs, cause);
	} else {
		user_exception(regs, cause);
	}
}

/* The last C before user mode; interrupts end off. */
__hot void riscv_leave_kernel(struct arch_regs *regs)
{
	arch_irq_disable();
	while (READ_ONCE(current->exit_work))
		user_return_work(regs);
	lock_check_user_return();
}

/* True if the kernel tables allow the access that faulted: the hart held an old "invalid" copy. */
static bool kernel_fault_is_stale(struct arch_regs *regs, u64 cause)
{
	vaddr_t addr = regs->tval;
	paddr_t table = (csr_read(satp) & ((1ul << 44) - 1)) << PAGE_SHIFT;
	unsigned level = arch_layout.pt_levels;
	pte_t p;

	if (addr < arch_layout.user_end || fault_repeats(regs))
		return false;
	do {
		level--;
		p = pte_load((pte_t *)phys_to_virt(table) + (addr >> (PAGE_SHIFT + 9 * level) & 511));
		table = pte_paddr(p);
	} while (pte_is_table(p, level));
	if (!(p & RISCV_PTE_V) || (p & RISCV_PTE_U))
		return false;
	if (cause == CAUSE_STORE_PAGE ? !(p & RISCV_PTE_W) :
	    cause == CAUSE_FETCH_PAGE ? !(p & RISCV_PTE_X) : !(p & RISCV_PTE_R))
		return false;
	__asm__ volatile("sfence.vma %0" :: "r"(addr) : "memory");
	return true;
}

static const char *cause_name(u64 cause)
{
	static const char *const names[] = {
		"misaligned fetch", "fetch access fault", "illegal instruction", "breakpoint",
		"misaligned load", "load access fault", "misaligned store", "store access fault",
		"system call", "environment call", "trap 10", "trap 11",
		"fetch page fault", "load page fault", "trap 14", "store page fault",
	};

	return cause < ARRAY_LEN(names) ? names[cause] : "unknown trap";
}

__hot void riscv_trap_kernel(struct arch_regs *regs)
{
	u64 cause = regs->cause;
	u8 *frame = (u8 *)regs;

	if (unlikely(frame >= riscv_overflow_stack && frame < riscv_overflow_stack + RISCV_OVERFLOW_STACK_SIZE))
		panic_regs(regs, "kernel stack overflow (%s at 0x%lx)", cause_name(cause), (unsigned long)regs->tval);
	if (cause & CAUSE_INTERRUPT) {
		handle_interrupt(regs, cause);
		return;
	}
	if (is_page_fault(cause) && kernel_fault_is_stale(regs, cause))
		return;
	if (fixup_apply(regs))
		return;
	panic_regs(regs, "%s in the kernel at 0x%lx", cause_name(cause), (unsigned long)regs->tval);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions from entry.S: decodes ESR_EL1 (Arm ARM D17.2.37) and calls up. Faults of the kernel on
 * user memory end at the fix-up table, everything else unexpected is a panic.
 */
#include <arch/irq.h>
#include <arch/thread.h>
#include <arch/upcall.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <uapi/signal.h>
#include "arch_local.h"

#define ESR_EC(esr) ((esr) >> 26 & 0x3f)
#define EC_UNKNOWN 0x00
#define EC_BTI 0x0d
#define EC_ILLEGAL_STATE 0x0e
#define EC_SVC64 0x15
#define EC_FPAC 0x1c
#define EC_IABORT_USER 0x20
#define EC_IABORT_KERNEL 0x21
#define EC_PC_ALIGN 0x22
#define EC_DABORT_USER 0x24
#define EC_DABORT_KERNEL 0x25
#define EC_SP_ALIGN 0x26
#define EC_FP64 0x2c
#define EC_BREAKPOINT_USER 0x30
#define EC_STEP_USER 0x32
#define EC_WATCHPOINT_USER 0x34
#define EC_BRK 0x3c

#define ISS_WNR BIT(6)
#define ISS_CM BIT(8)			/* a cache operation: WnR says nothing */
#define FSC_TYPE(esr) ((esr) & 0x3c)
#define FSC_ADDRESS_SIZE 0x00
#define FSC_TRANSLATION 0x04
#define FSC_ACCESS_FLAG 0x08
#define FSC_PERMISSION 0x0c
#define FSC_ALIGNMENT 0x21		/* of six bits */

void trap_user_sync(struct arch_regs *regs, u64 esr, u64 far);
void trap_user_leave(struct arch_regs *regs);
void trap_kernel_sync(struct arch_regs *regs, u64 esr, u64 far);
void trap_irq(struct arch_regs *regs);
__noreturn void trap_serror(struct arch_regs *regs, u64 esr);
__noreturn void trap_bad_vector(struct arch_regs *regs, u64 esr);
__noreturn void trap_stack_overflow(struct arch_regs *regs, u64 esr, u64 far);

static const struct irq_root *irq_root;

void arch_irq_set_root(const struct irq_root *root)
{
	struct cpu *cpu;

	irq_root = root;
	if (root->cpu_init)
		root->cpu_init(arch_cpu_self());
	/* The root driver binds before the other CPUs start (docs/boot.md); they call it from arch_cpu_init. */
	cpu_for_each(cpu, atomic_load(&cpu_online_mask) & ~cpu_mask(arch_cpu_self()->id))
		panic("interrupt controller found after CPU %u started", cpu->id);
}
const struct irq_root *irq_root_get(void)
{
	return irq_root;
}

__hot void trap_irq(struct arch_regs *regs)
{
	irq_enter(regs);
	if (irq_root)
		irq_root->handle(0);
	else
		panic_regs(regs, "interrupt without a controller driver");
	irq_exit(regs);
}

/* Data pointers of user programs may carry a tag in the top byte (TCR.TBI0). */
static vaddr_t user_untag(vaddr_t addr)
{
	return addr & BIT(55) ? addr : addr & ~(0xffull << 56);
}

static unsigned abort_flags(u64 esr, bool is_fetch)
{
	unsigned flags = 0;

	if (is_fetch)
		flags |= FAULT_EXEC;
	else if ((esr & (ISS_WNR | ISS_CM)) == ISS_WNR)
		flags |= FAULT_WRITE;
	if (FSC_TYPE(esr) == FSC_PERMISSION || FSC_TYPE(esr) == FSC_ACCESS_FLAG)
		flags |= FAULT_PRESENT;
	return flags;
}
static bool is_page_fault(u64 esr)
{
	return FSC_TYPE(esr) == FSC_TRANSLATION || FSC_TYPE(esr) == FSC_PERMISSION ||
	       FSC_TYPE(esr) == FSC_ACCESS_FLAG || FSC_TYPE(esr) == FSC_ADDRESS_SIZE;
}

static void user_abort(struct arch_regs *regs, u64 esr, u64 far, bool is_fetch)
{
	vaddr_t addr = user_untag(far);

	current->arch.fault_addr = far;
	current->arch.fault_esr = esr;
	if (is_page_fault(esr))
		trap_page_fault(regs, addr, abort_flags(esr, is_fetch) | FAULT_USER);
	else if ((esr & 0x3f) == FSC_ALIGNMENT)
		trap_user_fault(regs, SIGBUS, BUS_ADRALN, addr);
	else
		trap_user_fault(regs, SIGBUS, BUS_OBJERR, addr);
}

/* The trapped floating-point exception, by priority of the ISS bits. */
static int fp_code(u64 esr)
{
	if (!(esr & BIT(23)))
		return FPE_FLTINV;
	return esr & BIT(0) ? FPE_FLTINV : esr & BIT(1) ? FPE_FLTDIV : esr & BIT(2) ? FPE_FLTOVF :
	       esr & BIT(3) ? FPE_FLTUND : FPE_FLTRES;
}

static void user_exception(struct arch_regs *regs, u64 esr, u64 far)
{
	switch (ESR_EC(esr)) {
	case EC_DABORT_USER:
	case EC_IABORT_USER:
		user_abort(regs, esr, far, ESR_EC(esr) == EC_IABORT_USER);
		break;
	case EC_PC_ALIGN:
		trap_user_fault(regs, SIGBUS, BUS_ADRALN, far);
		break;
	case EC_SP_ALIGN:
		trap_user_fault(regs, SIGBUS, BUS_ADRALN, regs->sp);
		break;
	case EC_FP64:
		trap_user_fault(regs, SIGFPE, fp_code(esr), regs->pc);
		break;
	case EC_BREAKPOINT_USER:
		trap_user_fault(regs, SIGTRAP, TRAP_HWBKPT, regs->pc);
		break;
	case EC_WATCHPOINT_USER:
		trap_user_fault(regs, SIGTRAP, TRAP_HWBKPT, user_untag(far));
		break;
	case EC_STEP_USER:
		trap_user_fault(regs, SIGTRAP, TRAP_TRACE, regs->pc);
		break;
	case EC_BRK:
		trap_user_fault(regs, SIGTRAP, TRAP_BRKPT, regs->pc);
		break;
	default:	/* unknown, illegal state, BTI, system registers, what we do not enable */
		trap_user_fault(regs, SIGILL, ILL_ILLOPC, regs->pc);
		break;
	}
}

__hot void trap_user_sync(struct arch_regs *regs, u64 esr, u64 far)
{
	arch_irq_enable();
	if (likely(ESR_EC(esr) == EC_SVC64)) {
		regs->call_nr = (s32)regs->x[8];
		regs->orig_x0 = regs->x[0];
		syscall_dispatch(regs);
	} else {
		user_exception(regs, esr, far);
	}
}

/* The last C before user mode; interrupts end off. */
__hot void trap_user_leave(struct arch_regs *regs)
{
	arch_irq_disable();
	while (READ_ONCE(current->exit_work))
		user_return_work(regs);
	lock_check_user_return();
}

static u64 fixup_find(u64 pc)
{
	for (const struct exception_fixup *f = __ex_table_start; f < __ex_table_end; f++)
		if ((u64)&f->insn + (u64)(s64)f->insn == pc)
			return (u64)&f->target + (u64)(s64)f->target;
	return 0;
}

/* An access of the user copies. True when the program goes on. */
static bool kernel_abort(struct arch_regs *regs, u64 esr, u64 far)
{
	u64 target = fixup_find(regs->pc);
	bool is_resolved = false;

	if (!target)
		return false;
	if (!(far & BIT(55)) && is_page_fault(esr)) {
		if (!(regs->pstate & PSR_I))
			arch_irq_enable();
		is_resolved = trap_page_fault(regs, user_untag(far), abort_flags(esr, false));
		arch_irq_disable();
	}
	if (!is_resolved)
		regs->pc = target;
	return true;
}

static const char *abort_name(u64 esr)
{
	switch (FSC_TYPE(esr)) {
	case FSC_TRANSLATION:
		return "nothing mapped";
	case FSC_PERMISSION:
		return "not allowed";
	case FSC_ACCESS_FLAG:
		return "access flag";
	case FSC_ADDRESS_SIZE:
		return "address size";
	default:
		return (esr & 0x3f) == FSC_ALIGNMENT ? "misaligned" : "bus error";
	}
}

void trap_kernel_sync(struct arch_regs *regs, u64 esr, u64 far)
{
	switch (ESR_EC(esr)) {
	case EC_DABORT_KERNEL:
		if (kernel_abort(regs, esr, far))
			return;
		panic_regs(regs, "kernel %s at %#llx: %s (ESR %#llx)",
			   (esr & (ISS_WNR | ISS_CM)) == ISS_WNR ? "write" : "read",
			   (unsigned long long)far, abort_name(esr), (unsigned long long)esr);
	case EC_IABORT_KERNEL:
		panic_regs(regs, "kernel jump to %#llx: %s (ESR %#llx)", (unsigned long long)far,
			   abort_name(esr), (unsigned long long)esr);
	case EC_BRK:
		panic_regs(regs, "kernel trap instruction, code %#llx", (unsigned long long)(esr & 0xffff));
	default:
		panic_regs(regs, "kernel exception, class %#llx (ESR %#llx, FAR %#llx)",
			   (unsigned long long)ESR_EC(esr), (unsigned long long)esr,
			   (unsigned long long)far);
	}
}

void trap_serror(struct arch_regs *regs, u64 esr)
{
	panic_regs(regs, "SError: the machine reports a bus error (ESR %#llx)", (unsigned long long)esr);
}
void trap_bad_vector(struct arch_regs *regs, u64 esr)
{
	panic_regs(regs, "exception on a vector that is never used (ESR %#llx)", (unsigned long long)esr);
}
void trap_stack_overflow(struct arch_regs *regs, u64 esr, u64 far)
{
	panic_regs(regs, "kernel stack overflow at %#llx (ESR %#llx)", (unsigned long long)far,
		   (unsigned long long)esr);
}

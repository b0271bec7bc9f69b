/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulation's MMU. The linear map is a host mapping; other kernel addresses are shown to the
 * host page by page when they are first touched, from the kernel's own page table, and taken
 * away at a flush: the host's mappings play the TLB. User memory is reached by the portable walk.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/thread.h>
#include <arch/user.h>
#include <kernel/aspace.h>
#include <kernel/pgtable.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "host.h"
#include "sim.h"

static paddr_t root_loaded;

static int show_page(unsigned long address)
{
	unsigned level = 0;
	pte_t *e, p;
	paddr_t pa;

	if (!root_loaded || address < SIM_VMEMMAP || address >= SIM_VMAP_END)
		return 0;
	e = pgtable_lookup(root_loaded, address, &level);
	if (!e)
		return 0;
	p = pte_load(e);
	if (!pte_present(p) || !(pte_prot(p) & PGPROT_READ))
		return 0;
	pa = pte_paddr(p) + (address & ((PAGE_SIZE << 9 * level) - 1) & PAGE_MASK);
	host_map(address & PAGE_MASK, pa, (pte_prot(p) & PGPROT_WRITE) != 0);
	return 1;
}

/* 1: the page is there now. Runs on the host's signal stack, where no interrupt may switch threads. */
int sim_fault(unsigned long address)
{
	bool was_off = sim_irq_off;
	int shown;

	sim_irq_off = true;
	shown = show_page(address);
	sim_irq_off = was_off;
	return shown;
}

void arch_mmu_set_kernel_root(paddr_t root) { root_loaded = root; }
void arch_mmu_activate(struct aspace *prev, struct aspace *next) {}	/* nothing runs in user mode */

void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end, unsigned stride_shift,
			  bool freed_tables)
{
	if (as)
		return;		/* the portable walk reads the tables each time */
	start = max(align_down(start, PAGE_SIZE), (vaddr_t)SIM_VMEMMAP);
	end = min(align_up(end, PAGE_SIZE), (vaddr_t)SIM_VMAP_END);
	if (start < end)
		host_unmap(start, end);
}

void arch_icache_sync(const void *start, size_t len) {}
void arch_page_clear(void *page) { memset(page, 0, PAGE_SIZE); }
void arch_page_copy(void *dst, const void *src) { memcpy(dst, src, PAGE_SIZE); }

size_t arch_copy_from_user(void *dst, const void __user *src, size_t n) { return user_walk_copy_from(dst, src, n); }
size_t arch_copy_to_user(void __user *dst, const void *src, size_t n) { return user_walk_copy_to(dst, src, n); }
size_t arch_clear_user(void __user *dst, size_t n) { return user_walk_clear(dst, n); }
ssize_t arch_copy_string(char *dst, const char __user *src, size_t max) { return user_walk_copy_string(dst, src, max); }
int arch_user_load32(const u32 __user *src, u32 *value) { return user_walk_load32(src, value); }
int arch_user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev)
{
	return user_walk_cmpxchg32(dst, old, new, prev);
}

/* Registers of a user program: kept in the frame, for the day there is one. */
void arch_user_start(struct arch_regs *regs, u64 pc, u64 sp)
{
	*regs = (struct arch_regs){ .pc = pc, .sp = sp, .is_user = true };
}

void arch_user_get_call(const struct arch_regs *regs, u64 *nr, u64 args[6])
{
	*nr = regs->nr;
	memcpy(args, regs->args, sizeof(regs->args));
}

void arch_user_set_result(struct arch_regs *regs, long result) { regs->result = (u64)result; }
long arch_user_get_result(const struct arch_regs *regs) { return (long)regs->result; }
bool arch_user_in_call(const struct arch_regs *regs) { return regs->in_call; }
void arch_user_forget_call(struct arch_regs *regs) { regs->in_call = false; }

void arch_user_restart_call(struct arch_regs *regs, u64 nr_override)
{
	if (nr_override != U64_MAX)
		regs->nr = nr_override;
	regs->in_call = true;
}

/* No signal frame layout exists for the simulation: the caller ends the process. */
int arch_signal_push(struct arch_regs *regs, const struct signal_delivery *d) { return -EFAULT; }
int arch_signal_pop(struct arch_regs *regs, u64 *mask, struct user_stack *alt) { return -EFAULT; }

/* No vDSO: an empty image. */
const char arch_vdso_start[0], arch_vdso_end[0];
const u64 arch_vdso_sigreturn;

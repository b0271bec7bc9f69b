/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of the simulation's MMU. The linear map is a host mapping; other kernel addresses are
 * shown to the host page by page when they are first touched, from the kernel's own page table, and
 * taken away at a flush: the host's mappings play the TLB. The core reaches user memory by the portable
 * walk, programs through tlb.c.
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

/* 1: the page is there now. Runs on the host's signal stack, where nobody else may run. */
int sim_fault(unsigned long address)
{
	bool was_held = sim_hold;
	int shown;

	sim_hold = true;
	shown = show_page(address);
	sim_hold = was_held;
	return shown;
}

void arch_mmu_set_kernel_root(paddr_t root) { root_loaded = root; }
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

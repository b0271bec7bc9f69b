/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Activation and TLB maintenance. TTBR0 names the tables and their ASID; 0 is that of no space. Invalidations
 * are broadcast by the hardware (inner shareable), so nobody is interrupted.
 */
#include <arch/mmu.h>
#include <kernel/aspace.h>
#include <kernel/thread.h>
#include "arch_local.h"

paddr_t secondary_root;

/* Above this many entries one full invalidation is cheaper. */
#define FLUSH_RANGE_MAX 64

#define TTBR_ASID_SHIFT 48
#define ASID_ARG(as) ((u64)aspace_id(as) << 48)

unsigned arch_asid_bits(void) { return 8; }	/* every CPU has them; more need TCR_EL1.AS and gain little */

void arch_mmu_activate(struct aspace *prev, struct aspace *next, enum mmu_drop drop)
{
	u64 root = next ? next->root | (u64)aspace_id(next) << TTBR_ASID_SHIFT : image_to_phys(user_empty_root);

	/* The new tables were written by whoever created the space; make them visible to our walker. */
	dsb(ishst);
	sysreg_write(ttbr0_el1, root);
	isb();
	if (drop == MMU_DROP_NONE)
		return;
	if (drop == MMU_DROP_ALL)
		__asm__ volatile("tlbi vmalle1" ::: "memory");
	else
		__asm__ volatile("tlbi aside1, %0" :: "r"(next ? ASID_ARG(next) : 0ull) : "memory");
	dsb(nsh);
	isb();
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	if (sysreg_read(ttbr1_el1) == root)
		return;
	early_console_map(phys_to_virt(root));
	kernel_root_switch(root, boot_idmap());
	secondary_root = root;
	/* Read by starting CPUs with their caches off. */
	__asm__ volatile("dc cvac, %0\n\tdsb sy" :: "r"(&secondary_root) : "memory");
}

#define TLBI(op, arg) __asm__ volatile("tlbi " #op ", %0" :: "r"(arg) : "memory")

static void flush_user(struct aspace *as, vaddr_t start, vaddr_t end, u64 stride, bool freed_tables, bool is_local)
{
	for (vaddr_t va = start; va < end; va += stride) {
		u64 arg = (va >> 12 & (BIT(44) - 1)) | ASID_ARG(as);

		if (is_local && freed_tables)
			TLBI(vae1, arg);
		else if (is_local)
			TLBI(vale1, arg);
		else if (freed_tables)
			TLBI(vae1is, arg);
		else
			TLBI(vale1is, arg);
	}
}
static void flush_kernel(vaddr_t start, vaddr_t end, u64 stride)
{
	for (vaddr_t va = start; va < end; va += stride)
		TLBI(vaae1is, va >> 12 & (BIT(44) - 1));
}

void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end,
			  unsigned stride_shift, bool freed_tables)
{
	u64 stride = BIT(stride_shift);
	bool is_whole, is_local;

	if (start >= end || !cpus)
		return;
	start = align_down(start, stride);
	is_whole = (end - start) >> stride_shift > FLUSH_RANGE_MAX;
	preempt_disable();
	is_local = as && cpus == cpu_mask(arch_cpu_self()->id);
	dsb(ishst);
	if (!as && is_whole)
		__asm__ volatile("tlbi vmalle1is" ::: "memory");
	else if (!as)
		flush_kernel(start, end, stride);
	else if (is_whole && is_local)
		TLBI(aside1, ASID_ARG(as));
	else if (is_whole)
		TLBI(aside1is, ASID_ARG(as));
	else
		flush_user(as, start, end, stride, freed_tables, is_local);
	if (is_local)
		dsb(nsh);
	else
		dsb(ish);
	isb();
	preempt_enable();
}

void arch_icache_sync(const void *start, size_t len)
{
	u64 ctr = sysreg_read(ctr_el0);
	u64 dline = 4ull << (ctr >> 16 & 0xf), iline = 4ull << (ctr & 0xf);
	vaddr_t end = (vaddr_t)start + len;

	for (vaddr_t va = align_down((vaddr_t)start, dline); va < end; va += dline)
		__asm__ volatile("dc cvau, %0" :: "r"(va) : "memory");
	dsb(ish);
	for (vaddr_t va = align_down((vaddr_t)start, iline); va < end; va += iline)
		__asm__ volatile("ic ivau, %0" :: "r"(va) : "memory");
	dsb(ish);
	isb();
}

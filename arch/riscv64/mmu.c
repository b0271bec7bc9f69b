/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roots and translation caches. One address-space id for all, so every change of root flushes
 * the user part. Other harts are flushed by SBI RFENCE, only those of the mask. Under
 * QEMU any sfence.vma costs a full flush, hence the low threshold for going page by page.
 */
#include <arch/mmu.h>
#include <arch/sbi.h>
#include <kernel/thread.h>
#include <kernel/aspace.h>

#include "riscv.h"

#define FLUSH_EACH_MAX 2	/* more entries than that: everything */

u64 riscv_kernel_satp __ro_after_init;
static paddr_t kernel_root_pa __ro_after_init;

u64 riscv_satp(paddr_t root)
{
	return (arch_layout.pt_levels == 4 ? SATP_SV48 : SATP_SV39) << SATP_MODE_SHIFT | root >> PAGE_SHIFT;
}

static inline void flush_local(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

static void root_write(paddr_t root)
{
	/* Orders earlier table writes before later walks, and drops what the old root left. */
	csr_write(satp, riscv_satp(root));
	flush_local();
	arch_cpu_self()->arch.root_writes++;
}

void arch_mmu_activate(struct aspace *prev, struct aspace *next)
{
	root_write(next ? next->root : kernel_root_pa);
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	if (kernel_root_pa != root) {	/* the boot hart comes first */
		kernel_root_pa = root;
		riscv_kernel_satp = riscv_satp(root);
	}
	root_write(root);
}

static void flush_local_range(vaddr_t start, vaddr_t end, unsigned stride_shift, bool all)
{
	arch_cpu_self()->arch.tlb_flushes++;
	if (all) {
		flush_local();
		return;
	}
	for (vaddr_t va = start; va < end; va += 1ull << stride_shift)
		__asm__ volatile("sfence.vma %0" :: "r"(va) : "memory");
}

/* The harts of the mask as SBI wants them: 64 at a time from a base. */
static void remote_call(u64 fid, cpumask_t cpus, u64 start, u64 size)
{
	while (cpus) {
		struct cpu *cpu;
		u64 base = U64_MAX, harts = 0;
		cpumask_t taken = 0;

		cpu_for_each(cpu, cpus)
			base = min(base, cpu->hwid);
		cpu_for_each(cpu, cpus) {
			if (cpu->hwid - base < 64) {
				harts |= BIT(cpu->hwid - base);
				taken |= cpu_mask(cpu->id);
			}
		}
		sbi_call(SBI_EXT_RFENCE, fid, harts, base, start, size);
		cpus &= ~taken;
	}
}

void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end,
			  unsigned stride_shift, bool freed_tables)
{
	/* A flush by address leaves cached upper levels alone (privileged specification 4.2.1). */
	bool all = freed_tables || (end - start) >> stride_shift > FLUSH_EACH_MAX;
	cpumask_t others;

	if (!as)
		cpus = atomic_load(&cpu_online_mask);
	preempt_disable();
	if (cpus & cpu_mask(arch_cpu_self()->id) || !as)
		flush_local_range(start, end, stride_shift, all);
	others = cpus & ~cpu_mask(arch_cpu_self()->id);
	if (others) {
		arch_cpu_self()->arch.remote_flushes++;
		atomic_fence_full();	/* the table writes before the other harts' walks */
		remote_call(SBI_RFENCE_VMA, others, all ? 0 : start, all ? U64_MAX : end - start);
	}
	preempt_enable();
}

void arch_icache_sync(const void *start, size_t len)
{
	cpumask_t others;

	preempt_disable();
	__asm__ volatile("fence.i" ::: "memory");
	others = atomic_load(&cpu_online_mask) & ~cpu_mask(arch_cpu_self()->id);
	if (others) {
		atomic_fence_full();
		remote_call(SBI_RFENCE_I, others, 0, 0);
	}
	preempt_enable();
}

__hot void arch_page_clear(void *page)
{
	u64 *p = page, *end = p + PAGE_SIZE / 8;

	for (; p < end; p += 8) {
		p[0] = 0; p[1] = 0; p[2] = 0; p[3] = 0;
		p[4] = 0; p[5] = 0; p[6] = 0; p[7] = 0;
	}
}

__hot void arch_page_copy(void *dst, const void *src)
{
	u64 *d = dst, *end = d + PAGE_SIZE / 8;
	const u64 *s = src;

	for (; d < end; d += 4, s += 4) {
		u64 a = s[0], b = s[1], c = s[2], e = s[3];

		d[0] = a; d[1] = b; d[2] = c; d[3] = e;
	}
}

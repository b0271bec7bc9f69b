/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roots and translation caches. satp names the tables and their id, if the hart has enough bits for ids; 0 is that
 * of no space. Other harts of the mask are asked by our own interrupts, not by SBI RFENCE: OpenSBI
 * waits inside machine mode, which costs up to 100 ms a call when virtual harts outnumber real
 * CPUs. Under QEMU any sfence.vma costs a full flush, hence the low threshold for going page by page.
 */
#include <arch/mmu.h>
#include <kernel/thread.h>
#include <kernel/aspace.h>
#include <kernel/irq.h>
#include <kernel/usercopy.h>

#include "riscv.h"

#define FLUSH_EACH_MAX 2	/* more entries than that: everything */

u64 riscv_kernel_satp __ro_after_init;
static paddr_t kernel_root_pa __ro_after_init;

u64 riscv_satp(paddr_t root)
{
	return (arch_layout.pt_levels == 4 ? SATP_SV48 : SATP_SV39) << SATP_MODE_SHIFT | root >> PAGE_SHIFT;
}

static inline void flush_local(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

/* Bits of satp.ASID that keep what is written to them. One more space than harts must have an id. */
unsigned arch_asid_bits(void)
{
	u64 was = csr_read(satp), found;

	csr_write(satp, was | SATP_ASID_MASK);
	found = csr_read(satp) >> SATP_ASID_SHIFT & 0xffff;
	csr_write(satp, was);
	flush_local();
	found = popcount64(found);
	return found >= 8 ? (unsigned)found : 0;
}

static void root_write(paddr_t root, u32 id, enum mmu_drop drop)
{
	csr_write(satp, riscv_satp(root) | (u64)id << SATP_ASID_SHIFT);
	/* Orders earlier table writes before later walks, and drops what the old root left. */
	if (drop == MMU_DROP_SPACE && id)
		__asm__ volatile("sfence.vma zero, %0" :: "r"((u64)id) : "memory");
	else if (drop != MMU_DROP_NONE)
		flush_local();
	user_walk_forget();
	arch_cpu_self()->arch.root_writes++;
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	if (kernel_root_pa != root) {	/* the boot hart comes first */
		kernel_root_pa = root;
		riscv_kernel_satp = riscv_satp(root);
	}
	root_write(root, 0, MMU_DROP_ALL);
}

static void flush_local_range(vaddr_t start, vaddr_t end, unsigned stride_shift, bool all)
{
	arch_cpu_self()->arch.tlb_flushes++;
	if (all) {
		user_walk_forget();
		flush_local();
		return;
	}
	for (vaddr_t va = start; va < end; va += 1ull << stride_shift)
		__asm__ volatile("sfence.vma %0" :: "r"(va) : "memory");
}

struct flush_request {
	vaddr_t start, end;
	unsigned stride_shift;
	bool all;
};

static void flush_there(void *arg)
{
	const struct flush_request *r = arg;

	flush_local_range(r->start, r->end, r->stride_shift, r->all);
}

void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end,
			  unsigned stride_shift, bool freed_tables)
{
	/* A flush by address leaves cached upper levels alone (privileged specification 4.2.1). */
	bool all = freed_tables || (end - start) >> stride_shift > FLUSH_EACH_MAX;
	struct flush_request r = { start, end, stride_shift, all };
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
		ipi_call(others, flush_there, &r);
	}
	preempt_enable();
}

static void fence_if_stale(void)
{
	if (atomic_xchg(&arch_cpu_self()->arch.icache_stale, 0u))
		__asm__ volatile("fence.i" ::: "memory");
}

void arch_mmu_activate(struct aspace *prev, struct aspace *next, enum mmu_drop drop)
{
	root_write(next ? next->root : kernel_root_pa, next ? aspace_id(next) : 0, drop);
	atomic_fence_full();	/* pairs with arch_icache_sync: the mask bit was set by our caller */
	fence_if_stale();
}

static void fence_there(void *unused)
{
	fence_if_stale();
}

/*
 * Harts that have the current space loaded are interrupted; the others fetch from it only after
 * they loaded it, and look then. (A write into another space that runs at this moment needs its
 * thread stopped and switched first, as ptrace does.)
 */
void arch_icache_sync(const void *start, size_t len)
{
	struct aspace *as = current->aspace;
	struct cpu *cpu, *self;
	cpumask_t others;

	preempt_disable();
	self = arch_cpu_self();
	__asm__ volatile("fence.i" ::: "memory");
	others = atomic_load(&cpu_online_mask) & ~cpu_mask(self->id);
	cpu_for_each(cpu, others)
		atomic_store(&cpu->arch.icache_stale, 1u);
	atomic_fence_full();	/* pairs with arch_mmu_activate: stale before the mask is read */
	others &= as ? atomic_load(&as->cpus) : 0;
	if (others)
		ipi_call(others, fence_there, NULL);
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

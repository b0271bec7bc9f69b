/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roots and TLBs. A flush goes to the CPUs of the mask by IPI: the sender fills its own request, sets its
 * bit in each target's inbox, interrupts them and waits until all have taken theirs. No PCIDs: a
 * new root empties the TLB but for global entries.
 */
#include <kernel/aspace.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/pgtable.h>
#include <kernel/thread.h>

#include "x86.h"

/* Above this many pages one whole flush is cheaper than single ones. */
#define FLUSH_PAGES_MAX 32

struct tlb_request {
	vaddr_t start, end;	/* sender only, before the inbox bits are set */
	unsigned stride_shift;
	bool is_kernel;
	cpumask_t waiting;	/* atomic: CPUs that have not answered */
};
static DEFINE_PERCPU(struct tlb_request, tlb_request);

paddr_t x86_kernel_root __ro_after_init;

unsigned arch_asid_bits(void) { return 0; }	/* PCIDs are not used: QEMU has none to try them on */

void arch_mmu_activate(struct aspace *prev, struct aspace *next, enum mmu_drop drop)
{
	(void)prev, (void)drop;
	write_cr3(next ? next->root : x86_kernel_root);
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	x86_kernel_root = root;
	write_cr3(root);
}

static void flush_all(bool with_global)
{
	if (with_global) {
		u64 cr4 = read_cr4();

		write_cr4(cr4 & ~(u64)CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

static void flush_local(vaddr_t start, vaddr_t end, unsigned stride_shift, bool is_kernel)
{
	if (end - start > (u64)FLUSH_PAGES_MAX << stride_shift) {
		flush_all(is_kernel);
		return;
	}
	for (vaddr_t va = start; va < end; va += 1ull << stride_shift)
		__asm__ volatile("invlpg (%0)" :: "r"(va) : "memory");
}

void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end,
			  unsigned stride_shift, bool freed_tables)
{
	struct tlb_request *r;
	struct cpu *self, *cpu;
	cpumask_t others;

	(void)freed_tables;	/* INVLPG forgets the upper levels for all addresses */
	preempt_disable();
	self = arch_cpu_self();
	if (!as)
		cpus = atomic_load_acquire(&cpu_online_mask) | cpu_mask(self->id);
	if (cpus & cpu_mask(self->id))
		flush_local(start, end, stride_shift, !as);
	others = cpus & atomic_load(&cpu_online_mask) & ~cpu_mask(self->id);
	if (others) {
		debug_assert(!arch_irq_disabled());
		r = percpu_of(tlb_request, self);
		r->start = start;
		r->end = end;
		r->stride_shift = stride_shift;
		r->is_kernel = !as;
		atomic_store(&r->waiting, others);
		cpu_for_each(cpu, others) {
			atomic_fetch_or(&cpu->arch.tlb_inbox, cpu_mask(self->id));	/* pairs with the xchg below */
			x86_apic_send(cpu->arch.apic_id, VECTOR_TLB);
		}
		while (atomic_load_acquire(&r->waiting))	/* pairs with the and below */
			arch_cpu_relax();
	}
	preempt_enable();
}

void x86_tlb_interrupt(void)
{
	struct cpu *self = arch_cpu_self();
	cpumask_t senders = atomic_xchg(&self->arch.tlb_inbox, 0);

	while (senders) {
		unsigned id = ctz64(senders);
		struct tlb_request *r = percpu_of(tlb_request, cpu_table[id]);

		senders &= senders - 1;
		flush_local(r->start, r->end, r->stride_shift, r->is_kernel);
		atomic_fetch_and(&r->waiting, ~cpu_mask(self->id));
	}
}

void arch_icache_sync(const void *start, size_t len)
{
	(void)start;	/* instruction fetch is coherent; a jump or IRET serialises before the code is used */
	(void)len;
}

void arch_page_clear(void *page)
{
	u64 *p = page;

	for (unsigned i = 0; i < PAGE_SIZE / 64; i++, p += 8)
		p[0] = p[1] = p[2] = p[3] = p[4] = p[5] = p[6] = p[7] = 0;
}

void arch_page_copy(void *dst, const void *src)
{
	u64 *d = dst;
	const u64 *s = src;

	for (unsigned i = 0; i < PAGE_SIZE / 64; i++, d += 8, s += 8) {
		u64 a = s[0], b = s[1], c = s[2], e = s[3];

		d[0] = a, d[1] = b, d[2] = c, d[3] = e;
		a = s[4], b = s[5], c = s[6], e = s[7];
		d[4] = a, d[5] = b, d[6] = c, d[7] = e;
	}
}

void __iomem *x86_mmio(paddr_t pa, size_t size)
{
	if (!x86_kernel_root)
		return (void __force __iomem *)phys_to_virt(pa);
	return mmio_map(pa, size);
}

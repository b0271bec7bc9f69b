/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMU that programs of the simulation run under: per CPU a translation cache keyed by address-space
 * id and page, which forgets nothing by itself. QEMU drops its cache at every change of the root, so a
 * flush that the kernel forgets never shows there; here the old translation goes on working.
 * Loading a space drops what arch_mmu_activate is told to drop, and a flush reaches the CPUs it is told and no other.
 */
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <kernel/aspace.h>
#include <kernel/irq.h>
#include <kernel/pgtable.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include "host.h"
#include "sim.h"
#include "tlb.h"

#define ENTRIES_MAX 8192u	/* per CPU; when full it is emptied */
#define BUCKETS 1024u
#define FRAMES 16384u		/* numbers of frames, beyond that they share */

struct entry {
	u64 asid, va;
	pte_t pte;
	u32 next;		/* index + 1 in the bucket's chain */
};
static struct tlb {
	struct entry *entries;
	u32 nr;
	u32 bucket[BUCKETS];	/* index + 1 */
	struct aspace *loaded;
	u64 asid;
} tlbs[SIM_CPUS_MAX];
static u16 uses[FRAMES];		/* how many entries of all CPUs name a frame of that number */

static unsigned bucket_of(u64 asid, vaddr_t va) { return (unsigned)((va >> PAGE_SHIFT) * 31 + asid) % BUCKETS; }

static struct entry *find(struct tlb *t, u64 asid, vaddr_t va)
{
	for (u32 i = t->bucket[bucket_of(asid, va)]; i; i = t->entries[i - 1].next)
		if (t->entries[i - 1].va == va && t->entries[i - 1].asid == asid)
			return &t->entries[i - 1];
	return NULL;
}

static u16 *uses_of(pte_t pte) { return &uses[(pte_paddr(pte) >> PAGE_SHIFT) % FRAMES]; }

static void drop_all(struct tlb *t)
{
	for (u32 i = 0; i < t->nr; i++)
		--*uses_of(t->entries[i].pte);
	t->nr = 0;
	memset(t->bucket, 0, sizeof(t->bucket));
}

/* Keeps the entries that `match` does not name. */
static void drop(struct tlb *t, u64 asid, vaddr_t start, vaddr_t end)
{
	u32 n = t->nr;

	drop_all(t);
	for (u32 i = 0; i < n; i++) {
		struct entry *e = &t->entries[i];
		unsigned b;

		if (e->asid == asid && e->va >= start && e->va < end)
			continue;
		b = bucket_of(e->asid, e->va);
		++*uses_of(e->pte);
		t->entries[t->nr] = *e;
		t->entries[t->nr].next = t->bucket[b];
		t->bucket[b] = ++t->nr;
	}
}

static void insert(struct tlb *t, vaddr_t va, pte_t pte)
{
	unsigned b = bucket_of(t->asid, va);

	if (!t->entries)
		t->entries = host_alloc(ENTRIES_MAX * sizeof(struct entry));
	if (t->nr == ENTRIES_MAX)
		drop_all(t);
	++*uses_of(pte);
	t->entries[t->nr] = (struct entry){ t->asid, va, pte, t->bucket[b] };
	t->bucket[b] = ++t->nr;
}

unsigned arch_asid_bits(void) { return 4; }	/* few, so that they are given again soon */

void arch_mmu_activate(struct aspace *prev, struct aspace *next, enum mmu_drop drop_what)
{
	struct tlb *t = &tlbs[sim_v->id];

	if (t->loaded != prev)
		sim_fail("the space that CPU %u leaves is not the one it has loaded", sim_v->id);
	user_walk_forget();
	t->loaded = next;
	t->asid = next ? aspace_id(next) : 0;
	if (next && !t->asid)
		sim_fail("a space without an id is loaded");
	if (drop_what == MMU_DROP_ALL)
		drop_all(t);
	else if (drop_what == MMU_DROP_SPACE)
		drop(t, t->asid, 0, arch_layout.user_end);
}

struct request {
	struct aspace *as;
	vaddr_t start, end;
};

static void flush_here(void *arg)
{
	const struct request *r = arg;

	user_walk_forget();
	drop(&tlbs[sim_v->id], aspace_id(r->as), r->start, r->end);
}

static void flush_user(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end)
{
	struct request r = { as, align_down(start, PAGE_SIZE), align_up(end, PAGE_SIZE) };
	cpumask_t others, self;

	preempt_disable();
	self = cpu_mask(arch_cpu_self()->id);
	if (cpus & self)
		flush_here(&r);
	others = cpus & ~self;
	if (others)
		ipi_call(others, flush_here, &r);
	preempt_enable();
}

void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end, unsigned stride_shift,
			  bool freed_tables)
{
	arch_cpu_self()->arch.tlb_flushes++;
	sim_trace(3, start);
	if (as) {
		flush_user(as, cpus, start, end);
		return;
	}
	/* The kernel's mappings are the host's (memory.c), the same for all CPUs. */
	start = max(align_down(start, PAGE_SIZE), (vaddr_t)SIM_VMEMMAP);
	end = min(align_up(end, PAGE_SIZE), (vaddr_t)SIM_VMAP_END);
	if (start < end)
		host_unmap(start, end);
}

static bool allows(pte_t p, unsigned access)
{
	unsigned need = PGPROT_USER | (access & FAULT_WRITE ? PGPROT_WRITE : access & FAULT_EXEC ? PGPROT_EXEC :
				       PGPROT_READ);

	return pte_present(p) && (pte_prot(p) & need) == need && pte_accessed(p) &&
	       (!(access & FAULT_WRITE) || pte_dirty(p));
}

/* What the walker does in hardware: four reads of memory that no other CPU can come between. */
static pte_t walk(paddr_t root, vaddr_t va)
{
	paddr_t table = root;

	for (unsigned level = arch_layout.pt_levels; level-- > 0;) {
		pte_t p = *((pte_t *)phys_to_virt(table) + (va >> (PAGE_SHIFT + 9 * level) & 511));

		if (!pte_present(p) || level == 0)
			return p;
		if (!pte_is_table(p, level) && level == 1)	/* a large leaf: its part for this page */
			return p + (va & ((PAGE_SIZE << 9) - 1) & PAGE_MASK);
		if (!pte_is_table(p, level))
			sim_fail("a large leaf in a user table at %#llx", (unsigned long long)va);
		table = pte_paddr(p);
	}
	return PTE_EMPTY;
}

void *sim_translate(vaddr_t va, unsigned access)
{
	struct tlb *t = &tlbs[sim_v->id];
	vaddr_t page = align_down(va, PAGE_SIZE);
	struct entry *e;
	pte_t p;

	if (t->loaded != sim_current->aspace)
		sim_fail("CPU %u runs a program with another's page table", sim_v->id);
	if (va >= arch_layout.user_end)
		return NULL;
	e = find(t, t->asid, page);
	if (!e || !allows(e->pte, access)) {
		/* A translation that forbids is looked up again, as x86 and RISC-V implementations may. */
		p = walk(t->loaded->root, page);
		if (!allows(p, access))
			return NULL;
		if (e) {
			--*uses_of(e->pte);
			++*uses_of(p);
			e->pte = p;
		} else {
			insert(t, page, p);
		}
		e = find(t, t->asid, page);
	}
	return (char *)phys_to_virt(pte_paddr(e->pte)) + va % PAGE_SIZE;
}

/* What other spaces' ids still name on a CPU is dropped when that space is loaded again. */
void sim_frame_freed(u64 pa)
{
	if (!uses[(pa >> PAGE_SHIFT) % FRAMES])
		return;
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++) {
		const struct tlb *t = &tlbs[i];

		for (u32 k = 0; t->loaded && k < t->nr; k++)
			if (t->entries[k].asid == t->asid && align_down(pte_paddr(t->entries[k].pte), PAGE_SIZE) == pa)
				sim_fail("the frame %#llx is free, and CPU %u still translates %#llx to it",
					 (unsigned long long)pa, i, (unsigned long long)t->entries[k].va);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address-space layout, activation, TLB and instruction-cache maintenance, whole pages.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <lib/compiler.h>

struct aspace;
typedef u64 cpumask_t;		/* bit per CPU, see kernel/cpu.h */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ull
#define PAGE_MASK (~(PAGE_SIZE - 1))

/*
 * Set by the boot code before kernel_main, never changed after; a variable because the number of
 * levels (sv39/sv48) and later KASLR decide it.
 */
struct arch_layout {
	vaddr_t linear_base;	/* phys_to_virt(0) */
	u64 linear_size;
	vaddr_t vmemmap_base;	/* struct page array, indexed by pfn */
	vaddr_t vmap_base;	/* kernel stacks, I/O mappings, large allocations */
	vaddr_t vmap_end;
	u64 image_offset;	/* virtual - physical of the kernel image */
	vaddr_t user_end;	/* first address that is not user's */
	u32 pt_levels;		/* 3 or 4 */
};
extern struct arch_layout arch_layout;

static inline void *phys_to_virt(paddr_t pa) { return (void *)(arch_layout.linear_base + pa); }
/* Only for pointers into the linear map. */
static inline paddr_t virt_to_phys(const void *p) { return (paddr_t)p - arch_layout.linear_base; }
/* Only for symbols of the kernel image. */
static inline paddr_t image_to_phys(const void *p) { return (paddr_t)p - arch_layout.image_offset; }

/* How many bits a CPU's address-space ids have (each CPU's are as many); 0: none, or too few to be of use. */
unsigned arch_asid_bits(void);
enum mmu_drop {
	MMU_DROP_NONE,
	MMU_DROP_SPACE,		/* this CPU's translations under next's id */
	MMU_DROP_ALL,		/* all of user spaces */
};
/*
 * Switches this CPU's user half to next's tables (kernel root alone if next is NULL) and id (aspace_id). What `drop` names
 * must be gone before next is used; more may go. Preemption off. Never called with prev == next.
 */
void arch_mmu_activate(struct aspace *prev, struct aspace *next, enum mmu_drop drop);
/* Loads the final kernel root built by mm (x86, RISC-V: the root itself; AArch64: TTBR1). Each CPU. */
void arch_mmu_set_kernel_root(paddr_t root);
/*
 * Forgets translations of [start, end) of the space (NULL: kernel, all CPUs) on the CPUs of the
 * mask, this one included if in it. stride_shift: 12, 21 or 30. freed_tables: page tables go
 * away too. On return no CPU of the mask uses the old translations, or those under the space's id.
 * May be called with interrupts on only (it may wait for other CPUs), except when the mask is this CPU alone.
 */
void arch_tlb_flush_range(struct aspace *as, cpumask_t cpus, vaddr_t start, vaddr_t end,
			  unsigned stride_shift, bool freed_tables);
/* Makes new instructions in [start, end) (kernel alias) visible to execution on all CPUs. */
void arch_icache_sync(const void *start, size_t len);

void arch_page_clear(void *page);		/* 4096 bytes, aligned */
void arch_page_copy(void *dst, const void *src);

/*
 * <native/pte.h>, all inline; level 0 = 4 KiB leaf, 1 = 2 MiB, 2 = 1 GiB, 3 = 512 GiB:
 *	typedef u64 pte_t, PTE_EMPTY (0)
 *	bool pte_present(pte_t)			a leaf or a table
 *	bool pte_is_table(pte_t, unsigned level)	level > 0 and points to a lower table
 *	pte_t pte_make_leaf(paddr_t, unsigned prot, unsigned level)
 *	pte_t pte_make_table(paddr_t, bool user)
 *	paddr_t pte_paddr(pte_t)		of leaf or table
 *	unsigned pte_prot(pte_t)		the PROT bits below
 *	pte_t pte_with_prot(pte_t, unsigned prot, unsigned level)	keeps address, accessed, dirty
 *	bool pte_accessed(pte_t), pte_dirty(pte_t); pte_t pte_mark_accessed/pte_clear_accessed/
 *	pte_mark_dirty/pte_clear_dirty(pte_t)
 *	pte_t pte_load(pte_t *), void pte_store(pte_t *, pte_t), pte_t pte_exchange(pte_t *, pte_t),
 *	bool pte_cmpxchg(pte_t *, pte_t old, pte_t new)
 *	void pte_sync(void)			after making entries valid (dsb ishst+isb / sfence.vma rule / nothing)
 *	PTE_HW_ACCESSED, PTE_HW_DIRTY		1 if the CPU sets the bits; else faults do
 *	PTE_BREAK_BEFORE_MAKE			1: go through PTE_EMPTY and a flush when changing a valid entry's address or size
 *	PTE_ROOT_HAS_KERNEL			1: a user root's upper half is copied from the kernel root
 */
#define PGPROT_READ BIT(0)
#define PGPROT_WRITE BIT(1)
#define PGPROT_EXEC BIT(2)
#define PGPROT_USER BIT(3)
#define PGPROT_GLOBAL BIT(4)
#define PGPROT_DEVICE BIT(5)	/* strongly ordered device memory */
#define PGPROT_WC BIT(6)	/* write-combining / normal non-cached */
#define PGPROT_SPECIAL BIT(7)	/* software: no struct page behind it (vDSO, device) */

#include <lib/bits.h>
#include <native/pte.h>

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 1 descriptors, 4 KiB granule (Arm ARM D8.3).
 *
 * Accessed is the AF bit; dirty is a software bit. A user entry is writable to the CPU only when it
 * may be written and is dirty, so the first write faults (FAULT_PRESENT | FAULT_WRITE) and the fault
 * code marks it. New entries are born accessed; kernel entries are born dirty as well: nobody resolves
 * faults there.
 */
#ifndef NATIVE_PTE_H
#define NATIVE_PTE_H

#include <lib/bits.h>
#include <native/sysreg.h>

typedef u64 pte_t;
#define PTE_EMPTY 0ull
#define PTE_HW_ACCESSED 0
#define PTE_HW_DIRTY 0
#define PTE_BREAK_BEFORE_MAKE 1
#define PTE_ROOT_HAS_KERNEL 0

#define PTE_VALID BIT(0)
#define PTE_TABLE BIT(1)		/* level 0: page; above: table, clear: block */
#define PTE_ATTR(index) ((u64)(index) << 2)
#define PTE_ATTR_MASK PTE_ATTR(7)
#define PTE_AP_USER BIT(6)
#define PTE_AP_READONLY BIT(7)
#define PTE_SH_INNER (3ull << 8)
#define PTE_AF BIT(10)
#define PTE_NG BIT(11)
#define PTE_PXN BIT(53)
#define PTE_UXN BIT(54)
#define PTE_SW_WRITE BIT(55)		/* PGPROT_WRITE */
#define PTE_SW_SPECIAL BIT(56)
#define PTE_SW_DIRTY BIT(57)
#define PTE_SW_USER BIT(58)
#define PTE_PXN_TABLE BIT(59)
#define PTE_UXN_TABLE BIT(60)
#define PTE_AP_TABLE_NO_USER BIT(61)
#define PTE_ADDR_MASK 0x0000fffffffff000ull

static inline bool pte_present(pte_t p) { return p & PTE_VALID; }
static inline bool pte_is_table(pte_t p, unsigned level)
{
	return level > 0 && (p & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}
static inline paddr_t pte_paddr(pte_t p) { return p & PTE_ADDR_MASK; }
static inline pte_t pte_make_table(paddr_t pa, bool user)
{
	return pa | PTE_VALID | PTE_TABLE |
	       (user ? PTE_PXN_TABLE : PTE_UXN_TABLE | PTE_AP_TABLE_NO_USER);
}

/* The bits that follow from prot and the dirty state. */
static inline pte_t pte_prot_bits(unsigned prot, bool dirty)
{
	pte_t p = PTE_PXN | PTE_UXN | PTE_AP_READONLY;

	if (prot & PGPROT_USER) {
		p |= PTE_SW_USER | PTE_NG;
		if (prot & (PGPROT_READ | PGPROT_WRITE | PGPROT_EXEC))
			p |= PTE_AP_USER;
		if (prot & PGPROT_EXEC)
			p &= ~PTE_UXN;
	} else if ((prot & (PGPROT_EXEC | PGPROT_WRITE)) == PGPROT_EXEC) {
		p &= ~PTE_PXN;
	}
	if (prot & PGPROT_WRITE) {
		p |= PTE_SW_WRITE;
		if (dirty)
			p &= ~PTE_AP_READONLY;
	}
	if (prot & PGPROT_SPECIAL)
		p |= PTE_SW_SPECIAL;
	if (prot & PGPROT_DEVICE)
		return p | PTE_ATTR(MAIR_DEVICE);
	if (prot & PGPROT_WC)
		return p | PTE_ATTR(MAIR_UNCACHED) | PTE_SH_INNER;
	return p | PTE_ATTR(MAIR_NORMAL) | PTE_SH_INNER;
}
static inline pte_t pte_make_leaf(paddr_t pa, unsigned prot, unsigned level)
{
	bool dirty = !(prot & PGPROT_USER) && (prot & PGPROT_WRITE);

	return pa | PTE_VALID | PTE_AF | (level == 0 ? PTE_TABLE : 0) | (dirty ? PTE_SW_DIRTY : 0) |
	       pte_prot_bits(prot, dirty);
}
static inline unsigned pte_prot(pte_t p)
{
	unsigned attr = (p & PTE_ATTR_MASK) >> 2;

	return (p & PTE_SW_USER ? PGPROT_USER : PGPROT_GLOBAL) |
	       (!(p & PTE_SW_USER) || (p & PTE_AP_USER) ? PGPROT_READ : 0) |
	       (p & PTE_SW_WRITE ? PGPROT_WRITE : 0) |
	       (!(p & (p & PTE_SW_USER ? PTE_UXN : PTE_PXN)) ? PGPROT_EXEC : 0) |
	       (p & PTE_SW_SPECIAL ? PGPROT_SPECIAL : 0) |
	       (attr == MAIR_DEVICE ? PGPROT_DEVICE : attr == MAIR_UNCACHED ? PGPROT_WC : 0);
}
static inline pte_t pte_with_prot(pte_t p, unsigned prot, unsigned level)
{
	bool dirty = (p & PTE_SW_DIRTY) || (!(prot & PGPROT_USER) && (prot & PGPROT_WRITE));

	return (p & (PTE_ADDR_MASK | PTE_VALID | PTE_TABLE | PTE_AF)) | (dirty ? PTE_SW_DIRTY : 0) |
	       pte_prot_bits(prot, dirty);
}

static inline bool pte_accessed(pte_t p) { return p & PTE_AF; }
static inline bool pte_dirty(pte_t p) { return p & PTE_SW_DIRTY; }
static inline pte_t pte_mark_accessed(pte_t p) { return p | PTE_AF; }
static inline pte_t pte_clear_accessed(pte_t p) { return p & ~PTE_AF; }
static inline pte_t pte_mark_dirty(pte_t p)
{
	p |= PTE_SW_DIRTY;
	return p & PTE_SW_WRITE ? p & ~PTE_AP_READONLY : p;
}
static inline pte_t pte_clear_dirty(pte_t p) { return (p & ~PTE_SW_DIRTY) | PTE_AP_READONLY; }

static inline pte_t pte_load(pte_t *e) { return __atomic_load_n(e, __ATOMIC_RELAXED); }
/* Release: the table or page behind the entry is written before the entry (pairs with the walker). */
static inline void pte_store(pte_t *e, pte_t v) { __atomic_store_n(e, v, __ATOMIC_RELEASE); }
static inline pte_t pte_exchange(pte_t *e, pte_t v) { return __atomic_exchange_n(e, v, __ATOMIC_ACQ_REL); }
static inline bool pte_cmpxchg(pte_t *e, pte_t old, pte_t new)
{
	return __atomic_compare_exchange_n(e, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
/* Makes new valid entries visible to the walkers of all CPUs, and to this CPU's next instruction. */
static inline void pte_sync(void) { __asm__ volatile("dsb ishst\n\tisb" ::: "memory"); }

#endif

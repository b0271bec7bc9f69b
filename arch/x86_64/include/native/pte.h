/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table entries (Intel SDM 3A §4.5). Memory types go through the PAT that cpu.c writes:
 * PWT alone = write-combining, PWT|PCD = uncached. A leaf without any right keeps its
 * frame with P clear and a software bit, so that PROT_NONE pages stay "present" for the walker.
 */
#ifndef NATIVE_PTE_H
#define NATIVE_PTE_H

#include <lib/atomic.h>
#include <lib/bits.h>

typedef u64 pte_t;

#define PTE_EMPTY 0ull
#define PTE_HW_ACCESSED 1
#define PTE_HW_DIRTY 1
#define PTE_BREAK_BEFORE_MAKE 0
#define PTE_ROOT_HAS_KERNEL 1

#define X86_PTE_P BIT(0)
#define X86_PTE_W BIT(1)
#define X86_PTE_U BIT(2)
#define X86_PTE_PWT BIT(3)
#define X86_PTE_PCD BIT(4)
#define X86_PTE_A BIT(5)
#define X86_PTE_D BIT(6)
#define X86_PTE_PS BIT(7)
#define X86_PTE_G BIT(8)
#define X86_PTE_SPECIAL BIT(9)		/* software */
#define X86_PTE_NONE BIT(10)		/* software: a leaf without rights, P clear */
#define X86_PTE_NX BIT(63)
#define X86_PTE_ADDR 0x000ffffffffff000ull

/* X86_PTE_NX, or 0 on a CPU without it; set before the first kernel page table is made. */
extern u64 x86_pte_nx;

static inline bool pte_present(pte_t p) { return (p & (X86_PTE_P | X86_PTE_NONE)) != 0; }
static inline bool pte_is_table(pte_t p, unsigned level)
{
	return level > 0 && (p & (X86_PTE_P | X86_PTE_PS)) == X86_PTE_P;
}

static inline u64 x86_pte_bits(unsigned prot, unsigned level)
{
	u64 p = level > 0 ? X86_PTE_PS : 0;

	if (prot & (PGPROT_READ | PGPROT_WRITE | PGPROT_EXEC))
		p |= X86_PTE_P;
	else
		p |= X86_PTE_NONE;
	if (prot & PGPROT_WRITE)
		p |= X86_PTE_W;
	if (!(prot & PGPROT_EXEC))
		p |= x86_pte_nx;
	if (prot & PGPROT_USER)
		p |= X86_PTE_U;
	if (prot & PGPROT_GLOBAL)
		p |= X86_PTE_G;
	if (prot & PGPROT_DEVICE)
		p |= X86_PTE_PWT | X86_PTE_PCD;
	else if (prot & PGPROT_WC)
		p |= X86_PTE_PWT;
	if (prot & PGPROT_SPECIAL)
		p |= X86_PTE_SPECIAL;
	return p;
}
static inline pte_t pte_make_leaf(paddr_t pa, unsigned prot, unsigned level)
{
	u64 p = (pa & X86_PTE_ADDR) | x86_pte_bits(prot, level);

	/* The kernel does not ask for these bits of its own pages: save the CPU the write. */
	if (!(prot & PGPROT_USER))
		p |= X86_PTE_A | X86_PTE_D;
	return p;
}
static inline pte_t pte_make_table(paddr_t pa, bool user)
{
	return (pa & X86_PTE_ADDR) | X86_PTE_P | X86_PTE_W | X86_PTE_A | (user ? X86_PTE_U : 0);
}
static inline paddr_t pte_paddr(pte_t p) { return p & X86_PTE_ADDR; }
static inline unsigned pte_prot(pte_t p)
{
	unsigned prot = 0;

	if (p & X86_PTE_P) {
		prot |= PGPROT_READ;
		if (p & X86_PTE_W)
			prot |= PGPROT_WRITE;
		if (!(p & X86_PTE_NX))
			prot |= PGPROT_EXEC;
	}
	if (p & X86_PTE_U)
		prot |= PGPROT_USER;
	if (p & X86_PTE_G)
		prot |= PGPROT_GLOBAL;
	if ((p & (X86_PTE_PWT | X86_PTE_PCD)) == X86_PTE_PWT)
		prot |= PGPROT_WC;
	else if (p & X86_PTE_PCD)
		prot |= PGPROT_DEVICE;
	if (p & X86_PTE_SPECIAL)
		prot |= PGPROT_SPECIAL;
	return prot;
}
static inline pte_t pte_with_prot(pte_t p, unsigned prot, unsigned level)
{
	return (p & (X86_PTE_ADDR | X86_PTE_A | X86_PTE_D)) | x86_pte_bits(prot, level);
}
static inline bool pte_accessed(pte_t p) { return (p & X86_PTE_A) != 0; }
static inline bool pte_dirty(pte_t p) { return (p & X86_PTE_D) != 0; }
static inline pte_t pte_mark_accessed(pte_t p) { return p | X86_PTE_A; }
static inline pte_t pte_clear_accessed(pte_t p) { return p & ~X86_PTE_A; }
static inline pte_t pte_mark_dirty(pte_t p) { return p | X86_PTE_D; }
static inline pte_t pte_clear_dirty(pte_t p) { return p & ~X86_PTE_D; }

static inline pte_t pte_load(pte_t *e) { return atomic_load(e); }
static inline void pte_store(pte_t *e, pte_t p) { atomic_store_release(e, p); }	/* pairs with the CPU's walk */
static inline pte_t pte_exchange(pte_t *e, pte_t p) { return atomic_xchg(e, p); }
static inline bool pte_cmpxchg(pte_t *e, pte_t old, pte_t p) { return atomic_cmpxchg(e, &old, p); }
static inline void pte_sync(void) {}	/* the walk sees stores in order; absent entries are not cached */

#endif

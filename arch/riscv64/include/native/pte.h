/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RISC-V part of <arch/mmu.h>: Sv39 and Sv48 entries (privileged specification 4.4, 4.5).
 *
 * A leaf without any permission (PROT_NONE) is kept as an invalid entry with a software bit, so
 * that its frame and its state stay in the table. Entries made for kernel space are born accessed
 * and dirty; user leaves accessed only. A hart may set both bits by itself (QEMU does) or fault
 * for them (Svade): the portable code must be ready for either, hence PTE_HW_* are 0.
 * A stale "invalid" translation that a hart may keep is dropped by the second fault on the same
 * address (arch/riscv64/trap/trap.c), so pte_sync orders and does not flush.
 */
#ifndef NATIVE_PTE_H
#define NATIVE_PTE_H

#include <lib/compiler.h>
#include <lib/bits.h>

typedef u64 pte_t;

#define PTE_EMPTY 0ull
#define PTE_HW_ACCESSED 0
#define PTE_HW_DIRTY 0
#define PTE_BREAK_BEFORE_MAKE 0
#define PTE_ROOT_HAS_KERNEL 1

#define RISCV_PTE_V BIT(0)
#define RISCV_PTE_R BIT(1)
#define RISCV_PTE_W BIT(2)
#define RISCV_PTE_X BIT(3)
#define RISCV_PTE_U BIT(4)
#define RISCV_PTE_G BIT(5)
#define RISCV_PTE_A BIT(6)
#define RISCV_PTE_D BIT(7)
#define RISCV_PTE_SPECIAL BIT(8)	/* software */
#define RISCV_PTE_NONE BIT(9)		/* software: leaf without permission, V clear */
#define RISCV_PTE_RWX (RISCV_PTE_R | RISCV_PTE_W | RISCV_PTE_X)
#define RISCV_PTE_PPN_SHIFT 10
#define RISCV_PTE_PPN_MASK (((1ull << 44) - 1) << RISCV_PTE_PPN_SHIFT)
#define RISCV_PTE_PBMT_MASK (3ull << 61)
#define RISCV_PTE_PBMT_NC (1ull << 61)
#define RISCV_PTE_PBMT_IO (2ull << 61)

/* Memory-type bits for device and non-cached leaves; 0 on harts without Svpbmt (set at boot). */
extern u64 riscv_pte_device, riscv_pte_wc;

static inline bool pte_present(pte_t p) { return (p & (RISCV_PTE_V | RISCV_PTE_NONE)) != 0; }
static inline bool pte_is_table(pte_t p, unsigned level)
{
	return level > 0 && (p & (RISCV_PTE_V | RISCV_PTE_RWX)) == RISCV_PTE_V;
}

static inline paddr_t pte_paddr(pte_t p)
{
	return (p & RISCV_PTE_PPN_MASK) >> RISCV_PTE_PPN_SHIFT << 12;
}

/* The bits that follow from prot alone. Write without read is reserved, so write implies read. */
static inline pte_t riscv_pte_prot_bits(unsigned prot)
{
	pte_t p = 0;

	if (prot & PGPROT_READ)
		p |= RISCV_PTE_R;
	if (prot & PGPROT_WRITE)
		p |= RISCV_PTE_R | RISCV_PTE_W;
	if (prot & PGPROT_EXEC)
		p |= RISCV_PTE_X;
	p |= p ? RISCV_PTE_V : RISCV_PTE_NONE;
	if (prot & PGPROT_USER)
		p |= RISCV_PTE_U;
	if (prot & PGPROT_GLOBAL)
		p |= RISCV_PTE_G;
	if (prot & PGPROT_SPECIAL)
		p |= RISCV_PTE_SPECIAL;
	if (prot & PGPROT_DEVICE)
		p |= riscv_pte_device;
	else if (prot & PGPROT_WC)
		p |= riscv_pte_wc;
	return p;
}

static inline pte_t pte_make_leaf(paddr_t pa, unsigned prot, unsigned level)
{
	return pa >> 12 << RISCV_PTE_PPN_SHIFT | riscv_pte_prot_bits(prot) | RISCV_PTE_A |
	       (prot & PGPROT_USER ? 0 : RISCV_PTE_D);
}

static inline pte_t pte_make_table(paddr_t pa, bool user)
{
	return pa >> 12 << RISCV_PTE_PPN_SHIFT | RISCV_PTE_V;
}

static inline unsigned pte_prot(pte_t p)
{
	unsigned prot = 0;

	if (p & RISCV_PTE_V) {
		if (p & RISCV_PTE_R)
			prot |= PGPROT_READ;
		if (p & RISCV_PTE_W)
			prot |= PGPROT_WRITE;
		if (p & RISCV_PTE_X)
			prot |= PGPROT_EXEC;
	}
	if (p & RISCV_PTE_U)
		prot |= PGPROT_USER;
	if (p & RISCV_PTE_G)
		prot |= PGPROT_GLOBAL;
	if (p & RISCV_PTE_SPECIAL)
		prot |= PGPROT_SPECIAL;
	if ((p & RISCV_PTE_PBMT_MASK) == RISCV_PTE_PBMT_IO)
		prot |= PGPROT_DEVICE;
	if ((p & RISCV_PTE_PBMT_MASK) == RISCV_PTE_PBMT_NC)
		prot |= PGPROT_WC;
	return prot;
}

static inline pte_t pte_with_prot(pte_t p, unsigned prot, unsigned level)
{
	return (p & (RISCV_PTE_PPN_MASK | RISCV_PTE_A | RISCV_PTE_D)) | riscv_pte_prot_bits(prot);
}

static inline bool pte_accessed(pte_t p) { return (p & RISCV_PTE_A) != 0; }
static inline bool pte_dirty(pte_t p) { return (p & RISCV_PTE_D) != 0; }
static inline pte_t pte_mark_accessed(pte_t p) { return p | RISCV_PTE_A; }
static inline pte_t pte_clear_accessed(pte_t p) { return p & ~RISCV_PTE_A; }
static inline pte_t pte_mark_dirty(pte_t p) { return p | RISCV_PTE_D; }
static inline pte_t pte_clear_dirty(pte_t p) { return p & ~RISCV_PTE_D; }

static inline pte_t pte_load(pte_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
/* Release: a table or page is filled before an entry shows it to other harts' walkers. */
static inline void pte_store(pte_t *p, pte_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline pte_t pte_exchange(pte_t *p, pte_t v) { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
static inline bool pte_cmpxchg(pte_t *p, pte_t old, pte_t new)
{
	return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
static inline void pte_sync(void) { __asm__ volatile("fence w, rw" ::: "memory"); }

#endif

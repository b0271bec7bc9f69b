/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulation part of <arch/mmu.h>: a page-table entry of our own, read by the portable walker, the
 * user-copy walk and sim/memory.c, which shows kernel mappings to the host. Bit 0 present, bit 1
 * table, bits 2-9 the PGPROT bits, 10 accessed, 11 dirty, 12-51 the frame.
 */
#ifndef NATIVE_PTE_H
#define NATIVE_PTE_H

#include <lib/bits.h>
#include <lib/compiler.h>

typedef u64 pte_t;

#define PTE_EMPTY 0ull
#define PTE_HW_ACCESSED 0
#define PTE_HW_DIRTY 0
#define PTE_BREAK_BEFORE_MAKE 1	/* the strictest rule, so that breaking it is noticed */
#define PTE_ROOT_HAS_KERNEL 0

#define SIM_PTE_PRESENT BIT(0)
#define SIM_PTE_TABLE BIT(1)
#define SIM_PTE_PROT_SHIFT 2
#define SIM_PTE_PROT_MASK (0xffull << SIM_PTE_PROT_SHIFT)
#define SIM_PTE_ACCESSED BIT(10)
#define SIM_PTE_DIRTY BIT(11)
#define SIM_PTE_FRAME 0x000ffffffffff000ull

static inline bool pte_present(pte_t p) { return p & SIM_PTE_PRESENT; }
static inline bool pte_is_table(pte_t p, unsigned level)
{
	return level > 0 && (p & (SIM_PTE_PRESENT | SIM_PTE_TABLE)) == (SIM_PTE_PRESENT | SIM_PTE_TABLE);
}
static inline paddr_t pte_paddr(pte_t p) { return p & SIM_PTE_FRAME; }
static inline pte_t sim_pte_prot(unsigned prot) { return (u64)(prot & 0xff) << SIM_PTE_PROT_SHIFT; }
static inline pte_t pte_make_leaf(paddr_t pa, unsigned prot, unsigned level)
{
	return pa | sim_pte_prot(prot) | SIM_PTE_PRESENT | SIM_PTE_ACCESSED |
	       (prot & PGPROT_USER ? 0 : SIM_PTE_DIRTY);
}
static inline pte_t pte_make_table(paddr_t pa, bool user) { return pa | SIM_PTE_PRESENT | SIM_PTE_TABLE; }
static inline unsigned pte_prot(pte_t p) { return (unsigned)((p & SIM_PTE_PROT_MASK) >> SIM_PTE_PROT_SHIFT); }
static inline pte_t pte_with_prot(pte_t p, unsigned prot, unsigned level)
{
	return (p & ~SIM_PTE_PROT_MASK) | sim_pte_prot(prot);
}
static inline bool pte_accessed(pte_t p) { return p & SIM_PTE_ACCESSED; }
static inline bool pte_dirty(pte_t p) { return p & SIM_PTE_DIRTY; }
static inline pte_t pte_mark_accessed(pte_t p) { return p | SIM_PTE_ACCESSED; }
static inline pte_t pte_clear_accessed(pte_t p) { return p & ~SIM_PTE_ACCESSED; }
static inline pte_t pte_mark_dirty(pte_t p) { return p | SIM_PTE_DIRTY; }
static inline pte_t pte_clear_dirty(pte_t p) { return p & ~SIM_PTE_DIRTY; }

static inline pte_t pte_load(pte_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void pte_store(pte_t *p, pte_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline pte_t pte_exchange(pte_t *p, pte_t v) { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
static inline bool pte_cmpxchg(pte_t *p, pte_t old, pte_t new)
{
	return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
static inline void pte_sync(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif

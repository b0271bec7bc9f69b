/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory without user mappings: the portable page-table walk that RISC-V (whose SUM bit stays
 * 0) and the simulation use. A page is looked up and used through the linear map with interrupts off:
 * whoever takes its entry out must flush the translations of this CPU, which has the space loaded,
 * and that waits for us; only then is the page or a table let go. So no reference is needed. What
 * the entry does not allow is faulted in as the program's own access would be.
 */
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/pgtable.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#include "mm_internal.h"

/*
 * The last tables of leaves that were walked to on this CPU, by the address's lowest bits above them: data and the
 * stacks of threads lie apart. They stay what they are until a CPU that has the space loaded is told to drop
 * translations with tables (user_walk_forget), or loads another space.
 */
#define WALK_TABLES 4u
struct walk_memory {
	struct walk_table {
		paddr_t root;
		vaddr_t key;		/* the address's upper bits */
		pte_t *leaves;		/* NULL: nothing is remembered */
	} tables[WALK_TABLES];
};
static DEFINE_PERCPU(struct walk_memory, walk_memory);

void __hot user_walk_forget(void)
{
	struct walk_memory *m = percpu_of(walk_memory, arch_cpu_self());

	for (unsigned i = 0; i < WALK_TABLES; i++)
		m->tables[i].leaves = NULL;
}

/* The small entry of va or, with *large set, the large one; NULL: neither. */
static pte_t *find_leaf(paddr_t table, vaddr_t va, bool *large)
{
	for (unsigned level = arch_layout.pt_levels - 1; level; level--) {
		pte_t v = pte_load((pte_t *)phys_to_virt(table) + pt_index(va, level));

		if (unlikely(!pte_is_table(v, level))) {
			*large = level == 1 && pte_present(v);
			return *large ? (pte_t *)phys_to_virt(table) + pt_index(va, 1) : NULL;
		}
		table = pte_paddr(v);
	}
	return (pte_t *)phys_to_virt(table) + pt_index(va, 0);
}

/* Interrupts off. Address in the linear map, NULL: must be faulted in. */
static __always_inline char *page_lookup(struct aspace *as, vaddr_t va, bool write)
{
	unsigned need = PGPROT_USER | (write ? PGPROT_WRITE : PGPROT_READ);
	vaddr_t key = va >> pt_shift(1);
	struct walk_table *m = &percpu_of(walk_memory, arch_cpu_self())->tables[key % WALK_TABLES];
	bool large = false;
	pte_t *e, v;

	if (m->leaves && m->key == key && m->root == as->root) {
		e = m->leaves + pt_index(va, 0);
	} else {
		e = find_leaf(as->root, va, &large);
		if (unlikely(!e))
			return NULL;
		if (!large)
			*m = (struct walk_table){ as->root, key, e - pt_index(va, 0) };
	}
	v = pte_load(e);
	if (unlikely(!pte_present(v) || (pte_prot(v) & need) != need))
		return NULL;
	if (write && !pte_dirty(v) && !pte_cmpxchg(e, v, pte_mark_dirty(pte_mark_accessed(v))))
		return NULL;
	return (char *)phys_to_virt(pte_paddr(v)) + va % (unlikely(large) ? pt_span(1) : PAGE_SIZE);
}

/* The byte at va for reading or writing, interrupts off until page_done(flags); NULL: the access faults for good. */
static __always_inline char *page_begin(vaddr_t va, bool write, unsigned long *flags)
{
	struct aspace *as = current->aspace;
	char *mem;

	if (unlikely(!as))
		return NULL;
	while (true) {
		*flags = arch_irq_save();
		debug_assert(atomic_load(&as->cpus) & cpu_mask(arch_cpu_self()->id));
		mem = page_lookup(as, va, write);
		if (likely(mem))
			return mem;
		arch_irq_restore(*flags);
		if (current->fault_disabled || !preemptible() ||
		    aspace_fault(as, va, write ? FAULT_WRITE : 0))
			return NULL;
		current->min_faults++;
	}
}

static inline void page_done(unsigned long flags) { arch_irq_restore(flags); }

/* One naturally aligned unit, as most copies of the calls' own words are, or any bytes. */
static __always_inline void move(void *dst, const void *src, size_t n)
{
	if (n == 8 && !(((uintptr_t)dst | (uintptr_t)src) & 7))
		*(__attribute__((may_alias)) u64 *)dst = *(const __attribute__((may_alias)) u64 *)src;
	else if (n == 1)
		*(u8 *)dst = *(const u8 *)src;
	else
		memcpy(dst, src, n);
}

static inline size_t chunk(vaddr_t va, size_t n) { return min(n, (size_t)(PAGE_SIZE - va % PAGE_SIZE)); }

size_t user_walk_copy_from(void *dst, const void __user *src, size_t n)
{
	vaddr_t va = (vaddr_t)src;
	unsigned long flags;
	char *mem;

	while (n) {
		size_t len = chunk(va, n);

		mem = page_begin(va, false, &flags);
		if (!mem)
			break;
		move(dst, mem, len);
		page_done(flags);
		dst = (char *)dst + len;
		va += len;
		n -= len;
	}
	return n;
}

size_t user_walk_copy_to(void __user *dst, const void *src, size_t n)
{
	vaddr_t va = (vaddr_t)dst;
	unsigned long flags;
	char *mem;

	while (n) {
		size_t len = chunk(va, n);

		mem = page_begin(va, true, &flags);
		if (!mem)
			break;
		move(mem, src, len);
		page_done(flags);
		src = (const char *)src + len;
		va += len;
		n -= len;
	}
	return n;
}

size_t user_walk_clear(void __user *dst, size_t n)
{
	vaddr_t va = (vaddr_t)dst;
	unsigned long flags;
	char *mem;

	while (n) {
		size_t len = chunk(va, n);

		mem = page_begin(va, true, &flags);
		if (!mem)
			break;
		memset(mem, 0, len);
		page_done(flags);
		va += len;
		n -= len;
	}
	return n;
}

ssize_t user_walk_copy_string(char *dst, const char __user *src, size_t max)
{
	vaddr_t va = (vaddr_t)src;
	unsigned long flags;
	char *mem;
	size_t done = 0;

	while (done < max) {
		size_t len = chunk(va, max - done), used;

		mem = page_begin(va, false, &flags);
		if (!mem)
			return -EFAULT;
		used = strnlen(mem, len);
		memcpy(dst + done, mem, used < len ? used + 1 : len);
		page_done(flags);
		done += used;
		if (used < len)
			return (ssize_t)done;
		va += len;
	}
	return (ssize_t)max;
}

int user_walk_load32(const u32 __user *src, u32 *value)
{
	unsigned long flags;
	char *mem;

	mem = page_begin((vaddr_t)src, false, &flags);
	if (!mem)
		return -EFAULT;
	*value = atomic_load((u32 *)mem);
	page_done(flags);
	return 0;
}

int user_walk_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev)
{
	unsigned long flags;
	char *mem;

	mem = page_begin((vaddr_t)dst, true, &flags);
	if (!mem)
		return -EFAULT;
	*prev = old;
	(void)atomic_cmpxchg((u32 *)mem, prev, new);
	page_done(flags);
	return 0;
}

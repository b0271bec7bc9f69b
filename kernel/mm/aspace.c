/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of an address space, and which CPU has it loaded.
 *
 * Activation is lazy: kernel threads and idle keep the tables of the space that ran before. A CPU
 * holds a reference on the space it has loaded; the switch may drop the last one, but cannot free
 * under the run-queue lock, so it puts the space on a list that the next creation or exit empties.
 * A bit in aspace.cpus means: this CPU may hold translations. It is set before the tables are
 * loaded and cleared after others are; what it keeps under the space's id is asid.c's.
 */
#include <kernel/cpu.h>
#include <kernel/event.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <lib/string.h>

#include "asid.h"
#include "aspace_internal.h"

static struct kmem_cache *aspace_cache __ro_after_init;
static struct aspace *dead_spaces;	/* [a] stack through dead_next */
static struct spinlock spaces_lock = SPINLOCK_INIT("spaces", LOCK_MISC);
static struct list spaces = LIST_INIT(spaces);	/* spaces_lock: those with users, by serial */
static u64 last_serial;				/* spaces_lock */

void aspace_caches_init(void)
{
	aspace_cache = kmem_cache_create("aspace", sizeof(struct aspace), 0, NULL);
	vma_cache_init();
	asid_init();
}

static void aspace_free_struct(struct epoch_head *h)
{
	kmem_cache_free(aspace_cache, container_of(h, struct aspace, epoch));
}

/* Whoever finds the space through a thread may still try to take a reference: the struct stays for an epoch. */
static void aspace_free(struct aspace *as)
{
	assert(!as->areas.root && !atomic_load(&as->cpus));
	debug_assert(atomic_load(&as->pt_pages) == 1);	/* the root */
	pgtable_page_free(phys_to_page(as->root));
	epoch_defer(&as->epoch, aspace_free_struct);
}

void aspace_free_dead(void)
{
	struct aspace *as = atomic_load(&dead_spaces) ? atomic_xchg(&dead_spaces, NULL) : NULL;

	while (as) {
		struct aspace *next = as->dead_next;

		aspace_free(as);
		as = next;
	}
}

/* Any context, any lock. */
static void put_later(struct aspace *as)
{
	struct aspace *head;

	if (!ref_put(&as->refs))
		return;
	head = atomic_load(&dead_spaces);
	do
		as->dead_next = head;
	while (!atomic_cmpxchg(&dead_spaces, &head, as));
}

static void copy_kernel_half(paddr_t root)
{
	const pte_t *from = phys_to_virt(kernel_root);
	pte_t *to = phys_to_virt(root);

	memcpy(to + 256, from + 256, 256 * sizeof(pte_t));
}

static void enlist(struct aspace *as)
{
	spin_lock(&spaces_lock);
	as->family = as->serial = ++last_serial;
	list_push_back(&spaces, &as->link);
	spin_unlock(&spaces_lock);
}

static void delist(struct aspace *as)
{
	spin_lock(&spaces_lock);
	list_remove(&as->link);
	spin_unlock(&spaces_lock);
}

struct aspace *aspace_after(u64 serial, u64 family)
{
	struct aspace *as, *found = NULL;

	spin_lock(&spaces_lock);
	list_for_each(as, &spaces, link)
		if (as->serial > serial && (!family || as->family == family)) {
			aspace_get(found = as);
			break;
		}
	spin_unlock(&spaces_lock);
	return found;
}

struct aspace *aspace_create(void)
{
	struct aspace *as;
	struct page *root;

	aspace_free_dead();
	as = kmem_cache_alloc(aspace_cache, ALLOC_ZERO);
	if (!as)
		return NULL;
	root = pgtable_page_alloc(ALLOC_ACCOUNT);
	if (!root) {
		kmem_cache_free(aspace_cache, as);
		return NULL;
	}
	as->root = page_to_phys(root);
	if (PTE_ROOT_HAS_KERNEL)
		copy_kernel_half(as->root);
	rwlock_init(&as->lock, "aspace", LOCK_ASPACE);
	ref_set(&as->users, 1);
	ref_set(&as->refs, 1);
	as->mmap_base = arch_layout.user_end - (64ull << 20);
	as->pt_pages = 1;
	enlist(as);
	return as;
}

void aspace_put(struct aspace *as)
{
	if (ref_put(&as->refs))
		aspace_free(as);
}

/* Interrupts off. This CPU lets the space go, if it has it loaded. */
static void unload_here(void *arg)
{
	struct aspace *as = arg;
	struct cpu *cpu = arch_cpu_self();

	if (cpu->active_space != as)
		return;
	cpu->active_space = NULL;
	arch_mmu_activate(as, NULL, MMU_DROP_NONE);
	event_count(EVENT_ROOT_WRITE);
	atomic_fetch_and(&as->cpus, ~cpu_mask(cpu->id));
	put_later(as);
}

/* No thread runs in the space any more: with no CPU holding it, tearing it down needs no flush. */
static void unload_everywhere(struct aspace *as)
{
	unsigned long irq = arch_irq_save();
	cpumask_t others;

	unload_here(as);
	arch_irq_restore(irq);
	others = atomic_load(&as->cpus);
	if (others)
		ipi_call(others, unload_here, as);
}

static void tear_down(struct aspace *as)
{
	struct list dead = LIST_INIT(dead);
	struct file *exe;

	aspace_lock(as);
	vma_unmap_range(as, 0, arch_layout.user_end, &dead);
	exe = as->exe;
	as->exe = NULL;
	aspace_unlock(as);
	vma_list_destroy(&dead);
	if (exe) {
		inode_allow_write(exe->inode);
		file_put(exe);
	}
}

void aspace_put_user(struct aspace *as)
{
	might_sleep();
	if (!ref_put(&as->users))
		return;
	delist(as);
	unload_everywhere(as);
	tear_down(as);
	aspace_put(as);
	aspace_free_dead();
}

/* Interrupts off. */
static void load(struct cpu *cpu, struct aspace *as)
{
	struct aspace *old = cpu->active_space;
	enum mmu_drop drop;

	aspace_get(as);
	drop = asid_take(as, cpu);
	atomic_fetch_or(&as->cpus, cpu_mask(cpu->id));
	/* Full: the bit is visible before this CPU walks the tables or looks at its mark. Pairs with the one in batch_cpus. */
	atomic_fence_full();
	if (asid_is_stale(as, cpu) && drop == MMU_DROP_NONE)
		drop = MMU_DROP_SPACE;
	cpu->active_space = as;
	arch_mmu_activate(old, as, drop);
	event_count(EVENT_ROOT_WRITE);
	if (old) {
		atomic_fetch_and(&old->cpus, ~cpu_mask(cpu->id));
		put_later(old);
	}
}

void __hot aspace_switch(struct thread *prev, struct thread *next)
{
	struct aspace *as = next->aspace;
	struct cpu *cpu;

	(void)prev;
	if (!as)
		return;
	cpu = arch_cpu_self();
	if (cpu->active_space != as)
		load(cpu, as);
}

void aspace_leave_cpu(void)
{
	struct aspace *as = arch_cpu_self()->active_space;

	if (as)
		unload_here(as);
}

void aspace_install(struct aspace *as)
{
	struct aspace *old = current->aspace;
	unsigned long irq = arch_irq_save();

	current->aspace = as;
	load(arch_cpu_self(), as);
	arch_irq_restore(irq);
	if (old) {
		as->no_huge = old->no_huge;
		aspace_put_user(old);
	}
}

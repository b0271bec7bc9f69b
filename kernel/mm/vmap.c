/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual space above the linear map: virtually contiguous memory, device registers,
 * firmware tables, kernel stacks. Areas lie in a gap tree under vmap_lock; every area is followed
 * by an unmapped guard page (stacks also have one below). Page-table entries of an area belong to
 * its owner.
 */
#include <kernel/fault.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/thread.h>

#include "gaptree.h"
#include "mm_internal.h"

struct vmap_area {
	struct gap_node gap;	/* [start, end): guard page included */
	u64 size;		/* mapped bytes */
	struct page *pages;	/* unmapped: its frames, chained by page.owner */
	struct vmap_area *next;	/* unmapped: others that wait for the flush */
};

#define LAZY_PAGES_MAX 256	/* frames that may wait for one common TLB flush */

static struct spinlock vmap_lock = SPINLOCK_INIT("vmap", LOCK_VMAP);
static struct rb_tree areas;		/* vmap_lock */
static struct vmap_area *lazy_areas;	/* vmap_lock: unmapped, but TLBs may still know them */
static u64 lazy_pages;			/* vmap_lock */
static struct kmem_cache *area_cache __ro_after_init;

vaddr_t vmap_area_alloc(u64 size)
{
	struct vmap_area *a = kmem_cache_alloc(area_cache, ALLOC_ATOMIC);
	unsigned long irq;
	vaddr_t at;

	if (!a)
		return 0;
	a->size = size;
	irq = spin_lock_irqsave(&vmap_lock);
	at = gap_find_low(&areas, arch_layout.vmap_base, arch_layout.vmap_end, size + PAGE_SIZE);
	if (at) {
		a->gap.start = at;
		a->gap.end = at + size + PAGE_SIZE;
		gap_insert(&areas, &a->gap);
	}
	spin_unlock_irqrestore(&vmap_lock, irq);
	if (!at)
		kmem_cache_free(area_cache, a);
	return at;
}

static struct vmap_area *area_at(vaddr_t va)
{
	struct gap_node *g = gap_find(&areas, va);

	return g && g->start == va ? container_of(g, struct vmap_area, gap) : NULL;
}

static u64 area_size(vaddr_t va)
{
	unsigned long irq = spin_lock_irqsave(&vmap_lock);
	struct vmap_area *a = area_at(va);
	u64 size = a ? a->size : 0;

	spin_unlock_irqrestore(&vmap_lock, irq);
	if (!size)
		panic("no kernel area begins at 0x%llx", (unsigned long long)va);
	return size;
}

/* The mapping is gone already: from here on the range may be used again. */
void vmap_area_free(vaddr_t va)
{
	unsigned long irq = spin_lock_irqsave(&vmap_lock);
	struct vmap_area *a = area_at(va);

	assert(a);
	gap_remove(&areas, &a->gap);
	spin_unlock_irqrestore(&vmap_lock, irq);
	kmem_cache_free(area_cache, a);
}

/* One flush for all areas that were unmapped since the last; then frames and ranges are free. */
bool vmap_purge(void)
{
	vaddr_t start = ~0ull, end = 0;
	struct vmap_area *all, *a;
	struct tlb_batch b;
	unsigned long irq;

	if (!preemptible())
		return false;
	irq = spin_lock_irqsave(&vmap_lock);
	all = lazy_areas;
	lazy_areas = NULL;
	lazy_pages = 0;
	spin_unlock_irqrestore(&vmap_lock, irq);
	if (!all)
		return false;
	for (a = all; a; a = a->next) {
		start = min(start, a->gap.start);
		end = max(end, a->gap.end);
	}
	tlb_batch_init(&b, NULL);
	tlb_batch_add(&b, start, 0);
	tlb_batch_add(&b, end - PAGE_SIZE, 0);
	tlb_batch_finish(&b);
	while ((a = all)) {
		all = a->next;
		while (a->pages) {
			struct page *p = a->pages;

			a->pages = p->owner;
			p->owner = NULL;
			page_free(p, 0);
		}
		vmap_area_free(a->gap.start);
	}
	return true;
}

/*
 * Unmaps [va, va+size) of an area. Frames and addresses are not used again before a TLB flush, which
 * is put off until enough has come together: it costs an interruption of every CPU.
 */
static void unmap_pages(vaddr_t area, vaddr_t va, u64 size)
{
	struct page *first = NULL;
	struct vmap_area *a;
	unsigned long irq;
	unsigned level;
	bool is_full;

	for (vaddr_t at = va; at < va + size; at += PAGE_SIZE) {
		pte_t *e = pgtable_lookup(kernel_root, at, &level);
		struct page *p;

		if (!e)
			continue;
		p = phys_to_page(pte_paddr(pte_load(e)));
		p->owner = first;
		first = p;
	}
	kernel_clear(va, size);
	irq = spin_lock_irqsave(&vmap_lock);
	a = area_at(area);
	a->pages = first;
	a->next = lazy_areas;
	lazy_areas = a;
	lazy_pages += size >> PAGE_SHIFT;
	is_full = lazy_pages > LAZY_PAGES_MAX;
	spin_unlock_irqrestore(&vmap_lock, irq);
	if (is_full)
		(void)vmap_purge();
}

/* Backs [va, va+size) with single frames. -ENOMEM: undone, the area is gone too. */
static bool map_pages(vaddr_t area, vaddr_t va, u64 size, u32 flags)
{
	for (u64 done = 0; done < size; done += PAGE_SIZE) {
		struct page *p = page_alloc(0, flags & ~ALLOC_USER);

		if (p && !kernel_map(va + done, page_to_phys(p), PAGE_SIZE,
				     PGPROT_READ | PGPROT_WRITE | PGPROT_GLOBAL, 0))
			continue;
		if (p)
			page_free(p, 0);
		unmap_pages(area, va, done);
		return false;
	}
	return true;
}

void *vmap_alloc(size_t size, u32 flags)
{
	vaddr_t va;

	if (size == 0 || size > arch_layout.vmap_end - arch_layout.vmap_base)
		return NULL;
	size = align_up(size, PAGE_SIZE);
	if (size >> PAGE_SHIFT > mm_free_pages() && (flags & ALLOC_ATOMIC))
		return NULL;
	va = vmap_area_alloc(size);
	return va && map_pages(va, va, size, flags) ? (void *)va : NULL;
}

void vmap_free(void *p)
{
	if (p)
		unmap_pages((vaddr_t)p, (vaddr_t)p, area_size((vaddr_t)p));
}

static vaddr_t map_physical(paddr_t pa, size_t size, unsigned prot)
{
	paddr_t base = align_down(pa, PAGE_SIZE);
	u64 bytes = align_up(pa + size, PAGE_SIZE) - base;
	vaddr_t va;

	if (!size || pa + size < pa)
		return 0;
	va = vmap_area_alloc(bytes);
	if (!va)
		return 0;
	if (kernel_map(va, base, bytes, prot | PGPROT_GLOBAL, 0)) {
		vmap_area_free(va);
		return 0;
	}
	return va + (pa - base);
}

static void unmap_physical(vaddr_t va)
{
	va = align_down(va, PAGE_SIZE);
	kernel_unmap(va, area_size(va));
	vmap_area_free(va);
}

void __iomem *mmio_map(paddr_t pa, size_t size)
{
	if (mem_set_overlaps(&bootmem_ram, pa, pa + size))
		return NULL;
	return (void __iomem *)map_physical(pa, size, PGPROT_READ | PGPROT_WRITE | PGPROT_DEVICE);
}

void mmio_unmap(void __iomem *p)
{
	if (p)
		unmap_physical((vaddr_t)p);
}

const void *firmware_map(paddr_t pa, size_t size)
{
	paddr_t base = align_down(pa, PAGE_SIZE);

	if (size && pa + size > pa &&
	    (mem_set_contains(&bootmem_ram, base, pa + size) ||
	     mem_set_contains(&bootmem_firmware, base, pa + size)))
		return phys_to_virt(pa);
	return (const void *)map_physical(pa, size, PGPROT_READ);
}

void firmware_unmap(const void *p)
{
	vaddr_t va = (vaddr_t)p;

	if (va >= arch_layout.vmap_base && va < arch_layout.vmap_end)
		unmap_physical(va);
}

/* ---- kernel stacks --------------------------------------------------------------------------- */

#define STACKS_PER_CPU 4
#define STACKS_KEPT 64

struct stack_cache {		/* own CPU, interrupts off */
	void *stack[STACKS_PER_CPU];
	u32 n;
};
static DEFINE_PERCPU(struct stack_cache, stack_cache);
/* Spares of all CPUs, linked through their lowest word. vmap_lock. */
static void **spare_stacks;
static u32 nr_spare_stacks;

static void *stack_cached(void)
{
	unsigned long irq = arch_irq_save();
	struct stack_cache *c = percpu(stack_cache);
	void *s = c->n ? c->stack[--c->n] : NULL;

	arch_irq_restore(irq);
	if (s)
		return s;
	irq = spin_lock_irqsave(&vmap_lock);
	if (spare_stacks) {
		s = spare_stacks;
		spare_stacks = *spare_stacks;
		nr_spare_stacks--;
	}
	spin_unlock_irqrestore(&vmap_lock, irq);
	return s;
}

void *kstack_alloc(void)
{
	void *s;
	vaddr_t area;

	if (fault_is_due(0))
		return NULL;
	s = stack_cached();
	if (s)
		return s;
	/* One page more than the stack: the area's first page stays unmapped and is the guard. */
	area = vmap_area_alloc(KSTACK_SIZE + PAGE_SIZE);
	if (!area || !map_pages(area, area + PAGE_SIZE, KSTACK_SIZE, 0))
		return NULL;
	mm_count(MM_KSTACK, KSTACK_SIZE / PAGE_SIZE);
	return (void *)(area + PAGE_SIZE);
}

static void stack_unmap(void *stack)
{
	mm_count(MM_KSTACK, -(s64)(KSTACK_SIZE / PAGE_SIZE));
	unmap_pages((vaddr_t)stack - PAGE_SIZE, (vaddr_t)stack, KSTACK_SIZE);
}

void kstack_free(void *stack)
{
	unsigned long irq;
	struct stack_cache *c;

	if (!stack)
		return;
	irq = arch_irq_save();
	c = percpu(stack_cache);
	if (c->n < STACKS_PER_CPU) {
		c->stack[c->n++] = stack;
		stack = NULL;
	}
	arch_irq_restore(irq);
	if (!stack)
		return;
	irq = spin_lock_irqsave(&vmap_lock);
	if (nr_spare_stacks < STACKS_KEPT) {
		*(void **)stack = spare_stacks;
		spare_stacks = stack;
		nr_spare_stacks++;
		stack = NULL;
	}
	spin_unlock_irqrestore(&vmap_lock, irq);
	if (stack)
		stack_unmap(stack);
}

void kstack_drain_cpu(void)
{
	unsigned long irq = arch_irq_save();
	struct stack_cache *c = percpu(stack_cache);

	spin_lock(&vmap_lock);
	while (c->n) {
		void **stack = c->stack[--c->n];

		*stack = spare_stacks;
		spare_stacks = stack;
		nr_spare_stacks++;
	}
	spin_unlock(&vmap_lock);
	arch_irq_restore(irq);
}

void kstack_trim(void)
{
	while (1) {
		unsigned long irq = spin_lock_irqsave(&vmap_lock);
		void *stack = spare_stacks;

		if (stack) {
			spare_stacks = *spare_stacks;
			nr_spare_stacks--;
		}
		spin_unlock_irqrestore(&vmap_lock, irq);
		if (!stack)
			break;
		stack_unmap(stack);
	}
}

void vmap_init(void)
{
	area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area), 0, NULL);
}

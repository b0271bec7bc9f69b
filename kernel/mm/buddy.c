/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a buddy allocator per zone and a small cache of single pages per CPU.
 *
 * A zone's free blocks of 2^order pages hang in one list per order; a block's head bears
 * PAGE_BUDDY. Blocks of 4 MiB hold either pages of programs and files, or the kernel's own: the first come and go
 * together, and what they leave is large again. A kind that has no room takes over a block that is half free, or else
 * goes into the other's: no request fails because of its kind. Single pages go through the CPU's cache with interrupts off and without a lock. When
 * the zones run low, further sections come online first (sections.c), then shrinkers and the OOM
 * killer help (reclaim.c). Interrupt handlers may free, never allocate.
 */
#include <kernel/boot.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/group.h>
#include <kernel/log.h>
#include <kernel/pagecache.h>
#include <kernel/paint.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/waitq.h>

#include "group_memory.h"
#include "mm_internal.h"

#define PCP_BATCH 8
#define PCP_MAX 16		/* of each kind */
#define BLOCK_PAGES (1ull << PAGE_ORDER_MAX)
#define CONVERT_ORDER (PAGE_ORDER_MAX - 1)	/* so much free in a block, and it may change its kind */
#define OOM_ROUNDS 64		/* about 20 ms each: a killed program needs time to go */

struct zone {
	struct spinlock lock;			/* LOCK_ZONE, irq */
	struct list free[PAGE_KINDS][PAGE_ORDER_MAX + 1];	/* lock */
	u64 nr_blocks[PAGE_KINDS][PAGE_ORDER_MAX + 1];		/* lock; read without */
	u64 nr_free;				/* lock; read without */
};
static struct zone zones[ZONE_COUNT];

struct page_cache_cpu {		/* own CPU, interrupts off */
	struct page *pages[PAGE_KINDS][PCP_MAX];
	u32 n[PAGE_KINDS];	/* [a] changed by its own CPU only */
	struct page_cache_cpu *next;	/* in pcp_all */
	bool is_listed;
};
static DEFINE_PERCPU(struct page_cache_cpu, pcp);
static struct page_cache_cpu *pcp_all;	/* [a] the caches of all CPUs that ever had pages; only grows */

u32 alloc_init_flags;
u64 buddy_low_mark, buddy_min_mark, buddy_high_mark;
static u64 total_pages;

static struct zone *zone_of(pfn_t pfn)
{
	return &zones[pfn < ZONE_DMA32_END_PFN ? ZONE_DMA32 : ZONE_NORMAL];
}

static struct page *first_of_block(struct page *p) { return pfn_to_page(page_to_pfn(p) & ~(BLOCK_PAGES - 1)); }
static enum page_kind kind_of(struct page *p) { return (enum page_kind)first_of_block(p)->block_kind; }

static void block_link(struct zone *z, struct page *p, unsigned order)
{
	enum page_kind kind = kind_of(p);

	p->flags = PAGE_BUDDY;
	p->order = order;
	list_push_front(&z->free[kind][order], &p->lru);
	z->nr_blocks[kind][order]++;
}

static void block_unlink(struct zone *z, struct page *p, unsigned order)
{
	list_remove(&p->lru);
	p->flags = 0;
	z->nr_blocks[kind_of(p)][order]--;
}

/* Zone lock held. Frees a block and joins it with its free buddies. */
static void zone_free(struct zone *z, pfn_t pfn, unsigned order)
{
	lock_assert_held(&z->lock);
	z->nr_free += 1ull << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		struct page *buddy = pfn_to_page(pfn ^ (1ull << order));

		if (!(buddy->flags & PAGE_BUDDY) || buddy->order != order)
			break;
		block_unlink(z, buddy, order);
		pfn &= ~(1ull << order);
	}
	block_link(z, pfn_to_page(pfn), order);
}

/* Zone lock held. Takes 2^order pages out of the free block p of 2^o. */
static struct page *take_part(struct zone *z, struct page *p, unsigned o, unsigned order)
{
	block_unlink(z, p, o);
	while (o > order) {	/* give the upper halves back */
		o--;
		block_link(z, p + (1ull << o), o);
	}
	z->nr_free -= 1ull << order;
	return p;
}

/* Zone lock held. The 4 MiB around p, with all that is free in them, are of that kind from now on. */
static void convert(struct zone *z, struct page *p, enum page_kind kind)
{
	struct page *first = first_of_block(p);
	enum page_kind old = kind_of(p);

	first->block_kind = (u8)kind;
	for (u64 i = 0; i < BLOCK_PAGES; i++) {
		struct page *at = first + i;

		if (!(at->flags & PAGE_BUDDY))
			continue;
		list_remove(&at->lru);
		list_push_front(&z->free[kind][at->order], &at->lru);
		z->nr_blocks[old][at->order]--;
		z->nr_blocks[kind][at->order]++;
		i += (1ull << at->order) - 1;
	}
}

/* Zone lock held. NULL: no block of that size. */
static struct page *zone_take(struct zone *z, unsigned order, enum page_kind kind)
{
	enum page_kind other = kind == PAGES_MOVABLE ? PAGES_UNMOVABLE : PAGES_MOVABLE;

	for (unsigned o = order; o <= PAGE_ORDER_MAX; o++) {
		struct page *p = list_first(&z->free[kind][o], struct page, lru);

		if (p)
			return take_part(z, p, o, order);
	}
	/* The largest of the other's: what is left of it serves the next requests. */
	for (unsigned o = PAGE_ORDER_MAX + 1; o-- > order;) {
		struct page *p = list_first(&z->free[other][o], struct page, lru);

		if (!p)
			continue;
		if (o >= CONVERT_ORDER)
			convert(z, p, kind);
		return take_part(z, p, o, order);
	}
	return NULL;
}

static enum page_kind kind_wanted(u32 flags) { return flags & ALLOC_USER ? PAGES_MOVABLE : PAGES_UNMOVABLE; }

/* NULL: no block of that size, or fewer than `keep` pages would stay. */
static struct page *zones_take(unsigned order, u32 flags, u64 keep)
{
	if (buddy_free_pages() < keep + (1ull << order))
		return NULL;
	for (int i = flags & ALLOC_DMA32 ? ZONE_DMA32 : ZONE_NORMAL; i >= 0; i--) {
		struct zone *z = &zones[i];
		unsigned long irq;
		struct page *p;

		if (atomic_load(&z->nr_free) < 1ull << order)
			continue;
		irq = spin_lock_irqsave(&z->lock);
		p = zone_take(z, order, kind_wanted(flags));
		spin_unlock_irqrestore(&z->lock, irq);
		if (p)
			return p;
	}
	return NULL;
}

/* Own CPU, interrupts off. */
static void pcp_enlist(struct page_cache_cpu *c)
{
	c->is_listed = true;
	c->next = atomic_load(&pcp_all);
	while (!atomic_cmpxchg(&pcp_all, &c->next, c))	/* release: pairs with pcp_sum's load */
		;
}

static u64 pcp_sum(void)
{
	u64 n = 0;

	for (struct page_cache_cpu *c = atomic_load_acquire(&pcp_all); c; c = c->next)
		n += atomic_load(&c->n[PAGES_MOVABLE]) + atomic_load(&c->n[PAGES_UNMOVABLE]);
	return n;
}

/* Own CPU, interrupts off, none of that kind left: a batch, for which each zone's lock is taken once. */
static void pcp_refill(struct page_cache_cpu *c, enum page_kind kind)
{
	unsigned n = 0;

	if (unlikely(!c->is_listed))
		pcp_enlist(c);
	for (int i = ZONE_NORMAL; i >= 0 && n < PCP_BATCH; i--) {
		struct zone *z = &zones[i];
		unsigned long irq;
		struct page *p;

		if (!atomic_load(&z->nr_free))
			continue;
		irq = spin_lock_irqsave(&z->lock);
		while (n < PCP_BATCH && (p = zone_take(z, 0, kind)))
			c->pages[kind][n++] = p;
		spin_unlock_irqrestore(&z->lock, irq);
	}
	atomic_store(&c->n[kind], n);
}

/* One page from this CPU's cache, refilled by a batch. */
static struct page *pcp_take(u32 flags, u64 keep)
{
	unsigned long irq = arch_irq_save();
	struct page_cache_cpu *c = percpu(pcp);
	enum page_kind kind = kind_wanted(flags);
	struct page *p = NULL;

	if (!c->n[kind] && buddy_free_pages() > keep) {
		pcp_refill(c, kind);
		if (unlikely(!c->n[kind]))	/* the other kind's are the last there are */
			kind = kind == PAGES_MOVABLE ? PAGES_UNMOVABLE : PAGES_MOVABLE;
		if (buddy_free_pages() < buddy_low_mark && !sections_offline_free())
			writeback_relieve();
	}
	if (c->n[kind]) {
		p = c->pages[kind][c->n[kind] - 1];
		atomic_store(&c->n[kind], c->n[kind] - 1);
	}
	arch_irq_restore(irq);
	return p;
}

static void zone_free_one(struct page *p, unsigned order)
{
	pfn_t pfn = page_to_pfn(p);
	struct zone *z = zone_of(pfn);
	unsigned long irq = spin_lock_irqsave(&z->lock);

	zone_free(z, pfn, order);
	spin_unlock_irqrestore(&z->lock, irq);
}

/* Own CPU, interrupts off. The last n pages of that kind go to their zones, each of whose locks is taken once in a row. */
static void pcp_give_back(struct page_cache_cpu *c, enum page_kind kind, unsigned n)
{
	unsigned have = c->n[kind], end = have - n;

	while (have > end) {
		struct zone *z = zone_of(page_to_pfn(c->pages[kind][have - 1]));
		unsigned long irq = spin_lock_irqsave(&z->lock);

		while (have > end && zone_of(page_to_pfn(c->pages[kind][have - 1])) == z)
			zone_free(z, page_to_pfn(c->pages[kind][--have]), 0);
		spin_unlock_irqrestore(&z->lock, irq);
	}
	atomic_store(&c->n[kind], end);
}

static void pcp_put(struct page *p)
{
	unsigned long irq = arch_irq_save();
	struct page_cache_cpu *c = percpu(pcp);
	enum page_kind kind = kind_of(p);	/* another CPU may convert the block: then it counts for the wrong one */

	if (unlikely(!c->is_listed))
		pcp_enlist(c);
	if (c->n[kind] == PCP_MAX)
		pcp_give_back(c, kind, PCP_BATCH);
	c->pages[kind][c->n[kind]] = p;
	atomic_store(&c->n[kind], c->n[kind] + 1);
	arch_irq_restore(irq);
}

void buddy_drain_cpu(void)
{
	unsigned long irq = arch_irq_save();
	struct page_cache_cpu *c = percpu(pcp);

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++)
		pcp_give_back(c, (enum page_kind)kind, c->n[kind]);
	arch_irq_restore(irq);
}

static struct page *try_alloc(unsigned order, u32 flags, u64 keep)
{
	if (order == 0 && !(flags & ALLOC_DMA32))
		return pcp_take(flags, keep);
	return zones_take(order, flags, keep);
}

/* Reclaim, then the OOM killer. */
static struct page *alloc_with_reclaim(unsigned order, u32 flags)
{
	struct page *p;

	for (unsigned round = 0; round < OOM_ROUNDS; round++) {
		if (!reclaim_pages(1ull << order, flags) && order <= 3 &&
		    !reclaim_oom(1ull << order, round))
			break;
		buddy_drain_cpu();
		if ((p = try_alloc(order, flags, buddy_min_mark)))
			return p;
		if (order > 3 && round > 2)
			break;		/* large blocks are worth asking for, not killing for */
	}
	return order == 0 ? try_alloc(0, flags, buddy_min_mark / 2) : NULL;
}

/* The long way: more sections, then making room. */
static struct page *alloc_slow(unsigned order, u32 flags)
{
	struct memory_stall stall;
	struct page *p;

	while (section_online_next())
		if ((p = try_alloc(order, flags, buddy_min_mark)))
			return p;
	if (flags & ALLOC_ATOMIC)
		return try_alloc(order, flags, 0);
	if (flags & ALLOC_TRY)
		return NULL;
	if (!preemptible())
		return alloc_with_reclaim(order, flags);
	memory_stall_begin(&stall);
	p = alloc_with_reclaim(order, flags);
	memory_stall_end(&stall);
	return p;
}

/* ALLOC_NO_FAIL: the last pages first; others' ends give more. */
static struct page *wait_for_memory(unsigned order, u32 flags)
{
	struct page *p = try_alloc(order, flags, 0);

	if (p)
		return p;
	debug_assert(order <= 3);
	(void)sleep_until(time_ns() + 10 * NSEC_PER_MSEC, false);
	return alloc_slow(order, flags);
}

/* The root group is not counted: its pages name none. */
static int charge(struct page *p, unsigned order, u32 flags)
{
	struct group *g = atomic_load(&current->group);
	int err;

	if (!g || g == &group_root)
		return 0;
	g = group_of_thread(current);	/* somebody may move us meanwhile */
	if (g == &group_root) {
		group_put(g);
		return 0;
	}
	err = group_memory_charge(g, 1ull << order, flags);
	if (err)
		group_put(g);
	else
		p->group = g;
	return err;
}

static void uncharge(struct page *p, unsigned order)
{
	struct group *g = p->group;

	p->group = NULL;
	if (p->flags & PAGE_ANON)
		group_memory_count(g, GM_ANON, -(1ll << order));
	group_uncharge_pages(g, 1ull << order);
	group_put(g);
}

struct page *page_alloc(unsigned order, u32 flags)
{
	struct page *p;

	assert(order <= PAGE_ORDER_MAX);
	flags |= current->alloc_context | alloc_init_flags;
	if (fault_is_due(flags))
		return NULL;
	p = try_alloc(order, flags, flags & ALLOC_ATOMIC ? buddy_min_mark / 2 : buddy_min_mark);
	if (unlikely(!p))
		p = alloc_slow(order, flags);
	while (unlikely(!p && flags & ALLOC_NO_FAIL))
		p = wait_for_memory(order, flags);
	if (unlikely(!p)) {
		if (!(flags & (ALLOC_NOWARN | ALLOC_ATOMIC)))
			log_warn("memory: no block of %llu KiB for %s", 4ull << order, current->name);
		return NULL;
	}
	debug_assert(ref_read(&p->refs) == 0 && !(p->flags & ~PAGE_BUDDY));
	p->flags = 0;
	p->order = order;
	p->mapcount = 0;
	p->mapping = NULL;
	p->owner = NULL;
	p->group = NULL;
	list_init(&p->lru);
	ref_set(&p->refs, 1);
	if ((flags & (ALLOC_USER | ALLOC_ACCOUNT)) && charge(p, order, flags)) {
		page_free(p, order);
		return NULL;
	}
	if (flags & ALLOC_ZERO)
		for (u64 i = 0; i < 1ull << order; i++)
			arch_page_clear((char *)page_to_virt(p) + i * PAGE_SIZE);
	else
		paint(page_to_virt(p), PAGE_SIZE << order);
	mm_count(MM_PGALLOC, 1ll << order);
	return p;
}

/* refs are 0. */
static void block_free(struct page *p, unsigned order)
{
	assert(!(p->flags & (PAGE_RESERVED | PAGE_BUDDY | PAGE_SLAB | PAGE_LRU)) && p->order == order);
	if (p->group)
		uncharge(p, order);
	p->flags = 0;
	mm_count(MM_PGFREE, 1ll << order);
	if (order == 0)
		pcp_put(p);
	else
		zone_free_one(p, order);
}

void page_put(struct page *p)
{
	debug_assert(ref_read(&p->refs) > 0);
	if (ref_put(&p->refs))
		block_free(p, p->order);
}

void page_free(struct page *p, unsigned order)
{
	assert(ref_read(&p->refs) == 1);
	ref_set(&p->refs, 0);
	block_free(p, order);
}

void page_split(struct page *p, unsigned order)
{
	debug_assert(ref_read(&p->refs) == 1 && p->order == order);
	for (u64 i = 0; i < 1ull << order; i++) {
		struct page *one = p + i;

		one->flags = p->flags;
		one->order = 0;
		one->mapcount = 0;
		one->mapping = NULL;
		one->owner = NULL;
		list_init(&one->lru);
		if (i) {
			one->group = p->group ? group_get(p->group) : NULL;
			ref_set(&one->refs, 1);
		}
	}
}

void page_put_block(struct page *p, unsigned order)
{
	u64 n = 1ull << order;
	bool is_ours = true;

	for (u64 i = 0; i < n && is_ours; i++)
		is_ours = ref_read(&p[i].refs) == 1;
	for (u64 i = 0; i < n; i++) {
		if (!is_ours) {
			page_put(p + i);
			continue;
		}
		/* Nothing shows the page any more: nobody can come by a reference. */
		assert(!(p[i].flags & (PAGE_RESERVED | PAGE_BUDDY | PAGE_SLAB | PAGE_LRU)) && p[i].order == 0);
		ref_set(&p[i].refs, 0);
		if (p[i].group)
			uncharge(p + i, 0);
		p[i].flags = 0;
	}
	if (!is_ours)
		return;
	mm_count(MM_PGFREE, (s64)n);
	zone_free_one(p, order);
}

/* A page that was free is the caller's. */
static void make_ours(struct page *p)
{
	p->flags = 0;
	p->order = 0;
	p->mapcount = 0;
	p->mapping = NULL;
	p->owner = NULL;
	p->group = NULL;
	list_init(&p->lru);
	ref_set(&p->refs, 1);
}

u64 buddy_isolate(struct page *first, u64 n, u64 *held)
{
	struct zone *z = zone_of(page_to_pfn(first));
	unsigned long irq = spin_lock_irqsave(&z->lock);
	u64 taken = 0;

	for (u64 i = 0; i < n; i++) {
		u64 size = 1ull << first[i].order;

		if (!(first[i].flags & PAGE_BUDDY) || size > n - i)
			continue;
		(void)take_part(z, first + i, first[i].order, first[i].order);
		for (u64 k = i; k < i + size; k++) {
			make_ours(first + k);
			held[k / 64] |= BIT(k % 64);
		}
		taken += size;
		i += size - 1;
	}
	spin_unlock_irqrestore(&z->lock, irq);
	return taken;
}

/* Zone lock held. A free block of pages for programs that is smaller than a large page. */
static struct page *take_small(struct zone *z)
{
	for (unsigned o = 0; o < CONVERT_ORDER; o++) {
		struct page *p = list_first(&z->free[PAGES_MOVABLE][o], struct page, lru);

		if (p)
			return take_part(z, p, o, 0);
	}
	return NULL;
}

struct page *buddy_take_small(void)
{
	struct page *p = NULL;

	for (int i = ZONE_NORMAL; i >= 0 && !p; i--) {
		unsigned long irq = spin_lock_irqsave(&zones[i].lock);

		p = take_small(&zones[i]);
		spin_unlock_irqrestore(&zones[i].lock, irq);
	}
	if (p)
		make_ours(p);
	return p;
}

u64 buddy_small_pages(void)
{
	u64 n = 0;

	for (int i = 0; i < ZONE_COUNT; i++)
		for (unsigned o = 0; o < CONVERT_ORDER; o++)
			n += atomic_load(&zones[i].nr_blocks[PAGES_MOVABLE][o]) << o;
	return n;
}

void buddy_return_block(struct page *p, unsigned order)
{
	for (u64 i = 0; i < 1ull << order; i++) {
		assert(ref_read(&p[i].refs) == 1 && !p[i].group && !(p[i].flags & PAGE_LRU) && !p[i].mapcount);
		p[i].flags = 0;
		ref_set(&p[i].refs, 0);
	}
	zone_free_one(p, order);
}

void buddy_add_range(pfn_t start, pfn_t end)
{
	struct zone *z = zone_of(start);
	unsigned long irq = spin_lock_irqsave(&z->lock);

	while (start < end) {
		unsigned order = start ? min(ctz64(start), (unsigned)PAGE_ORDER_MAX) : PAGE_ORDER_MAX;

		while (start + (1ull << order) > end)
			order--;
		zone_free(z, start, order);
		start += 1ull << order;
	}
	spin_unlock_irqrestore(&z->lock, irq);
}

u64 buddy_free_pages(void)
{
	u64 n = pcp_sum();

	for (int i = 0; i < ZONE_COUNT; i++)
		n += atomic_load(&zones[i].nr_free);
	return n;
}

u64 buddy_total_pages(void) { return total_pages; }

void buddy_counts(u64 free[ZONE_COUNT][PAGE_ORDER_MAX + 1])
{
	for (int i = 0; i < ZONE_COUNT; i++)
		for (int o = 0; o <= PAGE_ORDER_MAX; o++)
			free[i][o] = atomic_load(&zones[i].nr_blocks[PAGES_MOVABLE][o]) +
				     atomic_load(&zones[i].nr_blocks[PAGES_UNMOVABLE][o]);
}

void zone_kind_counts(unsigned index, enum page_kind kind, u64 blocks[PAGE_ORDER_MAX + 1])
{
	for (int o = 0; o <= PAGE_ORDER_MAX; o++)
		blocks[o] = index < ZONE_COUNT ? atomic_load(&zones[index].nr_blocks[kind][o]) : 0;
}

void buddy_set_total(u64 pages)
{
	total_pages = pages;
	buddy_min_mark = clamp(pages / 128, 32ull, 2048ull);
	buddy_low_mark = buddy_min_mark + buddy_min_mark / 2;
	buddy_high_mark = buddy_min_mark * 2;
}

void buddy_init(void)
{
	alloc_init_flags = cmdline_u64("init_on_alloc", 0) ? ALLOC_ZERO : 0;
	paint_init();
	for (int i = 0; i < ZONE_COUNT; i++) {
		spin_init(&zones[i].lock, "zone", LOCK_ZONE);
		for (int o = 0; o <= PAGE_ORDER_MAX; o++)
			for (int kind = 0; kind < PAGE_KINDS; kind++)
				list_init(&zones[i].free[kind][o]);
	}
}

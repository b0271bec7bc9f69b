/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slab allocator: caches of equal objects in blocks of 2^order pages. Each CPU keeps a magazine of
 * free objects per cache, linked through the objects; below it lie the cache's partly used slabs
 * under its lock. The kmalloc size classes (heap.c) are caches too.
 *
 * Free-list links are stored disguised (xor with a per-boot secret and their own address), so that
 * an overwritten link leads to a caught wild pointer and not to a chosen one. Debug builds put
 * a red zone behind objects and poison free ones. Objects of caches with a constructor keep their
 * contents while free: their link lies behind the object.
 *
 * Layout of a slot: object, [link if ctor], [red zone word if debug], padding to the alignment.
 */
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/log.h>
#include <kernel/paint.h>
#include <kernel/random.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "mm_internal.h"
#include "slab.h"

#define MAGAZINE_MAX 16
#define REDZONE_FREE 0x5f6465657246ull
#define REDZONE_USED 0x5f6573556e49ull
#define POISON_BYTE 0x6b
#define POISON_WORD 0x6b6b6b6b6b6b6b6bull
#define POISON_MAX 128		/* bytes of a free object that are poisoned and checked */

struct magazine {		/* own CPU, interrupts off */
	void *first;		/* plain pointer; the links in the objects are disguised */
	u32 n;
};
static DEFINE_PERCPU(struct magazine, magazines[SLAB_CACHES_MAX]);

static struct kmem_cache cache_table[SLAB_CACHES_MAX];
static u32 nr_caches;			/* [a] */
static struct spinlock cache_table_lock = SPINLOCK_INIT("slab-table", LOCK_MISC);
static u64 secret __ro_after_init;

static void **link_of(const struct kmem_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link_offset);
}

static void *link_get(const struct kmem_cache *c, void *obj)
{
	void **at = link_of(c, obj);

	return (void *)((u64)*at ^ secret ^ (u64)at);
}

static void link_set(const struct kmem_cache *c, void *obj, void *next)
{
	void **at = link_of(c, obj);

	*at = (void *)((u64)next ^ secret ^ (u64)at);
}

static u64 *redzone_of(const struct kmem_cache *c, void *obj)
{
	return (u64 *)((char *)obj + c->redzone_offset);
}

static struct page *slab_head(const struct kmem_cache *c, const void *obj)
{
	return pfn_to_page((virt_to_phys(obj) >> PAGE_SHIFT) & ~((1ull << c->order) - 1));
}

/* ---- debug checks ------------------------------------------------------------------------- */

static void debug_freed(struct kmem_cache *c, void *obj)
{
	size_t n = min(c->object_size, (size_t)POISON_MAX);

	if (c->redzone_offset)
		*redzone_of(c, obj) = REDZONE_FREE;
	if (c->link_offset == 0 && n > 8)
		memset((char *)obj + 8, POISON_BYTE, n - 8);
}

static void debug_allocated(struct kmem_cache *c, void *obj)
{
	size_t n = min(c->object_size, (size_t)POISON_MAX);

	if (c->redzone_offset && *redzone_of(c, obj) != REDZONE_FREE)
		panic("slab %s: the red zone of free object %p is damaged", c->name, obj);
	for (size_t i = 8; c->link_offset == 0 && i + 8 <= n; i += 8)
		if (*(u64 *)((char *)obj + i) != POISON_WORD)
			panic("slab %s: object %p was written to after free, at offset %zu", c->name, obj, i);
	if (c->redzone_offset)
		*redzone_of(c, obj) = REDZONE_USED;
	else if (c->link_offset == 0 && n >= 16)
		memset((char *)obj + 8, ~POISON_BYTE, 8);	/* in use, for the check of double frees */
}

/*
 * Does it lie in a list of free objects? Poison alone may also be what a program wrote there (a path of sixty k); the
 * disguised link in front cannot be guessed. Only asked when the poison is there.
 */
static bool has_free_link(const struct kmem_cache *c, void *obj)
{
	u64 next = (u64)link_get(c, obj), offset = next - arch_layout.linear_base;

	return !next || (offset < arch_layout.linear_size && pfn_is_ram(virt_to_phys((void *)next) >> PAGE_SHIFT) &&
			 slab_page_cache(virt_to_page((void *)next)) == c);
}

/* Bytes from the beginning of the slot that p points into; p lies in a slab of c. */
static size_t slot_offset(const struct kmem_cache *c, const void *p)
{
	return ((vaddr_t)p - (vaddr_t)page_to_virt(slab_head(c, p))) % c->slot_size;
}

static void debug_freeing(struct kmem_cache *c, void *obj)
{
	u64 mark = REDZONE_USED;

	if (slot_offset(c, obj))
		panic("slab %s: %p is not the beginning of an object", c->name, obj);
	if (c->redzone_offset)
		mark = *redzone_of(c, obj);
	else if (c->link_offset == 0 && c->object_size >= 64 &&
		 !memcmp((char *)obj + 8, (char *)obj + 16, 48) && ((u64 *)obj)[1] == POISON_WORD && has_free_link(c, obj))
		mark = REDZONE_FREE;
	if (mark == REDZONE_FREE)
		panic("slab %s: object %p is freed twice", c->name, obj);
	if (mark != REDZONE_USED)
		panic("slab %s: object %p was written past its end", c->name, obj);
}

/* ---- slabs --------------------------------------------------------------------------------- */

/* Cuts a new slab into free objects. NULL: no memory. */
static struct page *slab_create(struct kmem_cache *c, u32 flags)
{
	struct page *head = page_alloc(c->order, flags & ~(ALLOC_ZERO | ALLOC_USER | ALLOC_DMA32));
	char *base;
	void *next = NULL;

	if (!head)
		return NULL;
	for (u64 i = 0; i < 1ull << c->order; i++) {
		head[i].flags |= PAGE_SLAB;
		head[i].owner = c;
	}
	base = page_to_virt(head);
	for (u32 i = c->per_slab; i-- > 0;) {
		void *obj = base + (size_t)i * c->slot_size;

		if (c->ctor)
			c->ctor(obj);
		if (CONFIG_DEBUG)
			debug_freed(c, obj);
		link_set(c, obj, next);
		next = obj;
	}
	head->slab_free = next;
	head->slab_inuse = 0;
	mm_count(MM_SLAB, 1ll << c->order);
	return head;
}

static void slab_destroy(struct kmem_cache *c, struct page *head)
{
	for (u64 i = 0; i < 1ull << c->order; i++) {
		head[i].flags &= ~PAGE_SLAB;
		head[i].owner = NULL;
	}
	head->slab_free = NULL;
	mm_count(MM_SLAB, -(1ll << c->order));
	page_free(head, c->order);
}

/* Cache lock held; the slab has a free object. */
static void *slab_take(struct kmem_cache *c, struct page *head)
{
	void *obj = head->slab_free;

	if (unlikely(slab_head(c, obj) != head))
		panic("slab %s: free list of slab %p leads to %p", c->name, page_to_virt(head), obj);
	head->slab_free = link_get(c, obj);
	head->slab_inuse++;
	if (!head->slab_free)
		list_remove(&head->lru);	/* full slabs are on no list */
	c->nr_used++;
	return obj;
}

/* Cache lock held. Returns a slab to destroy, or NULL. */
static struct page *slab_give(struct kmem_cache *c, void *obj)
{
	struct page *head = slab_head(c, obj);

	if (!head->slab_free)
		list_push_front(&c->partial, &head->lru);
	link_set(c, obj, head->slab_free);
	head->slab_free = obj;
	c->nr_used--;
	if (--head->slab_inuse)
		return NULL;
	/* One empty slab is kept, so that a cache at its edge does not churn pages. */
	if (c->nr_empty == 0) {
		c->nr_empty = 1;
		list_remove(&head->lru);
		list_push_back(&c->partial, &head->lru);
		return NULL;
	}
	list_remove(&head->lru);
	c->nr_slabs--;
	return head;
}

/* From the shared part; NULL: no memory. */
static void *shared_alloc(struct kmem_cache *c, u32 flags)
{
	unsigned long irq = spin_lock_irqsave(&c->lock);
	struct page *head = list_first(&c->partial, struct page, lru);
	void *obj;

	if (!head) {
		spin_unlock_irqrestore(&c->lock, irq);
		head = slab_create(c, flags);
		if (!head)
			return NULL;
		irq = spin_lock_irqsave(&c->lock);
		list_push_front(&c->partial, &head->lru);
		c->nr_slabs++;
		c->nr_empty++;
	}
	if (head->slab_inuse == 0)
		c->nr_empty--;
	obj = slab_take(c, head);
	spin_unlock_irqrestore(&c->lock, irq);
	return obj;
}

static void shared_free(struct kmem_cache *c, void *obj)
{
	unsigned long irq = spin_lock_irqsave(&c->lock);
	struct page *dead = slab_give(c, obj);

	spin_unlock_irqrestore(&c->lock, irq);
	if (dead)
		slab_destroy(c, dead);
}

/* ---- the fast path ------------------------------------------------------------------------- */

void *kmem_cache_alloc(struct kmem_cache *c, u32 flags)
{
	unsigned long irq;
	struct magazine *m;
	void *obj;

	if (fault_is_due(flags))
		return NULL;
	irq = arch_irq_save();
	m = &percpu(magazines[0])[c->id];
	obj = m->first;
	if (likely(obj)) {
		if (CONFIG_DEBUG && unlikely(!has_free_link(c, obj)))
			panic("slab %s: the free list was overwritten at %p", c->name, obj);
		m->first = link_get(c, obj);
		m->n--;
		arch_irq_restore(irq);
	} else {
		arch_irq_restore(irq);
		obj = shared_alloc(c, flags);
		if (!obj)
			return NULL;
	}
	if (CONFIG_DEBUG)
		debug_allocated(c, obj);
	if (((flags | alloc_init_flags) & ALLOC_ZERO) && !c->ctor)
		memset(obj, 0, c->object_size);
	else if (!c->ctor)
		paint(obj, c->object_size);
	return obj;
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	unsigned long irq;
	struct magazine *m;
	void *spill = NULL;

	if (!obj)
		return;
	if (unlikely(slab_page_cache(virt_to_page(obj)) != c))
		panic("slab %s: %p is not one of its objects", c->name, obj);
	if (CONFIG_DEBUG) {
		debug_freeing(c, obj);
		debug_freed(c, obj);
	}
	irq = arch_irq_save();
	m = &percpu(magazines[0])[c->id];
	if (m->n < c->magazine_size) {
		link_set(c, obj, m->first);
		m->first = obj;
		m->n++;
		obj = NULL;
	} else if (m->first && c->magazine_size) {
		/* Full: half of it goes back along with obj. */
		u32 keep = m->n / 2;
		void *at = m->first;

		spill = at;
		while (m->n > keep) {
			m->n--;
			m->first = link_get(c, m->first);
		}
		for (void *next = at; (next = link_get(c, at)) != m->first;)
			at = next;
		link_set(c, at, NULL);
	}
	arch_irq_restore(irq);
	if (obj)
		shared_free(c, obj);
	while (spill) {
		void *next = link_get(c, spill);

		shared_free(c, spill);
		spill = next;
	}
}

struct kmem_cache *slab_page_cache(const struct page *p)
{
	return p->flags & PAGE_SLAB ? p->owner : NULL;
}

size_t slab_object_size(const struct kmem_cache *c) { return c->object_size; }

size_t slab_bytes_after(const struct kmem_cache *c, const void *p)
{
	size_t offset = slot_offset(c, p);

	return offset < c->object_size ? c->object_size - offset : 0;
}

/* ---- caches -------------------------------------------------------------------------------- */

static void cache_geometry(struct kmem_cache *c, size_t size, size_t align)
{
	c->object_size = size;
	c->link_offset = 0;
	size = align_up(max(size, sizeof(void *)), 8);
	if (c->ctor) {
		c->link_offset = size;
		size += 8;
	}
	/* No red zone where it would make slots much larger (powers of two): the poison alone must do. */
	c->redzone_offset = 0;
	if (CONFIG_DEBUG && align_up(size + 8, align) <= size + size / 4) {
		c->redzone_offset = size;
		size += 8;
	}
	c->slot_size = align_up(size, align);
	/* The smallest block that wastes at most an eighth, 8 pages at most. */
	for (c->order = 0; c->order < 3; c->order++) {
		size_t bytes = PAGE_SIZE << c->order, n = bytes / c->slot_size;

		if (n && bytes - n * c->slot_size <= bytes / 8)
			break;
	}
	c->per_slab = (PAGE_SIZE << c->order) / c->slot_size;
	c->magazine_size = c->slot_size <= 512 ? MAGAZINE_MAX : c->slot_size <= 2048 ? MAGAZINE_MAX / 2 : 4;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, void (*ctor)(void *obj))
{
	struct kmem_cache *c;

	assert(size > 0 && size <= 16384 && (align == 0 || (is_pow2(align) && align <= PAGE_SIZE)));
	spin_lock(&cache_table_lock);
	if (nr_caches == SLAB_CACHES_MAX) {
		spin_unlock(&cache_table_lock);
		if (bootmem_is_open())
			panic("slab: more than %d caches (%s)", SLAB_CACHES_MAX, name);
		return NULL;
	}
	c = &cache_table[nr_caches];
	c->id = nr_caches;
	c->name = name;
	c->ctor = ctor;
	spin_init(&c->lock, "slab", LOCK_SLAB);
	list_init(&c->partial);
	cache_geometry(c, size, align ? align : min(8ull << (size > 8), 16ull));
	atomic_store_release(&nr_caches, nr_caches + 1);	/* pairs with slab_cache_info */
	spin_unlock(&cache_table_lock);
	return c;
}

bool slab_cache_info(u32 index, struct slab_info *out)
{
	struct kmem_cache *c = &cache_table[index];

	if (index >= atomic_load_acquire(&nr_caches))
		return false;
	out->name = c->name;
	out->object_size = c->object_size;
	out->slot_size = c->slot_size;
	out->per_slab = c->per_slab;
	out->pages_per_slab = 1u << c->order;
	out->slabs = atomic_load(&c->nr_slabs);
	out->used = atomic_load(&c->nr_used);
	return true;
}

/* This CPU's magazine of a cache goes back to the slabs. */
static void magazine_drain(struct kmem_cache *c)
{
	unsigned long irq = arch_irq_save();
	struct magazine *m = &percpu(magazines[0])[c->id];
	void *obj = m->first;

	m->first = NULL;
	m->n = 0;
	arch_irq_restore(irq);
	while (obj) {
		void *next = link_get(c, obj);

		shared_free(c, obj);
		obj = next;
	}
}

void slab_drain_cpu(void)
{
	for (u32 i = 0; i < atomic_load_acquire(&nr_caches); i++)
		magazine_drain(&cache_table[i]);
}

u64 slab_shrink(void)
{
	u64 freed = 0;

	for (u32 i = 0; i < atomic_load_acquire(&nr_caches); i++) {
		struct kmem_cache *c = &cache_table[i];
		struct page *head;
		unsigned long irq;

		magazine_drain(c);
		irq = spin_lock_irqsave(&c->lock);
		head = list_empty(&c->partial) ? NULL : list_entry(c->partial.prev, struct page, lru);
		if (head && head->slab_inuse == 0) {
			list_remove(&head->lru);
			c->nr_slabs--;
			c->nr_empty--;
		} else {
			head = NULL;
		}
		spin_unlock_irqrestore(&c->lock, irq);
		if (head) {
			slab_destroy(c, head);
			freed += 1ull << c->order;
		}
	}
	return freed;
}

void slab_init(void)
{
	/* Early and replaced by nothing: links are only a hurdle, the generator is not up yet. */
	secret = arch_clock_read() * 0x9e3779b97f4a7c15ull;
	for (u32 i = 0; i < boot_info.seed_len && i < 8; i++)
		secret ^= (u64)boot_info.seed[i] << (8 * i);
	secret |= 1ull << 63 | 1;
}

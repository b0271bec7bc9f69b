/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages, kernel heap, kernel virtual space. Allocation context: ALLOC_ATOMIC never sleeps;
 * the default may sleep and reclaim. A thread inside a no-fs/no-io scope (thread.alloc_context)
 * gets the weaker kind by itself.
 */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/epoch.h>
#include <lib/atomic.h>
#include <lib/list.h>

struct group;
struct page_mapping;

#define ALLOC_ATOMIC BIT(0)	/* do not sleep; may dip into the reserve */
#define ALLOC_ZERO BIT(1)
#define ALLOC_NO_FS BIT(2)	/* reclaim must not call into file systems */
#define ALLOC_NO_IO BIT(3)	/* nor start I/O */
#define ALLOC_DMA32 BIT(4)	/* below 4 GiB */
#define ALLOC_USER BIT(5)	/* charge the current group; movable */
#define ALLOC_NOWARN BIT(6)
#define ALLOC_NO_FAIL BIT(7)	/* waits until there is memory: for what can no longer be undone; order <= 3 */
#define ALLOC_ACCOUNT BIT(8)	/* charge the current group for kernel memory a program causes */

#define ALLOC_TRY BIT(9)	/* only what is free: neither reclaims, waits nor kills */

#define PAGE_ORDER_MAX 10	/* 4 MiB */

/* page.flags */
#define PAGE_LOCKED BIT(0)	/* I/O or truncation owns the contents; page_lock */
#define PAGE_UPTODATE BIT(1)
#define PAGE_DIRTY BIT(2)
#define PAGE_WRITEBACK BIT(3)
#define PAGE_ERROR BIT(4)
#define PAGE_REFERENCED BIT(5)
#define PAGE_ACTIVE BIT(6)	/* on the active LRU list */
#define PAGE_LRU BIT(7)
#define PAGE_ANON BIT(8)
#define PAGE_SLAB BIT(9)
#define PAGE_BUDDY BIT(10)	/* free, head of a block of page.order */
#define PAGE_RESERVED BIT(11)	/* never freed */
#define PAGE_TABLE BIT(12)
#define PAGE_RECLAIM BIT(13)
#define PAGE_WAITERS BIT(14)
#define PAGE_ICACHE_CLEAN BIT(15)	/* instruction caches saw its present contents */

/* One per 4 KiB frame of RAM. [a] atomic, [m] mapping lock, [z] zone lock, [l] LRU lock. */
struct page {
	u32 flags;			/* [a] PAGE_* */
	struct refcount refs;		/* 0: free */
	s32 mapcount;			/* [a] user page-table entries that map it */
	u8 order;			/* [z] of the block it heads */
	u8 block_kind;			/* [z] of the first page of 4 MiB: enum page_kind of all of them */
	u16 slab_inuse;			/* slab's */
	union {
		struct list lru;	/* [l]/[z] LRU list, buddy free list, slab list */
		void *defer_next;	/* page tables on their way out */
		struct epoch_head epoch;	/* page tables waiting for an epoch */
	};
	union {
		struct page_mapping *mapping;	/* [m] file pages; NULL: anonymous or kernel */
		struct page *spare_tables;	/* page tables, [t]: a table for each large entry in it (huge.c) */
		void *slab_free;	/* slab's: first free object, disguised */
	};
	union {
		u64 index;		/* [m] page number in the file; anonymous: in the address space that got it first */
		u32 table_lock;		/* page tables: guards the entries in it, pt_lock; this is [t] */
	};
	void *owner;			/* slab cache, buffers of a metadata page; anonymous: family of spaces */
	struct group *group;		/* charged group or NULL */
};
static_assert(sizeof(struct page) <= 64, "struct page stays within a cache line");

static inline struct page *pfn_to_page(pfn_t pfn) { return (struct page *)arch_layout.vmemmap_base + pfn; }
static inline pfn_t page_to_pfn(const struct page *p) { return (pfn_t)(p - (struct page *)arch_layout.vmemmap_base); }
static inline paddr_t page_to_phys(const struct page *p) { return page_to_pfn(p) << PAGE_SHIFT; }
static inline struct page *phys_to_page(paddr_t pa) { return pfn_to_page(pa >> PAGE_SHIFT); }
static inline void *page_to_virt(const struct page *p) { return phys_to_virt(page_to_phys(p)); }
static inline struct page *virt_to_page(const void *v) { return phys_to_page(virt_to_phys(v)); }
bool pfn_is_ram(pfn_t pfn);	/* a struct page exists */

/* 2^order contiguous frames, refs 1 on the head, or NULL (ALLOC_ATOMIC, or truly out of memory). */
struct page *page_alloc(unsigned order, u32 flags);
static inline struct page *page_get(struct page *p) { ref_get(&p->refs); return p; }
/* Drops a reference; the last frees the block. Any context. */
void page_put(struct page *p);
void page_free(struct page *p, unsigned order);	/* refs must be 1 */
/* A fresh block becomes 2^order pages of their own, refs 1 each, charged to the same group. */
void page_split(struct page *p, unsigned order);
/* Drops a reference of each of 2^order neighbours; what nobody else has goes back as one block. */
void page_put_block(struct page *p, unsigned order);

/* Heap: any size; > 8 KiB comes as whole pages. Aligned to 16, power-of-two sizes to their size (<= 4096). */
void kfree(const void *p);
void *kmalloc(size_t size, u32 flags) __malloc(kfree);
void *kzalloc(size_t size, u32 flags) __malloc(kfree);
void *kcalloc(size_t n, size_t size, u32 flags) __malloc(kfree);	/* NULL on overflow */
void *krealloc(void *p, size_t size, u32 flags);
char *kstrdup(const char *s, u32 flags) __malloc(kfree);
size_t ksize(const void *p);

struct kmem_cache;
/* ctor may be NULL; align 0: natural. Never fails at boot (panics); later NULL. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, void (*ctor)(void *obj));
void *kmem_cache_alloc(struct kmem_cache *c, u32 flags);
void kmem_cache_free(struct kmem_cache *c, void *obj);
/* For /proc/slabinfo: the index-th cache, false past the end. */
struct slab_info {
	const char *name;
	size_t object_size, slot_size;
	u32 per_slab, pages_per_slab;
	u64 slabs, used;
};
bool slab_cache_info(u32 index, struct slab_info *out);

/* Kernel virtual space. */
void *vmap_alloc(size_t size, u32 flags);	/* whole pages, virtually contiguous, guard page behind; NULL */
void vmap_free(void *p);
/* Maps device registers; strongly ordered. NULL on exhaustion or if [pa, pa+size) is usable RAM. */
void __iomem *mmio_map(paddr_t pa, size_t size);
void mmio_unmap(void __iomem *p);
/* Maps firmware memory read-only, cached (tables). */
const void *firmware_map(paddr_t pa, size_t size);
void firmware_unmap(const void *p);
/* Kernel stack with guard page below; size KSTACK_SIZE. Lowest usable byte, or NULL. Cached per CPU. */
void *kstack_alloc(void);
void kstack_free(void *stack);

/* Shrinkers give memory back when pages run low. scan: frees up to n objects, returns how many. May be called from any allocating thread. */
struct shrinker {
	struct list link;
	const char *name;
	u64 (*count)(struct shrinker *s);
	u64 (*scan)(struct shrinker *s, u64 n, u32 flags);
};
void shrinker_register(struct shrinker *s);
/* Gives back what is only kept for speed: shrinkable objects, empty slabs, this CPU's spare objects and pages. May sleep. */
void mm_drop_caches(void);
/* Empties as many blocks of 2 MiB as can be, by moving pages (/proc/sys/vm/compact_memory). Sleeps. */
void compact_all(void);
/* Gives back what caches of pages, objects and stacks keep for speed, on all CPUs. Sleeps. */
void mm_trim(void);

struct mm_stats {
	u64 total_pages, free_pages, reserved_pages, slab_pages, pagetable_pages, kstack_pages;
	u64 file_pages, anon_pages, dirty_pages, writeback_pages, mapped_pages, shmem_pages;
	u64 faults, major_faults, pgalloc, pgfree, reclaimed;
	u64 committed_pages, commit_limit_pages, oom_kills;
	u64 huge, huge_alloc, huge_fallback, huge_split;	/* large entries; how many were made, could not be, were split */
	u64 huge_collapsed, huge_collapse_failed;	/* made of small pages; no block for it */
	u64 compact_scanned, compact_free_scanned, compact_isolated;	/* pages looked at, free ones among them, taken */
	u64 compact_stall, compact_fail, compact_success;		/* requests for a block */
	u64 migrated, migrate_failed;					/* pages */
};
void mm_stats(struct mm_stats *out);
/* A zone as /proc shows it, pages; false past the last. Zones without memory have present 0. */
struct zone_info {
	const char *name;
	pfn_t start_pfn;
	u64 free, min, low, high, spanned, present, managed;
	u64 blocks[PAGE_ORDER_MAX + 1];	/* free blocks of each order */
};
bool zone_info_get(unsigned index, struct zone_info *out);
/* Blocks of 4 MiB are given to pages of programs and files, or to the kernel's, whose use nobody could change. */
enum page_kind { PAGES_MOVABLE, PAGES_UNMOVABLE, PAGE_KINDS };
/* Free blocks of each order that lie in 4 MiB of that kind, in the index-th zone's RAM that is online. */
void zone_kind_counts(unsigned index, enum page_kind kind, u64 blocks[PAGE_ORDER_MAX + 1]);
/* How many blocks of 4 MiB of the zone's RAM that is online are of each kind. */
void zone_block_counts(unsigned index, u64 blocks[PAGE_KINDS]);
u64 mm_free_pages(void);

/* /sys/kernel/mm/transparent_hugepage/enabled. */
enum huge_mode { HUGE_ALWAYS, HUGE_MADVISE, HUGE_NEVER };
extern enum huge_mode huge_mode;	/* [a] */
/* Its neighbour `defrag`: whose faults make room for a large page by moving other pages. */
enum huge_defrag { DEFRAG_ALWAYS, DEFRAG_DEFER, DEFRAG_DEFER_MADVISE, DEFRAG_MADVISE, DEFRAG_NEVER };
extern enum huge_defrag huge_defrag;	/* [a] */
/* /sys/kernel/mm/transparent_hugepage/khugepaged, all [a]; pages are entries of 4 KiB. */
struct huge_collector {
	u64 pages_to_scan, scan_sleep_ms, alloc_sleep_ms;	/* a round looks at so many; pauses behind it, and when memory is short */
	u64 max_none, max_shared, max_swap;	/* of a block's 512 may be absent, shared with others; nothing is ever swapped */
	bool defrag;				/* makes room by moving pages */
	u64 pages_collapsed, full_scans;
};
extern struct huge_collector huge_collector;
void huge_collector_poke(void);		/* the collector looks again at once */

/* /proc/sys/vm: what may be changed at run time. Plain words, read without lock. */
struct vm_settings {
	u64 overcommit_memory;		/* 0 guess, 1 always, 2 never */
	u64 overcommit_ratio;		/* percent of memory, mode 2 */
	u64 overcommit_kbytes;		/* instead of the ratio unless 0 */
	u64 max_map_count;		/* areas per address space */
	u64 mmap_min_addr;		/* bytes, page-aligned; lowest address programs may map */
	u64 randomize_va_space;		/* 0 no, 1 without the break, 2 all */
	u64 panic_on_oom;
	u64 oom_kill_allocating_task;
};
extern struct vm_settings vm_settings;

/* Boot order: bootmem from boot_info.ranges, final kernel map, page array, buddy, slab, vmap. */
void mm_init(void);
void mm_free_init(void);	/* gives init sections and the initrd back, makes ro_after_init read-only */
/* Before mm_init's buddy exists: zeroed, page-aligned; panics when out. */
void *boot_alloc(size_t size, size_t align);
void boot_reserve(paddr_t base, u64 size);
/* Gives a reserved RAM range to the buddy allocator (initrd after unpacking, …). Partial pages stay. */
void mm_release_range(paddr_t base, u64 size);

#endif

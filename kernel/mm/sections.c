/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page array, one section of 128 MiB at a time. A section's struct pages lie in the section
 * itself and are mapped into vmemmap (2 MiB of it, one large leaf). Boot brings up the image's
 * section and a little more; the rest follows when the buddy allocator runs short, so boot time
 * does not grow with RAM and holes between RAM ranges cost nothing.
 */
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "mm_internal.h"

#define SECTION_BYTES (128ull << 20)
#define BLOCK_BYTES (PAGE_SIZE << PAGE_ORDER_MAX)	/* the hull's grain: buddies stay inside it */
#define BOOT_ONLINE_PAGES (24ull << (20 - PAGE_SHIFT))	/* enough to come up without another section */

/* All under sections_lock; bootmem_taken too, once the buddy allocator runs. */
static struct spinlock sections_lock = SPINLOCK_INIT("sections", LOCK_VMAP);
static struct thread *sections_owner;
static struct mem_set online;		/* physical ranges that have struct pages */
static paddr_t next_section;
static u64 offline_pages;		/* free ones; read without lock */
static const struct mem_set no_holes;

static u64 free_pages_in(paddr_t base, paddr_t end)
{
	struct mem_range piece;
	u64 n = 0;

	while (mem_set_next_free(&bootmem_ram, &bootmem_taken, base, end, &piece)) {
		n += (piece.end - piece.base) >> PAGE_SHIFT;
		base = piece.end;
	}
	return n;
}

/* The block-aligned span of RAM in the section. */
static bool section_hull(paddr_t sec, paddr_t *lo, paddr_t *hi)
{
	const struct mem_range *r = mem_set_find(&bootmem_ram, sec);
	paddr_t end = sec + SECTION_BYTES;

	if (!r || r->base >= end)
		return false;
	*lo = *hi = align_down(max(r->base, sec), BLOCK_BYTES);
	while (r < bootmem_ram.r + bootmem_ram.nr && r->base < end) {
		*hi = align_up(min(r->end, end), BLOCK_BYTES);
		r++;
	}
	return true;
}

static paddr_t array_place(paddr_t sec, u64 bytes)
{
	paddr_t end = sec + SECTION_BYTES, pa = 0;

	if (bytes == pt_span(1))
		pa = mem_set_find_top(&bootmem_ram, &bootmem_taken, sec, end, bytes, bytes);
	if (!pa)
		pa = mem_set_find_top(&bootmem_ram, &bootmem_taken, sec, end, bytes, PAGE_SIZE);
	if (pa && !mem_set_add(&bootmem_taken, pa, pa + bytes))
		pa = 0;
	if (!pa && bootmem_is_open())
		return virt_to_phys(boot_alloc(bytes, PAGE_SIZE));
	return pa;
}

static void mark_taken(paddr_t lo, paddr_t hi)
{
	const struct mem_range *r = mem_set_find(&bootmem_taken, lo);

	for (; r && r < bootmem_taken.r + bootmem_taken.nr && r->base < hi; r++)
		for (paddr_t pa = max(r->base, lo); pa < min(r->end, hi); pa += PAGE_SIZE) {
			phys_to_page(pa)->flags = PAGE_RESERVED;
			ref_set(&phys_to_page(pa)->refs, 1);
		}
}

/* Lock held. False: nothing there, or no place for its page array. */
static bool section_online(paddr_t sec)
{
	struct mem_range piece;
	paddr_t lo, hi, array;
	u64 bytes, was_free;

	if (!section_hull(sec, &lo, &hi) || mem_set_contains(&online, lo, hi))
		return false;
	was_free = free_pages_in(sec, sec + SECTION_BYTES);
	bytes = (hi - lo) >> PAGE_SHIFT << 6;
	static_assert(sizeof(struct page) == 64, "vmemmap geometry");
	array = array_place(sec, bytes);
	if (!array || kernel_map((vaddr_t)phys_to_page(lo), array, bytes,
				 PGPROT_READ | PGPROT_WRITE | PGPROT_GLOBAL, 1)) {
		log_warn("memory: no room for the page array of section 0x%llx", (unsigned long long)sec);
		return false;
	}
	for (u64 at = 0; at < bytes; at += PAGE_SIZE)
		arch_page_clear((char *)phys_to_virt(array) + at);
	mark_taken(lo, hi);
	mem_set_add(&online, lo, hi);
	__atomic_fetch_sub(&offline_pages, was_free, __ATOMIC_RELAXED);
	for (paddr_t at = lo; mem_set_next_free(&bootmem_ram, &bootmem_taken, at, hi, &piece); at = piece.end)
		buddy_add_range(piece.base >> PAGE_SHIFT, piece.end >> PAGE_SHIFT);
	return true;
}

/* False when this thread is bringing up a section already: a page table for it found no page. */
static bool sections_enter(unsigned long *irq)
{
	if (READ_ONCE(sections_owner) == current)
		return false;
	*irq = spin_lock_irqsave(&sections_lock);
	WRITE_ONCE(sections_owner, current);
	return true;
}

static void sections_leave(unsigned long irq)
{
	WRITE_ONCE(sections_owner, NULL);
	spin_unlock_irqrestore(&sections_lock, irq);
}

bool section_online_next(void)
{
	unsigned long irq;
	bool done = false;

	if (!atomic_load(&offline_pages) || !sections_enter(&irq))
		return false;
	while (!done) {
		const struct mem_range *r = mem_set_find(&bootmem_ram, next_section);
		paddr_t sec;

		if (!r)
			break;
		sec = align_down(max(r->base, next_section), SECTION_BYTES);
		done = section_online(sec);
		next_section = sec + SECTION_BYTES;
	}
	if (!done)
		atomic_store(&offline_pages, 0);
	sections_leave(irq);
	return done;
}

bool section_online_around(paddr_t pa)
{
	unsigned long irq;
	bool done;

	if (!sections_enter(&irq))
		return false;
	done = section_online(align_down(pa, SECTION_BYTES));
	sections_leave(irq);
	return done;
}

bool section_is_online(pfn_t pfn)
{
	return mem_set_contains(&online, pfn << PAGE_SHIFT, (pfn + 1) << PAGE_SHIFT);
}

bool pfn_is_ram(pfn_t pfn)
{
	return section_is_online(pfn) &&
	       mem_set_contains(&bootmem_ram, pfn << PAGE_SHIFT, (pfn + 1) << PAGE_SHIFT);
}

u64 sections_offline_free(void) { return atomic_load(&offline_pages); }

void section_release(paddr_t base, paddr_t end)
{
	unsigned long irq;
	struct mem_range piece;

	if (!sections_enter(&irq))
		return;
	/* Only what is both RAM and taken is given: a second release of the same range gives nothing. */
	for (paddr_t at = base; mem_set_next_free(&bootmem_taken, &no_holes, at, end, &piece);
	     at = piece.end) {
		struct mem_range ram;

		mem_set_remove(&bootmem_taken, piece.base, piece.end);
		for (paddr_t p = piece.base; mem_set_next_free(&bootmem_ram, &bootmem_taken, p, piece.end, &ram);
		     p = ram.end) {
			struct mem_range off;

			for (paddr_t q = ram.base; q < ram.end; q += PAGE_SIZE)
				if (section_is_online(q >> PAGE_SHIFT)) {
					struct page *page = phys_to_page(q);

					page->flags = 0;
					ref_set(&page->refs, 0);
					buddy_add_range(q >> PAGE_SHIFT, (q >> PAGE_SHIFT) + 1);
				}
			for (paddr_t q = ram.base; mem_set_next_free(&bootmem_ram, &online, q, ram.end, &off);
			     q = off.end)
				atomic_add(&offline_pages, (off.end - off.base) >> PAGE_SHIFT);
		}
	}
	sections_leave(irq);
}

void sections_init(void)
{
	offline_pages = free_pages_in(0, arch_layout.linear_size);
	section_online_around(image_to_phys(__image_start));
	while (buddy_free_pages() < BOOT_ONLINE_PAGES && section_online_next())
		;
}

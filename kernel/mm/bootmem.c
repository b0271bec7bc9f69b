/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory before the buddy allocator: which RAM there is, what of it is taken, and boot_alloc.
 * The sets stay valid after boot (sections.c brings further RAM up from them, mm_release_range
 * takes reservations back). One CPU, then guarded by the lock of sections.c.
 */
#include "mm_internal.h"

#include <kernel/log.h>
#include <kernel/panic.h>
#include <lib/string.h>

struct mem_set bootmem_ram, bootmem_taken, bootmem_firmware;
static bool is_closed;

#define GIB (1ull << 30)
#define SECTION_BYTES (128ull << 20)

static paddr_t range_end(const struct boot_range *r)
{
	return r->base + r->size < r->base ? PAGE_MASK : r->base + r->size;
}

void bootmem_sort(struct mem_set *ram, struct mem_set *firmware, const struct boot_range *ranges,
		  u32 nr, u64 limit, const struct mem_set *keep)
{
	struct mem_set kept = { .nr = 0 };

	ram->nr = firmware->nr = 0;
	for (u32 i = 0; i < nr; i++) {
		paddr_t end = align_down(range_end(&ranges[i]), PAGE_SIZE);

		if (ranges[i].type == BOOT_RAM && ranges[i].base <= PAGE_MASK - PAGE_SIZE)
			mem_set_add(ram, align_up(ranges[i].base, PAGE_SIZE), min(end, limit));
	}
	for (u32 i = 0; i < keep->nr; i++) {
		struct mem_range piece;

		for (paddr_t at = keep->r[i].base;
		     mem_set_next_free(ram, firmware, at, keep->r[i].end, &piece); at = piece.end)
			mem_set_add(&kept, piece.base, piece.end);
	}
	/* What firmware keeps for itself wins over RAM, even where the two overlap in part of a page. */
	for (u32 i = 0; i < nr; i++) {
		paddr_t base = align_down(ranges[i].base, PAGE_SIZE), end = range_end(&ranges[i]);

		if (ranges[i].type == BOOT_RAM || !ranges[i].size)
			continue;
		end = end > PAGE_MASK ? PAGE_MASK : align_up(end, PAGE_SIZE);
		mem_set_remove(ram, base, end);
		if (ranges[i].type == BOOT_FIRMWARE && base < limit)
			mem_set_add(firmware, base, min(end, limit));
	}
	for (u32 i = 0; i < kept.nr; i++) {
		mem_set_add(ram, kept.r[i].base, kept.r[i].end);
		mem_set_remove(firmware, kept.r[i].base, kept.r[i].end);
	}
}

static void take(paddr_t base, u64 size, struct mem_set *keep)
{
	if (!size)
		return;
	boot_reserve(base, size);
	if (keep)
		mem_set_add(keep, align_down(base, PAGE_SIZE), align_up(base + size, PAGE_SIZE));
}

/* Size of the device tree from its header, when the loader did not say (devicetree spec 5.2). */
static u64 fdt_bytes(void)
{
	const void *p = phys_to_virt(boot_info.fdt);

	if (!boot_info.fdt)
		return 0;
	if (boot_info.fdt_size)
		return boot_info.fdt_size;
	return get_be32(p) == 0xd00dfeed ? get_be32((const char *)p + 4) : 0;
}

void bootmem_init(void)
{
	static struct mem_set keep __initdata;
	paddr_t image_end = image_to_phys(__image_end);

	take(boot_info.image_base, boot_info.image_size, &keep);
	take(image_to_phys(__image_start), image_end - image_to_phys(__image_start), &keep);
	take(boot_info.initrd_base, boot_info.initrd_size, &keep);
	take(boot_info.fdt, fdt_bytes(), &keep);
	/* Frame 0 would look like "none" to users of physical addresses. */
	mem_set_add(&bootmem_taken, 0, PAGE_SIZE);
	bootmem_sort(&bootmem_ram, &bootmem_firmware, boot_info.ranges, boot_info.nr_ranges,
		     arch_layout.linear_size, &keep);
	/* What must be read later but lies outside usable RAM is mapped as firmware memory. */
	for (u32 i = 0; i < keep.nr; i++)
		if (!mem_set_contains(&bootmem_ram, keep.r[i].base, keep.r[i].end))
			mem_set_add(&bootmem_firmware, keep.r[i].base, keep.r[i].end);
	for (u32 i = 0; i < bootmem_ram.nr; i++)
		mem_set_remove(&bootmem_firmware, bootmem_ram.r[i].base, bootmem_ram.r[i].end);
	if (!bootmem_ram.nr)
		panic("memory: firmware names no usable RAM (%u ranges)", boot_info.nr_ranges);
	for (u32 i = 0; i < bootmem_ram.nr; i++)
		log_info("memory: RAM 0x%llx-0x%llx", (unsigned long long)bootmem_ram.r[i].base,
			 (unsigned long long)bootmem_ram.r[i].end);
}

void boot_reserve(paddr_t base, u64 size)
{
	paddr_t end = base + size < base ? PAGE_MASK : align_up(base + size, PAGE_SIZE);

	if (size && !mem_set_add(&bootmem_taken, align_down(base, PAGE_SIZE), end))
		panic("memory: more than %d reservations", MEM_RANGES_MAX);
}

/*
 * The early map reaches the image's gigabyte at least, so that is where boot_alloc looks; near the
 * image first, which keeps the parts of RAM that boot touches together.
 */
void *boot_alloc(size_t size, size_t align)
{
	paddr_t image = image_to_phys(__image_start), low = align_down(image, GIB), pa;

	size = align_up(size, PAGE_SIZE);
	align = max(align, (size_t)PAGE_SIZE);
	if (is_closed)
		panic("boot_alloc after the page allocator took over");
	pa = mem_set_find_top(&bootmem_ram, &bootmem_taken, low,
			      align_down(image, SECTION_BYTES) + SECTION_BYTES, size, align);
	if (!pa)
		pa = mem_set_find_top(&bootmem_ram, &bootmem_taken, low, low + GIB, size, align);
	if (!pa)
		panic("memory: too little for this kernel: %llu KiB RAM, %llu KiB taken, %zu KiB asked",
		      (unsigned long long)mem_set_bytes(&bootmem_ram) >> 10,
		      (unsigned long long)mem_set_bytes(&bootmem_taken) >> 10, size >> 10);
	boot_reserve(pa, size);
	memset(phys_to_virt(pa), 0, size);
	return phys_to_virt(pa);
}

void bootmem_close(void) { is_closed = true; }
bool bootmem_is_open(void) { return !is_closed; }

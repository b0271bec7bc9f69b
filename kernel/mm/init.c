/* SPDX-License-Identifier: BSD-2-Clause */
/* Brings kernel/mm up, in order, and ends boot-time memory. */
#include <arch/boot.h>
#include <kernel/log.h>

#include "aspace_internal.h"

__init void mm_init(void)
{
	bootmem_init();
	kernel_map_build();
	buddy_init();
	buddy_set_total(mem_set_bytes(&bootmem_ram) >> PAGE_SHIFT);
	sections_init();
	bootmem_close();
	slab_init();
	heap_init();
	vmap_init();
	aspace_caches_init();
	fault_init();
	log_info("memory: %llu of %llu KiB free, %llu KiB online",
		 (unsigned long long)mm_free_pages() * 4, (unsigned long long)buddy_total_pages() * 4,
		 (unsigned long long)buddy_free_pages() * 4);
}

/* Whole pages that are RAM and reserved become free; what is not is left alone. */
void mm_release_range(paddr_t base, u64 size)
{
	paddr_t start = align_up(base, PAGE_SIZE), end = align_down(base + size, PAGE_SIZE);

	if (size && base + size > base && start < end)
		section_release(start, end);
}

void mm_free_init(void)
{
	paddr_t init = image_to_phys(__init_start);
	u64 size = __init_end - __init_start;

	kernel_map_seal();
	/* The linear alias of init text was writable all along; only the image address goes. */
	kernel_unmap((vaddr_t)__init_start, size);
	mm_release_range(init, size);
	log_info("memory: %llu KiB of boot code freed", (unsigned long long)size >> 10);
}

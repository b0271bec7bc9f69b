/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own page tables: built once at boot from what bootmem knows, sealed when boot ends.
 *
 * Linear map: all RAM, writable, never executable, large leaves; where the image lies in it small
 * leaves, so that text and constants are read-only there too. Image: text RX, constants R, the
 * rest RW. Firmware tables: linear, read-only. The top-level entries of vmap, vmemmap and the
 * linear map all exist from the start, so user roots that copy them never need an update.
 */
#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>

#include "mm_internal.h"

#define KERNEL_RW (PGPROT_READ | PGPROT_WRITE | PGPROT_GLOBAL)
#define KERNEL_RO (PGPROT_READ | PGPROT_GLOBAL)
#define KERNEL_RX (PGPROT_READ | PGPROT_EXEC | PGPROT_GLOBAL)

static __init void map(vaddr_t va, paddr_t pa, u64 size, unsigned prot, unsigned max_level)
{
	int err = size ? kernel_map(va, pa, size, prot, max_level) : 0;

	if (err)
		panic("kernel map: 0x%llx to 0x%llx: error %d", (unsigned long long)va,
		      (unsigned long long)pa, err);
}

static __init void map_linear(paddr_t base, paddr_t end, unsigned prot, unsigned max_level)
{
	if (base < end)
		map((vaddr_t)phys_to_virt(base), base, end - base, prot, max_level);
}

/* RAM around the image gets small leaves, with the read-only parts cut out. */
static __init void map_linear_image(paddr_t base, paddr_t end)
{
	paddr_t ro = image_to_phys(__text_start), ro_end = image_to_phys(__rodata_end);

	map_linear(base, min(end, ro), KERNEL_RW, 0);
	map_linear(max(base, ro), min(end, ro_end), KERNEL_RO, 0);
	map_linear(max(base, ro_end), end, KERNEL_RW, 0);
}

static __init void map_ram(void)
{
	paddr_t low = align_down(image_to_phys(__image_start), pt_span(1));
	paddr_t high = align_up(image_to_phys(__image_end), pt_span(1));

	for (u32 i = 0; i < bootmem_ram.nr; i++) {
		paddr_t base = bootmem_ram.r[i].base, end = bootmem_ram.r[i].end;

		map_linear(base, min(end, low), KERNEL_RW, 1);
		if (max(base, low) < min(end, high))
			map_linear_image(max(base, low), min(end, high));
		map_linear(max(base, high), end, KERNEL_RW, 1);
	}
	for (u32 i = 0; i < bootmem_firmware.nr; i++)
		map_linear(bootmem_firmware.r[i].base, bootmem_firmware.r[i].end, KERNEL_RO, 1);
}

static __init void map_segment(const char *start, const char *end, unsigned prot)
{
	map((vaddr_t)start, image_to_phys(start), (vaddr_t)end - (vaddr_t)start, prot, 0);
}

static __init void map_image(void)
{
	map_segment(__text_start, __text_end, KERNEL_RX);
	map_segment(__text_end, __rodata_end, KERNEL_RO);
	map_segment(__init_start, __init_text_end, KERNEL_RX);
	map_segment(__init_text_end, __image_end, KERNEL_RW);
}

/* Makes sure that [va, va+size) needs no new entry in the root. */
static __init void populate_top(vaddr_t va, u64 size)
{
	unsigned top = arch_layout.pt_levels - 1;
	vaddr_t last = va + size - 1;

	for (u64 n = (last >> pt_shift(top)) - (va >> pt_shift(top)) + 1; n > 0; n--) {
		if (!pgtable_entry(kernel_root, va, top - 1, true, 0))
			panic("kernel map: no memory for the top level");
		va += pt_span(top);
	}
}

__init void kernel_map_build(void)
{
	const struct mem_range *last = &bootmem_ram.r[bootmem_ram.nr - 1];

	/* 512 GiB or 8 GiB of kernel virtual space are plenty; every top-level entry costs a page. */
	arch_layout.vmap_end = min(arch_layout.vmap_end, arch_layout.vmap_base +
				   (arch_layout.pt_levels == 4 ? pt_span(3) : 8 * pt_span(2)));
	kernel_root = virt_to_phys(boot_alloc(PAGE_SIZE, PAGE_SIZE));
	mm_count(MM_PAGETABLE, 1);
	map_image();
	map_ram();
	populate_top(arch_layout.vmap_base, arch_layout.vmap_end - arch_layout.vmap_base);
	populate_top((vaddr_t)pfn_to_page(bootmem_ram.r[0].base >> PAGE_SHIFT),
		     (last->end - bootmem_ram.r[0].base) >> PAGE_SHIFT << 6);
	arch_mmu_set_kernel_root(kernel_root);
}

/* End of boot: what was written once becomes constant, under both of its addresses. */
void kernel_map_seal(void)
{
	vaddr_t start = (vaddr_t)__ro_after_init_start;
	u64 size = (vaddr_t)__ro_after_init_end - start;

	if (!size)
		return;
	kernel_protect(start, size, KERNEL_RO);
	kernel_protect((vaddr_t)phys_to_virt(image_to_phys(__ro_after_init_start)), size, KERNEL_RO);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot hart's first tables and the address-space layout. riscv_early_tables runs at the load
 * address with the MMU off: it may touch static data (addressed relative to pc) but no pointer
 * that was stored at link time, and no switch statement. mm replaces the tables soon after.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/upcall.h>

#include "../riscv.h"

#define GIB (1ull << 30)
#define BLOCK (2ull << 20)
#define FDT_MAGIC_LE 0xedfe0dd0u
#define FDT_SIZE_MAX (4ull << 20)

struct arch_layout arch_layout __ro_after_init;
static u64 early_root[512] __aligned(4096);
static u64 early_pool[8][512] __aligned(4096);
static unsigned early_used;

/* The entry for va at that level, making tables of the pool on the way. */
static __no_canary u64 *early_entry(unsigned levels, vaddr_t va, unsigned level)
{
	u64 *table = early_root;

	for (unsigned l = levels - 1; l > level; l--) {
		u64 *e = &table[va >> (12 + 9 * l) & 511];

		if (!*e) {
			if (early_used == ARRAY_LEN(early_pool))
				return NULL;
			*e = pte_make_table((paddr_t)early_pool[early_used++], false);
		}
		table = (u64 *)pte_paddr(*e);
	}
	return &table[va >> (12 + 9 * level) & 511];
}

static __no_canary void early_map(unsigned levels, vaddr_t va, paddr_t pa, unsigned level, u64 rights)
{
	u64 *e = early_entry(levels, va, level);

	if (e)
		*e = pa >> 12 << RISCV_PTE_PPN_SHIFT | rights | RISCV_PTE_V | RISCV_PTE_G |
		     RISCV_PTE_A | RISCV_PTE_D;
}

static __no_canary void early_map_linear(unsigned levels, paddr_t start, paddr_t end)
{
	for (paddr_t pa = align_down(start, GIB); pa < end; pa += GIB)
		if (pa < arch_layout.linear_size)
			early_map(levels, arch_layout.linear_base + pa, pa, 2, RISCV_PTE_R | RISCV_PTE_W);
}

static __no_canary void layout_set(unsigned levels, paddr_t image)
{
	struct arch_layout *l = &arch_layout;

	l->pt_levels = levels;
	l->image_offset = (vaddr_t)RISCV_IMAGE_VIRT - image;
	if (levels == 4) {
		l->linear_base = 0xffff800000000000;	/* 64 TiB */
		l->linear_size = 1ull << 46;
		l->vmemmap_base = 0xffffc00000000000;	/* 1 TiB: 64 bytes per page of it */
		l->vmap_base = 0xffffd00000000000;	/* 16 TiB */
		l->vmap_end = 0xffffe00000000000;
		l->user_end = (1ull << 47) - PAGE_SIZE;
	} else {
		l->vmap_base = 0xffffffc000000000;	/* 32 GiB */
		l->vmap_end = 0xffffffc800000000;
		l->vmemmap_base = 0xffffffc800000000;	/* 2 GiB */
		l->linear_base = 0xffffffd000000000;	/* 128 GiB */
		l->linear_size = 1ull << 37;
		l->user_end = (1ull << 38) - PAGE_SIZE;
	}
}

/*
 * Fills layout and tables for that many levels; returns the satp value. image: physical start of
 * the kernel. A device tree that looks wrong is mapped by its first GiB only; platform/ refuses it.
 */
__no_canary u64 riscv_early_tables(paddr_t image, paddr_t fdt, unsigned levels)
{
	u64 fdt_size = 0;

	for (unsigned i = 0; i < ARRAY_LEN(early_root); i++)
		early_root[i] = 0;
	for (unsigned t = 0; t < ARRAY_LEN(early_pool); t++)
		for (unsigned i = 0; i < 512; i++)
			early_pool[t][i] = 0;
	early_used = 0;
	layout_set(levels, image);
	for (u64 at = 0; at < (u64)(__image_end - __image_start); at += BLOCK)
		early_map(levels, RISCV_IMAGE_VIRT + at, image + at, 1, RISCV_PTE_RWX);
	early_map_linear(levels, image, image + (u64)(__image_end - __image_start));
	if (fdt && is_aligned(fdt, 8)) {
		if (*(const u32 *)fdt == FDT_MAGIC_LE)
			fdt_size = min((u64)__builtin_bswap32(((const u32 *)fdt)[1]), FDT_SIZE_MAX);
		early_map_linear(levels, fdt, fdt + max(fdt_size, PAGE_SIZE));
	}
	return (levels == 4 ? SATP_SV48 : SATP_SV39) << SATP_MODE_SHIFT | (u64)early_root >> 12;
}

/*
 * First C code in the upper half, at the link address: has the image moved, and returns how far. The second mapping
 * goes into the table of 2 MiB leaves that the first is in; both are gone when mm has built its own.
 */
__init u64 riscv_slide(paddr_t image, paddr_t fdt)
{
	u64 blocks = (u64)(__image_end - __image_start + BLOCK - 1) / BLOCK, slide;
	u64 *table = early_root;
	struct slide_facts facts = {};

	if (fdt && is_aligned(fdt, 8) && fdt < arch_layout.linear_size)
		slide_facts_from_tree(phys_to_virt(fdt), &facts);
	slide = slide_choose(&facts, blocks * BLOCK, GIB / BLOCK - 2 * blocks);
	if (!slide)
		return 0;
	for (unsigned l = arch_layout.pt_levels - 1; l > 1; l--)
		table = phys_to_virt(pte_paddr(table[RISCV_IMAGE_VIRT >> (12 + 9 * l) & 511]));
	for (u64 i = 0; i < blocks; i++)
		table[slide / BLOCK + i] = table[i];
	__asm__ volatile("sfence.vma" ::: "memory");
	slide_apply(slide);
	arch_layout.image_offset += slide;
	__asm__ volatile("fence.i" ::: "memory");
	return slide;
}

/* First C code at the image's final place, on the boot thread. */
void riscv_boot_main(u64 hartid, paddr_t fdt, u64 ticks, paddr_t image)
{
	riscv_hart_init();
	boot_info.boot_hwid = hartid;
	boot_info.fdt = is_aligned(fdt, 8) ? fdt : 0;
	boot_info.entry_ticks = ticks;
	boot_info.image_base = image;
	boot_info.image_size = (u64)(__image_end - __image_start);
	boot_info.protocol = "sbi";
	riscv_kernel_satp = csr_read(satp);
	kernel_main();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From head.S to kernel_main: the first page tables (built with the MMU off, so nothing here may
 * need an absolute address before boot_main) and boot_info's first fields. The final tables are mm's.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/random.h>
#include <arch/upcall.h>
#include <kernel/thread.h>
#include "../arch_local.h"

#define LINEAR_BASE 0xffff000000000000ull
#define GIB BIT(30)
#define BLOCK BIT(21)
#define FDT_WINDOW (2u << 20)	/* the largest tree the boot protocol allows */

struct arch_layout arch_layout __ro_after_init;

/* Used until mm's tables are complete, then freed with the init section. */
static __initdata __aligned(4096) pte_t early_root[512];
static __initdata __aligned(4096) pte_t early_linear[512];
static __initdata __aligned(4096) pte_t early_image1[512];
static __initdata __aligned(4096) pte_t early_image2[512];
static __initdata __aligned(4096) pte_t idmap_root[512];
static __initdata __aligned(4096) pte_t idmap1[512];

paddr_t boot_map(paddr_t image, paddr_t fdt);
u64 boot_slide(paddr_t image, paddr_t fdt);
__noreturn void boot_main(paddr_t image, paddr_t fdt, u64 ticks, u64 el);

#define EARLY_LEAF (PTE_VALID | PTE_AF | PTE_SH_INNER | PTE_ATTR(MAIR_NORMAL) | PTE_UXN)

static __init __no_canary void linear_block(paddr_t image, paddr_t pa)
{
	if (pa >> 39 == image >> 39)
		early_linear[pa / GIB % 512] = (pa & ~(GIB - 1)) | EARLY_LEAF | PTE_PXN;
}

/* Written past the caches: nothing stale may lie in them when the walker looks. */
static __init __no_canary void invalidate(const void *start, size_t len)
{
	for (size_t at = 0; at < len; at += 16)		/* the smallest line the architecture has */
		__asm__ volatile("dc ivac, %0" :: "r"((const char *)start + at) : "memory");
	dsb(sy);
}

/* MMU off. Maps the image at its link address and the GiBs of image and device tree linearly; the root. */
__init __no_canary paddr_t boot_map(paddr_t image, paddr_t fdt)
{
	u64 size = (u64)(__image_end - __image_start);

	early_root[image >> 39 & 255] = (paddr_t)early_linear | PTE_VALID | PTE_TABLE;
	linear_block(image, image);
	linear_block(image, image + size);
	if (fdt) {
		linear_block(image, fdt);
		linear_block(image, fdt + FDT_WINDOW);
	}
	early_root[511] = (paddr_t)early_image1 | PTE_VALID | PTE_TABLE;
	early_image1[510] = (paddr_t)early_image2 | PTE_VALID | PTE_TABLE;
	for (u64 at = 0; at < size; at += BLOCK)
		early_image2[at / BLOCK] = (image + at) | EARLY_LEAF;
	idmap_root[image >> 39 & 511] = (paddr_t)idmap1 | PTE_VALID | PTE_TABLE;
	idmap1[image / GIB % 512] = (image & ~(GIB - 1)) | EARLY_LEAF | PTE_AP_READONLY;
	idmap1[(image + size) / GIB % 512] = ((image + size) & ~(GIB - 1)) | EARLY_LEAF | PTE_AP_READONLY;
	invalidate(early_root, sizeof(early_root));
	invalidate(early_linear, sizeof(early_linear));
	invalidate(early_image1, sizeof(early_image1));
	invalidate(early_image2, sizeof(early_image2));
	invalidate(idmap_root, sizeof(idmap_root));
	invalidate(idmap1, sizeof(idmap1));
	return (paddr_t)early_root;
}

/* The tree's word, or else the CPU's own generator. */
static __init void slide_seed(struct slide_facts *facts)
{
	if (!facts->has_seed && id_field(sysreg_read(id_aa64isar0_el1), 60)) {
		cpu_has_rng = true;
		facts->has_seed = arch_random_bytes(&facts->seed, sizeof(facts->seed)) == sizeof(facts->seed);
	}
}

/*
 * At the link address, boot_thread current: has the image moved and returns how far. The last slot of the
 * image's GiB stays the early console's.
 */
__init u64 boot_slide(paddr_t image, paddr_t fdt)
{
	u64 blocks = ((u64)(__image_end - __image_start) + BLOCK - 1) / BLOCK, slide;
	struct slide_facts facts = {};

	if (fdt && is_aligned(fdt, 8ull) && fdt >> 39 == image >> 39)
		slide_facts_from_tree((void *)(LINEAR_BASE + fdt), &facts);
	slide_seed(&facts);
	slide = slide_choose(&facts, blocks * BLOCK, GIB / BLOCK - 1 - 2 * blocks);
	if (!slide)
		return 0;
	for (u64 i = 0; i < blocks; i++)
		early_image2[slide / BLOCK + i] = early_image2[i];
	dsb(ishst);
	isb();
	slide_apply(slide);
	/* Literals among the code were data just now; nothing was fetched from the new addresses yet. */
	arch_icache_sync(__text_start, (size_t)(__text_end - __text_start));
	return slide;
}

__init void boot_main(paddr_t image, paddr_t fdt, u64 ticks, u64 el)
{
	arch_layout = (struct arch_layout){
		.linear_base = LINEAR_BASE,
		.linear_size = BIT(47),
		.vmemmap_base = 0xffff800000000000ull,
		.vmap_base = 0xffffa00000000000ull,
		.vmap_end = 0xffffb00000000000ull,
		.image_offset = (vaddr_t)__image_start - image,
		.user_end = BIT(48),
		.pt_levels = 4,
	};
	boot_info.image_base = image;
	boot_info.image_size = (u64)(__image_end - __image_start);
	/* A tree that the early map cannot hold would only be a fault later. */
	if (is_aligned(fdt, 8ull) && fdt >> 39 == image >> 39)
		boot_info.fdt = fdt;
	boot_info.boot_hwid = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;
	boot_info.entry_ticks = ticks;
	boot_info.protocol = el == 2 ? "linux-image, EL2" : "linux-image, EL1";
	boot_thread.kstack = boot_stack;
	boot_thread.kstack_top = (vaddr_t)boot_stack_end;
	kernel_main();
}

/* The table that serves kernel_root_switch while the init section lasts. */
__init paddr_t boot_idmap(void)
{
	return image_to_phys(idmap_root);
}
__init pte_t *boot_early_root(void)
{
	return early_root;
}

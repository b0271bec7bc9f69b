/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From PVH's start_info to boot_info. The structures lie in RAM that will be reused (platform: low
 * memory on q35 and pc), so everything is copied or listed here, before anybody allocates.
 * They come from the loader and are checked like any other input. Not for: long mode (entry.S), ACPI.
 */
#include <arch/clock.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include <native/io.h>

#include "x86.h"

/* Xen public/arch-x86/hvm/start_info.h, version 1. */
#define START_INFO_MAGIC 0x336ec578u
struct start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_paddr, cmdline_paddr, rsdp_paddr;
	u64 memmap_paddr;	/* from version 1 on */
	u32 memmap_entries, reserved;
};
struct start_module {
	u64 paddr, size, cmdline_paddr, reserved;
};
struct start_memmap {
	u64 addr, size;
	u32 type, reserved;
};
#define MEMMAP_ENTRIES_MAX 128

#define EARLY_MAP_END 0x100000000ull
#define PCI_HOLE_START 0xc0000000ull	/* QEMU: RAM below 4 GiB ends at 2 or 3 GiB */
#define LOW_MEMORY_END 0xa0000ull

struct arch_layout arch_layout = {
	.linear_base = LINEAR_BASE,
	.linear_size = 1ull << 46,
	.vmemmap_base = 0xffffe00000000000ull,
	.vmap_base = 0xffffc00000000000ull,
	.vmap_end = 0xffffd00000000000ull,
	.image_offset = KERNEL_VIRT_BASE,
	/* The last page of the lower half stays empty: no instruction can end at a non-canonical address. */
	.user_end = 0x00007ffffffff000ull,
	.pt_levels = 4,
};
const char arch_platform[] = "x86_64";

paddr_t x86_trampoline_page;

/* The stack of kernel_main; a static one, so without a guard page below. */
char boot_stack[KSTACK_SIZE] __aligned(4096) __section(".bss.page_aligned");
__asm__(".globl boot_stack_top\n.set boot_stack_top, boot_stack + 16384");
static_assert(KSTACK_SIZE == 16384, "the line above");
static_assert(offsetof(struct cpu, canary) == 48, "meson.build tells the compiler");

/* entry.S: the image's GiB tables; the last GiB's is empty. */
extern u64 boot_pdpt_image[512], boot_pd_image[512];
#define GIB (1ull << 30)
#define BLOCK (2ull << 20)
#define BOOT_LEAF 0x83ull	/* present, writable, large */
#define BOOT_TABLE 3ull

u64 x86_boot_slide(u32 start_info);
__noreturn void x86_boot_main(u32 start_info, u64 ticks);

void arch_early_putc(char c)
{
	/* 16550 at COM1: wait for room, but not for ever if there is no such chip. */
	for (unsigned i = 0; i < 100000 && !(port_read8(0x3f8 + 5) & 0x20); i++)
		arch_cpu_relax();
	port_write8(0x3f8, (u8)c);
}

/* Before there is a log that could be read: says why and stops. */
static __noreturn void boot_die(const char *why)
{
	for (const char *s = "trivet: "; *s; s++)
		arch_early_putc(*s);
	for (; *why; why++)
		arch_early_putc(*why);
	arch_early_putc('\r');
	arch_early_putc('\n');
	while (1)
		__asm__ volatile("cli; hlt");
}

/* [pa, pa + size) through the early map, or NULL. */
static const void *boot_map(u64 pa, u64 size)
{
	if (pa == 0 || pa >= EARLY_MAP_END || size > EARLY_MAP_END - pa)
		return NULL;
	return phys_to_virt(pa);
}

static void boot_cmdline(u64 pa)
{
	const char *text = boot_map(pa, 1);
	size_t max, len;

	if (!text)
		return;
	max = min((u64)BOOT_CMDLINE_MAX, EARLY_MAP_END - pa);
	len = strnlen(text, max);
	if (len == max) {
		len = max - 1;
		boot_info.cmdline_cut = true;
	}
	memcpy(boot_info.cmdline, text, len);
	boot_info.cmdline[len] = '\0';
}

static void boot_memmap(const struct start_info *si)
{
	const struct start_memmap *map;
	u64 ram_end = 0;	/* of the RAM below the PCI hole */

	if (si->version < 1 || si->memmap_entries == 0 || si->memmap_entries > MEMMAP_ENTRIES_MAX)
		boot_die("the loader gave no memory map");
	map = boot_map(si->memmap_paddr, si->memmap_entries * sizeof(*map));
	if (!map)
		boot_die("the memory map lies out of reach");
	for (u32 i = 0; i < si->memmap_entries; i++)
		if (map[i].type == 1 && map[i].size && map[i].addr < PCI_HOLE_START)
			ram_end = max(ram_end, map[i].addr + map[i].size);
	if (ram_end == 0)
		boot_die("the memory map holds no RAM");
	for (u32 i = 0; i < si->memmap_entries; i++) {
		struct start_memmap e = map[i];
		enum boot_range_type type;

		/* microvm's list ends with an empty entry. */
		if (e.size == 0 || e.type == 0)
			continue;
		if (e.addr + e.size < e.addr)
			continue;
		if (e.type == 1)
			type = BOOT_RAM;
		else if (e.type == 3 || e.type == 4 || (e.type == 2 && e.addr <= ram_end))
			/* QEMU keeps ACPI tables in "reserved" RAM (q35, pc) and in NVS (microvm). */
			type = BOOT_FIRMWARE;
		else
			type = BOOT_RESERVED;	/* flash, ECAM and other holes */
		boot_range_add(e.addr, e.size, type);
	}
}

static void boot_modules(const struct start_info *si)
{
	const struct start_module *m;

	if (si->nr_modules == 0)
		return;
	m = boot_map(si->modlist_paddr, sizeof(*m));
	if (!m || m->size == 0 || m->paddr + m->size < m->paddr)
		return;
	boot_info.initrd_base = m->paddr;
	boot_info.initrd_size = m->size;
}

static bool overlaps(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* A page of low RAM for other CPUs to start in; the highest, so that old firmware data at the bottom stays. */
static void boot_reserve_trampoline(void)
{
	for (u32 i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];
		u64 end = min(r->base + r->size, LOW_MEMORY_END) & PAGE_MASK;

		if (r->type != BOOT_RAM || r->base >= LOW_MEMORY_END)
			continue;
		while (end >= r->base + PAGE_SIZE && end > PAGE_SIZE) {
			end -= PAGE_SIZE;
			if (overlaps(end, PAGE_SIZE, boot_info.initrd_base, boot_info.initrd_size))
				continue;
			x86_trampoline_page = end;
			boot_range_add(end, PAGE_SIZE, BOOT_RESERVED);
			return;
		}
	}
}

/* Room for the device tree behind the image; what lies there must not be the initramfs. */
static void *boot_place_tree(u64 bytes)
{
	u64 base = (boot_info.image_base + boot_info.image_size + PAGE_SIZE - 1) & PAGE_MASK;

	bytes = (bytes + PAGE_SIZE - 1) & PAGE_MASK;
	if (overlaps(base, bytes, boot_info.initrd_base, boot_info.initrd_size))
		base = (boot_info.initrd_base + boot_info.initrd_size + PAGE_SIZE - 1) & PAGE_MASK;
	for (u32 i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];

		if (r->type != BOOT_RAM || base < r->base || base + bytes > min(r->base + r->size, EARLY_MAP_END))
			continue;
		boot_info.fdt = base;
		return phys_to_virt(base);
	}
	return NULL;
}

/* Without ACPI: what QEMU's configuration device knows. Its tree counts I/O ports as addresses. */
static void boot_without_acpi(void)
{
	boot_info.fdt_size = x86_fw_cfg_tree(boot_place_tree);
	boot_info.fdt_port_end = 0x10000;
	boot_info.nr_cpus = x86_fw_cfg_cpus();
}

/* The loader's structure, or the end. */
static const struct start_info *boot_start_info_at(u32 pa)
{
	const struct start_info *p = boot_map(pa, sizeof(*p));

	if (!p || p->magic != START_INFO_MAGIC)
		boot_die("entered without PVH start information");
	return p;
}

static __init void slide_facts(u32 start_info, struct slide_facts *facts)
{
	u64 line = boot_start_info_at(start_info)->cmdline_paddr;

	facts->words = boot_map(line, 1);
	facts->words_len = facts->words ? min((u64)BOOT_CMDLINE_MAX, EARLY_MAP_END - line) : 0;
	facts->has_seed = x86_random_early(&facts->seed);
}

/*
 * At the link address: has the image moved into the last GiB and returns how far. The mapping at the link address
 * goes with it, since other CPUs start under these tables, too.
 */
__init u64 x86_boot_slide(u32 start_info)
{
	u64 base = image_to_phys(__image_start), blocks = (u64)(__image_end - __image_start + BLOCK - 1) / BLOCK;
	struct slide_facts facts = {};
	u64 slide;

	slide_facts(start_info, &facts);
	slide = slide_choose(&facts, GIB - base, GIB / BLOCK - blocks);
	if (!slide)
		return 0;
	for (u64 i = 0; i < blocks; i++)
		boot_pd_image[(base + slide - GIB) / BLOCK + i] = (base + i * BLOCK) | BOOT_LEAF;
	boot_pdpt_image[511] = image_to_phys(boot_pd_image) | BOOT_TABLE;
	write_cr3(read_cr3());
	slide_apply(slide);
	arch_layout.image_offset += slide;
	return slide;
}

__noreturn void x86_boot_main(u32 start_info, u64 ticks)
{
	struct start_info si = *boot_start_info_at(start_info);

	if (image_slide)
		boot_pdpt_image[510] = 0;
	write_cr3(read_cr3());
	boot_thread.kstack_top = (vaddr_t)boot_stack + KSTACK_SIZE;
	boot_info.entry_ticks = ticks;
	boot_info.protocol = "pvh";
	boot_info.rsdp = si.rsdp_paddr;
	boot_info.boot_hwid = cpuid(1, 0).ebx >> 24;
	boot_info.image_base = image_to_phys(__image_start);
	boot_info.image_size = (u64)(__image_end - __image_start);
	boot_cmdline(si.cmdline_paddr);
	boot_modules(&si);
	boot_memmap(&si);
	boot_range_add(0, PAGE_SIZE, BOOT_RESERVED);
	boot_reserve_trampoline();
	if (slide_word(boot_info.cmdline, sizeof(boot_info.cmdline), "acpi=off"))
		boot_info.rsdp = 0;
	if (!boot_info.rsdp)
		boot_without_acpi();
	kernel_main();
}

void arch_machine_reset(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed empty_idt;

	arch_irq_disable();
	/* Keyboard controller's reset line, then a triple fault: the way that always works. */
	for (unsigned i = 0; i < 10000 && (port_read8(0x64) & 2); i++)
		arch_cpu_relax();
	port_write8(0x64, 0xfe);
	for (unsigned i = 0; i < 1000; i++)
		arch_cpu_relax();
	__asm__ volatile("lidt %0; int3" :: "m"(empty_idt));
	while (1)
		__asm__ volatile("cli; hlt");
}

/* isa-debug-exit's port, for tests that pass `qemu_exit`; else there is nothing left but to stand still. */
void arch_machine_off(void)
{
	arch_irq_disable();
	if (strstr(boot_info.cmdline, "qemu_exit"))
		port_write8(0xf4, 0x10);
	arch_machine_reset();
}

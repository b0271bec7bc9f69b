/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What boot needs of the device tree, before memory management: memory, reservations, /chosen, CPUs,
 * PSCI. The blob is reached through the early linear map. It is checked as a whole first, so that
 * libfdt can walk it without meeting a bad offset.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <libfdt.h>
#include "../platform_local.h"
#include "fdt_local.h"

static bool string_prop_is(const void *fdt, int node, const char *name, const char *value)
{
	const char *s = fdt_stringlist_get(fdt, node, name, 0, NULL);

	return s && !strcmp(s, value);
}

/* The reg entries of a node below `above`, which is the root (0) or a child of it. */
static void add_ranges(const void *fdt, int above, int node, enum boot_range_type type)
{
	struct fdt_path path = { .node = { 0, node }, .depth = 1 };
	u64 base, size;

	if (above)
		path = (struct fdt_path){ .node = { 0, above, node }, .depth = 2 };
	for (unsigned i = 0; fdt_reg(fdt, &path, i, &base, &size); i++)
		if (size)
			boot_range_add(base, size, type);
}

static void read_memory(const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		if (!string_prop_is(fdt, node, "device_type", "memory") || !fdt_node_enabled(fdt, node))
			continue;
		add_ranges(fdt, 0, node, BOOT_RAM);
	}
}

static void read_reservations(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
	u64 base, size;

	for (int i = 0; i < fdt_num_mem_rsv(fdt); i++)
		if (!fdt_get_mem_rsv(fdt, i, &base, &size))
			boot_range_add(base, size, BOOT_RESERVED);
	if (parent < 0)
		return;
	fdt_for_each_subnode(node, fdt, parent)
		if (fdt_node_enabled(fdt, node))
			add_ranges(fdt, parent, node, BOOT_RESERVED);
}

static void read_initrd(const void *fdt, int chosen)
{
	u64 start, end;

	if (!fdt_number(fdt, chosen, "linux,initrd-start", &start) ||
	    !fdt_number(fdt, chosen, "linux,initrd-end", &end))
		return;
	if (end <= start) {
		log_err("device tree: initrd from 0x%llx to 0x%llx is left out", (unsigned long long)start,
			(unsigned long long)end);
		return;
	}
	boot_info.initrd_base = start;
	boot_info.initrd_size = end - start;
}

/* Takes a seed out of the tree: what stays readable is no secret. */
static void take_seed(const void *fdt, int chosen, const char *name)
{
	int len;
	u8 *p = (u8 *)fdt_getprop(fdt, chosen, name, &len);
	size_t n;

	if (!p || len <= 0)
		return;
	n = min((size_t)len, BOOT_SEED_MAX - (size_t)boot_info.seed_len);
	memcpy(boot_info.seed + boot_info.seed_len, p, n);
	boot_info.seed_len += (u32)n;
	memset(p, 0, (size_t)len);
}

static void read_uart(const void *fdt, int chosen)
{
	const char *path = fdt_stringlist_get(fdt, chosen, "stdout-path", 0, NULL), *end;
	struct fdt_path place;
	u64 size;
	int node;

	if (!path)
		return;
	end = strchr(path, ':');	/* options follow: baud rate */
	node = fdt_path_offset_namelen(fdt, path, end ? (int)(end - path) : (int)strlen(path));
	if (node < 0 || !fdt_path_find(fdt, node, &place) || !fdt_reg(fdt, &place, 0, &boot_info.uart_base, &size)) {
		boot_info.uart_base = 0;
		return;
	}
	if (!fdt_node_check_compatible(fdt, node, "arm,pl011"))
		boot_info.uart_kind = EARLY_UART_PL011;
	else if (!fdt_node_check_compatible(fdt, node, "ns16550a") ||
		 !fdt_node_check_compatible(fdt, node, "ns16550"))
		boot_info.uart_kind = EARLY_UART_NS16550;
	else
		boot_info.uart_base = 0;
}

static void read_chosen(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen"), len;
	const char *args;

	if (node < 0)
		return;
	read_uart(fdt, node);
	args = fdt_getprop(fdt, node, "bootargs", &len);
	if (args && len > 0) {
		size_t n = strnlen(args, (size_t)len);

		boot_info.cmdline_cut = n >= sizeof(boot_info.cmdline);
		n = min(n, sizeof(boot_info.cmdline) - 1);
		memcpy(boot_info.cmdline, args, n);
		boot_info.cmdline[n] = 0;
	}
	read_initrd(fdt, node);
	take_seed(fdt, node, "rng-seed");
	take_seed(fdt, node, "kaslr-seed");
}

static void read_psci(const void *fdt)
{
	static const char *const known[] = { "arm,psci-1.0", "arm,psci-0.2" };

	for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
		int node = fdt_node_offset_by_compatible(fdt, -1, known[i]);

		if (node < 0)
			continue;
		boot_info.psci = string_prop_is(fdt, node, "method", "hvc") ? PSCI_HVC :
				 string_prop_is(fdt, node, "method", "smc") ? PSCI_SMC : PSCI_NONE;
		return;
	}
}

static void read_cpus(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/cpus"), node, len;
	unsigned address_cells, size_cells;

	if (parent < 0 || !fdt_cell_counts(fdt, parent, &address_cells, &size_cells))
		return;
	fdt_number(fdt, parent, "timebase-frequency", &boot_info.timebase_hz);
	fdt_for_each_subnode(node, fdt, parent) {
		const void *reg = fdt_getprop(fdt, node, "reg", &len);
		const char *isa;
		u64 hwid;

		if (!string_prop_is(fdt, node, "device_type", "cpu") || !fdt_node_enabled(fdt, node) ||
		    !reg || !address_cells || len != (int)(4 * address_cells) ||
		    !fdt_cells_read(reg, address_cells, &hwid))
			continue;
		cpu_register(hwid);
		if (!boot_info.timebase_hz)
			fdt_number(fdt, node, "timebase-frequency", &boot_info.timebase_hz);
		isa = fdt_stringlist_get(fdt, node, "riscv,isa", 0, NULL);
		if (isa && hwid == boot_info.boot_hwid)
			strlcpy(boot_info.isa, isa, sizeof(boot_info.isa));
	}
}

/* Where the last byte in use ends: loaders pad the blob by up to a MiB. */
static u64 used_size(const void *fdt)
{
	u64 end = (u64)fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt);

	end = max(end, (u64)fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt));
	return max(end, fdt_off_mem_rsvmap(fdt) +
			(u64)(fdt_num_mem_rsv(fdt) + 1) * sizeof(struct fdt_reserve_entry));
}

void slide_facts_from_tree(const void *fdt, struct slide_facts *facts)
{
	static const char *const seeds[] = { "kaslr-seed", "rng-seed" };
	int node, len;

	if (fdt_check_header(fdt) || fdt_totalsize(fdt) > FDT_SIZE_MAX || fdt_check_full(fdt, fdt_totalsize(fdt)))
		return;
	node = fdt_path_offset(fdt, "/chosen");
	if (node < 0)
		return;
	facts->words = fdt_getprop(fdt, node, "bootargs", &len);
	facts->words_len = facts->words ? (size_t)len : 0;
	/* Of a longer seed only the last word is used here; all of it goes to the generator later. */
	for (unsigned i = 0; i < ARRAY_LEN(seeds) && !facts->has_seed; i++) {
		const u8 *p = fdt_getprop(fdt, node, seeds[i], &len);

		if (!p || len < (int)sizeof(facts->seed))
			continue;
		memcpy(&facts->seed, p + len - sizeof(facts->seed), sizeof(facts->seed));
		facts->has_seed = facts->seed != 0;
	}
}

const char *fdt_early_init(void)
{
	const void *fdt = phys_to_virt(boot_info.fdt);
	int err = fdt_check_header(fdt);

	if (!err && fdt_totalsize(fdt) > FDT_SIZE_MAX)
		return "larger than 2 MiB";
	if (!err)
		err = fdt_check_full(fdt, fdt_totalsize(fdt));
	if (err)
		return fdt_strerror(err);
	boot_info.fdt_size = min(used_size(fdt), (u64)fdt_totalsize(fdt));
	read_chosen(fdt);
	read_psci(fdt);
	read_memory(fdt);
	read_reservations(fdt);
	read_cpus(fdt);
	fdt_read_topology(fdt);
	return NULL;
}

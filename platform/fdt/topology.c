/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How CPUs are grouped: the device tree's /cpus/cpu-map (Devicetree Specification, "CPU topology"): sockets, clusters
 * (the innermost counts), cores, threads, each level optional; the leaves point at CPU nodes. Early, like early.c.
 */
#include <kernel/cpu.h>
#include <lib/string.h>
#include <libfdt.h>
#include "fdt_local.h"

enum level { SOCKET, CLUSTER, CORE, THREAD, LEVELS };
#define DEPTH_MAX 16

/* "core12" is level CORE, number 12. */
static bool name_parse(const char *name, enum level *level, u32 *number)
{
	static const char *const prefix[LEVELS] = { "socket", "cluster", "core", "thread" };
	const char *end;
	u64 n;

	for (unsigned i = 0; i < LEVELS; i++) {
		size_t len = strlen(prefix[i]);

		if (strncmp(name, prefix[i], len) || parse_u64_prefix(name + len, 10, &n, &end) || *end || n > U32_MAX)
			continue;
		*level = (enum level)i;
		*number = (u32)n;
		return true;
	}
	return false;
}

static bool cpu_of_leaf(const void *fdt, int cpus, int leaf, unsigned address_cells, u64 *hwid)
{
	u64 phandle;
	const void *reg;
	int node, len;

	if (!fdt_number(fdt, leaf, "cpu", &phandle))
		return false;
	fdt_for_each_subnode(node, fdt, cpus)
		if (fdt_get_phandle(fdt, node) == phandle)
			break;
	reg = node >= 0 ? fdt_getprop(fdt, node, "reg", &len) : NULL;
	return reg && address_cells && len == (int)(4 * address_cells) && fdt_cells_read(reg, address_cells, hwid);
}

void fdt_read_topology(const void *fdt)
{
	int cpus = fdt_path_offset(fdt, "/cpus"), map = fdt_path_offset(fdt, "/cpus/cpu-map"), depth = 0;
	u32 at[LEVELS] = { 0 };
	unsigned address_cells, size_cells;

	if (map < 0 || cpus < 0 || !fdt_cell_counts(fdt, cpus, &address_cells, &size_cells))
		return;
	for (int node = fdt_next_node(fdt, map, &depth); node >= 0 && depth > 0 && depth < DEPTH_MAX;
	     node = fdt_next_node(fdt, node, &depth)) {
		const char *name = fdt_get_name(fdt, node, NULL);
		enum level level;
		u64 hwid;
		u32 n;

		if (!name || !name_parse(name, &level, &n))
			continue;
		at[level] = n;
		for (unsigned i = level + 1; i < LEVELS; i++)
			at[i] = 0;
		if (cpu_of_leaf(fdt, cpus, node, address_cells, &hwid))
			cpu_set_topology(hwid, &(struct cpu_topology){
				.package = at[SOCKET], .cluster = at[CLUSTER], .core = at[CORE], .thread = at[THREAD] });
	}
}

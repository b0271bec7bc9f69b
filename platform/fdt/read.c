/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells, reg and address translation of a flattened device tree (Devicetree Specification 0.4, 2.3).
 * Lengths come from the blob and are checked here: a wrong one makes the entry absent.
 */
#include <lib/bits.h>
#include <lib/string.h>
#include <libfdt.h>
#include "fdt_local.h"

bool fdt_cells_read(const void *cells, unsigned n, u64 *value)
{
	const u8 *p = cells;

	for (; n > 2; n--, p += 4)
		if (get_be32(p))
			return false;
	*value = n == 2 ? get_be64(p) : n == 1 ? get_be32(p) : 0;
	return true;
}

bool fdt_number(const void *fdt, int node, const char *name, u64 *value)
{
	int len;
	const void *p = fdt_getprop(fdt, node, name, &len);

	return p && (len == 4 || len == 8) && fdt_cells_read(p, (unsigned)len / 4, value);
}

static bool cell_count(const void *fdt, int node, const char *name, unsigned fallback, unsigned *count)
{
	int len;
	const void *p = fdt_getprop(fdt, node, name, &len);

	*count = p ? (len == 4 ? get_be32(p) : U32_MAX) : fallback;
	return *count <= 4;
}
bool fdt_cell_counts(const void *fdt, int node, unsigned *address, unsigned *size)
{
	return cell_count(fdt, node, "#address-cells", 2, address) &&
	       cell_count(fdt, node, "#size-cells", 1, size);
}

bool fdt_node_enabled(const void *fdt, int node)
{
	int len;
	const char *status = fdt_getprop(fdt, node, "status", &len);

	return !status || (len > 0 && (!strncmp(status, "okay", (size_t)len) ||
				       !strncmp(status, "ok", (size_t)len)));
}

/* One step up: an address on bus `node` becomes one on its parent bus. */
static bool translate_up(const void *fdt, int node, int parent, u64 *addr, u64 size)
{
	unsigned child_cells, size_cells, parent_cells, unused, entry;
	const u8 *p;
	int len;

	p = fdt_getprop(fdt, node, "ranges", &len);
	if (!p || !fdt_cell_counts(fdt, node, &child_cells, &size_cells) ||
	    !fdt_cell_counts(fdt, parent, &parent_cells, &unused))
		return false;
	entry = 4 * (child_cells + parent_cells + size_cells);
	if (len == 0)
		return true;
	for (; (unsigned)len >= entry && entry; len -= (int)entry, p += entry) {
		u64 from, to, span;

		if (!fdt_cells_read(p, child_cells, &from) ||
		    !fdt_cells_read(p + 4 * child_cells, parent_cells, &to) ||
		    !fdt_cells_read(p + 4 * (child_cells + parent_cells), size_cells, &span))
			continue;
		if (*addr >= from && *addr - from < span && size <= span - (*addr - from)) {
			*addr = to + (*addr - from);
			return true;
		}
	}
	return false;
}

bool fdt_path_find(const void *fdt, int node, struct fdt_path *path)
{
	int depth = fdt_node_depth(fdt, node);

	if (depth < 0 || depth >= FDT_DEPTH_MAX)
		return false;
	path->depth = (unsigned)depth;
	for (int i = 0; i < depth; i++)
		path->node[i] = fdt_supernode_atdepth_offset(fdt, node, i, NULL);
	path->node[depth] = node;
	return true;
}

bool fdt_reg(const void *fdt, const struct fdt_path *path, unsigned n, u64 *base, u64 *size)
{
	unsigned address_cells, size_cells, entry;
	const u8 *p;
	int len;

	if (path->depth == 0)
		return false;
	p = fdt_getprop(fdt, path->node[path->depth], "reg", &len);
	if (!p || !fdt_cell_counts(fdt, path->node[path->depth - 1], &address_cells, &size_cells))
		return false;
	entry = 4 * (address_cells + size_cells);
	if (!address_cells || (u64)len < (u64)entry * (n + 1ull))
		return false;
	p += (size_t)entry * n;
	if (!fdt_cells_read(p, address_cells, base) ||
	    !fdt_cells_read(p + 4 * address_cells, size_cells, size))
		return false;
	for (unsigned d = path->depth - 1; d > 0; d--)
		if (!translate_up(fdt, path->node[d], path->node[d - 1], base, *size))
			return false;
	return true;
}

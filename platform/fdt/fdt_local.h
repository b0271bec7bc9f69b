/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a flattened device tree beyond what libfdt offers. The blob has passed fdt_check_full. */
#ifndef PLATFORM_FDT_LOCAL_H
#define PLATFORM_FDT_LOCAL_H

#include <lib/compiler.h>

#define FDT_SIZE_MAX (1u << 21)		/* Linux's boot protocol allows 2 MiB */
#define FDT_DEPTH_MAX 16		/* deeper nodes are left out */

/* Number of 1 or 2 big-endian cells; more: the low 64 bits if the rest is 0, else false. */
bool fdt_cells_read(const void *cells, unsigned n, u64 *value);
/* 32- or 64-bit property (Linux writes initrd-start either way). False: absent or another length. */
bool fdt_number(const void *fdt, int node, const char *name, u64 *value);
/* #address-cells / #size-cells of the node, with the defaults 2 and 1; false: unusable. */
bool fdt_cell_counts(const void *fdt, int node, unsigned *address, unsigned *size);
/* The way to a node: node[0] is the root, node[depth] the node itself. libfdt would search it each time. */
struct fdt_path {
	int node[FDT_DEPTH_MAX];
	unsigned depth;
};
/* n-th entry of reg as a CPU address. False: absent, or not reachable by the CPU. */
bool fdt_reg(const void *fdt, const struct fdt_path *path, unsigned n, u64 *base, u64 *size);
/* False: deeper than FDT_DEPTH_MAX. */
bool fdt_path_find(const void *fdt, int node, struct fdt_path *path);
void fdt_read_topology(const void *fdt);	/* tells cpu_set_topology */
bool fdt_node_enabled(const void *fdt, int node);	/* status absent, "okay" or "ok" */

struct device;
const void *fdt_device_prop(struct device *dev, const char *name, u32 *len);
int fdt_device_irq(struct device *dev, unsigned n);
int fdt_device_irq_route(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin);

#endif

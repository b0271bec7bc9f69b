/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From nodes of the flattened device tree to struct devices: every node with a "compatible" becomes
 * one, below the nearest ancestor that is one. Properties stay in the blob and are read there.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/device.h>
#include <kernel/log.h>
#include <lib/bits.h>
#include <libfdt.h>
#include "../platform_local.h"
#include "fdt_local.h"

struct level {
	int node;
	struct device *device;		/* nearest one at or above the node */
	u32 irq_parent;			/* inherited interrupt-parent */
	bool is_disabled;
};

static const void *blob(void) { return phys_to_virt(boot_info.fdt); }

const void *fdt_device_prop(struct device *dev, const char *name, u32 *len)
{
	int n;
	const void *p = fdt_getprop(blob(), (int)(u32)dev->firmware_node, name, &n);

	*len = n > 0 ? (u32)n : 0;
	return p;
}

static const struct device_firmware fdt_firmware = {
	.irq = fdt_device_irq,
	.irq_route = fdt_device_irq_route,
	.prop = fdt_device_prop,
};

static void add_registers(struct device *dev, const void *fdt, const struct fdt_path *path)
{
	u64 base, size;

	for (unsigned i = 0; fdt_reg(fdt, path, i, &base, &size); i++)
		device_add_resource(dev, base + size <= boot_info.fdt_port_end ? RES_PORT : RES_MMIO, base, size,
				    fdt_stringlist_get(fdt, path->node[path->depth], "reg-names", (int)i, NULL));
}

static struct device *add_device(const void *fdt, const struct fdt_path *path, struct level *at,
				 struct device *parent)
{
	int node = at->node, len;
	const char *compatible = fdt_getprop(fdt, node, "compatible", &len);
	struct device *dev;
	u64 base, size;

	if (!compatible || len <= 0)
		return NULL;
	if (fdt_reg(fdt, path, 0, &base, &size) && words_have(base))
		return NULL;
	dev = device_alloc(parent, fdt_get_name(fdt, node, NULL), BUS_PLATFORM);
	if (!dev) {
		log_err("device tree: no memory for a device");
		return NULL;
	}
	dev->compatible = compatible;
	dev->compatible_len = (u32)len;
	dev->phandle = fdt_get_phandle(fdt, node);
	dev->firmware = &fdt_firmware;
	dev->firmware_node = (u32)node | (u64)at->irq_parent << 32;
	dev->is_disabled = at->is_disabled;
	add_registers(dev, fdt, path);
	device_register(dev);
	return dev;
}

static void enter(const void *fdt, const struct level *above, struct level *at)
{
	u64 phandle;

	at->device = above->device;
	at->irq_parent = above->irq_parent;
	if (fdt_number(fdt, at->node, "interrupt-parent", &phandle))
		at->irq_parent = (u32)phandle;
	at->is_disabled = above->is_disabled || !fdt_node_enabled(fdt, at->node);
}

void fdt_discover(void)
{
	static const struct level none;
	struct level stack[FDT_DEPTH_MAX];
	struct fdt_path path;
	const void *fdt = blob();
	int depth = 0, node = 0;
	unsigned skipped = 0;

	stack[0].node = path.node[0] = 0;
	enter(fdt, &none, &stack[0]);
	while ((node = fdt_next_node(fdt, node, &depth)) >= 0 && depth > 0) {
		struct device *dev;

		if (depth >= FDT_DEPTH_MAX) {
			skipped++;
			continue;
		}
		stack[depth].node = path.node[depth] = node;
		path.depth = (unsigned)depth;
		enter(fdt, &stack[depth - 1], &stack[depth]);
		dev = add_device(fdt, &path, &stack[depth], stack[depth - 1].device);
		if (dev)
			stack[depth].device = dev;
	}
	if (skipped)
		log_warn("device tree: %u nodes lie too deep and are left out", skipped);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of device-tree devices (Devicetree Specification 0.4, 2.4): interrupts,
 * interrupts-extended, and a bus's interrupt-map. Asked for when a driver wants the interrupt: by then
 * the controller's driver has registered its domain, or the answer is -EAGAIN.
 */
#include <kernel/device.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "fdt_local.h"

#define CELLS_MAX 8

static int controller_cells(struct device *controller, unsigned *cells)
{
	u32 n;

	if (device_prop_u32(controller, "#interrupt-cells", &n) || n == 0 || n > CELLS_MAX)
		return -ENXIO;
	*cells = n;
	return 0;
}

/* Specifier in host order to an irq number. */
static int map_specifier(struct device *controller, const u32 *spec, unsigned n)
{
	struct irq_domain *domain;
	u32 hwirq, type;
	int err;

	if (!controller || controller->is_disabled)
		return -ENXIO;
	domain = irq_domain_by_phandle(controller->phandle);
	if (!domain)
		return -EAGAIN;
	if (!domain->chip->translate)
		return -ENXIO;
	err = domain->chip->translate(domain, spec, n, &hwirq, &type);
	return err ? err : irq_map(domain, hwirq, type);
}

static void read_spec(const u8 *cells, unsigned n, u32 *spec)
{
	for (unsigned i = 0; i < n; i++)
		spec[i] = get_be32(cells + 4 * i);
}

static int irq_extended(const u8 *p, u32 len, unsigned n)
{
	for (;;) {
		struct device *controller;
		unsigned cells;
		u32 spec[CELLS_MAX];

		if (len < 4)
			return -ENXIO;
		controller = device_by_phandle(get_be32(p));
		if (!controller || controller_cells(controller, &cells) || len < 4 * (cells + 1))
			return -ENXIO;
		if (n-- == 0) {
			read_spec(p + 4, cells, spec);
			return map_specifier(controller, spec, cells);
		}
		p += 4 * (cells + 1);
		len -= 4 * (cells + 1);
	}
}

int fdt_device_irq(struct device *dev, unsigned n)
{
	struct device *controller;
	unsigned cells;
	u32 len, spec[CELLS_MAX];
	const u8 *p = device_prop(dev, "interrupts-extended", &len);

	if (p)
		return irq_extended(p, len, n);
	p = device_prop(dev, "interrupts", &len);
	controller = device_by_phandle((u32)(dev->firmware_node >> 32));
	if (!p || !controller || controller_cells(controller, &cells) ||
	    (u64)len < 4ull * cells * (n + 1ull))
		return -ENXIO;
	read_spec(p + 4ull * cells * n, cells, spec);
	return map_specifier(controller, spec, cells);
}

/* One interrupt-map entry's parent part at p: how long it is, and the controller. 0: malformed. */
static u32 parent_length(const u8 *p, u32 len, struct device **controller, u32 *address_cells, unsigned *cells)
{
	if (len < 4)
		return 0;
	*controller = device_by_phandle(get_be32(p));
	if (!*controller || controller_cells(*controller, cells))
		return 0;
	if (device_prop_u32(*controller, "#address-cells", address_cells))
		*address_cells = 0;
	if (*address_cells > CELLS_MAX || len < 4 * (1 + *address_cells + *cells))
		return 0;
	return 4 * (1 + *address_cells + *cells);
}

int fdt_device_irq_route(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin)
{
	u32 len, mask_len, address_cells, key = 4 * (nr_addr + 1);
	const u8 *p = device_prop(bus, "interrupt-map", &len);
	const u8 *mask = device_prop(bus, "interrupt-map-mask", &mask_len);
	unsigned cells;

	if (!p || (mask && mask_len != key))
		return -ENXIO;
	while (len > key) {
		struct device *controller;
		bool is_ours = true;
		u32 parent = parent_length(p + key, len - key, &controller, &address_cells, &cells);

		if (!parent)
			return -ENXIO;
		for (unsigned i = 0; i <= nr_addr; i++) {
			u32 want = i < nr_addr ? addr[i] : pin, bits = mask ? get_be32(mask + 4 * i) : U32_MAX;

			is_ours &= !((want ^ get_be32(p + 4 * i)) & bits);
		}
		if (is_ours) {
			u32 spec[CELLS_MAX];

			read_spec(p + key + 4 * (1 + address_cells), cells, spec);
			return map_specifier(controller, spec, cells);
		}
		p += key + parent;
		len -= key + parent;
	}
	return -ENXIO;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridge as firmware describes it: the device tree's "pci-host-ecam-generic" with `ranges` and
 * `bus-range`, or ACPI's PNP0A08 whose resources are named "ecam", "config" and "window".
 */
#include "pci_local.h"

#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/errno.h>

/* One entry of `ranges`: 3 cells of bus address, 2 of CPU address, 2 of size (IEEE 1275 PCI binding). */
#define RANGE_CELLS 7u

static void window_add(struct pci_host *host, enum pci_window_kind kind, u64 pci, u64 cpu, u64 size)
{
	if (host->nr_windows == PCI_WINDOWS_MAX || size == 0 || pci + size < pci)
		return;
	host->window[host->nr_windows++] = (struct pci_window){
		.kind = kind, .pci_base = pci, .cpu_base = cpu, .size = size,
		.next = max(pci, (u64)0x1000),	/* address 0 means "none" */
	};
}

static void windows_from_tree(struct pci_host *host)
{
	u32 len = 0;
	const u8 *p = device_prop(host->dev, "ranges", &len);

	for (; p && len >= RANGE_CELLS * 4; p += RANGE_CELLS * 4, len -= RANGE_CELLS * 4) {
		u32 space = get_be32(p) >> 24 & 3;
		enum pci_window_kind kind = space == 1 ? WINDOW_PORT : space == 2 ? WINDOW_MEM32 : WINDOW_MEM64;

		if (space)
			window_add(host, kind, get_be64(p + 4), get_be64(p + 12), get_be64(p + 20));
	}
}

static void windows_from_resources(struct pci_host *host)
{
	const struct resource *r;

	for (unsigned n = 0; (r = device_resource(host->dev, RES_MMIO, n)); n++)
		if (r->name && strcmp(r->name, "window") == 0)
			window_add(host, r->base >> 32 ? WINDOW_MEM64 : WINDOW_MEM32, r->base, r->base, r->size);
}

static int pci_host_probe(struct device *dev)
{
	struct pci_host *host = device_state(dev);
	const struct resource *ecam = device_resource(dev, RES_MMIO, 0);
	u32 first = 0, last = 255;

	host->dev = dev;
	spin_init(&host->lock, "pci config", LOCK_IRQ_CHIP);
	device_prop_u32_at(dev, "bus-range", 0, &first);
	device_prop_u32_at(dev, "bus-range", 1, &last);
	if (first > last || last > 255)
		return -EINVAL;
	if (ecam && !(ecam->name && strcmp(ecam->name, "window") == 0)) {
		host->ecam = ecam->base;
		last = min(last, first + (u32)(ecam->size >> 20) - 1);
		if (ecam->size < 1u << 20)
			return -EINVAL;
	} else if (!ARCH_HAS_PORTS || device_port(dev, 0) < 0) {
		return -ENODEV;
	}
	host->bus_first = (u8)first;
	host->bus_last = (u8)last;
	windows_from_tree(host);
	windows_from_resources(host);
	pci_enumerate(host);
	return 0;
}

static const struct driver_match pci_host_match[] = {
	{ .compatible = "pci-host-ecam-generic" },
	{ .hid = "PNP0A08" },
	{ 0 },
};
const struct driver driver_pci_host = {
	.name = "pci-host",
	.match = pci_host_match,
	.bus = BUS_PLATFORM,
	.state_size = sizeof(struct pci_host),
	.probe = pci_host_probe,
	.level = 1,
};

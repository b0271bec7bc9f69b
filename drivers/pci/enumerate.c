/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking the buses: each function becomes a struct device on BUS_PCI. Bridges that firmware configured are
 * followed; others are named in the log and left. Once per host, from its driver's probe.
 */
#include "pci_local.h"

#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/format.h>

#define REG_VENDOR 0x00
#define REG_CLASS 0x08
#define REG_HEADER_TYPE 0x0e
#define REG_SECONDARY_BUS 0x19
#define REG_SUBSYSTEM 0x2c
#define REG_INTERRUPT_PIN 0x3d
#define HEADER_MULTI 0x80
#define CLASS_BRIDGE_PCI 0x0604

static void function_register(struct pci_function *f)
{
	struct device *dev;
	char name[32];

	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", 0u, f->bus, f->slot, f->function);
	dev = device_alloc(f->host->dev, name, BUS_PCI);
	if (!dev) {
		log_err("pci %s: no memory", name);
		return;
	}
	f->dev = dev;
	dev->bus_data = f;
	dev->pci_vendor = f->vendor;
	dev->pci_device = f->device;
	dev->pci_class = f->class_code;
	for (unsigned n = 0; n < 6; n++)
		if (f->bar[n].is_assigned)
			device_add_resource(dev, f->bar[n].is_port ? RES_PORT : RES_MMIO, f->bar[n].base,
					    f->bar[n].size, NULL);
	log_info("pci %s: %04x:%04x class %06x", name, f->vendor, f->device, f->class_code);
	device_register(dev);
}

/* True: there is a function; *is_multi: more may follow; *below: the bus behind it, 0: none. */
static bool function_found(struct pci_host *host, u8 bus, u8 slot, u8 function, bool *is_multi, u8 *below)
{
	struct pci_function probe = { .host = host, .bus = bus, .slot = slot, .function = function }, *f;
	u32 id = pci_read32(&probe, REG_VENDOR);
	u8 header;

	*below = 0;
	if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
		return false;
	header = pci_read8(&probe, REG_HEADER_TYPE);
	*is_multi = header & HEADER_MULTI;
	f = kzalloc(sizeof(*f), 0);
	if (!f)
		return false;
	*f = probe;
	f->vendor = (u16)id;
	f->device = (u16)(id >> 16);
	f->revision = pci_read8(f, REG_CLASS);
	f->class_code = pci_read32(f, REG_CLASS) >> 8;
	f->irq_pin = pci_read8(f, REG_INTERRUPT_PIN);
	if (f->irq_pin > 4)
		f->irq_pin = 0;
	if ((header & 0x7f) == 0) {
		f->subsystem_vendor = pci_read16(f, REG_SUBSYSTEM);
		f->subsystem_device = pci_read16(f, REG_SUBSYSTEM + 2);
		/* Host bridges keep BARs that other software set up. */
		pci_bars_setup(f, f->class_code >> 16 == 6 ? 0 : 6);
	} else if ((header & 0x7f) == 1 && f->class_code >> 8 == CLASS_BRIDGE_PCI) {
		*below = pci_read8(f, REG_SECONDARY_BUS);
		if (*below == 0)
			log_warn("pci %02x:%02x.%x: bridge that firmware did not configure, what is behind stays unseen",
				 bus, slot, function);
	}
	function_register(f);
	return true;
}

static void slot_scan(struct pci_host *host, u8 bus, u8 slot, u64 *todo)
{
	bool is_multi = false, ignored;
	u8 below;

	for (u8 function = 0; function < 8; function++) {
		if (!function_found(host, bus, slot, function, function ? &ignored : &is_multi, &below)
		    && function == 0)
			return;
		/* Bus numbers only rise, so no bus is seen twice. */
		if (below > bus && below <= host->bus_last)
			bitmap_set(todo, below);
		if (!is_multi)
			return;
	}
}

void pci_enumerate(struct pci_host *host)
{
	u64 todo[BITMAP_WORDS(256)] = { 0 };

	bitmap_set(todo, host->bus_first);
	for (unsigned bus = host->bus_first; bus <= host->bus_last; bus++) {
		if (!bitmap_test(todo, bus))
			continue;
		if (pci_host_map_bus(host, (u8)bus)) {
			log_err("pci: configuration space of bus %u cannot be mapped", bus);
			continue;
		}
		for (u8 slot = 0; slot < 32; slot++)
			slot_scan(host, (u8)bus, slot, todo);
	}
}

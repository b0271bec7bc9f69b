/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes struct devices of what the tables or the command line tell. Only devices that some driver
 * could want are registered. Called once, by acpi_discover, in a thread.
 */
#include "devices.h"

#include <kernel/device.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>

/* ACPI ids that drivers also know under a device-tree name. */
static const struct {
	const char *hid, *name, *compatible;
} known_ids[] = {
	{ "LNRO0005", "virtio-mmio", "virtio,mmio" },
	{ "PNP0501", "serial", "ns16550a" },
	{ "PNP0B00", "rtc", "motorola,mc146818" },
	{ "QEMU0002", "fw-cfg", "qemu,fw-cfg-port" },
};

/* The PCI host bridge's memory windows, kept until pci_host_found. */
static struct aml_resource windows[4];
static unsigned nr_windows;
static bool has_host_bridge;

static int map_gsi(u32 gsi, u32 type)
{
	struct irq_domain *d = irq_domain_by_gsi(gsi);

	return d ? irq_map(d, gsi - d->gsi_base, type) : -1;
}

static int map_isa(struct acpi_table madt, u32 isa)
{
	u32 gsi, type;

	acpi_madt_isa(madt, isa, &gsi, &type);
	return map_gsi(gsi, type);
}

static struct device *device_make(const char *name, u64 base, const char *hid, const char *compatible)
{
	struct device *dev;
	char full[48];

	snprintf(full, sizeof(full), "%s@%lx", name, base);
	dev = device_alloc(&device_root, full, BUS_PLATFORM);
	if (!dev) {
		log_err("acpi: no memory for device %s", full);
		return NULL;
	}
	dev->hid = hid;
	if (compatible) {
		dev->compatible = compatible;
		dev->compatible_len = (u32)strlen(compatible) + 1;
	}
	return dev;
}

static void add_resource(struct device *dev, const struct aml_resource *r, struct acpi_table madt)
{
	int irq;

	switch (r->kind) {
	case AML_MEMORY:
		device_add_resource(dev, RES_MMIO, r->base, r->size, NULL);
		break;
	case AML_PORT:
		device_add_resource(dev, RES_PORT, r->base, r->size, NULL);
		break;
	case AML_ISA_IRQ:
	case AML_GSI:
		irq = r->kind == AML_GSI ? map_gsi((u32)r->base, (u32)r->size) : map_isa(madt, (u32)r->base);
		if (irq > 0)
			device_add_resource(dev, RES_IRQ, (u64)irq, r->size, NULL);
		break;
	case AML_WINDOW:
		break;
	}
}

static void host_bridge_windows(const struct aml_device *d)
{
	struct aml_resource r;
	u32 at = 0;

	has_host_bridge = true;
	while (d->crs && nr_windows < ARRAY_LEN(windows) && aml_resource_next(d->crs, d->crs_len, &at, &r))
		if (r.kind == AML_WINDOW)
			windows[nr_windows++] = r;
}

void acpi_device_found(const struct aml_device *d, void *arg)
{
	const struct acpi_table *madt = arg;
	struct aml_resource r;
	struct device *dev;
	u32 at = 0;
	unsigned i;

	if (strcmp(d->hid, "PNP0A08") == 0 || strcmp(d->hid, "PNP0A03") == 0) {
		host_bridge_windows(d);
		return;
	}
	for (i = 0; i < ARRAY_LEN(known_ids) && strcmp(d->hid, known_ids[i].hid); i++)
		;
	if (i == ARRAY_LEN(known_ids) || !d->crs || !aml_resource_next(d->crs, d->crs_len, &at, &r))
		return;
	dev = device_make(known_ids[i].name, r.base, known_ids[i].hid, known_ids[i].compatible);
	if (!dev)
		return;
	do
		add_resource(dev, &r, *madt);
	while (aml_resource_next(d->crs, d->crs_len, &at, &r));
	device_register(dev);
}

/*
 * Pins to interrupts as QEMU wires them, since the routing table is AML: q35 (it has an MCFG) rotates slots 0-24
 * over GSI 20-23 and gives the others 16-19; pc wires pins to the ISA line that firmware wrote into the function.
 */
static bool has_mcfg;
static struct acpi_table pci_madt;

static int pci_irq_route(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin)
{
	u32 slot = addr[0] >> 11 & 31, line = nr_addr > 2 ? addr[2] : 0;
	int irq;

	if (addr[0] >> 16 & 0xff || pin < 1 || pin > 4)
		return -ENXIO;		/* behind a bridge */
	if (has_mcfg)
		irq = map_gsi(slot < 25 || slot == 30 ? 20 + ((slot + pin - 1) & 3) : 15 + pin, IRQ_LEVEL);
	else
		irq = line > 0 && line < 16 ? map_isa(pci_madt, line) : -1;
	return irq > 0 ? irq : -ENXIO;
}
static const struct device_firmware pci_firmware = { .irq_route = pci_irq_route };

void pci_host_found(struct acpi_table mcfg, struct acpi_table madt)
{
	u64 base = acpi_u64(mcfg, 44);
	u8 first = acpi_u8(mcfg, 54), last = acpi_u8(mcfg, 55);
	struct device *dev;

	if (!has_host_bridge)
		return;
	dev = device_make("pci", base, "PNP0A08", NULL);
	if (!dev)
		return;
	has_mcfg = base != 0;
	pci_madt = madt;
	dev->firmware = &pci_firmware;
	if (base && first == 0 && base % 0x100000 == 0)
		device_add_resource(dev, RES_MMIO, base, (last + 1ull) << 20, "ecam");
	else
		device_add_resource(dev, RES_PORT, 0xcf8, 8, "config");
	for (unsigned i = 0; i < nr_windows; i++)
		device_add_resource(dev, RES_MMIO, windows[i].base, windows[i].size, "window");
	device_register(dev);
}

void legacy_devices(void)
{
	struct device *dev = device_make("serial", 0x3f8, "PNP0501", "ns16550a");
	int irq = map_gsi(4, IRQ_EDGE);

	if (dev) {
		device_add_resource(dev, RES_PORT, 0x3f8, 8, NULL);
		if (irq > 0)
			device_add_resource(dev, RES_IRQ, (u64)irq, IRQ_EDGE, NULL);
		device_register(dev);
	}
	dev = device_make("rtc", 0x70, "PNP0B00", "motorola,mc146818");
	if (dev) {
		device_add_resource(dev, RES_PORT, 0x70, 2, NULL);
		device_register(dev);
	}
}

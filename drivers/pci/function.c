/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers of PCI functions ask for: capabilities, BAR mappings, MSI-X or the legacy interrupt. */
#include "pci_local.h"

#include <kernel/log.h>
#include <kernel/mm.h>
#include <uapi/errno.h>

#define REG_STATUS 0x06
#define STATUS_CAPABILITIES BIT(4)
#define REG_CAPABILITIES 0x34
#define REG_INTERRUPT_LINE 0x3c
/* MSI-X capability and table (PCI 3.0 §6.8.2). */
#define MSIX_CONTROL 2
#define MSIX_TABLE 4
#define MSIX_ENABLE BIT(15)
#define MSIX_MASK_ALL BIT(14)
#define MSIX_SIZE 0x7ff
#define ENTRY_SIZE 16u
#define VECTORS_MAX 64u

u8 pci_capability(const struct pci_function *f, u8 id, u8 after)
{
	u8 at = pci_read8(f, REG_CAPABILITIES) & 0xfc;
	bool passed = after == 0;

	if (!(pci_read16(f, REG_STATUS) & STATUS_CAPABILITIES))
		return 0;
	/* 48 capabilities fit into the space: more means a loop. */
	for (unsigned i = 0; i < 48 && at >= 0x40; i++) {
		if (passed && pci_read8(f, at) == id)
			return at;
		if (at == after)
			passed = true;
		at = pci_read8(f, at + 1u) & 0xfc;
	}
	return 0;
}

void pci_enable(struct pci_function *f, bool on)
{
	const u16 bits = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	u16 command = pci_read16(f, PCI_COMMAND);

	pci_write16(f, PCI_COMMAND, on ? command | bits : command & (u16)~bits);
}

void __iomem *pci_bar_map(struct pci_function *f, unsigned n)
{
	struct pci_bar *b;

	if (n >= 6)
		return NULL;
	b = &f->bar[n];
	if (!b->is_assigned || b->is_port)
		return NULL;
	if (!b->mapped)
		b->mapped = mmio_map(b->base, b->size);
	return b->mapped;
}

static u32 __iomem *msix_entry(struct pci_function *f, unsigned i)
{
	return (u32 __iomem *)((char __iomem *)f->msix_table + i * ENTRY_SIZE);
}

/* One vector: an MSI from the domain into table entry i. Irq number or -errno. */
static int msix_vector(struct pci_function *f, struct irq_domain *d, unsigned i)
{
	u32 __iomem *e = msix_entry(f, i);
	u64 address;
	u32 hwirq, data;
	int irq = d->chip->msi_alloc(d, &hwirq, &address, &data);

	if (irq)
		return irq;
	irq = irq_map(d, hwirq, IRQ_EDGE);
	if (irq < 0) {
		d->chip->msi_free(d, hwirq);
		return irq;
	}
	mmio_write32(e, (u32)address);
	mmio_write32(e + 1, (u32)(address >> 32));
	mmio_write32(e + 2, data);
	mmio_write32(e + 3, 0);
	return irq;
}

static int msix_enable(struct pci_function *f, unsigned max, int *irqs)
{
	struct irq_domain *d = irq_domain_msi();
	u8 cap = pci_capability(f, PCI_CAP_MSIX, 0);
	unsigned size, n;
	u32 table;
	char __iomem *bar;
	int irq = -ENXIO;

	if (!d || !cap || max == 0)
		return -ENXIO;
	size = (pci_read16(f, cap + MSIX_CONTROL) & MSIX_SIZE) + 1;
	table = pci_read32(f, cap + MSIX_TABLE);
	bar = pci_bar_map(f, table & 7);
	if (!bar || (table & ~7u) + (u64)size * ENTRY_SIZE > f->bar[table & 7].size)
		return -ENXIO;
	f->msix_table = bar + (table & ~7u);
	/* Memory decoding must be on for the table. */
	pci_write16(f, PCI_COMMAND, pci_read16(f, PCI_COMMAND) | PCI_COMMAND_MEMORY);
	pci_write16(f, cap + MSIX_CONTROL, MSIX_ENABLE | MSIX_MASK_ALL);
	for (n = 0; n < size; n++)
		mmio_write32(msix_entry(f, n) + 3, 1);
	max = min(max, VECTORS_MAX);
	max = min(max, size);
	for (n = 0; n < max; n++) {
		irq = msix_vector(f, d, n);
		if (irq < 0)
			break;
		irqs[n] = irq;
	}
	if (n == 0) {
		pci_write16(f, cap + MSIX_CONTROL, 0);
		return irq;
	}
	f->nr_vectors = (u16)n;
	f->uses_msix = true;
	pci_write16(f, cap + MSIX_CONTROL, MSIX_ENABLE);
	pci_write16(f, PCI_COMMAND, pci_read16(f, PCI_COMMAND) | PCI_COMMAND_INTX_OFF);
	return (int)n;
}

int pci_irqs_enable(struct pci_function *f, unsigned max, int *irqs)
{
	u32 addr[3] = { (u32)f->bus << 16 | (u32)f->slot << 11 | (u32)f->function << 8, 0, 0 };
	int n = msix_enable(f, max, irqs), irq;

	if (n != -ENXIO && n != -ENOSPC)
		return n;
	if (!f->irq_pin)
		return -ENXIO;
	/* The line number that PC firmware wrote down helps platform/acpi where no table routes pins. */
	addr[2] = pci_read8(f, REG_INTERRUPT_LINE);
	irq = device_irq_route(f->host->dev, addr, 3, f->irq_pin);
	if (irq <= 0)
		return irq ? irq : -ENXIO;
	pci_write16(f, PCI_COMMAND, pci_read16(f, PCI_COMMAND) & (u16)~PCI_COMMAND_INTX_OFF);
	irqs[0] = irq;
	return 1;
}

/* The vectors stay mapped; a driver that comes again gets new ones. */
void pci_irqs_disable(struct pci_function *f)
{
	u8 cap = pci_capability(f, PCI_CAP_MSIX, 0);

	if (f->uses_msix && cap)
		pci_write16(f, cap + MSIX_CONTROL, 0);
	pci_write16(f, PCI_COMMAND, pci_read16(f, PCI_COMMAND) | PCI_COMMAND_INTX_OFF);
	f->uses_msix = false;
	f->nr_vectors = 0;
}

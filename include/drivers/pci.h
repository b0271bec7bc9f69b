/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI functions as their drivers see them: a device on BUS_PCI has a struct pci_function as bus_data. Fields are
 * constant after registration except where marked. Configuration accesses may come from any context.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <kernel/device.h>

#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO BIT(0)
#define PCI_COMMAND_MEMORY BIT(1)
#define PCI_COMMAND_MASTER BIT(2)
#define PCI_COMMAND_INTX_OFF BIT(10)
#define PCI_CAP_MSIX 0x11
#define PCI_CAP_VENDOR 0x09

struct pci_host;
struct pci_bar {
	paddr_t base;		/* as the CPU sees it; ports: the port. Size 0: absent */
	u64 size;
	bool is_port, is_64bit, is_prefetchable;
	bool is_assigned;	/* has an address */
	void __iomem *mapped;	/* by pci_bar_map */
};
struct pci_function {
	struct pci_host *host;
	struct device *dev;
	u8 bus, slot, function, revision;
	u16 vendor, device, subsystem_vendor, subsystem_device;
	u32 class_code;		/* class << 16 | subclass << 8 | interface */
	struct pci_bar bar[6];
	u8 irq_pin;		/* 1..4; 0: none */
	/* driver's, by pci_irqs_enable */
	bool uses_msix;
	void __iomem *msix_table;
	u16 nr_vectors;
};

static inline struct pci_function *pci_function_of(struct device *dev)
{
	return (struct pci_function *)dev->bus_data;
}

u8 pci_read8(const struct pci_function *f, u32 reg);
u16 pci_read16(const struct pci_function *f, u32 reg);
u32 pci_read32(const struct pci_function *f, u32 reg);
void pci_write8(const struct pci_function *f, u32 reg, u8 v);
void pci_write16(const struct pci_function *f, u32 reg, u16 v);
void pci_write32(const struct pci_function *f, u32 reg, u32 v);

/* The first capability with that id behind `after` (0: from the start); 0: none. Loops in the list end it. */
u8 pci_capability(const struct pci_function *f, u8 id, u8 after);
/* Turns memory and port decoding and bus mastering on or off. */
void pci_enable(struct pci_function *f, bool on);
/* All of BAR n, mapped once and kept; NULL: absent, a port range, or without an address. Sleeps. */
void __iomem *pci_bar_map(struct pci_function *f, unsigned n);
/*
 * Interrupts: up to max MSI-X vectors, else the one legacy line. irqs[] gets irq numbers for irq_request (with
 * IRQ_SHARED when !f->uses_msix). How many, or -ENXIO (no interrupt), -EAGAIN (controller to come), -ENOSPC.
 * MSI-X table entry i belongs to irqs[i]; entries are unmasked. Sleeps.
 */
int pci_irqs_enable(struct pci_function *f, unsigned max, int *irqs);
void pci_irqs_disable(struct pci_function *f);

#endif

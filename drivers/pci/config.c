/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space: ECAM (PCI Express base 4.0 §7.2.2), one bus mapped at a time, or the ports 0xcf8/0xcfc
 * (PCI 3.0 §3.2.2.3.2). A register that cannot be reached reads as all ones, as on the bus.
 */
#include "pci_local.h"

#include <kernel/mm.h>
#include <uapi/errno.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u

int pci_host_map_bus(struct pci_host *host, u8 bus)
{
	void __iomem *p;

	if (!host->ecam || host->bus_map[bus])
		return 0;
	p = mmio_map(host->ecam + ((u64)(bus - host->bus_first) << 20), 1u << 20);
	if (!p)
		return -ENOMEM;
	atomic_store_release(&host->bus_map[bus], p);	/* pairs with ecam_at */
	return 0;
}

static void __iomem *ecam_at(const struct pci_function *f, u32 reg)
{
	char __iomem *bus = atomic_load_acquire(&f->host->bus_map[f->bus]);

	return bus && reg < 4096 ? bus + ((u32)f->slot << 15 | (u32)f->function << 12 | reg) : NULL;
}

/* The port pair: 32 bits at a time, narrower accesses are cut out of them. */
static u32 ports_read(const struct pci_function *f, u32 reg)
{
	unsigned long flags;
	u32 v;

	if (!ARCH_HAS_PORTS || reg > 0xff)
		return U32_MAX;
	flags = spin_lock_irqsave(&f->host->lock);
	port_write32(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)f->bus << 16 | (u32)f->slot << 11
				     | (u32)f->function << 8 | (reg & 0xfc));
	v = port_read32(CONFIG_DATA);
	spin_unlock_irqrestore(&f->host->lock, flags);
	return v >> (reg & 3) * 8;
}

static void ports_write(const struct pci_function *f, u32 reg, u32 v, unsigned size)
{
	unsigned long flags;

	if (!ARCH_HAS_PORTS || reg > 0xff)
		return;
	flags = spin_lock_irqsave(&f->host->lock);
	port_write32(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)f->bus << 16 | (u32)f->slot << 11
				     | (u32)f->function << 8 | (reg & 0xfc));
	if (size == 4)
		port_write32(CONFIG_DATA, v);
	else if (size == 2)
		port_write16((u16)(CONFIG_DATA + (reg & 2)), (u16)v);
	else
		port_write8((u16)(CONFIG_DATA + (reg & 3)), (u8)v);
	spin_unlock_irqrestore(&f->host->lock, flags);
}

u8 pci_read8(const struct pci_function *f, u32 reg)
{
	void __iomem *p;

	if (!f->host->ecam)
		return (u8)ports_read(f, reg);
	p = ecam_at(f, reg);
	return p ? mmio_read8(p) : 0xff;
}

u16 pci_read16(const struct pci_function *f, u32 reg)
{
	void __iomem *p;

	if (!f->host->ecam)
		return (u16)ports_read(f, reg);
	p = ecam_at(f, reg);
	return p ? mmio_read16(p) : 0xffff;
}

u32 pci_read32(const struct pci_function *f, u32 reg)
{
	void __iomem *p;

	if (!f->host->ecam)
		return ports_read(f, reg);
	p = ecam_at(f, reg);
	return p ? mmio_read32(p) : U32_MAX;
}

void pci_write8(const struct pci_function *f, u32 reg, u8 v)
{
	void __iomem *p;

	if (!f->host->ecam)
		ports_write(f, reg, v, 1);
	else if ((p = ecam_at(f, reg)))
		mmio_write8(p, v);
}

void pci_write16(const struct pci_function *f, u32 reg, u16 v)
{
	void __iomem *p;

	if (!f->host->ecam)
		ports_write(f, reg, v, 2);
	else if ((p = ecam_at(f, reg)))
		mmio_write16(p, v);
}

void pci_write32(const struct pci_function *f, u32 reg, u32 v)
{
	void __iomem *p;

	if (!f->host->ecam)
		ports_write(f, reg, v, 4);
	else if ((p = ecam_at(f, reg)))
		mmio_write32(p, v);
}

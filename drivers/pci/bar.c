/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers (PCI 3.0 §6.2.5): how large, where, and an address from the host's windows for those
 * that firmware left without one (the virt boards boot without firmware that would).
 */
#include "pci_local.h"

#include <kernel/log.h>

#define BAR_REG(n) (0x10 + 4 * (n))
#define BAR_PORT BIT(0)
#define BAR_TYPE_64 0x4u
#define BAR_TYPE_MASK 0x6u
#define BAR_PREFETCH BIT(3)

static u64 to_cpu(const struct pci_host *host, const struct pci_bar *b, u64 bus_address)
{
	for (unsigned i = 0; i < host->nr_windows; i++) {
		const struct pci_window *w = &host->window[i];

		if (b->is_port == (w->kind == WINDOW_PORT) && bus_address >= w->pci_base
		    && bus_address - w->pci_base < w->size)
			return w->cpu_base + (bus_address - w->pci_base);
	}
	return bus_address;
}

static bool window_take(struct pci_window *w, u64 size, u64 *at)
{
	u64 start = align_up(w->next, size), end = w->pci_base + w->size;

	if (start < w->next || start >= end || size > end - start || start == 0)
		return false;
	w->next = start + size;
	*at = start;
	return true;
}

/* A bus address of b->size bytes; 64-bit BARs prefer the window above 4 GiB. */
static bool allocate(struct pci_host *host, const struct pci_bar *b, u64 *at)
{
	static const enum pci_window_kind port[] = { WINDOW_PORT }, low[] = { WINDOW_MEM32 },
		high[] = { WINDOW_MEM64, WINDOW_MEM32 };
	const enum pci_window_kind *kinds = b->is_port ? port : b->is_64bit ? high : low;
	unsigned nr = b->is_port || !b->is_64bit ? 1 : 2;

	for (unsigned k = 0; k < nr; k++)
		for (unsigned i = 0; i < host->nr_windows; i++)
			if (host->window[i].kind == kinds[k] && window_take(&host->window[i], b->size, at))
				return true;
	return false;
}

/* Writes ones, reads which bits stuck. Decoding is off. Returns the size, 0: no BAR. */
static u64 probe_size(struct pci_function *f, unsigned n, const struct pci_bar *b, u32 low, u32 high)
{
	u64 mask;

	pci_write32(f, BAR_REG(n), U32_MAX);
	mask = pci_read32(f, BAR_REG(n)) & (b->is_port ? ~3u : ~15u);
	pci_write32(f, BAR_REG(n), low);
	if (b->is_64bit) {
		pci_write32(f, BAR_REG(n + 1), U32_MAX);
		mask |= (u64)pci_read32(f, BAR_REG(n + 1)) << 32;
		pci_write32(f, BAR_REG(n + 1), high);
	} else if (mask) {
		/* Port BARs may implement 16 bits only. */
		mask |= b->is_port ? 0xffffffffffff0000ull : 0xffffffff00000000ull;
	}
	return mask ? mask & -mask : 0;
}

static void bar_setup(struct pci_function *f, unsigned n, bool *is_wide)
{
	struct pci_bar *b = &f->bar[n];
	u32 low = pci_read32(f, BAR_REG(n)), high = 0;
	u64 address;

	b->is_port = low & BAR_PORT;
	b->is_64bit = !b->is_port && (low & BAR_TYPE_MASK) == BAR_TYPE_64 && n < 5;
	b->is_prefetchable = !b->is_port && low & BAR_PREFETCH;
	*is_wide = b->is_64bit;
	if (b->is_64bit)
		high = pci_read32(f, BAR_REG(n + 1));
	b->size = probe_size(f, n, b, low, high);
	if (!b->size)
		return;
	address = ((u64)high << 32 | low) & (b->is_port ? ~3ull : ~15ull);
	if (!address) {
		if (!allocate(f->host, b, &address)) {
			log_warn("pci %02x:%02x.%x: no address for BAR %u of %#lx bytes", f->bus, f->slot,
				 f->function, n, b->size);
			return;
		}
		pci_write32(f, BAR_REG(n), (u32)address);
		if (b->is_64bit)
			pci_write32(f, BAR_REG(n + 1), (u32)(address >> 32));
	}
	b->base = to_cpu(f->host, b, address);
	b->is_assigned = true;
}

void pci_bars_setup(struct pci_function *f, unsigned nr)
{
	u16 command = pci_read16(f, PCI_COMMAND);
	bool is_wide;

	pci_write16(f, PCI_COMMAND, command & (u16)~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned n = 0; n < nr; n += is_wide ? 2 : 1)
		bar_setup(f, n, &is_wide);
	pci_write16(f, PCI_COMMAND, command);
}

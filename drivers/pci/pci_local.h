/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of drivers/pci. */
#ifndef PCI_LOCAL_H
#define PCI_LOCAL_H

#include <drivers/pci.h>

enum pci_window_kind { WINDOW_PORT, WINDOW_MEM32, WINDOW_MEM64 };
struct pci_window {
	enum pci_window_kind kind;
	u64 pci_base, cpu_base, size;
	u64 next;			/* first free bus address; enumeration only */
};
#define PCI_WINDOWS_MAX 8

struct pci_host {
	struct device *dev;
	paddr_t ecam;			/* 0: ports 0xcf8 and 0xcfc */
	u8 bus_first, bus_last;
	struct spinlock lock;		/* the 0xcf8 pair; bus_map */
	void __iomem *bus_map[256];	/* [a] one bus of ECAM each, mapped at first use by enumeration */
	struct pci_window window[PCI_WINDOWS_MAX];
	unsigned nr_windows;
};

/* config.c. 0 or -ENOMEM; before the first access to that bus. Sleeps. */
int pci_host_map_bus(struct pci_host *host, u8 bus);
/* bar.c: sizes the BARs of f and gives addresses to those that have none. */
void pci_bars_setup(struct pci_function *f, unsigned nr);
/* enumerate.c */
void pci_enumerate(struct pci_host *host);

#endif

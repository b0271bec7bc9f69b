/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The early console: a PL011 at boot_info.uart_base, polled, as firmware left it. Its registers are
 * mapped in the last 2 MiB slot of the image's GiB, first in the boot tables, then in the final ones.
 * The real driver is drivers/serial/.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include "arch_local.h"

#define CONSOLE_SLOT 511
#define CONSOLE_BLOCK BIT(21)
#define CONSOLE_VIRT (0xffffffff80000000ull + CONSOLE_SLOT * CONSOLE_BLOCK)

#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_FR_TXFF BIT(5)
#define TX_TRIES 1000000u		/* a dead port must not stop the kernel */

static pte_t *console_root;		/* the table the block was last put into */

static pte_t *child(pte_t entry)
{
	return phys_to_virt(pte_paddr(entry));
}

void early_console_map(pte_t *root)
{
	pte_t *mid, leaf;

	console_root = root;
	if (boot_info.uart_kind != EARLY_UART_PL011 || !pte_is_table(root[511], 3))
		return;
	mid = child(root[511]);
	if (!pte_is_table(mid[510], 2))
		return;
	leaf = pte_make_leaf(align_down(boot_info.uart_base, CONSOLE_BLOCK),
			     PGPROT_READ | PGPROT_WRITE | PGPROT_GLOBAL | PGPROT_DEVICE, 1);
	pte_store(&child(mid[510])[CONSOLE_SLOT], leaf);
	pte_sync();
}

void arch_early_putc(char c)
{
	volatile u32 *uart;

	if (boot_info.uart_kind != EARLY_UART_PL011)
		return;
	if (!console_root)
		early_console_map(phys_to_virt(sysreg_read(ttbr1_el1) & PTE_ADDR_MASK));
	uart = (volatile u32 *)(CONSOLE_VIRT + boot_info.uart_base % CONSOLE_BLOCK);
	for (unsigned i = 0; uart[PL011_FR / 4] & PL011_FR_TXFF; i++)
		if (i == TX_TRIES)
			return;
	uart[PL011_DR / 4] = (u8)c;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device tree's riscv,isa string promises: single letters for AT_HWCAP, Svpbmt for the
 * memory type of device mappings. What can be probed (Sstc, Zkr) is probed instead.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <lib/string.h>

#include "riscv.h"

u64 riscv_pte_device __ro_after_init;
u64 riscv_pte_wc __ro_after_init;
static u64 hwcap __ro_after_init;

/* Letters whose state the kernel keeps; V is not among them. */
#define HWCAP_LETTERS "imafdc"

/* Is `extension` one of the '_'-separated names of the boot hart's isa string? */
bool riscv_isa_has(const char *extension)
{
	size_t len = strlen(extension);

	for (const char *p = strchr(boot_info.isa, '_'); p; p = strchr(p, '_')) {
		p++;
		if (strncmp(p, extension, len) == 0 && (p[len] == '_' || !p[len]))
			return true;
	}
	return false;
}

/*
 * Before platform_early_init the string is empty and the base set is assumed. Called again on
 * every arch_cpu_init; only the boot hart finds something to do.
 */
void riscv_isa_init(void)
{
	u64 cap = 0;

	if (hwcap || !str_starts(boot_info.isa, "rv64"))
		return;
	for (const char *p = boot_info.isa + 4; *p && *p != '_'; p++) {
		if (*p == 'g')
			cap |= 1u << ('i' - 'a') | 1u << ('m' - 'a') | 1u << 0 | 1u << ('f' - 'a') | 1u << ('d' - 'a');
		else if (strchr(HWCAP_LETTERS, *p))
			cap |= 1u << (*p - 'a');
	}
	hwcap = cap;
	if (riscv_isa_has("svpbmt")) {
		riscv_pte_device = RISCV_PTE_PBMT_IO;
		riscv_pte_wc = RISCV_PTE_PBMT_NC;
	}
}

bool riscv_has_fpu(void)
{
	/* Without a device tree's word the attempt itself tells: the instruction faults again. */
	return !hwcap || (hwcap & 1u << ('d' - 'a'));
}

u64 arch_hwcap(void) { return hwcap; }
u64 arch_hwcap2(void) { return 0; }

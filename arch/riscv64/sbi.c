/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI calls, the early console and the ends of the machine. Everything here may run before
 * the MMU is on (early traps print), so no pointers in static data.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/sbi.h>

struct sbi_ret sbi_call(u64 ext, u64 fid, u64 arg0, u64 arg1, u64 arg2, u64 arg3)
{
	register u64 a0 __asm__("a0") = arg0;
	register u64 a1 __asm__("a1") = arg1;
	register u64 a2 __asm__("a2") = arg2;
	register u64 a3 __asm__("a3") = arg3;
	register u64 a6 __asm__("a6") = fid;
	register u64 a7 __asm__("a7") = ext;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
	return (struct sbi_ret){ (long)a0, (long)a1 };
}

bool sbi_probe(u64 ext)
{
	struct sbi_ret r = sbi_call(SBI_EXT_BASE, SBI_BASE_PROBE, ext, 0, 0, 0);

	return r.error == SBI_SUCCESS && r.value != 0;
}

enum early_console { EARLY_UNKNOWN, EARLY_DBCN, EARLY_LEGACY };
static enum early_console early_console;

void arch_early_putc(char c)
{
	if (early_console == EARLY_UNKNOWN)
		early_console = sbi_probe(SBI_EXT_DBCN) ? EARLY_DBCN : EARLY_LEGACY;
	if (early_console == EARLY_DBCN)
		sbi_call(SBI_EXT_DBCN, SBI_DBCN_WRITE_BYTE, (u8)c, 0, 0, 0);
	else
		sbi_call(SBI_EXT_LEGACY_PUTCHAR, 0, (u8)c, 0, 0, 0);
}

void arch_machine_off(void)
{
	sbi_call(SBI_EXT_SRST, SBI_SRST_RESET, 0, 0, 0, 0);	/* shutdown, no reason */
	sbi_call(SBI_EXT_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);	/* firmware without SRST */
	arch_cpu_stop();
}

void arch_machine_reset(void)
{
	sbi_call(SBI_EXT_SRST, SBI_SRST_RESET, 1, 0, 0, 0);	/* cold reboot */
	arch_machine_off();
}

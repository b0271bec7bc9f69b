/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot path hands to the portable core.
 *
 * At kernel_main: one CPU, interrupts off, kernel image at its upper-half link
 * address, the early linear map (phys_to_virt) covers at least the image, 1 GiB
 * around it and whatever `fdt`, `rsdp` tables and `ranges` point into that the
 * architecture knows of. mm builds the final map soon after. Everything firmware
 * put into memory that will be reused has been copied (command line) or listed
 * in `ranges` as reserved.
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <lib/compiler.h>

enum boot_range_type {
	BOOT_RAM,		/* usable; reserved ranges are cut out of it */
	BOOT_RESERVED,		/* keep away, not necessarily RAM */
	BOOT_FIRMWARE,		/* RAM that holds firmware tables (ACPI): mapped, never reused */
};
struct boot_range {
	paddr_t base;
	u64 size;		/* bytes */
	enum boot_range_type type;
};

#define BOOT_RANGES_MAX 64
#define BOOT_CMDLINE_MAX 2048
#define BOOT_SEED_MAX 64

enum early_uart { EARLY_UART_NONE, EARLY_UART_PL011, EARLY_UART_NS16550 };
enum psci_conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC };

struct boot_info {
	char cmdline[BOOT_CMDLINE_MAX];
	bool cmdline_cut;			/* the loader's line was longer */
	struct boot_range ranges[BOOT_RANGES_MAX];
	u32 nr_ranges;
	paddr_t image_base;			/* where the kernel image lies */
	u64 image_size;
	paddr_t initrd_base;			/* 0 size: none */
	u64 initrd_size;
	paddr_t fdt;				/* flattened device tree; 0: none */
	u64 fdt_size;				/* 0: not yet known (header tells) */
	u64 fdt_port_end;			/* x86: the tree's addresses below this are I/O ports */
	u32 nr_cpus;				/* x86 without ACPI: CPUs with ids 0 … n-1; 0: unknown */
	paddr_t rsdp;				/* ACPI root pointer; 0: none */
	u64 boot_hwid;				/* MPIDR / hart id / APIC id of the boot CPU */
	u64 entry_ticks;			/* arch_clock_read() at the first instruction */
	/* Filled by platform_early_init from the device tree or ACPI, for the architecture's use: */
	u64 timebase_hz;			/* RISC-V /cpus/timebase-frequency */
	char isa[256];				/* RISC-V riscv,isa of the boot hart's node; "": unknown */
	enum psci_conduit psci;			/* AArch64 /psci method */
	paddr_t hpet_base;			/* x86: ACPI HPET table; 0: none */
	u16 pm_timer_port;			/* x86: FADT's PM timer; 0: none */
	paddr_t uart_base;			/* stdout-path's MMIO, for arch_early_putc; 0: none */
	enum early_uart uart_kind;		/* what lies there */
	u8 seed[BOOT_SEED_MAX];			/* firmware's random seed, wiped after use */
	u32 seed_len;
	const char *protocol;			/* "pvh", "linux-image", "sbi", "sim": for the log */
};
extern struct boot_info boot_info;

/* How far above its link address the image runs, bytes (kernel/slide.c). */
extern u64 image_slide;

/* Adds a range; false (and a log line) when the table is full. */
bool boot_range_add(paddr_t base, u64 size, enum boot_range_type type);

/*
 * Writes one byte to whatever works before a console driver does; may drop it.
 * Any context, no locks.
 */
void arch_early_putc(char c);

/*
 * The end of the machine when no power driver is registered: PSCI, SBI SRST, or
 * the x86 triple fault / isa-debug-exit. Does not return.
 */
__noreturn void arch_machine_off(void);
__noreturn void arch_machine_reset(void);

/* Image bounds and segments; every linker script defines them, page-aligned. */
extern char __image_start[], __image_end[];
extern char __text_start[], __text_end[];	/* RX */
extern char __rodata_start[], __rodata_end[];	/* R */
extern char __init_start[], __init_end[];	/* RX text then RW data, both freed after boot */
extern char __init_text_end[];
extern char __ro_after_init_start[], __ro_after_init_end[];	/* RW, then R */
extern char __data_start[], __data_end[];	/* RW */
extern char __percpu_start[], __percpu_end[];	/* inside data: CPU 0's copy and the template */
extern char __bss_start[], __bss_end[];		/* RW */

#endif

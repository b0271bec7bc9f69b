/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers by name, and the bits this port uses (Arm ARM D17). For arch/aarch64 only. */
#ifndef NATIVE_SYSREG_H
#define NATIVE_SYSREG_H

/* PSTATE / SPSR_EL1 */
#define PSR_MODE_EL0T 0x0
#define PSR_MODE_EL1H 0x5
#define PSR_MODE_MASK 0x1f		/* with bit 4: AArch32 */
#define PSR_F 0x40
#define PSR_I 0x80
#define PSR_A 0x100
#define PSR_D 0x200
#define PSR_BTYPE 0xc00
#define PSR_SSBS 0x1000
#define PSR_IL 0x100000
#define PSR_SS 0x200000
#define PSR_PAN 0x400000
#define PSR_DIT 0x1000000
#define PSR_TCO 0x2000000
#define PSR_NZCV 0xf0000000

/* SCTLR_EL1: what is 1 or reserved-1 on every CPU, then what we turn on. */
#define SCTLR_RES1 0x30d00800		/* LSMAOE nTLSMD SPAN EIS TSCXT EOS */
#define SCTLR_M 0x1
#define SCTLR_C 0x4
#define SCTLR_SA 0x8
#define SCTLR_SA0 0x10
#define SCTLR_UMA 0x200		/* 1: programs may mask interrupts */
#define SCTLR_I 0x1000
#define SCTLR_DZE 0x4000
#define SCTLR_UCT 0x8000
#define SCTLR_NTWI 0x10000
#define SCTLR_NTWE 0x40000
#define SCTLR_SPAN 0x800000		/* 0: PAN is set at every exception to EL1 */
#define SCTLR_UCI 0x4000000
/*
 * WXN stays 0: it would also forbid programs' own writable and executable mappings. The kernel's
 * pages are W^X because pte_make_leaf never leaves PXN clear on a writable one.
 */
#define SCTLR_ON (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_I | SCTLR_DZE | \
		  SCTLR_UCT | SCTLR_NTWI | SCTLR_NTWE | SCTLR_UCI)

/* MAIR_EL1: attribute indices of native/pte.h. */
#define MAIR_NORMAL 0
#define MAIR_DEVICE 1			/* nGnRE */
#define MAIR_UNCACHED 2
#define MAIR_VALUE 0x4404ff

/*
 * TCR_EL1: T0SZ and T1SZ 16 (48-bit halves); write-back, inner-shareable walks (0x3500 each); TG0, TG1
 * 4 KiB (TG1: 2 << 30); TBI0, bit 37: top byte of user addresses ignored, part of Linux's user ABI. The
 * physical size (IPS) is added at boot.
 */
#define TCR_VALUE 0x20b5103510
#define TCR_IPS_SHIFT 32

#ifndef __ASSEMBLER__
#include <lib/types.h>

#define sysreg_read(reg) \
	({ u64 _v; __asm__ volatile("mrs %0, " #reg : "=r"(_v)); _v; })
#define sysreg_write(reg, val) \
	__asm__ volatile("msr " #reg ", %x0" :: "rZ"((u64)(val)))
#define isb() __asm__ volatile("isb" ::: "memory")
#define dsb(domain) __asm__ volatile("dsb " #domain ::: "memory")
#define dmb(domain) __asm__ volatile("dmb " #domain ::: "memory")

/* A four-bit field of an ID register. */
static inline unsigned id_field(u64 reg, unsigned shift) { return reg >> shift & 0xf; }
#endif

#endif

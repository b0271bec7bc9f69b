/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of the boot CPU (Linux's arm64 boot protocol: x0 = device tree, MMU off, EL1 or EL2) and of
 * the CPUs started by PSCI. Everything until mmu_on returns runs at physical addresses.
 *
 * The MMU is switched on without an identity map: the instruction after the write faults, since
 * TTBR0 maps nothing, and the exception vector is already an upper-half address.
 */
#include <asm-offsets.h>
#include <native/sysreg.h>

	.section .head.text, "ax"
	.globl	_start
_start:
	b	boot_entry
	.long	0
	.quad	0				/* text_offset */
	.quad	__image_size
	.quad	0xa				/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/*
 * Goes to EL1, MMU off, caller's stack not used. x19 is kept; x20: exception level at entry. EL3 is
 * no place to be for us: parks.
 */
el1_enter:
	mrs	x20, CurrentEL
	lsr	x20, x20, #2
	ldr	x0, =SCTLR_RES1
	cmp	x20, #2
	b.eq	1f
	b.hi	3f
	msr	sctlr_el1, x0
	isb
	ret
1:	msr	sctlr_el1, x0
	mov	x0, #1 << 31			/* HCR_EL2.RW; all traps off, E2H off */
	movk	x0, #0x300, lsl #32		/* APK, API: pointer authentication is EL1's own */
	msr	hcr_el2, x0
	isb
	mov	x0, #3				/* EL1 may use counter and timer */
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x33ff			/* CPTR_EL2: reserved ones, no traps of FP */
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mrs	x0, id_aa64dfr0_el1
	ubfx	x0, x0, #8, #4			/* PMUVer */
	cbz	x0, 2f
	mrs	x0, pmcr_el0
	ubfx	x0, x0, #11, #5			/* all counters are EL1's */
	msr	mdcr_el2, x0
2:	mrs	x0, id_aa64pfr0_el1
	ubfx	x0, x0, #24, #4			/* GIC system registers */
	cbz	x0, 4f
	mrs	x0, S3_4_C12_C9_5		/* ICC_SRE_EL2: SRE, Enable */
	orr	x0, x0, #1
	orr	x0, x0, #8
	msr	S3_4_C12_C9_5, x0
	isb
	mrs	x0, S3_4_C12_C9_5
	tbz	x0, #0, 4f			/* firmware said no: GICv2 mode */
	msr	S3_4_C12_C11_0, xzr		/* ICH_HCR_EL2 */
4:	mrs	x0, id_aa64mmfr0_el1
	ubfx	x0, x0, #56, #4			/* fine-grained traps: none */
	cbz	x0, 5f
	msr	S3_4_C1_C1_4, xzr		/* HFGRTR_EL2 */
	msr	S3_4_C1_C1_5, xzr		/* HFGWTR_EL2 */
	msr	S3_4_C1_C1_6, xzr		/* HFGITR_EL2 */
	msr	S3_4_C3_C1_4, xzr		/* HDFGRTR_EL2 */
	msr	S3_4_C3_C1_5, xzr		/* HDFGWTR_EL2 */
5:	mov	x0, #(PSR_D | PSR_A | PSR_I | PSR_F | PSR_MODE_EL1H)
	msr	spsr_el2, x0
	msr	elr_el2, x30
	eret
3:	wfe
	b	3b
	.ltorg

	.org	0x200				/* an error if the code above is too long */
/* _start serves as vector table while the MMU goes on; this is its "synchronous, same EL" slot. */
mmu_landing:
	ret

/* x0: physical root of the upper half. Returns to the caller's upper-half address. Clobbers x0-x4. */
mmu_on:
	adrp	x1, _start
	ldr	x2, =__image_start
	sub	x3, x2, x1
	add	x30, x30, x3
	msr	vbar_el1, x2
	ldr	x2, =MAIR_VALUE
	msr	mair_el1, x2
	ldr	x2, =TCR_VALUE
	mrs	x3, id_aa64mmfr0_el1
	and	x3, x3, #0xf			/* PARange; 52 bits need a granule we do not use */
	mov	x4, #5
	cmp	x3, x4
	csel	x3, x3, x4, ls
	orr	x2, x2, x3, lsl #TCR_IPS_SHIFT
	msr	tcr_el1, x2
	msr	ttbr1_el1, x0
	adrp	x2, user_empty_root
	msr	ttbr0_el1, x2
	dsb	sy
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x2, =SCTLR_ON
	msr	sctlr_el1, x2
	isb
	b	.				/* not reached: faults to mmu_landing */

boot_entry:
	mov	x19, x0
	bl	el1_enter
	mrs	x21, cntvct_el0
	adrp	x22, _start
	adrp	x0, boot_stack_end
	mov	sp, x0
	mov	x29, xzr
	mov	x0, x22
	mov	x1, x19
	bl	boot_map
	bl	mmu_on
	/* Upper half from here. */
	adrp	x0, __bss_start
	adrp	x1, __bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	adrp	x0, boot_stack_end
	mov	sp, x0
	adrp	x0, boot_thread
	add	x0, x0, :lo12:boot_thread
	bl	cpu_become
	mov	x0, x22
	mov	x1, x19
	bl	boot_slide
	adr	x1, 2f
	add	x1, x1, x0
	br	x1
	/* The same place, where the image is to stay. */
2:	adrp	x0, boot_thread
	add	x0, x0, :lo12:boot_thread
	bl	cpu_become
	adrp	x0, boot_stack_end
	sub	sp, x0, #REGS_SIZE
	mov	x0, x22
	mov	x1, x19
	mov	x2, x21
	mov	x3, x20
	mov	x30, xzr
	b	boot_main

/* PSCI CPU_ON lands here, x0 = struct cpu (kernel address). */
	.globl	secondary_entry
secondary_entry:
	mov	x19, x0
	bl	el1_enter
	adrp	x0, secondary_root
	ldr	x0, [x0, :lo12:secondary_root]
	bl	mmu_on
	ldr	x0, [x19, #CPU_IDLE]
	ldr	x1, [x0, #THREAD_KSTACK_TOP]
	sub	sp, x1, #REGS_SIZE
	bl	cpu_become
	mov	x0, x19
	mov	x29, xzr
	mov	x30, xzr
	b	secondary_main

/* Makes thread x0 current and takes over the exception vectors; SError is deliverable from here on. */
cpu_become:
	msr	sp_el0, x0
	msr	tpidr_el1, x0
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el1, x1
	isb
	msr	daifclr, #4
	ret
	.ltorg

	.text
/*
 * void kernel_root_switch(paddr_t root, paddr_t idmap_root): replaces TTBR1 with nothing cached
 * between (break-before-make for the whole half): runs in an identity map of this code, interrupts
 * off, touching no data. idmap_root is gone from TTBR0 afterwards.
 */
	.globl	kernel_root_switch
kernel_root_switch:
	mrs	x5, ttbr0_el1
	msr	ttbr0_el1, x1
	isb
	adr	x2, 1f
	adr	x3, 2f
	adrp	x4, arch_layout
	add	x4, x4, :lo12:arch_layout
	ldr	x4, [x4, #LAYOUT_IMAGE_OFFSET]
	sub	x2, x2, x4
	dsb	ish
	br	x2
1:	msr	ttbr1_el1, x5			/* the empty root */
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	ttbr1_el1, x0
	isb
	br	x3
2:	msr	ttbr0_el1, x5
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	ret

	.section .bss.boot_stack, "aw", %nobits
	.balign	4096
	.globl	boot_stack, boot_stack_end
boot_stack:
	.skip	16384
boot_stack_end:
	/* TTBR0 of CPUs without a user space. */
	.globl	user_empty_root
user_empty_root:
	.skip	4096

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry: the Linux `Image` header, the boot hart's way into the upper half, and that of the
 * harts started later by SBI HSM. S-mode, MMU off, a0 = hart id, a1 = device tree (or cpu).
 *
 * The jump into the upper half is a trap: stvec holds the upper-half address of what follows,
 * and turning translation on makes the next instruction fetch fault there. A satp write with a
 * mode the hart lacks is ignored, so falling through means: try fewer levels.
 */
#include <asm-offsets.h>
#include "../riscv.h"

	.section .head.text, "ax"
	.globl riscv_head
riscv_head:
	j	boot_entry
	.balign 8
	.8byte	0x200000		/* load offset from the start of RAM */
	.8byte	__image_size
	.8byte	0			/* flags: little-endian */
	.4byte	2			/* header version 0.2 */
	.4byte	0
	.8byte	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.4byte	0

/* Upper-half address of \label into \reg; s4 = virtual - physical of the image. */
.macro upper reg, label
	lla	\reg, \label
	add	\reg, \reg, s4
.endm

	.balign 4
boot_entry:
	rdtime	s2
	csrw	sie, zero
	csrci	sstatus, 2
	mv	s0, a0
	mv	s1, a1
	lla	t0, early_trap
	csrw	stvec, t0

	/*
	 * One hart boots. OpenSBI 1.1 marks a hart as to be started before it writes where: one that wakes
	 * in between comes here instead of to riscv_secondary_entry, and is sent there.
	 */
	lla	t0, boot_taken
	li	t1, 1
	amoswap.w.aqrl	t1, t1, (t0)
	bnez	t1, misled

	lla	t0, __bss_start
	lla	t1, __bss_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b

	lla	s3, riscv_head
	lla	t0, image_virt
	ld	s4, 0(t0)
	sub	s4, s4, s3
	lla	sp, boot_stack_top

	li	s5, 4			/* Sv48, then Sv39 */
2:	mv	a0, s3
	mv	a1, s1
	mv	a2, s5
	call	riscv_early_tables
	upper	t0, boot_upper
	csrw	stvec, t0
	sfence.vma
	csrw	satp, a0
	/* Still here: the hart does not know this mode. */
	lla	t0, early_trap
	csrw	stvec, t0
	addi	s5, s5, -1
	li	t0, 3
	bgeu	s5, t0, 2b
	j	early_trap

	.balign 4
boot_upper:
	sfence.vma
	lla	t0, riscv_trap_entry
	csrw	stvec, t0
	csrw	sscratch, zero
	lla	tp, boot_thread
	lla	sp, boot_stack_top
	mv	a0, s3
	mv	a1, s1
	call	riscv_slide
	lla	t0, boot_moved
	add	t0, t0, a0
	jr	t0

boot_moved:				/* the same place, where the image is to stay */
	lla	t0, riscv_trap_entry
	csrw	stvec, t0
	lla	tp, boot_thread
	lla	t0, boot_stack
	lla	sp, boot_stack_top
	sd	t0, THREAD_KSTACK(tp)
	sd	sp, THREAD_KSTACK_TOP(tp)
	mv	a0, s0
	mv	a1, s1
	mv	a2, s2
	mv	a3, s3
	li	s0, 0			/* end of the frame chain */
	li	ra, 0
	tail	riscv_boot_main

misled:
	lla	t0, riscv_starting_cpu	/* stored before the firmware was asked: arch_cpu_start */
	ld	a1, 0(t0)
	j	riscv_secondary_entry

/* A trap before there is anything to handle it: one letter, then stop. */
	.balign 4
early_trap:
	li	a0, '!'
	call	arch_early_putc
4:	wfi
	j	4b

	.globl riscv_secondary_entry
	.balign 4
riscv_secondary_entry:
	csrw	sie, zero
	csrci	sstatus, 2
	lla	s3, riscv_head
	lla	t0, image_virt
	ld	s4, 0(t0)
	sub	s4, s4, s3
	lla	t0, riscv_kernel_satp
	ld	t0, 0(t0)
	upper	t1, secondary_upper
	csrw	stvec, t1
	sfence.vma
	csrw	satp, t0
5:	wfi
	j	5b

	.balign 4
secondary_upper:
	sfence.vma
	lla	t0, riscv_trap_entry
	csrw	stvec, t0
	csrw	sscratch, zero
	ld	tp, CPU_IDLE(a1)
	ld	sp, THREAD_KSTACK_TOP(tp)
	li	s0, 0
	li	ra, 0
	mv	a0, a1
	tail	riscv_secondary_main

	.data
	.balign 4
boot_taken:
	.4byte	0

	.section .rodata
	.balign 8
image_virt:
	.8byte	__image_start		/* moves with the image */

	.bss
	.balign 16
boot_stack:
	.skip	KSTACK_BYTES
boot_stack_top:

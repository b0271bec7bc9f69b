/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trap entry and return. sscratch is 0 in the kernel and the current thread in user mode; tp is
 * the current thread in the kernel. Every trap stores a full struct arch_regs. SUM and MXR are
 * never set: the frame's status comes from the hart or is made by arch_user_start.
 *
 * A kernel stack that is used up ends in its guard page: the check below sees it before the
 * frame is written there, and the frame goes to the overflow stack for panic to print.
 */
#include <asm-offsets.h>
#include "../riscv.h"

.macro each_saved op
	\op	ra, 8(sp)
	\op	gp, 24(sp)
	\op	t0, 40(sp)
	\op	t1, 48(sp)
	\op	t2, 56(sp)
	\op	s0, 64(sp)
	\op	s1, 72(sp)
	\op	a0, 80(sp)
	\op	a1, 88(sp)
	\op	a2, 96(sp)
	\op	a3, 104(sp)
	\op	a4, 112(sp)
	\op	a5, 120(sp)
	\op	a6, 128(sp)
	\op	a7, 136(sp)
	\op	s2, 144(sp)
	\op	s3, 152(sp)
	\op	s4, 160(sp)
	\op	s5, 168(sp)
	\op	s6, 176(sp)
	\op	s7, 184(sp)
	\op	s8, 192(sp)
	\op	s9, 200(sp)
	\op	s10, 208(sp)
	\op	s11, 216(sp)
	\op	t3, 224(sp)
	\op	t4, 232(sp)
	\op	t5, 240(sp)
	\op	t6, 248(sp)
.endm

	.section .text.hot.entry, "ax"
	.globl riscv_trap_entry
	.balign 64
riscv_trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, from_kernel
	sd	sp, THREAD_SCRATCH(tp)
	ld	sp, THREAD_KSTACK_TOP(tp)
	addi	sp, sp, -REGS_SIZE
	each_saved sd
	csrrw	s2, sscratch, zero	/* the user's tp */
	ld	s3, THREAD_SCRATCH(tp)	/* the user's sp */
	csrr	s4, sepc
	csrr	s5, sstatus
	csrr	s6, stval
	csrr	s7, scause
	sd	s2, 32(sp)
	sd	s3, 16(sp)
	sd	s4, 0(sp)
	sd	s5, REGS_STATUS(sp)
	sd	s6, REGS_TVAL(sp)
	sd	s7, REGS_CAUSE(sp)
	mv	a0, sp
	li	s0, 0
	call	riscv_trap_user

	/* sp = the user frame, at the top of the stack. */
	.globl riscv_user_return
riscv_user_return:
	mv	a0, sp
	call	riscv_leave_kernel
	csrw	sscratch, tp
	ld	t0, REGS_STATUS(sp)
	csrw	sstatus, t0
	ld	t0, 0(sp)
	sc.d	zero, t0, (sp)		/* no reservation of ours survives into the program */
	csrw	sepc, t0
	each_saved ld
	ld	tp, 32(sp)
	ld	sp, 16(sp)
	sret

from_kernel:
	csrr	tp, sscratch
	sd	sp, THREAD_SCRATCH(tp)
	csrw	sscratch, t0
	addi	sp, sp, -REGS_SIZE
	ld	t0, THREAD_KSTACK_TOP(tp)
	sub	t0, t0, sp
	srli	t0, t0, KSTACK_SHIFT
	bnez	t0, overflow
frame_ready:
	csrrw	t0, sscratch, zero
	each_saved sd
	ld	s3, THREAD_SCRATCH(tp)
	csrr	s4, sepc
	csrr	s5, sstatus
	csrr	s6, stval
	csrr	s7, scause
	sd	tp, 32(sp)
	sd	s3, 16(sp)
	sd	s4, 0(sp)
	sd	s5, REGS_STATUS(sp)
	sd	s6, REGS_TVAL(sp)
	sd	s7, REGS_CAUSE(sp)
	mv	a0, sp
	call	riscv_trap_kernel
	ld	t0, REGS_STATUS(sp)
	csrw	sstatus, t0
	ld	t0, 0(sp)
	sc.d	zero, t0, (sp)
	csrw	sepc, t0
	each_saved ld
	ld	sp, 16(sp)
	sret

/* Only one hart may overflow at a time: there is one such stack. */
overflow:
	lla	sp, overflow_claimed
	li	t0, 1
	amoswap.w t0, t0, (sp)
	bnez	t0, 1f
	lla	sp, riscv_overflow_stack + RISCV_OVERFLOW_STACK_SIZE - REGS_SIZE
	j	frame_ready
1:	wfi
	j	1b

/* First instructions of a kernel thread: a0 = previous thread, s1 = fn, s2 = arg. */
	.globl riscv_thread_start
riscv_thread_start:
	call	thread_first_run
	mv	a0, s2
	jalr	s1
	unimp				/* fn does not return */

/* First instructions of a forked user thread; its frame is at sp. */
	.globl riscv_fork_return
riscv_fork_return:
	call	thread_first_run
	j	riscv_user_return

/* void riscv_enter_user(struct arch_regs *regs): leaves through the common path. */
	.globl riscv_enter_user
riscv_enter_user:
	mv	sp, a0
	j	riscv_user_return

/* struct thread *arch_thread_switch(struct thread *prev, struct thread *next) */
	.globl arch_thread_switch
	.type arch_thread_switch, @function
arch_thread_switch:
	addi	a2, a0, THREAD_ARCH
	addi	a3, a1, THREAD_ARCH
	sd	sp, ARCH_SP(a2)
	sd	ra, ARCH_RA(a2)
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	sd	s\n, (ARCH_S + 8 * \n)(a2)
.endr
	ld	sp, ARCH_SP(a3)
	ld	ra, ARCH_RA(a3)
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	ld	s\n, (ARCH_S + 8 * \n)(a3)
.endr
	mv	tp, a1
	ret				/* a0 still is prev */

	.bss
	.balign 16
	.globl riscv_overflow_stack
riscv_overflow_stack:
	.skip	RISCV_OVERFLOW_STACK_SIZE
overflow_claimed:
	.4byte	0

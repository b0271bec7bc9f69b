/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception vectors, the full frame, return to user mode, thread switch. sp_el0 holds the current
 * thread in the kernel and is the user's stack pointer outside; tpidr_el1 always names the current
 * thread, so that entry from user mode finds it.
 */
#include <asm-offsets.h>
#include <native/sysreg.h>

	.macro	frame_save from_user
	sub	sp, sp, #REGS_SIZE
	stp	x0, x1, [sp, #16 * 0]
	stp	x2, x3, [sp, #16 * 1]
	stp	x4, x5, [sp, #16 * 2]
	stp	x6, x7, [sp, #16 * 3]
	stp	x8, x9, [sp, #16 * 4]
	stp	x10, x11, [sp, #16 * 5]
	stp	x12, x13, [sp, #16 * 6]
	stp	x14, x15, [sp, #16 * 7]
	stp	x16, x17, [sp, #16 * 8]
	stp	x18, x19, [sp, #16 * 9]
	stp	x20, x21, [sp, #16 * 10]
	stp	x22, x23, [sp, #16 * 11]
	stp	x24, x25, [sp, #16 * 12]
	stp	x26, x27, [sp, #16 * 13]
	stp	x28, x29, [sp, #16 * 14]
	mrs	x22, elr_el1
	mrs	x23, spsr_el1
	.if	\from_user
	mrs	x21, sp_el0
	mrs	x20, tpidr_el1
	msr	sp_el0, x20
	stp	xzr, xzr, [sp, #REGS_RECORD]
	.else
	add	x21, sp, #REGS_SIZE
	stp	x29, x22, [sp, #REGS_RECORD]
	.endif
	stp	x30, x21, [sp, #REGS_SP - 8]
	stp	x22, x23, [sp, #REGS_PC]
	mov	w24, #-1
	str	w24, [sp, #REGS_CALL_NR]
	add	x29, sp, #REGS_RECORD
	msr	daifclr, #4			/* SError is reported where it comes */
	.endm

	.macro	frame_restore to_user
	ldp	x22, x23, [sp, #REGS_PC]
	ldp	x30, x21, [sp, #REGS_SP - 8]
	msr	daifset, #4			/* ELR and SPSR must survive to the eret */
	msr	elr_el1, x22
	msr	spsr_el1, x23
	.if	\to_user
	msr	sp_el0, x21
	.endif
	ldp	x0, x1, [sp, #16 * 0]
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldp	x28, x29, [sp, #16 * 14]
	add	sp, sp, #REGS_SIZE
	eret
	.endm

	.macro	slot target
	.balign	128
	b	\target
	.endm

	.section .text.hot, "ax"
	.balign	2048
	.globl	vectors
vectors:
	/* Same level with SP_EL0: we never run so. */
	slot	bad_vector
	slot	bad_vector
	slot	bad_vector
	slot	bad_vector
	slot	kernel_sync
	slot	kernel_irq
	slot	bad_vector
	slot	kernel_serror
	slot	user_sync
	slot	user_irq
	slot	bad_vector
	slot	kernel_serror
	/* 32-bit user mode: no frame can hold such a PSTATE. */
	slot	bad_vector
	slot	bad_vector
	slot	bad_vector
	slot	bad_vector

user_sync:
	frame_save 1
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	bl	trap_user_sync
	b	user_return

user_irq:
	frame_save 1
	mov	x0, sp
	bl	trap_irq

/* sp: the user frame at the top of the kernel stack. */
user_return:
	mov	x0, sp
	bl	trap_user_leave
	frame_restore 1

kernel_irq:
	frame_save 0
	mov	x0, sp
	bl	trap_irq
	frame_restore 0

/*
 * The handler itself faults when the stack has run into its guard page, so look first: sp less the
 * frame must not lie within the 64 KiB below the stack. tpidr_el1 is scratch until it is written back.
 */
kernel_sync:
	msr	tpidr_el1, x0
	mrs	x0, sp_el0
	ldr	x0, [x0, #THREAD_KSTACK]
	sub	x0, sp, x0
	sub	x0, x0, #REGS_SIZE
	tbz	x0, #63, 1f
	cmn	x0, #16, lsl #12
	b.ge	stack_overflow
1:	mrs	x0, tpidr_el1
	frame_save 0
	mrs	x20, sp_el0
	msr	tpidr_el1, x20
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	bl	trap_kernel_sync
	frame_restore 0

kernel_serror:
	frame_save 0				/* never returns, so the user's sp_el0 may stay unsaved */
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, tpidr_el1
	msr	sp_el0, x2
	bl	trap_serror

bad_vector:
	frame_save 0
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, tpidr_el1
	msr	sp_el0, x2
	bl	trap_bad_vector

/* x0 is in tpidr_el1. All CPUs that get here share the stack: each of them panics anyway. */
stack_overflow:
	mov	x0, sp
	msr	tpidrro_el0, x0
	adrp	x0, overflow_stack_end
	mov	sp, x0
	mrs	x0, tpidr_el1
	frame_save 0
	mrs	x20, sp_el0
	msr	tpidr_el1, x20
	mrs	x0, tpidrro_el0
	str	x0, [sp, #REGS_SP]
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	bl	trap_stack_overflow

	.section .bss.overflow_stack, "aw", %nobits
	.balign	4096
	.globl	overflow_stack, overflow_stack_end
overflow_stack:
	.skip	4096
overflow_stack_end:

	.section .text.hot, "ax"
/* struct thread *arch_thread_switch(struct thread *prev, struct thread *next); returns prev. */
	.globl	arch_thread_switch
arch_thread_switch:
	mov	x9, sp
	mrs	x10, tpidr_el0
	stp	x19, x20, [x0, #THREAD_X19]
	stp	x21, x22, [x0, #THREAD_X19 + 16]
	stp	x23, x24, [x0, #THREAD_X19 + 32]
	stp	x25, x26, [x0, #THREAD_X19 + 48]
	stp	x27, x28, [x0, #THREAD_X19 + 64]
	stp	x29, x9, [x0, #THREAD_FP]
	stp	x30, x10, [x0, #THREAD_LR]	/* tls follows lr */
	ldp	x19, x20, [x1, #THREAD_X19]
	ldp	x21, x22, [x1, #THREAD_X19 + 16]
	ldp	x23, x24, [x1, #THREAD_X19 + 32]
	ldp	x25, x26, [x1, #THREAD_X19 + 48]
	ldp	x27, x28, [x1, #THREAD_X19 + 64]
	ldp	x29, x9, [x1, #THREAD_FP]
	ldp	x30, x10, [x1, #THREAD_LR]
	mov	sp, x9
	msr	tpidr_el0, x10
	msr	sp_el0, x1
	msr	tpidr_el1, x1
	ret

/* A new thread's first switch returns here: x0 = previous thread, x19 = fn or 0 (to user), x20 = arg. */
	.globl	thread_entry
thread_entry:
	bl	thread_first_run
	cbz	x19, user_return
	msr	daifclr, #2
	mov	x0, x20
	blr	x19
	mov	w0, #0
	bl	thread_exit

/* void arch_user_enter(struct arch_regs *regs) */
	.globl	arch_user_enter
arch_user_enter:
	mov	sp, x0
	mov	x29, xzr
	b	user_return

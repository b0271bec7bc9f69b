/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code every program finds mapped: the return from a signal handler. RISC-V has no SA_RESTORER,
 * so handlers always return here. Unwinders know the frame by these two instructions, debuggers by
 * the CFI: at the handler's return sp is the frame, whose registers begin at 304 (siginfo 128,
 * ucontext head 176) with pc.
 */
	.option norvc
	.text
	.cfi_sections .eh_frame
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa sp, 1088
	.cfi_return_column 64
	.cfi_offset 64, -1088 + 304
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	.cfi_offset x\n, -1088 + 304 + 8 * \n
	.endr
	nop					/* unwinders look at the address before the return address */
	.globl	__vdso_rt_sigreturn
	.type	__vdso_rt_sigreturn, %function
__vdso_rt_sigreturn:
	addi	a7, zero, 139
	ecall
	.cfi_endproc
	.size	__vdso_rt_sigreturn, . - __vdso_rt_sigreturn

	.section .note.Linux, "a", %note
	.balign	4
	.4byte	6, 4, 0				/* owner "Linux", type 0: version the interface follows */
	.asciz	"Linux"
	.balign	4
	.4byte	0x060100
	.section .note.GNU-stack, "", %progbits

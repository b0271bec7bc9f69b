/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code every program finds mapped: the return from a signal handler. Unwinders know the frame by
 * these two instructions, debuggers by the CFI: at the handler's return sp is the frame, whose
 * registers begin at 304 (siginfo 128, ucontext head 176, fault address 8 less).
 */
	.text
	.cfi_sections .eh_frame
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa sp, 4688
	.cfi_offset x29, -4688 + 312 + 8 * 29
	.cfi_offset x30, -4688 + 312 + 8 * 30
	nop					/* unwinders look at the address before the return address */
	.globl	__kernel_rt_sigreturn
	.type	__kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
	mov	x8, #139
	svc	#0
	.cfi_endproc
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn

	.section .note.Linux, "a", %note
	.balign	4
	.long	6, 4, 0				/* owner "Linux", type 0: version the interface follows */
	.asciz	"Linux"
	.balign	4
	.long	0x060100
	.section .note.GNU-stack, "", %progbits

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code every program finds mapped: the return from a signal handler. Unwinders and debuggers know the
 * frame by these two instructions. There is no CFI: its return column is x30, and a signal's frame has a pc besides, so
 * an unwinder that believed it (libgcc's, when a thread is cancelled) would leave out the interrupted function.
 */
	.text
	nop					/* unwinders look at the address before the return address */
	.globl	__kernel_rt_sigreturn
	.type	__kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
	mov	x8, #139
	svc	#0
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn

	.section .note.Linux, "a", %note
	.balign	4
	.long	6, 4, 0				/* owner "Linux", type 0: version the interface follows */
	.asciz	"Linux"
	.balign	4
	.long	0x060100
	.section .note.GNU-stack, "", %progbits

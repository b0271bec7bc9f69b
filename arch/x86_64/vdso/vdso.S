/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code that every program finds mapped. On x86_64 the C library brings its own return from signal
 * handlers (SA_RESTORER); this one serves programs that do not. Unwinders know the frame by
 * these two instructions.
 */
	.text
	.globl __vdso_rt_sigreturn
	.type __vdso_rt_sigreturn, @function
	.balign 16
	.skip 16, 0x90				/* unwinders look at the address before the return address */
__vdso_rt_sigreturn:
	movq $15, %rax				/* rt_sigreturn */
	syscall
	ud2
	.size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn

	.section .note.Linux, "a", @note
	.balign 4
	.long 6, 4, 0				/* owner "Linux", type 0: version the interface follows */
	.asciz "Linux"
	.balign 4
	.long 0x060100
	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: BSD-2-Clause */
/* The vDSO's file inside the kernel, whole pages. */
	.section .rodata.vdso, "a"
	.balign	4096
	.globl	arch_vdso_start, arch_vdso_end, arch_vdso_sigreturn
arch_vdso_start:
	.incbin	VDSO_FILE
	.balign	4096
arch_vdso_end:
arch_vdso_sigreturn:
	.8byte	0x800				/* vdso.ld asserts it */
	.section .note.GNU-stack, "", %progbits

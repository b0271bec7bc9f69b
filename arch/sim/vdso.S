/* SPDX-License-Identifier: BSD-2-Clause */
/* The page that stands for the kernel image in RAM; programs get it as their vDSO. Nothing reads it: handlers return by sim_call. */
	.section .sim_vdso, "aw", %progbits
	.balign 4096
	.globl arch_vdso_start
	.globl arch_vdso_end
arch_vdso_start:
	.skip 4096
arch_vdso_end:

	.section .note.GNU-stack,"",%progbits

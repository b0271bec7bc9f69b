/* SPDX-License-Identifier: BSD-2-Clause */
/* Stores and loads the user's F/D registers. The caller made sstatus.FS not off. */
#include <asm-offsets.h>

/*
 * The kernel is built without F and D, so the instructions are written by their formats: x\n
 * stands for f\n in fsd (opcode 0x27, funct3 3) and fld (0x07, 3).
 */
	.text

#define REGS 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
	24, 25, 26, 27, 28, 29, 30, 31

/* void riscv_fpu_store(struct riscv_fpu *f) */
	.globl riscv_fpu_store
	.type riscv_fpu_store, @function
riscv_fpu_store:
	csrr	t0, 0x003		/* fcsr */
.irp n, REGS
	.insn s	0x27, 3, x\n, (8 * \n)(a0)
.endr
	sw	t0, FPU_FCSR(a0)
	ret

/* void riscv_fpu_load(const struct riscv_fpu *f) */
	.globl riscv_fpu_load
	.type riscv_fpu_load, @function
riscv_fpu_load:
	lw	t0, FPU_FCSR(a0)
.irp n, REGS
	.insn i	0x07, 3, x\n, (8 * \n)(a0)
.endr
	csrw	0x003, t0
	ret

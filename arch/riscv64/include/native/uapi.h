/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a Linux ABI may differ between architectures: RISC-V has the generic values (asm-generic/fcntl.h). */
#ifndef NATIVE_UAPI_H
#define NATIVE_UAPI_H

#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000

#define ARCH_ELF_MACHINE 243			/* EM_RISCV */
#define ARCH_RESTART_EARLY 1

#endif

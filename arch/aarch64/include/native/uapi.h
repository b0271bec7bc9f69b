/* SPDX-License-Identifier: BSD-2-Clause */
/* Where AArch64's Linux ABI differs from the generic one (Linux uapi: asm/fcntl.h, asm/auxvec.h). */
#ifndef NATIVE_UAPI_H
#define NATIVE_UAPI_H

#define O_DIRECTORY 040000
#define O_NOFOLLOW 0100000
#define O_DIRECT 0200000
#define O_LARGEFILE 0400000

#define ARCH_ELF_MACHINE 183			/* EM_AARCH64 */
#define ARCH_SIGACTION_RESTORER 1
#define ARCH_PTRACE_SYSEMU 1
#define ARCH_RESTART_EARLY 1
#define ARCH_MINSIGSTKSZ 5120		/* room for the largest frame without SVE */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where x86_64's Linux ABI differs from the generic one. */
#ifndef NATIVE_UAPI_H
#define NATIVE_UAPI_H

#define ARCH_ELF_MACHINE 62		/* EM_X86_64 */
#define ARCH_SIGACTION_RESTORER 1
#define ARCH_SEMID_TIMES_PADDED 1		/* x86's own asm/sembuf.h */
#define ARCH_CLONE_TLS_LAST 1
#define ARCH_PTRACE_SYSEMU 1
#define ARCH_EPOLL_EVENT_LAYOUT __attribute__((packed))	/* as i386 has it */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the instruction sets' Linux ABIs differ. <native/uapi.h> defines what is its own; this
 * header fills in what is generic.
 *	ARCH_ELF_MACHINE		e_machine of programs; always defined there
 *	ARCH_SIGACTION_RESTORER		1: struct sigaction has sa_restorer
 *	ARCH_CLONE_TLS_LAST		1: clone(flags, sp, ptid, ctid, tls); else tls comes before ctid
 *	ARCH_MINSIGSTKSZ		smallest sigaltstack; AT_MINSIGSTKSZ
 *	ARCH_EPOLL_EVENT_LAYOUT		attribute of struct epoll_event
 *	ARCH_PTRACE_SYSEMU		1: ptrace knows SYSEMU
 *	ARCH_RESTART_EARLY		1: tracers see an interrupted call already set up to run again
 *	ARCH_SEMID_TIMES_PADDED		1: struct semid64_ds has a spare word behind each time
 *	O_DIRECTORY …			see <uapi/fcntl.h>
 */
#ifndef UAPI_NATIVE_H
#define UAPI_NATIVE_H

#include <native/uapi.h>

#ifndef ARCH_ELF_MACHINE
#error "<native/uapi.h> must define ARCH_ELF_MACHINE"
#endif
#ifndef ARCH_SIGACTION_RESTORER
#define ARCH_SIGACTION_RESTORER 0
#endif
#ifndef ARCH_CLONE_TLS_LAST
#define ARCH_CLONE_TLS_LAST 0
#endif
#ifndef ARCH_EPOLL_EVENT_LAYOUT
#define ARCH_EPOLL_EVENT_LAYOUT
#endif
#ifndef ARCH_SEMID_TIMES_PADDED
#define ARCH_SEMID_TIMES_PADDED 0
#endif
#ifndef ARCH_PTRACE_SYSEMU
#define ARCH_PTRACE_SYSEMU 0
#endif
#ifndef ARCH_RESTART_EARLY
#define ARCH_RESTART_EARLY 0
#endif
#ifndef ARCH_MINSIGSTKSZ
#define ARCH_MINSIGSTKSZ 2048
#endif

#endif

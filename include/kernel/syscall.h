/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls. kernel/syscall/syscalls.tbl lists each once: x86_64 number, generic number, name,
 * flags, signature; the generator makes numbers, dispatch tables, prototypes and names for tracing.
 * Handlers are `long sys_NAME(u64 a, ...)` with the argument types of the table.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <lib/compiler.h>

typedef long (*syscall_fn)(u64, u64, u64, u64, u64, u64);
struct syscall_entry {
	syscall_fn fn;		/* NULL: ENOSYS */
	const char *name;
	const char *args;	/* one letter per argument for strace: d int, u unsigned, x hex, p pointer, s string, f fd, … */
};
/* The table of this architecture's numbering (generated); native table chosen by arch uapi. */
extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_table_len;
void strace_set(const char *name);	/* strace=NAME on the command line */
long sys_restart_syscall(void);

#endif

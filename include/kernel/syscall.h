/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls. kernel/syscall/syscalls.tbl lists each once: x86_64 number, generic number, name,
 * flags, arguments; the generator makes numbers, the dispatch table, prototypes (included here) and
 * names for tracing. A handler is `long sys_NAME(ARGS)` at the start of a line, with the types of the
 * table (pointers are __user): from then on the call exists.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <lib/compiler.h>
#if __has_include(<syscall_protos.h>)	/* generated; absent when a checker compiles this alone */
#include <syscall_protos.h>
#endif

struct arch_regs;

typedef long (*syscall_fn)(u64, u64, u64, u64, u64, u64);
struct syscall_entry {
	syscall_fn fn;		/* NULL: ENOSYS */
	const char *name;	/* NULL: no such number */
	const char *args;	/* one letter per argument for strace, see ci/tools/gen_syscalls.py; NULL: unknown */
};
/* The table of this architecture's numbering (generated). */
extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_table_len;
extern const unsigned syscall_restart_nr;	/* of restart_syscall */

/* strace=NAME[,NAME]: trace the calls of programs of these names; "*" all. Boot only. */
void strace_set(const char *names);
/* Sets or clears the current thread's tracing after its name changed (exec, prctl, fork). */
void strace_update(void);
bool strace_is_on(void);
void strace_enter(u64 nr, const u64 args[6]);
void strace_leave(u64 nr, const u64 args[6], long result);
/* Symbolic name of an error number, "ENOENT"; NULL: none. Also the kernel's own (ERESTARTSYS). */
const char *errno_name(int err);
const char *signal_name(int sig);	/* "SIGHUP"; NULL: real-time or none */

#endif

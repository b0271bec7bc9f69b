/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2) as Linux numbers it (linux/ptrace.h, asm/ptrace-abi.h), and the notes that name register sets (elf.h). */
#ifndef UAPI_PTRACE_H
#define UAPI_PTRACE_H

#include <lib/types.h>

#define PTRACE_TRACEME 0
#define PTRACE_PEEKTEXT 1
#define PTRACE_PEEKDATA 2
#define PTRACE_PEEKUSR 3
#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5
#define PTRACE_POKEUSR 6
#define PTRACE_CONT 7
#define PTRACE_KILL 8
#define PTRACE_SINGLESTEP 9
#define PTRACE_GETREGS 12		/* the next four: x86_64 */
#define PTRACE_SETREGS 13
#define PTRACE_GETFPREGS 14
#define PTRACE_SETFPREGS 15
#define PTRACE_ATTACH 16
#define PTRACE_DETACH 17
#define PTRACE_OLDSETOPTIONS 21		/* x86_64 */
#define PTRACE_SYSCALL 24
#define PTRACE_ARCH_PRCTL 30		/* x86_64 */
#define PTRACE_SYSEMU 31		/* x86_64, aarch64 */
#define PTRACE_SYSEMU_SINGLESTEP 32
#define PTRACE_SETOPTIONS 0x4200
#define PTRACE_GETEVENTMSG 0x4201
#define PTRACE_GETSIGINFO 0x4202
#define PTRACE_SETSIGINFO 0x4203
#define PTRACE_GETREGSET 0x4204
#define PTRACE_SETREGSET 0x4205
#define PTRACE_SEIZE 0x4206
#define PTRACE_INTERRUPT 0x4207
#define PTRACE_LISTEN 0x4208
#define PTRACE_PEEKSIGINFO 0x4209
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#define PTRACE_GET_SYSCALL_INFO 0x420e
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f

#define PTRACE_PEEKSIGINFO_SHARED 1

#define PTRACE_EVENT_FORK 1
#define PTRACE_EVENT_VFORK 2
#define PTRACE_EVENT_CLONE 3
#define PTRACE_EVENT_EXEC 4
#define PTRACE_EVENT_VFORK_DONE 5
#define PTRACE_EVENT_EXIT 6
#define PTRACE_EVENT_STOP 128

#define PTRACE_O_TRACESYSGOOD 1
#define PTRACE_O_TRACEEVENT(event) (1u << (event))
#define PTRACE_O_EXITKILL (1u << 20)
/* TRACESECCOMP (bit 7) is taken and never happens: there are no filters. SUSPEND_SECCOMP (bit 21) needs them. */
#define PTRACE_O_KNOWN (0xffu | PTRACE_O_EXITKILL)

#define PTRACE_EVENTMSG_SYSCALL_ENTRY 1
#define PTRACE_EVENTMSG_SYSCALL_EXIT 2

#define PTRACE_SYSCALL_INFO_NONE 0
#define PTRACE_SYSCALL_INFO_ENTRY 1
#define PTRACE_SYSCALL_INFO_EXIT 2

struct ptrace_peeksiginfo_args {
	u64 off;
	u32 flags;
	s32 nr;
};
struct ptrace_syscall_info {
	u8 op, pad[3];
	u32 arch;
	u64 instruction_pointer, stack_pointer;
	union {
		struct {
			u64 nr, args[6];
		} entry;
		struct {
			s64 rval;
			u8 is_error;
		} exit;
	};
};
struct ptrace_rseq_configuration {
	u64 rseq_abi_pointer;
	u32 rseq_abi_size, signature, flags, pad;
};
_Static_assert(sizeof(struct ptrace_syscall_info) == 80 && sizeof(struct ptrace_rseq_configuration) == 24, "Linux's layout");

/* linux/audit.h: AUDIT_ARCH_* is e_machine with these. */
#define AUDIT_ARCH_64BIT 0x80000000u
#define AUDIT_ARCH_LE 0x40000000u

#define NT_PRSTATUS 1
#define NT_PRFPREG 2
#define NT_PRPSINFO 3
#define NT_AUXV 6
#define NT_X86_XSTATE 0x202
#define NT_ARM_TLS 0x401
#define NT_ARM_HW_BREAK 0x402
#define NT_ARM_HW_WATCH 0x403
#define NT_ARM_SYSTEM_CALL 0x404
#define NT_SIGINFO 0x53494749
#define NT_FILE 0x46494c45

#endif

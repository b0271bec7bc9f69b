/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way into the kernel and back: exception and interrupt stubs, SYSCALL, the thread switch.
 * Each entry builds a whole struct arch_regs; GS base is the CPU block while in kernel mode.
 */
#include "x86.h"
#include <asm-offsets.h>

	/* The general registers of the frame, below vector and error code. */
.macro PUSH_REGS in_call, orig
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq \in_call
	pushq \orig
.endm
.macro POP_REGS_BUT_RDI
	addq $16, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
.endm

	.section .text.hot, "ax", @progbits
	.balign 64
	.globl x86_trap_stubs
x86_trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	/* 8, 10-14, 17, 21, 29, 30 come with an error code (Intel SDM 3A table 6-1, AMD APM 2 table 8-1). */
	.if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
	.else
	pushq $0
	.endif
	.if vector < 128
	pushq $vector
	.else
	pushq $vector - 256		/* short form; the high bytes are cut below */
	.endif
	.if (vector == VECTOR_DB) || (vector == VECTOR_NMI) || (vector == VECTOR_DF) || (vector == VECTOR_MC)
	jmp trap_paranoid
	.else
	jmp trap_common
	.endif
	vector = vector + 1
	.endr

	.balign 16
trap_common:
	cld
	PUSH_REGS $0, $-1
	testb $3, REGS_CS(%rsp)
	jz 1f
	swapgs
	xorl %ebp, %ebp				/* the frame-pointer chain ends here */
1:	testl $RFLAGS_AC, REGS_RFLAGS(%rsp)
	jnz trap_clear_ac
2:	movq %rsp, %rdi
	call x86_trap
trap_return:
	testb $3, REGS_CS(%rsp)
	jz 1f
	swapgs
1:	POP_REGS_BUT_RDI
	popq %rdi
	addq $16, %rsp
	iretq

	/* A gate leaves AC as it was; with it set SMAP sleeps. Rare: user mode set it, or a user copy was interrupted. */
trap_clear_ac:
	pushfq
	andq $~RFLAGS_AC, (%rsp)
	popfq
	jmp 2b

	/*
	 * May come at any instruction, also where GS base is not yet or no longer the kernel's. From user mode the
	 * frame moves to the thread's stack and all is as usual; from the kernel the sign of GS base tells.
	 */
trap_paranoid:
	cld
	PUSH_REGS $0, $-1
	testb $3, REGS_CS(%rsp)
	jz 1f
	swapgs
	movq %gs:CPU_CURRENT, %rax
	movq THREAD_KSTACK_TOP(%rax), %rdi
	subq $REGS_SIZE, %rdi
	movq %rsp, %rsi
	movq %rdi, %rsp
	movl $(REGS_SIZE / 8), %ecx
	rep movsq
	xorl %ebp, %ebp
	testl $RFLAGS_AC, REGS_RFLAGS(%rsp)
	jz 2b
	jmp trap_clear_ac
1:	movl $MSR_GS_BASE, %ecx
	rdmsr
	xorl %ebx, %ebx
	testl %edx, %edx
	js 1f
	swapgs
	movl $1, %ebx
1:	movq %rsp, %rdi
	call x86_trap
	testl %ebx, %ebx
	jz 1f
	swapgs
1:	POP_REGS_BUT_RDI
	popq %rdi
	addq $16, %rsp
	iretq

	/* SYSCALL: RCX = return address, R11 = RFLAGS, the flags of SFMASK cleared, stack still the user's. */
	.balign 64
	.globl x86_syscall_entry
x86_syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_SCRATCH
	movq %gs:CPU_CURRENT, %rsp
	movq THREAD_KSTACK_TOP(%rsp), %rsp
	pushq $SEL_USER_DS
	pushq %gs:CPU_SCRATCH
	pushq %r11
	pushq $SEL_USER_CS
	pushq %rcx
	pushq $0
	pushq $256				/* X86_VECTOR_SYSCALL */
	PUSH_REGS $1, %rax
	xorl %ebp, %ebp
	sti
	movq %rsp, %rdi
	call syscall_dispatch
	cli
	/* What user_return of trap.c sees to, when there is nothing to do: no work, and a frame that SYSRET makes again. */
	movq %gs:CPU_CURRENT, %rax
	cmpl $0, THREAD_EXIT_WORK(%rax)
	jne syscall_slow
	movq REGS_RIP(%rsp), %rcx
	cmpq REGS_RCX(%rsp), %rcx
	jne syscall_slow
	cmpq arch_layout + LAYOUT_USER_END(%rip), %rcx
	jae syscall_slow
	movq REGS_RFLAGS(%rsp), %rdx
	cmpq REGS_R11(%rsp), %rdx
	jne syscall_slow
	movq THREAD_RFLAGS_USER(%rax), %rcx
	andq %rdx, %rcx
	orq $(RFLAGS_IF | RFLAGS_FIXED), %rcx
	cmpq %rcx, %rdx
	jne syscall_slow
syscall_leave:
	POP_REGS_BUT_RDI			/* RCX and R11 hold what SYSRET wants */
	movq %rsp, %rdi				/* at the saved RDI: vector, error, rip, cs, rflags follow, then rsp */
	movq (REGS_RSP - REGS_RIP + 24)(%rdi), %rsp
	movq (%rdi), %rdi
	swapgs
	sysretq

syscall_slow:
	movq %rsp, %rdi
	call x86_syscall_return			/* true: SYSRET will do */
	testb %al, %al
	jnz syscall_leave
	jmp trap_return

	/* SYSCALL from 32-bit code cannot be: there is no such code segment. */
	.globl x86_syscall_entry32
x86_syscall_entry32:
	ud2

	/* struct thread *arch_thread_switch(prev RDI, next RSI): prev again in RAX, on next's stack. */
	.balign 64
	.globl arch_thread_switch
arch_thread_switch:
	pushq %rbp
	movq %rsp, %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rdi
	pushq %rsi
	subq $8, %rsp
	call x86_switch_user_state
	addq $8, %rsp
	popq %rsi
	popq %rdi
	movq %rsp, THREAD_SP(%rdi)
	movq THREAD_SP(%rsi), %rsp
	movq %rsi, %gs:CPU_CURRENT
	movq THREAD_CANARY(%rsi), %rax
	movq %rax, %gs:CPU_CANARY
	movq THREAD_KSTACK_TOP(%rsi), %rax
	movq %rax, %gs:CPU_TSS_RSP0
	movq %rdi, %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

	/* First switch to a kernel thread: RAX = thread that ran before, RBX = fn, R12 = arg. */
	.globl x86_kernel_thread_start
x86_kernel_thread_start:
	movq %rax, %rdi
	call thread_first_run
	movq %r12, %rdi
	call *%rbx
	xorl %edi, %edi
	call thread_exit
	ud2

	/* First switch to a forked user thread; RSP is at its frame. */
	.globl x86_fork_return
x86_fork_return:
	movq %rax, %rdi
	call thread_first_run
	movq %rsp, %rdi
	call x86_user_return
	jmp trap_return

	/* x86_enter_user(regs RDI): the frame becomes the stack. */
	.globl x86_enter_user
x86_enter_user:
	movq %rdi, %rsp
	jmp trap_return

	.section .note.GNU-stack, "", @progbits

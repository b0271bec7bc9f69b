/* SPDX-License-Identifier: BSD-2-Clause */
/* Switching between host stacks (the host is x86_64): callee-saved registers and the stack pointer. */
	.text
	.globl sim_switch
sim_switch:				/* (u64 *save_sp, u64 load_sp) */
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

	.globl sim_enter
	.globl sim_rewind
sim_enter:				/* (stack_top, fn): never comes back */
sim_rewind:
	movq %rdi, %rsp
	andq $-16, %rsp
	xorl %ebp, %ebp
	call *%rsi
	ud2

	.globl sim_on_stack
sim_on_stack:				/* (stack_top, fn) */
	pushq %rbp
	movq %rsp, %rbp
	movq %rdi, %rsp
	andq $-16, %rsp
	call *%rsi
	movq %rbp, %rsp
	popq %rbp
	ret

	.globl sim_thread_start
sim_thread_start:			/* r12 fn, r13 arg */
	movq %r12, %rdi
	movq %r13, %rsi
	xorl %ebp, %ebp
	call sim_thread_main
	ud2

	.section .note.GNU-stack,"",%progbits

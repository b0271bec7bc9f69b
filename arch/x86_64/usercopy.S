/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory, directly, with exception-table fix-ups. SMAP sleeps only between the two marks. Blocks of 64
 * bytes by plain moves (quick on hardware and under emulation); any fault falls back to
 * bytes from the block's start, whose own fault gives the exact count.
 */
#include "x86.h"

	.section .text.hot, "ax", @progbits

	/* size_t copy(dst RDI, src RSI, n RDX): bytes not copied. Either side may be the user's. */
	.balign 64
	.globl arch_copy_from_user, arch_copy_to_user
arch_copy_from_user:
arch_copy_to_user:
	USER_ACCESS_BEGIN
	cmpq $64, %rdx
	jb 2f
	.macro COPY8 at
101:	movq \at(%rsi), %rax
102:	movq \at + 8(%rsi), %rcx
103:	movq %rax, \at(%rdi)
104:	movq %rcx, \at + 8(%rdi)
	EXTABLE 101b, copy_bytes
	EXTABLE 102b, copy_bytes
	EXTABLE 103b, copy_bytes
	EXTABLE 104b, copy_bytes
	.endm
1:	COPY8 0
	COPY8 16
	COPY8 32
	COPY8 48
	addq $64, %rsi
	addq $64, %rdi
	subq $64, %rdx
	cmpq $64, %rdx
	jae 1b
2:	cmpq $32, %rdx
	jb 2f
	COPY8 0
	COPY8 16
	addq $32, %rsi
	addq $32, %rdi
	subq $32, %rdx
2:	movl %edx, %ecx
	shrl $3, %ecx
	jz copy_bytes
3:	movq (%rsi), %rax
4:	movq %rax, (%rdi)
	EXTABLE 3b, copy_bytes
	EXTABLE 4b, copy_bytes
	addq $8, %rsi
	addq $8, %rdi
	subq $8, %rdx
	decl %ecx
	jnz 3b
copy_bytes:
	movq %rdx, %rcx
5:	rep movsb
6:	USER_ACCESS_END
	movq %rcx, %rax
	ret
	EXTABLE 5b, 6b

	/* size_t arch_clear_user(dst RDI, n RSI) */
	.balign 16
	.globl arch_clear_user
arch_clear_user:
	USER_ACCESS_BEGIN
	xorl %eax, %eax
	movq %rsi, %rcx
	shrq $3, %rcx
1:	rep stosq
	andl $7, %esi
	movl %esi, %ecx
2:	rep stosb
3:	USER_ACCESS_END
	movq %rcx, %rax
	ret
4:	andl $7, %esi				/* words left and the tail: to the exact byte */
	leaq (%rsi, %rcx, 8), %rcx
	jmp 2b
	EXTABLE 1b, 4b
	EXTABLE 2b, 3b

	/* ssize_t arch_copy_string(dst RDI, src RSI, max RDX) */
	.balign 16
	.globl arch_copy_string
arch_copy_string:
	USER_ACCESS_BEGIN
	xorl %eax, %eax
1:	cmpq %rdx, %rax
	jae 3f
2:	movb (%rsi, %rax), %cl
	movb %cl, (%rdi, %rax)
	testb %cl, %cl
	jz 3f
	incq %rax
	jmp 1b
3:	USER_ACCESS_END
	ret
4:	USER_ACCESS_END
	movq $-14, %rax				/* -EFAULT */
	ret
	EXTABLE 2b, 4b

	.section .note.GNU-stack, "", @progbits

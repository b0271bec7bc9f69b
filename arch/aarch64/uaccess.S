/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory by unprivileged loads and stores, which obey the user's permissions whether or not the
 * CPU has PAN. A fault that cannot be resolved continues at the instruction's entry in __ex_table.
 */
	/* Marks the instruction that follows. */
	.macro	fixup target
	.pushsection __ex_table, "a"
	.balign	4
	.long	9999f - .
	.long	\target - .
	.popsection
9999:
	.endm

	.section .text.hot, "ax"

/*
 * size_t arch_copy_from_user(void *dst, const void __user *src, size_t n): bytes not copied. A fault
 * within a block is found again byte by byte, so that everything before it is copied.
 */
	.globl	arch_copy_from_user
arch_copy_from_user:
1:	subs	x2, x2, #64
	b.lo	2f
	fixup	3f
	ldtr	x3, [x1, #0]
	fixup	3f
	ldtr	x4, [x1, #8]
	stp	x3, x4, [x0, #0]
	fixup	3f
	ldtr	x3, [x1, #16]
	fixup	3f
	ldtr	x4, [x1, #24]
	stp	x3, x4, [x0, #16]
	fixup	3f
	ldtr	x3, [x1, #32]
	fixup	3f
	ldtr	x4, [x1, #40]
	stp	x3, x4, [x0, #32]
	fixup	3f
	ldtr	x3, [x1, #48]
	fixup	3f
	ldtr	x4, [x1, #56]
	stp	x3, x4, [x0, #48]
	add	x0, x0, #64
	add	x1, x1, #64
	b	1b
3:	add	x2, x2, #64
	b	4f
2:	add	x2, x2, #64
6:	cmp	x2, #8
	b.lo	4f
	fixup	4f
	ldtr	x3, [x1]
	str	x3, [x0], #8
	add	x1, x1, #8
	sub	x2, x2, #8
	b	6b
4:	cbz	x2, 5f
	fixup	5f
	ldtrb	w3, [x1]
	strb	w3, [x0], #1
	add	x1, x1, #1
	sub	x2, x2, #1
	b	4b
5:	mov	x0, x2
	ret

/* size_t arch_copy_to_user(void __user *dst, const void *src, size_t n): bytes not copied. */
	.globl	arch_copy_to_user
arch_copy_to_user:
1:	subs	x2, x2, #64
	b.lo	2f
	ldp	x3, x4, [x1, #0]
	fixup	3f
	sttr	x3, [x0, #0]
	fixup	3f
	sttr	x4, [x0, #8]
	ldp	x3, x4, [x1, #16]
	fixup	3f
	sttr	x3, [x0, #16]
	fixup	3f
	sttr	x4, [x0, #24]
	ldp	x3, x4, [x1, #32]
	fixup	3f
	sttr	x3, [x0, #32]
	fixup	3f
	sttr	x4, [x0, #40]
	ldp	x3, x4, [x1, #48]
	fixup	3f
	sttr	x3, [x0, #48]
	fixup	3f
	sttr	x4, [x0, #56]
	add	x0, x0, #64
	add	x1, x1, #64
	b	1b
3:	add	x2, x2, #64
	b	4f
2:	add	x2, x2, #64
6:	cmp	x2, #8
	b.lo	4f
	ldr	x3, [x1]
	fixup	4f
	sttr	x3, [x0]
	add	x0, x0, #8
	add	x1, x1, #8
	sub	x2, x2, #8
	b	6b
4:	cbz	x2, 5f
	ldrb	w3, [x1]
	fixup	5f
	sttrb	w3, [x0]
	add	x0, x0, #1
	add	x1, x1, #1
	sub	x2, x2, #1
	b	4b
5:	mov	x0, x2
	ret

/* size_t arch_clear_user(void __user *dst, size_t n): bytes not cleared. */
	.globl	arch_clear_user
arch_clear_user:
2:	cmp	x1, #8
	b.lo	4f
	fixup	4f
	sttr	xzr, [x0]
	add	x0, x0, #8
	sub	x1, x1, #8
	b	2b
4:	cbz	x1, 5f
	fixup	5f
	sttrb	wzr, [x0]
	add	x0, x0, #1
	sub	x1, x1, #1
	b	4b
5:	mov	x0, x1
	ret

/* ssize_t arch_copy_string(char *dst, const char __user *src, size_t max) */
	.globl	arch_copy_string
arch_copy_string:
	mov	x3, #0
1:	cmp	x3, x2
	b.eq	2f
	fixup	3f
	ldtrb	w4, [x1]
	strb	w4, [x0, x3]
	cbz	w4, 2f
	add	x1, x1, #1
	add	x3, x3, #1
	b	1b
2:	mov	x0, x3
	ret
3:	mov	x0, #-14			/* -EFAULT */
	ret

/* int arch_user_load32(const u32 __user *src, u32 *value) */
	.globl	arch_user_load32
arch_user_load32:
	fixup	1f
	ldtr	w2, [x0]
	str	w2, [x1]
	mov	w0, #0
	ret
1:	mov	w0, #-14
	ret

/*
 * int user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev): exclusives have no unprivileged
 * form; the caller has opened PAN. The stlxr may fault on its own (copy-on-write).
 */
	.globl	user_cmpxchg32
user_cmpxchg32:
1:	fixup	3f
	ldaxr	w4, [x0]
	cmp	w4, w1
	b.ne	2f
	fixup	3f
	stlxr	w5, w2, [x0]
	cbnz	w5, 1b
	dmb	ish
2:	str	w4, [x3]
	mov	w0, #0
	ret
3:	mov	w0, #-14
	ret

/* void arch_page_clear(void *page): a loop of stp is faster than dc zva under emulation, equal elsewhere. */
	.globl	arch_page_clear
arch_page_clear:
	add	x1, x0, #4096
1:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x1
	b.ne	1b
	ret

/* void arch_page_copy(void *dst, const void *src) */
	.globl	arch_page_copy
arch_page_copy:
	add	x2, x0, #4096
1:	ldp	x3, x4, [x1]
	ldp	x5, x6, [x1, #16]
	ldp	x7, x8, [x1, #32]
	ldp	x9, x10, [x1, #48]
	add	x1, x1, #64
	stp	x3, x4, [x0]
	stp	x5, x6, [x0, #16]
	stp	x7, x8, [x0, #32]
	stp	x9, x10, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x2
	b.ne	1b
	ret

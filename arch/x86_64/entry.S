/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PVH entry (Xen's x86/HVM direct boot ABI): 32-bit protected mode, paging off, EBX = start_info.
 * Builds the early tables (identity and linear map of 4 GiB, image at -2 GiB),
 * enters long mode and calls x86_boot_main on the boot stack. Also what a started CPU
 * executes between its trampoline page and C.
 */
#include "x86.h"
#include <asm-offsets.h>

#define PHYS(sym) (sym - KERNEL_VIRT_BASE)

	/* The note that loaders look for: 18 = XEN_ELFNOTE_PHYS32_ENTRY. */
	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18
	.asciz "Xen"
	.quad PHYS(pvh_entry)

	.section .text.entry, "ax", @progbits
	.code32
	.globl pvh_entry
pvh_entry:
	cli
	cld
	rdtsc
	movl %eax, PHYS(boot_ticks)
	movl %edx, PHYS(boot_ticks) + 4
	movl %ebx, PHYS(boot_start_info)
	movl $PHYS(boot_stack_top), %esp

	/* Long mode there? NX there? */
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	testl $(1 << 29), %edx
	jz no_long_mode
	movl $(EFER_LME | EFER_SCE), %ebp
	testl $(1 << 20), %edx
	jz 1f
	orl $EFER_NXE, %ebp
1:	movl %ebp, PHYS(boot_efer)

	/* 2048 leaves of 2 MiB. Identity and linear map share them. */
	movl $PHYS(boot_pd), %edi
	movl $0x83, %eax			/* present, writable, large */
	xorl %edx, %edx
	movl $2048, %ecx
1:	movl %eax, (%edi)
	movl %edx, 4(%edi)
	addl $0x200000, %eax
	adcl $0, %edx
	addl $8, %edi
	decl %ecx
	jnz 1b
	movl $PHYS(boot_pdpt), %edi
	movl $PHYS(boot_pd) + 3, %eax
	movl $4, %ecx
1:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	decl %ecx
	jnz 1b
	movl $PHYS(boot_pd) + 3, PHYS(boot_pdpt_image) + 510 * 8
	movl $PHYS(boot_pdpt) + 3, PHYS(x86_boot_pml4)
	movl $PHYS(boot_pdpt) + 3, PHYS(x86_boot_pml4) + 256 * 8
	movl $PHYS(boot_pdpt_image) + 3, PHYS(x86_boot_pml4) + 511 * 8

	call enable_long_mode
	lgdt PHYS(boot_gdt_pointer)
	ljmp $SEL_KERNEL_CS, $PHYS(long_mode_low)

	/* PAE, root, EFER from boot_efer, paging. Only EAX, ECX, EDX change. */
enable_long_mode:
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $PHYS(x86_boot_pml4), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl PHYS(boot_efer), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	ret

no_long_mode:
	movl $PHYS(no_long_mode_text), %esi
	movw $0x3f8, %dx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	hlt
	jmp 2b
no_long_mode_text:
	.asciz "trivet: this CPU has no 64-bit mode, cannot boot\r\n"

	.code64
long_mode_low:
	movabsq $long_mode_high, %rax
	jmp *%rax
long_mode_high:
	xorl %r12d, %r12d
	call load_segments
boot_moved:				/* comes here again when the image has moved; R12 = 1 */
	leaq boot_stack_top(%rip), %rsp
	leaq cpu_boot(%rip), %rax
	movq %rax, CPU_SELF(%rax)
	leaq boot_thread(%rip), %rcx
	movq %rcx, CPU_CURRENT(%rax)
	/* The boot thread's stack canary: the only entropy yet is when we were started. */
	movq boot_ticks(%rip), %rdx
	movabsq $0x9e3779b97f4a7c15, %rsi
	imulq %rsi, %rdx
	movq %rdx, CPU_CANARY(%rax)
	movq %rdx, THREAD_CANARY(%rcx)
	call set_gs_base
	xorl %ebp, %ebp
	movl boot_start_info(%rip), %edi
	testl %r12d, %r12d
	jnz 1f
	incl %r12d
	call x86_boot_slide
	leaq boot_moved(%rip), %rdx
	addq %rax, %rdx
	jmp *%rdx
1:	movq boot_ticks(%rip), %rsi
	call x86_boot_main
	ud2

	/* Null segments but SS, whose selector 64-bit mode ignores but IRETQ wants. */
load_segments:
	movl $SEL_KERNEL_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	ret

	/* RAX: struct cpu. Clobbers ECX, RDX. */
set_gs_base:
	movq %rax, %rdx
	shrq $32, %rdx
	movl $MSR_GS_BASE, %ecx
	wrmsr
	ret

	/* From the trampoline, in long mode under the boot tables, nothing pushed yet; RDI = struct cpu, RSP = idle's stack. */
	.globl x86_ap_entry
x86_ap_entry:
	movq x86_kernel_root(%rip), %rax	/* stack and CPU block are mapped only there */
	movq %rax, %cr3
	lgdt boot_gdt_pointer_high(%rip)
	pushq $SEL_KERNEL_CS
	leaq 1f(%rip), %rax
	pushq %rax
	lretq
1:	call load_segments
	movq %rdi, %rax
	call set_gs_base
	xorl %ebp, %ebp
	call x86_ap_main
	ud2

/*
 * Real-mode start of another CPU: copied to a page below 1 MiB, CS = page >> 4. smp.c fills the words
 * at the end before each start. Everything is addressed relative to the page.
 */
#define TRAMP(sym) (sym - x86_trampoline_start)
	.section .rodata
	.balign 16
	.globl x86_trampoline_start, x86_trampoline_end, x86_trampoline_args
	.code16
x86_trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx				/* EBX: physical address of the page */
	leal TRAMP(tramp_gdt)(%ebx), %eax
	movl %eax, TRAMP(tramp_gdt_pointer) + 2
	leal TRAMP(tramp_32)(%ebx), %eax
	movl %eax, TRAMP(tramp_far32)
	leal TRAMP(tramp_64)(%ebx), %eax
	movl %eax, TRAMP(tramp_far64)
	lgdtl TRAMP(tramp_gdt_pointer)
	movl $(CR0_PE | CR0_NE), %eax
	movl %eax, %cr0
	ljmpl *TRAMP(tramp_far32)
	.code32
tramp_32:
	movl $0x18, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl TRAMP(tramp_cr3)(%ebx), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl TRAMP(tramp_efer)(%ebx), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	ljmp *TRAMP(tramp_far64)(%ebx)
	.code64
tramp_64:
	movl %ebx, %ebx
	movq TRAMP(tramp_cpu)(%rbx), %rdi
	movq TRAMP(tramp_stack)(%rbx), %rsp
	movq TRAMP(tramp_entry)(%rbx), %rax
	jmp *%rax
	.balign 8
tramp_gdt:
	.quad 0
	.quad 0x00af9b000000ffff		/* 0x08: 64-bit code */
	.quad 0x00cf9b000000ffff		/* 0x10: 32-bit code */
	.quad 0x00cf93000000ffff		/* 0x18: data */
tramp_gdt_pointer:
	.word 31
	.long 0
	.balign 4
tramp_far32:
	.long 0
	.word 0x10
	.balign 4
tramp_far64:
	.long 0
	.word 0x08
	.balign 8
x86_trampoline_args:				/* struct trampoline_args in smp.c */
tramp_cr3:
	.quad 0
tramp_efer:
	.quad 0
tramp_cpu:
	.quad 0
tramp_stack:
	.quad 0
tramp_entry:
	.quad 0
x86_trampoline_end:

	.section .data, "aw"
	.balign 8
boot_gdt:					/* until each CPU loads its own */
	.quad 0, 0
	.quad 0x00af9b000000ffff		/* SEL_KERNEL_CS */
	.quad 0x00cf93000000ffff		/* SEL_KERNEL_DS */
boot_gdt_end:
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.quad PHYS(boot_gdt)
boot_gdt_pointer_high:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt
	.balign 8
	.globl boot_efer
boot_efer:
	.quad 0
boot_ticks:
	.quad 0
boot_start_info:
	.quad 0

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl x86_boot_pml4
x86_boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
	.globl boot_pdpt_image, boot_pd_image
boot_pdpt_image:
	.skip 4096
boot_pd_image:				/* the last GiB, where the image is moved to */
	.skip 4096
boot_pd:
	.skip 4 * 4096
	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: BSD-2-Clause */
/* GDT, TSS with interrupt stacks, and the IDT (Intel SDM 3A §3.4, §6.14, §8.7). */
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "x86.h"

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
#define GATE_INTERRUPT 0x8e
#define GATE_USER 0x60		/* DPL 3 */

static struct gate idt[256] __aligned(4096) __ro_after_init;

/* Stacks of the exceptions that cannot trust the current one. */
static DEFINE_PERCPU(char, ist_stacks[4][IST_STACK_SIZE]) __aligned(16);

static void gate_set(unsigned vector, unsigned ist, bool user)
{
	u64 target = (u64)x86_trap_stubs + vector * 16;

	idt[vector] = (struct gate){
		.offset_low = (u16)target,
		.selector = SEL_KERNEL_CS,
		.ist = (u8)ist,
		.type = GATE_INTERRUPT | (user ? GATE_USER : 0),
		.offset_middle = (u16)(target >> 16),
		.offset_high = (u32)(target >> 32),
	};
}

void x86_descriptors_init(void)
{
	for (unsigned v = 0; v < 256; v++) {
		unsigned ist = v == VECTOR_DF ? IST_DF : v == VECTOR_NMI ? IST_NMI
			     : v == VECTOR_MC ? IST_MC : v == VECTOR_DB ? IST_DB : 0;

		/* int3 and into are instructions of user mode. */
		gate_set(v, ist, v == VECTOR_BP || v == 4);
	}
}

void x86_descriptors_load(struct cpu *cpu)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdtr, idtr;
	struct arch_cpu *a = &cpu->arch;
	u64 tss = (u64)&a->tss;

	for (unsigned i = 0; i < 4; i++)
		a->tss.ist[i] = (u64)percpu_of(ist_stacks, cpu)[0][i] + IST_STACK_SIZE;
	a->tss.rsp[0] = cpu->running->kstack_top;
	a->tss.iomap_base = sizeof(a->tss);	/* past the limit: no port is user's */
	memset(a->gdt, 0, sizeof(a->gdt));
	a->gdt[SEL_KERNEL_CS / 8] = 0x00af9b000000ffffull;
	a->gdt[SEL_KERNEL_DS / 8] = 0x00cf93000000ffffull;
	a->gdt[SEL_USER_DS / 8] = 0x00cff3000000ffffull;
	a->gdt[SEL_USER_CS / 8] = 0x00affb000000ffffull;
	a->gdt[SEL_TSS / 8] = (sizeof(a->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40
			    | (tss >> 24 & 0xff) << 56;
	a->gdt[SEL_TSS / 8 + 1] = tss >> 32;
	/* Data of user privilege whose limit is the CPU's number: LSL tells it to the vDSO's getcpu. */
	a->gdt[SEL_CPU_NUMBER / 8] = 0x0040f10000000000ull | cpu->id;
	gdtr.limit = sizeof(a->gdt) - 1;
	gdtr.base = (u64)a->gdt;
	idtr.limit = sizeof(idt) - 1;
	idtr.base = (u64)idt;
	__asm__ volatile("lgdt %0" :: "m"(gdtr));
	__asm__ volatile("lidt %0" :: "m"(idtr));
	__asm__ volatile("ltr %w0" :: "r"(SEL_TSS));
}

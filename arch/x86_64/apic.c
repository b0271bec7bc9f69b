/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC (Intel SDM 3A ch. 10): end of interrupt, IPIs, its timer; by MSR when the CPU has
 * x2APIC, by registers in memory otherwise. Also silences the two 8259s that PCs still have.
 */
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <native/io.h>

#include "x86.h"

#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define BASE_ENABLE BIT(11)
#define BASE_X2APIC BIT(10)
#define SVR_ENABLE 0x100
#define LVT_MASKED 0x10000
#define LVT_NMI 0x400
#define LVT_TSC_DEADLINE 0x40000
#define ICR_INIT 0x500
#define ICR_STARTUP 0x600
#define ICR_PENDING 0x1000
#define ICR_ASSERT 0x4000

static volatile u32 *apic __ro_after_init;	/* NULL: x2APIC */
static bool use_x2apic __ro_after_init;
u64 x86_apic_timer_hz __ro_after_init;

static u32 apic_read(u32 reg)
{
	return use_x2apic ? (u32)rdmsr(MSR_X2APIC + (reg >> 4)) : apic[reg / 4];
}

static void apic_write(u32 reg, u32 v)
{
	if (use_x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		apic[reg / 4] = v;
}

/* Remaps the 8259s away from the exceptions and masks every line; the I/O APICs take over. */
static void pic_silence(void)
{
	static const u8 words[4] = { 0x11, 0, 0, 1 };

	for (unsigned chip = 0; chip < 2; chip++) {
		u16 port = chip ? 0xa0 : 0x20;

		port_write8(port, words[0]);
		port_write8(port + 1, VECTOR_PIC + chip * 8);
		port_write8(port + 1, chip ? 2 : 4);
		port_write8(port + 1, words[3]);
		port_write8(port + 1, 0xff);
	}
}

static void apic_enable_base(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (use_x2apic)
		wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
}

void x86_apic_map(void)
{
	static bool is_known, is_final;
	u64 base;

	if (is_final)
		return;
	is_final = x86_kernel_root != 0;
	if (!is_known) {
		is_known = true;
		if (!(x86_features.leaf1_edx & BIT(9)))
			panic("this CPU has no local APIC");
		use_x2apic = x86_features.x2apic;
		pic_silence();
	}
	base = rdmsr(MSR_APIC_BASE) & X86_PTE_ADDR;
	if (!use_x2apic) {
		apic = (volatile u32 __force *)x86_mmio(base, PAGE_SIZE);
		if (!apic)
			panic("the local APIC at %#lx cannot be mapped", base);
	}
	apic_enable_base();
}

void x86_apic_cpu_init(void)
{
	struct cpu *cpu = arch_cpu_self();

	apic_enable_base();
	cpu->arch.apic_id = use_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_TIMER_DIVIDE, 0xb);	/* by 1 */
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (x86_features.tsc_deadline ? LVT_TSC_DEADLINE : 0));
	/* The SDM asks for a fence between the LVT write by memory and the first deadline MSR write. */
	__asm__ volatile("mfence" ::: "memory");
	apic_write(APIC_EOI, 0);
}

void x86_apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void apic_command(u32 apic_id, u32 low)
{
	unsigned long flags;

	if (use_x2apic) {
		/* The MSR write is not ordered after earlier stores, which the target is to see. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + (APIC_ICR >> 4), (u64)apic_id << 32 | low);
		return;
	}
	flags = arch_irq_save();
	for (unsigned i = 0; i < 1000000 && apic_read(APIC_ICR) & ICR_PENDING; i++)
		arch_cpu_relax();
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR, low);
	arch_irq_restore(flags);
}

void x86_apic_send(u32 apic_id, u32 vector)
{
	apic_command(apic_id, ICR_ASSERT | vector);
}

void x86_apic_send_init(u32 apic_id)
{
	apic_command(apic_id, ICR_ASSERT | ICR_INIT);
}

void x86_apic_send_startup(u32 apic_id, u8 page)
{
	apic_command(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

void arch_ipi_send(struct cpu *cpu)
{
	x86_apic_send(cpu->arch.apic_id, VECTOR_IPI);
}

u32 x86_apic_timer_count(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}

/* For calibration: counts down from `count` without an interrupt. */
void x86_apic_timer_set(u32 count)
{
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_TIMER_INITIAL, count);
}

/* a * b / c without overflow of the product. */
static u64 mul_div(u64 a, u64 b, u64 c)
{
	u64 q, r;

	__asm__("mulq %3\n\tdivq %4" : "=&a"(q), "=&d"(r) : "0"(a), "rm"(b), "rm"(c) : "cc");
	return q;
}

void arch_timer_arm(u64 deadline)
{
	struct cpu *cpu = arch_cpu_self();
	u64 now, count;

	cpu->arch.timer_deadline = deadline;
	if (x86_features.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, deadline == U64_MAX ? 0 : max(deadline, 1ull));
		return;
	}
	if (deadline == U64_MAX) {
		apic_write(APIC_TIMER_INITIAL, 0);
		return;
	}
	now = arch_clock_read();
	count = 1;
	/* Far deadlines fire early and are armed again; one count more, so that none is early by rounding. */
	if (deadline > now) {
		u64 delta = min(deadline - now, arch_clock_hz());

		count = min(mul_div(delta, x86_apic_timer_hz, arch_clock_hz()) + 1, (u64)U32_MAX);
	}
	apic_write(APIC_TIMER_INITIAL, (u32)count);
}

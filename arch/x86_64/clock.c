/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TSC as clock source: its frequency, and the timer interrupt. Sources of the frequency, best first:
 *	1. CPUID: leaf 0x15 (and 0x16's crystal), or the hypervisor's 0x40000010; believed only when the CPU
 *	   says the TSC is invariant and the hypervisor is not TCG, whose leaves are the host's
 *	2. HPET (ACPI table)
 *	3. ACPI PM timer (FADT)
 *	4. PIT channel 2
 *	5. the local APIC timer, 1 GHz on TCG (microvm has none of the above)
 *	6. one second of the RTC
 * Measured ones use a window of a few ms and the tightest of several paired readings.
 */
#include <arch/clock.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <native/io.h>

#include "x86.h"

#define PIT_HZ 1193182u
#define PM_TIMER_HZ 3579545u
#define TCG_APIC_HZ 1000000000u
#define WINDOW_US 2000
#define PAIR_TRIES 5

static u64 tsc_hz __ro_after_init;

u64 arch_clock_hz(void) { return tsc_hz; }
const char *arch_clock_name(void) { return "tsc"; }

/* A counter to compare with: reads it, and how it counts. */
struct reference {
	const char *name;
	u32 (*read)(void);
	u64 hz;
	u32 mask;		/* width */
	bool counts_down;
};

static volatile u32 *hpet;
static u16 pm_port;

static u32 hpet_read(void) { return hpet[0xf0 / 4]; }
static u32 pm_read(void) { return port_read32(pm_port); }
static u32 pit_read(void)
{
	u32 v;

	port_write8(0x43, 0x80);	/* latch channel 2 */
	v = port_read8(0x42);
	return v | (u32)port_read8(0x42) << 8;
}

/* The reference and the TSC at the same moment: of several tries the one that took least. */
static u64 read_pair(const struct reference *r, u32 *count)
{
	u64 best = U64_MAX, at = 0;

	for (unsigned i = 0; i < PAIR_TRIES; i++) {
		u64 before = arch_clock_read();
		u32 c = r->read();
		u64 after = arch_clock_read();

		if (after - before < best) {
			best = after - before;
			at = before + (after - before) / 2;
			*count = c;
		}
	}
	return at;
}

/* TSC ticks per second against r, or 0 when r does not count. */
static u64 measure(const struct reference *r)
{
	u64 want = r->hz * WINDOW_US / 1000000, t0, t1, passed = 0;
	u32 c0, c1;

	t0 = read_pair(r, &c0);
	for (unsigned i = 0; passed < want; i++) {
		c1 = r->read();
		passed = (r->counts_down ? c0 - c1 : c1 - c0) & r->mask;
		if (i == 100000 && passed == 0)
			return 0;
		arch_cpu_relax();
	}
	t1 = read_pair(r, &c1);
	passed = (r->counts_down ? c0 - c1 : c1 - c0) & r->mask;
	if (passed == 0 || t1 <= t0)
		return 0;
	return (t1 - t0) * r->hz / passed;
}

static u64 from_cpuid(void)
{
	const struct x86_features *f = &x86_features;
	struct cpuid r;

	if (f->is_tcg)
		return 0;
	if (f->is_hypervisor && cpuid(0x40000000, 0).eax >= 0x40000010) {
		r = cpuid(0x40000010, 0);
		if (r.eax > 100000)
			return (u64)r.eax * 1000;
	}
	if (f->invariant_tsc && f->max_leaf >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.eax && r.ebx && r.ecx)
			return (u64)r.ecx * r.ebx / r.eax;
	}
	return 0;
}

static u64 from_hpet(void)
{
	struct reference r = { "HPET", hpet_read, 0, U32_MAX, false };
	u32 period_fs;

	if (!boot_info.hpet_base)
		return 0;
	hpet = (volatile u32 __force *)x86_mmio(boot_info.hpet_base, PAGE_SIZE);
	if (!hpet)
		return 0;
	period_fs = hpet[1];			/* femtoseconds per tick, at most 100 ns */
	if (period_fs == 0 || period_fs > 100000000)
		return 0;
	hpet[0x10 / 4] |= 1;			/* main counter on */
	r.hz = 1000000000000000ull / period_fs;
	return measure(&r);
}

static u64 from_pm_timer(void)
{
	struct reference r = { "PM timer", pm_read, PM_TIMER_HZ, 0xffffff, false };

	if (!boot_info.pm_timer_port)
		return 0;
	pm_port = boot_info.pm_timer_port;
	return measure(&r);
}

static u64 from_pit(void)
{
	struct reference r = { "PIT", pit_read, PIT_HZ, 0xffff, true };
	u64 hz;
	u8 gate = port_read8(0x61);

	if (gate == 0xff)			/* no such chip: the bus floats */
		return 0;
	port_write8(0x61, (gate & ~2) | 1);	/* speaker off, gate on */
	port_write8(0x43, 0xb4);		/* channel 2, both bytes, rate generator */
	port_write8(0x42, 0xff);
	port_write8(0x42, 0xff);
	hz = measure(&r);
	port_write8(0x61, gate);
	return hz;
}

static u64 from_apic(void)
{
	struct reference r = { "APIC timer", x86_apic_timer_count, TCG_APIC_HZ, U32_MAX, true };

	if (!x86_features.is_tcg)
		return 0;
	x86_apic_timer_set(U32_MAX);
	return measure(&r);
}

static u8 rtc_read(u8 reg)
{
	port_write8(0x70, reg);
	return port_read8(0x71);
}

/* From one change of the seconds register to the next; 0 when it stands still. */
static u64 from_rtc(void)
{
	u64 t0 = 0, start = arch_clock_read();
	u8 last = rtc_read(0);

	for (unsigned edges = 0; edges < 2;) {
		u8 now = rtc_read(0);
		u64 t = arch_clock_read();

		if (t - start > 20000000000ull)	/* over two seconds at any frequency in sale */
			return 0;
		if (now == last)
			continue;
		last = now;
		if (edges++ == 1)
			return t - t0;
		t0 = t;
	}
	return 0;
}

void arch_clock_init(void)
{
	static const struct {
		const char *name;
		u64 (*fn)(void);
	} sources[] = {
		{ "CPUID", from_cpuid }, { "HPET", from_hpet }, { "ACPI PM timer", from_pm_timer },
		{ "PIT", from_pit }, { "local APIC timer (TCG: 1 GHz)", from_apic }, { "RTC", from_rtc },
	};
	unsigned i;

	x86_apic_map();
	for (i = 0; i < ARRAY_LEN(sources) && !tsc_hz; i++) {
		tsc_hz = sources[i].fn();
		/* 10 MHz to 20 GHz, or the source was not telling the truth. */
		if (tsc_hz < 10000000 || tsc_hz > 20000000000ull)
			tsc_hz = 0;
	}
	if (!tsc_hz)
		panic("no source tells the frequency of the TSC");
	log_info("clock: tsc %lu.%03lu MHz from %s", tsc_hz / 1000000, tsc_hz / 1000 % 1000, sources[i - 1].name);
	if (!x86_features.tsc_deadline) {
		u64 t0, t1;
		u32 c0, c1;

		x86_apic_timer_set(U32_MAX);
		c0 = x86_apic_timer_count();
		t0 = arch_clock_read();
		do {
			arch_cpu_relax();
			t1 = arch_clock_read();
		} while (t1 - t0 < tsc_hz / 1000);
		c1 = x86_apic_timer_count();
		x86_apic_timer_hz = (u64)(c0 - c1) * tsc_hz / (t1 - t0);
		x86_apic_timer_set(0);
		if (!x86_apic_timer_hz)
			panic("the local APIC timer does not count");
	}
}

void x86_timer_interrupt(void)
{
	struct cpu *cpu = arch_cpu_self();
	u64 deadline = cpu->arch.timer_deadline;

	if (deadline == U64_MAX)
		return;			/* turned off while the interrupt was on its way */
	if (arch_clock_read() < deadline) {
		arch_timer_arm(deadline);
		return;
	}
	cpu->arch.timer_deadline = U64_MAX;
	timer_fire();
}

/* Timer and local interrupt controller of the calling CPU. */
/* CPUID leaf 0xb (Intel SDM 3A §9.9): how many bits of the APIC id number the threads of a core, and cores and threads. */
static void tell_topology(struct cpu *cpu)
{
	struct cpuid thread, core;
	u32 id = (u32)cpu->hwid, thread_bits, core_bits;

	if (x86_features.max_leaf < 0xb)
		return;
	thread = cpuid(0xb, 0);
	core = cpuid(0xb, 1);
	if (!thread.ebx || !core.ebx)
		return;
	thread_bits = thread.eax & 0x1f;
	core_bits = max(core.eax & 0x1f, thread_bits);
	cpu_set_topology(cpu->hwid, &(struct cpu_topology){
		.package = (u32)((u64)id >> core_bits),
		.core = (id & (u32)(BIT(core_bits) - 1)) >> thread_bits,
		.thread = id & (u32)(BIT(thread_bits) - 1),
	});
}

void arch_cpu_init(struct cpu *cpu)
{
	if (cpu == &cpu_boot)
		x86_apic_map();		/* again: clock_init may have used the early map */
	x86_apic_cpu_init();
	tell_topology(cpu);
	if (x86_irq_root && x86_irq_root->cpu_init)
		x86_irq_root->cpu_init(cpu);
}

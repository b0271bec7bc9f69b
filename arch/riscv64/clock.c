/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time counter and the supervisor timer: the stimecmp register (Sstc) where reading it does not
 * trap, else SBI TIME, else the legacy call. The frequency is the device tree's.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/irq.h>
#include <arch/upcall.h>
#include <arch/sbi.h>
#include <kernel/event.h>
#include <kernel/log.h>

#include "riscv.h"

static u64 clock_hz __ro_after_init;
static bool has_stimecmp __ro_after_init;

/* stimecmp is CSR 0x14d; by number, since assemblers without Sstc do not know the name. */
static bool stimecmp_probe(void)
{
	u64 v, ok = 1;

	__asm__ volatile(
		"1:\tcsrr %0, 0x14d\n\t"
		"j 3f\n"
		"2:\tli %1, 0\n"
		"3:\n\t"
		FIXUP(1b, 2b)
		: "=&r"(v), "+r"(ok) :: "memory");
	return ok != 0;
}

void arch_clock_init(void)
{
	riscv_isa_init();
	if (!boot_info.timebase_hz)
		panic("the device tree has no /cpus/timebase-frequency");
	clock_hz = boot_info.timebase_hz;
	has_stimecmp = stimecmp_probe();
	log_info("riscv: sv%u, timer by %s, %llu Hz", csr_read(satp) >> SATP_MODE_SHIFT == SATP_SV48 ? 48 : 39,
		 has_stimecmp ? "stimecmp" : "SBI", (unsigned long long)clock_hz);
}

u64 arch_clock_hz(void) { return clock_hz; }
const char *arch_clock_name(void) { return "riscv_clocksource"; }

void arch_timer_arm(u64 deadline_ticks)
{
	if (has_stimecmp) {
		__asm__ volatile("csrw 0x14d, %0" :: "r"(deadline_ticks) : "memory");
		return;
	}
	if (deadline_ticks == U64_MAX) {
		csr_clear(sie, SIE_TIMER);
		return;
	}
	event_count(EVENT_FIRMWARE_CALL);
	sbi_call(SBI_EXT_TIME, 0, deadline_ticks, 0, 0, 0);	/* clears a pending one */
	csr_set(sie, SIE_TIMER);
}

void riscv_timer_cpu_init(void)
{
	arch_timer_arm(U64_MAX);
	if (has_stimecmp)
		csr_set(sie, SIE_TIMER);
}

void riscv_timer_interrupt(void)
{
	arch_timer_arm(U64_MAX);	/* the line stays up until somebody re-arms */
	timer_fire();
}

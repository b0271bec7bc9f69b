/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter and its timer. <native/clock.h>: u64 arch_clock_read(void), ordered against earlier loads. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <lib/compiler.h>
#include <native/clock.h>

/* Ticks per second of arch_clock_read; constant after arch_clock_init. */
u64 arch_clock_hz(void);
/* Boot CPU, after platform_early_init: finds or calibrates the frequency (x86: order of sources in the log). */
void arch_clock_init(void);
const char *arch_clock_name(void);	/* "tsc", "arch_sys_counter", "riscv_clocksource" */
/*
 * One-shot on this CPU: timer_fire() is called in interrupt context at or after that tick.
 * U64_MAX: off. A deadline in the past fires at once. Interrupts off.
 */
void arch_timer_arm(u64 deadline_ticks);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer, virtual view: counter and one-shot. Its interrupt is drivers/timer/. */
#include <arch/clock.h>
#include <arch/upcall.h>
#include "arch_local.h"

#define CTL_ENABLE BIT(0)

static u64 clock_hz __ro_after_init;

u64 arch_clock_hz(void) { return clock_hz; }
const char *arch_clock_name(void) { return "arch_sys_counter"; }

void arch_clock_init(void)
{
	clock_hz = sysreg_read(cntfrq_el0);
	if (!clock_hz)
		panic("the firmware did not set the counter's frequency (CNTFRQ_EL0 is 0)");
}

void arch_timer_arm(u64 deadline_ticks)
{
	if (deadline_ticks == U64_MAX) {
		sysreg_write(cntv_ctl_el0, 0);
	} else {
		sysreg_write(cntv_cval_el0, deadline_ticks);
		sysreg_write(cntv_ctl_el0, CTL_ENABLE);
	}
	isb();
}

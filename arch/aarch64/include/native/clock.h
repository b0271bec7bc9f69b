/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer's virtual counter. */
#ifndef NATIVE_CLOCK_H
#define NATIVE_CLOCK_H

#include <lib/types.h>

/* The isb keeps the read from moving above earlier loads (Arm ARM D11.2.2). */
static inline u64 arch_clock_read(void)
{
	u64 ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) :: "memory");
	return ticks;
}

#endif

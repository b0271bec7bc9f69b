/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter is the TSC. */
#ifndef NATIVE_CLOCK_H
#define NATIVE_CLOCK_H

#include <lib/compiler.h>

static inline u64 arch_clock_read(void)
{
	u32 lo, hi;

	/* lfence: earlier loads are done before the counter is read (Intel SDM, RDTSC). */
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (u64)hi << 32 | lo;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page from which both the kernel and the vDSO in every program read the clocks. Programs see it
 * read-only, so it holds nothing but what clock_gettime tells anyway. Readers take seq before and
 * after (odd: being changed); kernel/time/clock.c writes it.
 *	monotonic = mono_ns + ((counter - base_ticks) * mult + fraction) >> 32
 *	real time = monotonic + wall_offset_ns; TAI = real time + tai_offset_ns
 *	raw       = (counter - boot_ticks) * raw_mult >> 32
 */
#ifndef KERNEL_CLOCK_PAGE_H
#define KERNEL_CLOCK_PAGE_H

#include <lib/types.h>

enum clock_mode {
	CLOCK_MODE_CALL,	/* the counter is not to be trusted everywhere: ask the kernel */
	CLOCK_MODE_COUNTER,
};

struct clock_page {
	u32 seq;
	u32 mode;		/* enum clock_mode */
	u64 base_ticks;
	u64 mult;		/* ns per tick, 32 fraction bits, steered by adjtimex */
	u64 mono_ns;
	u64 fraction;		/* of a ns, 32 bits */
	s64 wall_offset_ns;
	s64 tai_offset_ns;
	u64 boot_ticks;
	u64 raw_mult;
	s32 minutes_west;	/* settimeofday's zone, kept for gettimeofday only */
	s32 dst_time;
};
#define CLOCK_FRACTION 32

static inline u64 clock_scale(u64 ticks, u64 mult, u64 fraction)
{
	return (u64)(((unsigned __int128)ticks * mult + fraction) >> CLOCK_FRACTION);
}

#endif

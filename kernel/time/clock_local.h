/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/time/ share. */
#ifndef TIME_CLOCK_LOCAL_H
#define TIME_CLOCK_LOCAL_H

#include <kernel/time.h>

/* clock.c. The monotonic clock runs faster by scaled_ns / 2^16 ns per second than the counter says. */
void clock_rate_set(s64 scaled_ns);
void clock_wall_to(s64 ns);

/*
 * timer.c. Every CPU looks again when its hardware must fire: the rate changed.
 * Interrupts on. While max_ns is not U64_MAX no CPU waits longer than that at a stretch.
 */
void timer_reprogram_all(u64 max_ns);
/* The wall clock was set, before the call: as above, but only CPUs with timers on it are interrupted. */
void timer_wall_was_set(u64 max_ns);

/* ntp.c. Discipline is at work: the longest a CPU may wait for its timer; else U64_MAX. */
u64 ntp_arm_limit_ns(void);

#endif

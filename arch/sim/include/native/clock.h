/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulation part of <arch/clock.h>: virtual nanoseconds; each look at the clock costs some. */
#ifndef NATIVE_CLOCK_H
#define NATIVE_CLOCK_H

#include <lib/compiler.h>

#define SIM_CLOCK_READ_NS 50u

extern u64 sim_now;

static inline u64 arch_clock_read(void) { return sim_now += SIM_CLOCK_READ_NS; }

#endif

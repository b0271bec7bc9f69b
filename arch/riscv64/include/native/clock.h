/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V part of <arch/clock.h>: the time CSR. */
#ifndef NATIVE_CLOCK_H
#define NATIVE_CLOCK_H

#include <lib/compiler.h>

static inline u64 arch_clock_read(void)
{
	u64 t;

	/* CSR reads of time are device input to the memory model: keep them behind earlier loads. */
	__asm__ volatile("fence r, i\n\trdtime %0" : "=r"(t) :: "memory");
	return t;
}

#endif

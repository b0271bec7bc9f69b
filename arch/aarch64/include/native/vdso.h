/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vDSO's portable code (kernel/time/vdso/) needs of AArch64. User mode. */
#ifndef NATIVE_VDSO_H
#define NATIVE_VDSO_H

#include <lib/types.h>

#define VDSO(name) __kernel_##name
#define VDSO_NR_clock_gettime 113
#define VDSO_NR_clock_getres 114
#define VDSO_NR_gettimeofday 169
#define VDSO_NR_getcpu 168
#define VDSO_EXTRA

static inline u64 vdso_counter(void)
{
	u64 ticks;

	/* As in <native/clock.h>: the isb keeps the read from moving above earlier loads. */
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) :: "memory");
	return ticks;
}

static inline long vdso_call2(long nr, long a, long b)
{
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = 0;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}

/* No register tells a program its CPU. */
static inline long vdso_getcpu(u32 *cpu, u32 *node)
{
	return vdso_call2(VDSO_NR_getcpu, (long)cpu, (long)node);
}

#endif

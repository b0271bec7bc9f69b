/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vDSO's portable code (kernel/time/vdso/) needs of RISC-V. User mode. */
#ifndef NATIVE_VDSO_H
#define NATIVE_VDSO_H

#include <lib/types.h>

#define VDSO(name) __vdso_##name
#define VDSO_NR_clock_gettime 113
#define VDSO_NR_clock_getres 114
#define VDSO_NR_gettimeofday 169
#define VDSO_NR_getcpu 168
#define VDSO_NR_flush_icache 259

static inline u64 vdso_counter(void)
{
	u64 ticks;

	__asm__ volatile("fence r, i\n\trdtime %0" : "=r"(ticks) :: "memory");
	return ticks;
}

static inline long vdso_call3(long nr, long a, long b, long c)
{
	register long a7 __asm__("a7") = nr, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0;
}

static inline long vdso_call2(long nr, long a, long b)
{
	return vdso_call3(nr, a, b, 0);
}

/* No register tells a program its CPU. */
static inline long vdso_getcpu(u32 *cpu, u32 *node)
{
	return vdso_call2(VDSO_NR_getcpu, (long)cpu, (long)node);
}

#define VDSO_EXTRA \
int __vdso_flush_icache(long start, long end, long flags); \
VISIBLE int __vdso_flush_icache(long start, long end, long flags) \
{ \
	return (int)vdso_call3(VDSO_NR_flush_icache, start, end, flags); \
}

#endif

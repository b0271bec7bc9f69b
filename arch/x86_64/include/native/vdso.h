/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vDSO's portable code (kernel/time/vdso/) needs of x86_64. User mode. */
#ifndef NATIVE_VDSO_H
#define NATIVE_VDSO_H

#include <lib/types.h>

#define VDSO(name) __vdso_##name
#define VDSO_NR_clock_gettime 228
#define VDSO_NR_clock_getres 229
#define VDSO_NR_gettimeofday 96
#define VDSO_NR_time 201
/* The selector whose limit is the CPU's number (descriptors.c), with the user's privilege. */
#define VDSO_SEL_CPU 0x7b

static inline u64 vdso_counter(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (u64)hi << 32 | lo;
}

static inline long vdso_call2(long nr, long a, long b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

static inline long vdso_getcpu(u32 *cpu, u32 *node)
{
	u32 limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(VDSO_SEL_CPU));
	if (cpu)
		*cpu = limit;
	if (node)
		*node = 0;
	return 0;
}

/* time(2) exists here only; and the plain names, as Linux has them. */
#define VDSO_EXTRA \
s64 __vdso_time(s64 *t); \
VISIBLE s64 __vdso_time(s64 *t) \
{ \
	u64 ns; \
	s64 seconds; \
	if (!read(1u << CLOCK_REALTIME, &ns)) \
		return vdso_call2(VDSO_NR_time, (long)t, 0); \
	seconds = (s64)(ns / NS_PER_SEC); \
	if (t) \
		*t = seconds; \
	return seconds; \
} \
int clock_gettime(int clock, struct timespec64 *ts) __attribute__((weak, visibility("default"), alias("__vdso_clock_gettime"))); \
int clock_getres(int clock, struct timespec64 *ts) __attribute__((weak, visibility("default"), alias("__vdso_clock_getres"))); \
int gettimeofday(struct timeval64 *tv, struct timezone_abi *tz) \
	__attribute__((weak, visibility("default"), alias("__vdso_gettimeofday"))); \
long getcpu(u32 *cpu, u32 *node, void *unused) __attribute__((weak, visibility("default"), alias("__vdso_getcpu"))); \
s64 time(s64 *t) __attribute__((weak, visibility("default"), alias("__vdso_time")));

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks as every program finds them mapped: clock_gettime and its relatives without entering the
 * kernel. This file is not part of the kernel: it is linked with arch/<isa>/vdso/ into the vDSO and runs in user
 * mode. It reads the page described in <kernel/clock_page.h>, which lies right below it. Clocks that are not in
 * the page, and all of them while the counter is not trusted, are asked from the kernel.
 */
#include <arch/vdso.h>
#include <kernel/clock_page.h>
#include <uapi/time.h>

#define VISIBLE __attribute__((visibility("default"), used))
#define NS_PER_SEC 1000000000ull
#define NS_PER_US 1000u

/* Not const: the compiler must not think that it never changes. The mapping is read-only. */
extern struct clock_page clock_page __attribute__((visibility("hidden")));

int VDSO(clock_gettime)(int clock, struct timespec64 *ts);
int VDSO(clock_getres)(int clock, struct timespec64 *ts);
int VDSO(gettimeofday)(struct timeval64 *tv, struct timezone_abi *tz);
long VDSO(getcpu)(u32 *cpu, u32 *node, void *unused);

/* Clock numbers that are the monotonic clock, or an offset to it. */
#define MONOTONIC (1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME)
#define WALL (1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_COARSE)
#define RAW (1u << CLOCK_MONOTONIC_RAW)
#define TAI (1u << CLOCK_TAI)

static inline u64 since(u64 ticks, u64 base)
{
	return __builtin_expect((s64)(ticks - base) < 0, 0) ? 0 : ticks - base;
}

/* The clock (a bit of the sets above) in ns. False: ask the kernel. */
static inline _Bool read(u32 bit, u64 *out)
{
	const struct clock_page *p = &clock_page;
	u32 seq;
	u64 ns;

	do {
		while ((seq = __atomic_load_n(&p->seq, __ATOMIC_ACQUIRE)) & 1)
			;
		if (__builtin_expect(p->mode != CLOCK_MODE_COUNTER, 0))
			return 0;
		if (__builtin_expect(bit & RAW, 0)) {
			ns = clock_scale(since(vdso_counter(), p->boot_ticks), p->raw_mult, 0);
		} else {
			ns = p->mono_ns + clock_scale(since(vdso_counter(), p->base_ticks), p->mult, p->fraction);
			if (bit & (WALL | TAI))
				ns += (u64)p->wall_offset_ns;
			if (__builtin_expect(bit & TAI, 0))
				ns += (u64)p->tai_offset_ns;
		}
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__builtin_expect(__atomic_load_n(&p->seq, __ATOMIC_RELAXED) != seq, 0));
	*out = ns;
	return (s64)ns >= 0;		/* before 1970 the kernel divides */
}

static inline u32 bit_of(int clock)
{
	u32 bit = (u32)clock < 32 ? 1u << clock : 0;

	return bit & (MONOTONIC | WALL | RAW | TAI);
}

VISIBLE int VDSO(clock_gettime)(int clock, struct timespec64 *ts)
{
	u32 bit = bit_of(clock);
	u64 ns;

	if (__builtin_expect(!bit || !read(bit, &ns), 0))
		return (int)vdso_call2(VDSO_NR_clock_gettime, clock, (long)ts);
	ts->tv_sec = (s64)(ns / NS_PER_SEC);
	ts->tv_nsec = (s64)(ns % NS_PER_SEC);
	return 0;
}

VISIBLE int VDSO(gettimeofday)(struct timeval64 *tv, struct timezone_abi *tz)
{
	u64 ns;

	if (tv) {
		if (!read(1u << CLOCK_REALTIME, &ns))
			return (int)vdso_call2(VDSO_NR_gettimeofday, (long)tv, (long)tz);
		tv->tv_sec = (s64)(ns / NS_PER_SEC);
		tv->tv_usec = (s64)((u32)(ns % NS_PER_SEC) / NS_PER_US);
	}
	if (tz) {
		tz->tz_minuteswest = clock_page.minutes_west;
		tz->tz_dsttime = clock_page.dst_time;
	}
	return 0;
}

VISIBLE int VDSO(clock_getres)(int clock, struct timespec64 *ts)
{
	if (!bit_of(clock) || clock_page.mode != CLOCK_MODE_COUNTER)
		return (int)vdso_call2(VDSO_NR_clock_getres, clock, (long)ts);
	if (ts) {
		ts->tv_sec = 0;
		ts->tv_nsec = 1;
	}
	return 0;
}

VISIBLE long VDSO(getcpu)(u32 *cpu, u32 *node, void *unused)
{
	return vdso_getcpu(cpu, node);
}

VDSO_EXTRA

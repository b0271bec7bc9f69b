/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks: the counter's ticks become nanoseconds by one multiplication (32 fraction bits, 128-bit
 * product, so nothing overflows and rounding never accumulates). The monotonic clock counts from the
 * kernel's first instruction; its rate may be steered (ntp.c), so it goes on from a base that moves with
 * each change. The wall clock is an offset to it. All of it lies in the page that programs map (vDSO).
 * Lock: clock_lock for writers, the page's sequence number for readers.
 */
#include "clock_local.h"
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/mmu.h>
#include <kernel/clock_page.h>
#include <kernel/log.h>
#include <kernel/ntp.h>
#include <kernel/panic.h>
#include <kernel/time.h>
#include <lib/bits.h>

static union {
	struct clock_page page;
	u8 whole[PAGE_SIZE];
} shared __aligned(PAGE_SIZE);
static struct clock_page *const clock = &shared.page;

static struct spinlock clock_lock = SPINLOCK_INIT("clock", LOCK_TIMER);
static u64 ticks_per_ns;		/* times 2^32, rounded up; seq */
static u64 nominal_mult __ro_after_init;	/* the counter as it is */

static inline u32 read_begin(void)
{
	u32 seq;

	while ((seq = atomic_load_acquire(&clock->seq)) & 1)	/* pairs with change_end */
		arch_cpu_relax();
	return seq;
}

static inline bool read_retry(u32 seq)
{
	atomic_fence_acquire();					/* pairs with change_begin */
	return unlikely(atomic_load(&clock->seq) != seq);
}

/* Ticks since the base. Another CPU's counter may lag by a few ticks behind the one that set it. */
static inline u64 since(u64 ticks, u64 base)
{
	return unlikely((s64)(ticks - base) < 0) ? 0 : ticks - base;
}

/* 2^64 / mult, rounded up: both factors have 32 fraction bits. */
static u64 inverse(u64 mult)
{
	return U64_MAX / mult + 1;
}

/* Lock held. Moves the base to now, so that nothing jumps when the rate changes. */
static void change_begin(void)
{
	u64 now;
	unsigned __int128 product;

	atomic_store(&clock->seq, clock->seq + 1);
	atomic_fence_full();	/* pairs with read_retry: who read the counter after us retries */
	now = arch_clock_read();
	product = (unsigned __int128)since(now, clock->base_ticks) * clock->mult + clock->fraction;
	if ((s64)(now - clock->base_ticks) > 0)
		atomic_store(&clock->base_ticks, now);
	atomic_store(&clock->mono_ns, clock->mono_ns + (u64)(product >> CLOCK_FRACTION));
	atomic_store(&clock->fraction, (u64)(u32)product);
}

static void change_end(void)
{
	atomic_store_release(&clock->seq, clock->seq + 1);
}

const void *clock_user_page(void) { return &shared; }

void time_init(void)
{
	u64 hz = arch_clock_hz();

	assert(hz >= 1000 && hz < BIT(CLOCK_FRACTION) * 4);
	nominal_mult = (NSEC_PER_SEC << CLOCK_FRACTION) / hz;
	clock->mult = clock->raw_mult = nominal_mult;
	ticks_per_ns = inverse(nominal_mult);
	clock->base_ticks = min(boot_info.entry_ticks, arch_clock_read());
	clock->boot_ticks = clock->base_ticks;
	clock->mode = CLOCK_MODE_COUNTER;
	ntp_init();
	log_info("time: %s at %llu.%06llu MHz", arch_clock_name(), (unsigned long long)(hz / 1000000),
		 (unsigned long long)(hz % 1000000));
}

u64 time_ticks_to_ns(u64 ticks)
{
	u32 seq;
	u64 ns;

	do {
		seq = read_begin();
		ns = clock->mono_ns + clock_scale(since(ticks, clock->base_ticks), clock->mult, clock->fraction);
	} while (read_retry(seq));
	return ns;
}

/* Rounded up: at the returned tick the clock shows at least ns, unless its rate changes. */
static u64 ticks_at(u64 ns)
{
	u64 rest, ticks, back;

	if (ns <= clock->mono_ns)
		return clock->base_ticks;
	rest = ns - clock->mono_ns;
	ticks = clock_scale(rest, ticks_per_ns, 0) + 1;
	/* The two factors are rounded apart: far in the future that shows. */
	while ((back = clock_scale(ticks, clock->mult, clock->fraction)) < rest)
		ticks += clock_scale(rest - back, ticks_per_ns, 0) + 1;
	return clock->base_ticks + ticks;
}

u64 time_span_ns(u64 ticks) { return clock_scale(ticks, nominal_mult, 0); }

u64 time_ns_to_ticks(u64 ns)
{
	u32 seq;
	u64 ticks;

	if (ns > S64_MAX)
		return U64_MAX;
	do {
		seq = read_begin();
		ticks = ticks_at(ns);
	} while (read_retry(seq));
	return ticks;
}

static __always_inline u64 ns_and_ticks(u64 *ticks)
{
	u64 ns, now;
	u32 seq;

	do {
		seq = read_begin();
		now = arch_clock_read();
		ns = clock->mono_ns + clock_scale(since(now, clock->base_ticks), clock->mult, clock->fraction);
	} while (read_retry(seq));
	*ticks = now;
	return ns;
}

u64 __hot time_ns(void)
{
	u64 ticks;

	return ns_and_ticks(&ticks);
}

u64 __hot time_ns_and_ticks(u64 *ticks) { return ns_and_ticks(ticks); }

u64 time_boot_ns(void)
{
	return time_ns();	/* no suspend: the two are one */
}

u64 time_raw_ns(void)
{
	return clock_scale(since(arch_clock_read(), clock->boot_ticks), clock->raw_mult, 0);
}

s64 time_wall_ns(void)
{
	u32 seq;
	u64 ns;

	do {
		seq = read_begin();
		ns = clock->mono_ns + (u64)clock->wall_offset_ns +
		     clock_scale(since(arch_clock_read(), clock->base_ticks), clock->mult, clock->fraction);
	} while (read_retry(seq));
	return (s64)ns;
}

static u64 coarse_ns;		/* [a] */

void time_coarse_update(u64 now_ns)
{
	u64 old = atomic_load(&coarse_ns);

	while (old < now_ns && !atomic_cmpxchg(&coarse_ns, &old, now_ns))
		;
}

s64 __hot time_wall_coarse_ns(void)
{
	return (s64)(atomic_load(&coarse_ns) + (u64)atomic_load(&clock->wall_offset_ns));
}

s64 time_wall_offset_ns(void) { return atomic_load(&clock->wall_offset_ns); }
s64 time_tai_offset_ns(void) { return atomic_load(&clock->tai_offset_ns); }

void time_wall_add(s64 delta_ns)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	change_begin();
	atomic_store(&clock->wall_offset_ns, (s64)((u64)clock->wall_offset_ns + (u64)delta_ns));
	change_end();
	spin_unlock_irqrestore(&clock_lock, flags);
}

/* Without telling anybody who waits for the wall clock. */
void clock_wall_to(s64 ns)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	change_begin();
	atomic_store(&clock->wall_offset_ns, (s64)((u64)ns - clock->mono_ns));
	change_end();
	spin_unlock_irqrestore(&clock_lock, flags);
}

void time_tai_set(s64 seconds)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	change_begin();
	atomic_store(&clock->tai_offset_ns, seconds * (s64)NSEC_PER_SEC);
	change_end();
	spin_unlock_irqrestore(&clock_lock, flags);
}

void clock_rate_set(s64 scaled_ns)
{
	/* The fraction of the rate with 36 bits behind the point; at most a quarter, so it fits. */
	s64 part = scaled_ns * (1 << 20) / (s64)NSEC_PER_SEC;
	s64 change = (s64)(((__int128)nominal_mult * part) >> 36);
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	change_begin();
	atomic_store(&clock->mult, nominal_mult + (u64)change);
	atomic_store(&ticks_per_ns, inverse(clock->mult));
	change_end();
	spin_unlock_irqrestore(&clock_lock, flags);
}

void clock_zone_set(s32 minutes_west, s32 dst_time)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	change_begin();
	atomic_store(&clock->minutes_west, minutes_west);
	atomic_store(&clock->dst_time, dst_time);
	change_end();
	spin_unlock_irqrestore(&clock_lock, flags);
}

void clock_zone(s32 *minutes_west, s32 *dst_time)
{
	*minutes_west = atomic_load(&clock->minutes_west);
	*dst_time = atomic_load(&clock->dst_time);
}

void delay_us(u64 us)
{
	u64 end = arch_clock_read() + clock_scale(us * NSEC_PER_USEC, ticks_per_ns, 0) + 1;

	while ((s64)(arch_clock_read() - end) < 0)
		arch_cpu_relax();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks: the counter's ticks become nanoseconds by one multiplication (32 fraction bits, 128-bit
 * product, so nothing overflows and rounding never accumulates). The monotonic clock counts
 * from the kernel's first instruction. The wall clock is an offset to it.
 * Lock: wall_lock for writers, a sequence count for readers.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <kernel/log.h>
#include <lib/bits.h>
#include <kernel/panic.h>
#include <kernel/time.h>

#define FRACTION 32

static u64 base_ticks __ro_after_init;
static u64 ns_per_tick __ro_after_init;		/* times 2^32 */
static u64 ticks_per_ns __ro_after_init;	/* times 2^32, rounded up */
static struct spinlock wall_lock = SPINLOCK_INIT("wall clock", LOCK_TIMER);
static struct seqcount wall_seq;
static s64 wall_offset_ns;			/* wall_seq */

static inline u64 scale(u64 v, u64 factor)
{
	return (u64)(((unsigned __int128)v * factor) >> FRACTION);
}

void time_init(void)
{
	u64 hz = arch_clock_hz();

	assert(hz >= 1000 && hz < BIT(FRACTION) * 4);
	ns_per_tick = (NSEC_PER_SEC << FRACTION) / hz;
	/* Two steps, since hz << 32 need not fit: whole part, then remainder. */
	ticks_per_ns = ((hz / NSEC_PER_SEC) << FRACTION) + ((hz % NSEC_PER_SEC) << FRACTION) / NSEC_PER_SEC + 1;
	base_ticks = boot_info.entry_ticks;
	if (base_ticks > arch_clock_read())
		base_ticks = arch_clock_read();
	log_info("time: %s at %llu.%06llu MHz", arch_clock_name(), (unsigned long long)(hz / 1000000),
		 (unsigned long long)(hz % 1000000));
}

u64 __hot time_ticks_to_ns(u64 ticks)
{
	/* Another CPU's counter may lag by a few ticks behind the one that set the base. */
	return unlikely((s64)(ticks - base_ticks) < 0) ? 0 : scale(ticks - base_ticks, ns_per_tick);
}

/* Rounded up: at the returned tick the clock shows at least ns. */
u64 time_ns_to_ticks(u64 ns)
{
	u64 ticks, back;

	if (ns > S64_MAX)
		return U64_MAX;
	ticks = scale(ns, ticks_per_ns) + 1;
	/* The two factors are rounded apart: far in the future that shows. */
	while ((back = scale(ticks, ns_per_tick)) < ns)
		ticks += scale(ns - back, ticks_per_ns) + 1;
	return base_ticks + ticks;
}

u64 __hot time_ns(void)
{
	return ns_per_tick ? time_ticks_to_ns(arch_clock_read()) : 0;
}

u64 time_boot_ns(void)
{
	return time_ns();	/* no suspend: the two are one */
}

s64 time_wall_ns(void)
{
	u32 seq;
	s64 ns;

	do {
		seq = seq_read_begin(&wall_seq);
		ns = atomic_load(&wall_offset_ns);
	} while (seq_read_retry(&wall_seq, seq));
	return ns + (s64)time_ns();
}

void time_wall_set(s64 ns)
{
	unsigned long flags = spin_lock_irqsave(&wall_lock);

	seq_write_begin(&wall_seq);
	atomic_store(&wall_offset_ns, ns - (s64)time_ns());
	seq_write_end(&wall_seq);
	spin_unlock_irqrestore(&wall_lock, flags);
}

void delay_us(u64 us)
{
	u64 end = arch_clock_read() + scale(us * NSEC_PER_USEC, ticks_per_ns) + 1;

	while ((s64)(arch_clock_read() - end) < 0)
		arch_cpu_relax();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: the monotonic and wall clocks in ns, and timers with callbacks. Timers are
 * per-CPU, one-shot, tickless; callbacks run in interrupt context on the CPU that armed them.
 */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include <kernel/lock.h>
#include <lib/rbtree.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

void time_init(void);
u64 time_ns(void);		/* CLOCK_MONOTONIC, never steps back, across CPUs */
u64 time_ns_and_ticks(u64 *ticks);	/* and the counter from which it was reckoned */
u64 time_boot_ns(void);		/* CLOCK_BOOTTIME */
u64 time_raw_ns(void);		/* CLOCK_MONOTONIC_RAW: the counter without adjtimex's steering */
s64 time_wall_ns(void);		/* CLOCK_REALTIME */
/*
 * The same as it was when a CPU that is not idle last looked (sched/stats.c), for the times of files: some milliseconds old, never
 * earlier than what it told anybody before, and no read of the counter.
 */
s64 time_wall_coarse_ns(void);
void time_coarse_update(u64 now_ns);	/* of time_ns(); interrupts off */
/* clock_settime, RTC at boot: timers and sleeps on the wall clock follow. Sleeps. */
void time_wall_set(s64 ns);
void time_wall_add(s64 delta_ns);	/* a step from any context; waiters learn of it within a second */
s64 time_wall_offset_ns(void);	/* wall - monotonic */
s64 time_tai_offset_ns(void);	/* CLOCK_TAI - wall */
void time_tai_set(s64 seconds);
/* settimeofday's zone: kept for gettimeofday, used for nothing. */
void clock_zone_set(s32 minutes_west, s32 dst_time);
void clock_zone(s32 *minutes_west, s32 *dst_time);
const void *clock_user_page(void);	/* the page of <kernel/clock_page.h> that programs map */
/* fn runs after each setting of the wall clock, under a spinlock (LOCK_MISC). */
struct clock_watch {
	struct list link;
	void (*fn)(struct clock_watch *w);
};
void clock_watch_add(struct clock_watch *w);
void clock_watch_remove(struct clock_watch *w);	/* fn runs no more when it returns; not from fn */
u64 time_ticks_to_ns(u64 ticks);	/* arch_clock_read value to monotonic ns */
u64 time_ns_to_ticks(u64 ns);
u64 time_span_ns(u64 ticks);	/* a difference of two readings of the counter */
void delay_us(u64 us);		/* busy wait, for drivers' hardware delays */

struct timer {
	struct rb_node node;		/* base lock */
	u64 deadline_ns;		/* not before; on the clock it was armed for */
	u64 latest_ns;			/* deadline plus slack: the sort key */
	void (*fn)(struct timer *t);
	struct timer_base *base;	/* where it is armed; NULL: not */
	u32 arms;			/* [a] how often it was armed; written under the base lock */
	bool is_wall;			/* base lock: deadlines are the wall clock's */
};
void timer_init(struct timer *t, void (*fn)(struct timer *t));
/* Arms or re-arms. slack_ns: may fire that much later. Any context. */
void timer_arm(struct timer *t, u64 deadline_ns, u64 slack_ns);
/* The same on the wall clock: moves with each later setting. */
void timer_arm_wall(struct timer *t, u64 deadline_ns, u64 slack_ns);
/* True if it was armed and now will not fire. Does not wait for a running callback. */
bool timer_cancel(struct timer *t);
/* As above, and waits until the callback no longer runs anywhere. Not from the callback. */
bool timer_cancel_sync(struct timer *t);
/* The scheduler's own deadline of this CPU (U64_MAX: none): calls sched_slice_expired(). Interrupts off. */
void timer_slice_set(u64 deadline_ns);
/* CPUs that go and come (kernel/sched/hotplug.c): this one arms its hardware no more, interrupts off; */
void timer_cpu_leave(void);
void timer_cpu_return(struct cpu *cpu);	/* it may again, before it starts; */
void timer_adopt(struct cpu *from);	/* the timers of one that is off are this CPU's from now on. */
/* Sleeps until then; 0, -EINTR (interruptible and signalled). */
int sleep_until(u64 deadline_ns, bool interruptible);
/* Until the wall clock shows that, however it is set meanwhile. 0 or -EINTR. */
int sleep_until_wall(u64 deadline_ns);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pressure stall information: for how long somebody (some) or everybody (full) of a set of threads had
 * to wait for memory. One for the system, one per group; shown as Linux does (Documentation/accounting/psi).
 */
#ifndef KERNEL_PRESSURE_H
#define KERNEL_PRESSURE_H

#include <kernel/lock.h>
#include <kernel/time.h>

struct group;
struct text;

enum { PRESSURE_SOME, PRESSURE_FULL, PRESSURE_KINDS };

struct pressure {
	struct spinlock lock;			/* LOCK_PRESSURE, irq; guards all below */
	const struct group *group;		/* [b] NULL: the system */
	u32 stalled;				/* threads that wait now */
	bool is_full;				/* as of the last look, nobody got on with work */
	u64 stamp_ns;				/* totals are right up to then */
	u64 total_ns[PRESSURE_KINDS];
	u64 period_ns, period_total_ns[PRESSURE_KINDS];	/* start of the averaging period, totals then */
	u32 average[PRESSURE_KINDS][3];		/* percent << 11 over 10, 60, 300 s */
	struct timer timer;			/* looks while somebody waits */
};
void pressure_init(struct pressure *p, const struct group *g);
void pressure_destroy(struct pressure *p);	/* nobody waits any more; sleeps */
void pressure_show(struct text *t, struct pressure *p);
extern struct pressure pressure_memory;		/* the system's */

/* Around a wait for memory by the current thread; they nest. */
struct memory_stall {
	struct group *group;
};
void memory_stall_begin(struct memory_stall *s);
void memory_stall_end(struct memory_stall *s);

#endif

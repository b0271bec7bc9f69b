/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pressure stall information: for how long somebody (some) or everybody (full) of a set of threads had
 * to wait for memory, or for a disk. One of each for the system, one per group; shown as Linux does (Documentation/accounting/psi).
 */
#ifndef KERNEL_PRESSURE_H
#define KERNEL_PRESSURE_H

#include <kernel/lock.h>
#include <kernel/time.h>

struct file;
struct group;
struct poll_table;
struct text;
struct text_watch;

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
extern struct pressure pressure_memory, pressure_io;	/* the system's */
u64 pressure_total_ns(struct pressure *p, unsigned kind);

/*
 * Triggers: "some 150000 1000000" written to a file asks for POLLPRI when the sum rises by 150 ms within a second. At most
 * one per open file; polls look and tell at most once per window.
 */
struct pressure_source {
	u64 (*total_ns)(void *arg, unsigned kind);	/* from timers */
	void *arg;
};
/* For text_watch: 0, -EBUSY there is one, -EINVAL, -ENOMEM. */
int pressure_trigger_store(void **state, const char *text, const struct pressure_source *from);
u32 pressure_trigger_poll(void *state, struct file *file, struct poll_table *table);
void pressure_trigger_release(void *state);
extern const struct text_watch pressure_watch;	/* of a virtual_file whose arg is a struct pressure_source */
extern const struct pressure_source pressure_memory_source, pressure_io_source;
extern const struct text_watch pressure_group_memory_watch, pressure_group_io_watch;	/* of group files */
int pressure_group_memory_show(struct text *t, struct group *g);
int pressure_group_io_show(struct text *t, struct group *g);

/* Around a wait for memory by the current thread; they nest. */
struct memory_stall {
	struct group *group;
};
void memory_stall_begin(struct memory_stall *s);
void memory_stall_end(struct memory_stall *s);
/* The same around a wait for a disk. */
void io_stall_begin(struct memory_stall *s);
void io_stall_end(struct memory_stall *s);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in use, counted before and after something that shall leave nothing behind. For tests. */
#ifndef KERNEL_USAGE_H
#define KERNEL_USAGE_H

#include <lib/types.h>

#define USAGE_CACHES_MAX 192u

struct usage {
	u64 objects[USAGE_CACHES_MAX];	/* by slab cache */
	s64 pages;			/* neither the slabs' nor stacks, tables, files */
	u64 threads;
};

/*
 * Counts when all that is merely cached or on its way out is gone: waits for two grace periods and gives back every CPU's
 * caches. has_programs: programs live on, so mapped anonymous pages are not counted. Sleeps, visits all CPUs.
 */
void usage_measure(struct usage *u, bool has_programs);
/* Calls tell (may be NULL) for each kind of which there is more now than before; how many kinds. */
unsigned usage_growth(const struct usage *before, const struct usage *now, void (*tell)(const char *what, s64 was, s64 is));
/* Measures until nothing has grown, for patience_ns at most, and tells of what still has. How many kinds. Sleeps. */
unsigned usage_check(const struct usage *before, bool has_programs, u64 patience_ns,
		     void (*tell)(const char *what, s64 was, s64 is));

#endif

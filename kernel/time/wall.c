/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting the wall clock, and who wants to know of it: timers on the wall clock are armed anew on every CPU,
 * watchers (timerfd's cancel-on-set) are called. Lock: watch_lock for the list, held while watchers run.
 */
#include "clock_local.h"

static struct spinlock watch_lock = SPINLOCK_INIT("clock watch", LOCK_MISC);
static struct list watches = LIST_INIT(watches);	/* watch_lock */

void clock_watch_add(struct clock_watch *w)
{
	spin_lock(&watch_lock);
	list_push_back(&watches, &w->link);
	spin_unlock(&watch_lock);
}

void clock_watch_remove(struct clock_watch *w)
{
	spin_lock(&watch_lock);
	list_remove(&w->link);
	spin_unlock(&watch_lock);
}

void time_wall_set(s64 ns)
{
	struct clock_watch *w;

	clock_wall_to(ns);
	timer_wall_was_set(ntp_arm_limit_ns());
	spin_lock(&watch_lock);
	list_for_each(w, &watches, link)
		w->fn(w);
	spin_unlock(&watch_lock);
}

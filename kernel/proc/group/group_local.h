/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/proc/group/ share. */
#ifndef GROUP_LOCAL_H
#define GROUP_LOCAL_H

#include <kernel/group.h>
#include <kernel/process.h>

/* group.c: threads of the groups from g up to, without, end; no limits are asked. */
void group_count_task(struct group *g, const struct group *end);
void group_uncount_task(struct group *g, const struct group *end);
static inline void group_events_changed_here(struct group *g)
{
	atomic_fetch_add(&g->events, 1ull);
	waitq_wake_all(&g->events_changed);
}

/* tree.c: after the epoch that followed the last reference; may sleep. */
void group_free(struct group *g);

/* freeze.c, signal lock of t's process held: t left from and is in to. */
void group_freeze_moved(struct thread *t, struct group *from, struct group *to);

extern struct group_controller group_controller_pids, group_controller_cpu;

#endif

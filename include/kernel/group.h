/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource groups, seen by users only as cgroup v2. Every thread, page and bio names its group
 * from the start; controllers add their state here. The root group always exists.
 */
#ifndef KERNEL_GROUP_H
#define KERNEL_GROUP_H

#include <kernel/lock.h>

struct group {
	struct group *parent;		/* [const] NULL: root */
	struct refcount refs;
	char name[64];			/* [const] */
	struct list children, sibling;	/* under group_lock */
	/* charged along the path to the root; all [a] */
	u64 pages, pages_max;		/* 4 KiB units; max U64_MAX: none */
	u32 tasks, tasks_max;
	u32 cpu_weight;			/* 1..10000, 100 */
};
extern struct group group_root;

struct group *group_get(struct group *g);
void group_put(struct group *g);
/* Charges n pages to g and its ancestors; 0 or -ENOMEM with nothing charged. */
int group_charge_pages(struct group *g, u64 n);
void group_uncharge_pages(struct group *g, u64 n);
int group_charge_task(struct group *g);		/* 0 or -EAGAIN */
void group_uncharge_task(struct group *g);

#endif

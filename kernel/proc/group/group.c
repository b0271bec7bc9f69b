/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups one by one: references, charging along the path to the root, what threads and pages name.
 * The tree is tree.c's matter, moving move.c's, standing still freeze.c's. Counters are atomic; a
 * charge that fails half-way gives back what it took below. A group's memory goes an epoch after
 * its last reference, so a pointer to it may be followed in an epoch section.
 */
#include "group_local.h"
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/errno.h>

struct group group_root = {
	.refs = REFCOUNT_INIT(1),
	.id = 1,
	.name = (char[]){ "" },
	.children = LIST_INIT(group_root.children),
	.sibling = LIST_INIT(group_root.sibling),
	.max_depth = U32_MAX,
	.max_descendants = U32_MAX,
	.pages_max = U64_MAX,
	.pages_high = U64_MAX,
	.tasks_max = U32_MAX,
	.cpu_weight = 100,
	.thaw = WAITQ_INIT(group_root.thaw),
	.events_changed = WAITQ_INIT(group_root.events_changed),
	.attrs = LIST_INIT(group_root.attrs),
};

struct group *group_get(struct group *g)
{
	ref_get(&g->refs);
	return g;
}

static void free_after_epoch(struct epoch_head *h)
{
	group_free(container_of(h, struct group, epoch));
}

void group_put(struct group *g)
{
	if (!ref_put(&g->refs))
		return;
	assert(g != &group_root);
	epoch_defer(&g->epoch, free_after_epoch);
}

struct group *group_of_thread(struct thread *t)
{
	struct group *g;

	epoch_enter();
	do
		g = atomic_load(&t->group);
	while (g && !ref_get_not_zero(&g->refs));	/* 0: t has another one by now */
	epoch_exit();
	return g;
}

void group_events_changed(struct group *g)
{
	for (; g; g = g->parent) {
		atomic_fetch_add(&g->events, 1ull);
		waitq_wake_all(&g->events_changed);
	}
}

static void uncharge_pages_to(struct group *g, const struct group *end, u64 n)
{
	for (; g != end && g != &group_root; g = g->parent)
		atomic_sub(&g->pages, n);
}

static void raise_to(u64 *peak, u64 pages)
{
	u64 was = atomic_load(peak);

	while (pages > was && !atomic_cmpxchg(peak, &was, pages))
		;
}

static void note_pages_peak(struct group *g, u64 pages)
{
	if (pages <= atomic_load(&g->pages_peak_lately))
		return;
	raise_to(&g->pages_peak_lately, pages);
	raise_to(&g->pages_peak, pages);
}

int group_charge_pages(struct group *g, u64 n, struct group **over)
{
	int is_high = 0;

	for (struct group *i = g; i && i != &group_root; i = i->parent) {
		u64 limit = atomic_load(&i->pages_max), now = atomic_fetch_add(&i->pages, n) + n;

		if (unlikely(now > limit || now < n)) {
			uncharge_pages_to(g, i->parent, n);
			*over = i;
			return -ENOMEM;
		}
		is_high |= now > atomic_load(&i->pages_high);
	}
	for (struct group *i = g; i && i != &group_root; i = i->parent)
		note_pages_peak(i, atomic_load(&i->pages));
	return is_high;
}

void group_charge_forced(struct group *g, u64 n)
{
	for (; g && g != &group_root; g = g->parent)
		note_pages_peak(g, atomic_fetch_add(&g->pages, n) + n);
}

void group_uncharge_pages(struct group *g, u64 n) { uncharge_pages_to(g, NULL, n); }

int group_parse_u64(const char *text, u64 *value)
{
	const char *end;
	int err;

	while (*text == ' ' || *text == '\t' || *text == '\n')
		text++;
	err = parse_u64_prefix(text, 10, value, &end);
	while (!err && (*end == ' ' || *end == '\t' || *end == '\n'))
		end++;
	return err ? err : *end ? -EINVAL : 0;
}

/* Threads of a subtree come or go; the first and the last are events. */
void group_count_task(struct group *g, const struct group *end)
{
	for (; g != end; g = g->parent)
		if (atomic_fetch_add(&g->tasks, 1u) == 0)
			group_events_changed_here(g);
}

void group_uncount_task(struct group *g, const struct group *end)
{
	for (; g != end; g = g->parent)
		if (__atomic_fetch_sub(&g->tasks, 1u, __ATOMIC_RELAXED) == 1)
			group_events_changed_here(g);
}

static void note_peak(struct group *g, u32 tasks)
{
	u32 peak = atomic_load(&g->tasks_peak);

	while (tasks > peak && !atomic_cmpxchg(&g->tasks_peak, &peak, tasks))
		;
}

static int charge_path(struct group *g)
{
	for (struct group *i = g; i; i = i->parent) {
		u32 before = atomic_fetch_add(&i->tasks, 1u);

		if (unlikely(before == 0))
			group_events_changed_here(i);
		if (unlikely(before >= atomic_load(&i->tasks_max))) {
			group_uncount_task(g, i->parent);
			atomic_fetch_add(&i->tasks_refused, 1ull);
			return -EAGAIN;
		}
		if (i->parent)
			note_peak(i, before + 1);
	}
	return 0;
}

int group_charge_task(struct thread *t)
{
	int err = charge_path(t->group);

	t->in_group = err == 0;
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource groups: references and charging along the path to the root. Counters are atomic; a
 * charge that fails half-way gives back what it took below. The cgroup files come with a
 * later issue, so the root group is the only one yet.
 */
#include <kernel/group.h>
#include <kernel/mm.h>
#include <uapi/errno.h>

struct group group_root = {
	.refs = REFCOUNT_INIT(1),
	.children = LIST_INIT(group_root.children),
	.sibling = LIST_INIT(group_root.sibling),
	.pages_max = U64_MAX,
	.tasks_max = U32_MAX,
	.cpu_weight = 100,
};

struct group *group_get(struct group *g)
{
	ref_get(&g->refs);
	return g;
}

void group_put(struct group *g)
{
	if (!ref_put(&g->refs))
		return;
	assert(g != &group_root);
	if (g->parent)
		group_put(g->parent);	/* depth bounded by the path that made it */
	kfree(g);
}

static void uncharge_pages_to(struct group *g, const struct group *end, u64 n)
{
	for (; g != end; g = g->parent)
		atomic_sub(&g->pages, n);
}

int group_charge_pages(struct group *g, u64 n)
{
	for (struct group *i = g; i; i = i->parent) {
		u64 limit = atomic_load(&i->pages_max), now = atomic_fetch_add(&i->pages, n) + n;

		if (unlikely(now > limit || now < n)) {
			uncharge_pages_to(g, i->parent, n);
			return -ENOMEM;
		}
	}
	return 0;
}

void group_uncharge_pages(struct group *g, u64 n) { uncharge_pages_to(g, NULL, n); }

static void uncharge_task_to(struct group *g, const struct group *end)
{
	for (; g != end; g = g->parent)
		atomic_sub(&g->tasks, 1u);
}

int group_charge_task(struct group *g)
{
	for (struct group *i = g; i; i = i->parent)
		if (atomic_fetch_add(&i->tasks, 1u) >= atomic_load(&i->tasks_max)) {
			uncharge_task_to(g, i->parent);
			return -EAGAIN;
		}
	return 0;
}

void group_uncharge_task(struct group *g) { uncharge_task_to(g, NULL); }

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epolls that watch epolls: no circles, and no chain so long that wake-ups and polls run through too many. Depth is
 * counted below the one that is added and above the one it is added to.
 * Lock: epoll_loop_lock (held by the caller) stops insertions of epolls; items are looked at under each epoll's lock.
 */
#include "epoll.h"
#include "../vfs.h"

struct mutex epoll_loop_lock;

void epoll_init(void) { mutex_init(&epoll_loop_lock, "epoll-loop", LOCK_EPOLL_LOOP); }

/* Longest chain of epolls below ep (0: none), or -ELOOP when target is met or the limit passed. Depth-limited recursion. */
static int depth_below(struct epoll *ep, const struct epoll *target, u32 depth)
{
	int deepest = 0, d = 0;

	if (ep == target || depth > EPOLL_NEST_MAX)
		return -ELOOP;
	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->items); n && d >= 0; n = rb_next(n)) {
		struct epoll *child = epoll_of_file(rb_entry(n, struct epoll_item, node)->file);

		if (!child)
			continue;
		d = depth_below(child, target, depth + 1);
		deepest = max(deepest, d + 1);
	}
	mutex_unlock(&ep->lock);
	return d < 0 ? d : deepest;
}

/* Longest chain of epolls that watch ep, no more than limit. Under epoll_items_lock. */
static u32 depth_above(const struct epoll *ep, u32 limit)
{
	u32 deepest = 0;

	if (!limit || !ep->file)
		return 0;
	for (const struct epoll_item *i = ep->file->watchers; i; i = i->next)
		deepest = max(deepest, depth_above(i->ep, limit - 1) + 1);
	return deepest;
}

int epoll_check_nesting(struct epoll *outer, struct epoll *inner)
{
	int below;
	u32 above;

	lock_assert_held(&epoll_loop_lock);
	below = depth_below(inner, outer, 0);
	if (below < 0)
		return below;
	spin_lock(&epoll_items_lock);
	above = depth_above(outer, EPOLL_NEST_MAX + 2);
	spin_unlock(&epoll_items_lock);
	return (u32)below + above > EPOLL_NEST_MAX ? -ELOOP : 0;
}

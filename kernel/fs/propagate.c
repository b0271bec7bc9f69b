/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peer groups of mounts, and where a mount or its end appears besides the place it was asked for (mount_namespaces(7)).
 * Groups form trees: a group gets what its master has, and its slaves get what it has. mount_lock guards all of it.
 */
#include "mount.h"

static u32 last_group_id;	/* mount_lock */

static struct peer_group *group_new(struct peer_group *master)
{
	struct peer_group *g = kzalloc(sizeof(*g), 0);

	if (!g)
		return NULL;
	list_init(&g->members);
	list_init(&g->slaves);
	list_init(&g->slave_link);
	g->master = master;
	if (master)
		list_push_back(&master->slaves, &g->slave_link);
	return g;
}

static void group_add(struct peer_group *g, struct mount *m)
{
	m->group = g;
	list_push_back(&g->members, &m->peer_link);
}

static void group_free(struct peer_group *g)
{
	if (g->master)
		list_remove(&g->slave_link);
	kfree(g);
}

static void group_set_shared(struct peer_group *g)
{
	if (!g->is_shared)
		g->id = ++last_group_id;
	g->is_shared = true;
}

/* Nothing comes from g any more: its slaves turn to its master. Without one, those that give nothing on are private. */
static void slaves_leave(struct peer_group *g)
{
	struct peer_group *s;
	struct mount *m;

	while ((s = list_first(&g->slaves, struct peer_group, slave_link))) {
		list_remove(&s->slave_link);
		s->master = g->master;
		if (g->master) {
			list_push_back(&g->master->slaves, &s->slave_link);
		} else if (!s->is_shared) {
			m = list_first(&s->members, struct mount, peer_link);
			m->group = NULL;
			kfree(s);
		}
	}
}

void mount_make_private(struct mount *m)
{
	struct peer_group *g = m->group;

	if (!g)
		return;
	list_remove(&m->peer_link);
	m->group = NULL;
	if (!list_empty(&g->members))
		return;
	slaves_leave(g);
	group_free(g);
}

int mount_make_shared(struct mount *m)
{
	struct peer_group *g = m->group;

	if (!g) {
		g = group_new(NULL);
		if (!g)
			return -ENOMEM;
		group_add(g, m);
	}
	group_set_shared(g);
	return 0;
}

int mount_make_slave(struct mount *m)
{
	struct peer_group *g = m->group, *own;

	if (!mount_is_shared(m))
		return 0;
	if (g->members.next == g->members.prev) {	/* nobody to get anything from but the group's master */
		slaves_leave(g);
		g->is_shared = false;
		g->id = 0;
		if (!g->master)
			mount_make_private(m);
		return 0;
	}
	own = group_new(g);
	if (!own)
		return -ENOMEM;
	list_remove(&m->peer_link);
	group_add(own, m);
	return 0;
}

int mount_join(struct mount *copy, struct mount *of, enum mount_copy how)
{
	struct peer_group *g = of->group;

	if (!g)
		return 0;
	if (how != COPY_PEER || !g->is_shared) {
		g = group_new(how == COPY_PEER ? g->master : g);
		if (!g)
			return -ENOMEM;
		if (how == COPY_SLAVE_SHARED)
			group_set_shared(g);
	}
	group_add(g, copy);
	return 0;
}

/* The group after g in the tree of those that get from top, masters first; NULL: there is none. */
static struct peer_group *group_next(struct peer_group *g, const struct peer_group *top)
{
	if (!list_empty(&g->slaves))
		return list_first(&g->slaves, struct peer_group, slave_link);
	for (; g != top; g = g->master)
		if (g->slave_link.next != &g->master->slaves)
			return list_entry(g->slave_link.next, struct peer_group, slave_link);
	return NULL;
}

static bool is_inside(const struct mount *m, struct dentry *place)
{
	bool is_below;

	spin_lock(&fs_tree_lock);	/* names stay where they are */
	is_below = dentry_is_below(place, m->root);
	spin_unlock(&fs_tree_lock);
	return is_below;
}

/* Attached mounts that get what is mounted on dest: those that have the place. Masters first. */
static void find_receivers(const struct path *dest, struct list *receivers)
{
	struct peer_group *top = dest->mnt->group;
	struct mount *m;

	for (struct peer_group *g = top; g; g = group_next(g, top)) {
		g->tree = NULL;
		list_for_each(m, &g->members, peer_link)
			if (m != dest->mnt && m->ns && is_inside(m, dest->dentry))
				list_push_back(receivers, &m->work_link);
	}
}

/* What is mounted on a member of g: like what its peers got, or else a slave of what the nearest master got. */
static struct mount *copy_for(struct peer_group *g)
{
	const struct peer_group *from = g;
	struct mount *copy;

	while (!from->tree)
		from = from->master;
	copy = mount_copy_tree(from->tree, from->tree->root,
			       from == g ? COPY_PEER : g->is_shared ? COPY_SLAVE_SHARED : COPY_SLAVE, COPY_BELOW);
	if (!is_err(copy))
		g->tree = copy;
	return copy;
}

int propagate_mount(struct mount *src, const struct path *dest, u32 size, struct list *copies)
{
	struct list receivers = LIST_INIT(receivers);
	struct mount *m, *copy;
	int err = 0;

	find_receivers(dest, &receivers);
	dest->mnt->group->tree = src;
	list_for_each(m, &receivers, work_link) {
		if (m->ns->nr_mounts + m->ns->nr_pending + size > READ_ONCE(mount_max))
			err = -ENOSPC;
		copy = err ? NULL : copy_for(m->group);
		if (!err && is_err(copy))
			err = (int)ptr_err(copy);
		if (err)
			break;
		m->ns->nr_pending += size;
		copy->left = (struct path){ m, dest->dentry };
		list_push_back(copies, &copy->work_link);
	}
	return err;
}

void propagate_umount(struct list *victims, struct list *candidates)
{
	struct mount *victim, *m, *found;

	list_for_each(victim, victims, work_link) {
		struct peer_group *top = victim->parent ? victim->parent->group : NULL;

		for (struct peer_group *g = top && top->is_shared ? top : NULL; g; g = group_next(g, top))
			list_for_each(m, &g->members, peer_link) {
				found = mount_find(m, victim->mountpoint);
				if (!found || found->is_marked || found->is_candidate)
					continue;
				found->is_candidate = true;
				list_push_back(candidates, &found->work_link);
			}
	}
}

void mount_peers_get(const struct mount *m, const struct mount *root, struct mount_peers *out)
{
	const struct peer_group *g = m->group;
	const struct mount *peer;

	lock_assert_held(&mount_lock);
	*out = (struct mount_peers){ 0 };
	if (!g)
		return;
	out->shared = g->id;
	out->master = g->master ? g->master->id : 0;
	for (g = g->master; g && !out->from; g = g->master)
		list_for_each(peer, &g->members, peer_link)
			if (peer->ns == m->ns && mount_is_below(peer, root))
				out->from = g->id;
	if (out->from == out->master)
		out->from = 0;
}

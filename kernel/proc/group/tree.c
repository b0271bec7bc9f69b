/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of groups: making and removing, names, controllers and which group hands which on.
 * Lock: group_tree_lock for the shape. A group in the tree holds its parent.
 */
#include "group_local.h"
#include <kernel/mm.h>
#include <lib/format.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <uapi/errno.h>

struct mutex group_tree_lock;
static struct group_controller *controllers[GROUP_CONTROLLERS_MAX];	/* [a] published once */
static u64 last_id = 1;			/* group_tree_lock */

void group_controller_register(struct group_controller *c)
{
	unsigned i = 0;

	mutex_lock(&group_tree_lock);
	while (i < GROUP_CONTROLLERS_MAX && controllers[i])
		i++;
	assert(i < GROUP_CONTROLLERS_MAX);
	c->index = i;
	if (c->create && c->create(&group_root))
		panic("group: no memory for controller %s", c->name);
	atomic_store_release(&controllers[i], c);	/* pairs with group_controller_at */
	mutex_unlock(&group_tree_lock);
}

struct group_controller *group_controller_at(unsigned index)
{
	return index < GROUP_CONTROLLERS_MAX ? atomic_load_acquire(&controllers[index]) : NULL;
}

static u32 all_controllers(void)
{
	u32 mask = 0;

	for (unsigned i = 0; group_controller_at(i); i++)
		mask |= BIT(i);
	return mask;
}

static u32 available(const struct group *g)
{
	return g->parent ? atomic_load(&g->parent->enabled) : all_controllers();
}

bool group_has_controller(const struct group *g, const struct group_controller *c)
{
	return (available(g) & BIT(c->index)) != 0;
}

static struct group *find_child(struct group *g, const char *name, size_t len)
{
	u64 hash = name_hash64(0, name, len);
	struct group *c;

	list_for_each(c, &g->children, sibling)
		if (c->name_hash == hash && strlen(c->name) == len && !memcmp(c->name, name, len))
			return c;
	return NULL;
}

static struct group *group_new(struct group *parent, const char *name, size_t len)
{
	struct group *g = kzalloc(sizeof(*g), 0);
	char *copy = g ? kmalloc(len + 1, 0) : NULL;

	if (!copy) {
		kfree(g);
		return NULL;
	}
	memcpy(copy, name, len);
	copy[len] = '\0';
	g->name = copy;
	g->name_hash = name_hash64(0, name, len);
	ref_set(&g->refs, 2);		/* the tree's and the caller's */
	g->depth = parent->depth + 1;
	list_init(&g->children);
	list_init(&g->attrs);
	g->max_depth = g->max_descendants = U32_MAX;
	g->pages_max = g->pages_high = U64_MAX;
	g->tasks_max = U32_MAX;
	g->cpu_weight = 100;
	waitq_init(&g->thaw);
	waitq_init(&g->events_changed);
	return g;
}

/* The first n controllers have state in g. */
static void destroy_controllers(struct group *g, unsigned n)
{
	while (n-- > 0)
		if (group_controller_at(n) && group_controller_at(n)->destroy)
			group_controller_at(n)->destroy(g);
}

static int create_controllers(struct group *g)
{
	struct group_controller *c;

	for (unsigned i = 0; (c = group_controller_at(i)); i++) {
		int err = c->create ? c->create(g) : 0;

		if (err) {
			destroy_controllers(g, i);
			return err;
		}
	}
	return 0;
}

/* May parent have one more below it? cgroup.max.depth and cgroup.max.descendants of every ancestor. */
static int limits_check(const struct group *parent)
{
	u32 level = 1;

	if (parent->depth + 1 >= GROUP_DEPTH_MAX)
		return -EAGAIN;
	for (const struct group *i = parent; i; i = i->parent, level++)
		if (level > atomic_load(&i->max_depth) || i->nr_descendants >= atomic_load(&i->max_descendants))
			return -EAGAIN;
	return 0;
}

static void attach(struct group *g, struct group *parent)
{
	g->parent = group_get(parent);
	g->id = ++last_id;
	g->is_freezing = parent->is_freezing;
	list_push_back(&parent->children, &g->sibling);
	atomic_store(&parent->nr_children, parent->nr_children + 1);
	for (struct group *i = parent; i; i = i->parent)
		atomic_store(&i->nr_descendants, i->nr_descendants + 1);
}

int group_create(struct group *parent, const char *name, size_t len, uid_t uid, gid_t gid, struct group **out)
{
	struct group *g = group_new(parent, name, len);
	int err;

	if (!g)
		return -ENOMEM;
	g->uid = uid;
	g->gid = gid;
	mutex_lock(&group_tree_lock);
	err = parent->is_dead ? -ENOENT : find_child(parent, name, len) ? -EEXIST : limits_check(parent);
	if (!err) {
		g->parent = parent;	/* controllers may look up */
		err = create_controllers(g);
	}
	if (!err)
		attach(g, parent);
	mutex_unlock(&group_tree_lock);
	if (err) {
		kfree(g->name);
		kfree(g);
		return err;
	}
	*out = g;
	return 0;
}

int group_remove(struct group *g)
{
	int err = 0;

	mutex_lock(&group_tree_lock);
	if (!g->parent || g->nr_children || atomic_load(&g->tasks))
		err = -EBUSY;
	else if (g->is_dead)
		err = -ENOENT;
	if (!err) {
		atomic_store(&g->is_dead, true);
		list_remove(&g->sibling);
		atomic_store(&g->parent->nr_children, g->parent->nr_children - 1);
		for (struct group *i = g->parent; i; i = i->parent) {
			atomic_store(&i->nr_descendants, i->nr_descendants - 1);
			atomic_fetch_add(&i->nr_dying, 1u);
		}
	}
	mutex_unlock(&group_tree_lock);
	if (err)
		return err;
	group_events_changed_here(g);
	group_put(g);
	return 0;
}

void group_free(struct group *g)
{
	assert(g->is_dead && list_empty(&g->attrs));
	destroy_controllers(g, GROUP_CONTROLLERS_MAX);
	for (struct group *i = g->parent; i; i = i->parent)
		atomic_sub(&i->nr_dying, 1u);
	group_put(g->parent);
	kfree(g->name);
	kfree(g);
}

struct group *group_find_child(struct group *g, const char *name, size_t len)
{
	struct group *c;

	mutex_lock(&group_tree_lock);
	c = find_child(g, name, len);
	if (c)
		group_get(c);
	mutex_unlock(&group_tree_lock);
	return c;
}

struct group *group_next_child(struct group *g, u64 from)
{
	struct group *c, *found = NULL;

	mutex_lock(&group_tree_lock);
	list_for_each(c, &g->children, sibling)
		if (c->id >= from) {	/* oldest first: ids rise */
			found = group_get(c);
			break;
		}
	mutex_unlock(&group_tree_lock);
	return found;
}

struct group *group_next_below(struct group *top, struct group *g)
{
	lock_assert_held(&group_tree_lock);
	if (!list_empty(&g->children))
		return list_first(&g->children, struct group, sibling);
	while (g != top) {
		if (g->sibling.next != &g->parent->children)
			return list_entry(g->sibling.next, struct group, sibling);
		g = g->parent;
	}
	return NULL;
}

int group_path(const struct group *g, char *buf, size_t size)
{
	const struct group *path[GROUP_DEPTH_MAX];
	unsigned depth = 0;
	size_t len = 0;

	for (; g->parent; g = g->parent)
		path[depth++] = g;
	if (depth == 0)
		len = (size_t)scnprintf(buf, size, "/");
	while (depth-- > 0)
		len += (size_t)scnprintf(buf + len, size - len, "/%s", path[depth]->name);
	return len + 1 >= size ? -ENAMETOOLONG : (int)len;
}

/* Is one of the mask on for somebody below the children of g? */
static bool is_used_below(const struct group *g, u32 mask)
{
	const struct group *c;

	list_for_each(c, &g->children, sibling)
		if (c->enabled & mask)
			return true;
	return false;
}

static void reset_children(struct group *g, u32 mask)
{
	struct group_controller *ctl;
	struct group *c;

	list_for_each(c, &g->children, sibling)
		for (unsigned i = 0; (ctl = group_controller_at(i)); i++)
			if (mask & BIT(i) && ctl->reset)
				ctl->reset(c);
}

static u32 domain_controllers(void)
{
	const struct group_controller *c;
	u32 mask = 0;

	for (unsigned i = 0; (c = group_controller_at(i)); i++)
		if (c->is_domain)
			mask |= BIT(i);
	return mask;
}

/*
 * Processes and controlled children side by side: only with controllers that can weigh threads against
 * groups, and only while no child is populated (Linux: the group could be a thread root).
 */
static bool may_mix(const struct group *g, u32 enabled)
{
	const struct group *c;

	if (!g->parent)
		return true;
	if (enabled & domain_controllers())
		return false;
	list_for_each(c, &g->children, sibling)
		if (atomic_load(&c->tasks))
			return false;
	return true;
}

bool group_may_hold_processes(struct group *g)
{
	lock_assert_held(&group_tree_lock);
	return !g->enabled || may_mix(g, g->enabled);
}

int group_enable(struct group *g, u32 on, u32 off)
{
	u32 gone;
	int err = 0;

	mutex_lock(&group_tree_lock);
	gone = g->enabled & off;
	if (g->is_dead)
		err = -ENODEV;
	else if (on & ~available(g))
		err = -ENOENT;
	else if (is_used_below(g, gone))
		err = -EBUSY;
	else if ((on & ~g->enabled) && !may_mix(g, on) && group_next_process(g, 1))
		err = -EBUSY;
	if (!err) {
		reset_children(g, gone);
		atomic_store(&g->enabled, (g->enabled | on) & ~off);
	}
	mutex_unlock(&group_tree_lock);
	return err;
}

void group_init(void)
{
	mutex_init(&group_tree_lock, "group tree", LOCK_GROUP_TREE);
	group_controller_register(&group_controller_pids);
	group_controller_register(&group_controller_cpu);
}

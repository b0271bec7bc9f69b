/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owners and modes of group files. Inodes come and go with the name cache, so what chown and chmod
 * set is kept with the group: this is how a subtree is handed to another user. Lock: owners_lock.
 */
#include "cgroupfs.h"

struct changed {
	struct list link;
	const struct group_file *file;
	struct cgroup_owner owner;
};
static struct spinlock owners_lock = SPINLOCK_INIT("group owners", LOCK_GROUP);

static struct changed *find(struct group *g, const struct group_file *file)
{
	struct changed *c;

	list_for_each(c, &g->attrs, link)
		if (c->file == file)
			return c;
	return NULL;
}

static mode_t default_mode(const struct group_file *f)
{
	if (!f)
		return 0755;
	return (f->show ? 0444 : 0) | (f->store || f->watch ? 0200 : 0);
}

void cgroup_owner_get(struct group *g, const struct group_file *file, struct cgroup_owner *out)
{
	struct changed *c;

	spin_lock(&owners_lock);
	c = find(g, file);
	if (c)
		*out = c->owner;
	else
		*out = (struct cgroup_owner){ default_mode(file), g->uid, g->gid };
	spin_unlock(&owners_lock);
}

int cgroup_owner_set(struct group *g, const struct group_file *file, const struct cgroup_owner *owner)
{
	struct changed *fresh = kzalloc(sizeof(*fresh), 0), *c;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&owners_lock);
	c = find(g, file);
	if (!c && !atomic_load(&g->is_dead)) {
		c = fresh;
		fresh = NULL;
		c->file = file;
		list_push_back(&g->attrs, &c->link);
	}
	if (c)
		c->owner = *owner;
	spin_unlock(&owners_lock);
	kfree(fresh);
	return c ? 0 : -ENODEV;
}

void cgroup_owners_drop(struct group *g)
{
	struct changed *c;

	do {
		spin_lock(&owners_lock);
		c = list_first(&g->attrs, struct changed, link);
		if (c)
			list_remove(&c->link);
		spin_unlock(&owners_lock);
		kfree(c);
	} while (c);
}

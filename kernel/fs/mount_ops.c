/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mount(2), umount2(2) and pivot_root(2) do with mounts: new ones, copies, moves, ends. Where else a change appears is
 * propagate.c's matter. All under mount_lock (mount.h); what a change lets go of is put after it, since that may write to disk.
 */
#include "mount.h"
#include <kernel/block.h>
#include <kernel/procfs.h>
#include <uapi/mount.h>

/* Ends a change of the tree. */
static void finish(struct list *gone)
{
	mutex_unlock(&mount_lock);
	virtual_event_raise(&mount_event);
	mounts_finish(gone);
}

void mounts_finish(struct list *gone)
{
	struct mount *m, *next;

	list_for_each_safe(m, next, gone, work_link) {
		mount_forget_left(m);
		mount_put(m);
	}
}

static struct mount *mount_copy(struct mount *m, struct dentry *root, enum mount_copy how)
{
	struct mount *copy;

	super_add_mount(m->sb);
	copy = mount_new(m->sb, root, m->flags);
	if (!copy) {
		super_drop_mount(m->sb);
		return NULL;
	}
	strlcpy(copy->source, m->source, sizeof(copy->source));
	copy->is_unbindable = m->is_unbindable;
	if (!mount_join(copy, m, how))
		return copy;
	mount_put(copy);
	return NULL;
}

struct mount *mount_copy_tree(struct mount *of, struct dentry *root, enum mount_copy how, u32 what)
{
	struct mount *m, *twin, *copy;
	bool wanted;

	if (!(what & COPY_NS_FILES) && nsfs_ns(root))
		return err_ptr(-EINVAL);
	copy = mount_copy(of, root, how);
	if (!copy)
		return err_ptr(-ENOMEM);
	of->copy = copy;
	for (m = what & COPY_BELOW ? mount_next(of, of, true) : NULL; m; m = mount_next(m, of, wanted)) {
		wanted = (what & COPY_UNBINDABLE || !m->is_unbindable) && (what & COPY_NS_FILES || !nsfs_ns(m->root)) &&
			 (m->parent != of || dentry_is_below(m->mountpoint, root));
		if (!wanted)
			continue;
		twin = mount_copy(m, m->root, how);
		if (!twin) {
			struct list gone = LIST_INIT(gone);

			mount_discard_tree(copy, &gone);
			mounts_finish(&gone);
			return err_ptr(-ENOMEM);
		}
		m->copy = twin;
		spin_lock(&fs_tree_lock);
		mount_place(twin, m->parent->copy, m->mountpoint);
		spin_unlock(&fs_tree_lock);
	}
	return copy;
}

/* m and all below it, parents first, into list. */
static void list_tree(struct mount *m, struct list *list)
{
	for (struct mount *at = m; at; at = mount_next(at, m, true))
		list_push_back(list, &at->work_link);
}

void mount_discard_tree(struct mount *top, struct list *gone)
{
	struct list tree = LIST_INIT(tree);
	struct mount *m;

	list_tree(top, &tree);
	spin_lock(&fs_tree_lock);
	list_for_each(m, &tree, work_link) {
		mount_unplace(m);
		mount_leave_ns(m);
	}
	spin_unlock(&fs_tree_lock);
	list_for_each(m, &tree, work_link)
		mount_make_private(m);
	list_splice_back(gone, &tree);
}

/* The tree, wherever it was, goes over that place; what covers the place already comes to lie over the tree. */
static void put_in(struct mount *tree, struct mount *parent, struct dentry *place)
{
	struct mount *over, *top = tree, *m;

	spin_lock(&fs_tree_lock);
	if (tree->parent)
		mount_unplace(tree);
	over = mount_find(parent, place);
	if (over)
		mount_unplace(over);
	mount_place(tree, parent, place);
	for (m = tree; m; m = mount_next(m, tree, true))
		if (m->ns != parent->ns)
			mount_enter_ns(m, parent->ns);
	while (over && (m = mount_find(top, top->root)))
		top = m;
	if (over)
		mount_place(over, top, top->root);
	spin_unlock(&fs_tree_lock);
	if (over)
		mount_forget_left(over);
	mount_forget_left(tree);
}

static u32 tree_size(struct mount *top)
{
	u32 n = 0;

	for (struct mount *m = top; m; m = mount_next(m, top, true))
		n++;
	return n;
}

/* All of the tree become shared; those that were not before are marked. */
static int share_tree(struct mount *top)
{
	int err = 0;

	for (struct mount *m = top; m && !err; m = mount_next(m, top, true)) {
		m->is_marked = !mount_is_shared(m);
		err = mount_make_shared(m);
	}
	return err;
}

/* After share_tree and whatever followed it. failed: the marked ones, which have no peers or slaves, are as they were. */
static void share_tree_end(struct mount *top, bool failed)
{
	for (struct mount *m = top; m; m = mount_next(m, top, true)) {
		if (m->is_marked && failed)
			(void)mount_make_slave(m);
		m->is_marked = false;
	}
}

int mount_graft(struct mount *src, const struct path *top, bool moving, struct list *gone)
{
	struct mount_ns *ns = top->mnt->ns;
	u32 n = moving ? 0 : tree_size(src);
	struct mount *m;
	struct list copies = LIST_INIT(copies);
	int err = 0;

	if (ns->nr_mounts + n > READ_ONCE(mount_max))
		return -ENOSPC;
	if (mount_is_shared(top->mnt)) {
		err = share_tree(src);
		ns->nr_pending = n;
		if (!err)
			err = propagate_mount(src, top, tree_size(src), &copies);
		list_for_each(m, &copies, work_link)
			m->left.mnt->ns->nr_pending = 0;
		ns->nr_pending = 0;
	}
	if (!err)
		put_in(src, top->mnt, top->dentry);
	while (!list_empty(&copies)) {
		struct path place;

		m = list_entry(list_pop_front(&copies), struct mount, work_link);
		place = m->left;
		m->left = (struct path){ 0 };
		if (err)
			mount_discard_tree(m, gone);
		else
			put_in(m, place.mnt, place.dentry);
	}
	share_tree_end(src, err);
	return err;
}

/* Whether m may come to lie over top, that nothing covers. mount_lock held. */
static int place_check(const struct mount *m, const struct path *top)
{
	if (!mount_is_ours(top->mnt))
		return -EINVAL;
	if (READ_ONCE(top->dentry->flags) & DENTRY_UNHASHED && top->dentry != top->mnt->root)
		return -ENOENT;
	return S_ISDIR(top->dentry->inode->mode) != S_ISDIR(m->root->inode->mode) ? -ENOTDIR : 0;
}

/* The name may have gone while the mount came, and who removed it did not see the mount: it goes as if it had. */
static void leave_removed(struct mount *m, const struct path *top, struct list *gone)
{
	bool is_there;

	spin_lock(&top->dentry->lock);
	is_there = top->dentry == top->mnt->root || !(top->dentry->flags & DENTRY_UNHASHED);
	spin_unlock(&top->dentry->lock);
	if (!is_there)
		mount_discard_tree(m, gone);
}

static int attach(struct mount *m, const struct path *where, struct list *gone)
{
	struct path top = *where;
	int err;

	path_get(&top);
	path_to_top(&top);
	err = place_check(m, &top);
	if (!err)
		err = mount_graft(m, &top, false, gone);
	if (!err)
		leave_removed(m, &top, gone);
	path_put(&top);
	return err;
}

/* Attaches a detached mount over where (a directory over a directory, a file over a file). Takes m over on success. */
int mount_attach(struct mount *m, const struct path *where)
{
	struct list gone = LIST_INIT(gone);
	int err;

	mutex_lock(&mount_lock);
	err = attach(m, where, &gone);
	if (err)
		mount_make_private(m);
	finish(&gone);
	return err;
}

static int source_device(const char *fstype, const char *source, struct block_device **bdev)
{
	const struct file_system *fs = fs_find(fstype, strlen(fstype));
	struct path p;
	int err;

	*bdev = NULL;
	if (!fs)
		return -ENODEV;
	if (!(fs->flags & FS_NEEDS_DEVICE))
		return 0;
	err = path_lookup(NULL, source, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	if (!S_ISBLK(p.dentry->inode->mode))
		err = -ENOTBLK;
	else if (!(*bdev = block_by_dev(p.dentry->inode->rdev)))
		err = -ENXIO;
	path_put(&p);
	return err;
}

static int mount_super_at(struct super_block *sb, const char *source, const struct path *where, u32 flags)
{
	struct mount *m = mount_of_super(sb, flags);
	int err;

	if (!m)
		return -ENOMEM;
	if (source && *source)
		strlcpy(m->source, source, sizeof(m->source));
	err = mount_attach(m, where);
	if (err)
		mount_put(m);
	return err;
}

int vfs_mount(const char *source, const struct path *where, const char *fstype, u32 flags, const char *data)
{
	struct block_device *bdev;
	struct super_block *sb;
	int err = source_device(fstype, source, &bdev);

	if (err)
		return err;
	sb = super_mount(fstype, source, bdev, flags, data);
	if (is_err(sb))
		return (int)ptr_err(sb);
	return mount_super_at(sb, source, where, flags);
}

/*
 * What may be bound: of the own namespace, or the file of a namespace made later. Of an earlier one, or the own, it would
 * keep that alive which keeps it.
 */
static bool may_bind(const struct path *from)
{
	const struct mount_ns *ns = nsfs_ns(from->dentry);

	if (ns)
		return ns->ino > fs_context_current()->ns->ino;
	return mount_is_ours(from->mnt) && !from->mnt->is_unbindable;
}

int mount_bind(const struct path *from, const struct path *where, bool recursive)
{
	struct mount *m;
	struct list gone = LIST_INIT(gone);
	int err = 0;

	mutex_lock(&mount_lock);
	if (!may_bind(from)) {
		err = -EINVAL;
	} else {
		m = mount_copy_tree(from->mnt, from->dentry, COPY_PEER, COPY_NS_FILES | (recursive ? COPY_BELOW : 0));
		err = is_err(m) ? (int)ptr_err(m) : attach(m, where, &gone);
		if (err && !is_err(m))
			mount_discard_tree(m, &gone);
	}
	finish(&gone);
	return err;
}

int mount_set_type(struct mount *m, u32 type)
{
	/* What needs memory comes first. */
	int err = type == MS_SHARED ? mount_make_shared(m) : type == MS_SLAVE ? mount_make_slave(m) : 0;

	if (err)
		return err;
	if (type == MS_PRIVATE || type == MS_UNBINDABLE)
		mount_make_private(m);
	if (type != MS_SLAVE)
		m->is_unbindable = type == MS_UNBINDABLE;
	return 0;
}

int mount_change_type(const struct path *p, u32 type, bool recursive)
{
	struct mount *m = p->mnt;
	struct list gone = LIST_INIT(gone);
	int err = 0;

	if (p->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_lock);
	if (!mount_is_ours(m))
		err = -EINVAL;
	while (m && !err) {
		err = mount_set_type(m, type);
		m = recursive ? mount_next(m, p->mnt, true) : NULL;
	}
	finish(&gone);
	return err;
}

static bool has_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top, true))
		if (m->is_unbindable)
			return true;
	return false;
}

static int move_check(struct mount *m, const struct path *top)
{
	if (!mount_is_ours(top->mnt) || !mount_is_ours(m) || !m->parent)
		return -EINVAL;
	if (READ_ONCE(top->dentry->flags) & DENTRY_UNHASHED && top->dentry != top->mnt->root)
		return -ENOENT;
	if (S_ISDIR(top->dentry->inode->mode) != S_ISDIR(m->root->inode->mode))
		return -EINVAL;
	if (mount_is_shared(m->parent) || (mount_is_shared(top->mnt) && has_unbindable(m)))
		return -EINVAL;
	return mount_is_below(top->mnt, m) ? -ELOOP : 0;
}

int mount_move(const struct path *from, const struct path *where)
{
	struct path top = *where;
	struct list gone = LIST_INIT(gone);
	int err;

	if (from->dentry != from->mnt->root)
		return -EINVAL;
	path_get(&top);
	mutex_lock(&mount_lock);
	path_to_top(&top);
	err = move_check(from->mnt, &top);
	if (!err)
		err = mount_graft(from->mnt, &top, true, &gone);
	finish(&gone);
	path_put(&top);
	return err;
}

/* Nothing lies over m but on its very root. */
static bool is_bare(const struct mount *m)
{
	const struct mount *child;

	list_for_each(child, &m->children, sibling)
		if (child->mountpoint != m->root)
			return false;
	return true;
}

/* Somebody uses m beside those whose references are named. A mount on its root counts for itself. fs_tree_lock held. */
static bool is_used(struct mount *m, u32 refs)
{
	return ref_read(&m->refs) > refs + !list_empty(&m->children);
}

/*
 * Those that lie where the victims lay go, when nothing but what goes lies over them. What covers one's very root
 * comes into its place. fs_tree_lock held.
 */
static void take_candidates(struct list *candidates)
{
	struct mount *m, *over, *parent;

	for (struct list *at = candidates->prev; at != candidates; at = at->prev) {
		m = list_entry(at, struct mount, work_link);
		for (; m && m->is_candidate && is_bare(m); m = parent) {
			over = mount_find(m, m->root);
			parent = m->parent;
			mount_unplace(m);
			mount_leave_ns(m);
			m->is_candidate = false;
			if (!over)
				continue;
			mount_unplace(over);
			mount_place(over, parent, m->left.dentry);
			mount_forget_left(over);	/* m and its root have other references */
		}
	}
}

/* All of it goes at once, so nobody finds a mount that was seen to be unused. -EBUSY. */
static int take_all(struct mount *top, struct list *victims, struct list *candidates, bool lazy)
{
	struct mount *m;
	bool is_busy = false;

	spin_lock(&fs_tree_lock);
	if (!lazy) {
		is_busy = is_used(top, 2);	/* attached, the caller's path */
		list_for_each(m, candidates, work_link)
			is_busy |= is_bare(m) && is_used(m, 1);
	}
	if (!is_busy) {
		list_for_each(m, victims, work_link) {
			mount_unplace(m);
			mount_leave_ns(m);
		}
		take_candidates(candidates);
	}
	spin_unlock(&fs_tree_lock);
	return is_busy ? -EBUSY : 0;
}

static int umount_tree(struct mount *top, bool lazy, struct list *gone)
{
	struct list victims = LIST_INIT(victims);
	struct list candidates = LIST_INIT(candidates);
	struct mount *m, *next;
	int err;

	if (!lazy && !list_empty(&top->children))
		return -EBUSY;
	list_tree(top, &victims);
	list_for_each(m, &victims, work_link)
		m->is_marked = true;
	propagate_umount(&victims, &candidates);
	err = take_all(top, &victims, &candidates, lazy);
	list_for_each(m, &victims, work_link)
		m->is_marked = false;
	if (!err)
		list_splice_back(gone, &victims);
	list_for_each_safe(m, next, &candidates, work_link) {
		m->is_candidate = false;
		list_remove(&m->work_link);
		if (!m->parent)
			list_push_back(gone, &m->work_link);
	}
	list_for_each(m, gone, work_link)
		mount_make_private(m);
	return err;
}

/*
 * where: the root of the mount. A mount in use or with mounts below stays (-EBUSY) unless MNT_DETACH: then
 * it disappears from the tree at once, with all below it, and ends when its last user goes. -EINVAL: no mount of ours.
 */
int vfs_umount(const struct path *where, u32 flags)
{
	struct mount *m = where->mnt;
	struct list gone = LIST_INIT(gone);
	int err = -EINVAL;

	if (where->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_lock);
	if (mount_is_ours(m) && m->parent)
		err = umount_tree(m, flags & MNT_DETACH, &gone);
	finish(&gone);
	return err;
}

void mount_leave(struct dentry *d)
{
	struct mount *m;

	while (READ_ONCE(d->flags) & DENTRY_MOUNTED && (m = mount_any_on(d))) {
		struct list gone = LIST_INIT(gone);

		mutex_lock(&mount_lock);
		if (m->mountpoint == d)
			mount_discard_tree(m, &gone);
		finish(&gone);
		mount_put(m);
	}
}

/* Whether p lies at or below top, mounts below it included. */
static bool is_reachable(const struct path *p, const struct path *top)
{
	const struct mount *m = p->mnt;
	struct dentry *d = p->dentry;
	bool found;

	spin_lock(&fs_tree_lock);
	while (m != top->mnt && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	found = m == top->mnt && dentry_is_below(d, top->dentry);
	spin_unlock(&fs_tree_lock);
	return found;
}

/* pivot_root(2)'s demands, in Linux's order. */
static int pivot_check(const struct path *fresh, const struct path *put_old, const struct path *root)
{
	if (mount_is_shared(put_old->mnt) || !mount_is_ours(root->mnt) || !mount_is_ours(fresh->mnt) || !mount_is_ours(put_old->mnt))
		return -EINVAL;
	if (fresh->mnt->parent && mount_is_shared(fresh->mnt->parent))
		return -EINVAL;
	if (root->mnt->parent && mount_is_shared(root->mnt->parent))
		return -EINVAL;
	if (fresh->mnt == root->mnt || put_old->mnt == root->mnt)
		return -EBUSY;
	if (root->dentry != root->mnt->root || !root->mnt->parent || fresh->dentry != fresh->mnt->root || !fresh->mnt->parent)
		return -EINVAL;
	return is_reachable(put_old, fresh) && is_reachable(fresh, root) ? 0 : -EINVAL;
}

/* fresh becomes what root is, root goes to put_old. mount_lock held. */
static void pivot(const struct path *fresh, const struct path *put_old, const struct path *root)
{
	spin_lock(&fs_tree_lock);
	mount_unplace(fresh->mnt);
	mount_unplace(root->mnt);
	mount_place(root->mnt, put_old->mnt, put_old->dentry);
	mount_place(fresh->mnt, root->mnt->left.mnt, root->mnt->left.dentry);
	spin_unlock(&fs_tree_lock);
	mount_forget_left(fresh->mnt);
	mount_forget_left(root->mnt);
}

int mount_pivot(const struct path *fresh, const struct path *put_old)
{
	struct path root, old = *put_old;
	struct list gone = LIST_INIT(gone);
	int err;

	path_get(&old);
	fs_context_get_paths(fs_context_current(), NULL, &root);
	mutex_lock(&mount_lock);
	path_to_top(&old);
	err = pivot_check(fresh, &old, &root);
	if (!err)
		pivot(fresh, &old, &root);
	finish(&gone);
	if (!err)
		fs_context_replace_all(&root, fresh);
	path_put(&root);
	path_put(&old);
	return err;
}

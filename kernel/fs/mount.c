/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount tree: which super block lies over which directory. mount_lock (mutex) is held to change
 * it; fs_tree_lock (spin) is taken for each single change and to look.
 *
 * References of a mount: one for being attached, one per child, and those of paths and files.
 */
#include "vfs.h"
#include <kernel/block.h>
#include <kernel/procfs.h>
#include <uapi/mount.h>

static struct mutex mount_lock;
static struct list all_mounts = LIST_INIT(all_mounts);	/* fs_tree_lock */
static u32 next_id = 20;				/* mount_lock */
struct path fs_root;
struct virtual_event mount_event = VIRTUAL_EVENT_INIT(mount_event);

#define MNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

/* A detached mount of sb (its mount count passes to it) with the given root; NULL without memory. */
static struct mount *mount_new(struct super_block *sb, struct dentry *root, u32 flags)
{
	struct mount *m = kzalloc(sizeof(*m), 0);

	if (!m)
		return NULL;
	m->sb = sb;
	m->root = dentry_get(root);
	m->flags = flags & MNT_FLAGS;
	strlcpy(m->source, sb->source, sizeof(m->source));
	if (!(m->flags & (MS_NOATIME | MS_STRICTATIME)))
		m->flags |= MS_RELATIME;
	ref_set(&m->refs, 1);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->all_link);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || !ref_put(&m->refs))
		return;
	dentry_put(m->root);
	super_drop_mount(m->sb);
	kfree(m);
}

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

struct mount *mount_on(const struct path *p)
{
	struct mount *m, *top = NULL;

	if (!(READ_ONCE(p->dentry->flags) & DENTRY_MOUNTED))
		return NULL;
	spin_lock(&fs_tree_lock);
	list_for_each(m, &p->mnt->children, sibling)
		if (m->mountpoint == p->dentry)
			top = m;
	if (top)
		mount_get(top);
	spin_unlock(&fs_tree_lock);
	return top;
}

bool mount_up(struct path *p)
{
	struct path up = { 0 };

	spin_lock(&fs_tree_lock);
	if (p->mnt->parent) {
		up.mnt = mount_get(p->mnt->parent);
		up.dentry = dentry_get(p->mnt->mountpoint);
	}
	spin_unlock(&fs_tree_lock);
	if (!up.mnt)
		return false;
	path_put(p);
	*p = up;
	return true;
}

static void set_mounted(struct dentry *d, bool on)
{
	spin_lock(&d->lock);
	d->flags = on ? d->flags | DENTRY_MOUNTED : d->flags & ~(u32)DENTRY_MOUNTED;
	spin_unlock(&d->lock);
}

/* Puts m over where; takes references of the place. mount_lock held. */
static void attach_locked(struct mount *m, const struct path *where)
{
	path_get(where);
	m->id = m->id ? m->id : next_id++;
	set_mounted(where->dentry, true);
	spin_lock(&fs_tree_lock);
	m->parent = where->mnt;
	m->mountpoint = where->dentry;
	list_push_back(&where->mnt->children, &m->sibling);
	if (list_empty(&m->all_link))
		list_push_back(&all_mounts, &m->all_link);
	spin_unlock(&fs_tree_lock);
	virtual_event_raise(&mount_event);
}

static bool still_mounted_on(struct dentry *d)
{
	struct mount *m;
	bool found = false;

	spin_lock(&fs_tree_lock);
	list_for_each(m, &all_mounts, all_link)
		found |= m->mountpoint == d;
	spin_unlock(&fs_tree_lock);
	return found;
}

/* Takes m off its place; the place's references are returned for the caller to drop. mount_lock held. */
static struct path detach_locked(struct mount *m)
{
	struct path place = { m->parent, m->mountpoint };

	spin_lock(&fs_tree_lock);
	m->parent = NULL;
	m->mountpoint = NULL;
	list_remove(&m->sibling);
	spin_unlock(&fs_tree_lock);
	virtual_event_raise(&mount_event);
	if (place.dentry && !still_mounted_on(place.dentry))
		set_mounted(place.dentry, false);
	return place;
}

/* Follows mounts stacked on p to the topmost root. p's references move along. */
static void path_to_top(struct path *p)
{
	struct mount *m;

	while ((m = mount_on(p))) {
		path_put(p);
		p->mnt = m;
		p->dentry = dentry_get(m->root);
	}
}

/* Attaches a detached mount over where (a directory over a directory, a file over a file). Takes m over on success. */
int mount_attach(struct mount *m, const struct path *where)
{
	struct path top = *where;
	int err = 0;

	path_get(&top);
	mutex_lock(&mount_lock);
	path_to_top(&top);
	if (top.dentry->flags & DENTRY_UNHASHED && top.dentry != top.mnt->root)
		err = -ENOENT;
	else if (S_ISDIR(top.dentry->inode->mode) != S_ISDIR(m->root->inode->mode))
		err = -ENOTDIR;
	else
		attach_locked(m, &top);
	mutex_unlock(&mount_lock);
	path_put(&top);
	return err;
}

struct mount *fs_kern_mount(const char *fstype, const char *data)
{
	struct super_block *sb = super_mount(fstype, fstype, NULL, 0, data);
	struct mount *m;

	if (is_err(sb))
		return err_ptr(ptr_err(sb));
	m = mount_new(sb, sb->root, 0);
	if (!m) {
		super_drop_mount(sb);
		return err_ptr(-ENOMEM);
	}
	return m;
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

/* A detached mount of a super block, whose mount count it takes over (also on failure). NULL without memory. */
struct mount *mount_of_super(struct super_block *sb, u32 flags)
{
	struct mount *m = mount_new(sb, sb->root, flags);

	if (!m)
		super_drop_mount(sb);
	return m;
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

/* The directory (or file) from appears at where as well. */
static struct mount *clone_mount(struct mount *m, struct dentry *root)
{
	struct mount *copy;

	super_add_mount(m->sb);
	copy = mount_new(m->sb, root, m->flags);
	if (!copy)
		super_drop_mount(m->sb);
	return copy;
}

/* The mount below m that has none below itself, or m. fs_tree_lock held. */
static struct mount *deepest(struct mount *m)
{
	struct mount *child;

	while ((child = list_first(&m->children, struct mount, sibling)))
		m = child;
	return m;
}

/* Takes m off the tree and lets go of it and its place; who still uses it keeps it alive. */
static void detach_and_drop(struct mount *m)
{
	struct path place = detach_locked(m);

	spin_lock(&fs_tree_lock);
	list_remove(&m->all_link);
	spin_unlock(&fs_tree_lock);
	virtual_event_raise(&mount_event);
	path_put(&place);
	mount_put(m);
}

/* The mount after m in the tree below top, parents first; NULL: there is none. mount_lock held. */
static struct mount *next_below(struct mount *m, const struct mount *top, bool descend)
{
	if (descend && !list_empty(&m->children))
		return list_first(&m->children, struct mount, sibling);
	for (; m != top; m = m->parent)
		if (m->sibling.next != &m->parent->children)
			return list_entry(m->sibling.next, struct mount, sibling);
	return NULL;
}

/*
 * The mounts below of whose place lies in the tree under dir appear at the same places of copy, which is not attached yet, so
 * it is not met on the way. Unbindable ones stay away, with what lies below them. mount_lock held.
 */
static int copy_children(struct mount *of, struct dentry *dir, struct mount *copy)
{
	struct mount *m, *twin;
	struct path place;
	bool wanted;

	of->copy = copy;
	for (m = next_below(of, of, true); m; m = next_below(m, of, wanted)) {
		wanted = !m->is_unbindable && (m->parent != of || dentry_is_below(m->mountpoint, dir));
		if (!wanted)
			continue;
		twin = clone_mount(m, m->root);
		if (!twin)
			return -ENOMEM;
		m->copy = twin;
		place = (struct path){ m->parent->copy, m->mountpoint };
		attach_locked(twin, &place);
	}
	return 0;
}

/* Takes m and all below it apart, deepest first. mount_lock held. */
static void drop_tree(struct mount *m)
{
	struct mount *victim;

	do {
		spin_lock(&fs_tree_lock);
		victim = deepest(m);
		spin_unlock(&fs_tree_lock);
		detach_and_drop(victim);
	} while (victim != m);
}

int mount_bind(const struct path *from, const struct path *where, bool recursive)
{
	struct mount *m;
	int err = 0;

	if (READ_ONCE(from->mnt->is_unbindable))
		return -EINVAL;
	m = clone_mount(from->mnt, from->dentry);
	if (!m)
		return -ENOMEM;
	if (recursive) {
		mutex_lock(&mount_lock);
		err = copy_children(from->mnt, from->dentry, m);
		mutex_unlock(&mount_lock);
	}
	if (!err)
		err = mount_attach(m, where);
	if (err) {
		mutex_lock(&mount_lock);
		drop_tree(m);
		mutex_unlock(&mount_lock);
	}
	return err;
}

/* Every mount is private: nothing appears in another by itself. What can be said is whether it may be bound. */
int mount_set_unbindable(const struct path *p, bool unbindable, bool recursive)
{
	struct mount *m = p->mnt;

	if (p->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_lock);
	do {
		WRITE_ONCE(m->is_unbindable, unbindable);
		m = recursive ? next_below(m, p->mnt, true) : NULL;
	} while (m);
	mutex_unlock(&mount_lock);
	return 0;
}

int mount_move(const struct path *from, const struct path *where)
{
	struct mount *m = from->mnt;
	struct path top = *where, place = { 0 };
	struct mount *up;
	int err = 0;

	if (from->dentry != m->root)
		return -EINVAL;
	path_get(&top);
	mutex_lock(&mount_lock);
	path_to_top(&top);
	for (up = top.mnt; up && up != m; up = up->parent)
		;
	if (!m->parent)
		err = -EINVAL;
	else if (up == m)
		err = -ELOOP;
	else if (S_ISDIR(top.dentry->inode->mode) != S_ISDIR(m->root->inode->mode))
		err = -ENOTDIR;
	if (!err) {
		place = detach_locked(m);
		attach_locked(m, &top);
	}
	mutex_unlock(&mount_lock);
	path_put(&place);
	path_put(&top);
	return err;
}

int mount_remount(const struct path *p, u32 flags, const char *data, bool bind_only)
{
	int err = 0;

	if (p->dentry != p->mnt->root)
		return -EINVAL;
	if (!bind_only)
		err = super_remount(p->mnt->sb, flags, data);
	if (err)
		return err;
	WRITE_ONCE(p->mnt->flags, (flags & MNT_FLAGS) | (flags & (MS_NOATIME | MS_STRICTATIME) ? 0 : MS_RELATIME));
	virtual_event_raise(&mount_event);
	return 0;
}

/*
 * where: the root of the mount. A mount in use or with mounts below stays (-EBUSY) unless MNT_DETACH: then
 * it disappears from the tree at once, with all below it, and ends when its last user goes.
 */
int vfs_umount(const struct path *where, u32 flags)
{
	struct mount *m = where->mnt;
	int err = 0;

	if (where->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_lock);
	/* One reference for being attached, one is the caller's path. */
	if (!m->parent)
		err = -EINVAL;
	else if (!(flags & MNT_DETACH) && (!list_empty(&m->children) || ref_read(&m->refs) > 2))
		err = -EBUSY;
	if (!err)
		drop_tree(m);
	mutex_unlock(&mount_lock);
	return err;
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

/* The tree part of pivot_root: fresh becomes what root is, root goes to put_old. mount_lock held. */
static int pivot_locked(const struct path *fresh, const struct path *put_old, const struct path *root)
{
	struct path fresh_place, root_place;

	if (fresh->mnt == root->mnt || put_old->mnt == root->mnt)
		return -EBUSY;
	if (root->dentry != root->mnt->root || !root->mnt->parent || fresh->dentry != fresh->mnt->root || !fresh->mnt->parent)
		return -EINVAL;
	if (!is_reachable(put_old, fresh) || !is_reachable(fresh, root))
		return -EINVAL;
	fresh_place = detach_locked(fresh->mnt);
	root_place = detach_locked(root->mnt);
	attach_locked(root->mnt, put_old);
	attach_locked(fresh->mnt, &root_place);
	path_put(&fresh_place);
	path_put(&root_place);
	return 0;
}

int mount_pivot(const struct path *fresh, const struct path *put_old)
{
	struct path root;
	int err;

	fs_context_get_paths(fs_context_current(), NULL, &root);
	mutex_lock(&mount_lock);
	err = pivot_locked(fresh, put_old, &root);
	mutex_unlock(&mount_lock);
	if (!err)
		fs_context_replace_all(&root, fresh);
	path_put(&root);
	return err;
}

int mount_wants_write(const struct path *p)
{
	if ((p->mnt && READ_ONCE(p->mnt->flags) & MS_RDONLY) || READ_ONCE(p->dentry->sb->flags) & MS_RDONLY)
		return -EROFS;
	return 0;
}

/* Whether m lies in the tree whose top is mounted as top. fs_tree_lock held. */
static bool is_seen_from(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m != NULL;
}

int mount_for_each(int (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m, *prev = NULL;
	struct path root;
	int r = 0;

	fs_context_get_paths(fs_context_current(), NULL, &root);
	spin_lock(&fs_tree_lock);
	list_for_each(m, &all_mounts, all_link) {
		if (!is_seen_from(m, root.mnt))
			continue;
		/* Attached mounts hold a reference, so it cannot be 0 here. */
		mount_get(m);
		spin_unlock(&fs_tree_lock);
		r = fn(m, arg);
		if (prev)
			mount_put(prev);
		prev = m;
		spin_lock(&fs_tree_lock);
		if (r || list_empty(&m->all_link))
			break;
	}
	spin_unlock(&fs_tree_lock);
	if (prev)
		mount_put(prev);
	path_put(&root);
	return r;
}

/*
 * Makes m the root of everything: of the kernel's own context, which the first process inherits.
 * The rootfs stays below it. Takes m over.
 */
int mount_become_root(struct mount *m)
{
	struct path rootfs = fs_root, new_root;
	int err = mount_attach(m, &rootfs);

	if (err)
		return err;
	new_root = (struct path){ mount_get(m), dentry_get(m->root) };
	fs_context_set_kernel_root(&new_root);
	fs_root = new_root;
	return 0;
}

void mount_init(void)
{
	struct mount *m;

	mutex_init(&mount_lock, "mount", LOCK_MOUNT);
	m = fs_kern_mount("rootfs", NULL);
	if (is_err(m))
		panic("the rootfs cannot be made: error %ld", ptr_err(m));
	m->id = 1;
	list_push_back(&all_mounts, &m->all_link);
	fs_root = (struct path){ mount_get(m), dentry_get(m->root) };
	fs_context_set_kernel_root(&fs_root);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts, each by itself, and the places they cover: which super block lies over which directory. What mount(2) makes of
 * them is mount_ops.c's matter. Locks: see mount.h.
 *
 * References of a mount: one for being attached, one per child, and those of paths and files.
 */
#include "mount.h"
#include <kernel/block.h>
#include <kernel/procfs.h>
#include <uapi/mount.h>

#define PLACE_BUCKETS 1024u	/* a power of two */

struct mutex mount_lock;
static struct list *by_parent, *by_place;		/* fs_tree_lock: mounts by what they cover */
static u32 last_id = 19;				/* [a] */
struct path fs_root;
u64 mount_max = 100000;
struct virtual_event mount_event = VIRTUAL_EVENT_INIT(mount_event);

#define MNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

/* A detached mount of sb (its mount count passes to it) with the given root; NULL without memory. */
struct mount *mount_new(struct super_block *sb, struct dentry *root, u32 flags)
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
	m->id = atomic_fetch_add(&last_id, 1) + 1;
	ref_set(&m->refs, 1);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->ns_link);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || !ref_put(&m->refs))
		return;
	assert(!m->group && !m->ns);
	dentry_put(m->root);
	super_drop_mount(m->sb);
	kfree(m);
}

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

static u64 mix(u64 a) { return (a ^ a >> 29) * 0x9e3779b97f4a7c15ull; }	/* 2^64 over the golden ratio */

static struct list *bucket_by_place(const struct dentry *d)
{
	return &by_place[mix((u64)(uintptr_t)d) / (U64_MAX / PLACE_BUCKETS + 1)];
}

static struct list *bucket_by_parent(const struct mount *m, const struct dentry *d)
{
	return &by_parent[mix(mix((u64)(uintptr_t)m) ^ (u64)(uintptr_t)d) / (U64_MAX / PLACE_BUCKETS + 1)];
}

struct mount *mount_find(const struct mount *parent, const struct dentry *place)
{
	struct mount *m;

	list_for_each(m, bucket_by_parent(parent, place), hash_link)
		if (m->mountpoint == place && m->parent == parent)
			return m;
	return NULL;
}

struct mount *mount_on(const struct path *p)
{
	struct mount *m;

	if (!(READ_ONCE(p->dentry->flags) & DENTRY_MOUNTED))
		return NULL;
	spin_lock(&fs_tree_lock);
	m = mount_find(p->mnt, p->dentry);
	if (m)
		mount_get(m);
	spin_unlock(&fs_tree_lock);
	return m;
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

void mount_place(struct mount *m, struct mount *parent, struct dentry *place)
{
	lock_assert_held(&fs_tree_lock);
	m->parent = mount_get(parent);
	m->mountpoint = dentry_get(place);
	list_push_back(&parent->children, &m->sibling);
	list_push_back(bucket_by_parent(parent, place), &m->hash_link);
	list_push_back(bucket_by_place(place), &m->place_link);
	if (!place->nr_mounts++)
		set_mounted(place, true);
}

void mount_unplace(struct mount *m)
{
	lock_assert_held(&fs_tree_lock);
	assert(!m->left.mnt);
	m->left = (struct path){ m->parent, m->mountpoint };
	if (!m->parent)
		return;
	if (!--m->mountpoint->nr_mounts)
		set_mounted(m->mountpoint, false);
	m->parent = NULL;
	m->mountpoint = NULL;
	list_remove(&m->sibling);
	list_remove(&m->hash_link);
	list_remove(&m->place_link);
}

void mount_forget_left(struct mount *m)
{
	struct path left = m->left;

	m->left = (struct path){ 0 };
	path_put(&left);
}

void mount_enter_ns(struct mount *m, struct mount_ns *ns)
{
	assert(!m->ns);
	m->ns = ns;
	ns->nr_mounts++;
	list_push_back(&ns->mounts, &m->ns_link);
}

void mount_leave_ns(struct mount *m)
{
	if (!m->ns)
		return;
	m->ns->nr_mounts--;
	m->ns = NULL;
	list_remove(&m->ns_link);
}

struct mount *mount_next(struct mount *m, const struct mount *top, bool descend)
{
	if (descend && !list_empty(&m->children))
		return list_first(&m->children, struct mount, sibling);
	for (; m != top; m = m->parent)
		if (m->sibling.next != &m->parent->children)
			return list_entry(m->sibling.next, struct mount, sibling);
	return NULL;
}

/* Follows mounts stacked on p to the topmost root. p's references move along. */
void path_to_top(struct path *p)
{
	struct mount *m;

	while ((m = mount_on(p))) {
		path_put(p);
		p->mnt = m;
		p->dentry = dentry_get(m->root);
	}
}

bool mount_covers(struct dentry *d)
{
	const struct mount_ns *ns = READ_ONCE(fs_context_current()->ns);
	const struct mount *m;
	bool found = false;

	if (!(READ_ONCE(d->flags) & DENTRY_MOUNTED))
		return false;
	spin_lock(&fs_tree_lock);
	list_for_each(m, bucket_by_place(d), place_link)
		found |= m->mountpoint == d && m->ns == ns;
	spin_unlock(&fs_tree_lock);
	return found;
}

/* Some mount on d, referenced; NULL: none. */
struct mount *mount_any_on(const struct dentry *d)
{
	struct mount *m, *found = NULL;

	spin_lock(&fs_tree_lock);
	list_for_each(m, bucket_by_place(d), place_link)
		if (!found && m->mountpoint == d)
			found = mount_get(m);
	spin_unlock(&fs_tree_lock);
	return found;
}

/* A detached mount of a super block, whose mount count it takes over (also on failure). NULL without memory. */
struct mount *mount_of_super(struct super_block *sb, u32 flags)
{
	struct mount *m = mount_new(sb, sb->root, flags);

	if (!m)
		super_drop_mount(sb);
	return m;
}

struct mount *fs_kern_mount(const char *fstype, const char *data)
{
	struct super_block *sb = super_mount(fstype, fstype, NULL, 0, data);
	struct mount *m;

	if (is_err(sb))
		return err_ptr(ptr_err(sb));
	m = mount_of_super(sb, 0);
	return m ? m : err_ptr(-ENOMEM);
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

int mount_wants_write(const struct path *p)
{
	if ((p->mnt && READ_ONCE(p->mnt->flags) & MS_RDONLY) || READ_ONCE(p->dentry->sb->flags) & MS_RDONLY)
		return -EROFS;
	return 0;
}

/* Whether m lies in the tree whose top is mounted as top. fs_tree_lock or mount_lock held. */
bool mount_is_below(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m != NULL;
}

int mount_for_each(struct fs_context *fc, int (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount_ns *ns = fs_context_ns_get(fc);
	struct path root;
	struct mount *m;
	int r = 0;

	fs_context_get_paths(fc, NULL, &root);
	mutex_lock(&mount_lock);
	list_for_each(m, &ns->mounts, ns_link)
		if (mount_is_below(m, root.mnt) && (r = fn(m, arg)))
			break;
	mutex_unlock(&mount_lock);
	path_put(&root);
	mount_ns_put(ns);
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

static struct list *new_table(void)
{
	struct list *table = kmalloc(PLACE_BUCKETS * sizeof(*table), 0);

	if (!table)
		panic("no memory for the tables of mounts");
	for (u32 i = 0; i < PLACE_BUCKETS; i++)
		list_init(&table[i]);
	return table;
}

void mount_init(void)
{
	struct mount *m;

	mutex_init(&mount_lock, "mount", LOCK_MOUNT);
	by_parent = new_table();
	by_place = new_table();
	m = fs_kern_mount("rootfs", NULL);
	if (is_err(m))
		panic("the rootfs cannot be made: error %ld", ptr_err(m));
	m->id = 1;
	first_mount_ns.root = mount_get(m);
	mount_enter_ns(m, &first_mount_ns);
	fs_root = (struct path){ mount_get(m), dentry_get(m->root) };
	fs_context_set_kernel_root(&fs_root);
}

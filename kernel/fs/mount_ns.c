/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount namespaces: what a set of processes sees mounted (mount_namespaces(7)). A process has its namespace by its fs_context,
 * so those that share working directory and root share it, too. A namespace ends with its last fs_context and the last inode
 * of nsfs that stands for it. Locks: mount.h.
 */
#include "mount.h"
#include <kernel/process.h>
#include <uapi/capability.h>

#define FIRST_INO 0xf0000000u		/* 4026531840, as the first one has on Linux */

struct mount_ns first_mount_ns = {
	.refs = REFCOUNT_INIT(1), .ino = FIRST_INO, .mounts = LIST_INIT(first_mount_ns.mounts),
};
static u32 last_ino = FIRST_INO + 200;	/* [a] */

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
	ref_get(&ns->refs);
	return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
	struct list gone = LIST_INIT(gone);

	if (!ref_put(&ns->refs))
		return;
	mutex_lock(&mount_lock);
	mount_discard_tree(ns->root, &gone);
	mutex_unlock(&mount_lock);
	mounts_finish(&gone);
	assert(!ns->nr_mounts);
	mount_put(ns->root);
	kfree(ns);
}

/* The place in the copy that p is in the original, if it is there at all. p's references move along. mount_lock held. */
static void follow_copy(struct path *p, const struct mount_ns *ns)
{
	struct mount *copy = p->mnt->ns == ns ? p->mnt->copy : NULL;

	if (!copy)
		return;
	mount_get(copy);
	mount_put(p->mnt);	/* attached, so not the last */
	p->mnt = copy;
}

/* All of old's mounts again, in ns, with the same peers and masters; cwd and root follow. mount_lock held. */
static int copy_mounts(struct mount_ns *ns, struct mount_ns *old, struct fs_context *fc)
{
	struct mount *m, *top;

	list_for_each(m, &old->mounts, ns_link)
		m->copy = NULL;
	top = mount_copy_tree(old->root, old->root->root, COPY_PEER, COPY_BELOW | COPY_UNBINDABLE);
	if (is_err(top))
		return (int)ptr_err(top);
	ns->root = mount_get(top);
	spin_lock(&fs_tree_lock);
	for (m = top; m; m = mount_next(m, top, true))
		mount_enter_ns(m, ns);
	spin_unlock(&fs_tree_lock);
	follow_copy(&fc->cwd, old);
	follow_copy(&fc->root, old);
	return 0;
}

int fs_context_new_ns(struct fs_context *fc)
{
	struct mount_ns *old = fc->ns, *ns;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ns = kzalloc(sizeof(*ns), 0);
	if (!ns)
		return -ENOMEM;
	ref_set(&ns->refs, 1);
	list_init(&ns->mounts);
	ns->ino = atomic_fetch_add(&last_ino, 1) + 1;
	mutex_lock(&mount_lock);
	err = copy_mounts(ns, old, fc);
	mutex_unlock(&mount_lock);
	if (err) {
		kfree(ns);
		return err;
	}
	fc->ns = ns;
	mount_ns_put(old);
	return 0;
}

/* Takes over ns. */
static int enter_ns(struct fs_context *fc, struct mount_ns *ns)
{
	struct path top = { ns->root, ns->root->root }, cwd, root;
	struct mount_ns *old;
	int err = !capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_CHROOT) ? -EPERM : atomic_load(&fc->users) > 1 ? -EINVAL : 0;

	if (!err) {
		path_get(&top);
		path_to_top(&top);
		path_get(&top);		/* for both */
		spin_lock(&fc->lock);
		old = fc->ns;
		fc->ns = ns;
		ns = old;
		cwd = fc->cwd;
		root = fc->root;
		fc->cwd = fc->root = top;
		spin_unlock(&fc->lock);
		path_put(&cwd);
		path_put(&root);
	}
	mount_ns_put(ns);
	return err;
}

bool file_is_ns(struct file *f) { return f->path.dentry && nsfs_ns(f->path.dentry); }

int fs_context_enter_ns_file(struct fs_context *fc, struct file *f)
{
	return enter_ns(fc, mount_ns_get(nsfs_ns(f->path.dentry)));
}

int fs_context_enter_ns_of(struct fs_context *fc, struct process *p)
{
	struct fs_context *other = process_fs_get(p);
	struct mount_ns *ns;

	if (!other)
		return -ESRCH;
	ns = fs_context_ns_get(other);
	fs_context_put(other);
	return enter_ns(fc, ns);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a process stands: its working directory, root and umask, shared by CLONE_FS. */
#include "mount.h"
#include <kernel/process.h>

/* Of kernel threads, and what the first process copies. */
static struct fs_context kernel_context = {
	.refs = REFCOUNT_INIT(1),
	.lock = SPINLOCK_INIT("fs-context", LOCK_FS_CONTEXT),
	.ns = &first_mount_ns,
	.umask = 022,
};

struct fs_context *fs_context_current(void)
{
	struct process *p = current_process();

	return p && p->fs ? p->fs : &kernel_context;
}

struct mount_ns *fs_context_ns_get(struct fs_context *fc)
{
	struct mount_ns *ns;

	spin_lock(&fc->lock);
	ns = mount_ns_get(fc->ns);
	spin_unlock(&fc->lock);
	return ns;
}

/* fc NULL: the kernel's. */
struct fs_context *fs_context_copy(struct fs_context *fc)
{
	struct fs_context *copy = kzalloc(sizeof(*copy), 0);

	if (!copy)
		return NULL;
	if (!fc)
		fc = &kernel_context;
	ref_set(&copy->refs, 1);
	copy->users = 1;
	spin_init(&copy->lock, "fs-context", LOCK_FS_CONTEXT);
	spin_lock(&fc->lock);
	copy->cwd = fc->cwd;
	copy->root = fc->root;
	copy->umask = fc->umask;
	path_get(&copy->cwd);
	path_get(&copy->root);
	copy->ns = mount_ns_get(fc->ns);
	spin_unlock(&fc->lock);
	return copy;
}

void fs_context_put(struct fs_context *fc)
{
	if (!fc || !ref_put(&fc->refs))
		return;
	path_put(&fc->cwd);
	path_put(&fc->root);
	mount_ns_put(fc->ns);
	kfree(fc);
}

struct fs_context *fs_context_share(struct fs_context *fc)
{
	ref_get(&fc->refs);
	atomic_add(&fc->users, 1);
	return fc;
}

void fs_context_leave(struct fs_context *fc)
{
	if (!fc)
		return;
	atomic_sub(&fc->users, 1);
	fs_context_put(fc);
}

void fs_context_get_paths(struct fs_context *fc, struct path *cwd, struct path *root)
{
	spin_lock(&fc->lock);
	if (cwd) {
		*cwd = fc->cwd;
		path_get(cwd);
	}
	if (root) {
		*root = fc->root;
		path_get(root);
	}
	spin_unlock(&fc->lock);
}

static void set_path(struct fs_context *fc, struct path *slot, const struct path *p)
{
	struct path old;

	path_get(p);
	spin_lock(&fc->lock);
	old = *slot;
	*slot = *p;
	spin_unlock(&fc->lock);
	path_put(&old);
}

void fs_context_set_cwd(struct fs_context *fc, const struct path *p) { set_path(fc, &fc->cwd, p); }
void fs_context_set_root(struct fs_context *fc, const struct path *p) { set_path(fc, &fc->root, p); }

static void replace(struct fs_context *fc, struct path *slot, const struct path *from, const struct path *to)
{
	bool was;

	spin_lock(&fc->lock);
	was = slot->mnt == from->mnt && slot->dentry == from->dentry;
	if (was) {
		*slot = *to;
		path_get(to);
	}
	spin_unlock(&fc->lock);
	if (was)
		path_put(from);
}

/* Whoever stands in from, or has it as root, has to instead (pivot_root). */
void fs_context_replace_all(const struct path *from, const struct path *to)
{
	struct fs_context *fc;
	struct process *p;

	replace(&kernel_context, &kernel_context.cwd, from, to);
	replace(&kernel_context, &kernel_context.root, from, to);
	for (pid_t pid = 1; (p = process_next(pid)); process_put(p)) {
		pid = p->pid + 1;
		fc = process_fs_get(p);
		if (!fc)
			continue;
		replace(fc, &fc->cwd, from, to);
		replace(fc, &fc->root, from, to);
		fs_context_put(fc);
	}
}

void fs_context_set_kernel_root(const struct path *p)
{
	set_path(&kernel_context, &kernel_context.cwd, p);
	set_path(&kernel_context, &kernel_context.root, p);
}

mode_t mode_umask(mode_t mode) { return mode & ~READ_ONCE(fs_context_current()->umask); }

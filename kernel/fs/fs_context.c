/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a process stands: its working directory, root and umask, shared by CLONE_FS. */
#include "vfs.h"
#include <kernel/process.h>

/* Of kernel threads, and what the first process copies. */
static struct fs_context kernel_context = {
	.refs = REFCOUNT_INIT(1),
	.lock = SPINLOCK_INIT("fs-context", LOCK_FS_CONTEXT),
	.umask = 022,
};

struct fs_context *fs_context_current(void)
{
	struct process *p = current_process();

	return p && p->fs ? p->fs : &kernel_context;
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
	spin_init(&copy->lock, "fs-context", LOCK_FS_CONTEXT);
	spin_lock(&fc->lock);
	copy->cwd = fc->cwd;
	copy->root = fc->root;
	copy->umask = fc->umask;
	path_get(&copy->cwd);
	path_get(&copy->root);
	spin_unlock(&fc->lock);
	return copy;
}

void fs_context_put(struct fs_context *fc)
{
	if (!fc || !ref_put(&fc->refs))
		return;
	path_put(&fc->cwd);
	path_put(&fc->root);
	kfree(fc);
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

void fs_context_set_kernel_root(const struct path *p)
{
	set_path(&kernel_context, &kernel_context.cwd, p);
	set_path(&kernel_context, &kernel_context.root, p);
}

mode_t mode_umask(mode_t mode) { return mode & ~READ_ONCE(fs_context_current()->umask); }

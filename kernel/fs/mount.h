/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mount.c (single mounts and their places), mount_ops.c (what mount(2) and its relatives do with them) and
 * propagate.c (who else gets a mount) share.
 *
 * mount_lock (mutex) is held to change anything; fs_tree_lock (spin) is taken as well for changes that lookups see.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "vfs.h"

extern struct mutex mount_lock;

/* The mounts that a set of processes sees. */
struct mount_ns {
	struct refcount refs;		/* processes' fs_contexts, inodes of nsfs */
	ino_t ino;			/* [b] what stat shows; those made later have higher ones */
	struct mount *root;		/* [b] its top, referenced */
	struct list mounts;		/* [m] in the order of mounting */
	u32 nr_mounts, nr_pending;	/* [l] and those that the operation under way is going to add */
};
extern struct mount_ns first_mount_ns;

/*
 * Mounts among which mounts propagate. Shared: what is mounted on one member is mounted on all, and on those of the groups
 * that have this one as their master. Not shared: one member, that only gets. [l]
 */
struct peer_group {
	u32 id;				/* 0: not shared */
	bool is_shared;
	struct list members;		/* mounts */
	struct peer_group *master;	/* whose mounts appear here; NULL: none */
	struct list slaves, slave_link;	/* groups whose master this is */
	struct mount *tree;		/* what the members get by the operation under way, once the first has it */
};

/* What a copy of a mount has to do with its original. */
enum mount_copy {
	COPY_PEER,		/* the same peers, the same master */
	COPY_SLAVE,		/* gets what the original gets */
	COPY_SLAVE_SHARED,	/* and has peers of its own */
};

/* mount.c */
struct mount *mount_new(struct super_block *sb, struct dentry *root, u32 flags);
/* What lies right over that place of a mount; no reference. fs_tree_lock or mount_lock held. */
struct mount *mount_find(const struct mount *parent, const struct dentry *place);
/* fs_tree_lock and mount_lock held. Takes references of the place; unplace leaves them in m->left. */
void mount_place(struct mount *m, struct mount *parent, struct dentry *place);
void mount_unplace(struct mount *m);
void mount_forget_left(struct mount *m);	/* without fs_tree_lock */
/* m enters or leaves a namespace. Both locks held. */
void mount_enter_ns(struct mount *m, struct mount_ns *ns);
void mount_leave_ns(struct mount *m);
/* The mount after m in the tree below top, parents first, without what is below m when not asked; NULL: none. mount_lock held. */
struct mount *mount_next(struct mount *m, const struct mount *top, bool descend);
void path_to_top(struct path *p);
struct mount *mount_any_on(const struct dentry *d);	/* referenced; NULL: none */
bool mount_is_below(const struct mount *m, const struct mount *top);	/* or the same; either lock held */

/* mount_ops.c; mount_lock held */
/* In the namespace of whoever asks. */
static inline bool mount_is_ours(const struct mount *m) { return m->ns && m->ns == READ_ONCE(fs_context_current()->ns); }
int mount_set_type(struct mount *m, u32 type);	/* MS_SHARED, PRIVATE, SLAVE, UNBINDABLE: with whom it shares. 0 or -ENOMEM */
/*
 * m from root on. Detached. err_ptr: -ENOMEM; -EINVAL: m is a namespace's file and may not be copied. What the copy has not
 * has copy NULL, when it was so before.
 */
#define COPY_BELOW 1u		/* with the mounts below */
#define COPY_UNBINDABLE 2u	/* unbindable ones, too */
#define COPY_NS_FILES 4u	/* files of namespaces, too */
struct mount *mount_copy_tree(struct mount *m, struct dentry *root, enum mount_copy how, u32 what);
/* A detached tree ends, after mounts_finish. */
void mount_discard_tree(struct mount *top, struct list *gone);
/* Puts src, detached or (moving) attached elsewhere, on top, that nothing covers, and copies wherever that propagates. */
int mount_graft(struct mount *src, const struct path *top, bool moving, struct list *gone);
/* References that mounts leave when they go. mount_lock not held. */
void mounts_finish(struct list *gone);

/* nsfs.c: the namespace whose file d is, or NULL. The file stays, and so does the namespace. */
struct mount_ns *nsfs_ns(const struct dentry *d);

/* propagate.c; mount_lock held */
int mount_make_shared(struct mount *m);		/* 0 or -ENOMEM */
int mount_make_slave(struct mount *m);		/* of those that were its peers, else private. 0 or -ENOMEM */
int mount_join(struct mount *copy, struct mount *of, enum mount_copy how);
void mount_make_private(struct mount *m);
static inline bool mount_is_shared(const struct mount *m) { return m->group && m->group->is_shared; }
/*
 * Copies of the tree src for all others that get what is mounted on that place of dest: detached, in copies by work_link,
 * and each with its place, not yet taken, in left. size: mounts in src. Counted in nr_pending of their namespaces, which
 * the caller clears. -ENOMEM, -ENOSPC; then too some may have been made.
 */
int propagate_mount(struct mount *src, const struct path *dest, u32 size, struct list *copies);
/*
 * Mounts that go with the victims (by work_link, marked), when they can, since they lie at the same places: with is_candidate
 * set, in candidates. What lies over another comes behind it.
 */
void propagate_umount(struct list *victims, struct list *candidates);

#endif

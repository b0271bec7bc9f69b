/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/fs/cgroup/ share. */
#ifndef FS_CGROUPFS_H
#define FS_CGROUPFS_H

#include <kernel/fs.h>
#include <kernel/group.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/procfs.h>
#include <lib/format.h>
#include <lib/string.h>

struct cgroup_inode {
	struct inode inode;
	struct group *group;			/* [b] reference */
	const struct group_file *file;		/* [b] NULL: the directory */
	const struct group_controller *controller;	/* [b] whose file; NULL: every group's */
};
static inline struct cgroup_inode *cgroup_i(struct inode *i) { return container_of(i, struct cgroup_inode, inode); }

/* Owner and mode of a group's directory (file NULL) or file; attrs.c keeps what differs from the default. */
struct cgroup_owner {
	mode_t mode;		/* permission bits */
	uid_t uid;
	gid_t gid;
};
void cgroup_owner_get(struct group *g, const struct group_file *file, struct cgroup_owner *out);
int cgroup_owner_set(struct group *g, const struct group_file *file, const struct cgroup_owner *owner);
void cgroup_owners_drop(struct group *g);

/* files.c: the files of every group; ends with an empty name. */
extern const struct group_file cgroup_core_files[];

void cgroupfs_init(void);

/* open.c */
extern const struct file_ops cgroup_file_fops;

#endif

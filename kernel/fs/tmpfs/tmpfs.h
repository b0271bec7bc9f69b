/* SPDX-License-Identifier: BSD-2-Clause */
/* tmpfs: what its files share. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "../vfs.h"
#include <lib/rbtree.h>

/* A directory's names lie in a tree by cookie (position of a read) and a tree by name. */
struct tmpfs_entry {
	struct rb_node by_name, by_cookie;
	struct inode *inode;		/* reference: a name keeps its inode */
	u64 cookie;			/* > 1; given once, so that readers keep their place */
	u32 len;
	char name[];
};
struct tmpfs_xattr;
struct tmpfs_inode {
	struct inode inode;
	/* directories: under inode.lock */
	struct rb_tree names, cookies;
	u64 next_cookie;
	ino_t parent_ino;
	char *target;			/* symlinks */
	u32 seals;			/* memfd; under inode.lock */
	u32 xattr_bytes;		/* of names and values; under inode.lock */
	struct tmpfs_xattr *xattrs;	/* under inode.lock */
};
#define DIRENT_SIZE 20u	/* what a name adds to the size a directory shows, as on Linux */
struct tmpfs_super {
	u64 max_pages, max_inodes;	/* 0: no limit */
	bool size_was_given;		/* by an option, so that it is shown again */
	u64 nr_pages;			/* [a] of all files */
	u64 nr_inodes;			/* [a] */
	ino_t next_ino;			/* [a] */
};
static inline struct tmpfs_inode *tmpfs_i(struct inode *i) { return container_of(i, struct tmpfs_inode, inode); }

struct inode *tmpfs_inode_new(struct super_block *sb, struct inode *dir, mode_t mode, dev_t dev);
void tmpfs_dir_drop_all(struct inode *dir);
/* tmpfs_xattr.c */
int tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int tmpfs_listxattr(struct inode *i, char *buf, size_t size);
int tmpfs_setxattr(struct inode *i, const char *name, const void *value, size_t size, int flags);
int tmpfs_removexattr(struct inode *i, const char *name);
void tmpfs_drop_xattrs(struct tmpfs_inode *t);
#define TMPFS_XATTR_OPS .getxattr = tmpfs_getxattr, .listxattr = tmpfs_listxattr, .setxattr = tmpfs_setxattr, \
	.removexattr = tmpfs_removexattr
extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_inode_ops, tmpfs_symlink_ops, tmpfs_special_ops;
extern const struct file_ops tmpfs_file_ops, tmpfs_dir_file_ops;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling inotify what happens to files: the virtual file system calls these after the fact. They cost one load while
 * nobody watches anything. Any context that may take LOCK_DENTRY and spinlocks above it; no sleep.
 */
#ifndef KERNEL_NOTIFY_H
#define KERNEL_NOTIFY_H

#include <kernel/fs.h>
#include <uapi/event.h>

extern u32 inotify_watches;		/* [a] how many there are in the system */
static inline bool notify_is_on(void) { return unlikely(atomic_load(&inotify_watches)); }

/* mask (IN_*) to those who watch the parent, by name, and to those who watch d's inode. */
void notify_dentry_slow(struct dentry *d, u32 mask);
static inline void notify_dentry(struct dentry *d, u32 mask)
{
	if (notify_is_on())
		notify_dentry_slow(d, mask);
}
static inline void notify_file(struct file *f, u32 mask)
{
	if (notify_is_on() && !(f->mode & FMODE_PATH) && f->path.dentry)
		notify_dentry_slow(f->path.dentry, mask);
}
/* To those who watch the inode itself. */
void notify_inode(struct inode *i, u32 mask);
/* To those who watch directory dir: child (for IN_ISDIR) by this name. */
void notify_name(struct inode *dir, const struct inode *child, u32 mask, u32 cookie, const char *name, u32 len);
u32 notify_cookie(void);
/* The inode's last name and user are gone: IN_DELETE_SELF, and the watches end. May sleep. */
void notify_inode_gone(struct inode *i);
/* The file system is about to be unmounted: IN_UNMOUNT, and watches of its inodes end. May sleep. */
void notify_super_gone(struct super_block *sb);

#endif

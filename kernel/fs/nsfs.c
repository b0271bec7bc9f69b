/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of namespaces: what /proc/PID/ns/mnt leads to, what setns(2) takes. Each has an inode of its own, with the
 * namespace's number, that keeps the namespace; so do an open file and a mount of it.
 */
#include "mount.h"
#include <kernel/process.h>
#include <uapi/sched.h>

#define NSFS_MAGIC 0x6e736673u
#define NS_GET_NSTYPE 0xb703u

static struct mount *ns_mount __ro_after_init;

static void nsfs_evict(struct inode *i)
{
	if (i->private)
		mount_ns_put(i->private);
}

static const struct super_ops nsfs_super_ops = { .evict = nsfs_evict };

static long nsfs_ioctl(struct file *f, u32 cmd, u64 arg) { return cmd == NS_GET_NSTYPE ? CLONE_NEWNS : -ENOTTY; }

static const struct file_ops nsfs_file_ops = { .ioctl = nsfs_ioctl };

struct mount_ns *nsfs_ns(const struct dentry *d)
{
	return d->inode && d->inode->fops == &nsfs_file_ops ? d->inode->private : NULL;
}

static int nsfs_mount(struct super_block *sb, const char *data)
{
	struct inode *i;

	if (ns_mount)
		return -EINVAL;		/* not for programs */
	sb->magic = NSFS_MAGIC;
	sb->ops = &nsfs_super_ops;
	i = inode_new(sb);
	if (!i)
		return -ENOMEM;
	i->mode = S_IFDIR | 0555;
	sb->root = dentry_make_root(i);
	if (sb->root)
		return 0;
	inode_put(i);
	return -ENOMEM;
}

static struct file_system nsfs = { .name = "nsfs", .flags = FS_VIRTUAL, .mount = nsfs_mount };

int nsfs_open_mount(struct process *p, struct path *out)
{
	struct fs_context *fc = process_fs_get(p);
	struct mount_ns *ns;
	struct inode *i;
	struct dentry *d;
	char name[32];

	if (!fc)
		return -ENOENT;
	ns = fs_context_ns_get(fc);
	fs_context_put(fc);
	i = inode_new(ns_mount->sb);
	if (!i) {
		mount_ns_put(ns);
		return -ENOMEM;
	}
	i->private = ns;
	i->ino = ns->ino;
	i->mode = S_IFREG | 0444;
	i->fops = &nsfs_file_ops;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	snprintf(name, sizeof(name), "mnt:[%u]", (u32)ns->ino);
	d = dentry_alloc(NULL, name, (u32)strlen(name));
	if (!d) {
		inode_put(i);
		return -ENOMEM;
	}
	d->sb = i->sb;
	d->inode = i;
	*out = (struct path){ mount_get(ns_mount), d };
	return 0;
}

void nsfs_init(void)
{
	fs_register(&nsfs);
	ns_mount = fs_kern_mount("nsfs", NULL);
	if (is_err(ns_mount))
		panic("no file system for namespaces: error %ld", ptr_err(ns_mount));
}

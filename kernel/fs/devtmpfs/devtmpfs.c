/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev: one tmpfs instance in which the kernel makes a node for each device, mounted or not. */
#include "../vfs.h"
#include <uapi/mount.h>

static struct mount *dev_mount __ro_after_init;

/* The directory of name's last component, made if need be; *last points into name. */
static int dir_of(const char *name, struct path *dir, const char **last)
{
	const char *slash;
	int err = 0;

	*dir = (struct path){ mount_get(dev_mount), dentry_get(dev_mount->root) };
	while (!err && (slash = strchr(name, '/'))) {
		u32 len = (u32)(slash - name);
		struct dentry *d;

		err = dir_mkdir(dir, name, len, 0755);
		if (err && err != -EEXIST)
			break;
		d = dir_lookup(dir->dentry, name, len);
		err = is_err(d) ? (int)ptr_err(d) : 0;
		if (err)
			break;
		dentry_put(dir->dentry);
		dir->dentry = d;
		if (!d->inode || !S_ISDIR(d->inode->mode))
			err = -ENOTDIR;
		name = slash + 1;
	}
	*last = name;
	if (err)
		path_put(dir);
	return err;
}

/* mode with its type. Existing nodes stay: -EEXIST. */
int dev_node_add(const char *name, mode_t mode, dev_t dev)
{
	const char *last;
	struct path dir;
	int err;

	if (!dev_mount)
		return -ENODEV;
	err = dir_of(name, &dir, &last);
	if (err)
		return err;
	err = vfs_mknod(&dir, last, mode, dev);
	path_put(&dir);
	return err;
}

void dev_node_remove(const char *name)
{
	const char *last;
	struct path dir;

	if (dev_mount && !dir_of(name, &dir, &last)) {
		(void)vfs_unlink(&dir, last);
		path_put(&dir);
	}
}

/* On /dev of the tree at root, if that directory exists. */
void devtmpfs_mount_on(const struct path *root)
{
	struct path dev;

	if (path_lookup(root, "dev", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dev)) {
		log_notice("devtmpfs: no directory /dev in the root file system");
		return;
	}
	if (vfs_mount("devtmpfs", &dev, "devtmpfs", 0, NULL))
		log_err("devtmpfs: cannot be mounted on /dev");
	path_put(&dev);
}

void devtmpfs_init(void)
{
	dev_mount = fs_kern_mount("devtmpfs", "mode=0755");
	if (is_err(dev_mount))
		panic("devtmpfs cannot be made: error %ld", ptr_err(dev_mount));
	memdev_init();
	kmsg_init();
}

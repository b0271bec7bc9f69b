/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot steps of the file systems: the caches and rootfs first, the disk's root last. */
#include "vfs.h"
#include <kernel/block.h>
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/time.h>
#include <uapi/mount.h>

#define ROOT_WAIT_NS (2 * NSEC_PER_SEC)

/* Metadata of file systems on disks, every few seconds, from the write-back thread. */
static void periodic_sync(void) { super_sync_dirty(); }

void fs_init(void)
{
	pagecache_init();
	super_init();
	dcache_init();
	inode_cache_init();
	tmpfs_init();
	file_init();
	mount_init();
	nsfs_init();
	memfd_init();
	devtmpfs_init();
	writeback_set_periodic(periodic_sync);
}

struct names {
	char text[256];
	size_t len;
};

static int add_device_name(struct block_device *dev, void *arg)
{
	struct names *n = arg;

	n->len += (size_t)scnprintf(n->text + n->len, sizeof(n->text) - n->len, " %s", dev->name);
	return 0;
}

__noreturn static void no_root(const char *spec, const char *why, int err)
{
	struct names n = { .text = "" };

	(void)block_for_each(add_device_name, &n);
	if (err)
		panic("cannot mount root '%s': %s (error %d); block devices:%s", spec, why, err, n.len ? n.text : " none");
	panic("cannot mount root '%s': %s; block devices:%s", spec, why, n.len ? n.text : " none");
}

struct attempt {
	const char *spec, *data;
	struct block_device *bdev;
	u32 flags;
	struct super_block *sb;
	int err;		/* the most telling one so far */
};

/* One type of file system against the device; stops when it fits. */
static int try_type(const struct file_system *fs, void *arg)
{
	struct attempt *a = arg;

	if (!(fs->flags & FS_NEEDS_DEVICE))
		return 0;
	a->sb = super_mount(fs->name, a->spec, a->bdev, a->flags, a->data);
	if (!is_err(a->sb))
		return 1;
	if (ptr_err(a->sb) != -EINVAL || !a->err)
		a->err = (int)ptr_err(a->sb);
	a->sb = NULL;
	return 0;
}

/* A given type, several in a comma list, or NULL: all that live on devices. */
static int try_types(struct attempt *a, const char *types)
{
	const char *comma;

	if (!types || !*types)
		return fs_for_each_type(try_type, a) ? 0 : a->err ? a->err : -ENODEV;
	for (; *types; types = *comma ? comma + 1 : comma) {
		const struct file_system *fs;
		size_t len;

		comma = strchr(types, ',');
		comma = comma ? comma : types + strlen(types);
		len = (size_t)(comma - types);
		fs = fs_find(types, len);
		if (!fs) {
			log_err("root: unknown file system type '%.*s'", (int)len, types);
			a->err = a->err ? a->err : -ENODEV;
			continue;
		}
		if (try_type(fs, a))
			return 0;
	}
	return a->err;
}

static struct block_device *wait_for_device(const char *spec, bool for_ever)
{
	u64 deadline = time_ns() + ROOT_WAIT_NS;
	struct block_device *bdev;
	bool told = false;

	while (!(bdev = block_by_spec(spec)) && (for_ever || time_ns() < deadline)) {
		if (for_ever && !told && time_ns() > deadline) {
			log_notice("root: waiting for %s", spec);
			told = true;
		}
		(void)sleep_until(time_ns() + 20 * NSEC_PER_MSEC, false);
	}
	return bdev;
}

/* 0, or -errno after nothing was changed. fstype NULL: found out. */
int vfs_mount_root(const char *spec, const char *fstype, u32 flags, const char *data)
{
	struct attempt a = { .spec = spec, .data = data, .bdev = block_by_spec(spec), .flags = flags };
	struct mount *m;
	int err;

	if (!a.bdev)
		return -ENXIO;
	err = try_types(&a, fstype);
	if (err)
		return err;
	m = mount_of_super(a.sb, flags);
	if (!m)
		return -ENOMEM;
	err = mount_become_root(m);
	if (err)
		mount_put(m);
	return err;
}

void fs_mount_root(void)
{
	const char *spec = cmdline_get("root"), *type = cmdline_get("rootfstype"), *data = cmdline_get("rootflags");
	u32 flags = MS_RDONLY;
	int err;

	if (!spec || !*spec)
		no_root("", "neither an init in the initramfs nor root= was given", 0);
	/* As on Linux: read-only unless "rw" comes; the later word of the two is not known here, rw wins. */
	if (cmdline_has("rw"))
		flags = 0;
	if (!wait_for_device(spec, cmdline_has("rootwait")))
		no_root(spec, "no such device", 0);
	err = vfs_mount_root(spec, type, flags, data && *data ? data : NULL);
	if (err)
		no_root(spec, err == -EINVAL ? "no known file system on it" : "the file system refused", err);
	log_info("root: %s mounted %s as %s", spec, flags & MS_RDONLY ? "read-only" : "read-write", fs_root.mnt->sb->fs->name);
	devtmpfs_mount_on(&fs_root);
}

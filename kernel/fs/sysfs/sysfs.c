/* SPDX-License-Identifier: BSD-2-Clause */
/* The sys file system: registered names only. Machinery: kernel/fs/proc/tree.c. */
#include <kernel/block.h>
#include <lib/format.h>
#include <lib/string.h>
#include "sysfs_local.h"

#define SYSFS_MAGIC 0x62656572

struct virtual_tree sysfs_tree;

static int disk_size_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)((struct block_device *)arg)->sectors);
	return 0;
}

static int disk_ro_show(struct text *t, void *arg)
{
	text_printf(t, "%d\n", ((struct block_device *)arg)->is_read_only);
	return 0;
}

static int disk_dev_show(struct text *t, void *arg)
{
	struct block_device *d = arg;

	text_printf(t, "%u:%u\n", MAJOR(d->dev), MINOR(d->dev));
	return 0;
}

/* One file of a disk; path and object live as long as the disk, which is for ever. */
static void add_disk_file(struct block_device *d, const char *name, int (*show)(struct text *t, void *arg))
{
	struct virtual_file *f = kzalloc(sizeof(*f), 0);
	char path[64];

	if (!f)
		return;
	if (d->whole)
		snprintf(path, sizeof(path), "block/%s/%s/%s", d->whole->name, d->name, name);
	else
		snprintf(path, sizeof(path), "block/%s/%s", d->name, name);
	*f = (struct virtual_file){ .path = kstrdup(path, 0), .mode = 0444, .show = show, .arg = d };
	if (!f->path || sysfs_add(f))
		log_warn("sysfs: %s cannot be shown", path);
}

static int add_disk(struct block_device *d, void *arg)
{
	add_disk_file(d, "size", disk_size_show);
	add_disk_file(d, "ro", disk_ro_show);
	add_disk_file(d, "dev", disk_dev_show);
	return 0;
}

static int sysfs_mount(struct super_block *sb, const char *data)
{
	return virtual_mount(sb, &sysfs_tree, NULL, NULL, SYSFS_MAGIC);
}

static struct file_system sysfs_file_system = {
	.name = "sysfs", .flags = FS_VIRTUAL | FS_SINGLE, .mount = sysfs_mount,
};

void sysfs_init(void)
{
	fs_register(&sysfs_file_system);
	sysfs_cpus_add();
	sysfs_memory_add();
	block_for_each(add_disk, NULL);
}

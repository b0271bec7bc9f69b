/* SPDX-License-Identifier: BSD-2-Clause */
/* The sys file system: registered names only. Machinery: kernel/fs/proc/tree.c. */
#include "sysfs_local.h"

#define SYSFS_MAGIC 0x62656572

struct virtual_tree sysfs_tree;

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
	sysfs_block_add();
	debugfs_init();
	sysfs_class_add();
}

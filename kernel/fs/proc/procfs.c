/* SPDX-License-Identifier: BSD-2-Clause */
/* The proc file system: registered names (tree.c) and one directory per process (pid.c) at its root. */
#include <kernel/init.h>
#include <kernel/process.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/dirent.h>
#include "virtual.h"

#define PROC_MAGIC 0x9fa0

struct virtual_tree procfs_tree;

static ssize_t self_readlink(struct inode *inode, char *buf, size_t size)
{
	return current_process() ? scnprintf(buf, size, "%d", current_process()->pid) : -ENOENT;
}

static ssize_t thread_self_readlink(struct inode *inode, char *buf, size_t size)
{
	return current_process() ? scnprintf(buf, size, "%d/task/%d", current_process()->pid, current->tid) : -ENOENT;
}

static const struct inode_ops self_ops = { .readlink = self_readlink, .setattr = virtual_setattr };
static const struct inode_ops thread_self_ops = { .readlink = thread_self_readlink, .setattr = virtual_setattr };

static struct inode *make_link(struct super_block *sb, const struct inode_ops *ops, ino_t ino)
{
	struct inode *i = virtual_inode_new(sb, S_IFLNK | 0777, ino);

	if (i)
		i->ops = ops;
	return i;
}

static bool is_name(const char *name, u32 len, const char *want)
{
	return strlen(want) == len && !memcmp(name, want, len);
}

#define INO_SELF 0xf0000000u
#define INO_THREAD_SELF 0xf0000001u

static int root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	int err;

	if (is_name(name, len, "self") || is_name(name, len, "thread-self")) {
		*out = len == 4 ? make_link(dir->sb, &self_ops, INO_SELF) : make_link(dir->sb, &thread_self_ops, INO_THREAD_SELF);
		return *out ? 0 : -ENOMEM;
	}
	err = virtual_lookup(dir, name, len, out);
	return err || *out ? err : pid_lookup_name(dir, name, len, out);
}

/* Registered names, the two links, then processes by number. */
#define POS_LINKS (VIRTUAL_POS_END - 2)
static int root_iterate(struct file *file, struct dir_context *ctx)
{
	struct inode *dir = file->inode;

	if (ctx->pos < POS_LINKS) {
		if (!virtual_emit(dir, ctx))
			return 0;
		ctx->pos = POS_LINKS;
	}
	if (ctx->pos == POS_LINKS) {
		if (!ctx->emit(ctx, "self", 4, INO_SELF, DT_LNK, POS_LINKS + 1))
			return 0;
		ctx->pos = POS_LINKS + 1;
	}
	if (ctx->pos == POS_LINKS + 1) {
		if (!ctx->emit(ctx, "thread-self", 11, INO_THREAD_SELF, DT_LNK, POS_LINKS + 2))
			return 0;
		ctx->pos = POS_LINKS + 2;
	}
	pid_emit_all(dir, ctx);
	return 0;
}

static const struct inode_ops root_ops = { .lookup = root_lookup, .setattr = virtual_setattr };
static const struct file_ops root_fops = { .iterate = root_iterate, .seek = generic_file_seek };

static int proc_mount(struct super_block *sb, const char *data)
{
	int err = virtual_mount(sb, &procfs_tree, &root_ops, &root_fops, PROC_MAGIC);

	if (!err)
		atomic_fetch_or(&sb->root->inode->flags, INODE_VOLATILE);
	return err;
}

static struct file_system proc_file_system = {
	.name = "proc", .flags = FS_VIRTUAL | FS_SINGLE, .mount = proc_mount,
};

void virtual_files_init(void)
{
	fs_register(&proc_file_system);
	procfs_system_register();
	procfs_sysctl_register();
	procfs_sched_register();
	procfs_sysctl_vm_register();
	procfs_sysctl_fs_register();
	procfs_debug_register();
	procfs_memory_register();
	if (bootchart_register())
		log_warn("procfs: bootchart cannot be shown");
	sysfs_init();
	cgroupfs_init();
	inotify_init();
}

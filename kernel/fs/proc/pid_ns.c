/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/ns: a magic link for each namespace of a process (namespaces(7)). Those that do not exist here are left out. */
#include <kernel/process.h>
#include <lib/string.h>
#include <uapi/dirent.h>
#include "virtual.h"

#define INO_FD (1 << 21)	/* no descriptor has this number */

static const struct pid_entry mnt_entry = { "mnt", S_IFLNK | 0777, .follow = nsfs_open_mount, .is_private = true };

static int ns_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct process *p;

	*out = NULL;
	if (len != 3 || memcmp(name, "mnt", 3))
		return 0;
	p = pid_process(dir);
	if (!p)
		return -ENOENT;
	*out = pid_inode_new(dir->sb, p, virtual_i(dir)->tid, &mnt_entry, INO_FD);
	process_put(p);
	return *out ? 0 : -ENOMEM;
}

static int ns_iterate(struct file *file, struct dir_context *ctx)
{
	if (!virtual_emit(file->inode, ctx))
		return 0;
	if (ctx->pos == 2 && ctx->emit(ctx, "mnt", 3, file->inode->ino + INO_FD, DT_LNK, 3))
		ctx->pos = 3;
	return 0;
}

const struct inode_ops pid_ns_dir_ops = { .lookup = ns_lookup, .setattr = virtual_setattr, .revalidate = pid_revalidate };
const struct file_ops pid_ns_dir_fops = { .iterate = ns_iterate, .seek = generic_file_seek };

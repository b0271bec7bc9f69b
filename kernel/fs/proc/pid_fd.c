/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/fd: a magic link for each open descriptor; /proc/PID/fdinfo: position and flags. */
#include <kernel/process.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/dirent.h>
#include "virtual.h"

/* The file behind descriptor fd of p, referenced; NULL. */
static struct file *file_of(struct process *p, int fd)
{
	struct fd_table *t = process_files_get(p);
	struct file *f = NULL;

	if (!t)
		return NULL;
	f = fd_table_get(t, fd);
	fd_table_put(t);
	return f;
}

static int fd_follow(struct inode *inode, struct path *out)
{
	struct process *p = pid_process(inode);
	struct file *f;

	if (!p)
		return -ENOENT;
	f = file_of(p, virtual_i(inode)->fd);
	process_put(p);
	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

static ssize_t fd_readlink(struct inode *inode, char *buf, size_t size)
{
	return virtual_follow_text(inode, fd_follow, buf, size);
}

static const struct inode_ops fd_link_ops = {
	.follow = fd_follow, .readlink = fd_readlink, .setattr = virtual_setattr, .revalidate = pid_revalidate,
};
static const struct inode_ops fdinfo_file_ops = { .setattr = virtual_setattr, .revalidate = pid_revalidate };
static const struct pid_entry fd_entry = { "fd", S_IFLNK | 0700, .ops = &fd_link_ops };
static const struct pid_entry fdinfo_entry = { "fdinfo", S_IFREG | 0444, .ops = &fdinfo_file_ops };

static int lookup(struct inode *dir, const char *name, u32 len, const struct pid_entry *e, struct inode **out)
{
	struct process *p = pid_process(dir);
	struct fd_table *t;
	char text[12];
	u64 fd;

	*out = NULL;
	if (!p)
		return -ENOENT;
	t = process_files_get(p);
	if (t && len < sizeof(text)) {
		memcpy(text, name, len);
		text[len] = '\0';
		if (!parse_u64(text, 10, &fd) && fd <= 0x7fffffff && fd_table_next(t, (u32)fd) == (int)fd)
			*out = pid_inode_new(dir->sb, p, virtual_i(dir)->tid, e, (int)fd);
	}
	if (t)
		fd_table_put(t);
	process_put(p);
	return 0;
}

static int fd_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	return lookup(dir, name, len, &fd_entry, out);
}

static int fdinfo_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	return lookup(dir, name, len, &fdinfo_entry, out);
}

static int iterate(struct file *file, struct dir_context *ctx)
{
	struct process *p = pid_process(file->inode);
	struct fd_table *t = p ? process_files_get(p) : NULL;
	bool links = virtual_i(file->inode)->entry->ops == &pid_fd_dir_ops;
	char name[12];

	if (p)
		process_put(p);
	if (!t)
		return -ENOENT;
	if (virtual_emit(file->inode, ctx))
		for (int fd = (int)ctx->pos - 2; (fd = fd_table_next(t, (u32)fd)) >= 0; fd++) {
			u32 len = (u32)scnprintf(name, sizeof(name), "%d", fd);

			if (!ctx->emit(ctx, name, len, file->inode->ino + (u64)fd + 1, links ? DT_LNK : DT_REG, (off_t)fd + 3))
				break;
			ctx->pos = (off_t)fd + 3;
		}
	fd_table_put(t);
	return 0;
}

const struct inode_ops pid_fd_dir_ops = { .lookup = fd_lookup, .setattr = virtual_setattr, .revalidate = pid_revalidate };
const struct inode_ops pid_fdinfo_dir_ops = {
	.lookup = fdinfo_lookup, .setattr = virtual_setattr, .revalidate = pid_revalidate,
};
const struct file_ops pid_fd_dir_fops = { .iterate = iterate, .seek = generic_file_seek };
const struct file_ops pid_fdinfo_dir_fops = { .iterate = iterate, .seek = generic_file_seek };

#define FDINFO_MAX 8192u		/* of what the file itself has to tell */

int pid_fdinfo_show(struct text *t, struct process *p, int fd)
{
	struct file *f = file_of(p, fd);
	char *more;
	int n;

	if (!f)
		return -ENOENT;
	text_printf(t, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", (long long)f->pos, f->flags,
		    f->path.mnt ? f->path.mnt->id : 0, (unsigned long long)f->inode->ino);
	more = f->ops->show_fdinfo && !(f->mode & FMODE_PATH) ? kmalloc(FDINFO_MAX, 0) : NULL;
	if (more) {
		n = f->ops->show_fdinfo(f, more, FDINFO_MAX);
		text_append(t, more, n > 0 ? min((size_t)n, (size_t)FDINFO_MAX - 1) : 0);
		kfree(more);
	}
	file_put(f);
	return 0;
}

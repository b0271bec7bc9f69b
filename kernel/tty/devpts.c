/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: the file system of pseudo-terminals' names (/dev/pts), and its ptmx. One instance, whatever the number of
 * mounts; its options are the last mount's. Names come and go with the pairs of pty.c, so absent ones are not
 * remembered and cached ones are looked at again.
 */
#include "internal.h"
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/dirent.h>
#include <uapi/statfs.h>

#define DEVPTS_MAGIC 0x1cd1
#define INO_ROOT 1
#define INO_PTMX 2
#define INO_FIRST 3	/* plus the index */

/* Plain words: who mounts at the same time as who opens gets either. */
static struct {
	uid_t uid;
	gid_t gid;
	bool has_uid, has_gid;
	mode_t mode, ptmx_mode;
} options = { .mode = 0600 };

void devpts_defaults(struct pty_name *n)
{
	const struct cred *c = cred_current();

	n->uid = options.has_uid ? options.uid : c->fsuid;
	n->gid = options.has_gid ? options.gid : c->fsgid;
	n->mode = options.mode;
}

/* ---- nodes ---- */

static bool node_name(const struct inode *i, struct pty_name *n)
{
	return i->ino >= INO_FIRST && pty_name_get((u32)(i->ino - INO_FIRST), n) && n->generation == (u64)(uintptr_t)i->private;
}

static bool node_revalidate(struct inode *i)
{
	struct pty_name n;

	return node_name(i, &n);
}

/* The pair keeps what was changed: the inode may be forgotten while it lives. */
static int node_setattr(struct inode *i, const struct iattr *attr)
{
	struct pty_name n;

	inode_setattr_copy(i, attr);
	if (node_name(i, &n)) {
		n.uid = i->uid;
		n.gid = i->gid;
		n.mode = i->mode & S_IALLUGO;
		pty_name_set(&n);
	}
	return 0;
}

static int node_open(struct inode *i, struct file *file)
{
	struct tty *t = pty_slave((u32)(i->ino - INO_FIRST), (u64)(uintptr_t)i->private);
	int err;

	if (!t)
		return -EIO;
	file->ops = &tty_file_ops;
	err = tty_open_line(t, file);
	tty_put(t);
	return err;
}

static int ptmx_setattr(struct inode *i, const struct iattr *attr)
{
	inode_setattr_copy(i, attr);
	options.ptmx_mode = i->mode & S_IALLUGO;
	return 0;
}

static int ptmx_open(struct inode *i, struct file *file)
{
	file->ops = &pty_master_ops;
	return pty_master_ops.open(i, file);
}

static const struct inode_ops node_ops = { .setattr = node_setattr, .revalidate = node_revalidate };
static const struct inode_ops ptmx_ops = { .setattr = ptmx_setattr };
static const struct file_ops node_fops = { .open = node_open };
static const struct file_ops ptmx_fops = { .open = ptmx_open };

static struct inode *node_new(struct super_block *sb, ino_t ino, mode_t mode, dev_t dev)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	i->ino = ino;
	i->mode = mode;
	i->rdev = dev;
	i->nlink = 1;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	i->btime = i->mtime;
	return i;
}

/* ---- the directory ---- */

/* A decimal number without leading zeros. */
static bool parse_index(const char *name, u32 len, u32 *index)
{
	u64 n = 0;

	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return false;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		n = n * 10 + (u64)(name[i] - '0');
	}
	*index = (u32)n;
	return true;
}

static int root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct pty_name n;
	struct inode *i;
	u32 index;

	*out = NULL;
	if (len == 4 && !memcmp(name, "ptmx", 4)) {
		i = node_new(dir->sb, INO_PTMX, S_IFCHR | options.ptmx_mode, DEV_PTMX);
		if (!i)
			return -ENOMEM;
		i->ops = &ptmx_ops;
		i->fops = &ptmx_fops;
		*out = i;
		return 0;
	}
	if (!parse_index(name, len, &index) || !pty_name_get(index, &n))
		return 0;
	i = node_new(dir->sb, INO_FIRST + index, S_IFCHR | n.mode, MKDEV(PTS_MAJOR, index));
	if (!i)
		return -ENOMEM;
	i->uid = n.uid;
	i->gid = n.gid;
	i->private = (void *)(uintptr_t)n.generation;
	i->ops = &node_ops;
	i->fops = &node_fops;
	*out = i;
	return 0;
}

/* Positions: ".", "..", "ptmx", then 3 + index. */
static int root_iterate(struct file *f, struct dir_context *ctx)
{
	struct pty_name n;
	char name[12];

	if (ctx->pos == 0 && !ctx->emit(ctx, ".", 1, INO_ROOT, DT_DIR, 1))
		return 0;
	if (ctx->pos <= 1 && !ctx->emit(ctx, "..", 2, INO_ROOT, DT_DIR, 2))
		return 0;
	if (ctx->pos <= 2 && !ctx->emit(ctx, "ptmx", 4, INO_PTMX, DT_CHR, 3))
		return 0;
	for (u32 from = ctx->pos > 3 ? (u32)min((u64)ctx->pos - 3, (u64)U32_MAX) : 0; pty_name_next(from, &n); from = n.index + 1) {
		u32 len = (u32)snprintf(name, sizeof(name), "%u", n.index);

		if (!ctx->emit(ctx, name, len, INO_FIRST + n.index, DT_CHR, (off_t)n.index + 4))
			return 0;
	}
	return 0;
}

static const struct inode_ops root_ops = { .lookup = root_lookup };
static const struct file_ops root_fops = { .iterate = root_iterate, .seek = generic_file_seek };

/* ---- the file system ---- */

static int option_set(const char *name, const char *value)
{
	const char *end = value;
	u64 v = 0;

	/* One instance is all there is. */
	if (!strcmp(name, "newinstance") && !value)
		return 0;
	if (!value || parse_u64_prefix(value, strcmp(name, "mode") && strcmp(name, "ptmxmode") ? 10 : 8, &v, &end) || *end)
		return -EINVAL;
	if (!strcmp(name, "mode")) {
		options.mode = v & S_IALLUGO;
	} else if (!strcmp(name, "ptmxmode")) {
		options.ptmx_mode = v & S_IALLUGO;
	} else if (!strcmp(name, "uid") && v < U32_MAX) {
		options.uid = (uid_t)v;
		options.has_uid = true;
	} else if (!strcmp(name, "gid") && v < U32_MAX) {
		options.gid = (gid_t)v;
		options.has_gid = true;
	} else {
		return -EINVAL;
	}
	return 0;
}

/* What is not given is the default again. */
static int options_parse(const char *data)
{
	char *copy = kstrdup(data ? data : "", 0), *word, *next, *value;
	int err = copy ? 0 : -ENOMEM;

	options.mode = 0600;
	options.ptmx_mode = 0;
	options.has_uid = options.has_gid = false;
	for (word = copy; !err && word && *word; word = next) {
		next = strchr(word, ',');
		if (next)
			*next++ = 0;
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		err = *word ? option_set(word, value) : 0;
		if (err)
			log_err("devpts: unknown or bad option '%s'", word);
	}
	kfree(copy);
	return err;
}

static int devpts_statfs(struct super_block *sb, struct statfs_kernel *st)
{
	st->type = sb->magic;
	st->block_size = PAGE_SIZE;
	st->name_len = NAME_MAX;
	return 0;
}

static int devpts_show_options(struct super_block *sb, char *buf, size_t size)
{
	int n = 0;

	if (options.has_uid)
		n += scnprintf(buf + n, size - (size_t)n, ",uid=%u", options.uid);
	if (options.has_gid)
		n += scnprintf(buf + n, size - (size_t)n, ",gid=%u", options.gid);
	return n + scnprintf(buf + n, size - (size_t)n, ",mode=%03o,ptmxmode=%03o", options.mode, options.ptmx_mode);
}

static int devpts_remount(struct super_block *sb, u32 flags, const char *data)
{
	return options_parse(data);
}

static const struct super_ops super_ops = {
	.statfs = devpts_statfs, .show_options = devpts_show_options, .remount = devpts_remount,
};

static int devpts_mount(struct super_block *sb, const char *data)
{
	struct inode *root;
	int err = options_parse(data);

	if (err)
		return err;
	sb->ops = &super_ops;
	sb->block_size = PAGE_SIZE;
	sb->max_bytes = (u64)S64_MAX;
	sb->magic = DEVPTS_MAGIC;
	sb->time_gran_ns = 1;
	root = node_new(sb, INO_ROOT, S_IFDIR | 0755, 0);
	if (!root)
		return -ENOMEM;
	root->nlink = 2;
	root->ops = &root_ops;
	root->fops = &root_fops;
	atomic_fetch_or(&root->flags, (u32)INODE_VOLATILE);
	sb->root = dentry_make_root(root);
	if (!sb->root) {
		inode_put(root);
		return -ENOMEM;
	}
	return 0;
}

static struct file_system devpts = { .name = "devpts", .flags = FS_VIRTUAL | FS_SINGLE, .mount = devpts_mount };

void devpts_init(void) { fs_register(&devpts); }

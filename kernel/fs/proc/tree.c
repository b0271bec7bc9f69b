/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registered names of /proc and /sys: directories appear with the first file below them. A
 * spinlock guards the shape; inodes point at nodes and are made when a name is looked up.
 */
#include <kernel/log.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/dirent.h>
#include "virtual.h"

static struct spinlock virtual_tree_lock = SPINLOCK_INIT("virtual tree", LOCK_MISC);
static struct kmem_cache *cache;	/* made at the first mount */
static ino_t next_ino = 2;		/* virtual_tree_lock */

static struct virtual_node *child_of(struct virtual_node *dir, const char *name, u32 len)
{
	struct virtual_node *n;

	lock_assert_held(&virtual_tree_lock);
	if (!dir->children.next)
		return NULL;
	list_for_each(n, &dir->children, sibling)
		if (n->name_len == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

/* The names' text is the registrar's path, which stays: nodes point into it. */
static struct virtual_node *attach(struct virtual_node *dir, const char *name, u32 len, struct virtual_node *fresh)
{
	fresh->name = name;
	fresh->name_len = len;
	fresh->parent = dir;
	fresh->ino = next_ino++;
	list_init(&fresh->children);
	if (!dir->children.next)
		list_init(&dir->children);
	list_push_back(&dir->children, &fresh->sibling);
	return fresh;
}

/* One component: existing directory, or `fresh` attached. NULL: a file is in the way. */
static struct virtual_node *step(struct virtual_node *dir, const char *name, u32 len, struct virtual_node **fresh, bool is_last)
{
	struct virtual_node *n;

	spin_lock(&virtual_tree_lock);
	n = child_of(dir, name, len);
	if (n && (is_last || n->file || n->target)) {
		n = NULL;
	} else if (!n) {
		n = attach(dir, name, len, *fresh);
		*fresh = NULL;
	}
	spin_unlock(&virtual_tree_lock);
	return n;
}

int virtual_tree_add(struct virtual_tree *t, const char *path, const struct virtual_file *file, const char *target)
{
	struct virtual_node *dir = &t->root;

	while (1) {
		const char *slash = strchr(path, '/');
		u32 len = slash ? (u32)(slash - path) : (u32)strlen(path);
		struct virtual_node *fresh = kzalloc(sizeof(*fresh), 0);

		if (!fresh)
			return -ENOMEM;
		if (!slash) {
			fresh->file = file;
			fresh->target = target;
		}
		dir = step(dir, path, len, &fresh, !slash);
		kfree(fresh);
		if (!dir)
			return -EEXIST;
		if (!slash)
			return 0;
		path = slash + 1;
	}
}

/* Unlinks the name; its node stays allocated, since inodes may still point at it. */
void virtual_tree_remove(struct virtual_tree *t, const char *path)
{
	struct virtual_node *n = &t->root;

	spin_lock(&virtual_tree_lock);
	while (n && *path) {
		const char *slash = strchr(path, '/');
		u32 len = slash ? (u32)(slash - path) : (u32)strlen(path);

		n = child_of(n, path, len);
		path += len + (slash != NULL);
	}
	if (n && n != &t->root && !list_empty(&n->sibling))
		list_remove(&n->sibling);
	spin_unlock(&virtual_tree_lock);
}

int procfs_add(const struct virtual_file *f) { return virtual_tree_add(&procfs_tree, f->path, f, NULL); }
int sysfs_add(const struct virtual_file *f) { return virtual_tree_add(&sysfs_tree, f->path, f, NULL); }
int sysfs_add_link(const char *path, const char *target) { return virtual_tree_add(&sysfs_tree, path, NULL, target); }
void sysfs_remove(const char *path) { virtual_tree_remove(&sysfs_tree, path); }

static struct inode *alloc_inode(struct super_block *sb)
{
	struct virtual_inode *v = kmem_cache_alloc(cache, ALLOC_ZERO);

	return v ? &v->inode : NULL;
}

static void free_inode(struct inode *i) { kmem_cache_free(cache, virtual_i(i)); }

static int virtual_statfs(struct super_block *sb, struct statfs_kernel *st)
{
	st->type = sb->magic;
	st->block_size = PAGE_SIZE;
	st->name_len = NAME_MAX;
	return 0;
}

static const struct super_ops virtual_super_ops = {
	.alloc_inode = alloc_inode, .free_inode = free_inode, .statfs = virtual_statfs,
};

struct inode *virtual_inode_new(struct super_block *sb, mode_t mode, ino_t ino)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	i->mode = mode;
	i->ino = ino;
	i->nlink = S_ISDIR(mode) ? 2 : 1;
	virtual_i(i)->fd = -1;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return i;
}

static const struct inode_ops virtual_dir_ops = { .lookup = virtual_lookup, .setattr = virtual_setattr };
static const struct inode_ops virtual_file_ops = { .setattr = virtual_setattr };

int virtual_setattr(struct inode *inode, const struct iattr *attr)
{
	/* Opening with O_TRUNC is how shells write to such files; there is nothing to cut. */
	if (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	return 0;
}

static struct inode *inode_of_node(struct super_block *sb, struct virtual_node *n)
{
	mode_t mode = n->file ? S_IFREG | n->file->mode : n->target ? S_IFLNK | 0777 : S_IFDIR | 0555;
	struct inode *i = virtual_inode_new(sb, mode, n->ino);

	if (!i)
		return NULL;
	virtual_i(i)->node = n;
	i->ops = n->file ? &virtual_file_ops : n->target ? &virtual_link_ops : &virtual_dir_ops;
	i->fops = n->file ? &virtual_event_fops : n->target ? NULL : &virtual_dir_fops;
	return i;
}

int virtual_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct virtual_node *n;

	spin_lock(&virtual_tree_lock);
	n = child_of(virtual_i(dir)->node, name, len);
	spin_unlock(&virtual_tree_lock);
	*out = n ? inode_of_node(dir->sb, n) : NULL;
	return n && !*out ? -ENOMEM : 0;
}

static u32 type_of(const struct virtual_node *n) { return n->file ? DT_REG : n->target ? DT_LNK : DT_DIR; }

/* The n-th child, counted from 0; NULL past the end. */
static struct virtual_node *nth_child(struct virtual_node *dir, u64 n)
{
	struct virtual_node *c, *found = NULL;

	spin_lock(&virtual_tree_lock);
	if (dir->children.next)
		list_for_each(c, &dir->children, sibling)
			if (n-- == 0) {
				found = c;
				break;
			}
	spin_unlock(&virtual_tree_lock);
	return found;
}

bool virtual_emit(struct inode *dir, struct dir_context *ctx)
{
	struct virtual_node *d = virtual_i(dir)->node, *n;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, dir->ino, DT_DIR, 1))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, d && d->parent ? d->parent->ino : dir->ino, DT_DIR, 2))
			return false;
		ctx->pos = 2;
	}
	while (d && ctx->pos < VIRTUAL_POS_END && (n = nth_child(d, (u64)ctx->pos - 2))) {
		off_t next = ctx->pos + 1;

		if (!ctx->emit(ctx, n->name, n->name_len, n->ino, type_of(n), next))
			return false;
		ctx->pos = next;	/* emit may have set it, too */
	}
	return true;
}

static int virtual_iterate(struct file *file, struct dir_context *ctx)
{
	virtual_emit(file->inode, ctx);
	return 0;
}

const struct file_ops virtual_dir_fops = { .iterate = virtual_iterate, .seek = generic_file_seek };

static ssize_t link_read(struct inode *inode, char *buf, size_t size)
{
	return (ssize_t)min(strlcpy(buf, virtual_i(inode)->node->target, size), size);
}

const struct inode_ops virtual_link_ops = { .readlink = link_read, .setattr = virtual_setattr };

int virtual_mount(struct super_block *sb, struct virtual_tree *t, const struct inode_ops *root_ops,
		  const struct file_ops *root_fops, u64 magic)
{
	struct inode *root;

	if (!cache)
		cache = kmem_cache_create("virtual_inode", sizeof(struct virtual_inode), 0, NULL);
	sb->ops = &virtual_super_ops;
	sb->block_size = PAGE_SIZE;
	sb->max_bytes = (u64)S64_MAX;
	sb->magic = magic;
	sb->time_gran_ns = 1;
	root = virtual_inode_new(sb, S_IFDIR | 0555, 1);
	if (!root)
		return -ENOMEM;
	t->root.ino = 1;
	virtual_i(root)->node = &t->root;
	root->ops = root_ops ? root_ops : &virtual_dir_ops;
	root->fops = root_fops ? root_fops : &virtual_dir_fops;
	sb->root = dentry_make_root(root);
	return sb->root ? 0 : -ENOMEM;
}

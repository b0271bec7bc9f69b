/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cgroup2 file system: a directory per group (kernel/proc/group/), a file per thing that can be
 * seen or set. mkdir and rmdir make and remove groups; a controller's files come and go with the
 * parent's cgroup.subtree_control, so absent names are not remembered and cached ones are
 * looked at again. One instance, whatever the number of mounts.
 */
#include "cgroupfs.h"
#include <uapi/dirent.h>

#define CGROUP2_MAGIC 0x63677270
#define INO_FILES BIT(40)

static struct kmem_cache *cache;	/* made at the first mount */

static struct inode *alloc_inode(struct super_block *sb)
{
	struct cgroup_inode *c = kmem_cache_alloc(cache, ALLOC_ZERO);

	return c ? &c->inode : NULL;
}

static void free_inode(struct inode *i)
{
	if (cgroup_i(i)->group)
		group_put(cgroup_i(i)->group);
	kmem_cache_free(cache, cgroup_i(i));
}

static int cgroup_statfs(struct super_block *sb, struct statfs_kernel *st)
{
	st->type = sb->magic;
	st->block_size = PAGE_SIZE;
	st->name_len = NAME_MAX;
	return 0;
}

static const struct super_ops super_ops = { .alloc_inode = alloc_inode, .free_inode = free_inode, .statfs = cgroup_statfs };

static const struct inode_ops dir_ops, file_ops;
static const struct file_ops dir_fops;

/* Takes over the reference of g. */
static struct inode *inode_of(struct super_block *sb, struct group *g, const struct group_file *f,
			      const struct group_controller *c, ino_t ino)
{
	struct inode *i = inode_new(sb);
	struct cgroup_owner o;

	if (!i) {
		group_put(g);
		return NULL;
	}
	cgroup_owner_get(g, f, &o);
	cgroup_i(i)->group = g;
	cgroup_i(i)->file = f;
	cgroup_i(i)->controller = c;
	i->ino = ino;
	i->mode = o.mode | (f ? S_IFREG : S_IFDIR);
	i->uid = o.uid;
	i->gid = o.gid;
	i->nlink = f ? 1 : 2 + atomic_load(&g->nr_children);
	i->ops = f ? &file_ops : &dir_ops;
	i->fops = f ? &cgroup_file_fops : &dir_fops;
	if (!f)
		(void)atomic_fetch_or(&i->flags, (u32)INODE_VOLATILE);
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return i;
}

static bool has_file(const struct group *g, const struct group_controller *c, const struct group_file *f)
{
	return (g->parent || !(f->flags & GROUP_FILE_NOT_ROOT)) && (!c || group_has_controller(g, c));
}

/* The n-th file that g has, counted from 0, and whose; NULL past the end. *ino is stable. */
static const struct group_file *nth_file(const struct group *g, u64 n, const struct group_controller **owner, ino_t *ino)
{
	const struct group_file *f = cgroup_core_files;
	const struct group_controller *c = NULL;

	for (unsigned next = 0, k = 0;; f++, k++) {
		while (!f->name) {
			c = group_controller_at(next++);
			if (!c)
				return NULL;
			f = c->files;
			k = next * 64;
		}
		if (!has_file(g, c, f) || n-- > 0)
			continue;
		*owner = c;
		*ino = INO_FILES + (g->id << 10) + k;
		return f;
	}
}

/* The file of that name that g has; NULL. One pass, unlike asking nth_file for each. */
static const struct group_file *named_file(const struct group *g, const char *name, u32 len, const struct group_controller **owner,
					   ino_t *ino)
{
	const struct group_file *f = cgroup_core_files;
	const struct group_controller *c = NULL;

	for (unsigned next = 0, k = 0;; f++, k++) {
		while (!f->name) {
			c = group_controller_at(next++);
			if (!c)
				return NULL;
			f = c->files;
			k = next * 64;
		}
		if (f->name[0] != name[0] || strlen(f->name) != len || memcmp(f->name, name, len) || !has_file(g, c, f))
			continue;
		*owner = c;
		*ino = INO_FILES + (g->id << 10) + k;
		return f;
	}
}

static int cgroup_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct group *g = cgroup_i(dir)->group, *child = group_find_child(g, name, len);
	const struct group_controller *c;
	const struct group_file *f;
	ino_t ino;

	*out = NULL;
	if (child) {
		*out = inode_of(dir->sb, child, NULL, NULL, child->id);
		return *out ? 0 : -ENOMEM;
	}
	f = named_file(g, name, len, &c, &ino);
	if (!f)
		return 0;
	*out = inode_of(dir->sb, group_get(g), f, c, ino);
	return *out ? 0 : -ENOMEM;
}

static bool cgroup_revalidate(struct inode *inode)
{
	const struct cgroup_inode *c = cgroup_i(inode);

	return !atomic_load(&c->group->is_dead) && (!c->file || has_file(c->group, c->controller, c->file));
}

static int cgroup_mkdir(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	const struct cred *cred = cred_current();
	const struct group_controller *c;
	struct group *g;
	ino_t ino;
	int err;

	if (memchr(name, '\n', len))	/* would break /proc/PID/cgroup */
		return -EINVAL;
	if (named_file(cgroup_i(dir)->group, name, len, &c, &ino))
		return -EEXIST;
	err = group_create(cgroup_i(dir)->group, name, len, cred->fsuid, cred->fsgid, &g);
	if (err)
		return err;
	*out = inode_of(dir->sb, group_get(g), NULL, NULL, g->id);
	if (!*out) {
		(void)group_remove(g);
		group_put(g);
		return -ENOMEM;
	}
	group_put(g);
	dir->nlink++;
	return 0;
}

static int cgroup_rmdir(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	struct group *g = cgroup_i(target)->group;
	int err;

	if (cgroup_i(target)->file)
		return -ENOTDIR;
	err = group_remove(g);
	if (err)
		return err;
	cgroup_owners_drop(g);
	target->nlink = 0;
	dir->nlink--;
	return 0;
}

static int cgroup_setattr(struct inode *inode, const struct iattr *attr)
{
	struct cgroup_inode *c = cgroup_i(inode);
	struct cgroup_owner o = { inode->mode & S_IALLUGO, inode->uid, inode->gid };
	int err = 0;

	if (attr->valid & ATTR_MODE)
		o.mode = attr->mode & S_IALLUGO;
	if (attr->valid & ATTR_UID)
		o.uid = attr->uid;
	if (attr->valid & ATTR_GID)
		o.gid = attr->gid;
	if (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		err = cgroup_owner_set(c->group, c->file, &o);
	if (!err) {
		struct iattr rest = *attr;

		rest.valid &= ~(u32)ATTR_SIZE;	/* O_TRUNC of a shell's redirection cuts nothing */
		inode_setattr_copy(inode, &rest);
	}
	return err;
}

static const struct inode_ops dir_ops = {
	.lookup = cgroup_lookup, .mkdir = cgroup_mkdir, .rmdir = cgroup_rmdir, .setattr = cgroup_setattr,
	.revalidate = cgroup_revalidate,
};
static const struct inode_ops file_ops = { .setattr = cgroup_setattr, .revalidate = cgroup_revalidate };

/* Positions: 0 ".", 1 "..", then files, then from POS_CHILDREN on the ids of child groups. */
#define POS_CHILDREN 0x100000

static bool emit_files(struct inode *dir, struct dir_context *ctx)
{
	struct group *g = cgroup_i(dir)->group;
	const struct group_controller *c;
	const struct group_file *f;
	ino_t ino;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, dir->ino, DT_DIR, 1))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, g->parent ? g->parent->id : dir->ino, DT_DIR, 2))
			return false;
		ctx->pos = 2;
	}
	while (ctx->pos < POS_CHILDREN && (f = nth_file(g, (u64)ctx->pos - 2, &c, &ino))) {
		off_t next = ctx->pos + 1;

		if (!ctx->emit(ctx, f->name, (u32)strlen(f->name), ino, DT_REG, next))
			return false;
		ctx->pos = next;
	}
	return true;
}

static int cgroup_iterate(struct file *file, struct dir_context *ctx)
{
	struct group *g = cgroup_i(file->inode)->group, *child;
	bool room = emit_files(file->inode, ctx);

	if (room && ctx->pos < POS_CHILDREN)
		ctx->pos = POS_CHILDREN;
	while (room && (child = group_next_child(g, (u64)(ctx->pos - POS_CHILDREN)))) {
		off_t next = POS_CHILDREN + (off_t)child->id + 1;

		room = ctx->emit(ctx, child->name, (u32)strlen(child->name), child->id, DT_DIR, next);
		if (room)
			ctx->pos = next;
		group_put(child);
	}
	return 0;
}

static const struct file_ops dir_fops = { .iterate = cgroup_iterate, .seek = generic_file_seek };

static int cgroup_mount(struct super_block *sb, const char *data)
{
	struct inode *root;

	if (!cache)
		cache = kmem_cache_create("cgroup_inode", sizeof(struct cgroup_inode), 0, NULL);
	sb->ops = &super_ops;
	sb->block_size = PAGE_SIZE;
	sb->max_bytes = (u64)S64_MAX;
	sb->magic = CGROUP2_MAGIC;
	sb->time_gran_ns = 1;
	root = inode_of(sb, group_get(&group_root), NULL, NULL, group_root.id);
	if (!root)
		return -ENOMEM;
	sb->root = dentry_make_root(root);
	return sb->root ? 0 : -ENOMEM;
}

static struct file_system cgroup_file_system = {
	.name = "cgroup2", .flags = FS_VIRTUAL | FS_SINGLE, .mount = cgroup_mount,
};

void cgroupfs_init(void)
{
	fs_register(&cgroup_file_system);
	if (sysfs_add_link("fs/cgroup", NULL))	/* the place to mount it */
		log_warn("cgroup2: no /sys/fs/cgroup");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories of tmpfs: two trees over the same entries, by name for lookups and by cookie for reading in order. */
#include "tmpfs.h"
#include <uapi/dirent.h>

static int compare(const struct tmpfs_entry *e, const char *name, u32 len)
{
	int r = memcmp(name, e->name, min(len, e->len));

	return r ? r : len < e->len ? -1 : len > e->len;
}

static struct tmpfs_entry *find(struct inode *dir, const char *name, u32 len)
{
	struct rb_node *n = tmpfs_i(dir)->names.root;

	while (n) {
		struct tmpfs_entry *e = rb_entry(n, struct tmpfs_entry, by_name);
		int r = compare(e, name, len);

		if (!r)
			return e;
		n = r < 0 ? n->left : n->right;
	}
	return NULL;
}

static struct tmpfs_entry *entry_new(const char *name, u32 len)
{
	struct tmpfs_entry *e = kzalloc(sizeof(*e) + len, 0);

	if (e) {
		memcpy(e->name, name, len);
		e->len = len;
	}
	return e;
}

/* Adds a name that is not there. The entry takes over the caller's reference of inode. */
static void insert(struct inode *dir, struct tmpfs_entry *e, struct inode *inode)
{
	struct tmpfs_inode *t = tmpfs_i(dir);
	struct rb_node **link = &t->names.root, *parent = NULL;

	e->inode = inode;
	while (*link) {
		parent = *link;
		link = compare(rb_entry(parent, struct tmpfs_entry, by_name), e->name, e->len) < 0 ? &parent->left : &parent->right;
	}
	rb_link(&e->by_name, parent, link);
	rb_insert_fixup(&t->names, &e->by_name, NULL);
	e->cookie = t->next_cookie++;
	parent = rb_last(&t->cookies);	/* cookies only grow */
	link = parent ? &parent->right : &t->cookies.root;
	rb_link(&e->by_cookie, parent, link);
	rb_insert_fixup(&t->cookies, &e->by_cookie, NULL);
	dir->size += DIRENT_SIZE;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

static void detach(struct tmpfs_inode *t, struct tmpfs_entry *e)
{
	rb_remove(&t->names, &e->by_name, NULL);
	rb_remove(&t->cookies, &e->by_cookie, NULL);
}

/* Takes the entry out and frees it; its inode reference is the caller's now. */
static struct inode *take_out(struct inode *dir, struct tmpfs_entry *e)
{
	struct inode *inode = e->inode;

	detach(tmpfs_i(dir), e);
	kfree(e);
	dir->size -= DIRENT_SIZE;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return inode;
}

/*
 * The directory itself is evicted; when its file system is unmounted it may still have names. Those of
 * a subdirectory move up here first, so that a deep tree needs no deep stack.
 */
void tmpfs_dir_drop_all(struct inode *dir)
{
	struct rb_node *n, *below;

	while ((n = rb_first(&tmpfs_i(dir)->names))) {
		struct inode *child = take_out(dir, rb_entry(n, struct tmpfs_entry, by_name));

		while (S_ISDIR(child->mode) && (below = rb_first(&tmpfs_i(child)->names))) {
			struct tmpfs_entry *e = rb_entry(below, struct tmpfs_entry, by_name);

			detach(tmpfs_i(child), e);
			insert(dir, e, e->inode);
		}
		inode_put(child);
	}
}

static int lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct tmpfs_entry *e = find(dir, name, len);

	*out = e ? inode_get(e->inode) : NULL;
	return 0;
}

static int add(struct inode *dir, const char *name, u32 len, struct inode *inode)
{
	struct tmpfs_entry *e = entry_new(name, len);

	if (!e)
		return -ENOMEM;
	insert(dir, e, inode_get(inode));
	return 0;
}

static int mknod(struct inode *dir, const char *name, u32 len, mode_t mode, dev_t dev, struct inode **out)
{
	struct inode *i = tmpfs_inode_new(dir->sb, dir, mode, dev);
	int err;

	if (!i)
		return -ENOSPC;
	err = add(dir, name, len, i);
	if (err) {
		inode_put(i);
		return err;
	}
	*out = i;
	return 0;
}

static int create(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	return mknod(dir, name, len, mode, 0, out);
}

static int mkdir(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	int err = mknod(dir, name, len, mode, 0, out);

	if (!err)
		dir->nlink++;
	return err;
}

static int symlink(struct inode *dir, const char *name, u32 len, const char *target, struct inode **out)
{
	char *copy = kstrdup(target, 0);
	int err = copy ? mknod(dir, name, len, S_IFLNK | 0777, 0, out) : -ENOMEM;

	if (err) {
		kfree(copy);
		return err;
	}
	tmpfs_i(*out)->target = copy;
	(*out)->size = strlen(target);
	return 0;
}

static int link(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	int err = add(dir, name, len, target);

	if (!err) {
		target->nlink++;
		inode_touch(target, ATTR_CTIME);
	}
	return err;
}

static int unlink(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	struct tmpfs_entry *e = find(dir, name, len);

	if (!e)
		return -ENOENT;
	target->nlink--;
	inode_touch(target, ATTR_CTIME);
	inode_put(take_out(dir, e));	/* not the last: the caller's dentry has one */
	return 0;
}

static int rmdir(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	if (tmpfs_i(target)->names.root)
		return -ENOTEMPTY;
	target->nlink = 1;	/* "." goes with the name */
	dir->nlink--;
	return unlink(dir, name, len, target);
}

static void set_parent(struct inode *i, struct inode *from, struct inode *to)
{
	if (!S_ISDIR(i->mode) || from == to)
		return;
	from->nlink--;
	to->nlink++;
	tmpfs_i(i)->parent_ino = to->ino;
}

static int exchange(struct inode *a_dir, struct tmpfs_entry *a, struct inode *b_dir, struct tmpfs_entry *b)
{
	struct inode *t = a->inode;

	a->inode = b->inode;
	b->inode = t;
	set_parent(a->inode, b_dir, a_dir);
	set_parent(b->inode, a_dir, b_dir);
	inode_touch(a_dir, ATTR_MTIME | ATTR_CTIME);
	inode_touch(b_dir, ATTR_MTIME | ATTR_CTIME);
	inode_touch(a->inode, ATTR_CTIME);
	inode_touch(b->inode, ATTR_CTIME);
	return 0;
}

static int rename(struct inode *from_dir, const char *from, u32 from_len, struct inode *inode,
		  struct inode *to_dir, const char *to, u32 to_len, struct inode *victim, u32 flags)
{
	struct tmpfs_entry *e = find(from_dir, from, from_len), *old = find(to_dir, to, to_len), *fresh;
	int err;

	if (!e)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE)
		return old ? exchange(from_dir, e, to_dir, old) : -ENOENT;
	fresh = entry_new(to, to_len);
	if (!fresh)
		return -ENOMEM;
	if (victim) {
		err = S_ISDIR(victim->mode) ? rmdir(to_dir, to, to_len, victim) : unlink(to_dir, to, to_len, victim);
		if (err) {
			kfree(fresh);
			return err;
		}
	}
	insert(to_dir, fresh, take_out(from_dir, e));
	set_parent(inode, from_dir, to_dir);
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

static int tmpfile(struct inode *dir, mode_t mode, struct inode **out)
{
	*out = tmpfs_inode_new(dir->sb, dir, mode, 0);
	if (!*out)
		return -ENOSPC;
	(*out)->nlink = 0;
	return 0;
}

const struct inode_ops tmpfs_dir_ops = {
	.lookup = lookup,
	.create = create,
	.mkdir = mkdir,
	.mknod = mknod,
	.symlink = symlink,
	.link = link,
	.unlink = unlink,
	.rmdir = rmdir,
	.rename = rename,
	.tmpfile = tmpfile,
	TMPFS_XATTR_OPS,
};

/* The entry with the smallest cookie >= at. */
static struct tmpfs_entry *find_from(struct inode *dir, u64 at)
{
	struct rb_node *n = tmpfs_i(dir)->cookies.root;
	struct tmpfs_entry *best = NULL;

	while (n) {
		struct tmpfs_entry *e = rb_entry(n, struct tmpfs_entry, by_cookie);

		if (e->cookie >= at) {
			best = e;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

/* Position 0 is ".", 1 is "..", then cookies. */
static int iterate(struct file *f, struct dir_context *ctx)
{
	struct inode *dir = f->inode;
	struct tmpfs_entry *e;
	struct rb_node *n;

	if (ctx->pos == 0 && !ctx->emit(ctx, ".", 1, dir->ino, DT_DIR, 1))
		return 0;
	if (ctx->pos <= 1 && !ctx->emit(ctx, "..", 2, tmpfs_i(dir)->parent_ino, DT_DIR, 2))
		return 0;
	e = find_from(dir, max((u64)ctx->pos, (u64)2));
	while (e) {
		n = rb_next(&e->by_cookie);
		if (!ctx->emit(ctx, e->name, e->len, e->inode->ino, DT_FROM_MODE(e->inode->mode), (off_t)e->cookie + 1))
			return 0;
		e = n ? rb_entry(n, struct tmpfs_entry, by_cookie) : NULL;
	}
	return 0;
}

static off_t dir_seek(struct file *f, off_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	return f->pos = off;
}

static int dir_fsync(struct file *f, u64 start, u64 end, bool data_only) { return 0; }

const struct file_ops tmpfs_dir_file_ops = { .iterate = iterate, .seek = dir_seek, .fsync = dir_fsync };

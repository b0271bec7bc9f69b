/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path walk: from text to a place in the tree, component by component with references, through
 * symlinks, "..", and mounts; without recursion: a symlink's text replaces the rest of the path.
 * Nothing is locked between components; a directory's lock is taken to ask the file system.
 */
#include "vfs.h"

bool walk_is_symlink(const struct dentry *d)
{
	return d->inode && S_ISLNK(d->inode->mode);
}

/* dir NULL: cwd. name stays the caller's and must outlive the walk. */
int walk_begin(struct walk *w, const struct path *dir, const char *name)
{
	struct fs_context *fc = fs_context_current();

	*w = (struct walk){ .rest = name };
	if (*name == '/') {
		fs_context_get_paths(fc, NULL, &w->root);
		w->cur = w->root;
		path_get(&w->cur);
	} else if (dir) {
		fs_context_get_paths(fc, NULL, &w->root);
		w->cur = *dir;
		path_get(&w->cur);
	} else {
		fs_context_get_paths(fc, &w->cur, &w->root);
	}
	return 0;
}

int walk_begin_resolve(struct walk *w, const struct path *dir, const char *name, u32 resolve)
{
	const bool is_scoped = resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT);
	int err;

	if (resolve & RESOLVE_BENEATH && *name == '/')
		return -EXDEV;
	while (is_scoped && *name == '/')
		name++;
	err = walk_begin(w, dir, name);
	w->resolve = resolve;
	if (!err && is_scoped) {	/* the start is the root of all there is */
		path_put(&w->root);
		w->root = w->cur;
		path_get(&w->root);
	}
	return err;
}

void walk_end(struct walk *w)
{
	path_put(&w->cur);
	path_put(&w->root);
	kfree(w->owned);
}

static bool still_right(struct dentry *d)
{
	const struct inode_ops *ops = d->inode ? d->inode->ops : NULL;

	return !ops || !ops->revalidate || ops->revalidate(d->inode);
}

/* The cached name unless its file system says it no longer holds. */
static struct dentry *find_valid(struct dentry *dir, const char *name, u32 len)
{
	struct dentry *d = dentry_find(dir, name, len);

	if (d && !still_right(d)) {
		dentry_unhash(d);
		dentry_put(d);
		return NULL;
	}
	return d;
}

/* Asks the file system and caches the answer. Directory's lock held, read side at least. Referenced; err_ptr. */
struct dentry *dir_lookup_locked(struct dentry *dir, const char *name, u32 len)
{
	struct inode *inode = NULL, *di = dir->inode;
	struct dentry *d = find_valid(dir, name, len);
	int err;

	if (d)
		return d;
	if (!di->ops || !di->ops->lookup)
		return err_ptr(-ENOTDIR);
	if (di->nlink == 0)
		return err_ptr(-ENOENT);
	d = dentry_alloc(dir, name, len);
	if (!d)
		return err_ptr(-ENOMEM);
	err = di->ops->lookup(di, name, len, &inode);
	if (err) {
		dentry_put(d);
		return err_ptr(err);
	}
	if (inode)
		dentry_instantiate(d, inode);
	else if (di->flags & INODE_VOLATILE)
		return d;	/* not hashed: the name may come any moment */
	return dentry_insert(d);
}

struct dentry *dir_lookup(struct dentry *dir, const char *name, u32 len)
{
	struct dentry *d = find_valid(dir, name, len);

	if (d)
		return d;
	rwlock_read_lock(&dir->inode->lock);
	d = dir_lookup_locked(dir, name, len);
	rwlock_read_unlock(&dir->inode->lock);
	return d;
}

/* Down through whatever is mounted on p. */
static void cross_mounts(struct path *p)
{
	struct mount *m;

	while ((m = mount_on(p))) {
		path_put(p);
		p->mnt = m;
		p->dentry = dentry_get(m->root);
	}
}

/* d is what stands at the walk's place under some name, or why there is nothing. */
static int step_to(struct walk *w, struct dentry *d, struct path *out)
{
	if (unlikely(!d))
		return -EAGAIN;		/* it would have to be asked for */
	if (is_err(d))
		return (int)ptr_err(d);
	out->mnt = mount_get(w->cur.mnt);
	out->dentry = d;
	cross_mounts(out);
	if (unlikely(w->resolve & RESOLVE_NO_XDEV) && out->mnt != w->cur.mnt) {
		path_put(out);
		return -EXDEV;
	}
	return 0;
}

int walk_step_cached(struct walk *w, const char *name, u32 len, struct path *out)
{
	return step_to(w, find_valid(w->cur.dentry, name, len), out);
}

int walk_step(struct walk *w, const char *name, u32 len, struct path *out)
{
	if (unlikely(w->resolve & RESOLVE_CACHED))
		return walk_step_cached(w, name, len, out);
	return step_to(w, dir_lookup(w->cur.dentry, name, len), out);
}

/* To the parent directory; stays at the process's root. */
int walk_up(struct walk *w)
{
	const struct mount *from = w->cur.mnt;
	struct dentry *parent;

	while (1) {
		if (w->cur.dentry == w->root.dentry && w->cur.mnt == w->root.mnt)
			return w->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
		if (w->cur.dentry != w->cur.mnt->root)
			break;
		if (!mount_up(&w->cur))
			return 0;
		if (unlikely(w->resolve & RESOLVE_NO_XDEV))
			return -EXDEV;
	}
	parent = dentry_parent(w->cur.dentry);
	dentry_put(w->cur.dentry);
	w->cur.dentry = parent;
	cross_mounts(&w->cur);
	return unlikely(w->resolve & RESOLVE_NO_XDEV) && w->cur.mnt != from ? -EXDEV : 0;
}

/* text + rest become what is walked next. */
static int set_rest(struct walk *w, const char *text, size_t len)
{
	size_t rest_len = strlen(w->rest);
	char *joined = kmalloc(len + rest_len + 2, 0);

	if (!joined)
		return -ENOMEM;
	memcpy(joined, text, len);
	if (rest_len)
		joined[len++] = '/';
	memcpy(joined + len, w->rest, rest_len + 1);
	kfree(w->owned);
	w->owned = joined;
	w->rest = joined;
	return 0;
}

static int read_link_text(struct walk *w, struct inode *inode)
{
	char *buf = kmalloc(PATH_MAX, 0);
	ssize_t len;
	int err;

	if (!buf)
		return -ENOMEM;
	len = inode->ops->readlink ? inode->ops->readlink(inode, buf, PATH_MAX - 1) : -EINVAL;
	err = len < 0 ? (int)len : len == 0 ? -ENOENT : set_rest(w, buf, (size_t)len);
	if (!err && buf[0] == '/' && (w->resolve & RESOLVE_BENEATH || (w->resolve & RESOLVE_NO_XDEV && w->cur.mnt != w->root.mnt)))
		err = -EXDEV;
	if (!err && buf[0] == '/') {
		path_put(&w->cur);
		w->cur = w->root;
		path_get(&w->cur);
	}
	kfree(buf);
	return err;
}

int walk_symlink(struct walk *w, struct path *link)
{
	struct inode *inode = link->dentry->inode;
	struct path target;
	int err;

	if (++w->nr_links > SYMLINK_MAX_FOLLOW || w->resolve & RESOLVE_NO_SYMLINKS ||
	    (inode->ops->follow && w->resolve & RESOLVE_NO_MAGICLINKS)) {
		err = -ELOOP;
	} else if (inode->ops->follow && w->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
		err = -EXDEV;		/* it may lead anywhere */
	} else if (inode->ops->follow) {
		err = inode->ops->follow(inode, &target);
		if (!err && w->resolve & RESOLVE_NO_XDEV && target.mnt != w->cur.mnt) {
			path_put(&target);
			err = -EXDEV;
		}
		if (!err) {
			path_put(&w->cur);
			w->cur = target;
		}
	} else {
		err = read_link_text(w, inode);
	}
	path_put(link);
	return err;
}

static int may_search(struct walk *w)
{
	struct inode *i = w->cur.dentry->inode;

	if (!i || !S_ISDIR(i->mode))
		return -ENOTDIR;
	return inode_permission(i, MAY_EXEC);
}

/* Cuts the next component off w->rest; *is_final tells that only slashes follow. -ENAMETOOLONG. */
static int next_component(struct walk *w, const char **name, u32 *len, bool *is_final)
{
	const char *p = w->rest;
	size_t n = 0;

	while (p[n] && p[n] != '/')
		n++;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	*name = p;
	*len = (u32)n;
	p += n;
	w->last_slash = *p == '/';
	while (*p == '/')
		p++;
	w->rest = p;
	*is_final = !*p;
	return 0;
}

/*
 * Walks all but the last component: w->cur is the directory in which w->last (w->type) is to be
 * found. LAST_NONE: the path had no component left, w->cur is the place itself.
 */
int walk_parent(struct walk *w)
{
	struct path next;
	const char *name;
	u32 len;
	bool is_final;
	int err;

	while (*w->rest == '/')
		w->rest++;
	w->last_slash = false;
	while (*w->rest) {
		err = may_search(w);
		if (!err)
			err = next_component(w, &name, &len, &is_final);
		if (err)
			return err;
		w->type = name[0] != '.' || len > 2 ? LAST_NAME : len == 1 ? LAST_DOT : name[1] == '.' ? LAST_DOTDOT : LAST_NAME;
		if (is_final) {
			w->last = name;
			w->last_len = len;
			return 0;
		}
		err = w->type == LAST_DOTDOT ? walk_up(w) : 0;
		if (err)
			return err;
		if (w->type != LAST_NAME)
			continue;
		err = walk_step(w, name, len, &next);
		if (err)
			return err;
		if (!next.dentry->inode) {
			path_put(&next);
			return -ENOENT;
		}
		if (walk_is_symlink(next.dentry)) {
			err = walk_symlink(w, &next);
			if (err)
				return err;
			while (*w->rest == '/')
				w->rest++;
			continue;
		}
		path_put(&w->cur);
		w->cur = next;
	}
	w->type = LAST_NONE;
	return 0;
}

/* Resolves the last component into w->cur. */
static int walk_last(struct walk *w, u32 flags)
{
	struct path p;
	bool must_be_dir = flags & LOOKUP_DIRECTORY;
	int err;

	while (1) {
		err = walk_parent(w);
		if (!err && w->type == LAST_DOTDOT)
			err = walk_up(w);
		if (err)
			return err;
		if (w->type != LAST_NAME)
			break;
		must_be_dir |= w->last_slash;
		err = walk_step(w, w->last, w->last_len, &p);
		if (err)
			return err;
		if (!p.dentry->inode) {
			path_put(&p);
			return -ENOENT;
		}
		if (!walk_is_symlink(p.dentry) || (!(flags & LOOKUP_FOLLOW) && !must_be_dir)) {
			path_put(&w->cur);
			w->cur = p;
			break;
		}
		err = walk_symlink(w, &p);
		if (err)
			return err;
	}
	if (must_be_dir && !S_ISDIR(w->cur.dentry->inode->mode))
		return -ENOTDIR;
	return 0;
}

int path_lookup(const struct path *dir, const char *name, u32 flags, struct path *out)
{
	return path_lookup_resolve(dir, name, flags, 0, out);
}

int path_lookup_resolve(const struct path *dir, const char *name, u32 flags, u32 resolve, struct path *out)
{
	struct walk w;
	int err;

	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	err = walk_begin_resolve(&w, dir, name, resolve);
	if (err)
		return err;
	err = flags & LOOKUP_PARENT ? walk_parent(&w) : walk_last(&w, flags);
	if (!err) {
		*out = w.cur;
		path_get(out);
	}
	walk_end(&w);
	return err;
}

int at_dir_get(int dirfd, const char *name, struct path *dir, const struct path **dirp)
{
	struct file *f;

	*dirp = NULL;
	*dir = (struct path){ 0 };
	if (dirfd == AT_FDCWD || *name == '/')
		return 0;
	f = fd_get_any(dirfd);
	if (!f)
		return -EBADF;
	if (!f->path.dentry || (*name && !S_ISDIR(f->inode->mode))) {
		file_put(f);
		return -ENOTDIR;
	}
	*dir = f->path;
	path_get(dir);
	*dirp = dir;
	file_put(f);
	return 0;
}

/* Copies a user's path. -ENAMETOOLONG, -EFAULT, -ENOMEM. */
int user_path_get(struct user_path *up, const char __user *name)
{
	ssize_t len;

	up->name = up->small;
	len = copy_string_from_user(up->small, name, sizeof(up->small));
	if (len == -ENAMETOOLONG) {
		up->name = kmalloc(PATH_MAX, 0);
		if (!up->name)
			return -ENOMEM;
		len = copy_string_from_user(up->name, name, PATH_MAX);
	}
	if (len >= 0)
		return 0;
	user_path_put(up);
	return (int)len;
}

void user_path_put(struct user_path *up)
{
	if (up->name != up->small)
		kfree(up->name);
	up->name = up->small;
}

int path_lookup_user(int dirfd, const char __user *name, u32 flags, struct path *out)
{
	struct user_path up;
	struct path dir;
	const struct path *dirp;
	int err = user_path_get(&up, name);

	if (err)
		return err;
	err = at_dir_get(dirfd, up.name, &dir, &dirp);
	if (!err) {
		err = path_lookup(dirp, up.name, flags, out);
		path_put(&dir);
	}
	user_path_put(&up);
	return err;
}

/* Writes name before *at; false when there is no room. */
static bool prepend(char **at, char *buf, const char *name, u32 len)
{
	if (*at - buf < (s64)len)
		return false;
	*at -= len;
	memcpy(*at, name, len);
	return true;
}

/* Up one name within the tree as fs_tree_lock keeps it still. False at root. -1: no room. */
static int path_text_step(struct path *p, const struct path *root, char **at, char *buf)
{
	struct dentry *d;
	bool ok;

	while (p->mnt && p->dentry == p->mnt->root) {
		if (p->mnt == root->mnt && p->dentry == root->dentry)
			return 0;
		if (!p->mnt->parent)
			return 0;
		p->dentry = p->mnt->mountpoint;
		p->mnt = p->mnt->parent;
	}
	d = p->dentry;
	if ((p->mnt == root->mnt && d == root->dentry) || d->parent == d)
		return 0;
	spin_lock(&d->lock);
	ok = prepend(at, buf, d->name, d->name_len) && prepend(at, buf, "/", 1);
	spin_unlock(&d->lock);
	p->dentry = d->parent;
	return ok ? 1 : -1;
}

char *path_text(const struct path *p, const struct path *root, char *buf, size_t size)
{
	struct path at = *p;
	char *text = buf + size - 1;
	struct dentry *d = p->dentry;
	int r = 1;

	if (size < 2)
		return err_ptr(-ENAMETOOLONG);
	*text = 0;
	if (d->flags & DENTRY_UNHASHED && d->parent != d && !prepend(&text, buf, " (deleted)", 10))
		return err_ptr(-ENAMETOOLONG);
	spin_lock(&fs_tree_lock);
	if (d->parent == d && (!p->mnt || d != p->mnt->root))	/* pipe:[n], anonymous files: the name is all */
		r = prepend(&text, buf, d->name, d->name_len) ? 0 : -1;
	else
		while ((r = path_text_step(&at, root, &text, buf)) == 1)
			;
	spin_unlock(&fs_tree_lock);
	if (r == 0 && (!*text || *text == ' ') && p->mnt && !prepend(&text, buf, "/", 1))
		r = -1;
	return r < 0 ? err_ptr(-ENAMETOOLONG) : text;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: extended attributes, in a list of the inode. Who may see and set which class is sys_attr.c's; here are those this
 * file system keeps and how much of them. Lock: inode.lock (setting and removing come with it held for writing).
 */
#include "tmpfs.h"
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/capability.h>

#define TOTAL_MAX (256u << 10)		/* bytes of names and values of one inode */

struct tmpfs_xattr {
	struct tmpfs_xattr *next;
	u32 name_len, size;
	char data[];			/* name, NUL, value */
};

static char *value_of(struct tmpfs_xattr *x) { return x->data + x->name_len + 1; }

/* system.* would be access lists, which nothing here obeys. */
static bool is_kept(const char *name) { return str_starts(name, "user.") || str_starts(name, "trusted.") || str_starts(name, "security."); }

/* The link that leads to the attribute, or to the end. */
static struct tmpfs_xattr **find(struct tmpfs_inode *t, const char *name)
{
	struct tmpfs_xattr **link = &t->xattrs;

	while (*link && strcmp((*link)->data, name))
		link = &(*link)->next;
	return link;
}

int tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct tmpfs_xattr *x;
	int n;

	if (!is_kept(name))
		return -EOPNOTSUPP;
	rwlock_read_lock(&i->lock);
	x = *find(tmpfs_i(i), name);
	n = x ? (int)x->size : -ENODATA;
	if (n > 0 && size && (size_t)n > size)
		n = -ERANGE;
	else if (n > 0 && size)
		memcpy(buf, value_of(x), (size_t)n);
	rwlock_read_unlock(&i->lock);
	return n;
}

int tmpfs_listxattr(struct inode *i, char *buf, size_t size)
{
	bool all = capable(CAP_SYS_ADMIN);
	size_t n = 0;

	rwlock_read_lock(&i->lock);
	for (struct tmpfs_xattr *x = tmpfs_i(i)->xattrs; x; x = x->next) {
		if (!all && str_starts(x->data, "trusted."))
			continue;
		if (size && n + x->name_len + 1 > size) {
			rwlock_read_unlock(&i->lock);
			return -ERANGE;
		}
		if (size)
			memcpy(buf + n, x->data, x->name_len + 1);
		n += x->name_len + 1;
	}
	rwlock_read_unlock(&i->lock);
	return (int)n;
}

static struct tmpfs_xattr *make(const char *name, const void *value, size_t size)
{
	u32 name_len = (u32)strlen(name);
	struct tmpfs_xattr *x = kmalloc(sizeof(*x) + name_len + 1 + size, 0);

	if (!x)
		return NULL;
	x->name_len = name_len;
	x->size = (u32)size;
	memcpy(x->data, name, name_len + 1);
	memcpy(value_of(x), value, size);
	return x;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct tmpfs_xattr **link, *old, *x;
	u32 total;

	lock_assert_held(&i->lock);
	if (!is_kept(name))
		return -EOPNOTSUPP;
	link = find(t, name);
	old = *link;
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & XATTR_REPLACE)
		return -ENODATA;
	total = t->xattr_bytes + (u32)strlen(name) + 1 + (u32)size - (old ? old->name_len + 1 + old->size : 0);
	if (total > TOTAL_MAX)
		return -ENOSPC;
	x = make(name, value, size);
	if (!x)
		return -ENOMEM;
	x->next = old ? old->next : NULL;
	*link = x;
	t->xattr_bytes = total;
	kfree(old);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct tmpfs_xattr **link, *old;

	lock_assert_held(&i->lock);
	if (!is_kept(name))
		return -EOPNOTSUPP;
	link = find(t, name);
	old = *link;
	if (!old)
		return -ENODATA;
	*link = old->next;
	t->xattr_bytes -= old->name_len + 1 + old->size;
	kfree(old);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

void tmpfs_drop_xattrs(struct tmpfs_inode *t)
{
	struct tmpfs_xattr *x;

	while ((x = t->xattrs)) {
		t->xattrs = x->next;
		kfree(x);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of AF_UNIX sockets: abstract ones (a leading NUL, any bytes, one space per socket type) by hash, path names by the
 * inode of the socket node in the file system. A name is set once, under sk->lock, and ends with the socket.
 * Lock: unix_table_lock guards the hash and the list of all sockets.
 */
#include "unix.h"
#include <kernel/random.h>
#include <lib/format.h>
#include <lib/hash.h>

#define BUCKETS 256u

struct spinlock unix_table_lock = SPINLOCK_INIT("unix-table", LOCK_SOCKET_TABLE);
struct list unix_all = LIST_INIT(unix_all);
static struct list buckets[BUCKETS];	/* unix_table_lock; empty ones may be {NULL, NULL} */

static struct list *bucket(u32 hash)
{
	struct list *l = &buckets[hash % BUCKETS];

	if (!l->next)
		list_init(l);
	return l;
}

static u32 hash_inode(const struct inode *i) { return (u32)((uintptr_t)i >> 6) ^ (u32)i->ino; }

static u32 hash_abstract(const struct sockaddr_un *name, u32 len, int type)
{
	u32 h = (u32)type;

	for (u32 i = 0; i < len - sizeof(name->family); i++)
		h = (h ^ (u8)name->path[i]) * 16777619u;
	return h ^ h >> 15;
}

int unix_addr_check(const struct sockaddr_storage *addr, u32 len)
{
	if (len <= sizeof(addr->family) || len > sizeof(struct sockaddr_un) || addr->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static bool is_abstract(const struct unix_addr *a) { return !a->name.path[0]; }

/* Of a checked name; a path's length is cut at its NUL. */
static struct unix_addr *addr_new(const struct sockaddr_storage *addr, u32 len)
{
	const struct sockaddr_un *un = (const void *)addr;
	struct unix_addr *a = kzalloc(sizeof(*a) + 1, 0);

	if (!a)
		return NULL;
	ref_set(&a->refs, 1);
	memcpy(&a->name, un, len);
	if (un->path[0])
		len = (u32)(sizeof(un->family) + strnlen(a->name.path, len - sizeof(un->family)) + 1);
	a->len = len;
	return a;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->refs))
		kfree(a);
}

/* unix_table_lock held. */
static struct unix_socket *find_abstract(const struct sockaddr_un *name, u32 len, u32 hash, int type)
{
	struct unix_socket *u;

	list_for_each(u, bucket(hash), hash_link)
		if (u->addr->hash == hash && u->addr->len == len && u->sk.type == type && is_abstract(u->addr) &&
		    !memcmp(&u->addr->name, name, len))
			return u;
	return NULL;
}

/* Names u if the abstract name is free. 0 or -EADDRINUSE. */
static int publish_abstract(struct unix_socket *u, struct unix_addr *a)
{
	int err = -EADDRINUSE;

	a->hash = hash_abstract(&a->name, a->len, u->sk.type);
	spin_lock(&unix_table_lock);
	if (!find_abstract(&a->name, a->len, a->hash, u->sk.type)) {
		atomic_store_release(&u->addr, a);
		list_push_back(bucket(a->hash), &u->hash_link);
		err = 0;
	}
	spin_unlock(&unix_table_lock);
	return err;
}

static int bind_path(struct unix_socket *u, struct unix_addr *a)
{
	struct fs_context *fc = fs_context_current();
	struct path path;
	int err = vfs_mknod_path(a->name.path, S_IFSOCK | (0777 & ~fc->umask), 0, &path);

	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	u->path = path;
	u->node_ino = path.dentry->inode->ino;
	u->node_dev = path.dentry->inode->sb->dev;
	a->hash = hash_inode(path.dentry->inode);
	spin_lock(&unix_table_lock);
	atomic_store_release(&u->addr, a);
	list_push_back(bucket(a->hash), &u->hash_link);
	spin_unlock(&unix_table_lock);
	return 0;
}

/* sk.lock held. */
static int autobind_locked(struct unix_socket *u)
{
	struct sockaddr_storage s = { .family = AF_UNIX };
	char digits[8];
	u32 n;

	if (u->addr)
		return 0;
	for (int tries = 0; tries < 1 << 20; tries++) {
		struct unix_addr *a;

		random_bytes(&n, sizeof(n));
		snprintf(digits, sizeof(digits), "%05x", n & 0xfffff);
		memcpy(s.data + 1, digits, 5);
		a = addr_new(&s, sizeof(s.family) + 6);
		if (!a)
			return -ENOMEM;
		if (!publish_abstract(u, a))
			return 0;
		unix_addr_put(a);
	}
	return -ENOSPC;
}

int unix_autobind(struct unix_socket *u)
{
	int err;

	if (atomic_load_acquire(&u->addr))
		return 0;
	mutex_lock(&u->sk.lock);
	err = autobind_locked(u);
	mutex_unlock(&u->sk.lock);
	return err;
}

int unix_bind(struct socket *sk, const struct sockaddr_storage *addr, u32 len)
{
	struct unix_socket *u = unix_sk(sk);
	struct unix_addr *a;
	int err;

	if (len == sizeof(addr->family) && addr->family == AF_UNIX)
		return unix_autobind(u);
	err = unix_addr_check(addr, len);
	if (err)
		return err;
	a = addr_new(addr, len);
	if (!a)
		return -ENOMEM;
	mutex_lock(&sk->lock);
	if (u->addr)
		err = -EINVAL;
	else
		err = is_abstract(a) ? publish_abstract(u, a) : bind_path(u, a);
	mutex_unlock(&sk->lock);
	if (err)
		unix_addr_put(a);
	return err;
}

static int find_path(const struct unix_addr *a, int type, struct unix_socket **out)
{
	struct unix_socket *u, *found = NULL;
	struct inode *i;
	struct path p;
	u32 hash;
	int err = path_lookup(NULL, a->name.path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	i = p.dentry->inode;
	err = inode_permission(i, MAY_WRITE);
	if (!err && !S_ISSOCK(i->mode))
		err = -ECONNREFUSED;
	if (!err) {
		hash = hash_inode(i);
		spin_lock(&unix_table_lock);
		list_for_each(u, bucket(hash), hash_link)
			if (u->path.dentry && u->path.dentry->inode == i && ref_get_not_zero(&u->sk.refs)) {
				found = u;
				break;
			}
		spin_unlock(&unix_table_lock);
		err = found ? 0 : -ECONNREFUSED;
	}
	if (!err && found->sk.type != type) {
		unix_put(found);
		err = -EPROTOTYPE;
	}
	path_put(&p);
	*out = found;
	return err;
}

int unix_find(const struct sockaddr_storage *addr, u32 len, int type, struct unix_socket **out)
{
	const struct sockaddr_un *un = (const void *)addr;
	struct unix_socket *u;
	struct unix_addr *a;
	u32 hash;
	int err;

	if (un->path[0]) {
		a = addr_new(addr, len);
		if (!a)
			return -ENOMEM;
		err = find_path(a, type, out);
		unix_addr_put(a);
		return err;
	}
	hash = hash_abstract(un, len, type);
	spin_lock(&unix_table_lock);
	u = find_abstract(un, len, hash, type);
	if (u && !ref_get_not_zero(&u->sk.refs))
		u = NULL;
	spin_unlock(&unix_table_lock);
	*out = u;
	return u ? 0 : -ECONNREFUSED;
}

u32 unix_name_out(const struct unix_socket *u, struct sockaddr_storage *out)
{
	const struct unix_addr *a = u ? atomic_load_acquire(&u->addr) : NULL;	/* pairs with bind's release */

	if (!a) {
		out->family = AF_UNIX;
		return sizeof(out->family);
	}
	memcpy(out, &a->name, a->len);
	return a->len;
}

int unix_getname(struct socket *sk, struct sockaddr_storage *out, bool peer)
{
	struct unix_socket *u = unix_sk(sk), *other;
	int n;

	if (!peer)
		return (int)unix_name_out(u, out);
	spin_lock(&sk->queue_lock);
	other = u->peer ? unix_get(u->peer) : NULL;
	spin_unlock(&sk->queue_lock);
	if (!other)
		return -ENOTCONN;
	n = (int)unix_name_out(other, out);
	unix_put(other);
	return n;
}

void unix_unname(struct unix_socket *u)
{
	struct path path = u->path;

	spin_lock(&unix_table_lock);
	list_remove(&u->hash_link);
	list_remove(&u->all_link);
	u->path = (struct path){ 0 };
	spin_unlock(&unix_table_lock);
	path_put(&path);
}

struct unix_socket *unix_next(struct unix_socket *u)
{
	struct unix_socket *next = NULL;
	struct list *l;

	spin_lock(&unix_table_lock);
	l = u ? (list_empty(&u->all_link) ? &unix_all : u->all_link.next) : unix_all.next;
	for (; l != &unix_all; l = l->next) {
		next = list_entry(l, struct unix_socket, all_link);
		if (ref_get_not_zero(&next->sk.refs))
			break;
		next = NULL;
	}
	spin_unlock(&unix_table_lock);
	if (u)
		unix_put(u);
	return next;
}

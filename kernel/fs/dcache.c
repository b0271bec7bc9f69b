/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dentry cache: names already looked up, hashed by parent and name. Knows nothing of
 * permissions, mounts or file systems (walk.c, mount.c).
 *
 * A child holds a reference of its parent, so a cached name keeps its whole path. A dentry whose
 * last reference went stays hashed on the unused list until the shrinker takes it. References rise
 * from 0 only under the bucket's lock; a dentry is killed under bucket and dentry lock.
 */
#include "vfs.h"
#include <kernel/notify.h>
#include <kernel/random.h>
#include <kernel/thread.h>
#include <lib/hash.h>

#define DCACHE_BUCKETS 1024u

struct bucket {
	struct spinlock lock;
	struct list dentries;
};
static struct bucket *buckets __ro_after_init;
static u64 hash_key __ro_after_init;
static struct kmem_cache *dentry_cache __ro_after_init;
static struct spinlock lru_lock = SPINLOCK_INIT("dentry-lru", LOCK_LRU);
static struct list lru = LIST_INIT(lru);
static u64 nr_unused;		/* lru_lock */
struct spinlock fs_tree_lock = SPINLOCK_INIT("fs-tree", LOCK_MOUNT_TREE);

static u32 name_hash(const struct dentry *parent, const char *name, u32 len)
{
	u64 h = name_hash64(hash_key ^ (u64)(uintptr_t)parent, name, len);

	return (u32)(h ^ h >> 32);
}

static struct bucket *bucket_of(u32 hash) { return &buckets[hash % DCACHE_BUCKETS]; }

static void lru_add(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (list_empty(&d->lru_link)) {
		list_push_back(&lru, &d->lru_link);
		nr_unused++;
	}
	spin_unlock(&lru_lock);
}

static void lru_del(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (!list_empty(&d->lru_link)) {
		list_remove(&d->lru_link);
		nr_unused--;
	}
	spin_unlock(&lru_lock);
}

static void dentry_free_epoch(struct epoch_head *h)
{
	struct dentry *d = container_of(h, struct dentry, epoch);

	if (d->name != d->short_name)
		kfree(d->name);
	kmem_cache_free(dentry_cache, d);
}

/* The dentry is dead and unreachable. Returns the parent whose reference it held. */
static struct dentry *dentry_destroy(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;

	if (d->inode) {
		if (!d->inode->nlink)
			notify_inode_gone(d->inode);
		inode_put(d->inode);
	}
	epoch_defer(&d->epoch, dentry_free_epoch);
	return parent;
}

/* Names that come and go by themselves (of processes) are not kept: nobody would take them from the cache. */
static bool is_kept(const struct dentry *d)
{
	return !d->inode || !d->inode->ops || !d->inode->ops->revalidate;
}

static bool try_kill(struct dentry *d);

void dentry_put(struct dentry *d)
{
	bool killed;

	while (d) {
		u32 old = atomic_load(&d->refs.n);

		while (old > 1)
			if (atomic_cmpxchg(&d->refs.n, &old, old - 1))
				return;
		spin_lock(&d->lock);
		if (!ref_put(&d->refs)) {
			spin_unlock(&d->lock);
			return;
		}
		if (!(d->flags & DENTRY_UNHASHED)) {
			if (is_kept(d)) {
				lru_add(d);
				spin_unlock(&d->lock);
				return;
			}
			epoch_enter();	/* another may find, put and kill it before we do */
			spin_unlock(&d->lock);
			killed = try_kill(d);
			epoch_exit();
			if (!killed)
				return;
			d = dentry_destroy(d);
			continue;
		}
		d->flags |= DENTRY_DEAD;
		lru_del(d);
		spin_unlock(&d->lock);
		d = dentry_destroy(d);
	}
}

/* A new negative dentry, references 1, unhashed, holding its parent (NULL: a root). NULL without memory. */
struct dentry *dentry_alloc(struct dentry *parent, const char *name, u32 len)
{
	struct dentry *d = kmem_cache_alloc(dentry_cache, 0);

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->name = d->short_name;
	if (len >= sizeof(d->short_name)) {
		d->name = kmalloc(len + 1, 0);
		if (!d->name) {
			kmem_cache_free(dentry_cache, d);
			return NULL;
		}
	}
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->name_len = len;
	ref_set(&d->refs, 1);
	spin_init(&d->lock, "dentry", LOCK_DENTRY);
	d->flags = DENTRY_UNHASHED;
	list_init(&d->hash_link);
	list_init(&d->lru_link);
	d->parent = d;
	if (parent) {
		d->parent = dentry_get(parent);
		d->sb = parent->sb;
		d->hash = name_hash(parent, name, len);
	}
	return d;
}

struct dentry *dentry_make_root(struct inode *inode)
{
	struct dentry *d = dentry_alloc(NULL, "/", 1);

	if (!d)
		return NULL;
	d->sb = inode->sb;
	d->inode = inode;
	inode_set_dir_rank(inode);
	return d;
}

static struct dentry *find_in(struct bucket *b, struct dentry *parent, u32 hash, const char *name, u32 len)
{
	struct dentry *d;

	list_for_each(d, &b->dentries, hash_link)
		if (d->hash == hash && d->parent == parent && d->name_len == len && !memcmp(d->name, name, len)) {
			ref_get(&d->refs);
			return d;
		}
	return NULL;
}

/* The cached name, referenced, perhaps negative; NULL: not cached. */
struct dentry *dentry_find(struct dentry *parent, const char *name, u32 len)
{
	u32 hash = name_hash(parent, name, len);
	struct bucket *b = bucket_of(hash);
	struct dentry *d;

	spin_lock(&b->lock);
	d = find_in(b, parent, hash, name, len);
	spin_unlock(&b->lock);
	return d;
}

/* Hashes d. If the name got cached meanwhile, d is dropped and that one returned (lookups run side by side). */
struct dentry *dentry_insert(struct dentry *d)
{
	struct bucket *b = bucket_of(d->hash);
	struct dentry *other;

	spin_lock(&b->lock);
	other = find_in(b, d->parent, d->hash, d->name, d->name_len);
	if (!other) {
		list_push_front(&b->dentries, &d->hash_link);
		spin_lock(&d->lock);
		d->flags &= ~DENTRY_UNHASHED;
		spin_unlock(&d->lock);
	}
	spin_unlock(&b->lock);
	if (!other)
		return d;
	dentry_put(d);
	return other;
}

/* Gives a negative dentry its inode; takes the reference. Directory's lock held for writing, or d not yet hashed. */
void dentry_instantiate(struct dentry *d, struct inode *inode)
{
	inode_set_dir_rank(inode);
	spin_lock(&d->lock);
	assert(!d->inode);
	atomic_store_release(&d->inode, inode);	/* pairs with the walk's acquire of d->inode */
	spin_unlock(&d->lock);
}

/* The name is gone: later lookups do not find d. The caller holds a reference. */
void dentry_unhash(struct dentry *d)
{
	struct bucket *b = bucket_of(d->hash);

	spin_lock(&b->lock);
	spin_lock(&d->lock);
	if (!(d->flags & DENTRY_UNHASHED)) {
		d->flags |= DENTRY_UNHASHED;
		list_remove(&d->hash_link);
	}
	spin_unlock(&d->lock);
	spin_unlock(&b->lock);
}

struct dentry *dentry_parent(struct dentry *d)
{
	struct dentry *p;

	spin_lock(&d->lock);
	p = dentry_get(d->parent);
	spin_unlock(&d->lock);
	return p;
}

bool dentry_is_below(struct dentry *child, struct dentry *dir)
{
	for (; child != dir; child = child->parent)
		if (child->parent == child)
			return false;
	return true;
}

/* Puts text into d as its name; spare is memory for a long one (or NULL). Returns an old long name to free. */
static char *set_name(struct dentry *d, const char *name, u32 len, char *spare)
{
	char *old = d->name == d->short_name ? NULL : d->name;

	d->name = spare ? spare : d->short_name;
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->name_len = len;
	return old;
}

static void rehash(struct dentry *d)
{
	struct bucket *b;

	d->hash = name_hash(d->parent, d->name, d->name_len);
	b = bucket_of(d->hash);
	spin_lock(&b->lock);
	spin_lock(&d->lock);
	list_push_front(&b->dentries, &d->hash_link);
	d->flags &= ~DENTRY_UNHASHED;
	spin_unlock(&d->lock);
	spin_unlock(&b->lock);
}

/* A long name's memory, or NULL when it fits; false without memory. */
static bool name_room(u32 len, char **room)
{
	*room = NULL;
	if (len < sizeof(((struct dentry *)0)->short_name))
		return true;
	*room = kmalloc(len + 1, 0);
	return *room != NULL;
}

/*
 * Renames d in the cache. Both directories locked for writing, rename_lock held, nothing hashed
 * under the new name. 0 or -ENOMEM.
 */
int dentry_move(struct dentry *d, struct dentry *parent, const char *name, u32 len)
{
	struct dentry *old_parent;
	char *room, *old_name;

	if (!name_room(len, &room))
		return -ENOMEM;
	dentry_unhash(d);
	dentry_get(parent);
	spin_lock(&fs_tree_lock);
	spin_lock(&d->lock);
	old_parent = d->parent;
	d->parent = parent;
	old_name = set_name(d, name, len, room);
	spin_unlock(&d->lock);
	rehash(d);
	spin_unlock(&fs_tree_lock);
	dentry_put(old_parent);
	kfree(old_name);
	return 0;
}

/* Swaps the places of two names (RENAME_EXCHANGE). */
int dentry_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent;
	u32 len = a->name_len;
	char *text, *room_a, *room_b = NULL, *old_a, *old_b;

	text = kmalloc(len + 1, 0);
	if (!text || !name_room(b->name_len, &room_a))
		goto no_text;
	if (!name_room(len, &room_b))
		goto no_room;
	memcpy(text, a->name, len);
	dentry_unhash(a);
	dentry_unhash(b);
	spin_lock(&fs_tree_lock);
	spin_lock(&a->lock);
	old_a = set_name(a, b->name, b->name_len, room_a);
	a->parent = b->parent;
	spin_unlock(&a->lock);
	spin_lock(&b->lock);
	old_b = set_name(b, text, len, room_b);
	b->parent = pa;
	spin_unlock(&b->lock);
	rehash(a);
	rehash(b);
	spin_unlock(&fs_tree_lock);
	kfree(old_a);
	kfree(old_b);
	kfree(text);
	return 0;
no_room:
	kfree(room_a);
no_text:
	kfree(text);
	return -ENOMEM;
}

/* Kills d if nobody uses it; it was just taken off the unused list inside an epoch section. */
static bool try_kill(struct dentry *d)
{
	struct bucket *b;
	bool killed = false;

	while (1) {
		b = bucket_of(READ_ONCE(d->hash));
		spin_lock(&b->lock);
		if (b == bucket_of(d->hash))
			break;
		spin_unlock(&b->lock);
	}
	spin_lock(&d->lock);
	if (ref_read(&d->refs) == 0 && !(d->flags & (DENTRY_DEAD | DENTRY_UNHASHED))) {
		d->flags |= DENTRY_DEAD | DENTRY_UNHASHED;
		list_remove(&d->hash_link);
		killed = true;
	}
	spin_unlock(&d->lock);
	spin_unlock(&b->lock);
	return killed;
}

static struct dentry *lru_take(struct super_block *sb)
{
	struct dentry *d, *found = NULL;

	spin_lock(&lru_lock);
	list_for_each(d, &lru, lru_link)
		if (!sb || d->sb == sb) {
			found = d;
			break;
		}
	if (found) {
		list_remove(&found->lru_link);
		nr_unused--;
	}
	spin_unlock(&lru_lock);
	return found;
}

/* Frees up to n unused names (of sb; NULL: all), oldest first. How many. Sleeps (inodes go with their last name). */
u64 dcache_shrink(struct super_block *sb, u64 n)
{
	u64 freed = 0;
	bool killed;

	while (freed < n) {
		struct dentry *d;

		epoch_enter();
		d = lru_take(sb);
		killed = d && try_kill(d);
		epoch_exit();
		if (!d)
			break;
		if (killed) {
			freed++;
			dentry_put(dentry_destroy(d));
		}
	}
	return freed;
}

static u64 shrinker_count(struct shrinker *s) { return READ_ONCE(nr_unused); }

static u64 shrinker_scan(struct shrinker *s, u64 n, u32 flags)
{
	return flags & (ALLOC_NO_FS | ALLOC_ATOMIC) ? 0 : dcache_shrink(NULL, n);
}
static struct shrinker dcache_shrinker = { .name = "dentry", .count = shrinker_count, .scan = shrinker_scan };

void dcache_init(void)
{
	random_bytes(&hash_key, sizeof(hash_key));
	buckets = kmalloc(DCACHE_BUCKETS * sizeof(*buckets), 0);
	if (!buckets)
		panic("no memory for the dentry cache");
	for (u32 i = 0; i < DCACHE_BUCKETS; i++) {
		spin_init(&buckets[i].lock, "dentry-hash", LOCK_DENTRY_HASH);
		list_init(&buckets[i].dentries);
	}
	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 0, NULL);
	shrinker_register(&dcache_shrinker);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts per user of what has a limit per user. Who counts keeps a reference; the limits are the owners'. */
#include <kernel/lock.h>
#include <kernel/mm.h>
#include <kernel/user.h>

#define BUCKETS 64u

struct user {
	struct user *next;		/* lock */
	u32 refs;			/* lock */
	uid_t uid;
	u64 counts[NR_USER_ITEMS];	/* [a] */
};

static struct spinlock lock = SPINLOCK_INIT("user-counts", LOCK_MISC);
static struct user *buckets[BUCKETS];	/* lock; chained by next */

static struct user *find(uid_t uid)
{
	struct user *u = buckets[uid % BUCKETS];

	while (u && u->uid != uid)
		u = u->next;
	return u;
}

struct user *user_get(uid_t uid)
{
	struct user *u, *fresh = NULL;

	spin_lock(&lock);
	u = find(uid);
	if (!u) {
		spin_unlock(&lock);
		fresh = kzalloc(sizeof(*fresh), 0);
		if (!fresh)
			return NULL;
		spin_lock(&lock);
		u = find(uid);
	}
	if (!u) {
		u = fresh;
		fresh = NULL;
		u->uid = uid;
		u->next = buckets[uid % BUCKETS];
		buckets[uid % BUCKETS] = u;
	}
	u->refs++;
	spin_unlock(&lock);
	kfree(fresh);
	return u;
}

void user_put(struct user *u)
{
	struct user **at = &buckets[u->uid % BUCKETS];

	spin_lock(&lock);
	if (--u->refs) {
		spin_unlock(&lock);
		return;
	}
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	spin_unlock(&lock);
	for (unsigned i = 0; i < NR_USER_ITEMS; i++)
		assert(!u->counts[i]);
	kfree(u);
}

u64 user_add(struct user *u, enum user_item item, s64 n)
{
	return atomic_fetch_add(&u->counts[item], (u64)n) + (u64)n;
}

bool user_add_limited(struct user *u, enum user_item item, u64 n, u64 limit)
{
	u64 seen = atomic_load(&u->counts[item]);

	do {
		if (seen + n > limit)
			return false;
	} while (!atomic_cmpxchg(&u->counts[item], &seen, seen + n));
	return true;
}

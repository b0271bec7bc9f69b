/* SPDX-License-Identifier: BSD-2-Clause */
/* Identifiers, keys and rights of System V IPC objects. Lock: the table's spinlock. */
#include "sysv.h"
#include <kernel/mm.h>
#include <uapi/capability.h>

struct sysv_object *sysv_find_slot(struct sysv_table *t, s32 slot)
{
	struct sysv_object *o = NULL;

	spin_lock(&t->lock);
	if (slot >= 0 && (u32)slot < SYSV_SLOTS)
		o = radix_get(&t->slots, (u64)slot);
	if (o)
		ref_get(&o->refs);
	spin_unlock(&t->lock);
	return o ? o : err_ptr(-EINVAL);
}

struct sysv_object *sysv_find(struct sysv_table *t, s32 id)
{
	struct sysv_object *o = id < 0 ? err_ptr(-EINVAL) : sysv_find_slot(t, id % (s32)SYSV_SLOTS);

	if (!is_err(o) && o->id != id) {
		sysv_put(t, o);
		return err_ptr(-EINVAL);
	}
	return o;
}

void sysv_put(struct sysv_table *t, struct sysv_object *o)
{
	if (ref_put(&o->refs))
		t->free(o);
}

void sysv_remove(struct sysv_table *t, struct sysv_object *o)
{
	u64 slot = (u64)o->id % SYSV_SLOTS;

	o->is_gone = true;
	(void)radix_remove(&t->slots, slot);
	bitmap_clear(t->map, slot);
	t->used--;
}

int sysv_may(const struct sysv_object *o, u32 bits)
{
	const struct cred *c = cred_current();
	u32 granted = o->mode;

	bits = (bits >> 6 | bits >> 3 | bits) & 7;
	if (c->euid == o->cuid || c->euid == o->uid)
		granted >>= 6;
	else if (cred_in_group(c, o->cgid) || cred_in_group(c, o->gid))
		granted >>= 3;
	return (bits & ~granted & 7) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int sysv_may_control(const struct sysv_object *o)
{
	const struct cred *c = cred_current();

	return c->euid == o->cuid || c->euid == o->uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void sysv_show(const struct sysv_object *o, struct ipc64_perm *out)
{
	*out = (struct ipc64_perm){
		.key = o->key, .uid = o->uid, .gid = o->gid, .cuid = o->cuid, .cgid = o->cgid, .mode = o->mode,
		.seq = (u16)((u32)o->id / SYSV_SLOTS),
	};
}

void sysv_set_rights(struct sysv_object *o, const struct ipc64_perm *from)
{
	o->uid = from->uid;
	o->gid = from->gid;
	o->mode = (o->mode & ~0777u) | (from->mode & 0777);
	o->ctime = sysv_now();
}

struct sysv_object *sysv_next(struct sysv_table *t, u64 *at)
{
	struct sysv_object *o;

	spin_lock(&t->lock);
	o = radix_next(&t->slots, at);
	if (o)
		ref_get(&o->refs);
	spin_unlock(&t->lock);
	return o;
}

s32 sysv_highest(struct sysv_table *t)
{
	s32 highest = 0;
	u64 i = 0;

	spin_lock(&t->lock);
	for (; radix_next(&t->slots, &i); i++)
		highest = (s32)i;
	spin_unlock(&t->lock);
	return highest;
}

/* Lock held. */
static struct sysv_object *by_key(struct sysv_table *t, s32 key)
{
	struct sysv_object *o;

	for (u64 i = 0; key != IPC_PRIVATE && (o = radix_next(&t->slots, &i)); i++)
		if (o->key == key)
			return o;
	return NULL;
}

/* Lock held: o gets an identifier and the table's reference. */
static long enter(struct sysv_table *t, struct sysv_object *o, s32 key, int flags)
{
	const struct cred *c = cred_current();
	u64 slot = bitmap_find_clear(t->map, SYSV_SLOTS, 0);

	if (t->used >= READ_ONCE(*t->limit) || slot >= SYSV_SLOTS)
		return -ENOSPC;
	if (radix_insert(&t->slots, slot, o))
		return -ENOMEM;
	bitmap_set(t->map, slot);
	t->used++;
	t->seq = (t->seq + 1) & 0xffff;
	o->id = (s32)(t->seq % 0xffff * SYSV_SLOTS + slot) & 0x7fffffff;
	o->key = key;
	o->uid = o->cuid = c->euid;
	o->gid = o->cgid = c->egid;
	o->mode = (u32)flags & 0777;
	o->ctime = sysv_now();
	return o->id;
}

/* Lock held: what the get call says to one that is there. */
static long found(struct sysv_object *o, int flags, int (*check)(struct sysv_object *o, void *arg), void *arg)
{
	long err;

	if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		return -EEXIST;
	err = check ? check(o, arg) : 0;
	if (!err)
		err = sysv_may(o, (u32)flags & 0777);
	return err ? err : o->id;
}

long sysv_get(struct sysv_table *t, s32 key, int flags, struct sysv_object *(*make)(void *arg),
	      int (*check)(struct sysv_object *o, void *arg), void *arg)
{
	struct sysv_object *new = NULL, *o;
	long result;

	while (true) {
		spin_lock(&t->lock);
		o = by_key(t, key);
		if (o)
			result = found(o, flags, check, arg);
		else if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			result = -ENOENT;
		else if (new)
			result = enter(t, new, key, flags);
		else
			result = 0;
		spin_unlock(&t->lock);
		if (o || result || new)
			break;
		new = make(arg);
		if (is_err(new))
			return ptr_err(new);
		ref_set(&new->refs, 1);
	}
	if (new && (o || result < 0))
		sysv_put(t, new);	/* somebody was quicker */
	return result;
}

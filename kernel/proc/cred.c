/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials: immutable objects. Only the owning thread replaces thread.cred; others read it in an
 * epoch section. No lock.
 */
#include <kernel/mm.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include <uapi/capability.h>

struct cred cred_init = {
	.refs = REFCOUNT_INIT(1),
	.cap_permitted = CAP_FULL,
	.cap_effective = CAP_FULL,
	.cap_bounding = CAP_FULL,
};

static void cred_free(struct epoch_head *h) { kfree(container_of(h, struct cred, epoch)); }

void cred_put(struct cred *c)
{
	if (c != &cred_init && ref_put(&c->refs))
		epoch_defer(&c->epoch, cred_free);
}

struct cred *cred_copy(const struct cred *c, u32 nr_groups)
{
	struct cred *n = kmalloc(sizeof(*n) + nr_groups * sizeof(gid_t), 0);

	if (!n)
		return NULL;
	memcpy(n, c, sizeof(*n));
	ref_set(&n->refs, 1);
	memset(n->groups, 0, nr_groups * sizeof(gid_t));
	memcpy(n->groups, c->groups, min(nr_groups, c->nr_groups) * sizeof(gid_t));
	n->nr_groups = nr_groups;
	return n;
}

const struct cred *cred_current(void)
{
	const struct cred *c = current->cred;

	return c ? c : &cred_init;
}

void cred_install(struct cred *c)
{
	struct cred *old = current->cred;

	atomic_store_release(&current->cred, c);	/* pairs with readers' dependent loads in an epoch section */
	if (old)
		cred_put(old);
}

bool cred_capable(const struct cred *c, unsigned cap) { return c->cap_effective >> cap & 1; }

bool cred_in_group(const struct cred *c, gid_t gid)
{
	if (c->fsgid == gid)
		return true;
	for (u32 i = 0; i < c->nr_groups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool capable(unsigned cap) { return cred_capable(cred_current(), cap); }

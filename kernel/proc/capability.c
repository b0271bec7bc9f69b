/* SPDX-License-Identifier: BSD-2-Clause */
/* capget and capset: versions 1 (32 bits), 2 and 3 (64 bits in two halves). capabilities(7). */
#include "proc.h"
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>

/* Words of the header's version; an unknown one is answered with ours. */
static int words_of(struct user_cap_header __user *uheader, struct user_cap_header *h)
{
	if (copy_from_user(h, uheader, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case CAPABILITY_VERSION_1:
		return 1;
	case CAPABILITY_VERSION_2:
	case CAPABILITY_VERSION_3:
		return 2;
	default:
		if (put_user((u32)CAPABILITY_VERSION_3, &uheader->version))
			return -EFAULT;
		return -EINVAL;
	}
}

long sys_capget(struct user_cap_header __user *header, struct user_cap_data __user *data)
{
	struct user_cap_data d[2];
	struct user_cap_header h;
	const struct cred *c;
	struct thread *t;
	int words = words_of(header, &h);

	if (words < 0)
		return words == -EINVAL && !data ? 0 : words;
	if (h.pid < 0)
		return -EINVAL;
	t = h.pid ? thread_find(h.pid) : thread_get(current);
	if (!t)
		return -ESRCH;
	epoch_enter();
	c = atomic_load_acquire(&t->cred);	/* pairs with cred_install */
	for (int i = 0; i < 2; i++)
		d[i] = (struct user_cap_data){ (u32)(c->cap_effective >> 32 * i), (u32)(c->cap_permitted >> 32 * i),
					       (u32)(c->cap_inheritable >> 32 * i) };
	epoch_exit();
	thread_put(t);
	return data ? copy_to_user(data, d, (size_t)words * sizeof(d[0])) : 0;
}

long sys_capset(struct user_cap_header __user *header, const struct user_cap_data __user *data)
{
	const struct cred *old = cred_current();
	struct user_cap_data d[2] = {};
	struct user_cap_header h;
	u64 effective, permitted, inheritable;
	struct cred *c;
	int words = words_of(header, &h);

	if (words < 0)
		return words;
	if (h.pid && h.pid != current->tid)
		return -EPERM;
	if (copy_from_user(d, data, (size_t)words * sizeof(d[0])))
		return -EFAULT;
	effective = (d[0].effective | (u64)d[1].effective << 32) & CAP_FULL;
	permitted = (d[0].permitted | (u64)d[1].permitted << 32) & CAP_FULL;
	inheritable = (d[0].inheritable | (u64)d[1].inheritable << 32) & CAP_FULL;
	if (permitted & ~old->cap_permitted || effective & ~permitted)
		return -EPERM;
	if (inheritable & ~(old->cap_inheritable | old->cap_permitted) && !capable(CAP_SETPCAP))
		return -EPERM;
	if (inheritable & ~(old->cap_inheritable | old->cap_bounding))
		return -EPERM;
	c = cred_copy(old, old->nr_groups);
	if (!c)
		return -ENOMEM;
	c->cap_effective = effective;
	c->cap_permitted = permitted;
	c->cap_inheritable = inheritable;
	c->cap_ambient &= permitted & inheritable;
	cred_install(c);
	return 0;
}

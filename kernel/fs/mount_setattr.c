/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount_setattr(2): what may be done through a mount, and with whom it shares, for one or a whole tree of them at once.
 * Everything is checked before anything changes. mount(2) with MS_REMOUNT is mount.c's. Lock: mount_lock.
 */
#include "mount.h"
#include <kernel/procfs.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <uapi/fcntl.h>
#include <uapi/mount.h>

#define PLAIN (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)	/* MS_ words have these bits */
#define KNOWN (PLAIN | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME)
#define ATIMES (MS_RELATIME | MS_NOATIME | MS_STRICTATIME)

static_assert(MOUNT_ATTR_RDONLY == MS_RDONLY && MOUNT_ATTR_NOSUID == MS_NOSUID && MOUNT_ATTR_NODEV == MS_NODEV &&
	      MOUNT_ATTR_NOEXEC == MS_NOEXEC, "the plain ones need no translation");

struct change {
	u32 set, clear;		/* MS_ flags of mounts; clear comes first */
	u32 type;		/* MS_SHARED … or 0 */
};

static u32 to_flags(u64 attr) { return (u32)(attr & PLAIN) | (attr & MOUNT_ATTR_NODIRATIME ? MS_NODIRATIME : 0); }

/* Idmapped mounts and those that follow no symbolic links do not exist here: -EINVAL, as for unknown bits. */
static int change_read(const struct mount_attr *a, struct change *c)
{
	u64 atime = a->attr_set & MOUNT_ATTR__ATIME;

	if (a->propagation & ~(u64)(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) || popcount64(a->propagation) > 1 ||
	    (a->attr_set | a->attr_clr) & ~(u64)KNOWN)
		return -EINVAL;
	*c = (struct change){ to_flags(a->attr_set), to_flags(a->attr_clr), (u32)a->propagation };
	if (!(a->attr_clr & MOUNT_ATTR__ATIME))
		return atime ? -EINVAL : 0;	/* the three are one choice: it is taken back before it is made */
	if ((a->attr_clr & MOUNT_ATTR__ATIME) != MOUNT_ATTR__ATIME ||
	    (atime != MOUNT_ATTR_RELATIME && atime != MOUNT_ATTR_NOATIME && atime != MOUNT_ATTR_STRICTATIME))
		return -EINVAL;
	c->clear |= ATIMES;
	c->set |= atime == MOUNT_ATTR_NOATIME ? MS_NOATIME : atime == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : MS_RELATIME;
	return 0;
}

/* Each of the tree, or the one. Types come first, since they may fail; those changed by then stay, and share with nobody new. */
static int change_tree(struct mount *top, const struct change *c, bool recursive)
{
	struct mount *m;
	int err = 0;

	for (m = c->type ? top : NULL; m && !err; m = recursive ? mount_next(m, top, true) : NULL)
		err = mount_set_type(m, c->type);
	for (m = err ? NULL : top; m; m = recursive ? mount_next(m, top, true) : NULL)
		WRITE_ONCE(m->flags, (m->flags & ~c->clear) | c->set);
	return err;
}

static int change_at(const struct path *p, const struct change *c, bool recursive)
{
	int err = -EINVAL;

	if (!p->mnt || p->dentry != p->mnt->root)
		return -EINVAL;
	mutex_lock(&mount_lock);
	if (mount_is_ours(p->mnt))
		err = change_tree(p->mnt, c, recursive);
	mutex_unlock(&mount_lock);
	virtual_event_raise(&mount_event);
	return err;
}

long sys_mount_setattr(int dirfd, const char __user *path, u32 flags, const void __user *attr, size_t size)
{
	u32 lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct mount_attr a;
	struct change c;
	struct path p;
	long err;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < MOUNT_ATTR_SIZE_VER0)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = copy_struct_from_user(&a, sizeof(a), attr, size);
	if (err)
		return err;
	if (!a.attr_set && !a.attr_clr && !a.propagation)
		return 0;
	err = change_read(&a, &c);
	if (!err)
		err = path_lookup_user(dirfd, path, lookup, &p);
	if (err)
		return err;
	err = change_at(&p, &c, flags & AT_RECURSIVE);
	path_put(&p);
	return err;
}

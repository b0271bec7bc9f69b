/* SPDX-License-Identifier: BSD-2-Clause */
/* mount, umount2, pivot_root: which of mount's five jobs the flags ask for. */
#include "mount.h"
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <uapi/mount.h>

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static int copy_word(const char __user *from, char **to)
{
	ssize_t n;

	*to = NULL;
	if (!from)
		return 0;
	*to = kmalloc(PATH_MAX, 0);
	if (!*to)
		return -ENOMEM;
	n = copy_string_from_user(*to, from, PATH_MAX);
	return n < 0 ? (int)n : 0;
}

/* The option page: text up to a NUL or the page's end. */
static int copy_data(const void __user *from, char **to)
{
	size_t n = 0;

	*to = NULL;
	if (!from)
		return 0;
	*to = kzalloc(PAGE_SIZE, 0);
	if (!*to)
		return -ENOMEM;
	/* As much as is readable: the page may end at an unmapped one. */
	while (n < PAGE_SIZE - 1 && !copy_from_user(*to + n, (const char __user *)from + n, 1) && (*to)[n])
		n++;
	(*to)[n] = 0;
	return n || user_range_ok(from, 1) ? 0 : -EFAULT;
}

static long from_path(const char *source, const struct path *where, u32 flags)
{
	struct path from;
	long err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(NULL, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	err = flags & MS_MOVE ? mount_move(&from, where) : mount_bind(&from, where, flags & MS_REC);
	path_put(&from);
	return err;
}

static long change_type(const struct path *where, u32 flags)
{
	u32 type = flags & ~(u32)(MS_REC | MS_SILENT);

	if (type != MS_PRIVATE && type != MS_SLAVE && type != MS_UNBINDABLE && type != MS_SHARED)
		return -EINVAL;
	return mount_change_type(where, type, flags & MS_REC);
}

static long do_mount(const char *source, const struct path *where, const char *type, u32 flags, const char *data)
{
	if (flags & MS_REMOUNT)
		return mount_remount(where, flags, data, flags & MS_BIND);
	if (flags & (MS_BIND | MS_MOVE))
		return from_path(source, where, flags);
	if (flags & PROPAGATION)
		return change_type(where, flags);
	if (!type || !*type)
		return -EINVAL;
	return vfs_mount(source ? source : "none", where, type, flags, data);
}

long sys_mount(const char __user *source, const char __user *target, const char __user *fstype, u64 flags, const void __user *data)
{
	char *src = NULL, *type = NULL, *options = NULL;
	struct path where;
	u32 f = (u32)flags;
	long err;

	if ((f & MS_MGC_MSK) == MS_MGC_VAL)
		f &= ~MS_MGC_MSK;
	err = copy_word(source, &src);
	if (!err)
		err = copy_word(fstype, &type);
	if (!err)
		err = copy_data(data, &options);
	if (!err)
		err = path_lookup_user(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
	if (!err) {
		err = capable(CAP_SYS_ADMIN) ? do_mount(src, &where, type, f, options) : -EPERM;
		path_put(&where);
	}
	kfree(options);
	kfree(type);
	kfree(src);
	return err;
}

long sys_umount2(const char __user *path, int flags)
{
	struct path p;
	long err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) || flags & MNT_EXPIRE)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, path, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	/* A lookup crosses into mounts by names only: "." and "/" may have others over them, of which the topmost is meant. */
	path_to_top(&p);
	err = capable(CAP_SYS_ADMIN) ? vfs_umount(&p, (u32)flags) : -EPERM;
	path_put(&p);
	return err;
}

long sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct path fresh, old;
	long err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &fresh);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		err = mount_pivot(&fresh, &old);
		path_put(&old);
	}
	path_put(&fresh);
	return err;
}

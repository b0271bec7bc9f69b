/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes of inodes: who may do what (POSIX file access), chmod, chown, truncate, utimes, stat. */
#include "vfs.h"
#include <kernel/process.h>
#include <uapi/capability.h>
#include <uapi/mount.h>

/* Owner, group or other bits of the mode against mask; then the capabilities that overrule them. */
int inode_permission_cred(struct inode *i, u32 mask, const struct cred *cred)
{
	u32 bits = i->mode;

	if (mask & MAY_WRITE) {
		if (i->sb->flags & MS_RDONLY && (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
			return -EROFS;
		if (i->flags & INODE_IMMUTABLE)
			return -EPERM;
	}
	if (i->ops && i->ops->permission)
		return i->ops->permission(i, mask);
	if (cred->fsuid == i->uid)
		bits >>= 6;
	else if (cred_in_group(cred, i->gid))
		bits >>= 3;
	if ((mask & ~bits & 7) == 0)
		return 0;
	if (S_ISDIR(i->mode)) {
		if (cred_capable(cred, CAP_DAC_OVERRIDE) ||
		    (!(mask & MAY_WRITE) && cred_capable(cred, CAP_DAC_READ_SEARCH)))
			return 0;
		return -EACCES;
	}
	if (mask == MAY_READ && cred_capable(cred, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || i->mode & S_IXUGO) && cred_capable(cred, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, u32 mask) { return inode_permission_cred(i, mask, cred_current()); }

static bool is_owner_or(struct inode *i, const struct cred *c, unsigned cap)
{
	return c->fsuid == i->uid || cred_capable(c, cap);
}

static int check_attr(struct inode *i, struct iattr *attr)
{
	const struct cred *c = cred_current();

	if (attr->valid & ATTR_UID && attr->uid != i->uid && !cred_capable(c, CAP_CHOWN))
		return -EPERM;
	if (attr->valid & ATTR_UID && c->fsuid != i->uid && !cred_capable(c, CAP_CHOWN))
		return -EPERM;
	if (attr->valid & ATTR_GID && !cred_capable(c, CAP_CHOWN) &&
	    (c->fsuid != i->uid || (attr->gid != i->gid && !cred_in_group(c, attr->gid))))
		return -EPERM;
	if (attr->valid & ATTR_MODE) {
		gid_t gid = attr->valid & ATTR_GID ? attr->gid : i->gid;

		if (!is_owner_or(i, c, CAP_FOWNER))
			return -EPERM;
		if (!cred_in_group(c, gid) && !cred_capable(c, CAP_FSETID))
			attr->mode &= ~(mode_t)S_ISGID;
	}
	if (attr->valid & ATTR_SIZE && S_ISREG(i->mode)) {
		if (attr->size > i->sb->max_bytes)
			return -EFBIG;
		if (attr->size > i->size && current_process() && attr->size > rlimit(RLIMIT_FSIZE)) {
			(void)signal_send_thread(current, SIGXFSZ, NULL);
			return -EFBIG;
		}
	}
	return 0;
}

/* A changed owner, group or content takes set-id bits from a file (POSIX chown, write). */
mode_t mode_without_setid(mode_t mode)
{
	if (S_ISDIR(mode))
		return mode;
	mode &= ~(mode_t)S_ISUID;
	if (mode & S_IXGRP)
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

void inode_setattr_copy(struct inode *i, const struct iattr *attr)
{
	if (attr->valid & ATTR_UID)
		i->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		i->gid = attr->gid;
	if (attr->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (attr->mode & S_IALLUGO);
	if (attr->valid & ATTR_ATIME)
		i->atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		i->mtime = attr->mtime;
	if (attr->valid & ATTR_CTIME)
		i->ctime = attr->ctime;
	i->version++;
	inode_mark_dirty(i);
}

static int setattr_generic(struct inode *i, const struct iattr *attr)
{
	if (attr->valid & ATTR_SIZE) {
		u64 old = i->size;

		atomic_store(&i->size, attr->size);
		if (attr->size < old)
			mapping_truncate(&i->mapping, attr->size);
	}
	inode_setattr_copy(i, attr);
	return 0;
}

int inode_setattr(struct inode *i, struct iattr *attr)
{
	int err = 0;

	rwlock_write_lock(&i->lock);
	if (i->flags & (INODE_IMMUTABLE | INODE_APPEND))
		err = -EPERM;
	if (!err)
		err = check_attr(i, attr);
	if (!err) {
		if (attr->valid & (ATTR_UID | ATTR_GID | ATTR_SIZE) && !(attr->valid & ATTR_MODE) &&
		    mode_without_setid(i->mode) != i->mode &&
		    !(attr->valid & ATTR_SIZE && capable(CAP_FSETID))) {
			attr->valid |= ATTR_MODE;
			attr->mode = mode_without_setid(i->mode);
		}
		attr->ctime = inode_now(i);
		attr->valid |= ATTR_CTIME;
		if (attr->valid & ATTR_SIZE && !(attr->valid & ATTR_MTIME)) {
			attr->mtime = attr->ctime;
			attr->valid |= ATTR_MTIME;
		}
		err = i->ops && i->ops->setattr ? i->ops->setattr(i, attr) : setattr_generic(i, attr);
	}
	rwlock_write_unlock(&i->lock);
	return err;
}

int inode_getattr(struct inode *i, struct kstat *st)
{
	*st = (struct kstat){
		.dev = i->sb->dev, .rdev = i->rdev, .ino = i->ino, .size = atomic_load(&i->size),
		.blocks = i->blocks, .mode = i->mode, .nlink = i->nlink, .uid = i->uid, .gid = i->gid,
		.block_size = i->sb->block_size, .atime = i->atime, .mtime = i->mtime, .ctime = i->ctime,
		.btime = i->btime,
	};
	if (i->flags & INODE_IMMUTABLE)
		st->attributes |= STATX_ATTR_IMMUTABLE;
	if (i->flags & INODE_APPEND)
		st->attributes |= STATX_ATTR_APPEND;
	return i->ops && i->ops->getattr ? i->ops->getattr(i, st) : 0;
}

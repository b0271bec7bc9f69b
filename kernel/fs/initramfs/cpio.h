/* SPDX-License-Identifier: BSD-2-Clause */
/* Parser of the "newc" cpio format: bytes in, entries out. Touches no globals and trusts nothing. */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include <lib/types.h>

struct cpio_entry {
	u32 ino, mode, uid, gid, nlink, mtime, size, dev_major, dev_minor, rdev_major, rdev_minor;
	const char *name;	/* NUL-ended, inside the archive */
	const u8 *data;
};
struct cpio {
	const u8 *base;
	size_t size, at;
	const char *error;	/* what is wrong at offset `at`, or NULL */
};
void cpio_init(struct cpio *c, const u8 *base, size_t size);
/* 1: *e filled; 0: end of this archive (trailer; c->at behind it); -EINVAL: c->error. */
int cpio_next(struct cpio *c, struct cpio_entry *e);

#endif

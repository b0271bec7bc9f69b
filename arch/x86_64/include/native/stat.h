/* SPDX-License-Identifier: BSD-2-Clause */
/* struct stat of Linux on x86_64, which is older than the generic one. */
#ifndef NATIVE_STAT_H
#define NATIVE_STAT_H

#include <lib/types.h>

struct user_stat {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	s64 st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
	s64 unused[3];
};
_Static_assert(sizeof(struct user_stat) == 144, "struct stat of the ABI");

#endif

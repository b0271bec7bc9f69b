/* SPDX-License-Identifier: BSD-2-Clause */
/* struct stat of the generic Linux ABI. */
#ifndef NATIVE_STAT_H
#define NATIVE_STAT_H

#include <lib/types.h>

struct user_stat {
	u64 st_dev, st_ino;
	u32 st_mode, st_nlink, st_uid, st_gid;
	u64 st_rdev, pad1;
	s64 st_size;
	s32 st_blksize, pad2;
	s64 st_blocks;
	s64 st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
	u32 unused[2];
};
_Static_assert(sizeof(struct user_stat) == 128, "struct stat of the ABI");

#endif

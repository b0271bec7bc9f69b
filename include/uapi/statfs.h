/* SPDX-License-Identifier: BSD-2-Clause */
/* statfs of the Linux ABI (64-bit) and file-system magic numbers. */
#ifndef UAPI_STATFS_H
#define UAPI_STATFS_H

#include <lib/types.h>

struct user_statfs {
	s64 f_type, f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags;
	s64 f_spare[4];
};

#define ST_RDONLY 1
#define ST_NOSUID 2
#define ST_NODEV 4
#define ST_NOEXEC 8
#define ST_SYNCHRONOUS 16
#define ST_VALID 32
#define ST_NOATIME 1024
#define ST_NODIRATIME 2048
#define ST_RELATIME 4096

#define TMPFS_MAGIC 0x01021994
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define PIPEFS_MAGIC 0x50495045
#define ANON_INODE_FS_MAGIC 0x09041934
#define EXT4_SUPER_MAGIC 0xef53
#define CGROUP2_SUPER_MAGIC 0x63677270

#endif

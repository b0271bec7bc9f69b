/* SPDX-License-Identifier: BSD-2-Clause */
/* Directory entries as getdents64 gives them. */
#ifndef UAPI_DIRENT_H
#define UAPI_DIRENT_H

#include <lib/types.h>

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12
#define DT_FROM_MODE(mode) (((mode) & 0170000) >> 12)

struct user_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;		/* multiple of 8 */
	u8 d_type;
	char d_name[];		/* ends with NUL */
};

#endif

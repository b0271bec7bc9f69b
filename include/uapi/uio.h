/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors of readv, writev and their kin. */
#ifndef UAPI_UIO_H
#define UAPI_UIO_H

#include <lib/types.h>

struct user_iovec {
	u64 iov_base, iov_len;
};
#define UIO_MAXIOV 1024

#define RWF_HIPRI 1
#define RWF_DSYNC 2
#define RWF_SYNC 4
#define RWF_NOWAIT 8
#define RWF_APPEND 16
#define RWF_NOAPPEND 32

#endif

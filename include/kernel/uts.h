/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of this system that can be changed: host and domain. Own lock; any context that may spin. */
#ifndef KERNEL_UTS_H
#define KERNEL_UTS_H

#include <kernel/procfs.h>

#define UTS_NAME_MAX 64u
enum uts_name { UTS_HOST, UTS_DOMAIN };
extern struct virtual_event uts_events[2];	/* raised when that name was set */
void uts_get(enum uts_name which, char out[UTS_NAME_MAX + 1]);
/* len <= UTS_NAME_MAX bytes, no NUL needed; -EINVAL if longer. The caller checked CAP_SYS_ADMIN. */
int uts_set(enum uts_name which, const char *name, size_t len);

#endif

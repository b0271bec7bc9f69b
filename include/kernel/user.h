/* SPDX-License-Identifier: BSD-2-Clause */
/* What each user (real uid at the time of making) holds of things with a limit per user: kernel/proc/user.c. */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H

#include <lib/compiler.h>

enum user_item { USER_PIPE_PAGES, USER_INOTIFY_INSTANCES, USER_INOTIFY_WATCHES, USER_MQUEUE_BYTES, NR_USER_ITEMS };
struct user;

/* The counts of uid, made at the first use, with a reference for the caller. NULL without memory. May sleep. */
struct user *user_get(uid_t uid);
void user_put(struct user *u);		/* counts of this reference's holder must be back; not in interrupts */
/* Adds n, which may be negative, and returns the new sum. Anywhere. */
u64 user_add(struct user *u, enum user_item item, s64 n);
/* Adds n unless the sum would pass limit then; whether it did. Anywhere. */
bool user_add_limited(struct user *u, enum user_item item, u64 n, u64 limit);

#endif

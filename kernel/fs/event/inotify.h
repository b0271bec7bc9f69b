/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify's objects: inotify.c makes events, sys_inotify.c has the file and the calls. Everything under inotify_lock unless marked. */
#ifndef FS_EVENT_INOTIFY_H
#define FS_EVENT_INOTIFY_H

#include <kernel/notify.h>
#include <kernel/user.h>

struct inotify_event {
	struct list link;
	s32 wd;
	u32 mask, cookie, name_len;
	bool is_queued;			/* of the overflow event, which is part of its instance */
	char name[];
};
struct inotify {
	struct list all_link;
	struct list watches;		/* inotify_watch.link */
	struct list events;		/* oldest first */
	u32 nr_events, nr_watches;
	s32 last_wd;
	struct user *user;		/* [b] referenced: whose instances and watches are counted */
	struct waitq wait;
	struct inotify_event overflow;	/* last: a struct with an open end */
};
struct inotify_watch {
	struct list link;
	struct inotify_watch *next_on_inode;
	struct inotify *owner;
	struct inode *inode;		/* [b] referenced */
	u32 mask;
	s32 wd;				/* [b] */
};

extern struct spinlock inotify_lock;
extern struct list inotify_all;
extern u64 inotify_max_events;
void inotify_queue(struct inotify *in, s32 wd, u32 mask, u32 cookie, const char *name, u32 len);
void inotify_event_free(struct inotify *in, struct inotify_event *e);
void inotify_detach(struct inotify_watch *w);
void inotify_watch_free(struct inotify_watch *w);	/* without the lock; may sleep */
void inotify_reap(void);

#endif

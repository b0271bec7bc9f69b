/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll's objects: epoll.c has items, readiness and collecting, epoll_nest.c epolls in epolls, sys_epoll.c the calls. */
#ifndef FS_EVENT_EPOLL_H
#define FS_EVENT_EPOLL_H

#include <kernel/fs.h>
#include <lib/rbtree.h>
#include <uapi/event.h>

#define EPOLL_NEST_MAX 4u		/* epolls below the one that is added, as Linux */
#define EPOLL_QUEUES 3u			/* wait queues one file may name */
/* What an item keeps when EPOLLONESHOT has fired: no events. */
#define EPOLL_MODES (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* Marks: [e] epoll.lock, [g] epoll_items_lock, [a] atomic, [b] set at creation. */
struct epoll {
	struct refcount refs;		/* its file, and whoever walks to it from a watched file */
	struct mutex lock;		/* LOCK_EPOLL */
	struct rb_tree items;		/* by file and descriptor; changed under [e] and [g] */
	struct list ready;		/* [e] items that may have events, oldest first */
	struct epoll_item *incoming;	/* [a] those that wake-ups listed since, newest first */
	struct waitq wait;		/* in epoll_wait */
	struct waitq poll_wait;		/* who polls the epoll itself */
	struct file *file;		/* [b] not referenced; valid while items or calls can see it */
	bool is_gone;			/* [e] its file is released */
	u32 loop_seen;			/* loop lock: visit mark */
};

struct epoll_queue {
	struct waitq_entry entry;
	struct waitq *q;		/* NULL: unused */
};
struct epoll_item {
	struct rb_node node;		/* [e][g] */
	struct epoll *ep;		/* [b] */
	struct file *file;		/* [b] not referenced: its release takes the item away */
	s32 fd;				/* [b] */
	u32 events;			/* [e] and [a]: read by wake-ups */
	u64 data;			/* [e] */
	u32 is_listed;			/* [a] on incoming or ready, or about to be: who sets it lists the item */
	struct epoll_item *incoming_next;	/* [a] */
	struct list ready_link;		/* [e] */
	struct epoll_item *next, **link;	/* [g] of file->watchers */
	struct epoll_queue queues[EPOLL_QUEUES];
	u32 nr_queues;
	bool overflow;			/* the file named more queues than there is room for */
};

extern struct spinlock epoll_items_lock;
extern struct mutex epoll_loop_lock;
struct epoll *epoll_of_file(const struct file *f);	/* NULL: none */
struct epoll_item *epoll_find(struct epoll *ep, const struct file *f, int fd);
/* ep->lock held. 0, -ENOMEM. */
int epoll_add(struct epoll *ep, struct file *f, int fd, u32 events, u64 data);
void epoll_change(struct epoll_item *item, u32 events, u64 data);
void epoll_remove(struct epoll_item *item);
void epoll_put(struct epoll *ep);
/* Waits for events and gives up to max to the user; deadline as of poll. How many, -EINTR, -EFAULT. */
int epoll_collect(struct epoll *ep, struct user_epoll_event __user *out, u32 max, u64 deadline);
struct file *epoll_file_new(void);
/* 0, or -ELOOP if inner in outer would close a circle or nest too deep. epoll_loop_lock held. */
int epoll_check_nesting(struct epoll *outer, struct epoll *inner);

#endif

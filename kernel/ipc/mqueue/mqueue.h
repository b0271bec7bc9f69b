/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues (mq_overview(7)): what the files of this folder share. A queue is a file of the file system
 * "mqueue", which is there whether it is mounted or not; it ends with its name and its last descriptor.
 * fs.c: names, opening, what a read shows. message.c: sending, receiving. notify.c: who is told of a first message.
 */
#ifndef IPC_MQUEUE_H
#define IPC_MQUEUE_H

#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/user.h>

#define MQ_COOKIE_BYTES 32u

struct mq_attr_user {		/* struct mq_attr of <mqueue.h> */
	s64 flags, maxmsg, msgsize, curmsgs, unused[4];
};
struct mq_message {
	struct list link;
	size_t size;
	u32 priority;
	u8 data[];
};
/* Who is to be told when a message comes into the empty queue. */
struct mq_notify {
	struct process *who;		/* reference; NULL: nobody */
	struct user_sigevent event;
	struct file *socket;		/* SIGEV_THREAD: reference to the netlink socket that gets the cookie */
	u8 cookie[MQ_COOKIE_BYTES];
};
struct mqueue {
	struct inode inode;
	struct list link;		/* the directory's inode lock; linked to itself: without a name */
	u64 cookie;			/* [b] its place when the directory is read */
	char *name;			/* [b] */
	struct user *user;		/* [b] who pays, with a reference */
	u64 cost;			/* [b] of USER_MQUEUE_BYTES */
	s64 max_count, max_size;	/* [b] */
	struct waitq wait;
	struct spinlock lock;		/* LOCK_SYSV, of the rest */
	struct list messages;		/* by priority, then by arrival */
	s64 count;
	u64 bytes;			/* in the messages */
	u32 receivers;			/* threads that wait for a message: they come before a notification */
	struct mq_notify notify;
};
static inline struct mqueue *mqueue_of(struct inode *i) { return container_of(i, struct mqueue, inode); }

/* The queue's file with all of the rights asked for (FMODE_*; 0: any), referenced. err_ptr: -EBADF. */
struct file *mqueue_file(int fd, u32 mode);
/* message.c. With the lock of nobody: the queue's memory goes. */
void mqueue_drop_messages(struct mqueue *q);
/*
 * notify.c. take: lock held; true: *n is the caller's to give to send, which tells it by a signal or the cookie.
 * end: what process p asked for ends, p may ask again. forget: the queue goes.
 */
bool mqueue_notify_take(struct mqueue *q, struct mq_notify *n);
void mqueue_notify_send(struct mq_notify *n);
void mqueue_notify_end(struct mqueue *q, const struct process *p);
void mqueue_notify_forget(struct mqueue *q);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that send signals: F_SETOWN says to whom, F_SETSIG which, O_ASYNC that. Like epoll's, our entries stand in the wait
 * queues that the file's poll names. A wake-up cannot send (it runs under a wait queue's lock): it puts the owner on a
 * list without a lock. Whoever wrote to a file empties the list before it goes on, and a thread does for all others.
 *
 * Urgent data of a socket (POLLPRI) sends its owner SIGURG, O_ASYNC or not: sockets with an owner stand in their queues always.
 *
 * Room to write is told only after somebody was refused it: a peer that reads makes room all the time.
 * Locks: setup_lock for changes of owners, send_lock while signals are sent, so that a file that goes can wait for them.
 */
#include "../vfs.h"
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <uapi/errno.h>
#include "sigio.h"

#define QUEUES_MAX 3u
#define NO_ROOM_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND)

struct file_owner {
	struct file *file;			/* [b] we go with it */
	struct process *process;		/* send_lock; referenced; F_OWNER_PID and F_OWNER_TID */
	s32 type, id;				/* send_lock */
	uid_t uid, euid;			/* send_lock: of who set it */
	s32 signal;				/* send_lock; 0: SIGIO without details */
	s32 fd;					/* setup_lock: the descriptor as it was when O_ASYNC was set */
	bool wants_room;			/* [a] a write did not find room since the last signal about it */
	u32 events;				/* [a] POLL* bits to be told */
	u32 is_listed;				/* [a] who sets it lists us */
	struct file_owner *next;		/* [a] */
	bool is_async;				/* [a] setup_lock to change: O_ASYNC */
	bool is_urgent;				/* [a] SIGURG is to be sent */
	u32 nr_queues;				/* setup_lock */
	struct waitq *queues[QUEUES_MAX];
	struct waitq_entry entries[QUEUES_MAX];
};

struct file_owner *sigio_pending;
static struct mutex setup_lock;
static struct mutex send_lock;
static struct thread *sender;			/* setup_lock to set, then constant */

void sigio_init(void)
{
	mutex_init(&setup_lock, "sigio-setup", LOCK_EPOLL_LOOP);	/* polls files, as adding to an epoll does */
	mutex_init(&send_lock, "sigio-send", LOCK_SIGIO);
}

/* May who set the owner signal p? As kill(2). */
static bool may_send(const struct file_owner *o, struct process *p)
{
	const struct thread *leader = atomic_load(&p->leader);
	const struct cred *c;
	bool ok;

	if (!o->euid || !leader)
		return !o->euid;
	epoch_enter();
	c = atomic_load_acquire(&leader->cred);		/* pairs with cred_install */
	ok = o->euid == c->suid || o->euid == c->uid || o->uid == c->suid || o->uid == c->uid;
	epoch_exit();
	return ok;
}

static struct user_siginfo info_of(const struct file_owner *o, u32 events)
{
	struct user_siginfo i = { .signo = o->signal };

	if (events & POLLIN) {
		i.code = POLL_IN;
		i.poll.band = POLLIN | POLLRDNORM;
	} else if (events & POLLHUP) {
		i.code = POLL_HUP;
		i.poll.band = POLLHUP | POLLERR;
	} else if (events & POLLPRI) {
		i.code = POLL_PRI;
		i.poll.band = POLLPRI | POLLRDBAND;
	} else if (events & POLLERR) {
		i.code = POLL_ERR;
		i.poll.band = POLLERR;
	} else {
		i.code = POLL_OUT;
		i.poll.band = NO_ROOM_EVENTS;
	}
	i.poll.fd = o->fd;
	return i;
}

static int send_to_process(const struct file_owner *o, struct process *p, int sig, const struct user_siginfo *info)
{
	struct thread *t;
	int err = 0;

	if (!may_send(o, p))
		return 0;
	if (o->type != F_OWNER_TID)
		return signal_send_process(p, sig, info);
	t = thread_find(o->id);
	if (t && t->process == p && !t->exiting)
		err = signal_send_thread(t, sig, info);
	if (t)
		thread_put(t);
	return err;
}

static int send_to_group(const struct file_owner *o, int sig, const struct user_siginfo *info)
{
	struct process *p;
	int err = 0;

	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		from = p->pid + 1;
		if (p->pgid == o->id && !p->is_zombie && may_send(o, p))
			err = signal_send_process(p, sig, info);
	}
	return err;
}

static int send_signal(const struct file_owner *o, int sig, const struct user_siginfo *info)
{
	if (o->type == F_OWNER_PGRP)
		return o->id ? send_to_group(o, sig, info) : 0;
	return o->process ? send_to_process(o, o->process, sig, info) : 0;
}

static void send_one(struct file_owner *o)
{
	u32 events = atomic_xchg(&o->events, 0u);
	struct user_siginfo info = info_of(o, events);

	if (atomic_xchg(&o->is_urgent, false))
		(void)send_signal(o, SIGURG, NULL);
	if (!events)
		return;
	/* A full queue: the plain signal says at least that something is to be looked at. */
	if (!o->signal || send_signal(o, o->signal, &info))
		(void)send_signal(o, SIGIO, NULL);
}

/* The list's end while somebody sends: not empty, so that who caused a signal waits until it is sent. */
#define SENDING ((struct file_owner *)1)

void sigio_flush(void)
{
	struct file_owner *o, *next, *end;

	mutex_lock(&send_lock);
	do {
		o = atomic_xchg(&sigio_pending, SENDING);
		for (; o && o != SENDING; o = next) {
			next = o->next;
			(void)atomic_xchg(&o->is_listed, 0u);	/* before the events are taken: new ones list it again */
			send_one(o);
		}
		end = SENDING;
	} while (!atomic_cmpxchg(&sigio_pending, &end, (struct file_owner *)NULL));
	mutex_unlock(&send_lock);
}

static void sender_main(void *arg)
{
	while (1) {
		thread_prepare_sleep(SLEEP_UNINTERRUPTIBLE);
		if (atomic_load(&sigio_pending)) {
			atomic_store(&current->state, (u32)THREAD_RUNNABLE);
			sigio_flush();
		} else {
			(void)thread_sleep(SLEEP_UNINTERRUPTIBLE, U64_MAX);
		}
	}
}

/* The file wakes somebody. Its queue's lock is held. Never counts as a wake-up. */
static bool owner_wake(struct waitq_entry *e, u32 events)
{
	struct file_owner *o = e->data, *first;
	bool is_urgent = events & POLLPRI && S_ISSOCK(o->file->inode->mode);

	if (!atomic_load(&o->is_async) && !is_urgent)
		return false;
	if (!(events & ~(u32)NO_ROOM_EVENTS) && !atomic_xchg(&o->wants_room, false))
		return false;
	if (is_urgent)
		atomic_store(&o->is_urgent, true);
	if (atomic_load(&o->is_async))
		(void)atomic_fetch_or(&o->events, events);
	if (atomic_xchg(&o->is_listed, 1u))
		return false;
	first = atomic_load(&sigio_pending);
	do {
		o->next = first;
	} while (!atomic_cmpxchg(&sigio_pending, &first, o));	/* release pairs with sigio_flush's exchange */
	(void)thread_wake(sender, BIT(THREAD_BLOCKED));
	return false;
}

void sigio_no_room(struct file *f)
{
	struct file_owner *o = atomic_load_acquire(&f->owner);	/* pairs with owner_get */

	if (o)
		atomic_store(&o->wants_room, true);
}

/* f's owner, made if there is none. setup_lock held. NULL without memory. */
static struct file_owner *owner_get(struct file *f)
{
	struct file_owner *o = f->owner;

	lock_assert_held(&setup_lock);
	if (o)
		return o;
	o = kzalloc(sizeof(*o), 0);
	if (!o)
		return NULL;
	o->file = f;
	o->type = F_OWNER_PID;
	atomic_store_release(&f->owner, o);
	return o;
}

struct owner_table {
	struct poll_table table;
	struct file_owner *owner;
};

static void enter_queue(struct poll_table *t, struct file *f, struct waitq *q)
{
	struct file_owner *o = container_of(t, struct owner_table, table)->owner;
	struct waitq_entry *e;

	if (o->nr_queues == QUEUES_MAX)
		return;
	e = &o->entries[o->nr_queues];
	*e = (struct waitq_entry){ .wake = owner_wake, .data = o, .stays = true };
	o->queues[o->nr_queues++] = q;
	waitq_add(q, e);
}

static void leave_queues(struct file_owner *o)
{
	while (o->nr_queues) {
		o->nr_queues--;
		waitq_remove(o->queues[o->nr_queues], &o->entries[o->nr_queues]);
	}
}

/* The thread that sends what no writer does. setup_lock held. */
static int sender_need(void)
{
	struct thread *thread;

	if (sender)
		return 0;
	thread = thread_create("sigio", sender_main, NULL, -1);
	if (!thread)
		return -ENOMEM;
	atomic_store_release(&sender, thread);
	thread_start(thread);
	return 0;
}

/* Puts o into its file's queues. */
static int join_queues(struct file *f, struct file_owner *o)
{
	struct owner_table t = { .table = { .queue = enter_queue }, .owner = o };
	int err = sender_need();

	if (!err && !o->nr_queues)
		(void)f->ops->poll(f, &t.table);
	return err;
}

static int start(struct file *f, int fd)
{
	struct file_owner *o = owner_get(f);
	int err = o ? join_queues(f, o) : -ENOMEM;

	if (err)
		return err;
	o->fd = fd;
	atomic_store(&o->is_async, true);
	return 0;
}

static void stop(struct file_owner *o)
{
	atomic_store(&o->is_async, false);
	if (!S_ISSOCK(o->file->inode->mode))
		leave_queues(o);
}

int sigio_set_async(struct file *f, int fd, bool on)
{
	int err = 0;

	if (!f->ops->poll)
		return -ENOTTY;
	mutex_lock(&setup_lock);
	if (on)
		err = start(f, fd);
	else if (f->owner)
		stop(f->owner);
	mutex_unlock(&setup_lock);
	return err;
}

void sigio_file_gone(struct file *f)
{
	struct file_owner *o = f->owner;

	leave_queues(o);
	sigio_flush();		/* nobody lists it any more; from here on it is on no list */
	if (o->process)
		process_put(o->process);
	kfree(o);
}

/* The process of a PID or TID; *out NULL for id 0 (nobody) and for groups, which must exist. */
static int find_target(int type, s32 id, struct process **out)
{
	struct thread *t;

	*out = NULL;
	if (id <= 0)
		return id < 0 ? -EINVAL : 0;
	if (type == F_OWNER_PGRP)
		return pgrp_check_session(id, -1) == -ESRCH ? -ESRCH : 0;
	if (type == F_OWNER_PID) {
		*out = process_find(id);
		return *out ? 0 : -ESRCH;
	}
	t = thread_find(id);
	if (!t)
		return -ESRCH;
	if (t->process)
		*out = process_get(t->process);
	thread_put(t);
	return *out ? 0 : -ESRCH;
}

int sigio_set_owner(struct file *f, int type, s32 id)
{
	struct process *p, *old = NULL;
	struct file_owner *o;
	int err = find_target(type, id, &p);

	if (err)
		return err;
	mutex_lock(&setup_lock);
	o = owner_get(f);
	if (o && S_ISSOCK(f->inode->mode))
		(void)join_queues(f, o);
	if (o) {
		mutex_lock(&send_lock);
		old = o->process;
		o->process = p;
		o->type = type;
		o->id = id;
		o->uid = cred_current()->uid;
		o->euid = cred_current()->euid;
		mutex_unlock(&send_lock);
	} else {
		old = p;
		err = -ENOMEM;
	}
	mutex_unlock(&setup_lock);
	if (old)
		process_put(old);
	return err;
}

void sigio_get_owner(struct file *f, int *type, s32 *id)
{
	struct file_owner *o = atomic_load_acquire(&f->owner);

	*type = F_OWNER_PID;
	*id = 0;
	if (!o)
		return;
	mutex_lock(&send_lock);
	*type = o->type;
	*id = o->id;
	mutex_unlock(&send_lock);
}

int sigio_set_signal(struct file *f, s32 sig)
{
	struct file_owner *o;

	if (sig < 0 || sig > 64)
		return -EINVAL;
	mutex_lock(&setup_lock);
	o = sig || f->owner ? owner_get(f) : NULL;
	if (o)
		atomic_store(&o->signal, sig);
	mutex_unlock(&setup_lock);
	return o || !sig ? 0 : -ENOMEM;
}

s32 sigio_get_signal(struct file *f)
{
	struct file_owner *o = atomic_load_acquire(&f->owner);

	return o ? atomic_load(&o->signal) : 0;
}

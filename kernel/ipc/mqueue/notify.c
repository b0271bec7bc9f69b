/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mq_notify(2). SIGEV_THREAD is the C library's: its helper thread reads a netlink socket, to which the kernel sends the
 * 32 bytes it was given with the last one saying why: a message came, or the registration ended.
 */
#include "mqueue.h"
#include <kernel/netlink.h>
#include <kernel/syscall.h>
#include <lib/string.h>

#define COOKIE_MESSAGE 1	/* NOTIFY_WOKENUP of the C libraries */
#define COOKIE_REMOVED 2

static void drop(struct mq_notify *n)
{
	if (n->socket)
		file_put(n->socket);
	process_put(n->who);
}

bool mqueue_notify_take(struct mqueue *q, struct mq_notify *n)
{
	if (!q->notify.who || q->receivers)
		return false;
	*n = q->notify;
	q->notify.who = NULL;
	return true;
}

static void send_cookie(struct mq_notify *n, u8 why)
{
	n->cookie[MQ_COOKIE_BYTES - 1] = why;
	netlink_push(n->socket, n->cookie, MQ_COOKIE_BYTES);
}

void mqueue_notify_send(struct mq_notify *n)
{
	struct user_siginfo info = { .signo = n->event.signo, .code = SI_MESGQ };

	info.rt.pid = current_process()->pid;
	info.rt.uid = cred_current()->uid;
	info.rt.value = n->event.value;
	if (n->event.notify == SIGEV_SIGNAL)
		(void)signal_send_process(n->who, n->event.signo, &info);
	else if (n->event.notify == SIGEV_THREAD)
		send_cookie(n, COOKIE_MESSAGE);
	drop(n);
}

void mqueue_notify_end(struct mqueue *q, const struct process *p)
{
	struct mq_notify n = { .who = NULL };

	spin_lock(&q->lock);
	if (q->notify.who == p) {
		n = q->notify;
		q->notify.who = NULL;
	}
	spin_unlock(&q->lock);
	if (!n.who)
		return;
	if (n.event.notify == SIGEV_THREAD)
		send_cookie(&n, COOKIE_REMOVED);
	drop(&n);
}

void mqueue_notify_forget(struct mqueue *q)
{
	if (q->notify.who)
		drop(&q->notify);
}

/* What is asked for, with its references but the process's. 0 or -errno. */
static long notify_read(struct mq_notify *n, const void __user *uevent)
{
	struct user_sigevent *e = &n->event;

	if (copy_from_user(e, uevent, sizeof(*e)))
		return -EFAULT;
	if (e->notify != SIGEV_NONE && e->notify != SIGEV_SIGNAL && e->notify != SIGEV_THREAD)
		return -EINVAL;
	if (e->notify == SIGEV_SIGNAL && (e->signo < 0 || e->signo > NSIG))
		return -EINVAL;
	if (e->notify != SIGEV_THREAD)
		return 0;
	if (copy_from_user(n->cookie, (const void __user *)e->value, MQ_COOKIE_BYTES))
		return -EFAULT;
	n->socket = fd_get(e->signo);
	if (!n->socket)
		return -EBADF;
	return netlink_is(n->socket) ? 0 : -EINVAL;
}

long sys_mq_notify(int fd, const void __user *uevent)
{
	struct mq_notify n = { .who = NULL };
	long err = uevent ? notify_read(&n, uevent) : 0;
	struct file *f = err ? err_ptr(err) : mqueue_file(fd, 0);
	struct mqueue *q;

	if (!is_err(f)) {
		q = mqueue_of(f->inode);
		if (!uevent) {
			mqueue_notify_end(q, current_process());
		} else {
			spin_lock(&q->lock);
			if (q->notify.who) {
				err = -EBUSY;
			} else {
				n.who = process_get(current_process());
				q->notify = n;
				n.socket = NULL;
			}
			spin_unlock(&q->lock);
		}
		file_put(f);
	}
	if (n.socket)
		file_put(n.socket);
	return is_err(f) ? ptr_err(f) : err;
}

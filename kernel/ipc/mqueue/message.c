/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending to and receiving from message queues: highest priority first, then the oldest. */
#include "mqueue.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <lib/string.h>

#define PRIORITIES 32768u

void mqueue_drop_messages(struct mqueue *q)
{
	struct mq_message *m;

	while ((m = list_first(&q->messages, struct mq_message, link))) {
		list_remove(&m->link);
		kfree(m);
	}
}

/* An absolute time of the wall clock. 0, -EFAULT, -EINVAL. */
static int deadline_read(const struct timespec64 __user *utime, u64 *deadline_ns)
{
	struct timespec64 ts;
	s64 wall;

	*deadline_ns = U64_MAX;
	if (!utime)
		return 0;
	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	if (!timespec_ok(&ts))
		return -EINVAL;
	wall = time_wall_ns();
	*deadline_ns = (s64)timespec_ns(&ts) <= wall ? 0 : time_ns() + (timespec_ns(&ts) - (u64)wall);
	return 0;
}

/* Lock held. Behind those of its priority; most are the lowest, so from the end. */
static void queue_insert(struct mqueue *q, struct mq_message *m)
{
	struct list *at = q->messages.prev;

	while (at != &q->messages && container_of(at, struct mq_message, link)->priority < m->priority)
		at = at->prev;
	list_push_back(at->next, &m->link);	/* before what follows */
	q->bytes += m->size;
}

/* n->who: set when somebody is to be told. */
static bool try_send(struct mqueue *q, struct mq_message *m, struct mq_notify *n)
{
	bool fits;

	spin_lock(&q->lock);
	fits = q->count < q->max_count;
	if (fits) {
		queue_insert(q, m);
		if (!q->count++)
			(void)mqueue_notify_take(q, n);
	}
	spin_unlock(&q->lock);
	if (fits)
		waitq_wake(&q->wait, 1, POLLIN | POLLRDNORM);
	return fits;
}

/* 0, -EAGAIN, -EINTR's kin, -ETIMEDOUT. */
static int send(struct file *f, struct mq_message *m, u64 deadline_ns)
{
	struct mqueue *q = mqueue_of(f->inode);
	struct mq_notify n = { .who = NULL };
	int err = 0;

	if (!try_send(q, m, &n)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = waitq_wait_events(&q->wait, try_send(q, m, &n), POLLOUT | POLLWRNORM, SLEEP_INTERRUPTIBLE, deadline_ns, true);
	}
	if (n.who)
		mqueue_notify_send(&n);
	return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_mq_timedsend(int fd, const char __user *umsg, size_t len, u32 priority, const struct timespec64 __user *utime)
{
	struct mq_message *m = NULL;
	struct mqueue *q;
	struct file *f;
	u64 deadline;
	int err;

	if (priority >= PRIORITIES)
		return -EINVAL;
	err = deadline_read(utime, &deadline);
	if (err)
		return err;
	f = mqueue_file(fd, FMODE_WRITE);
	if (is_err(f))
		return ptr_err(f);
	q = mqueue_of(f->inode);
	if (len > (size_t)q->max_size)
		err = -EMSGSIZE;
	else if (!(m = kmalloc(sizeof(*m) + len, 0)))
		err = -ENOMEM;
	else if (copy_from_user(m->data, umsg, len))
		err = -EFAULT;
	if (!err) {
		m->size = len;
		m->priority = priority;
		err = send(f, m, deadline);
	}
	if (err)
		kfree(m);
	file_put(f);
	return err;
}

static struct mq_message *take(struct mqueue *q)
{
	struct mq_message *m;

	spin_lock(&q->lock);
	m = list_first(&q->messages, struct mq_message, link);
	if (m) {
		list_remove(&m->link);
		q->count--;
		q->bytes -= m->size;
	}
	spin_unlock(&q->lock);
	if (m)
		waitq_wake(&q->wait, 1, POLLOUT | POLLWRNORM);
	return m;
}

static void count_receiver(struct mqueue *q, int change)
{
	spin_lock(&q->lock);
	q->receivers += (u32)change;
	spin_unlock(&q->lock);
}

/* err_ptr as send's errors. */
static struct mq_message *receive(struct file *f, u64 deadline_ns)
{
	struct mqueue *q = mqueue_of(f->inode);
	struct mq_message *m = take(q);
	int err;

	if (m)
		return m;
	if (f->flags & O_NONBLOCK)
		return err_ptr(-EAGAIN);
	count_receiver(q, 1);
	err = waitq_wait_events(&q->wait, (m = take(q)) != NULL, POLLIN | POLLRDNORM, SLEEP_INTERRUPTIBLE, deadline_ns, true);
	count_receiver(q, -1);
	return err ? err_ptr(err == -EINTR ? -ERESTARTSYS : err) : m;
}

long sys_mq_timedreceive(int fd, char __user *umsg, size_t len, u32 __user *upriority, const struct timespec64 __user *utime)
{
	struct mq_message *m;
	struct file *f;
	u64 deadline;
	long result = deadline_read(utime, &deadline);

	if (result)
		return result;
	f = mqueue_file(fd, FMODE_READ);
	if (is_err(f))
		return ptr_err(f);
	if (len < (size_t)mqueue_of(f->inode)->max_size) {
		file_put(f);
		return -EMSGSIZE;
	}
	m = receive(f, deadline);
	file_put(f);
	if (is_err(m))
		return ptr_err(m);
	result = (long)m->size;
	if ((upriority && put_user(m->priority, upriority)) || copy_to_user(umsg, m->data, m->size))
		result = -EFAULT;
	kfree(m);
	return result;
}

long sys_mq_getsetattr(int fd, const void __user *uattr, void __user *uold)
{
	struct mq_attr_user new, old = {};
	struct mqueue *q;
	struct file *f;

	if (uattr && copy_from_user(&new, uattr, sizeof(new)))
		return -EFAULT;
	if (uattr && (new.flags & ~(s64)O_NONBLOCK))
		return -EINVAL;
	f = mqueue_file(fd, 0);
	if (is_err(f))
		return ptr_err(f);
	q = mqueue_of(f->inode);
	spin_lock(&q->lock);
	old.maxmsg = q->max_count;
	old.msgsize = q->max_size;
	old.curmsgs = q->count;
	old.flags = f->flags & O_NONBLOCK;
	if (uattr)
		f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32)new.flags;
	spin_unlock(&q->lock);
	file_put(f);
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

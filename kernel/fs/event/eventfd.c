/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd: a 64-bit counter that writes add to and reads take, whole or one at a time (EFD_SEMAPHORE). Lock: wait.lock of its
 * queue, so that a change and its wake-up are one step.
 */
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <lib/format.h>
#include <uapi/event.h>

#define COUNT_MAX (U64_MAX - 1)		/* a read never returns all ones */

struct eventfd {
	struct spinlock lock;
	u64 count;			/* lock; read without */
	bool is_semaphore;		/* [b] */
	struct waitq wait;
};

/* Takes what a read gives: 0 when there is nothing. */
static u64 take(struct eventfd *e)
{
	u64 n;

	spin_lock(&e->lock);
	n = e->is_semaphore && e->count ? 1 : e->count;
	atomic_store(&e->count, e->count - n);
	spin_unlock(&e->lock);
	return n;
}

static bool give(struct eventfd *e, u64 n)
{
	bool fits;

	spin_lock(&e->lock);
	fits = n <= COUNT_MAX - e->count;
	if (fits)
		atomic_store(&e->count, e->count + n);
	spin_unlock(&e->lock);
	return fits;
}

static ssize_t eventfd_read(struct file *f, struct uio *to, off_t *pos)
{
	struct eventfd *e = f->private;
	u64 n;

	if (to->count < sizeof(n))
		return -EINVAL;
	while (!(n = take(e))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_events(&e->wait, atomic_load(&e->count), POLLIN, SLEEP_INTERRUPTIBLE, U64_MAX, false))
			return -ERESTARTSYS;
	}
	waitq_wake(&e->wait, 1, POLLOUT | POLLWRNORM);
	return uio_copy_out(to, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct uio *from, off_t *pos)
{
	struct eventfd *e = f->private;
	u64 n;

	if (from->count < sizeof(n))
		return -EINVAL;
	if (uio_copy_in(from, &n, sizeof(n)) != sizeof(n))
		return -EFAULT;
	if (n == U64_MAX)
		return -EINVAL;
	while (!give(e, n)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_events(&e->wait, n <= COUNT_MAX - atomic_load(&e->count), POLLOUT, SLEEP_INTERRUPTIBLE, U64_MAX, false))
			return -ERESTARTSYS;
	}
	if (n)
		waitq_wake(&e->wait, 1, POLLIN | POLLRDNORM);
	return sizeof(n);
}

static u32 eventfd_poll(struct file *f, struct poll_table *t)
{
	struct eventfd *e = f->private;
	u64 count;

	poll_wait(t, f, &e->wait);
	count = atomic_load(&e->count);
	return (count ? POLLIN | POLLRDNORM : 0) | (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static void eventfd_release(struct file *f) { kfree(f->private); }

static int eventfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct eventfd *e = f->private;

	return snprintf(buf, size, "eventfd-count: %16llx\n", (unsigned long long)atomic_load(&e->count));
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_fdinfo,
};

long sys_eventfd2(u32 count, int flags)
{
	struct eventfd *e;
	struct file *f;
	int fd;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), 0);
	if (!e)
		return -ENOMEM;
	spin_init(&e->lock, "eventfd", LOCK_MISC);
	waitq_init(&e->wait);
	e->count = count;
	e->is_semaphore = flags & EFD_SEMAPHORE;
	f = file_anon("anon_inode:[eventfd]", &eventfd_ops, e, O_RDWR | (flags & EFD_NONBLOCK), 0600);
	if (is_err(f)) {
		kfree(e);
		return ptr_err(f);
	}
	fd = fd_install(f, 0, flags & EFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_eventfd(u32 count) { return sys_eventfd2(count, 0); }

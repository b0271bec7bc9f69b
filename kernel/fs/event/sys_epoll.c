/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll's system calls: arguments in, what may be watched, waiting with a mask. */
#include "epoll.h"
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <lib/string.h>

#define EXCLUSIVE_MAY (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define EVENTS_MAX (0x7fffffffu / sizeof(struct user_epoll_event))

long sys_epoll_create1(int flags)
{
	struct file *f;
	int fd;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	f = epoll_file_new();
	if (is_err(f))
		return ptr_err(f);
	fd = fd_install(f, 0, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_epoll_create(int size) { return size <= 0 ? -EINVAL : sys_epoll_create1(0); }

static int check_exclusive(int op, struct file *f, u32 events)
{
	if (!(events & EPOLLEXCLUSIVE))
		return 0;
	return op == EPOLL_CTL_MOD || (op == EPOLL_CTL_ADD && (epoll_of_file(f) || events & ~EXCLUSIVE_MAY)) ? -EINVAL : 0;
}

static int change(struct epoll *ep, int op, struct file *f, int fd, const struct user_epoll_event *e)
{
	struct epoll_item *item = epoll_find(ep, f, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		return item ? -EEXIST : epoll_add(ep, f, fd, e->events, e->data);
	case EPOLL_CTL_DEL:
		if (!item)
			return -ENOENT;
		epoll_remove(item);
		return 0;
	case EPOLL_CTL_MOD:
		if (!item)
			return -ENOENT;
		if (item->events & EPOLLEXCLUSIVE)
			return -EINVAL;
		epoll_change(item, e->events, e->data);
		return 0;
	default:
		return -EINVAL;
	}
}

static int control(struct file *epf, int op, struct file *f, int fd, const struct user_epoll_event *e)
{
	struct epoll *ep = epoll_of_file(epf), *inner;
	bool nests;
	int err;

	if (!f->ops->poll)
		return -EPERM;
	if (epf == f || !ep)
		return -EINVAL;
	err = check_exclusive(op, f, e->events);
	if (err)
		return err;
	inner = epoll_of_file(f);
	nests = inner && op == EPOLL_CTL_ADD;
	if (nests) {
		mutex_lock(&epoll_loop_lock);
		err = epoll_check_nesting(ep, inner);
	}
	if (!err) {
		mutex_lock(&ep->lock);
		err = change(ep, op, f, fd, e);
		mutex_unlock(&ep->lock);
	}
	if (nests)
		mutex_unlock(&epoll_loop_lock);
	return err;
}

long sys_epoll_ctl(int epfd, int op, int fd, void __user *event)
{
	struct user_epoll_event e;
	struct file *epf, *f;
	long r = -EBADF;

	memset(&e, 0, sizeof(e));
	if (op != EPOLL_CTL_DEL && copy_from_user(&e, event, sizeof(e)))
		return -EFAULT;
	epf = fd_get(epfd);
	f = fd_get(fd);
	if (epf && f)
		r = control(epf, op, f, fd, &e);
	file_put(epf);
	file_put(f);
	return r;
}

static long do_wait(int epfd, void __user *events, int max, u64 deadline)
{
	struct epoll *ep;
	struct file *f;
	bool borrowed;
	long r;

	if (max <= 0 || (u32)max > EVENTS_MAX)
		return -EINVAL;
	/* Nobody waits for events that cannot be given; when there are some now, the copying finds out. */
	if (deadline && !user_range_ok(events, (size_t)max * sizeof(struct user_epoll_event)))
		return -EFAULT;
	f = fd_borrow(epfd, &borrowed);
	if (!f)
		return -EBADF;
	ep = epoll_of_file(f);
	r = ep ? epoll_collect(ep, events, (u32)max, deadline) : -EINVAL;
	fd_return(f, borrowed);
	if (!r && !user_range_ok(events, (size_t)max * sizeof(struct user_epoll_event)))
		return -EFAULT;
	return r;
}

static u64 deadline_after(u64 ns)
{
	u64 now;

	if (!ns)
		return 0;
	now = time_ns();
	return ns > U64_MAX - 1 - now ? U64_MAX - 1 : now + ns;
}

static u64 deadline_ms(int ms) { return ms < 0 ? U64_MAX : deadline_after((u64)ms * NSEC_PER_MSEC); }

long sys_epoll_wait(int epfd, void __user *events, int max, int timeout_ms)
{
	return do_wait(epfd, events, max, deadline_ms(timeout_ms));
}

static long wait_masked(int epfd, void __user *events, int max, u64 deadline, const u64 __user *sigmask, size_t setsize)
{
	u64 mask;

	if (sigmask) {
		if (setsize != sizeof(mask))
			return -EINVAL;
		if (get_user(mask, sigmask))
			return -EFAULT;
		signal_set_temporary_mask(mask);
	}
	return do_wait(epfd, events, max, deadline);
}

long sys_epoll_pwait(int epfd, void __user *events, int max, int timeout_ms, const u64 __user *sigmask, size_t setsize)
{
	return wait_masked(epfd, events, max, deadline_ms(timeout_ms), sigmask, setsize);
}

long sys_epoll_pwait2(int epfd, void __user *events, int max, const struct timespec64 __user *timeout, const u64 __user *sigmask, size_t setsize)
{
	struct timespec64 t;
	u64 deadline = U64_MAX;

	if (timeout) {
		if (get_user(t, timeout))
			return -EFAULT;
		if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999)
			return -EINVAL;
		if (t.tv_sec < 9000000000)
			deadline = deadline_after((u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec);
	}
	return wait_masked(epfd, events, max, deadline, sigmask, setsize);
}

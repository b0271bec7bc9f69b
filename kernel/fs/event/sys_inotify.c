/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify's calls and its file: making an instance, watches, reading events; limits per user in /proc/sys/fs/inotify. */
#include "inotify.h"
#include "../vfs.h"
#include <kernel/process.h>
#include <kernel/procfs.h>
#include <kernel/syscall.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/termios.h>

#define MASK_OK (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | \
		 IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)
#define MASK_KEPT (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT)

struct list inotify_all = LIST_INIT(inotify_all);
static u64 max_instances = 128, max_watches = 65536;
static const struct file_ops inotify_ops;

static u32 name_space(const struct inotify_event *e)
{
	/* With its NUL, filled up to whole event structs. */
	return e->name_len ? align_up(e->name_len + 1, (u32)sizeof(struct user_inotify_event)) : 0;
}

/* The oldest event if it fits into room bytes, taken out: NULL none, err_ptr(-EINVAL) too large. */
static struct inotify_event *take_event(struct inotify *in, size_t room)
{
	struct inotify_event *e;

	spin_lock(&inotify_lock);
	e = list_first(&in->events, struct inotify_event, link);
	if (e && sizeof(struct user_inotify_event) + name_space(e) > room) {
		e = err_ptr(-EINVAL);
	} else if (e) {
		list_remove(&e->link);
		in->nr_events--;
	}
	spin_unlock(&inotify_lock);
	return e;
}

static ssize_t put_event(struct uio *to, const struct inotify_event *e)
{
	struct user_inotify_event head = { e->wd, e->mask, e->cookie, name_space(e) };

	if (uio_copy_out(to, &head, sizeof(head)) < sizeof(head) || uio_copy_out(to, e->name, e->name_len) < e->name_len ||
	    uio_zero_out(to, head.len - e->name_len) < head.len - e->name_len)
		return -EFAULT;
	return (ssize_t)(sizeof(head) + head.len);
}

static ssize_t inotify_read(struct file *f, struct uio *to, off_t *pos)
{
	struct inotify *in = f->private;
	struct inotify_event *e;
	ssize_t done = 0, n;

	inotify_reap();
	while (1) {
		e = take_event(in, to->count);
		if (is_err(e))
			return done ? done : ptr_err(e);
		if (!e) {
			if (done)
				return done;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			if (waitq_wait_interruptible(&in->wait, !list_empty(&in->events)))
				return -ERESTARTSYS;
			continue;
		}
		n = put_event(to, e);
		inotify_event_free(in, e);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
}

static u32 inotify_poll(struct file *f, struct poll_table *t)
{
	struct inotify *in = f->private;

	poll_wait(t, f, &in->wait);
	return list_empty(&in->events) ? 0 : POLLIN | POLLRDNORM;
}

static long inotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct inotify *in = f->private;
	struct inotify_event *e;
	s32 n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock(&inotify_lock);
	list_for_each(e, &in->events, link)
		n += (s32)(sizeof(struct user_inotify_event) + name_space(e));
	spin_unlock(&inotify_lock);
	return put_user(n, (s32 __user *)arg);
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->private;
	struct inotify_event *e;
	struct inotify_watch *w;

	do {
		spin_lock(&inotify_lock);
		w = list_first(&in->watches, struct inotify_watch, link);
		if (w)
			inotify_detach(w);
		else
			list_remove(&in->all_link);
		spin_unlock(&inotify_lock);
		if (w)
			inotify_watch_free(w);
	} while (w);
	inotify_reap();
	while ((e = list_first(&in->events, struct inotify_event, link))) {
		list_remove(&e->link);
		inotify_event_free(in, e);
	}
	user_add(in->user, USER_INOTIFY_INSTANCES, -1);
	user_put(in->user);
	kfree(in);
}

static int inotify_fdinfo(struct file *f, char *buf, size_t size)
{
	struct inotify *in = f->private;
	struct inotify_watch *w;
	int at = 0;

	spin_lock(&inotify_lock);
	list_for_each(w, &in->watches, link)
		if (at < (int)size)
			at += snprintf(buf + at, size - (size_t)at, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n",
				       (u32)w->wd, (unsigned long long)w->inode->ino, (u32)w->inode->sb->dev, w->mask & IN_ALL_EVENTS);
	spin_unlock(&inotify_lock);
	return min(at, (int)size);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_fdinfo,
};

long sys_inotify_init1(int flags)
{
	struct inotify *in;
	struct file *f;
	int fd;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	in = kzalloc(sizeof(*in), 0);
	if (!in)
		return -ENOMEM;
	list_init(&in->watches);
	list_init(&in->events);
	waitq_init(&in->wait);
	in->user = user_get(cred_current()->uid);
	if (!in->user) {
		kfree(in);
		return -ENOMEM;
	}
	if (!user_add_limited(in->user, USER_INOTIFY_INSTANCES, 1, atomic_load(&max_instances))) {
		user_put(in->user);
		kfree(in);
		return -EMFILE;
	}
	spin_lock(&inotify_lock);
	list_push_back(&inotify_all, &in->all_link);
	spin_unlock(&inotify_lock);
	f = file_anon("anon_inode:inotify", &inotify_ops, in, O_RDONLY | (flags & O_NONBLOCK), 0600);
	if (is_err(f)) {
		struct file gone = { .private = in };

		inotify_release(&gone);
		return ptr_err(f);
	}
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_inotify_init(void) { return sys_inotify_init1(0); }

static struct inotify_watch *watch_on(struct inotify *in, struct inode *i)
{
	struct inotify_watch *w;

	for (w = i->watches; w && w->owner != in; w = w->next_on_inode)
		;
	return w;
}

/* Changes a watch. inotify_lock held. Its number or -errno. */
static long change_watch(struct inotify_watch *w, u32 mask)
{
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	w->mask = (mask & IN_MASK_ADD ? w->mask : 0) | (mask & MASK_KEPT);
	return w->wd;
}

static long add_watch(struct inotify *in, struct inode *i, u32 mask)
{
	struct inotify_watch *fresh = kzalloc(sizeof(*fresh), 0), *w;
	long r;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&inotify_lock);
	w = watch_on(in, i);
	if (w) {
		r = change_watch(w, mask);
	} else if (!user_add_limited(in->user, USER_INOTIFY_WATCHES, 1, atomic_load(&max_watches))) {
		r = -ENOSPC;
	} else {
		w = fresh;
		fresh = NULL;
		w->owner = in;
		w->inode = inode_get(i);
		w->mask = mask & MASK_KEPT;
		w->wd = ++in->last_wd;
		w->next_on_inode = i->watches;
		atomic_store(&i->watches, w);
		list_push_back(&in->watches, &w->link);
		in->nr_watches++;
		atomic_store(&inotify_watches, inotify_watches + 1);
		r = w->wd;
	}
	spin_unlock(&inotify_lock);
	kfree(fresh);
	return r;
}

static struct file *inotify_fd(int fd, long *err)
{
	struct file *f = fd_get(fd);

	*err = !f ? -EBADF : f->ops != &inotify_ops ? -EINVAL : 0;
	if (!*err)
		return f;
	file_put(f);
	return NULL;
}

long sys_inotify_add_watch(int fd, const char __user *name, u32 mask)
{
	struct file *f;
	struct path p;
	long r;

	if (mask & ~MASK_OK || !(mask & (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED)))
		return -EINVAL;
	if (mask & IN_MASK_ADD && mask & IN_MASK_CREATE)
		return -EINVAL;
	f = inotify_fd(fd, &r);
	if (!f)
		return r;
	r = path_lookup_user(AT_FDCWD, name, (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0), &p);
	if (!r) {
		r = inode_permission(p.dentry->inode, MAY_READ);
		if (!r)
			r = add_watch(f->private, p.dentry->inode, mask);
		path_put(&p);
	}
	inotify_reap();
	file_put(f);
	return r;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct inotify_watch *w, *found = NULL;
	struct inotify *in;
	struct file *f;
	long r;

	f = inotify_fd(fd, &r);
	if (!f)
		return r;
	in = f->private;
	spin_lock(&inotify_lock);
	list_for_each(w, &in->watches, link)
		if (w->wd == wd)
			found = w;
	if (found)
		inotify_detach(found);
	spin_unlock(&inotify_lock);
	if (found)
		inotify_watch_free(found);
	inotify_reap();
	file_put(f);
	return found ? 0 : -EINVAL;
}

#define LIMIT(word) &(struct procfs_number){ &word, 0, 0x7fffffff, 1 }

static const struct virtual_file limits[] = {
	{ "sys/fs/inotify/max_queued_events", 0644, procfs_number_show, procfs_number_store, LIMIT(inotify_max_events) },
	{ "sys/fs/inotify/max_user_instances", 0644, procfs_number_show, procfs_number_store, LIMIT(max_instances) },
	{ "sys/fs/inotify/max_user_watches", 0644, procfs_number_show, procfs_number_store, LIMIT(max_watches) },
};

void inotify_init(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(limits); i++)
		(void)procfs_add(&limits[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open group file: its text is made afresh when it is read from position 0, a write goes to the
 * file's store as a whole, poll tells of changes since the last look (POLLPRI and POLLERR, as kernfs
 * does). A removed group's files say ENODEV. The open file's mutex guards text and position.
 */
#include "cgroupfs.h"

#define STORE_MAX 4095u

struct open_file {
	struct mutex lock;
	struct text text;
	bool is_made;
	u64 seen;		/* [a] events at the last look */
	void *watch;		/* the state of group_file.watch */
};

static u64 *events_of(struct cgroup_inode *c, struct waitq **q)
{
	return c->file->events ? c->file->events(c->group, q) : NULL;
}

static int cgroup_open(struct inode *inode, struct file *file)
{
	struct cgroup_inode *c = cgroup_i(inode);
	struct open_file *o;
	struct waitq *q;
	u64 *events;

	if (((file->mode & FMODE_WRITE) && !c->file->store && !c->file->watch) || ((file->mode & FMODE_READ) && !c->file->show))
		return -EACCES;
	o = kzalloc(sizeof(*o), 0);
	if (!o)
		return -ENOMEM;
	mutex_init(&o->lock, "group file", LOCK_GROUP_FILE);
	events = events_of(c, &q);
	if (events)
		o->seen = atomic_load(events);
	file->private = o;
	return 0;
}

static void cgroup_release(struct file *file)
{
	struct open_file *o = file->private;

	if (o->watch)
		cgroup_i(file->inode)->file->watch->release(o->watch);
	kfree(o->text.buf);
	kfree(o);
}

static int make(struct cgroup_inode *c, struct open_file *o)
{
	struct waitq *q;
	u64 *events = events_of(c, &q);
	int err;

	if (atomic_load(&c->group->is_dead))
		return -ENODEV;
	if (events)
		atomic_store(&o->seen, atomic_load(events));	/* before the text: a change in between is told again */
	o->text.len = 0;
	o->text.failed = false;
	err = o->watch && c->file->watch->show ? c->file->watch->show(&o->text, o->watch) : c->file->show(&o->text, c->group);
	o->is_made = !err && !o->text.failed;
	return err ? err : o->text.failed ? -ENOMEM : 0;
}

static ssize_t cgroup_read(struct file *file, struct uio *to, off_t *pos)
{
	struct open_file *o = file->private;
	ssize_t n = 0;

	mutex_lock(&o->lock);
	if (*pos == 0 || !o->is_made)
		n = make(cgroup_i(file->inode), o);
	if (!n && (u64)*pos < o->text.len) {
		size_t want = min(to->count, o->text.len - (size_t)*pos);

		n = (ssize_t)uio_copy_out(to, o->text.buf + *pos, want);
		if (n == 0 && want)
			n = -EFAULT;
		else
			*pos += n;
	}
	mutex_unlock(&o->lock);
	return n;
}

static int watch_store(struct open_file *o, const struct cgroup_inode *c, const char *text)
{
	int err;

	mutex_lock(&o->lock);
	err = c->file->watch->store(&o->watch, text, c->group);
	mutex_unlock(&o->lock);
	return err;
}

static ssize_t cgroup_write(struct file *file, struct uio *from, off_t *pos)
{
	struct cgroup_inode *c = cgroup_i(file->inode);
	size_t len = from->count;
	char *buf;
	int err;

	if (len > STORE_MAX)
		return -E2BIG;
	buf = kmalloc(len + 1, 0);
	if (!buf)
		return -ENOMEM;
	if (uio_copy_in(from, buf, len) != len) {
		err = -EFAULT;
	} else {
		buf[len] = '\0';
		err = atomic_load(&c->group->is_dead) ? -ENODEV : c->file->watch ? watch_store(file->private, c, buf) :
		      c->file->store(c->group, buf, len);
	}
	kfree(buf);
	if (err)
		return err;
	*pos += (off_t)len;
	return (ssize_t)len;
}

static u32 cgroup_poll(struct file *file, struct poll_table *table)
{
	struct cgroup_inode *c = cgroup_i(file->inode);
	struct open_file *o = file->private;
	u32 mask = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	struct waitq *q;
	u64 *events = events_of(c, &q);

	if (c->file->watch && c->file->watch->poll)
		return c->file->watch->poll(atomic_load_acquire(&o->watch), file, table);	/* pairs with the store */
	if (!events)
		return mask;
	poll_wait(table, file, q);
	if (atomic_load(events) != atomic_load(&o->seen))
		mask |= POLLPRI | POLLERR;
	return mask;
}

const struct file_ops cgroup_file_fops = {
	.open = cgroup_open, .release = cgroup_release, .read = cgroup_read, .write = cgroup_write,
	.poll = cgroup_poll, .seek = generic_file_seek,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file whose text is made by a show function: afresh when read from position 0, kept until
 * close. A write goes to store as a whole. The state's mutex guards text and position.
 */
#include <lib/string.h>
#include "virtual.h"

#define STORE_MAX 4095u

struct open_text {
	struct mutex lock;
	struct text text;
	bool is_made;
	void *watch;		/* the state of virtual_file.watch */
	u32 events;		/* of the file's event that a poll has told */
};

static struct virtual_event *event_of(const struct file *file)
{
	const struct virtual_inode *v = virtual_i(file->inode);

	return v->node ? v->node->file->event : v->entry->event;
}

static int text_open(struct inode *inode, struct file *file)
{
	const struct virtual_node *n = virtual_i(inode)->node;
	struct open_text *o;

	if (file->mode & FMODE_WRITE && n && !n->file->store && !n->file->watch)
		return -EACCES;
	o = kzalloc(sizeof(*o), 0);
	if (!o)
		return -ENOMEM;
	mutex_init(&o->lock, "virtual file", LOCK_VIRTUAL_FILE);
	if (event_of(file))
		o->events = atomic_load(&event_of(file)->count);
	file->private = o;
	return 0;
}

static void text_release(struct file *file)
{
	struct open_text *o = file->private;

	if (o->watch)
		virtual_i(file->inode)->node->file->watch->release(o->watch);
	kfree(o->text.buf);
	kfree(o);
}

static int make(struct file *file, struct open_text *o)
{
	const struct virtual_node *n = virtual_i(file->inode)->node;
	int err;

	o->text.len = 0;
	o->text.failed = false;
	if (n)
		err = n->file->show ? n->file->show(&o->text, n->file->arg) : -EACCES;
	else
		err = pid_show(file->inode, &o->text);
	o->is_made = !err && !o->text.failed;
	return err ? err : o->text.failed ? -ENOMEM : 0;
}

static ssize_t text_read(struct file *file, struct uio *to, off_t *pos)
{
	struct open_text *o = file->private;
	ssize_t n = 0;

	mutex_lock(&o->lock);
	if (*pos == 0 || !o->is_made)
		n = make(file, o);
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

static int watch_store(struct open_text *o, const struct virtual_file *f, const char *text)
{
	int err;

	mutex_lock(&o->lock);
	err = f->watch->store(&o->watch, text, f->arg);
	mutex_unlock(&o->lock);
	return err;
}

static ssize_t text_write(struct file *file, struct uio *from, off_t *pos)
{
	const struct virtual_node *n = virtual_i(file->inode)->node;
	size_t len = from->count;
	char *buf;
	int err = 0;

	if (len > STORE_MAX)
		return -EINVAL;
	buf = kmalloc(len + 1, 0);
	if (!buf)
		return -ENOMEM;
	if (uio_copy_in(from, buf, len) != len) {
		err = -EFAULT;
	} else {
		buf[len] = '\0';
		if (n && n->file->watch)
			err = watch_store(file->private, n->file, buf);
		else
			err = n ? n->file->store(buf, len, n->file->arg) : pid_store(file->inode, buf, len);
	}
	kfree(buf);
	if (err)
		return err;
	*pos += (off_t)len;
	return (ssize_t)len;
}

static u32 text_poll(struct file *file, struct poll_table *t)
{
	u32 ready = POLLIN | POLLRDNORM | (virtual_i(file->inode)->node ? POLLOUT | POLLWRNORM : 0);
	struct virtual_event *e = event_of(file);
	struct open_text *o = file->private;
	const struct virtual_node *n = virtual_i(file->inode)->node;
	u32 now;

	if (n && n->file->watch)
		return n->file->watch->poll(atomic_load_acquire(&o->watch), file, t);	/* pairs with the store */
	if (!e)
		return ready;
	poll_wait(t, file, &e->wait);
	now = atomic_load_acquire(&e->count);	/* pairs with virtual_event_raise */
	if (atomic_load(&o->events) == now)
		return ready;
	atomic_store(&o->events, now);
	return ready | POLLERR | POLLPRI;
}

void virtual_event_raise(struct virtual_event *e)
{
	(void)atomic_fetch_add(&e->count, 1u);	/* pairs with text_poll's load */
	waitq_wake(&e->wait, ~0u, POLLERR | POLLPRI);
}

/* Registered files can all be polled, those of a process if they have an event: epoll refuses what has no poll. */
const struct file_ops virtual_event_fops = {
	.open = text_open, .release = text_release, .read = text_read, .write = text_write, .seek = generic_file_seek,
	.poll = text_poll,
};

const struct file_ops virtual_file_fops = {
	.open = text_open, .release = text_release, .read = text_read, .write = text_write, .seek = generic_file_seek,
};

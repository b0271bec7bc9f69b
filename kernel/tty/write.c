/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * write() of a terminal, and waiting for output to leave. Locks: tty.write_lock for the whole call,
 * tty.lock while bytes are processed; neither user copies nor sleeping under the latter.
 */
#include "internal.h"

#define CHUNK 256u

/* Sleeps until output may have left; tty.lock is dropped meanwhile. 0 or -EINTR. */
static int wait_room(struct tty *t)
{
	struct waitq_entry e;
	int err;

	waitq_prepare(&t->write_wait, &e, SLEEP_INTERRUPTIBLE, false);
	mutex_unlock(&t->lock);
	err = thread_sleep(SLEEP_INTERRUPTIBLE, U64_MAX);
	waitq_finish(&t->write_wait, &e);
	mutex_lock(&t->lock);
	return err;
}

/* Processes bytes; how many were taken, or -errno if none was. tty.lock held. */
static ssize_t write_chunk(struct tty_file *f, struct file *file, const u8 *data, size_t len)
{
	struct tty *t = f->tty;
	size_t done = 0;
	int err = 0;

	while (done < len) {
		if (tty_file_is_dead(f) || t->port == NULL) {
			err = -EIO;
			break;
		}
		if (output_byte(t, data[done])) {
			done++;
			continue;
		}
		output_flush(t);
		if (output_room(t) >= EXPANSION_MAX)
			continue;
		if (file->flags & O_NONBLOCK) {
			err = -EAGAIN;
			break;
		}
		if (wait_room(t)) {
			err = -ERESTARTSYS;
			break;
		}
	}
	output_flush(t);
	return done ? (ssize_t)done : err;
}

static ssize_t write_all(struct tty_file *f, struct file *file, struct uio *from)
{
	struct tty *t = f->tty;
	u8 chunk[CHUNK];
	ssize_t total = 0, n;

	while (from->count > 0) {
		size_t len = uio_copy_in(from, chunk, min(from->count, sizeof(chunk)));

		if (len == 0)
			return total ? total : -EFAULT;
		mutex_lock(&t->lock);
		n = write_chunk(f, file, chunk, len);
		mutex_unlock(&t->lock);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((size_t)n < len)
			break;
	}
	return total;
}

ssize_t tty_write(struct file *file, struct uio *from, off_t *pos)
{
	struct tty_file *f = file->private;
	struct tty *t = f->tty;
	ssize_t n = 0;

	mutex_lock(&t->lock);
	if (tty_file_is_dead(f))
		n = -EIO;
	else if (has_flag(t->termios.c_lflag, TOSTOP))
		n = tty_check_job(t, SIGTTOU);
	mutex_unlock(&t->lock);
	if (n)
		return n;
	if (mutex_lock_interruptible(&t->write_lock))
		return -ERESTARTSYS;
	n = write_all(f, file, from);
	mutex_unlock(&t->write_lock);
	return n;
}

int tty_drain(struct tty *t)
{
	int err = 0;

	mutex_lock(&t->lock);
	while (!err && t->port && t->out_head != t->out_tail) {
		output_flush(t);
		if (t->out_head != t->out_tail)
			err = wait_room(t);
	}
	if (!err && t->port && t->port->ops->drain) {
		struct tty_port *port = t->port;	/* ports of open terminals stay */

		mutex_unlock(&t->lock);
		port->ops->drain(port);
		return 0;
	}
	mutex_unlock(&t->lock);
	return err;
}

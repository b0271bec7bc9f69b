/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals (pty(7), pts(4)): opening /dev/ptmx makes a pair. The slave is an ordinary
 * terminal /dev/pts/N whose port is a ring that the master reads; what the master writes is the
 * slave's input. Locks: pty_lock for the table of pairs; pty.lock (spin, interrupt rank like other
 * ports') for the ring.
 */
#include "internal.h"
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/format.h>
#include <uapi/errno.h>

#define PTY_MAX 64u
#define PTY_RING 4096u
#define PTS_MAJOR 136
#define DEV_PTMX MKDEV(5, 2)

struct pty {
	struct tty_port port;		/* the slave's */
	struct tty *slave;		/* reference */
	u32 index;
	bool is_open;			/* pty_lock: the pair is complete and its master open */
	struct spinlock lock;
	u8 ring[PTY_RING];		/* lock: slave to master */
	u32 head, tail;			/* lock */
	bool is_starved;		/* lock: the slave could not write all */
	bool had_slave;			/* lock: somebody opened the slave since */
	u32 slave_opens;		/* lock */
	struct waitq master_wait;
};
static struct mutex pty_lock;
static struct pty *ptys[PTY_MAX];	/* pty_lock; NULL: free */
static bool node_known[PTY_MAX];	/* of the owner of ptys' place: the number is registered */

static size_t slave_write(struct tty_port *port, const u8 *data, size_t len)
{
	struct pty *p = port->data;
	unsigned long flags = spin_lock_irqsave(&p->lock);
	size_t n = 0;

	while (n < len && p->head - p->tail < PTY_RING)
		p->ring[p->head++ % PTY_RING] = data[n++];
	p->is_starved |= n < len;
	spin_unlock_irqrestore(&p->lock, flags);
	if (n)
		waitq_wake(&p->master_wait, ~0u, POLLIN | POLLRDNORM);
	return n;
}

static size_t slave_write_room(struct tty_port *port)
{
	struct pty *p = port->data;
	unsigned long flags = spin_lock_irqsave(&p->lock);
	size_t room = PTY_RING - (p->head - p->tail);

	p->is_starved |= room == 0;
	spin_unlock_irqrestore(&p->lock, flags);
	return room;
}

static int slave_open(struct tty_port *port)
{
	struct pty *p = port->data;
	unsigned long flags = spin_lock_irqsave(&p->lock);

	p->slave_opens = 1;
	p->had_slave = true;
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static void slave_close(struct tty_port *port)
{
	struct pty *p = port->data;
	unsigned long flags = spin_lock_irqsave(&p->lock);

	p->slave_opens = 0;
	spin_unlock_irqrestore(&p->lock, flags);
	waitq_wake_all(&p->master_wait);
}

static const struct tty_port_ops slave_port_ops = {
	.write = slave_write, .write_room = slave_write_room, .open = slave_open, .close = slave_close,
};

struct tty *pty_slave_of(dev_t dev)
{
	u32 i = MINOR(dev);
	struct tty *t = NULL;

	if (MAJOR(dev) != PTS_MAJOR || i >= PTY_MAX)
		return NULL;
	mutex_lock(&pty_lock);
	if (ptys[i] && ptys[i]->is_open)
		t = tty_get(ptys[i]->slave);
	mutex_unlock(&pty_lock);
	return t;
}

/* The node, and once for each index the number behind it. Takes directories' locks, so without pty_lock: the place is ours. */
static int add_node(u32 index, const char *name)
{
	int err;

	if (node_known[index])
		return dev_node_add(name, S_IFCHR | 0620, MKDEV(PTS_MAJOR, index));
	err = chardev_register(MKDEV(PTS_MAJOR, index), "pts", 0620, &tty_file_ops, NULL);
	if (err == 0 || err == -EEXIST) {
		node_known[index] = true;
		if (err == 0)
			dev_node_remove("pts");	/* chardev_register named it after the class */
		err = dev_node_add(name, S_IFCHR | 0620, MKDEV(PTS_MAJOR, index));
	}
	return err;
}

static int pair_create(struct pty **out)
{
	struct pty *p = kzalloc(sizeof(*p), 0);
	char name[24];
	int err = -ENOSPC;

	if (p == NULL)
		return -ENOMEM;
	spin_init(&p->lock, "pty", LOCK_UART);
	waitq_init(&p->master_wait);
	p->port.ops = &slave_port_ops;
	p->port.data = p;
	mutex_lock(&pty_lock);
	while (p->index < PTY_MAX && ptys[p->index])
		p->index++;
	if (p->index < PTY_MAX) {
		ptys[p->index] = p;
		err = 0;
	}
	mutex_unlock(&pty_lock);
	if (err) {
		kfree(p);
		return err;
	}
	snprintf(name, sizeof(name), "pts/%u", p->index);
	p->slave = tty_create(&p->port, name, MKDEV(PTS_MAJOR, p->index), true);
	err = p->slave ? add_node(p->index, name) : -ENOMEM;
	if (err == 0)
		p->slave->is_locked = true;	/* until TIOCSPTLCK */
	mutex_lock(&pty_lock);
	p->is_open = err == 0;
	if (err)
		ptys[p->index] = NULL;
	mutex_unlock(&pty_lock);
	if (err) {
		if (p->slave)
			tty_put(p->slave);
		kfree(p);
		return err;
	}
	*out = p;
	return 0;
}

static int master_open(struct inode *inode, struct file *file)
{
	struct pty *p;
	int err = pair_create(&p);

	if (err)
		return err;
	file->private = p;
	file->mode |= FMODE_NOSEEK;
	return 0;
}

static void master_release(struct file *file)
{
	struct pty *p = file->private;
	struct tty *t;
	unsigned long flags;

	if (p == NULL)
		return;
	t = p->slave;
	tty_hangup(t);
	mutex_lock(&pty_lock);
	p->is_open = false;
	mutex_unlock(&pty_lock);
	dev_node_remove(t->name);
	mutex_lock(&pty_lock);
	ptys[p->index] = NULL;
	mutex_unlock(&pty_lock);
	mutex_lock(&t->lock);
	flags = spin_lock_irqsave(&t->raw_lock);
	t->port = NULL;
	spin_unlock_irqrestore(&t->raw_lock, flags);
	mutex_unlock(&t->lock);
	tty_put(t);
	kfree(p);
}

/* Bytes moved out of the ring into buf. */
static size_t ring_take(struct pty *p, u8 *buf, size_t len, bool *writable)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	size_t n = 0;

	while (n < len && p->tail != p->head)
		buf[n++] = p->ring[p->tail++ % PTY_RING];
	*writable = n > 0 && p->is_starved;
	if (*writable)
		p->is_starved = false;
	spin_unlock_irqrestore(&p->lock, flags);
	return n;
}

static bool master_has_input(struct pty *p)
{
	return atomic_load(&p->head) != atomic_load(&p->tail);
}

/* All slaves closed after at least one was open: the master reads EIO. */
static bool slave_is_gone(struct pty *p)
{
	return atomic_load(&p->had_slave) && atomic_load(&p->slave_opens) == 0;
}

static ssize_t master_read(struct file *file, struct uio *to, off_t *pos)
{
	struct pty *p = file->private;
	ssize_t total = 0;

	if (!master_has_input(p)) {
		if (slave_is_gone(p))
			return -EIO;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_interruptible(&p->master_wait, master_has_input(p) || slave_is_gone(p)))
			return -ERESTARTSYS;
	}
	while (to->count > 0) {
		u8 chunk[256];
		bool writable;
		size_t n = ring_take(p, chunk, min(to->count, sizeof(chunk)), &writable);

		if (writable)
			tty_port_writable(&p->port);
		if (n == 0)
			break;
		if (uio_copy_out(to, chunk, n) < n)
			return total ? total : -EFAULT;
		total += (ssize_t)n;
	}
	return total ? total : slave_is_gone(p) ? -EIO : 0;
}

static ssize_t master_write(struct file *file, struct uio *from, off_t *pos)
{
	struct pty *p = file->private;
	struct tty *t = p->slave;
	ssize_t total = 0;

	while (from->count > 0) {
		u8 chunk[128];
		size_t n = uio_copy_in(from, chunk, min(from->count, sizeof(chunk)));

		if (n == 0)
			return total ? total : -EFAULT;
		/* Raw mode with a reader that lags: wait, or say so. */
		while (!has_flag(t->termios.c_lflag, ICANON) && line_room(t) < n) {
			if (file->flags & O_NONBLOCK)
				return total ? total : -EAGAIN;
			if (waitq_wait_deadline(&p->master_wait, line_room(t) >= n,
						time_ns() + 10 * NSEC_PER_MSEC) == -EINTR)
				return total ? total : -ERESTARTSYS;
		}
		mutex_lock(&t->lock);
		for (size_t i = 0; i < n; i++)
			input_byte(t, chunk[i], TTY_NORMAL);
		output_flush(t);
		mutex_unlock(&t->lock);
		total += (ssize_t)n;
	}
	return total;
}

static u32 master_poll(struct file *file, struct poll_table *table)
{
	struct pty *p = file->private;
	u32 events = 0;

	poll_wait(table, file, &p->master_wait);
	if (master_has_input(p))
		events |= POLLIN | POLLRDNORM;
	if (slave_is_gone(p))
		events |= POLLHUP;
	if (has_flag(p->slave->termios.c_lflag, ICANON) || line_room(p->slave) > 0)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static long master_ioctl(struct file *file, u32 cmd, u64 arg)
{
	struct pty *p = file->private;
	struct tty_file as_slave = { .tty = p->slave, .hangups = p->slave->hangups, .is_console = true };
	struct file view = { .private = &as_slave };
	s32 locked;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(p->index, (u32 __user *)arg);
	case TIOCSPTLCK:
		if (get_user(locked, (const s32 __user *)arg))
			return -EFAULT;
		mutex_lock(&p->slave->lock);
		p->slave->is_locked = locked != 0;
		mutex_unlock(&p->slave->lock);
		return 0;
	case FIONREAD:
		return put_user((s32)(p->head - p->tail), (s32 __user *)arg);
	case TIOCSCTTY:
	case TIOCNOTTY:
		return -ENOTTY;
	default:
		return tty_ioctl(&view, cmd, arg);	/* termios and window size are the pair's */
	}
}

static const struct file_ops master_ops = {
	.open = master_open,
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
};

void pty_init(void)
{
	mutex_init(&pty_lock, "pty table", LOCK_PTY_TABLE);
	if (chardev_register(DEV_PTMX, "ptmx", 0666, &master_ops, NULL))
		log_err("pty: /dev/ptmx cannot be made");
}

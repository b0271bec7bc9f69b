/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals (pty(7), pts(4), ioctl_tty(2)): opening a ptmx makes a pair. The slave is an ordinary terminal, named
 * in devpts.c's file system, whose port is a ring that the master reads; what the master writes is the slave's input.
 * Locks: pty_lock (spin) for the table of pairs; pty.lock (spin, interrupt rank like other ports') for the ring.
 */
#include "internal.h"
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/procfs.h>
#include <lib/format.h>
#include <uapi/errno.h>

#define PTY_RING 4096u
#define PTY_LIMIT 65536u	/* what kernel.pty.max may be set to */
#define BUCKETS 64u

struct pty {
	struct pty *next;		/* pty_lock: its bucket's chain */
	struct pty_name name;		/* owner and mode: pty_lock */
	struct tty_port port;		/* the slave's */
	struct tty *slave;		/* reference */
	struct spinlock lock;
	u8 ring[PTY_RING];		/* lock: slave to master */
	u32 head, tail;			/* lock */
	bool is_starved;		/* lock: the slave could not write all */
	bool had_slave;			/* lock: somebody opened the slave since */
	u32 slave_opens;		/* lock */
	bool is_packet;			/* lock: TIOCPKT, reads begin with a byte that says what they bring */
	bool has_flow_keys;		/* tty.lock of the slave: ^S and ^Q stop and start */
	u32 packet;			/* lock: TIOCPKT_* to be told */
	struct waitq master_wait;
};
static struct spinlock pty_lock = SPINLOCK_INIT("pty table", LOCK_MISC);
static struct pty *buckets[BUCKETS];	/* pty_lock */
static u64 used[PTY_LIMIT / 64];	/* pty_lock: indices of pairs */
static u64 last_generation;		/* pty_lock */
static u64 nr_ptys, reserve = 1024;	/* pty_lock; shown in /proc/sys/kernel/pty, as are */
static u64 max_ptys = 4096;		/* these. Linux reserves for its first namespace: everybody here */

/* ---- the table ---- */

/* pty_lock held. */
static struct pty *find(u32 index)
{
	struct pty *p = buckets[index % BUCKETS];

	while (p && p->name.index != index)
		p = p->next;
	return p;
}

/* The lowest free index. */
static int table_add(struct pty *p)
{
	u32 index;

	spin_lock(&pty_lock);
	index = (u32)bitmap_find_clear(used, PTY_LIMIT, 0);
	if (nr_ptys >= READ_ONCE(max_ptys) || index >= PTY_LIMIT) {
		spin_unlock(&pty_lock);
		return -ENOSPC;
	}
	nr_ptys++;
	bitmap_set(used, index);
	p->name.index = index;
	p->name.generation = ++last_generation;
	spin_unlock(&pty_lock);
	return 0;
}

/* From now on its name is there. */
static void table_show(struct pty *p)
{
	spin_lock(&pty_lock);
	p->next = buckets[p->name.index % BUCKETS];
	buckets[p->name.index % BUCKETS] = p;
	spin_unlock(&pty_lock);
}

static void table_hide(struct pty *p)
{
	struct pty **at = &buckets[p->name.index % BUCKETS];

	spin_lock(&pty_lock);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	spin_unlock(&pty_lock);
}

static void table_remove(struct pty *p)
{
	spin_lock(&pty_lock);
	bitmap_clear(used, p->name.index);
	nr_ptys--;
	spin_unlock(&pty_lock);
}

bool pty_name_get(u32 index, struct pty_name *out)
{
	struct pty *p;

	spin_lock(&pty_lock);
	p = find(index);
	if (p)
		*out = p->name;
	spin_unlock(&pty_lock);
	return p;
}

bool pty_name_next(u32 from, struct pty_name *out)
{
	u64 index = from;

	while (1) {
		spin_lock(&pty_lock);
		index = bitmap_find_set(used, PTY_LIMIT, index);
		spin_unlock(&pty_lock);
		if (index >= PTY_LIMIT)
			return false;
		if (pty_name_get((u32)index, out))
			return true;
		index++;	/* on its way in or out */
	}
}

void pty_name_set(const struct pty_name *n)
{
	struct pty *p;

	spin_lock(&pty_lock);
	p = find(n->index);
	if (p && p->name.generation == n->generation)
		p->name = *n;
	spin_unlock(&pty_lock);
}

struct tty *pty_slave(u32 index, u64 generation)
{
	struct tty *t = NULL;
	struct pty *p;

	spin_lock(&pty_lock);
	p = find(index);
	if (p && p->name.generation == generation)
		t = tty_get(p->slave);
	spin_unlock(&pty_lock);
	return t;
}

/* ---- the slave's port ---- */

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

static bool keys_stop(const struct tty *t)
{
	return has_flag(t->termios.c_iflag, IXON) && t->termios.c_cc[VSTOP] == 19 && t->termios.c_cc[VSTART] == 17;
}

/* What a master in packet mode is told. tty.lock of the slave held. */
static u32 packet_of(struct pty *p, u32 events)
{
	bool had = p->has_flow_keys;
	u32 bits = 0;

	if (events & TTY_EVENT_FLUSHED_INPUT)
		bits |= TIOCPKT_FLUSHREAD;
	if (events & TTY_EVENT_FLUSHED_OUTPUT)
		bits |= TIOCPKT_FLUSHWRITE;
	if (events & TTY_EVENT_STOPPED)
		bits |= TIOCPKT_STOP;
	if (events & TTY_EVENT_STARTED)
		bits |= TIOCPKT_START;
	if (events & TTY_EVENT_TERMIOS) {
		p->has_flow_keys = keys_stop(p->slave);
		if (had != p->has_flow_keys)
			bits |= had ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP;
	}
	return bits;
}

static void slave_event(struct tty_port *port, u32 events)
{
	struct pty *p = port->data;
	u32 bits = packet_of(p, events);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if (events & TTY_EVENT_FLUSHED_OUTPUT)
		p->tail = p->head;
	if (p->is_packet && bits) {
		/* The later of two opposites counts. */
		if (bits & (TIOCPKT_STOP | TIOCPKT_START))
			p->packet &= ~(u32)(TIOCPKT_STOP | TIOCPKT_START);
		if (bits & (TIOCPKT_NOSTOP | TIOCPKT_DOSTOP))
			p->packet &= ~(u32)(TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
		p->packet |= bits;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	/* Bytes were read, or the mode changed: the master may have room. */
	waitq_wake_all(&p->master_wait);
}

static const struct tty_port_ops slave_port_ops = {
	.write = slave_write, .write_room = slave_write_room, .open = slave_open, .close = slave_close, .event = slave_event,
};

/* ---- the master ---- */

static int pair_create(struct pty **out)
{
	struct pty *p = kzalloc(sizeof(*p), 0);
	char name[24];
	int err;

	if (p == NULL)
		return -ENOMEM;
	spin_init(&p->lock, "pty", LOCK_UART);
	waitq_init(&p->master_wait);
	p->port.ops = &slave_port_ops;
	p->port.data = p;
	devpts_defaults(&p->name);
	err = table_add(p);
	if (err) {
		kfree(p);
		return err;
	}
	snprintf(name, sizeof(name), "pts/%u", p->name.index);
	p->slave = tty_create(&p->port, name, MKDEV(PTS_MAJOR, p->name.index), true);
	if (!p->slave) {
		table_remove(p);
		kfree(p);
		return -ENOMEM;
	}
	p->slave->is_locked = true;	/* until TIOCSPTLCK */
	p->has_flow_keys = keys_stop(p->slave);
	table_show(p);
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
	table_hide(p);
	tty_hangup(t);
	mutex_lock(&t->lock);
	flags = spin_lock_irqsave(&t->raw_lock);
	t->port = NULL;
	spin_unlock_irqrestore(&t->raw_lock, flags);
	mutex_unlock(&t->lock);
	table_remove(p);
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

static bool master_has_packet(struct pty *p)
{
	return atomic_load(&p->is_packet) && atomic_load(&p->packet);
}

static bool master_is_readable(struct pty *p)
{
	return master_has_input(p) || master_has_packet(p) || slave_is_gone(p);
}

/* Packet mode: 1 with what is to be told, or 0 with TIOCPKT_DATA in front of data; -EFAULT. */
static ssize_t read_packet_head(struct pty *p, struct uio *to, bool *is_whole)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	u8 head = (u8)p->packet;

	p->packet = 0;
	spin_unlock_irqrestore(&p->lock, flags);
	*is_whole = head != 0;
	return uio_copy_out(to, &head, 1) < 1 ? -EFAULT : 1;
}

static ssize_t master_read(struct file *file, struct uio *to, off_t *pos)
{
	struct pty *p = file->private;
	bool is_whole = false;
	ssize_t total = 0;

	if (to->count == 0)
		return 0;
	while (!master_has_input(p) && !master_has_packet(p)) {
		if (slave_is_gone(p))
			return -EIO;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_interruptible(&p->master_wait, master_is_readable(p)))
			return -ERESTARTSYS;
	}
	if (atomic_load(&p->is_packet)) {
		total = read_packet_head(p, to, &is_whole);
		if (total < 0 || is_whole)
			return total;
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
	/* 0: another reader was faster. */
	return total ? total : -EAGAIN;
}

/* n bytes of input can come: a line being typed may always go on, it just takes no more than fits. */
static bool slave_takes(const struct tty *t, size_t n)
{
	return line_room(t) >= n || (has_flag(t->termios.c_lflag, ICANON) && t->canon == t->tail);
}

static ssize_t master_write(struct file *file, struct uio *from, off_t *pos)
{
	struct pty *p = file->private;
	struct tty *t = p->slave;
	ssize_t total = 0;

	while (from->count > 0) {
		u8 chunk[128];
		size_t n = min(from->count, sizeof(chunk)), got;

		while (!slave_takes(t, n)) {
			if (file->flags & O_NONBLOCK)
				return total ? total : -EAGAIN;
			if (waitq_wait_interruptible(&p->master_wait, slave_takes(t, n)))
				return total ? total : -ERESTARTSYS;
		}
		got = uio_copy_in(from, chunk, n);
		if (got == 0)
			return total ? total : -EFAULT;
		mutex_lock(&t->lock);
		for (size_t i = 0; i < got; i++)
			input_byte(t, chunk[i], TTY_NORMAL);
		output_flush(t);
		mutex_unlock(&t->lock);
		total += (ssize_t)got;
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
	if (master_has_packet(p))
		events |= POLLPRI | POLLIN | POLLRDNORM;
	if (slave_is_gone(p))
		events |= POLLHUP;
	if (slave_takes(p->slave, 1))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static int set_locked(struct pty *p, u64 arg)
{
	s32 locked;

	if (get_user(locked, (const s32 __user *)arg))
		return -EFAULT;
	mutex_lock(&p->slave->lock);
	p->slave->is_locked = locked != 0;
	mutex_unlock(&p->slave->lock);
	return 0;
}

static int set_packet(struct pty *p, u64 arg)
{
	unsigned long flags;
	s32 on;

	if (get_user(on, (const s32 __user *)arg))
		return -EFAULT;
	flags = spin_lock_irqsave(&p->lock);
	if (!p->is_packet)
		p->packet = 0;
	p->is_packet = on != 0;
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static int signal_slave(struct pty *p, u64 sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	mutex_lock(&p->slave->lock);
	tty_signal_foreground(p->slave, (int)sig);
	mutex_unlock(&p->slave->lock);
	return 0;
}

/* TIOCGPTPEER: a descriptor of the slave, as opening its name in /dev/pts gives it. */
static long open_peer(struct pty *p, u32 open_flags)
{
	struct path path;
	struct file *f;
	char name[32];
	long fd;

	snprintf(name, sizeof(name), "/dev/%s", p->slave->name);
	if (path_lookup(NULL, name, LOOKUP_FOLLOW, &path))
		return -EIO;
	f = err_ptr(-EIO);
	if (path.dentry->inode->rdev == p->slave->dev)
		f = file_open_path(&path, open_flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), cred_current());
	path_put(&path);
	if (is_err(f))
		return ptr_err(f);
	fd = fd_install(f, 0, open_flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long master_ioctl(struct file *file, u32 cmd, u64 arg)
{
	struct pty *p = file->private;
	struct tty_file as_slave = { .tty = p->slave, .hangups = p->slave->hangups, .is_console = true };
	struct file view = { .private = &as_slave };

	switch (cmd) {
	case TIOCGPTN:
		return put_user(p->name.index, (u32 __user *)arg);
	case TIOCSPTLCK:
		return set_locked(p, arg);
	case TIOCGPTLCK:
		return put_user((s32)READ_ONCE(p->slave->is_locked), (s32 __user *)arg);
	case TIOCGPTPEER:
		return open_peer(p, (u32)arg);
	case TIOCPKT:
		return set_packet(p, arg);
	case TIOCGPKT:
		return put_user((s32)atomic_load(&p->is_packet), (s32 __user *)arg);
	case TIOCSIG:
		return signal_slave(p, arg);
	case FIONREAD:
		return put_user((s32)(atomic_load(&p->head) - atomic_load(&p->tail)), (s32 __user *)arg);
	case TIOCSCTTY:
	case TIOCNOTTY:
		return -ENOTTY;
	default:
		return tty_ioctl(&view, cmd, arg);	/* termios and window size are the pair's */
	}
}

const struct file_ops pty_master_ops = {
	.open = master_open,
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
};

static int nr_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)READ_ONCE(nr_ptys));
	return 0;
}

static const struct virtual_file settings[] = {
	{ "sys/kernel/pty/max", 0644, procfs_number_show, procfs_number_store, &(struct procfs_number){ &max_ptys, 0, PTY_LIMIT, 1 } },
	{ "sys/kernel/pty/reserve", 0644, procfs_number_show, procfs_number_store, &(struct procfs_number){ &reserve, 0, PTY_LIMIT, 1 } },
	{ "sys/kernel/pty/nr", 0444, nr_show },
};

void pty_init(void)
{
	if (chardev_register(DEV_PTMX, "tty", "ptmx", 0666, &pty_master_ops, NULL))
		log_err("pty: /dev/ptmx cannot be made");
	for (unsigned i = 0; i < ARRAY_LEN(settings); i++)
		(void)procfs_add(&settings[i]);
	devpts_init();
}

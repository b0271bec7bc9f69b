/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals as objects and as files: registration by drivers, /dev/tty, /dev/console, open, release,
 * poll. Lock: tty_list_lock guards the list of terminals and which is the console.
 */
#include "internal.h"
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define DEV_TTY MKDEV(5, 0)		/* the controlling terminal */
#define DEV_CONSOLE MKDEV(5, 1)

static struct spinlock tty_list_lock = SPINLOCK_INIT("tty list", LOCK_MISC);
static struct list ttys = LIST_INIT(ttys);
static char preferred_console[24];	/* tty_list_lock; tty_console_prefer */

/* Linux's tty_std_termios, with the speed of a serial console. */
static const struct ktermios default_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
		[VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
		[VWERASE] = 23, [VLNEXT] = 22,
	},
	.c_ispeed = 115200,
	.c_ospeed = 115200,
};

struct tty *tty_create(struct tty_port *port, const char *name, dev_t dev, bool is_pty)
{
	struct tty *t = kzalloc(sizeof(*t), 0);

	if (t == NULL)
		return NULL;
	ref_set(&t->refs, 1);
	list_init(&t->link);
	list_init(&t->work_link);
	strlcpy(t->name, name, sizeof(t->name));
	t->dev = dev;
	t->port = port;
	t->is_pty = is_pty;
	t->termios = default_termios;
	if (is_pty)
		t->termios.c_cflag = B38400 | CS8 | CREAD;
	mutex_init(&t->lock, "tty", LOCK_TTY);
	mutex_init(&t->write_lock, "tty write", LOCK_TTY);
	spin_init(&t->raw_lock, "tty raw", LOCK_TTY_INPUT);
	waitq_init(&t->read_wait);
	waitq_init(&t->write_wait);
	atomic_store_release(&port->tty, t);	/* pairs with nothing: interrupts come later */
	return t;
}

void tty_put(struct tty *t)
{
	if (ref_put(&t->refs))
		kfree(t);
}

int tty_register(struct tty_port *port, const char *name, dev_t dev)
{
	struct tty *t = tty_create(port, name, dev, false);
	int err;

	if (t == NULL)
		return -ENOMEM;
	if (port->ops->set_termios)
		port->ops->set_termios(port, &t->termios);
	err = chardev_register(dev, "tty", t->name, 0620, &tty_file_ops, t);
	if (err) {
		port->tty = NULL;
		tty_put(t);
		return err;
	}
	spin_lock(&tty_list_lock);
	list_push_back(&ttys, &t->link);
	spin_unlock(&tty_list_lock);
	return 0;
}

/* The node goes; the number stays registered and opens with ENXIO, so t keeps one reference. */
void tty_unregister(struct tty_port *port)
{
	struct tty *t = port->tty;
	unsigned long flags;

	if (t == NULL)
		return;
	tty_hangup(t);
	dev_node_remove(t->name);
	spin_lock(&tty_list_lock);
	list_remove(&t->link);
	spin_unlock(&tty_list_lock);
	mutex_lock(&t->lock);
	flags = spin_lock_irqsave(&t->raw_lock);
	t->port = NULL;
	port->tty = NULL;
	spin_unlock_irqrestore(&t->raw_lock, flags);
	mutex_unlock(&t->lock);
}

/* ---- the console ---- */

void tty_console_prefer(const char *name)
{
	size_t len = strlen(name);
	const char *comma = strchr(name, ',');

	if (comma)
		len = (size_t)(comma - name);	/* ttyS0,115200n8 */
	spin_lock(&tty_list_lock);
	strlcpy(preferred_console, name, min(len + 1, sizeof(preferred_console)));
	spin_unlock(&tty_list_lock);
}

static bool names_tty(const struct tty *t, const char *word)
{
	size_t len = strlen(t->name);

	return strncmp(word, t->name, len) == 0 && (word[len] == '\0' || word[len] == ',');
}

/* With tty_list_lock held: the terminal a console= word names, or NULL. */
static struct tty *find_named(const char *word)
{
	struct tty *t;

	list_for_each(t, &ttys, link)
		if (names_tty(t, word))
			return t;
	return NULL;
}

struct tty *tty_console(void)
{
	struct tty *t = NULL, *named;
	const char *word;

	spin_lock(&tty_list_lock);
	if (preferred_console[0])
		t = find_named(preferred_console);
	/* The last console= that exists. */
	for (unsigned i = 0; t == NULL && (word = cmdline_get_nth("console", i)) != NULL; i++) {
		const char *later;

		named = find_named(word);
		for (unsigned j = i + 1; (later = cmdline_get_nth("console", j)) != NULL; j++)
			named = find_named(later) ? find_named(later) : named;
		t = named;
	}
	if (t == NULL)
		t = list_first(&ttys, struct tty, link);
	spin_unlock(&tty_list_lock);
	return t;
}

bool tty_console_name(char *name, size_t size, dev_t *dev)
{
	struct tty *t = tty_console();	/* consoles are not unregistered */

	if (t == NULL)
		return false;
	strlcpy(name, t->name, size);
	*dev = t->dev;
	return true;
}

/* ---- files ---- */

bool tty_file_is_dead(const struct tty_file *f)
{
	return !f->is_console && f->hangups != f->tty->hangups;
}

int tty_open_file(struct tty *t, struct file *file, bool is_console)
{
	struct tty_file *f = kzalloc(sizeof(*f), 0);
	int err = 0;

	if (f == NULL)
		return -ENOMEM;
	mutex_lock(&t->lock);
	if (t->port == NULL || t->is_locked)
		err = -EIO;
	else if (t->is_exclusive && t->open_count > 0 && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	else if (t->open_count == 0 && t->port->ops->open)
		err = t->port->ops->open(t->port);
	if (err == 0) {
		t->open_count++;
		f->tty = tty_get(t);
		f->hangups = t->hangups;
		f->is_console = is_console;
		file->private = f;
		file->mode |= FMODE_NOSEEK;
	}
	mutex_unlock(&t->lock);
	if (err)
		kfree(f);
	return err;
}

/* /dev/tty: the current process's terminal, referenced. */
static struct tty *controlling_tty(void)
{
	struct process *p = current_process();
	struct tty *t = NULL;

	if (p == NULL)
		return NULL;
	spin_lock(&process_tree_lock);
	if (p->tty)
		t = tty_get(p->tty);
	spin_unlock(&process_tree_lock);
	return t;
}

int tty_open_line(struct tty *t, struct file *file)
{
	int err = tty_open_file(t, file, false);

	if (err == 0 && !(file->flags & O_NOCTTY))
		tty_acquire_on_open(t);
	return err;
}

static int tty_open(struct inode *inode, struct file *file)
{
	struct tty *t = file->private;		/* what chardev_register was given */
	dev_t dev = inode->rdev;
	int err;

	file->private = NULL;
	if (dev == DEV_TTY) {
		t = controlling_tty();
		if (t == NULL)
			return -ENXIO;
	} else if (dev == DEV_CONSOLE) {
		t = tty_console();
		if (t == NULL)
			return -ENODEV;
		tty_get(t);
	} else {
		tty_get(t);
	}
	/* As on Linux the console never becomes a controlling terminal by being opened. */
	err = dev == DEV_CONSOLE || dev == DEV_TTY ? tty_open_file(t, file, dev == DEV_CONSOLE) : tty_open_line(t, file);
	tty_put(t);
	return err;
}

static void tty_release(struct file *file)
{
	struct tty_file *f = file->private;
	struct tty *t;

	if (f == NULL)
		return;
	t = f->tty;
	mutex_lock(&t->lock);
	if (--t->open_count == 0) {
		t->is_exclusive = false;
		if (t->port && t->port->ops->close)
			t->port->ops->close(t->port);
	}
	mutex_unlock(&t->lock);
	tty_put(t);
	kfree(f);
}

static u32 tty_poll(struct file *file, struct poll_table *table)
{
	struct tty_file *f = file->private;
	struct tty *t = f->tty;
	const u8 *cc = t->termios.c_cc;
	u32 events = 0;

	poll_wait(table, file, &t->read_wait);
	poll_wait(table, file, &t->write_wait);
	mutex_lock(&t->lock);
	if (tty_file_is_dead(f) || t->port == NULL)
		events |= POLLHUP | POLLIN | POLLRDNORM | POLLERR;
	if (tty_has_input(t, cc[VTIME] ? 1 : cc[VMIN]))
		events |= POLLIN | POLLRDNORM;
	output_flush(t);
	if (output_room(t) >= OUT_SIZE / 4 && !t->is_stopped)
		events |= POLLOUT | POLLWRNORM;
	mutex_unlock(&t->lock);
	return events;
}

const struct file_ops tty_file_ops = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};

/* Boot step: the terminals' thread, /dev/tty, /dev/console, /dev/ptmx. Needs /dev. */
void tty_init(void)
{
	receive_init();
	if (chardev_register(DEV_TTY, "tty", "tty", 0666, &tty_file_ops, NULL) ||
	    chardev_register(DEV_CONSOLE, "tty", "console", 0600, &tty_file_ops, NULL))
		log_err("tty: /dev/tty and /dev/console cannot be made");
	pty_init();
}

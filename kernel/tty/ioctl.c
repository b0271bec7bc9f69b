/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl() of terminals (tty_ioctl(4)): settings, window size, queues, flow; job control is job.c's. Lock: tty.lock. */
#include "internal.h"
#include <lib/string.h>
#include <uapi/errno.h>

/* A termios as the user sees it: the old struct has no speeds. */
static int get_termios(struct tty *t, u64 arg, size_t size)
{
	struct ktermios k;

	mutex_lock(&t->lock);
	k = t->termios;
	mutex_unlock(&t->lock);
	return copy_to_user((void __user *)arg, &k, size);
}

static const struct speed {
	u32 code, baud;
} speeds[] = {
	{ B0, 0 }, { 1, 50 }, { 2, 75 }, { 3, 110 }, { 4, 134 }, { 5, 150 }, { 6, 200 }, { 7, 300 }, { 8, 600 },
	{ 9, 1200 }, { 10, 1800 }, { 11, 2400 }, { 12, 4800 }, { B9600, 9600 }, { B19200, 19200 },
	{ B38400, 38400 }, { 0x1001, 57600 }, { B115200, 115200 }, { 0x1003, 230400 }, { 0x1004, 460800 },
	{ 0x1005, 500000 }, { 0x1006, 576000 }, { 0x1007, 921600 }, { 0x1008, 1000000 },
};

static void speeds_from_cflag(struct ktermios *k)
{
	u32 code = k->c_cflag & CBAUD;

	for (unsigned i = 0; i < ARRAY_LEN(speeds); i++)
		if (speeds[i].code == code)
			k->c_ispeed = k->c_ospeed = speeds[i].baud;
}

static int set_termios(struct tty *t, u64 arg, size_t size, bool drain, bool flush)
{
	struct ktermios new, old;
	int err;

	mutex_lock(&t->lock);
	err = tty_check_job(t, SIGTTOU);
	new = t->termios;
	mutex_unlock(&t->lock);
	if (err)
		return err;
	if (copy_from_user(&new, (const void __user *)arg, size))
		return -EFAULT;
	if ((new.c_cflag & CBAUD) != BOTHER)
		speeds_from_cflag(&new);
	if (drain) {
		err = tty_drain(t);
		if (err)
			return err;
	}
	mutex_lock(&t->lock);
	old = t->termios;
	t->termios = new;
	if (flush) {
		unsigned long flags = spin_lock_irqsave(&t->raw_lock);

		t->raw_tail = t->raw_head;
		spin_unlock_irqrestore(&t->raw_lock, flags);
		input_flush(t);
	}
	input_termios_changed(t, &old);
	if (has_flag(old.c_iflag, IXON) && !has_flag(new.c_iflag, IXON) && t->is_stopped)
		output_stop(t, false);
	if (t->port && t->port->ops->set_termios)
		t->port->ops->set_termios(t->port, &new);
	tty_tell_port(t, TTY_EVENT_TERMIOS);
	mutex_unlock(&t->lock);
	return 0;
}

static int set_winsize(struct tty *t, u64 arg)
{
	struct winsize w;

	if (copy_from_user(&w, (const void __user *)arg, sizeof(w)))
		return -EFAULT;
	mutex_lock(&t->lock);
	if (memcmp(&w, &t->winsize, sizeof(w)) != 0) {
		t->winsize = w;
		tty_signal_foreground(t, SIGWINCH);
	}
	mutex_unlock(&t->lock);
	return 0;
}

static int get_winsize(struct tty *t, u64 arg)
{
	struct winsize w;

	mutex_lock(&t->lock);
	w = t->winsize;
	mutex_unlock(&t->lock);
	return copy_to_user((void __user *)arg, &w, sizeof(w));
}

static int flush_queues(struct tty *t, u64 which)
{
	unsigned long flags;
	int err;

	if (which > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&t->lock);
	err = tty_check_job(t, SIGTTOU);
	if (!err && which != TCOFLUSH) {
		flags = spin_lock_irqsave(&t->raw_lock);
		t->raw_tail = t->raw_head;
		spin_unlock_irqrestore(&t->raw_lock, flags);
		input_flush(t);
	}
	if (!err && which != TCIFLUSH) {
		t->out_tail = t->out_head;
		waitq_wake_all(&t->write_wait);
	}
	if (!err)
		tty_tell_port(t, (which != TCOFLUSH ? TTY_EVENT_FLUSHED_INPUT : 0) | (which != TCIFLUSH ? TTY_EVENT_FLUSHED_OUTPUT : 0));
	mutex_unlock(&t->lock);
	return err;
}

static int flow(struct tty *t, u64 action)
{
	int err;

	if (action > TCION)
		return -EINVAL;
	mutex_lock(&t->lock);
	err = tty_check_job(t, SIGTTOU);
	if (!err) {
		if (action == TCOOFF || action == TCOON)
			output_stop(t, action == TCOOFF);
		else	/* asks the other side to stop or go on */
			(void)output_raw(t, t->termios.c_cc[action == TCIOFF ? VSTOP : VSTART]);
		output_flush(t);
	}
	mutex_unlock(&t->lock);
	return err;
}

static int queue_length(struct tty *t, u64 arg, bool input)
{
	s32 n;

	mutex_lock(&t->lock);
	if (!input)
		n = (s32)output_queued(t);
	else if (has_flag(t->termios.c_lflag, ICANON))
		n = (s32)(t->canon - t->tail);
	else
		n = (s32)(t->head - t->tail);
	mutex_unlock(&t->lock);
	return put_user(n, (s32 __user *)arg);
}

/* TIOCSTI: as if typed. Only root, as on hardened Linux. */
static int push_input(struct tty *t, u64 arg)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, (const u8 __user *)arg))
		return -EFAULT;
	mutex_lock(&t->lock);
	input_byte(t, c, TTY_NORMAL);
	output_flush(t);
	mutex_unlock(&t->lock);
	return 0;
}

static int set_exclusive(struct tty *t, bool on)
{
	mutex_lock(&t->lock);
	t->is_exclusive = on;
	mutex_unlock(&t->lock);
	return 0;
}

static long termios_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TCGETS:
		return get_termios(t, arg, sizeof(struct termios));
	case TCGETS2:
		return get_termios(t, arg, sizeof(struct ktermios));
	case TCSETS:
		return set_termios(t, arg, sizeof(struct termios), false, false);
	case TCSETSW:
		return set_termios(t, arg, sizeof(struct termios), true, false);
	case TCSETSF:
		return set_termios(t, arg, sizeof(struct termios), true, true);
	case TCSETS2:
		return set_termios(t, arg, sizeof(struct ktermios), false, false);
	case TCSETSW2:
		return set_termios(t, arg, sizeof(struct ktermios), true, false);
	case TCSETSF2:
		return set_termios(t, arg, sizeof(struct ktermios), true, true);
	default:
		return -ENOTTY;
	}
}

static long queue_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	s32 discipline = 0;	/* N_TTY, the only one */

	switch (cmd) {
	case TIOCGWINSZ:
		return get_winsize(t, arg);
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case TCFLSH:
		return flush_queues(t, arg);
	case TCXONC:
		return flow(t, arg);
	case TCSBRK:
	case TCSBRKP:
		return tty_drain(t);	/* breaks are not sent: no driver can */
	case FIONREAD:
		return queue_length(t, arg, true);
	case TIOCOUTQ:
		return queue_length(t, arg, false);
	case TIOCSTI:
		return push_input(t, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(t, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_user((s32)READ_ONCE(t->is_exclusive), (s32 __user *)arg);
	case TIOCGDEV:
		return put_user(t->dev, (dev_t __user *)arg);
	case TIOCGETD:
		return put_user(discipline, (s32 __user *)arg);
	case TIOCSETD:
		if (get_user(discipline, (const s32 __user *)arg))
			return -EFAULT;
		return discipline ? -EINVAL : 0;
	case TIOCGPTPEER:	/* the master's */
		return t->is_pty ? -EIO : -ENOTTY;
	default:
		return -ENOTTY;
	}
}

long tty_ioctl(struct file *file, u32 cmd, u64 arg)
{
	struct tty_file *f = file->private;
	bool dead;
	long r;

	mutex_lock(&f->tty->lock);
	dead = tty_file_is_dead(f);
	mutex_unlock(&f->tty->lock);
	if (dead)
		return -EIO;
	r = termios_ioctl(f->tty, cmd, arg);
	if (r == -ENOTTY)
		r = queue_ioctl(f->tty, cmd, arg);
	if (r == -ENOTTY)
		r = tty_job_ioctl(f->tty, cmd, arg);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read() of a terminal: whole lines in canonical mode (POSIX 11.1.6), VMIN and VTIME otherwise
 * (11.1.7). Lock: tty.lock, dropped to sleep; user copies happen under it (LOCK_TTY is above
 * LOCK_ASPACE for that).
 */
#include "internal.h"
#include <kernel/time.h>

#define TENTH_NS 100000000ull

/* Copies from the line buffer, at most n bytes; the number copied (short: fault). */
static size_t copy_out(struct tty *t, struct uio *to, u32 n)
{
	size_t done = 0;

	while (n > 0) {
		u32 at = t->tail % LINE_SIZE, part = min(n, LINE_SIZE - at);
		size_t copied = uio_copy_out(to, t->line + at, part);

		t->tail += (u32)copied;
		n -= (u32)copied;
		done += copied;
		if (copied < part)
			break;
	}
	return done;
}

/* One line or the part of it that fits. *is_eof: an end-of-file mark was taken. */
static ssize_t read_line(struct tty *t, struct uio *to)
{
	u32 want = (u32)min(to->count, (size_t)LINE_SIZE), n = 0;
	bool ends = false, is_eof;
	size_t done;

	while (t->tail + n != t->canon && n < want && !ends)
		ends = bitmap_test(t->mark, (t->tail + n++) % LINE_SIZE);
	/* Exactly full, and the mark that follows is an end of file: it goes along, or the next read sees it. */
	is_eof = ends && t->line[(t->tail + n - 1) % LINE_SIZE] == '\0';
	if (!ends && t->tail + n != t->canon && bitmap_test(t->mark, (t->tail + n) % LINE_SIZE) &&
	    t->line[(t->tail + n) % LINE_SIZE] == '\0') {
		is_eof = true;
		n++;
	}
	done = copy_out(t, to, is_eof ? n - 1 : n);
	if (is_eof && done == n - 1)
		t->tail++;
	return done == 0 && n > (is_eof ? 1u : 0u) ? -EFAULT : (ssize_t)done;
}

bool tty_has_input(const struct tty *t, u32 at_least)
{
	if (has_flag(t->termios.c_lflag, ICANON))
		return t->canon != t->tail;
	return t->head - t->tail >= max(at_least, 1u);
}

/* When a non-canonical read gives up waiting: VTIME after the start (VMIN 0) or the last byte. */
static u64 deadline_of(const struct tty *t, u64 start_ns, u64 last_byte_ns)
{
	u64 tenths = t->termios.c_cc[VTIME];

	if (has_flag(t->termios.c_lflag, ICANON) || tenths == 0)
		return U64_MAX;
	if (t->termios.c_cc[VMIN] == 0)
		return start_ns + tenths * TENTH_NS;
	return last_byte_ns ? last_byte_ns + tenths * TENTH_NS : U64_MAX;
}

/* Enough for the read to return at once? */
static bool is_satisfied(const struct tty *t, size_t want)
{
	u32 least = t->termios.c_cc[VMIN];

	if (has_flag(t->termios.c_lflag, ICANON))
		return t->canon != t->tail;
	if (least == 0)
		return t->head != t->tail || t->termios.c_cc[VTIME] == 0;
	return t->head - t->tail >= min((size_t)least, want);
}

/* Sleeps until something changes. tty.lock is dropped meanwhile. 0, -EINTR, -ETIMEDOUT. */
static int wait_input(struct tty *t, u64 deadline_ns)
{
	struct waitq_entry e;
	int err;

	waitq_prepare(&t->read_wait, &e, SLEEP_INTERRUPTIBLE, false);
	mutex_unlock(&t->lock);
	err = thread_sleep(SLEEP_INTERRUPTIBLE, deadline_ns);
	waitq_finish(&t->read_wait, &e);
	mutex_lock(&t->lock);
	return err;
}

static ssize_t take_input(struct tty *t, struct uio *to)
{
	ssize_t n;

	if (has_flag(t->termios.c_lflag, ICANON)) {
		n = read_line(t, to);
	} else {
		u32 want = (u32)min(to->count, (size_t)(t->head - t->tail));

		n = (ssize_t)copy_out(t, to, want);
		t->canon = t->head;
		if (n == 0 && want > 0)
			n = -EFAULT;
	}
	tty_unthrottle(t);
	tty_tell_port(t, TTY_EVENT_ROOM);
	return n;
}

static ssize_t read_locked(struct tty_file *f, struct file *file, struct uio *to)
{
	struct tty *t = f->tty;
	u64 start = time_ns(), last_byte = 0;
	u32 seen = t->head - t->tail;
	int err;

	while (true) {
		if (tty_file_is_dead(f))
			return 0;
		err = tty_check_job(t, SIGTTIN);
		if (err)
			return err;
		if (t->head - t->tail != seen || (seen && !last_byte)) {
			seen = t->head - t->tail;
			last_byte = time_ns();
		}
		if (is_satisfied(t, to->count))
			return take_input(t, to);
		if (t->port == NULL)
			return 0;
		if (file->flags & O_NONBLOCK)
			return t->head != t->tail && !has_flag(t->termios.c_lflag, ICANON) ? take_input(t, to) : -EAGAIN;
		err = wait_input(t, deadline_of(t, start, last_byte));
		if (err == -ETIMEDOUT)
			return take_input(t, to);
		if (err)
			return t->head != t->tail && !has_flag(t->termios.c_lflag, ICANON) ? take_input(t, to) : -ERESTARTSYS;
	}
}

ssize_t tty_read(struct file *file, struct uio *to, off_t *pos)
{
	struct tty_file *f = file->private;
	ssize_t n;

	if (to->count == 0)
		return 0;
	mutex_lock(&f->tty->lock);
	n = read_locked(f, file, to);
	mutex_unlock(&f->tty->lock);
	return n;
}

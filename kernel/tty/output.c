/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output processing (POSIX 11.2.3, c_oflag) into the terminal's output ring, and from the ring
 * to the port. Lock: tty.lock.
 */
#include "internal.h"

static void put(struct tty *t, u8 c)
{
	t->out[t->out_head++ % OUT_SIZE] = c;
}

bool output_raw(struct tty *t, u8 c)
{
	if (output_room(t) < EXPANSION_MAX)
		output_flush(t);
	if (output_room(t) < EXPANSION_MAX)
		return false;
	put(t, c);
	return true;
}

static void put_newline(struct tty *t, u32 oflag)
{
	if (has_flag(oflag, ONLRET))
		t->column = 0;
	if (has_flag(oflag, ONLCR)) {
		put(t, '\r');
		t->column = 0;
	}
	put(t, '\n');
	t->canon_column = t->column;
}

static void put_tab(struct tty *t, u32 oflag)
{
	u32 blanks = 8 - (t->column & 7);

	t->column += blanks;
	if ((oflag & TABDLY) != XTABS) {
		put(t, '\t');
		return;
	}
	while (blanks-- > 0)
		put(t, ' ');
}

static void put_processed(struct tty *t, u8 c, u32 oflag)
{
	switch (c) {
	case '\n':
		put_newline(t, oflag);
		return;
	case '\r':
		if (has_flag(oflag, ONOCR) && t->column == 0)
			return;
		if (has_flag(oflag, OCRNL)) {
			put_newline(t, oflag & ~ONLCR);
			return;
		}
		t->column = t->canon_column = 0;
		break;
	case '\t':
		put_tab(t, oflag);
		return;
	case '\b':
		if (t->column > 0)
			t->column--;
		break;
	default:
		if (has_flag(oflag, OLCUC) && c >= 'a' && c <= 'z')
			c = (u8)(c - 'a' + 'A');
		/* Control bytes take no column, nor do the later bytes of a UTF-8 character. */
		if (c >= ' ' && c != 0x7f && !(has_flag(t->termios.c_iflag, IUTF8) && (c & 0xc0) == 0x80))
			t->column++;
	}
	put(t, c);
}

bool output_byte(struct tty *t, u8 c)
{
	if (!has_flag(t->termios.c_oflag, OPOST))
		return output_raw(t, c);
	if (output_room(t) < EXPANSION_MAX)
		output_flush(t);
	if (output_room(t) < EXPANSION_MAX)
		return false;
	put_processed(t, c, t->termios.c_oflag);
	return true;
}

void output_flush(struct tty *t)
{
	lock_assert_held(&t->lock);
	while (!t->is_stopped && t->port && t->out_head != t->out_tail) {
		u32 at = t->out_tail % OUT_SIZE;
		u32 len = min(output_queued(t), OUT_SIZE - at);
		size_t n = t->port->ops->write(t->port, t->out + at, len);

		t->out_tail += (u32)n;
		if (n < len)
			break;		/* tty_port_writable comes */
	}
	if (!t->port)
		t->out_tail = t->out_head;	/* nobody listens */
}

void output_stop(struct tty *t, bool stop)
{
	if (t->is_stopped != stop)
		tty_tell_port(t, stop ? TTY_EVENT_STOPPED : TTY_EVENT_STARTED);
	t->is_stopped = stop;
	if (!stop) {
		output_flush(t);
		waitq_wake_all(&t->write_wait);
	}
}

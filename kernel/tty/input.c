/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input processing, Linux's N_TTY: POSIX 11.1.5-11.1.9 (canonical and non-canonical input, special
 * characters) with Linux's extensions VWERASE, VREPRINT, VLNEXT, ECHOCTL, ECHOKE, IUTF8. Puts
 * bytes into the line buffer, echoes, edits, raises signals. Lock: tty.lock.
 */
#include "internal.h"
#include <lib/string.h>

#define DISABLED '\0'		/* _POSIX_VDISABLE: this character is switched off; also stands for EOF in the buffer */
#define DELETE 0x7f

static bool is_char(const struct tty *t, unsigned which, u8 c)
{
	return c == t->termios.c_cc[which] && c != DISABLED;
}

static bool lflag(const struct tty *t, u32 flag)
{
	return has_flag(t->termios.c_lflag, flag);
}

static bool is_control(u8 c)
{
	return c < ' ' || c == DELETE;
}

static bool is_continuation(const struct tty *t, u8 c)
{
	return has_flag(t->termios.c_iflag, IUTF8) && (c & 0xc0) == 0x80;
}

/* Shows c; control characters as ^X when ECHOCTL asks for it. A full output ring loses the echo. */
static void echo(struct tty *t, u8 c)
{
	if (lflag(t, ECHOCTL) && is_control(c) && c != '\t' && c != '\n') {
		(void)output_raw(t, '^');
		(void)output_raw(t, c ^ 0x40);
		t->column += 2;
	} else {
		(void)output_byte(t, c);
	}
}

static void echo_input(struct tty *t, u8 c)
{
	if (lflag(t, ECHO) || (c == '\n' && lflag(t, ECHONL) && lflag(t, ICANON)))
		echo(t, c);
}

static void bell(struct tty *t)
{
	if (has_flag(t->termios.c_iflag, IMAXBEL))
		(void)output_raw(t, '\a');
}

static void store(struct tty *t, u8 c, bool ends_line)
{
	u32 at = t->head % LINE_SIZE;

	t->line[at] = c;
	if (ends_line)
		bitmap_set(t->mark, at);
	else
		bitmap_clear(t->mark, at);
	t->head++;
}

/* The line under edit is complete: readers may have it. */
static void finish_line(struct tty *t, u8 c)
{
	if (line_room(t) == 0)
		t->head--;	/* one place is always kept for the end: see receive_char */
	store(t, c, true);
	t->canon = t->head;
	waitq_wake(&t->read_wait, ~0u, POLLIN | POLLRDNORM);
}

void input_flush(struct tty *t)
{
	t->tail = t->canon = t->head;
	t->literal_next = false;
	tty_unthrottle(t);
}

/* ---- erasing ---- */

/* How many columns the byte at position at takes on the screen, counted from the line's start. */
static u32 tab_width(const struct tty *t, u32 at)
{
	u32 column = t->canon_column;

	for (u32 i = t->canon; i != at; i++) {
		u8 c = t->line[i % LINE_SIZE];

		if (c == '\t')
			column = (column | 7) + 1;
		else if (is_control(c))
			column += lflag(t, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(t, c))
			column++;
	}
	return 8 - (column & 7);
}

static void rub_out(struct tty *t, u32 columns, bool is_tab)
{
	for (; columns > 0; columns--) {
		(void)output_raw(t, '\b');
		if (!is_tab) {
			(void)output_raw(t, ' ');
			(void)output_raw(t, '\b');
		}
		if (t->column > 0)
			t->column--;
	}
}

/* Removes the last character (all bytes of a UTF-8 one) of the line; shows it as ECHOE says. */
static void erase_one(struct tty *t, bool show)
{
	u8 c;

	do {
		t->head--;
		c = t->line[t->head % LINE_SIZE];
	} while (is_continuation(t, c) && t->head != t->canon);
	if (!show)
		return;
	if (c == '\t')
		rub_out(t, tab_width(t, t->head), true);
	else if (is_control(c))
		rub_out(t, lflag(t, ECHOCTL) ? 2 : 0, false);
	else
		rub_out(t, 1, false);
}

static void edit_erase(struct tty *t, u8 c)
{
	if (t->head == t->canon)
		return;
	erase_one(t, lflag(t, ECHO) && lflag(t, ECHOE));
	if (lflag(t, ECHO) && !lflag(t, ECHOE))
		echo(t, c);
}

static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c >= 0x80;
}

static void edit_word_erase(struct tty *t)
{
	bool in_word = false, show = lflag(t, ECHO) && lflag(t, ECHOE);

	while (t->head != t->canon) {
		bool word = is_word(t->line[(t->head - 1) % LINE_SIZE]);

		if (in_word && !word)
			break;
		in_word = word;
		erase_one(t, show);
	}
}

static void edit_kill(struct tty *t, u8 c)
{
	bool show = lflag(t, ECHO) && lflag(t, ECHOE) && lflag(t, ECHOKE) && lflag(t, ECHOK);

	while (t->head != t->canon)
		erase_one(t, show);
	if (lflag(t, ECHO) && !show) {
		echo(t, c);
		if (lflag(t, ECHOK))
			(void)output_byte(t, '\n');
	}
}

static void edit_reprint(struct tty *t, u8 c)
{
	echo(t, c);
	(void)output_byte(t, '\n');
	for (u32 i = t->canon; i != t->head; i++)
		echo(t, t->line[i % LINE_SIZE]);
}

/* ---- special characters; each returns true when it took the character ---- */

static bool take_flow(struct tty *t, u8 c)
{
	if (!has_flag(t->termios.c_iflag, IXON))
		return false;
	if (is_char(t, VSTART, c)) {
		output_stop(t, false);
		return true;
	}
	if (is_char(t, VSTOP, c)) {
		output_stop(t, true);
		return true;
	}
	if (t->is_stopped && has_flag(t->termios.c_iflag, IXANY))
		output_stop(t, false);
	return false;
}

static bool take_signal(struct tty *t, u8 c)
{
	int sig;

	if (!lflag(t, ISIG))
		return false;
	if (is_char(t, VINTR, c))
		sig = SIGINT;
	else if (is_char(t, VQUIT, c))
		sig = SIGQUIT;
	else if (is_char(t, VSUSP, c))
		sig = SIGTSTP;
	else
		return false;
	if (!lflag(t, NOFLSH)) {
		input_flush(t);
		if (sig != SIGTSTP)
			t->out_tail = t->out_head;
	}
	if (t->is_stopped)
		output_stop(t, false);
	if (lflag(t, ECHO))
		echo(t, c);
	tty_signal_foreground(t, sig);
	return true;
}

static bool take_edit(struct tty *t, u8 c)
{
	bool extended = lflag(t, IEXTEN);

	if (is_char(t, VERASE, c)) {
		edit_erase(t, c);
	} else if (is_char(t, VKILL, c)) {
		edit_kill(t, c);
	} else if (extended && is_char(t, VWERASE, c)) {
		edit_word_erase(t);
	} else if (extended && is_char(t, VLNEXT, c)) {
		t->literal_next = true;
		if (lflag(t, ECHO) && lflag(t, ECHOCTL)) {
			(void)output_raw(t, '^');
			(void)output_raw(t, '\b');
		}
	} else if (extended && lflag(t, ECHO) && is_char(t, VREPRINT, c)) {
		edit_reprint(t, c);
	} else {
		return false;
	}
	return true;
}

static bool take_line_end(struct tty *t, u8 c)
{
	if (c == '\n') {
		echo_input(t, c);
	} else if (is_char(t, VEOF, c)) {
		c = DISABLED;		/* read stops here and drops it */
	} else if (is_char(t, VEOL, c) || (lflag(t, IEXTEN) && is_char(t, VEOL2, c))) {
		echo_input(t, c);
	} else {
		return false;
	}
	finish_line(t, c);
	return true;
}

static void receive_data(struct tty *t, u8 c)
{
	bool canonical = lflag(t, ICANON);

	/* Canonical: one place stays free for the line's end, so that a full line can still be ended. */
	if (line_room(t) <= (canonical ? 1 : 0)) {
		bell(t);
		return;
	}
	if (t->head == t->canon)
		t->canon_column = t->column;
	echo_input(t, c);
	store(t, c, false);
	if (!canonical) {
		t->canon = t->head;
		waitq_wake(&t->read_wait, ~0u, POLLIN | POLLRDNORM);
	}
}

static void receive_char(struct tty *t, u8 c)
{
	u32 iflag = t->termios.c_iflag;

	if (t->literal_next) {
		t->literal_next = false;
		receive_data(t, c);
		return;
	}
	if (take_flow(t, c) || take_signal(t, c))
		return;
	if (c == '\r') {
		if (has_flag(iflag, IGNCR))
			return;
		if (has_flag(iflag, ICRNL))
			c = '\n';
	} else if (c == '\n' && has_flag(iflag, INLCR)) {
		c = '\r';
	}
	if (lflag(t, ICANON) && (take_edit(t, c) || take_line_end(t, c)))
		return;
	receive_data(t, c);
}

static void receive_break(struct tty *t)
{
	u32 iflag = t->termios.c_iflag;

	if (has_flag(iflag, IGNBRK))
		return;
	if (has_flag(iflag, BRKINT)) {
		if (!lflag(t, NOFLSH))
			input_flush(t);
		tty_signal_foreground(t, SIGINT);
		return;
	}
	if (has_flag(iflag, PARMRK)) {
		receive_data(t, 0xff);
		receive_data(t, 0);
	}
	receive_data(t, 0);
}

/* Parity and framing errors (POSIX 11.2.2: INPCK, IGNPAR, PARMRK). */
static void receive_error(struct tty *t, u8 c)
{
	u32 iflag = t->termios.c_iflag;

	if (!has_flag(iflag, INPCK)) {
		receive_char(t, c);
	} else if (has_flag(iflag, IGNPAR)) {
		return;
	} else if (has_flag(iflag, PARMRK)) {
		receive_data(t, 0xff);
		receive_data(t, 0);
		receive_data(t, c);
	} else {
		receive_data(t, 0);
	}
}

void input_byte(struct tty *t, u8 c, enum tty_flag flag)
{
	u32 iflag = t->termios.c_iflag;

	lock_assert_held(&t->lock);
	if (flag == TTY_BREAK) {
		receive_break(t);
		return;
	}
	if (flag == TTY_PARITY || flag == TTY_FRAME) {
		receive_error(t, c);
		return;
	}
	if (has_flag(iflag, ISTRIP))
		c &= 0x7f;
	else if (c == 0xff && has_flag(iflag, PARMRK))
		receive_data(t, 0xff);		/* a real 0xff is doubled */
	if (has_flag(iflag, IUCLC) && lflag(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c = (u8)(c - 'A' + 'a');
	receive_char(t, c);
}

/* Leaving canonical mode makes an unfinished line readable; entering it makes what is there a line. */
void input_termios_changed(struct tty *t, const struct ktermios *old)
{
	if (has_flag(old->c_lflag, ICANON) == lflag(t, ICANON))
		return;
	t->literal_next = false;
	if (lflag(t, ICANON)) {
		memset(t->mark, 0, sizeof(t->mark));
		if (t->head != t->tail)
			bitmap_set(t->mark, (t->head - 1) % LINE_SIZE);
	}
	t->canon = t->head;
	waitq_wake(&t->read_wait, ~0u, POLLIN | POLLRDNORM);
}

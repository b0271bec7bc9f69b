/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the line discipline over a port that keeps what is sent: editing, echo, marks, VMIN, flow, full buffers. */
#include "internal.h"
#include <kernel/mm.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <lib/string.h>

static u8 sent[8192];
static size_t nr_sent, room = sizeof(sent);

static size_t fake_write(struct tty_port *port, const u8 *data, size_t len)
{
	size_t n = min(len, room - min(room, nr_sent));

	memcpy(sent + nr_sent, data, n);
	nr_sent += n;
	return n;
}

static size_t fake_room(struct tty_port *port)
{
	return room - nr_sent;
}

static const struct tty_port_ops fake_ops = { .write = fake_write, .write_room = fake_room };
static struct tty_port fake_port = { .ops = &fake_ops };
static struct tty *tty;
static struct tty_file tty_file;
static struct file file;

static bool start(void)
{
	tty = tty_create(&fake_port, "test", MKDEV(250, 0), false);
	tty_file = (struct tty_file){ .tty = tty };
	file = (struct file){ .private = &tty_file, .flags = O_NONBLOCK };
	nr_sent = 0;
	room = sizeof(sent);
	return tty != NULL;
}

static void finish(void)
{
	tty_put(tty);
}

static void type(const char *s)
{
	mutex_lock(&tty->lock);
	for (; *s; s++)
		input_byte(tty, (u8)*s, TTY_NORMAL);
	output_flush(tty);
	mutex_unlock(&tty->lock);
}

static ssize_t take(char *buf, size_t size)
{
	struct uio to;
	ssize_t n;

	uio_init_kernel(&to, buf, size);
	n = tty_read(&file, &to, NULL);
	if (n >= 0 && (size_t)n < size)
		buf[n] = '\0';
	return n;
}

static bool reads(const char *want)
{
	char buf[256];
	ssize_t n = take(buf, sizeof(buf) - 1);

	return n == (ssize_t)strlen(want) && memcmp(buf, want, (size_t)n) == 0;
}

static bool showed(const char *want)
{
	bool same = nr_sent == strlen(want) && memcmp(sent, want, nr_sent) == 0;

	nr_sent = 0;
	return same;
}

static void test_lines(void)
{
	char two[2];

	test_check(start());
	test_check(!reads(""));
	type("half");
	test_equal(take(two, 2), -EAGAIN);
	type(" done\rnext\n");
	test_check(showed("half done\r\nnext\r\n"));
	test_check(reads("half done\n"));
	test_equal(take(two, 2), 2);		/* the rest of a line stays */
	test_check(two[0] == 'n' && reads("xt\n"));
	finish();
}

static void test_editing(void)
{
	test_check(start());
	type("ab\x7f");
	test_check(showed("ab\b \b"));
	type("\x7f\x7f");		/* one too many does nothing */
	test_check(showed("\b \b"));
	type("one two  \x17");		/* ^W takes the blanks and the word */
	type("x\n");
	test_check(reads("one x\n"));
	nr_sent = 0;
	type("gone\x15\n");
	test_check(showed("gone\b \b\b \b\b \b\b \b\r\n"));
	test_check(reads("\n"));
	type("\x16\x03\n");		/* ^V makes ^C a letter */
	test_check(reads("\x03\n"));
	nr_sent = 0;
	type("a\x01\x7f");		/* a control character takes two columns */
	test_check(showed("a^A\b \b\b \b"));
	type("\tb\x7f\x7f");
	test_check(showed("\tb\b \b\b\b\b\b\b\b\b"));	/* back over the tab: 7 columns after "a" */
	finish();
}

static void test_utf8_erase(void)
{
	test_check(start());
	tty->termios.c_iflag |= IUTF8;
	type("\xc3\xa4\xe2\x82\xac\x7f");
	type("\n");
	test_check(reads("\xc3\xa4\n"));
	finish();
}

static void test_end_of_file(void)
{
	char four[4];

	test_check(start());
	type("\x04");
	test_check(reads(""));		/* end of file, once */
	test_check(!reads(""));
	type("tail\x04");
	test_equal(take(four, 4), 4);	/* the mark right behind goes along */
	test_check(!reads(""));
	type("abc\x04");
	test_check(reads("abc"));
	finish();
}

static void test_raw(void)
{
	test_check(start());
	tty->termios.c_lflag &= ~(ICANON | ECHO | ISIG);
	tty->termios.c_iflag &= ~(ICRNL | IXON);
	tty->termios.c_cc[VMIN] = 3;
	type("\x03\r");
	mutex_lock(&tty->lock);
	test_check(!tty_has_input(tty, 3));
	mutex_unlock(&tty->lock);
	test_check(reads("\x03\r"));	/* non-blocking takes what is there */
	tty->termios.c_cc[VMIN] = 0;
	file.flags = 0;
	test_check(reads(""));		/* VMIN 0, VTIME 0: at once */
	tty->termios.c_cc[VTIME] = 1;
	u64 before = time_ns();

	test_check(reads(""));
	test_check(time_ns() - before >= 100 * NSEC_PER_MSEC);
	test_check(showed(""));
	finish();
}

static void test_mode_change(void)
{
	struct ktermios old;

	test_check(start());
	type("unfinished");
	old = tty->termios;
	mutex_lock(&tty->lock);
	tty->termios.c_lflag &= ~ICANON;
	input_termios_changed(tty, &old);
	mutex_unlock(&tty->lock);
	test_check(reads("unfinished"));
	finish();
}

static void test_full_line(void)
{
	char *buf = kmalloc(LINE_SIZE + 16, 0);

	test_check(buf != NULL);
	test_check(start());
	tty->termios.c_lflag &= ~ECHO;
	for (unsigned i = 0; i < LINE_SIZE + 100; i++)
		type("z");
	type("\n");			/* still ends the line */
	test_equal(take(buf, LINE_SIZE + 16), LINE_SIZE);
	test_check(buf[LINE_SIZE - 1] == '\n' && buf[LINE_SIZE - 2] == 'z');
	type("ok\n");
	test_check(reads("ok\n"));
	kfree(buf);
	finish();
}

static ssize_t put_text(const char *s)
{
	struct uio from;

	uio_init_kernel(&from, (void *)(unsigned long)s, strlen(s));
	return tty_write(&file, &from, NULL);
}

static void test_output(void)
{
	test_check(start());
	test_equal(put_text("a\nb\t|\n"), 6);
	test_check(showed("a\r\nb\t|\r\n"));
	tty->termios.c_oflag |= XTABS;
	test_equal(put_text("ab\t|"), 4);
	test_check(showed("ab      |"));
	tty->termios.c_oflag &= ~OPOST;
	test_equal(put_text("\n\r"), 2);
	test_check(showed("\n\r"));
	finish();
}

static void test_output_full(void)
{
	static char text[5000];
	ssize_t n;

	test_check(start());
	memset(text, 'q', sizeof(text) - 1);
	room = 100;
	n = put_text(text);		/* the port's 100 and the ring */
	test_check(n > 100 && n < 4999);
	test_equal(put_text("x"), -EAGAIN);
	room = sizeof(sent);
	mutex_lock(&tty->lock);
	output_flush(tty);
	mutex_unlock(&tty->lock);
	test_equal(nr_sent, n);
	test_equal(put_text("x"), 1);
	finish();
}

static void test_flow(void)
{
	test_check(start());
	type("\x13");			/* ^S */
	test_equal(put_text("held"), 4);
	test_check(showed(""));
	type("\x11");			/* ^Q */
	test_check(showed("held"));
	finish();
}

static void test_hangup(void)
{
	test_check(start());
	type("data\n");
	tty_hangup(tty);
	test_check(reads(""));
	test_equal(put_text("x"), -EIO);
	finish();
}

/* From the driver's side: through the raw ring and the tty thread. */
static void test_receive(void)
{
	u64 until = time_ns() + 5 * NSEC_PER_SEC;
	bool got = false;

	test_check(start());
	tty_port_receive(&fake_port, (const u8 *)"ping\n", 5, TTY_NORMAL);
	while (!got && time_ns() < until) {
		sleep_until(time_ns() + 100000, false);
		got = reads("ping\n");
	}
	test_check(got);
	finish();
}

const struct test_suite test_suite_tty = {
	"tty",
	(const struct test_case[]){
		TEST_CASE(test_lines), TEST_CASE(test_editing), TEST_CASE(test_utf8_erase),
		TEST_CASE(test_end_of_file), TEST_CASE(test_raw), TEST_CASE(test_mode_change),
		TEST_CASE(test_full_line), TEST_CASE(test_output), TEST_CASE(test_output_full),
		TEST_CASE(test_flow), TEST_CASE(test_hangup), TEST_CASE(test_receive), {} },
};

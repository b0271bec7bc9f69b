/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal from a program's side: modes, window size, sessions, foreground groups. */
#include "test.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

/* A session of our own with the console as its terminal. */
static int own_terminal(void)
{
	pid_t pid = fork();
	int fd;

	if (pid) {
		int status = wait_for(pid);

		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
	}
	setsid();
	fd = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	if (fd < 0)
		fd = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
	check_ok(fd);
	/* The end of our session throws away what is still to be printed: let earlier lines out first. */
	sleep_ms(100);
	check_ok(tcdrain(fd));
	/* The shell that runs us may hold it as its own: take it. */
	check_ok(ioctl(fd, TIOCSCTTY, 1));
	return fd;
}

static void not_a_terminal(void)
{
	struct termios t;
	struct winsize ws;
	int fd[2];

	check_ok(pipe(fd));
	check_errno(tcgetattr(fd[0], &t), ENOTTY);
	check_errno(ioctl(fd[0], TIOCGWINSZ, &ws), ENOTTY);
	check_equal(isatty(fd[0]), 0);
	check_errno(tcgetattr(open("file", O_CREAT | O_RDWR, 0600), &t), ENOTTY);
}

static void attributes(void)
{
	struct termios t, back;
	int fd = own_terminal();

	check_ok(tcgetattr(fd, &t));
	check(t.c_lflag & ICANON && t.c_lflag & ECHO && t.c_lflag & ISIG && t.c_oflag & OPOST && t.c_iflag & ICRNL);
	check(t.c_cc[VINTR] == 3 && t.c_cc[VEOF] == 4 && t.c_cc[VSUSP] == 26 && t.c_cc[VERASE] == 127);
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	check_ok(tcsetattr(fd, TCSANOW, &t));
	check_ok(tcgetattr(fd, &back));
	check(!(back.c_lflag & ICANON) && back.c_cc[VTIME] == 1 && (back.c_lflag & ISIG));
	long long start = now_ms();
	char c;

	check_equal(read(fd, &c, 1), 0);	/* VMIN 0, VTIME 1: empty after a tenth of a second */
	check(now_ms() - start >= 90);
	t.c_cc[VTIME] = 0;
	check_ok(tcsetattr(fd, TCSADRAIN, &t));
	check_equal(read(fd, &c, 1), 0);
	t.c_lflag |= ICANON | ECHO;
	check_ok(tcsetattr(fd, TCSAFLUSH, &t));
	check_errno(ioctl(fd, TCGETS, 8), EFAULT);
}

static void window_size(void)
{
	struct winsize ws = { .ws_row = 31, .ws_col = 97 }, back;
	int fd = own_terminal();

	check_ok(ioctl(fd, TIOCSWINSZ, &ws));
	check_ok(ioctl(fd, TIOCGWINSZ, &back));
	check(back.ws_row == 31 && back.ws_col == 97);
}

static void foreground(void)
{
	pid_t group;
	int fd = own_terminal();

	check_equal(tcgetpgrp(fd), getpgrp());
	check_equal(tcgetsid(fd), getsid(0));
	check_ok(open("/dev/tty", O_RDWR));
	check_errno(tcsetpgrp(fd, 999999), ESRCH);
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	check_ok(tcsetpgrp(fd, pid));
	check_ok(ioctl(fd, TIOCGPGRP, &group));
	check_equal(group, pid);
	/* We are in the background now: setting modes stops us unless SIGTTOU is ignored. */
	signal(SIGTTOU, SIG_IGN);
	check_ok(tcsetpgrp(fd, getpgrp()));
	check_ok(kill(pid, SIGKILL));
	check_equal(WTERMSIG(wait_for(pid)), SIGKILL);
}

static void background_is_stopped(void)
{
	int fd = own_terminal(), status;
	char c;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		while (tcgetpgrp(fd) == getpgrp())
			sleep_ms(1);
		_exit(read(fd, &c, 1) < 0 ? 1 : 2);
	}
	setpgid(pid, pid);
	check_equal(waitpid(pid, &status, WUNTRACED), pid);
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	check_ok(kill(pid, SIGKILL));
	wait_for(pid);
	pid = fork();
	if (pid == 0) {			/* with SIGTTIN ignored: an error instead */
		setpgid(0, 0);
		signal(SIGTTIN, SIG_IGN);
		errno = 0;
		_exit(read(fd, &c, 1) == -1 && errno == EIO ? 0 : 3);
	}
	check_equal(wait_for(pid), 0);
}

static void no_terminal_without_session(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(setsid());
		check_errno(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void polls(void)
{
	int fd = own_terminal();
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	check_equal(poll(&p, 1, 1000), 1);
	check(p.revents & POLLOUT);
	int n = -1;

	check_ok(ioctl(fd, FIONREAD, &n));
	check(n >= 0);
	check_ok(tcflush(fd, TCIFLUSH));
	check_ok(tcdrain(fd));
	p.events = POLLIN;
	check_equal(poll(&p, 1, 30), 0);
	check_errno(read(open("/dev/console", O_RDONLY | O_NONBLOCK | O_NOCTTY), &n, 1), EAGAIN);
}

static const struct test table[] = {
	{ "not-a-terminal", not_a_terminal }, { "attributes", attributes }, { "window-size", window_size },
	{ "foreground", foreground }, { "background-stops", background_is_stopped },
	{ "no-terminal", no_terminal_without_session }, { "polls", polls },
	{ 0 },
};

TEST_MAIN(table)

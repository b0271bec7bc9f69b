/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals (pty(7), pts(4), ioctl_tty(2)): names, both ends, who is told what when an end goes, packet mode. */
#include "test.h"
#include <dirent.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <termios.h>

/* Linux mounts nothing by itself. */
static int open_master(void)
{
	int fd;

	if (access("/dev/pts/ptmx", F_OK)) {
		mkdir("/dev/pts", 0755);
		check_ok(mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666"));
	}
	fd = posix_openpt(O_RDWR | O_NOCTTY);
	check_ok(fd);
	return fd;
}

static int open_slave(int master, int flags)
{
	check_ok(grantpt(master));
	check_ok(unlockpt(master));
	return open(ptsname(master), O_RDWR | flags);
}

/* Both ends, the slave raw and without echo. */
static void raw_pair(int fd[2])
{
	struct termios t;

	fd[0] = open_master();
	fd[1] = open_slave(fd[0], O_NOCTTY);
	check_ok(fd[1]);
	check_ok(tcgetattr(fd[1], &t));
	cfmakeraw(&t);
	check_ok(tcsetattr(fd[1], TCSANOW, &t));
}

static bool in_directory(const char *number)
{
	DIR *d = opendir("/dev/pts");
	struct dirent *e;
	bool found = false;

	while ((e = readdir(d)))
		found |= !strcmp(e->d_name, number);
	closedir(d);
	return found;
}

static void names(void)
{
	int a = open_master(), b = open_master(), n, m;
	char name[64], other[64];
	struct stat st;

	check_ok(ioctl(a, TIOCGPTN, &n));
	check_ok(ioctl(b, TIOCGPTN, &m));
	check(n != m);
	check_equal(ptsname_r(a, name, sizeof name), 0);
	snprintf(other, sizeof other, "/dev/pts/%d", n);
	check(!strcmp(name, other));
	check_ok(stat(name, &st));
	check(S_ISCHR(st.st_mode));
	check_equal(major(st.st_rdev), 136);
	check_equal(minor(st.st_rdev), n);
	check_equal(st.st_uid, getuid());
	check(in_directory(name + 9));
	check_ok(close(a));
	check_errno(stat(name, &st), ENOENT);
	check(!in_directory(name + 9));
	/* The lowest number is given again. */
	a = open_master();
	check_ok(ioctl(a, TIOCGPTN, &m));
	check_equal(m, n);
	check_ok(stat("/dev/pts/ptmx", &st));
	check_equal(st.st_rdev, makedev(5, 2));
	check_errno(open("/dev/pts/new", O_CREAT | O_RDWR, 0600), EACCES);
	check_errno(mkdir("/dev/pts/new", 0700), EPERM);
	check_errno(unlink(name), EPERM);
	check_errno(open("/dev/pts/4000000", O_RDWR), ENOENT);
	check_errno(open("/dev/pts/00", O_RDWR), ENOENT);
}

static void attributes(void)
{
	int a = open_master();
	struct stat st;
	char name[64];

	check_equal(ptsname_r(a, name, sizeof name), 0);
	check_ok(chmod(name, 0640));
	check_ok(chown(name, 12, 34));
	check_ok(stat(name, &st));
	check_equal(st.st_mode, S_IFCHR | 0640);
	check_equal(st.st_uid, 12);
	check_equal(st.st_gid, 34);
	close(a);
	/* The next of that number does not inherit them. */
	a = open_master();
	check_equal(ptsname_r(a, name, sizeof name), 0);
	check_ok(stat(name, &st));
	check_equal(st.st_uid, getuid());
	check(st.st_mode != (S_IFCHR | 0640));
	pid_t pid = fork();

	if (!pid) {
		check_ok(setgid(4242));
		check_ok(setuid(4242));
		a = open_master();
		check_equal(ptsname_r(a, name, sizeof name), 0);
		check_ok(stat(name, &st));
		check_equal(st.st_uid, 4242);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void locked(void)
{
	int a = open_master(), lock = -1, s;

	check_ok(ioctl(a, TIOCGPTLCK, &lock));
	check_equal(lock, 1);
	check_errno(open(ptsname(a), O_RDWR | O_NOCTTY), EIO);
	check_ok(unlockpt(a));
	check_ok(ioctl(a, TIOCGPTLCK, &lock));
	check_equal(lock, 0);
	s = open(ptsname(a), O_RDWR | O_NOCTTY);
	check_ok(s);
	check(isatty(s) && isatty(a));
	check(!strcmp(ttyname(s), ptsname(a)));
}

/* Only an open without O_NOCTTY, by a session's leader that has no terminal, gives it one. */
static void controlling(void)
{
	pid_t pid = fork();
	int master, s;

	if (!pid) {
		check_ok(setsid());
		check_errno(open("/dev/tty", O_RDWR), ENXIO);
		master = open("/dev/ptmx", O_RDWR);	/* a master never does */
		check_errno(open("/dev/tty", O_RDWR), ENXIO);
		s = open_slave(master, O_NOCTTY);
		check_ok(s);
		check_errno(open("/dev/tty", O_RDWR), ENXIO);
		check_errno(tcgetsid(s), ENOTTY);
		check(!(fcntl(s, F_GETFL) & O_NOCTTY));
		s = open(ptsname(master), O_RDWR);
		check_ok(open("/dev/tty", O_RDWR));
		check_equal(tcgetsid(s), getpid());
		check_equal(tcgetpgrp(s), getpgrp());
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	pid = fork();
	if (!pid) {
		check_ok(setsid());
		s = open_slave(open_master(), O_NOCTTY);
		check_ok(ioctl(s, TIOCSCTTY, 0));
		check_ok(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void peer(void)
{
	int master = open_master(), s;

	check_ok(unlockpt(master));
	s = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	check_ok(s);
	check(fcntl(s, F_GETFD) & FD_CLOEXEC);
	check(!strcmp(ttyname(s), ptsname(master)));
	check_errno(ioctl(s, TIOCGPTPEER, O_RDWR), EIO);
}

static void lines(void)
{
	int master = open_master(), s = open_slave(master, O_NOCTTY), n;
	char buf[64];

	check_equal(write(master, "hi\n", 3), 3);
	check_equal(read(s, buf, sizeof buf), 3);
	check(!memcmp(buf, "hi\n", 3));
	check_equal(read(master, buf, sizeof buf), 4);
	check(!memcmp(buf, "hi\r\n", 4));
	check_equal(write(s, "out\n", 4), 4);

	struct pollfd p = { master, POLLIN, 0 };

	check_equal(poll(&p, 1, 5000), 1);
	check_ok(ioctl(master, FIONREAD, &n));
	check_equal(n, 5);
	check_equal(read(master, buf, sizeof buf), 5);
	check(!memcmp(buf, "out\r\n", 5));
	check_equal(write(master, "\4", 1), 1);	/* end of file */
	check_equal(read(s, buf, sizeof buf), 0);
	check_ok(fcntl(master, F_SETFL, O_NONBLOCK));
	check_errno(read(master, buf, 1), EAGAIN);
}

static void slave_goes(void)
{
	struct pollfd p;
	int fd[2];
	char buf[8];

	raw_pair(fd);
	p = (struct pollfd){ fd[0], POLLIN | POLLOUT, 0 };
	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents, POLLOUT);
	check_equal(write(fd[1], "last", 4), 4);
	check_ok(close(fd[1]));
	check_equal(poll(&p, 1, 1000), 1);
	check_equal(p.revents & (POLLIN | POLLHUP), POLLIN | POLLHUP);
	check_equal(read(fd[0], buf, 8), 4);
	check_errno(read(fd[0], buf, 8), EIO);
	fd[1] = open(ptsname(fd[0]), O_RDWR | O_NOCTTY);
	check_ok(fd[1]);
	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents & POLLHUP, 0);
	check_equal(write(fd[1], "more", 4), 4);
	check_equal(read(fd[0], buf, 8), 4);
}

static void master_goes(void)
{
	struct pollfd p;
	int fd[2];
	char buf[8];

	raw_pair(fd);
	check_equal(write(fd[0], "in", 2), 2);
	check_ok(close(fd[0]));
	p = (struct pollfd){ fd[1], POLLIN, 0 };
	check_equal(poll(&p, 1, 1000), 1);
	check_equal(p.revents & POLLHUP, POLLHUP);
	check_equal(read(fd[1], buf, 8), 0);
	check_errno(write(fd[1], "x", 1), EIO);
	struct termios t;

	check_errno(tcgetattr(fd[1], &t), EIO);
}

static volatile int hups, conts;
static void on_hup(int signo) { hups++; }
static void on_cont(int signo) { conts++; }

/* The leader of the session on the slave hears of it. */
static void master_goes_under_session(void)
{
	int fd[2], sync[2];
	char c;

	raw_pair(fd);
	check_ok(pipe(sync));
	pid_t pid = fork();

	if (!pid) {
		check_ok(setsid());
		check_ok(ioctl(fd[1], TIOCSCTTY, 0));
		close(fd[0]);
		signal(SIGHUP, on_hup);
		signal(SIGCONT, on_cont);
		check_equal(write(sync[1], "x", 1), 1);
		for (int i = 0; i < 5000 && !(hups && conts); i++)
			usleep(1000);
		check(hups == 1 && conts == 1);
		check_equal(read(fd[1], &c, 1), 0);
		check_errno(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	check_equal(read(sync[0], &c, 1), 1);
	check_ok(close(fd[0]));
	check_equal(wait_for(pid), 0);
}

/* The session's leader ends: its foreground hears SIGHUP, the terminal belongs to nobody and lives as long as its files. */
static void leader_ends(void)
{
	int fd[2], sync[2];
	char c;

	raw_pair(fd);
	check_ok(pipe(sync));
	pid_t pid = fork();

	if (!pid) {
		check_ok(setsid());
		check_ok(ioctl(fd[1], TIOCSCTTY, 0));
		signal(SIGHUP, on_hup);
		if (!fork()) {
			check_equal(write(sync[1], "x", 1), 1);
			for (int i = 0; i < 10000 && !hups; i++)
				usleep(1000);
			c = hups == 1 && open("/dev/tty", O_RDWR) == -1 && errno == ENXIO && write(fd[1], "y", 1) == 1 ? 'g' : 'b';
			check_equal(write(sync[1], &c, 1), 1);
			_exit(0);
		}
		check_equal(read(sync[0], &c, 1), 1);
		_exit(0);
	}
	close(fd[1]);
	check_equal(wait_for(pid), 0);
	check_equal(read(sync[0], &c, 1), 1);
	check_equal(c, 'g');
	check_equal(read(fd[0], &c, 1), 1);
	check_equal(c, 'y');
}

static void on_winch(int signo) { hups++; }

static void window(void)
{
	struct winsize w = { 30, 100, 0, 0 }, got = { 0 };
	int fd[2], sync[2];
	char c;

	raw_pair(fd);
	check_ok(pipe(sync));
	pid_t pid = fork();

	if (!pid) {
		check_ok(setsid());
		check_ok(ioctl(fd[1], TIOCSCTTY, 0));
		signal(SIGWINCH, on_winch);
		check_equal(write(sync[1], "x", 1), 1);
		for (int i = 0; i < 5000 && !hups; i++)
			usleep(1000);
		check_equal(hups, 1);
		_exit(0);
	}
	check_equal(read(sync[0], &c, 1), 1);
	check_ok(ioctl(fd[0], TIOCSWINSZ, &w));
	check_ok(ioctl(fd[0], TIOCSWINSZ, &w));	/* the same: no signal */
	check_ok(ioctl(fd[1], TIOCGWINSZ, &got));
	check(got.ws_row == 30 && got.ws_col == 100);
	check_equal(wait_for(pid), 0);
}

/* ^C at the master, and TIOCSIG, reach the foreground group. */
static void signals(void)
{
	for (int way = 0; way < 2; way++) {
		int master = open_master(), s = open_slave(master, O_NOCTTY), sync[2];
		char c;

		check_ok(pipe(sync));
		pid_t pid = fork();

		if (!pid) {
			check_ok(setsid());
			check_ok(ioctl(s, TIOCSCTTY, 0));
			close(master);
			check_equal(write(sync[1], "x", 1), 1);
			while (1)
				pause();
		}
		check_equal(read(sync[0], &c, 1), 1);
		if (way)
			check_ok(ioctl(master, TIOCSIG, SIGQUIT));
		else
			check_equal(write(master, "\3", 1), 1);
		int status = wait_for(pid);

		check(WIFSIGNALED(status));
		check_equal(WTERMSIG(status), way ? SIGQUIT : SIGINT);
		check_errno(ioctl(master, TIOCSIG, SIGKILL), EINVAL);
	}
}

static void packets(void)
{
	struct termios t;
	struct pollfd p;
	int fd[2], on = 1;
	char buf[16];

	raw_pair(fd);
	check_ok(ioctl(fd[0], TIOCPKT, &on));
	on = 0;
	check_ok(ioctl(fd[0], TIOCGPKT, &on));
	check_equal(on, 1);
	check_equal(write(fd[1], "data", 4), 4);
	check_equal(read(fd[0], buf, sizeof buf), 5);
	check_equal(buf[0], TIOCPKT_DATA);
	check(!memcmp(buf + 1, "data", 4));
	check_ok(tcflush(fd[1], TCIFLUSH));
	p = (struct pollfd){ fd[0], POLLIN | POLLPRI, 0 };
	check_equal(poll(&p, 1, 1000), 1);
	check_equal(p.revents & POLLPRI, POLLPRI);
	check_equal(read(fd[0], buf, sizeof buf), 1);
	check_equal(buf[0] & TIOCPKT_FLUSHREAD, TIOCPKT_FLUSHREAD);
	/* Flow control by ^S and ^Q begins: the other side may do it by itself. */
	check_ok(tcgetattr(fd[1], &t));
	t.c_iflag |= IXON;
	check_ok(tcsetattr(fd[1], TCSANOW, &t));
	check_equal(read(fd[0], buf, sizeof buf), 1);
	check_equal(buf[0] & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP), TIOCPKT_DOSTOP);
	t.c_iflag &= ~IXON;
	check_ok(tcsetattr(fd[1], TCSANOW, &t));
	check_equal(read(fd[0], buf, sizeof buf), 1);
	check_equal(buf[0] & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP), TIOCPKT_NOSTOP);
	check_ok(tcflow(fd[1], TCOOFF));
	check_equal(read(fd[0], buf, sizeof buf), 1);
	check_equal(buf[0] & TIOCPKT_STOP, TIOCPKT_STOP);
	check_ok(tcflow(fd[1], TCOON));
	check_equal(read(fd[0], buf, sizeof buf), 1);
	check_equal(buf[0] & TIOCPKT_START, TIOCPKT_START);
	on = 0;
	check_ok(ioctl(fd[0], TIOCPKT, &on));
	check_equal(write(fd[1], "z", 1), 1);
	check_equal(read(fd[0], buf, sizeof buf), 1);
	check_equal(buf[0], 'z');
}

/* More than any buffer, both ways, byte for byte. */
static void bulk(void)
{
	enum { N = 300000 };
	unsigned char buf[1000];
	int fd[2], at = 0, n;

	for (int way = 0; way < 2; way++) {
		raw_pair(fd);
		pid_t pid = fork();

		if (!pid) {
			close(fd[way]);
			for (at = 0; at < N; at += n) {
				int len = N - at < 777 ? N - at : 777;

				for (int i = 0; i < len; i++)
					buf[i] = (at + i) * 7 + ((at + i) >> 8);
				n = write(fd[!way], buf, len);
				check(n > 0);
			}
			check_ok(tcdrain(fd[1]) && way == 0 ? -1 : 0);
			pause();
		}
		for (at = 0; at < N; at += n) {
			n = read(fd[way], buf, sizeof buf);
			check(n > 0);
			for (int i = 0; i < n; i++)
				check_equal(buf[i], (unsigned char)((at + i) * 7 + ((at + i) >> 8)));
		}
		check_equal(at, N);
		kill(pid, SIGKILL);
		wait_for(pid);
		close(fd[0]);
		close(fd[1]);
	}
}

static int read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	check_ok(fd);
	check(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return atoi(text);
}

static void limits(void)
{
	int most, held = 0, n = 0, fd, err, master = open_master();
	char text[32];

	most = read_number("/proc/sys/kernel/pty/max");
	check(most >= 64);
	held = read_number("/proc/sys/kernel/pty/nr");
	check(held >= 1);
	fd = open("/proc/sys/kernel/pty/max", O_WRONLY);
	n = snprintf(text, sizeof text, "%d", held + 4);
	check_equal(write(fd, text, n), n);
	for (n = 0; n < 100 && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0; n++)
		;
	err = errno;
	snprintf(text, sizeof text, "%d", most);
	check(pwrite(fd, text, strlen(text), 0) > 0);
	check_equal(err, ENOSPC);
	check(n >= 2 && n <= 4);
	close(master);
}

static char said[8192];
static int said_length;

/* Reads until text was said after the last one asked for; the end of it all: NULL. */
static void expect(int master, const char *text)
{
	char *at;
	int n;

	while (!text || !(at = strstr(said, text))) {
		n = read(master, said + said_length, sizeof said - 1 - said_length);
		if (!text && n == -1 && errno == EIO)
			return;
		check(n > 0);
		said_length += n;
		said[said_length] = 0;
	}
	at += strlen(text);
	said_length -= at - said;
	memmove(said, at, said_length + 1);
}

static void type(int master, const char *text)
{
	check_equal(write(master, text, strlen(text)), strlen(text));
}

/* A shell as a user has one: prompt, echo, job control, end. */
static void shell(void)
{
	int master;
	pid_t pid;

	close(open_master());
	setenv("PS1", "ready> ", 1);
	pid = forkpty(&master, 0, 0, 0);
	check_ok(pid);
	if (!pid) {
		execl("/bin/sh", "sh", "-i", (char *)0);
		_exit(127);
	}
	expect(master, "ready> ");
	type(master, "echo $((40+2)); tty\n");
	expect(master, "42\r\n/dev/pts/");
	expect(master, "ready> ");
	type(master, "sleep 100\n");
	expect(master, "sleep 100\r\n");
	sleep_ms(200);
	type(master, "\32");	/* ^Z */
	expect(master, "Stopped");
	expect(master, "ready> ");
	type(master, "kill %1; fg\n");
	expect(master, "ready> ");
	type(master, "cat\n");
	expect(master, "cat\r\n");
	sleep_ms(200);
	type(master, "one\n\4");	/* ^D */
	expect(master, "one\r\none\r\n");
	expect(master, "ready> ");
	type(master, "exit 7\n");
	expect(master, NULL);
	int status = wait_for(pid);

	check(WIFEXITED(status));
	check_equal(WEXITSTATUS(status), 7);
}

static void exclusive(void)
{
	int fd[2], on = -1;
	unsigned dev;

	raw_pair(fd);
	check_ok(ioctl(fd[1], TIOCEXCL));
	check_ok(ioctl(fd[1], TIOCGEXCL, &on));
	check_equal(on, 1);
	check_ok(ioctl(fd[1], TIOCNXCL));
	check_ok(ioctl(fd[1], TIOCGDEV, &dev));
	struct stat st;

	check_ok(fstat(fd[1], &st));
	check_equal(dev, st.st_rdev);
	int line = 0;

	check_ok(ioctl(fd[1], TIOCSETD, &line));
	check_ok(ioctl(fd[1], TIOCGETD, &line));
	check_equal(line, 0);
}

static const struct test table[] = {
	{ "names", names }, { "attributes", attributes }, { "locked", locked }, { "controlling", controlling }, { "peer", peer },
	{ "lines", lines }, { "slave-goes", slave_goes }, { "master-goes", master_goes },
	{ "master-goes-under-session", master_goes_under_session }, { "leader-ends", leader_ends }, { "window", window },
	{ "signals", signals }, { "packets", packets }, { "bulk", bulk }, { "limits", limits }, { "shell", shell },
	{ "exclusive", exclusive },
	{ 0 },
};

TEST_MAIN(table)

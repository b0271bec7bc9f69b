/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that send signals: F_SETOWN, F_SETOWN_EX, F_SETSIG, O_ASYNC, FIOASYNC, SIOCSPGRP. */
#include "test.h"
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef FIOSETOWN
#define FIOSETOWN 0x8901
#define SIOCSPGRP 0x8902
#define FIOGETOWN 0x8903
#define SIOCGPGRP 0x8904
#endif

static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The signal comes within ms; 0: it does not. */
static int await(int sig, siginfo_t *info, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return sigtimedwait(&set, info, &ts) == sig;
}

static void set_async(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	check_ok(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
}

static void owner(void)
{
	struct f_owner_ex ex = { .type = F_OWNER_TID, .pid = 0 };
	int p[2], file = open("f", O_CREAT | O_RDWR, 0600), s[2], n;

	check_ok(pipe(p));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_equal(fcntl(p[0], F_GETOWN), 0);
	check_equal(fcntl(p[0], F_GETSIG), 0);
	check_ok(fcntl(p[0], F_SETOWN, getpid()));
	check_equal(fcntl(p[0], F_GETOWN), getpid());
	check_ok(fcntl(p[0], F_GETOWN_EX, &ex));
	check_equal(ex.type, F_OWNER_PID);
	check_equal(ex.pid, getpid());
	/* A group; asked through the call, since libc takes a small negative number for an error. */
	check_ok(fcntl(p[0], F_SETOWN, -getpgrp()));
	check_ok(fcntl(p[0], F_GETOWN_EX, &ex));
	check_equal(ex.type, F_OWNER_PGRP);
	check_equal(ex.pid, getpgrp());
	ex = (struct f_owner_ex){ F_OWNER_TID, getpid() };
	check_ok(fcntl(p[0], F_SETOWN_EX, &ex));
	check_equal(fcntl(p[0], F_GETOWN), getpid());
	check_ok(fcntl(p[0], F_SETOWN, 0));
	check_equal(fcntl(p[0], F_GETOWN), 0);
	check_errno(fcntl(p[0], F_SETOWN, 3999999), ESRCH);
	check_errno(fcntl(p[0], F_SETOWN, -3999999), ESRCH);
	check_errno(fcntl(p[0], F_SETOWN, INT_MIN), EINVAL);
	ex.type = 3;
	check_errno(fcntl(p[0], F_SETOWN_EX, &ex), EINVAL);
	check_errno(syscall(SYS_fcntl, p[0], F_SETOWN_EX, 8), EFAULT);
	check_ok(fcntl(p[0], F_SETSIG, SIGRTMIN));
	check_equal(fcntl(p[0], F_GETSIG), SIGRTMIN);
	check_errno(fcntl(p[0], F_SETSIG, 65), EINVAL);
	check_errno(fcntl(p[0], F_SETSIG, -1), EINVAL);
	check_ok(fcntl(p[0], F_SETSIG, 0));
	/* Files that never wake anybody keep the flag and ignore it. */
	check_ok(fcntl(file, F_SETOWN, getpid()));
	check_ok(fcntl(file, F_SETFL, O_ASYNC));
	n = 1;
	check_errno(ioctl(file, FIOASYNC, &n), ENOTTY);
	n = getpid();
	check_ok(ioctl(s[0], FIOSETOWN, &n));
	n = 0;
	check_ok(ioctl(s[0], SIOCGPGRP, &n));
	check_equal(n, getpid());
	n = -getpgrp();
	check_ok(ioctl(s[0], SIOCSPGRP, &n));
	n = 0;
	check_ok(ioctl(s[0], FIOGETOWN, &n));
	check_equal(n, -getpgrp());
	check_errno(ioctl(p[0], FIOGETOWN, &n), ENOTTY);
}

static void pipe_input(void)
{
	siginfo_t i;
	int p[2];
	char c;

	block(SIGIO);
	check_ok(pipe(p));
	check_ok(fcntl(p[0], F_SETOWN, getpid()));
	check_equal(write(p[1], "a", 1), 1);
	check(!await(SIGIO, &i, 20));
	check_equal(read(p[0], &c, 1), 1);
	set_async(p[0], true);
	check(fcntl(p[0], F_GETFL) & O_ASYNC);
	check(!await(SIGIO, &i, 20));
	check_equal(write(p[1], "a", 1), 1);
	check(await(SIGIO, &i, 2000));
	check_equal(i.si_signo, SIGIO);
	check_equal(i.si_code, SI_KERNEL);
	check(!await(SIGIO, &i, 20));
	check_equal(read(p[0], &c, 1), 1);
	set_async(p[0], false);
	check_equal(write(p[1], "a", 1), 1);
	check(!await(SIGIO, &i, 20));
	check_equal(read(p[0], &c, 1), 1);
	set_async(p[0], true);
	close(p[1]);
	check(await(SIGIO, &i, 2000));
	close(p[0]);
}

static void details(void)
{
	int s[2], sig = SIGRTMIN + 2, on = 1;
	siginfo_t i;

	block(sig);
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(fcntl(s[0], F_SETOWN, getpid()));
	check_ok(fcntl(s[0], F_SETSIG, sig));
	check_ok(ioctl(s[0], FIOASYNC, &on));
	check(fcntl(s[0], F_GETFL) & O_ASYNC);
	check_equal(write(s[1], "a", 1), 1);
	check(await(sig, &i, 2000));
	check_equal(i.si_code, POLL_IN);
	check_equal(i.si_fd, s[0]);
	check_equal(i.si_band, 0x41);
	/* Queued signals: one for each. */
	check_equal(write(s[1], "a", 1), 1);
	check(await(sig, &i, 2000));
	on = 0;
	check_ok(ioctl(s[0], FIOASYNC, &on));
	check_equal(write(s[1], "a", 1), 1);
	check(!await(sig, &i, 20));
}

/* Room to write is told after a write that found none. */
static void room(void)
{
	static char buf[4096];
	int p[2], sig = SIGRTMIN + 3;
	siginfo_t i;

	block(sig);
	check_ok(pipe(p));
	check_ok(fcntl(p[1], F_SETFL, O_NONBLOCK));
	check_ok(fcntl(p[1], F_SETOWN, getpid()));
	check_ok(fcntl(p[1], F_SETSIG, sig));
	set_async(p[1], true);
	while (write(p[1], buf, sizeof buf) > 0)
		;
	check_equal(errno, EAGAIN);
	while (await(sig, &i, 20))
		;
	for (int n = 0; n < 16; n++)
		check_equal(read(p[0], buf, sizeof buf), sizeof buf);
	check(await(sig, &i, 2000));
	check_equal(i.si_code, POLL_OUT);
	check_equal(i.si_fd, p[1]);
}

static void others(void)
{
	int p[2];
	siginfo_t i;
	pid_t pid;

	block(SIGIO);
	check_ok(pipe(p));
	pid = fork();
	if (pid == 0)
		_exit(!await(SIGIO, &i, 5000));
	check_ok(fcntl(p[0], F_SETOWN, pid));
	set_async(p[0], true);
	check_equal(write(p[1], "a", 1), 1);
	check_equal(wait_for(pid), 0);
	check(!await(SIGIO, &i, 20));
	/* Gone: nobody gets it. */
	check_equal(write(p[1], "a", 1), 1);
	check(!await(SIGIO, &i, 20));
	/* All of the group. */
	check_ok(fcntl(p[0], F_SETOWN, -getpgrp()));
	pid = fork();
	if (pid == 0)
		_exit(!await(SIGIO, &i, 5000));
	check_equal(write(p[1], "a", 1), 1);
	check_equal(wait_for(pid), 0);
	check(await(SIGIO, &i, 2000));
	/* Who set the owner may not signal it: root's process is safe from a user's file. */
	pid = fork();
	if (pid == 0) {
		check_ok(setuid(1000));
		check_ok(fcntl(p[0], F_SETOWN, getppid()));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(write(p[1], "a", 1), 1);
	check(!await(SIGIO, &i, 50));
}

static volatile sig_atomic_t caught;
static void on_signal(int sig) { caught++; }

/* The file goes while signals are on their way; a handler runs before the next call of its thread. */
static void races(void)
{
	int p[2];

	signal(SIGIO, on_signal);
	for (int n = 0; n < 200; n++) {
		check_ok(pipe(p));
		check_ok(fcntl(p[0], F_SETOWN, getpid()));
		set_async(p[0], true);
		caught = 0;
		check_equal(write(p[1], "a", 1), 1);
		check_equal(caught, 1);
		if (n & 1)
			set_async(p[0], false);
		close(p[0]);
		close(p[1]);
	}
}

static const struct test table[] = {
	{ "owner", owner }, { "pipe-input", pipe_input }, { "details", details }, { "room", room },
	{ "others", others }, { "races", races }, { 0 },
};

TEST_MAIN(table)

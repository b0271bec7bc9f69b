/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_PEERPIDFD: a descriptor for the process at the other end of an AF_UNIX connection. */
#include "test.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int peer(int s)
{
	socklen_t len = sizeof(int);
	int fd = -1;

	if (getsockopt(s, SOL_SOCKET, SO_PEERPIDFD, &fd, &len))
		return -1;
	check_equal(len, sizeof(int));
	return fd;
}

/* The number /proc tells of a pidfd. */
static int pid_of(int fd)
{
	char name[64], text[500] = "", *at;
	int info;

	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	info = open(name, O_RDONLY);
	check(read(info, text, sizeof text - 1) > 0);
	close(info);
	at = strstr(text, "Pid:");
	check(at);
	return atoi(at + 4);
}

static void pair(void)
{
	int s[2], fd;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	fd = peer(s[0]);
	check(fd >= 0);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_equal(pid_of(fd), getpid());
	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	check_equal(pid_of(peer(s[1])), getpid());
}

static void nobody(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), in = socket(AF_INET, SOCK_STREAM, 0);

	check_errno(peer(s), ENODATA);
	check(peer(in) < 0);
}

static void connected(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "name" };
	struct pollfd p = { .events = POLLIN };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c, go[2];
	pid_t pid;
	char x;

	check_ok(pipe(go));
	check_ok(bind(l, (void *)&a, sizeof a));
	check_ok(listen(l, 4));
	pid = fork();
	if (pid == 0) {
		int s = socket(AF_UNIX, SOCK_STREAM, 0);

		check_ok(connect(s, (void *)&a, sizeof a));
		check_equal(pid_of(peer(s)), getppid());
		check_equal(read(go[0], &x, 1), 1);
		_exit(7);
	}
	c = accept(l, NULL, NULL);
	check(c >= 0);
	p.fd = peer(c);
	check_equal(pid_of(p.fd), pid);
	check_equal(poll(&p, 1, 0), 0);
	check_equal(write(go[1], "x", 1), 1);
	check_equal(poll(&p, 1, 5000), 1);
	check_equal(pid_of(peer(c)), pid);	/* it waits to be buried */
	check_equal(WEXITSTATUS(wait_for(pid)), 7);
	check_equal(pid_of(p.fd), -1);
	check(peer(c) < 0);
}

static const struct test table[] = { { "pair", pair }, { "nobody", nobody }, { "connected", connected }, { 0 } };

TEST_MAIN(table)

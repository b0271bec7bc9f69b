/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX control data: descriptors in messages, cycles of sockets in flight, credentials. */
#include "unix.h"

union control {
	char b[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr h;
};

static int send_fds(int s, const int *fd, int n)
{
	union control u = { 0 };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	u.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&u.h), fd, n * sizeof(int));
	return sendmsg(s, &m, 0);
}

/* How many descriptors came; *out_flags: msg_flags. */
static int receive_fds(int s, int *fd, int room, int flags, int *out_flags)
{
	union control u;
	char c;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0 };
	int n;

	check_equal(recvmsg(s, &m, flags), 1);
	*out_flags = m.msg_flags;
	if (m.msg_controllen < sizeof u.h)
		return 0;
	check_equal(u.h.cmsg_level, SOL_SOCKET);
	check_equal(u.h.cmsg_type, SCM_RIGHTS);
	n = (u.h.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fd, CMSG_DATA(&u.h), n * sizeof(int));
	return n;
}

static void rights(void)
{
	int s[2], p[2], got[4], flags, many[254];
	struct iovec v = { "x", 1 };
	char b[CMSG_SPACE(sizeof many)];
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = b, .msg_controllen = sizeof b };
	struct cmsghdr *h = (void *)b;
	char c;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(pipe(p));
	check_equal(send_fds(s[0], p, 2), 1);
	check_equal(receive_fds(s[1], got, 4, 0, &flags), 2);
	check_equal(flags, 0);
	check_equal(write(got[1], "y", 1), 1);
	check_equal(read(p[0], &c, 1), 1);
	check_equal(fcntl(got[0], F_GETFD), 0);
	/* Close-on-exec, and peeking makes copies. */
	check_equal(send_fds(s[0], p, 1), 1);
	check_equal(receive_fds(s[1], got, 4, MSG_PEEK, &flags), 1);
	check_equal(receive_fds(s[1], got + 1, 4, MSG_CMSG_CLOEXEC, &flags), 1);
	check(got[0] != got[1]);
	check_equal(fcntl(got[1], F_GETFD), FD_CLOEXEC);
	/* No room for all. */
	check_equal(send_fds(s[0], p, 2), 1);
	check_equal(receive_fds(s[1], got, 1, 0, &flags), 1);
	check_equal(flags, MSG_CTRUNC);
	check_equal(send_fds(s[0], p, 2), 1);
	check_equal(receive_fds(s[1], got, 0, 0, &flags), 0);
	check_equal(flags, MSG_CTRUNC);
	/* Bytes before and after are not read together with a message of descriptors. */
	check_equal(write(s[0], "ab", 2), 2);
	check_equal(send_fds(s[0], p, 1), 1);
	check_equal(write(s[0], "cd", 2), 2);
	check_equal(read(s[1], b, 10), 3);
	check_equal(read(s[1], b, 10), 2);
	/* A bad one: nothing is sent. */
	got[0] = p[0];
	got[1] = 1234;
	check_errno(send_fds(s[0], got, 2), EBADF);
	check_errno(recv(s[1], b, 1, MSG_DONTWAIT), EAGAIN);
	for (int i = 0; i < 254; i++)
		many[i] = p[0];
	memcpy(CMSG_DATA(h), many, sizeof many);
	h->cmsg_len = CMSG_LEN(sizeof many);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	check_errno(sendmsg(s[0], &m, 0), EINVAL);
	h->cmsg_len = CMSG_LEN(sizeof many - sizeof(int));
	check_equal(sendmsg(s[0], &m, 0), 1);
	check_equal(read(s[1], &c, 1), 1);
	h->cmsg_type = 77;
	check_errno(sendmsg(s[0], &m, 0), EINVAL);
	h->cmsg_level = 77;
	check_equal(sendmsg(s[0], &m, 0), 1);
	/* An end that exists only in a message is closed with it. */
	check_ok(close(p[1]));
	for (int fd = 3; fd < 64; fd++)
		if (fd != s[0] && fd != s[1] && fd != p[0] && fd != test_report)
			close(fd);
	check_equal(read(s[1], &c, 1), 1);
	check_equal(send_fds(s[0], p, 1), 1);
	check_ok(close(s[1]));
	check_ok(close(s[0]));
}

static void rights_limit(void)
{
	struct rlimit r = { 30, 30 };
	int s[2], p[4] = { 0, 0, 0, 0 }, got[4], flags;

	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	check_equal(send_fds(s[0], p, 4), 1);
	check_ok(setrlimit(RLIMIT_NOFILE, &r));
	while (dup(0) >= 0)
		;
	check_equal(errno, EMFILE);
	close(20);
	close(21);
	check_equal(receive_fds(s[1], got, 4, 0, &flags), 2);
	check_equal(flags, MSG_CTRUNC);
	check_ok(setgid(1000));
	check_ok(setuid(1000));
	for (int i = 0; i < 8; i++)
		check_equal(send_fds(s[0], p, 4), 1);
	check_errno(send_fds(s[0], p, 4), ETOOMANYREFS);
}

/* The other end of a pipe that only a cycle of sockets in flight holds is closed when the cycle is collected. */
static void cycles(void)
{
	int a[2], b[2], p[2], fds[2];
	char c;

	for (int round = 0; round < 3; round++) {
		check_ok(pipe(p));
		check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
		check_ok(socketpair(AF_UNIX, round == 1 ? SOCK_DGRAM : SOCK_STREAM, 0, b));
		fds[0] = p[1];
		fds[1] = a[0];
		check_equal(send_fds(a[1], fds, 2), 1);		/* a[0] holds itself and the pipe */
		if (round) {
			fds[0] = b[0];
			check_equal(send_fds(a[1], fds, 1), 1);	/* … and b[0], which holds a[0] */
			fds[0] = a[0];
			check_equal(send_fds(b[1], fds, 1), 1);
		}
		check_ok(close(a[0]));
		check_ok(close(a[1]));
		check_ok(close(b[0]));
		check_ok(close(b[1]));
		check_ok(close(p[1]));
		check_equal(read(p[0], &c, 1), 0);
		check_ok(close(p[0]));
	}
	/* In flight but reachable: not collected. */
	check_ok(pipe(p));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	check_equal(send_fds(b[1], &p[1], 1), 1);
	check_equal(send_fds(a[1], &b[0], 1), 1);
	check_ok(close(b[0]));
	check_ok(close(b[1]));
	check_ok(close(p[1]));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	check_errno(read(p[0], &c, 1), EAGAIN);
	int flags;

	check_equal(receive_fds(a[0], &b[0], 1, 0, &flags), 1);
	check_equal(receive_fds(b[0], &p[1], 1, 0, &flags), 1);
	check_equal(write(p[1], "x", 1), 1);
	check_equal(read(p[0], &c, 1), 1);
}

/* Sockets inside sockets: taking them apart needs no deep stack. */
static void nested(void)
{
	int s[2], last = -1, flags, p[2];
	char c;

	check_ok(pipe(p));
	for (int i = 0; i < 200; i++) {
		check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		if (last < 0)
			last = dup(p[1]);
		flags = send_fds(s[0], &last, 1);
		if (flags < 0)
			check_equal(errno, ETOOMANYREFS);	/* Linux of some years ago counts levels */
		check_ok(close(last));
		check_ok(close(s[0]));
		last = s[1];
	}
	check_ok(close(last));
	check_ok(close(p[1]));
	check_equal(read(p[0], &c, 1), 0);
}

static void credentials(void)
{
	int s[2], on = 1;
	struct ucred me = { getpid(), getuid(), getgid() }, *got;
	union control u;
	char buf[8];
	struct iovec v = { buf, 8 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u };

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_equal(write(s[0], "a", 1), 1);
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(m.msg_controllen, 0);
	check_ok(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
	check_equal(write(s[0], "a", 1), 1);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(u.h.cmsg_type, SCM_CREDENTIALS);
	check_equal(u.h.cmsg_len, CMSG_LEN(sizeof me));
	got = (void *)CMSG_DATA(&u.h);
	check_equal(got->pid, me.pid);
	check_equal(got->uid, me.uid);
	/* Two writers are not read together. */
	check_equal(write(s[0], "a", 1), 1);
	if (fork() == 0)
		_exit(write(s[0], "b", 1) != 1);
	check_equal(wait_for(-1), 0);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(got->pid, me.pid);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check(got->pid != me.pid);
	/* Said by the sender: root may say anything that exists, others the truth only. */
	*got = (struct ucred){ 1, 5, 6 };
	m.msg_controllen = CMSG_SPACE(sizeof me);
	u.h.cmsg_len = CMSG_LEN(sizeof me);
	v.iov_len = 1;
	check_equal(sendmsg(s[0], &m, 0), 1);
	memset(&u, 0, sizeof u);
	m.msg_controllen = sizeof u;
	check_equal(recvmsg(s[1], &m, 0), 1);
	check_equal(got->pid, 1);
	check_equal(got->uid, 5);
	check_equal(got->gid, 6);
	got->pid = 999999;
	m.msg_controllen = CMSG_SPACE(sizeof me);
	check_errno(sendmsg(s[0], &m, 0), ESRCH);
	u.h.cmsg_len = CMSG_LEN(sizeof me) - 1;
	check_errno(sendmsg(s[0], &m, 0), EINVAL);
	u.h.cmsg_len = CMSG_LEN(sizeof me);
	check_ok(setgid(1000));
	check_ok(setuid(1000));
	*got = (struct ucred){ getpid(), 0, 1000 };
	check_errno(sendmsg(s[0], &m, 0), EPERM);
	*got = (struct ucred){ 1, 1000, 1000 };
	check_errno(sendmsg(s[0], &m, 0), EPERM);
	*got = (struct ucred){ getpid(), 1000, 1000 };
	check_equal(sendmsg(s[0], &m, 0), 1);
}

static const struct test table[] = {
	{ "rights", rights }, { "rights-limit", rights_limit }, { "cycles", cycles }, { "nested", nested },
	{ "credentials", credentials }, { NULL, NULL },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX beyond POSIX, as Linux has it: the urgent byte of streams (unix(7), since 5.15), SO_PEEK_OFF, SO_PASSPIDFD with
 * SCM_PIDFD, SIOCUNIXFILE.
 */
#include "test.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE 0x89e0
#endif

static void pair(int s[2], int type) { check_ok(socketpair(AF_UNIX, type, 0, s)); }

static int at_mark(int s)
{
	int v = -1;

	check_ok(ioctl(s, SIOCATMARK, &v));
	return v;
}

static int events_of(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN | POLLPRI };

	check(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* The next read gives exactly these bytes. */
#define check_reads(s, text) do { \
	char b_[64] = ""; \
	ssize_t n_ = recv(s, b_, sizeof b_, MSG_DONTWAIT); \
	check_equal(n_, (ssize_t)strlen(text)); \
	check(!memcmp(b_, text, strlen(text))); \
} while (0)

static void urgent_byte(void)
{
	int s[2];
	char c = 0;

	pair(s, SOCK_STREAM);
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	check_errno(send(s[0], "", 0, MSG_OOB), EOPNOTSUPP);
	check_equal(at_mark(s[1]), 0);
	check_equal(send(s[0], "abX", 3, MSG_OOB), 3);
	check_equal(send(s[0], "cd", 2, 0), 2);
	check_equal(events_of(s[1]), POLLIN | POLLPRI);
	check_equal(at_mark(s[1]), 0);
	check_equal(recv(s[1], &c, 1, MSG_OOB | MSG_PEEK), 1);
	check_equal(c, 'X');
	check_reads(s[1], "ab");		/* reads stop before the mark */
	check_equal(at_mark(s[1]), 1);
	c = 0;
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_equal(c, 'X');
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	check_equal(events_of(s[1]), POLLIN);
	check_equal(at_mark(s[1]), 1);		/* the place is still known */
	check_reads(s[1], "cd");
	check_equal(at_mark(s[1]), 0);
	check_errno(recv(s[1], &c, 1, MSG_DONTWAIT), EAGAIN);
}

static void urgent_lost(void)
{
	int s[2];
	char c;

	pair(s, SOCK_STREAM);
	check_equal(send(s[0], "aX", 2, MSG_OOB), 2);
	check_equal(send(s[0], "b", 1, 0), 1);
	check_reads(s[1], "a");
	check_reads(s[1], "b");			/* who reads on does not get it */
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	/* A newer one makes the older one data. */
	check_equal(send(s[0], "cY", 2, MSG_OOB), 2);
	check_equal(send(s[0], "dZ", 2, MSG_OOB), 2);
	check_reads(s[1], "cYd");
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_equal(c, 'Z');
}

static void urgent_inline(void)
{
	int s[2], one = 1, v = 0;
	socklen_t len = sizeof v;
	char c;

	pair(s, SOCK_STREAM);
	check_ok(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof one));
	check_ok(getsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &v, &len));
	check_equal(v, 1);
	check_equal(send(s[0], "abX", 3, MSG_OOB), 3);
	check_equal(send(s[0], "cd", 2, 0), 2);
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	check_reads(s[1], "ab");
	check_equal(at_mark(s[1]), 1);
	check_reads(s[1], "Xcd");
	check_equal(at_mark(s[1]), 0);
}

static void urgent_alone(void)
{
	int s[2];
	char c;

	pair(s, SOCK_STREAM);
	check_equal(send(s[0], "X", 1, MSG_OOB), 1);
	check_equal(events_of(s[1]), POLLIN | POLLPRI);
	check_equal(at_mark(s[1]), 1);
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_errno(recv(s[1], &c, 1, MSG_DONTWAIT), EAGAIN);
	check_equal(send(s[0], "X", 1, MSG_OOB), 1);
	close(s[0]);
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_equal(recv(s[1], &c, 1, 0), 0);
	pair(s, SOCK_DGRAM);
	check_errno(send(s[0], "X", 1, MSG_OOB), EOPNOTSUPP);
	check_errno(recv(s[0], &c, 1, MSG_OOB), EOPNOTSUPP);
}

static volatile int urgents;
static void on_urgent(int sig) { urgents++; }

static void urgent_signal(void)
{
	int s[2];
	char c;

	signal(SIGURG, on_urgent);
	pair(s, SOCK_STREAM);
	check_equal(send(s[0], "X", 1, MSG_OOB), 1);
	check_equal(urgents, 0);		/* nobody asked */
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_ok(fcntl(s[1], F_SETOWN, getpid()));
	check_equal(send(s[0], "a", 1, 0), 1);
	check_equal(urgents, 0);
	check_equal(send(s[0], "X", 1, MSG_OOB), 1);
	check_equal(urgents, 1);
	check_ok(fcntl(s[1], F_SETOWN, 0));
	check_equal(send(s[0], "Y", 1, MSG_OOB), 1);
	check_equal(urgents, 1);
}

static void set_off(int s, int v) { check_ok(setsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &v, sizeof v)); }
static int get_off(int s)
{
	int v = -7;
	socklen_t len = sizeof v;

	check_ok(getsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &v, &len));
	return v;
}

static void peek_stream(int s[2])
{
	char b[64];

	check_equal(get_off(s[1]), -1);
	check_equal(send(s[0], "abcdef", 6, 0), 6);
	set_off(s[1], 0);
	check_equal(recv(s[1], b, 2, MSG_PEEK), 2);
	check(!memcmp(b, "ab", 2));
	check_equal(get_off(s[1]), 2);
	check_equal(recv(s[1], b, 2, MSG_PEEK), 2);
	check(!memcmp(b, "cd", 2));
	check_equal(recv(s[1], b, 3, 0), 3);	/* takes abc */
	check_equal(get_off(s[1]), 1);
	check_equal(recv(s[1], b, 9, MSG_PEEK), 2);
	check(!memcmp(b, "ef", 2));
	check_errno(recv(s[1], b, 9, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	check_equal(recv(s[1], b, 9, 0), 3);
	check_equal(get_off(s[1]), 0);
	set_off(s[1], -1);
	check_equal(send(s[0], "gh", 2, 0), 2);
	check_equal(recv(s[1], b, 9, MSG_PEEK), 2);
	check_equal(recv(s[1], b, 9, MSG_PEEK), 2);
	check_equal(get_off(s[1]), -1);
}

static void peek_offset(void)
{
	int s[2];

	pair(s, SOCK_STREAM);
	peek_stream(s);
}

static void peek_offset_messages(void)
{
	int s[2];
	char b[64];

	for (int type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
		pair(s, type);
		set_off(s[1], 0);
		check_equal(send(s[0], "abc", 3, 0), 3);
		check_equal(send(s[0], "defg", 4, 0), 4);
		check_equal(recv(s[1], b, 2, MSG_PEEK), 2);
		check_equal(get_off(s[1]), 2);
		check_equal(recv(s[1], b, 9, MSG_PEEK), 1);
		check_equal(b[0], 'c');
		check_equal(recv(s[1], b, 9, MSG_PEEK), 4);	/* the next one */
		check(!memcmp(b, "defg", 4));
		check_errno(recv(s[1], b, 9, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
		check_equal(get_off(s[1]), 7);
		check_equal(recv(s[1], b, 1, 0), 1);		/* goes whole */
		check_equal(get_off(s[1]), 4);
		check_equal(recv(s[1], b, 9, 0), 4);
		check_equal(get_off(s[1]), 0);
	}
}

static ssize_t receive(int s, char *c, void *control, size_t *n, int *flags)
{
	struct iovec v = { c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = *n };
	ssize_t r = recvmsg(s, &m, 0);

	*n = m.msg_controllen;
	*flags = m.msg_flags;
	return r;
}

/* The pidfd of the message that waits in s. */
static int received_pidfd(int s)
{
	union { char b[256]; struct cmsghdr h; } u;
	size_t n = sizeof u;
	struct msghdr m = { .msg_control = &u };
	int flags, fd = -1;
	char c;

	check_equal(receive(s, &c, &u, &n, &flags), 1);
	check_equal(flags & MSG_CTRUNC, 0);
	m.msg_controllen = n;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_PIDFD) {
			check_equal(h->cmsg_len, CMSG_LEN(sizeof fd));
			memcpy(&fd, CMSG_DATA(h), sizeof fd);
		}
	return fd;
}

static int pid_of(int pidfd)
{
	char path[64], text[512] = "";
	int fd, pid = 0;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY);
	check(fd >= 0);
	check(read(fd, text, sizeof text - 1) > 0);
	check(strstr(text, "Pid:"));
	pid = atoi(strstr(text, "Pid:") + 4);
	close(fd);
	return pid;
}

static void pass_pidfd(void)
{
	int s[2], one = 1, v = 0, fd, status;
	socklen_t len = sizeof v;
	struct pollfd p = { .events = POLLIN };
	pid_t pid;

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		pair(s, type);
		check_equal(send(s[0], "a", 1, 0), 1);
		check_equal(received_pidfd(s[1]), -1);
		check_ok(setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof one));
		check_ok(getsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &v, &len));
		check_equal(v, 1);
		pid = fork();
		if (!pid) {
			if (send(s[0], "b", 1, 0) != 1)
				_exit(1);
			pause();
		}
		fd = received_pidfd(s[1]);
		check(fd >= 0);
		check_equal(pid_of(fd), pid);
		check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		p.fd = fd;
		check_equal(poll(&p, 1, 0), 0);
		check_ok(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
		check_equal(poll(&p, 1, -1), 1);
		check_equal(waitpid(pid, &status, 0), pid);
		check(WIFSIGNALED(status));
		close(fd);
	}
}

static void pass_pidfd_no_room(void)
{
	int s[2], one = 1, flags;
	size_t n = 0;
	char c;

	pair(s, SOCK_DGRAM);
	check_ok(setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof one));
	check_equal(send(s[0], "a", 1, 0), 1);
	check_equal(receive(s[1], &c, NULL, &n, &flags), 1);
	check(flags & MSG_CTRUNC);
}

static void node_of_name(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "unixfile.sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	struct stat st, here;
	char text[200] = "", path[64];

	check_errno(ioctl(s, SIOCUNIXFILE, 0), ENOENT);
	unlink(a.sun_path);
	check_ok(bind(s, (void *)&a, sizeof a));
	fd = ioctl(s, SIOCUNIXFILE, 0);
	check(fd >= 0);
	check_ok(fstat(fd, &st));
	check_ok(stat(a.sun_path, &here));
	check(S_ISSOCK(st.st_mode));
	check_equal(st.st_ino, here.st_ino);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check(fcntl(fd, F_GETFL) & O_PATH);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	check(readlink(path, text, sizeof text - 1) > 0);
	check(strstr(text, "unixfile.sock"));
	unlink(a.sun_path);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	check_ok(bind(s, (void *)&a, offsetof(struct sockaddr_un, sun_path)));	/* an abstract name */
	check_errno(ioctl(s, SIOCUNIXFILE, 0), ENOENT);
}

static const struct test table[] = {
	{ "urgent-byte", urgent_byte }, { "urgent-lost", urgent_lost }, { "urgent-inline", urgent_inline },
	{ "urgent-alone", urgent_alone }, { "urgent-signal", urgent_signal }, { "peek-offset", peek_offset },
	{ "peek-offset-messages", peek_offset_messages }, { "pass-pidfd", pass_pidfd }, { "pass-pidfd-no-room", pass_pidfd_no_room },
	{ "node-of-name", node_of_name }, { NULL, NULL },
};
TEST_MAIN(table)

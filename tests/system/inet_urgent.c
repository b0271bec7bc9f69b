/* SPDX-License-Identifier: BSD-2-Clause */
/* Urgent data of TCP (tcp(7), RFC 6093) and SO_PEEK_OFF of TCP and UDP. */
#include "inet.h"

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif

static int at_mark(int s)
{
	int v = -1;

	check_ok(ioctl(s, SIOCATMARK, &v));
	return v;
}

/* Waits until these events hold; all of POLLIN and POLLPRI that do. */
static int events_of(int s, int want)
{
	struct pollfd p = { .fd = s, .events = want };

	check_equal(poll(&p, 1, want ? 5000 : 0), want ? 1 : 0);
	p.events = POLLIN | POLLPRI;
	check(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static int bytes_in(int s)
{
	int v = -1;

	check_ok(ioctl(s, FIONREAD, &v));
	return v;
}

static void wait_bytes(int s, int n)
{
	for (int i = 0; i < 5000 && bytes_in(s) < n; i++)
		usleep(1000);
	check_equal(bytes_in(s), n);
}

#define check_reads(s, text) do { \
	char b_[64] = ""; \
	ssize_t n_ = recv(s, b_, sizeof b_, MSG_DONTWAIT); \
	check_equal(n_, (ssize_t)strlen(text)); \
	check(!memcmp(b_, text, strlen(text))); \
} while (0)

static void byte(int family)
{
	int s[2];
	char c = 0;

	lo_up();
	connected(family, s);
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	check_equal(at_mark(s[1]), 0);
	check_equal(send(s[0], "abX", 3, MSG_OOB), 3);
	check_equal(send(s[0], "cd", 2, 0), 2);
	check_equal(events_of(s[1], POLLPRI), POLLIN | POLLPRI);
	usleep(50000);
	check_equal(bytes_in(s[1]), 2);		/* up to the mark */
	check_equal(recv(s[1], &c, 1, MSG_OOB | MSG_PEEK), 1);
	check_equal(c, 'X');
	check_reads(s[1], "ab");
	check_equal(at_mark(s[1]), 1);
	c = 0;
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_equal(c, 'X');
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	check_equal(at_mark(s[1]), 1);
	check_equal(events_of(s[1], POLLIN), POLLIN);
	check_reads(s[1], "cd");
	check_equal(at_mark(s[1]), 0);
	check_errno(recv(s[1], &c, 1, MSG_DONTWAIT), EAGAIN);
}

static void byte4(void) { byte(AF_INET); }
static void byte6(void) { byte(AF_INET6); }

static void lost(void)
{
	int s[2];
	char c;

	lo_up();
	connected(AF_INET, s);
	check_equal(send(s[0], "aX", 2, MSG_OOB), 2);
	check_equal(send(s[0], "b", 1, 0), 1);
	events_of(s[1], POLLPRI);
	usleep(50000);
	check_reads(s[1], "a");
	check_reads(s[1], "b");			/* who reads on does not get it */
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	/* A newer one makes the older one data. */
	check_equal(send(s[0], "cY", 2, MSG_OOB), 2);
	check_equal(send(s[0], "dZ", 2, MSG_OOB), 2);
	wait_bytes(s[1], 3);
	check_reads(s[1], "cYd");
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_equal(c, 'Z');
}

static void in_line(void)
{
	int s[2], one = 1;
	char c;

	lo_up();
	connected(AF_INET, s);
	check_ok(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof one));
	check_equal(send(s[0], "abX", 3, MSG_OOB), 3);
	check_equal(send(s[0], "cd", 2, 0), 2);
	wait_bytes(s[1], 5);
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);
	check_reads(s[1], "ab");
	check_equal(at_mark(s[1]), 1);
	check_reads(s[1], "Xcd");
	check_equal(at_mark(s[1]), 0);
}

static void alone(void)
{
	int s[2];
	char c, b[8];

	lo_up();
	connected(AF_INET, s);
	check_equal(send(s[0], "X", 1, MSG_OOB), 1);
	check_equal(events_of(s[1], POLLPRI), POLLPRI);	/* nothing to read but it */
	check_equal(at_mark(s[1]), 1);
	check_errno(recv(s[1], &c, 1, MSG_DONTWAIT), EAGAIN);
	check_errno(recv(s[1], &c, 1, MSG_OOB), EINVAL);	/* passed over */
	check_equal(send(s[0], "Y", 1, MSG_OOB), 1);
	events_of(s[1], POLLPRI);
	check_errno(recv(s[1], b, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_equal(c, 'Y');
	check_equal(send(s[0], "e", 1, 0), 1);
	check_equal(recv(s[1], b, 8, 0), 1);
	check_equal(b[0], 'e');
	close(s[0]);
	check_equal(recv(s[1], b, 8, 0), 0);
}

static volatile int urgents;
static void on_urgent(int sig) { urgents++; }

static void owner_signal(void)
{
	int s[2];
	char c;

	lo_up();
	connected(AF_INET, s);
	signal(SIGURG, on_urgent);
	check_equal(send(s[0], "X", 1, MSG_OOB), 1);
	events_of(s[1], POLLPRI);
	check_equal(urgents, 0);
	check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
	check_ok(fcntl(s[1], F_SETOWN, getpid()));
	check_equal(send(s[0], "Y", 1, MSG_OOB), 1);
	for (int i = 0; i < 1000 && !urgents; i++)
		usleep(1000);
	check_equal(urgents, 1);
	check_equal(send(s[0], "z", 1, 0), 1);
	usleep(20000);
	check_equal(urgents, 1);
}

/* Much data, an urgent byte here and there: the stream without them is whole. */
static void bulk(void)
{
	enum { PIECES = 200, SIZE = 3000 };
	unsigned char b[SIZE], c;
	int s[2], got = 0, urgent = 0, status;
	pid_t pid;

	lo_up();
	connected(AF_INET, s);
	pid = fork();
	if (!pid) {
		close(s[1]);
		for (int i = 0; i < PIECES; i++) {
			for (int k = 0; k < SIZE; k++)
				b[k] = k == SIZE - 1 ? '!' : pattern(i * (SIZE - 1) + k);
			if (send(s[0], b, SIZE, MSG_OOB) != SIZE)
				_exit(1);
			if (recv(s[0], &c, 1, 0) != 1)	/* until it was taken */
				_exit(2);
		}
		_exit(0);
	}
	close(s[0]);
	while (got < PIECES * (SIZE - 1)) {
		ssize_t n = recv(s[1], b, sizeof b, 0);

		check(n > 0);
		for (ssize_t i = 0; i < n; i++)
			if (b[i] != pattern(got + i))
				test_fail(__LINE__, "byte %zd is %d, want %d", got + i, b[i], pattern(got + i));
		got += n;
		if (got % (SIZE - 1) == 0) {
			struct pollfd p = { .fd = s[1], .events = POLLPRI };

			check_equal(poll(&p, 1, 5000), 1);
			check_equal(recv(s[1], &c, 1, MSG_OOB), 1);
			check_equal(c, '!');
			urgent++;
			check_equal(send(s[1], "k", 1, 0), 1);
		}
	}
	check_equal(urgent, PIECES);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
}

static void set_off(int s, int v) { check_ok(setsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &v, sizeof v)); }
static int get_off(int s)
{
	int v = -7;
	socklen_t len = sizeof v;

	check_ok(getsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &v, &len));
	return v;
}

static void peek_tcp(void)
{
	char b[64];
	int s[2];

	lo_up();
	connected(AF_INET, s);
	check_equal(get_off(s[1]), -1);
	check_equal(send(s[0], "abcdef", 6, 0), 6);
	wait_bytes(s[1], 6);
	set_off(s[1], 0);
	check_equal(recv(s[1], b, 2, MSG_PEEK), 2);
	check(!memcmp(b, "ab", 2));
	check_equal(recv(s[1], b, 2, MSG_PEEK), 2);
	check(!memcmp(b, "cd", 2));
	check_equal(get_off(s[1]), 4);
	check_equal(recv(s[1], b, 3, 0), 3);
	check_equal(get_off(s[1]), 1);
	check_equal(recv(s[1], b, 9, MSG_PEEK), 2);
	check(!memcmp(b, "ef", 2));
	check_errno(recv(s[1], b, 9, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	check_equal(recv(s[1], b, 9, 0), 3);
}

static void peek_udp(void)
{
	union name n;
	int u, c;
	char b[64];

	lo_up();
	u = bound(AF_INET, SOCK_DGRAM, &n);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	check_equal(get_off(u), -1);
	set_off(u, 0);
	check_equal(sendto(c, "abc", 3, 0, &n.a, name_len(&n)), 3);
	check_equal(sendto(c, "defg", 4, 0, &n.a, name_len(&n)), 4);
	check_equal(recv(u, b, 2, MSG_PEEK), 2);
	check_equal(get_off(u), 2);
	check_equal(recv(u, b, 9, MSG_PEEK), 1);
	check_equal(b[0], 'c');
	check_equal(recv(u, b, 9, MSG_PEEK), 4);
	check(!memcmp(b, "defg", 4));
	check_errno(recv(u, b, 9, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	check_equal(recv(u, b, 9, 0), 3);
	check_equal(get_off(u), 4);
}

static const struct test table[] = {
	{ "byte", byte4 }, { "byte6", byte6 }, { "lost", lost }, { "inline", in_line }, { "alone", alone },
	{ "owner-signal", owner_signal }, { "bulk", bulk }, { "peek-tcp", peek_tcp }, { "peek-udp", peek_udp }, { NULL, NULL },
};
TEST_MAIN(table)

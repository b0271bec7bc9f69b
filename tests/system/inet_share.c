/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may share a port (socket(7): SO_REUSEADDR, SO_REUSEPORT), and over whom connections and datagrams are spread. */
#include "inet.h"

#define MEMBERS 4
#define SENDERS 96

static void set(int s, int opt)
{
	int one = 1;

	check_ok(setsockopt(s, SOL_SOCKET, opt, &one, sizeof one));
}

/* A socket with an option (0: none) bound to a name whose port may be 0 and is then told. */
static int member(int family, int type, int opt, union name *n)
{
	int s = socket(family, type, 0);
	socklen_t len = sizeof *n;

	check(s >= 0);
	if (opt)
		set(s, opt);
	if (bind(s, &n->a, name_len(n))) {
		close(s);
		return -1;
	}
	check_ok(getsockname(s, &n->a, &len));
	return s;
}

static void who_may(void)
{
	static const struct { int a, b; bool listens, ok; } rows[] = {
		{ 0, 0, false, false }, { SO_REUSEADDR, 0, false, false }, { 0, SO_REUSEADDR, false, false },
		{ SO_REUSEADDR, SO_REUSEADDR, false, true }, { SO_REUSEADDR, SO_REUSEADDR, true, false },
		{ SO_REUSEPORT, SO_REUSEPORT, false, true }, { SO_REUSEPORT, SO_REUSEPORT, true, true },
		{ SO_REUSEPORT, 0, false, false }, { SO_REUSEPORT, 0, true, false }, { SO_REUSEADDR, SO_REUSEPORT, false, false },
		{ SO_REUSEPORT, SO_REUSEADDR, true, false },
	};

	lo_up();
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
			union name n = loopback(AF_INET, 0);
			int a, b;

			if (type == SOCK_DGRAM && rows[i].listens)
				continue;
			a = member(AF_INET, type, rows[i].a, &n);
			check(a >= 0);
			if (rows[i].listens)
				check_ok(listen(a, 5));
			errno = 0;
			b = member(AF_INET, type, rows[i].b, &n);
			if ((b >= 0) != rows[i].ok || (b < 0 && errno != EADDRINUSE))
				test_fail(__LINE__, "row %u, type %d: %d, errno %d", i, type, b, errno);
			/* The wildcard overlaps every address. */
			n.in.sin_addr.s_addr = 0;
			close(b);
			b = member(AF_INET, type, rows[i].b, &n);
			if ((b >= 0) != rows[i].ok)
				test_fail(__LINE__, "row %u, type %d, wildcard: %d, errno %d", i, type, b, errno);
			close(b);
			close(a);
		}
	}
}

static void another_user(void)
{
	union name n = loopback(AF_INET, 0);
	int a, status;
	pid_t pid;

	lo_up();
	a = member(AF_INET, SOCK_STREAM, SO_REUSEPORT, &n);
	check_ok(listen(a, 5));
	pid = fork();
	if (!pid)
		_exit(setuid(1000) ? 2 : member(AF_INET, SOCK_STREAM, SO_REUSEPORT, &n) >= 0 ? 1 : errno == EADDRINUSE ? 0 : 3);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
}

static void listeners(int family)
{
	union name n = loopback(family, 0);
	int l[MEMBERS], c[SENDERS], got[MEMBERS] = { 0 }, total = 0, fd;
	struct pollfd p[MEMBERS];

	lo_up();
	for (int i = 0; i < MEMBERS; i++) {
		l[i] = member(family, SOCK_STREAM, SO_REUSEPORT, &n);
		check(l[i] >= 0);
		check_ok(listen(l[i], SENDERS));
		p[i] = (struct pollfd){ .fd = l[i], .events = POLLIN };
	}
	for (int i = 0; i < SENDERS; i++) {
		c[i] = socket(family, SOCK_STREAM, 0);
		check_ok(connect(c[i], &n.a, name_len(&n)));
		check_equal(send(c[i], "x", 1, 0), 1);
	}
	while (total < SENDERS) {
		check(poll(p, MEMBERS, 5000) > 0);
		for (int i = 0; i < MEMBERS; i++) {
			if (!p[i].revents)
				continue;
			fd = accept(l[i], NULL, NULL);
			check(fd >= 0);
			close(fd);
			got[i]++;
			total++;
		}
	}
	for (int i = 0; i < MEMBERS; i++)
		if (got[i] < SENDERS / MEMBERS / 4)
			test_fail(__LINE__, "member %d got %d of %d", i, got[i], SENDERS);
	/* One that is gone gets nothing any more. */
	close(l[0]);
	for (int i = 0; i < 16; i++) {
		fd = socket(family, SOCK_STREAM, 0);
		check_ok(connect(fd, &n.a, name_len(&n)));
		close(fd);
	}
}

static void listeners4(void) { listeners(AF_INET); }
static void listeners6(void) { listeners(AF_INET6); }

static int waiting(int s)
{
	char c;
	int n = 0;

	while (recv(s, &c, 1, MSG_DONTWAIT) == 1)
		n++;
	check_equal(errno, EAGAIN);
	return n;
}

static void datagrams(void)
{
	union name n = loopback(AF_INET, 0);
	int s[MEMBERS], c, total = 0, got;

	lo_up();
	for (int i = 0; i < MEMBERS; i++)
		check((s[i] = member(AF_INET, SOCK_DGRAM, SO_REUSEPORT, &n)) >= 0);
	for (int i = 0; i < SENDERS; i++) {
		c = socket(AF_INET, SOCK_DGRAM, 0);
		/* One sender's datagrams all go to one member. */
		check_equal(sendto(c, "x", 1, 0, &n.a, name_len(&n)), 1);
		check_equal(sendto(c, "y", 1, 0, &n.a, name_len(&n)), 1);
		close(c);
	}
	for (int i = 0; i < MEMBERS; i++) {
		got = waiting(s[i]);
		if (got % 2 || got < SENDERS * 2 / MEMBERS / 4)
			test_fail(__LINE__, "member %d got %d of %d", i, got, SENDERS * 2);
		total += got;
	}
	check_equal(total, SENDERS * 2);
}

static const struct test table[] = {
	{ "who-may", who_may }, { "another-user", another_user }, { "listeners", listeners4 }, { "listeners6", listeners6 },
	{ "datagrams", datagrams }, { NULL, NULL },
};
TEST_MAIN(table)

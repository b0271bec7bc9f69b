/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll: arguments, level and edge, one-shot, exclusive, nesting, close and dup and fork, waiting with masks and times. */
#include "test.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u64 = 0x1234567800000000ull + fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int modify(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* Events of the one descriptor that is ready, 0: none. */
static uint32_t look(int ep)
{
	struct epoll_event e[4];
	int n = epoll_wait(ep, e, 4, 0);

	check(n >= 0 && n <= 1);
	return n ? e[0].events : 0;
}

static void arguments(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], file = open("file", O_RDWR | O_CREAT, 0600);

	check(ep >= 0);
	check_equal(fcntl(ep, F_GETFD), FD_CLOEXEC);
	check_errno(epoll_create1(1), EINVAL);
	check_errno(epoll_create(0), EINVAL);
	check(epoll_create(1) >= 0);
	check_ok(pipe(p));
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, 1234, &e), EBADF);
	check_errno(epoll_ctl(1234, EPOLL_CTL_ADD, p[0], &e), EBADF);
	check_errno(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e), EINVAL);
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e), EPERM);
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], (void *)8), EFAULT);
	check_errno(epoll_ctl(ep, 4, p[0], &e), EINVAL);
	check_errno(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), ENOENT);
	check_errno(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), ENOENT);
	check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST);
	check_ok(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	check_errno(epoll_wait(ep, &e, 0, 0), EINVAL);
	check_errno(epoll_wait(ep, &e, -1, 0), EINVAL);
	check_errno(epoll_wait(p[0], &e, 1, 0), EINVAL);
	check_errno(epoll_wait(1234, &e, 1, 0), EBADF);
	check_errno(syscall(SYS_epoll_pwait, ep, (void *)-4096l, 1, 0, NULL, 8), EFAULT);
	check_ok(add(ep, p[1], EPOLLOUT));
	check_errno(epoll_wait(ep, (void *)8, 1, 0), EFAULT);
	check_equal(look(ep), EPOLLOUT);
	check_errno(read(ep, &e, 1), EINVAL);
}

static void level(void)
{
	int ep = epoll_create1(0), p[2];
	struct epoll_event e[2];
	char c;

	check_ok(pipe(p));
	check_ok(add(ep, p[0], EPOLLIN));
	check_equal(look(ep), 0);
	check_equal(write(p[1], "ab", 2), 2);
	for (int i = 0; i < 3; i++) {
		check_equal(epoll_wait(ep, e, 2, -1), 1);
		check_equal(e[0].events, EPOLLIN);
		check(e[0].data.u64 == 0x1234567800000000ull + p[0]);
	}
	check_equal(read(p[0], &c, 1), 1);
	check_equal(look(ep), EPOLLIN);
	check_equal(read(p[0], &c, 1), 1);
	check_equal(look(ep), 0);
	check_ok(close(p[1]));
	check_equal(look(ep), EPOLLHUP);
	check_ok(modify(ep, p[0], 0));
	check_equal(look(ep), EPOLLHUP);
	check_ok(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	check_equal(look(ep), 0);
}

static void edge(void)
{
	int ep = epoll_create1(0), s[2];
	char buf[10];

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(add(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLET));
	check_equal(look(ep), EPOLLOUT);
	check_equal(look(ep), 0);
	check_equal(write(s[1], "ab", 2), 2);
	check_equal(look(ep), EPOLLIN | EPOLLOUT);
	check_equal(look(ep), 0);
	check_equal(read(s[0], buf, 1), 1);
	check_equal(look(ep), 0);
	check_equal(write(s[1], "c", 1), 1);	/* more of the same is an edge */
	check_equal(look(ep), EPOLLIN | EPOLLOUT);
	check_equal(look(ep), 0);
	check_ok(modify(ep, s[0], EPOLLIN | EPOLLET));	/* armed again: looked at again */
	check_equal(look(ep), EPOLLIN);
	check_equal(look(ep), 0);
	check_ok(shutdown(s[1], SHUT_WR));
	check_equal(look(ep), EPOLLIN);
	check_ok(modify(ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET));
	check_equal(look(ep), EPOLLIN | EPOLLRDHUP);
	check_ok(close(s[1]));
	check_equal(look(ep), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	check_equal(look(ep), 0);
}

static void one_shot(void)
{
	int ep = epoll_create1(0), p[2];

	check_ok(pipe(p));
	check_ok(add(ep, p[0], EPOLLIN | EPOLLONESHOT));
	check_equal(write(p[1], "a", 1), 1);
	check_equal(look(ep), EPOLLIN);
	check_equal(look(ep), 0);
	check_equal(write(p[1], "a", 1), 1);
	check_equal(look(ep), 0);
	check_ok(close(p[1]));
	check_equal(look(ep), 0);
	check_ok(modify(ep, p[0], EPOLLIN | EPOLLONESHOT));
	check_equal(look(ep), EPOLLIN | EPOLLHUP);
	check_equal(look(ep), 0);
}

/* An item belongs to the open file: it lasts while any descriptor of it does, and each number is an item of its own. */
static void close_and_dup(void)
{
	int ep = epoll_create1(0), p[2], copy;
	struct epoll_event e[4];

	check_ok(pipe(p));
	check_equal(write(p[1], "a", 1), 1);
	check_ok(add(ep, p[0], EPOLLIN));
	copy = dup(p[0]);
	check_ok(add(ep, copy, EPOLLIN));
	check_equal(epoll_wait(ep, e, 4, 0), 2);
	check_ok(close(p[0]));
	check_equal(epoll_wait(ep, e, 4, 0), 2);	/* still: the file is open */
	check_errno(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), EBADF);
	check_ok(close(copy));
	check_equal(epoll_wait(ep, e, 4, 0), 0);
	/* Another file at the same number is not watched. */
	check_ok(pipe(p));
	check_equal(write(p[1], "a", 1), 1);
	check_equal(epoll_wait(ep, e, 4, 0), 0);
	check_ok(add(ep, p[0], EPOLLIN));
	check_equal(epoll_wait(ep, e, 4, 0), 1);
	/* The epoll outlives one of its own descriptors, too. */
	copy = dup(ep);
	check_ok(close(ep));
	check_equal(epoll_wait(copy, e, 4, 0), 1);
	check_ok(close(copy));
	check_ok(close(p[0]));
}

static void across_fork(void)
{
	int ep = epoll_create1(0), p[2], q[2];
	struct epoll_event e[4];
	pid_t pid;

	check_ok(pipe(p));
	check_ok(pipe(q));
	check_ok(add(ep, p[0], EPOLLIN));
	pid = fork();
	if (pid == 0) {
		check_equal(epoll_wait(ep, e, 4, 5000), 1);
		check_ok(add(ep, q[0], EPOLLIN));
		_exit(0);
	}
	check_ok(close(p[0]));		/* the child has it open */
	sleep_ms(30);
	check_equal(write(p[1], "a", 1), 1);
	check_equal(wait_for(pid), 0);
	check_equal(epoll_wait(ep, e, 4, 0), 0);
	check_equal(write(q[1], "a", 1), 1);
	check_equal(epoll_wait(ep, e, 4, 0), 1);	/* what the child added is ours */
}

static void nesting(void)
{
	int ep[8], p[2];
	struct epoll_event e[4];
	char c;

	check_ok(pipe(p));
	for (int i = 0; i < 8; i++)
		check((ep[i] = epoll_create1(0)) >= 0);
	check_ok(add(ep[0], p[0], EPOLLIN));
	int n = 0;

	while (n < 7 && !add(ep[n + 1], ep[n], EPOLLIN))
		n++;
	check_equal(errno, ELOOP);
	check(n == 4 || n == 5);	/* newer kernels allow one less than older ones */
	check_ok(close(ep[7]));
	check((ep[7] = epoll_create1(0)) >= 0);
	check_errno(add(ep[0], ep[4], EPOLLIN), ELOOP);
	check_errno(add(ep[0], ep[1], EPOLLIN), ELOOP);
	check_equal(look(ep[4]), 0);
	check_equal(write(p[1], "a", 1), 1);
	for (int i = 0; i < 5; i++)
		check_equal(look(ep[i]), EPOLLIN);
	check_equal(read(p[0], &c, 1), 1);
	for (int i = 4; i >= 0; i--)
		check_equal(look(ep[i]), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(write(p[1], "b", 1) != 1);
	}
	check_equal(epoll_wait(ep[4], e, 4, 5000), 1);
	check_equal(wait_for(-1), 0);
	/* Edge-triggered outer epoll: one event per change inside. */
	check_ok(add(ep[7], ep[0], EPOLLIN | EPOLLET));
	check_equal(look(ep[7]), EPOLLIN);
	check_equal(look(ep[7]), 0);
	check_equal(write(p[1], "c", 1), 1);
	check_equal(look(ep[7]), EPOLLIN);
	check_ok(close(ep[0]));
	check_equal(look(ep[7]), 0);
}

static int shared, woken;

static void *waiter(void *arg)
{
	struct epoll_event e;
	long r = epoll_wait(*(int *)arg, &e, 1, 1500);

	__atomic_add_fetch(&woken, r == 1, __ATOMIC_SEQ_CST);
	return (void *)r;
}

/* Several epolls watch one file exclusively: an event wakes some, not all; without the flag all. */
static void exclusive(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int ep[4], fd = eventfd(0, 0);
	pthread_t t[4];
	uint64_t one = 1;

	for (int flag = 0; flag < 2; flag++) {
		woken = 0;
		for (int i = 0; i < 4; i++) {
			ep[i] = epoll_create1(0);
			check_ok(add(ep[i], fd, EPOLLIN | (flag ? EPOLLEXCLUSIVE : 0) | EPOLLET));
			check_equal(pthread_create(&t[i], NULL, waiter, &ep[i]), 0);
		}
		sleep_ms(300);
		check_equal(write(fd, &one, 8), 8);
		for (int i = 0; i < 4; i++)
			check_equal(pthread_join(t[i], NULL), 0);
		if (flag)
			check_equal(woken, 1);
		else
			check_equal(woken, 4);
		check_equal(read(fd, &one, 8), 8);
	}
	check_errno(modify(ep[0], fd, EPOLLIN), EINVAL);
	check_errno(modify(ep[0], fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	check_errno(epoll_ctl(ep[0], EPOLL_CTL_ADD, ep[1], &e), EINVAL);
	check_ok(epoll_ctl(ep[0], EPOLL_CTL_DEL, fd, NULL));
	check_errno(add(ep[0], fd, EPOLLIN | EPOLLPRI | EPOLLEXCLUSIVE), EINVAL);
	check_errno(add(ep[0], fd, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE), EINVAL);
}

/* Threads in one epoll_wait: one event is one thread's. */
static void one_of_many(void)
{
	pthread_t t[4];
	uint64_t one = 1;
	int fd = eventfd(0, 0);

	shared = epoll_create1(0);
	woken = 0;
	check_ok(add(shared, fd, EPOLLIN | EPOLLET));
	for (int i = 0; i < 4; i++)
		check_equal(pthread_create(&t[i], NULL, waiter, &shared), 0);
	sleep_ms(300);
	check_equal(write(fd, &one, 8), 8);
	for (int i = 0; i < 4; i++)
		check_equal(pthread_join(t[i], NULL), 0);
	check_equal(woken, 1);
}

/* More ready than asked for: all get their turn. */
static void fair(void)
{
	int ep = epoll_create1(0), fd[10];
	struct epoll_event e[3];
	unsigned seen = 0;

	for (int i = 0; i < 10; i++) {
		fd[i] = eventfd(1, 0);
		e[0] = (struct epoll_event){ .events = EPOLLIN, .data.u32 = i };
		check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], e));
	}
	for (int round = 0; round < 4; round++) {
		int n = epoll_wait(ep, e, 3, 0);

		check_equal(n, 3);
		for (int i = 0; i < n; i++)
			seen |= 1u << e[i].data.u32;
	}
	check_equal(seen, 0x3ff);
}

static void on_signal(int sig) { }

static void waiting(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct timespec ts = { 0, 100000000 };
	int ep = epoll_create1(0), p[2];
	struct epoll_event e;
	long long t = now_ms();
	sigset_t set, empty;

	check_ok(pipe(p));
	check_ok(add(ep, p[0], EPOLLIN));
	check_equal(epoll_wait(ep, &e, 1, 100), 0);
	check(now_ms() - t >= 100);
#ifdef SYS_epoll_pwait2
	t = now_ms();
	check_equal(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, NULL, 0), 0);
	check(now_ms() - t >= 100);
	ts.tv_nsec = 1000000000;
	check_errno(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, NULL, 0), EINVAL);
	check_errno(syscall(SYS_epoll_pwait2, ep, &e, 1, (void *)8, NULL, 0), EFAULT);
#endif
	(void)ts;
	/* A signal ends it, also with SA_RESTART. */
	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	struct itimerval it = { .it_value = { 0, 50000 } };

	setitimer(ITIMER_REAL, &it, NULL);
	check_errno(epoll_wait(ep, &e, 1, -1), EINTR);
	/* A blocked one does when the call's mask lets it through. */
	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	check_equal(epoll_wait(ep, &e, 1, 10), 0);
	check_errno(epoll_pwait(ep, &e, 1, -1, &empty), EINTR);
	sigpending(&empty);
	check(!sigismember(&empty, SIGUSR1));
	check_errno(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &set, 4), EINVAL);
	check_errno(syscall(SYS_epoll_pwait, ep, &e, 1, 0, (void *)8, 8), EFAULT);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(write(p[1], "x", 1) != 1);
	}
	check_equal(epoll_wait(ep, &e, 1, -1), 1);
	check_equal(wait_for(-1), 0);
}

static void *churn(void *arg)
{
	int *fd = arg;
	uint64_t one = 1;

	for (int i = 0; i < 3000; i++)
		if (write(fd[i & 7], &one, 8) != 8)
			return NULL;
	return NULL;
}

/* Adding, taking away and closing while another thread makes events and a third waits. */
static void races(void)
{
	int ep = epoll_create1(0), fd[8], extra;
	struct epoll_event e[8];
	pthread_t t;
	uint64_t n;

	for (int i = 0; i < 8; i++)
		fd[i] = eventfd(0, EFD_NONBLOCK);
	check_equal(pthread_create(&t, NULL, churn, fd), 0);
	for (int i = 0; i < 1500; i++) {
		int k = i & 7, got;

		check_ok(add(ep, fd[k], i & 8 ? EPOLLIN | EPOLLET : EPOLLIN));
		got = epoll_wait(ep, e, 8, 0);
		check(got >= 0);
		(void)!read(fd[k], &n, 8);
		extra = dup(fd[k]);
		check_ok(add(ep, extra, EPOLLIN | EPOLLONESHOT));
		check_ok(epoll_ctl(ep, EPOLL_CTL_DEL, fd[k], NULL));
		check_ok(epoll_ctl(ep, EPOLL_CTL_DEL, extra, NULL));
		check_ok(close(extra));
		if (i % 100 == 99) {
			extra = eventfd(1, 0);
			check_ok(add(ep, extra, EPOLLIN));
			check_ok(close(extra));
		}
	}
	check_equal(pthread_join(t, NULL), 0);
	check_equal(look(ep), 0);
}

static void shown(void)
{
	int ep = epoll_create1(0), p[2];
	char name[64], text[300] = "", want[100];

	check_ok(pipe(p));
	check_ok(add(ep, p[0], EPOLLIN));
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", ep);
	int fd = open(name, O_RDONLY);

	check(read(fd, text, sizeof text - 1) > 0);
	snprintf(want, sizeof want, "tfd: %8d events: %8x data: %16llx", p[0], EPOLLIN | EPOLLERR | EPOLLHUP, 0x1234567800000000ull + p[0]);
	check(strstr(text, want));
	snprintf(name, sizeof name, "/proc/self/fd/%d", ep);
	memset(text, 0, sizeof text);
	check(readlink(name, text, sizeof text - 1) > 0);
	check(!strcmp(text, "anon_inode:[eventpoll]"));
}

static const struct test table[] = {
	{ "arguments", arguments }, { "level", level }, { "edge", edge }, { "one-shot", one_shot },
	{ "close-and-dup", close_and_dup }, { "across-fork", across_fork }, { "nesting", nesting },
	{ "exclusive", exclusive }, { "one-of-many", one_of_many }, { "fair", fair },
	{ "waiting", waiting }, { "races", races }, { "shown", shown }, { NULL, NULL },
};

TEST_MAIN(table)

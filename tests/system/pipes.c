/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes and FIFOs, poll and select, sendfile. */
#include "test.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>

static void basics(void)
{
	int fd[2];
	char buf[16];

	check_ok(pipe(fd));
	check_equal(write(fd[1], "hello", 5), 5);
	check_equal(read(fd[0], buf, 2), 2);
	check_equal(read(fd[0], buf, 16), 3);
	check_errno(write(fd[0], "x", 1), EBADF);
	check_errno(read(fd[1], buf, 1), EBADF);
	check_errno(lseek(fd[0], 0, SEEK_SET), ESPIPE);
	check_errno(pread(fd[0], buf, 1, 0), ESPIPE);
	check_ok(close(fd[1]));
	check_equal(read(fd[0], buf, 1), 0);
	check_errno(pipe2(fd, 1), EINVAL);
	check_errno(pipe((int *)8), EFAULT);
}

static void broken(void)
{
	int fd[2];

	check_ok(pipe(fd));
	check_ok(close(fd[0]));
	signal(SIGPIPE, SIG_IGN);
	check_errno(write(fd[1], "x", 1), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	pid_t pid = fork();

	if (pid == 0) {
		if (write(fd[1], "x", 1))
			_exit(1);
		_exit(0);
	}
	check_equal(WTERMSIG(wait_for(pid)), SIGPIPE);
}

static void full_and_empty(void)
{
	int fd[2], total = 0, n;
	char buf[4096] = "";

	check_ok(pipe2(fd, O_NONBLOCK | O_CLOEXEC));
	check_errno(read(fd[0], buf, 1), EAGAIN);
	while ((n = write(fd[1], buf, sizeof buf)) > 0)
		total += n;
	check_equal(errno, EAGAIN);
	check_equal(total, 65536);
	check_ok(ioctl(fd[0], FIONREAD, &n));
	check_equal(n, 65536);
	check_equal(read(fd[0], buf, sizeof buf), sizeof buf);
	check_equal(write(fd[1], buf, sizeof buf), sizeof buf);
	check(fcntl(fd[0], F_GETFD) & FD_CLOEXEC);
}

static void blocks_until_read(void)
{
	static char big[300000];
	int fd[2], total = 0, n;

	check_ok(pipe(fd));
	pid_t pid = fork();

	if (pid == 0) {
		for (unsigned i = 0; i < sizeof big; i++)
			big[i] = i * 31 + (i >> 9);
		_exit(write(fd[1], big, sizeof big) != sizeof big);
	}
	close(fd[1]);
	sleep_ms(50);
	char buf[1000];

	while ((n = read(fd[0], buf, sizeof buf)) > 0) {
		for (int i = 0; i < n; i++)
			check_equal(buf[i], (char)((total + i) * 31 + ((total + i) >> 9)));
		total += n;
	}
	check_equal(total, sizeof big);
	check_equal(wait_for(pid), 0);
}

static void small_writes_are_atomic(void)
{
	int fd[2];
	char buf[100];

	check_ok(pipe(fd));
	for (int w = 0; w < 4; w++)
		if (fork() == 0) {
			memset(buf, 'a' + w, sizeof buf);
			for (int i = 0; i < 200; i++)
				if (write(fd[1], buf, sizeof buf) != sizeof buf)
					_exit(1);
			_exit(0);
		}
	close(fd[1]);
	for (int i = 0; i < 800; i++) {
		int got = 0, n;

		while (got < 100 && (n = read(fd[0], buf + got, 100 - got)) > 0)
			got += n;
		check_equal(got, 100);
		for (int k = 1; k < 100; k++)
			check_equal(buf[k], buf[0]);
	}
	for (int w = 0; w < 4; w++) {
		int status;

		check(wait(&status) > 0 && status == 0);
	}
}

static void fifo(void)
{
	char buf[8];

	check_ok(mkfifo("fifo", 0600));
	check_errno(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open("fifo", O_WRONLY);

		_exit(write(fd, "through", 7) != 7);
	}
	int fd = open("fifo", O_RDONLY);

	check_ok(fd);
	check_equal(read(fd, buf, 8), 7);
	check_equal(wait_for(pid), 0);
	check_equal(read(fd, buf, 8), 0);
	fd = open("fifo", O_RDONLY | O_NONBLOCK);
	check_ok(fd);
	fd = open("fifo", O_WRONLY | O_NONBLOCK);
	check_ok(fd);
}

static void poll_pipe(void)
{
	int fd[2];
	char buf[4096] = "";

	check_ok(pipe(fd));
	struct pollfd p[2] = { { fd[0], POLLIN, 0 }, { fd[1], POLLOUT, 0 } };

	check_equal(poll(p, 1, 0), 0);
	long long start = now_ms();

	check_equal(poll(p, 1, 80), 0);
	check(now_ms() - start >= 79);
	check_equal(poll(p, 2, -1), 1);
	check_equal(p[1].revents, POLLOUT);
	check_equal(write(fd[1], "x", 1), 1);
	check_equal(poll(p, 2, -1), 2);
	check_equal(p[0].revents, POLLIN);
	check_ok(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	while (write(fd[1], buf, sizeof buf) > 0)
		;
	check_equal(poll(p + 1, 1, 0), 0);
	check_ok(close(fd[1]));
	p[1].fd = -1;
	check_equal(poll(p, 2, 0), 1);
	check_equal(p[0].revents & POLLHUP, POLLHUP);
	check_equal(p[1].revents, 0);
	p[0].fd = 99;
	check_equal(poll(p, 1, 0), 1);
	check_equal(p[0].revents, POLLNVAL);
	check_ok(pipe(fd));
	close(fd[0]);
	p[0] = (struct pollfd){ fd[1], POLLOUT, 0 };
	check_equal(poll(p, 1, 0), 1);
	check(p[0].revents & POLLERR);
}

static void poll_wakes(void)
{
	int fd[2];

	check_ok(pipe(fd));
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(100);
		_exit(write(fd[1], "x", 1) != 1);
	}
	struct pollfd p = { fd[0], POLLIN, 0 };
	long long start = now_ms();

	check_equal(poll(&p, 1, 10000), 1);
	check(now_ms() - start < 5000);
	check_equal(wait_for(pid), 0);
}

static void nothing(int signo)
{
}

static void poll_is_interrupted(void)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct itimerval tv = { { 0, 0 }, { 0, 50000 } };

	check_ok(sigaction(SIGALRM, &sa, 0));
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	check_errno(poll(0, 0, 10000), EINTR);
}

static void ppoll_mask(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	sigset_t block, none;
	struct timespec ts = { 10, 0 };

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	check_ok(sigaction(SIGUSR1, &sa, 0));
	check_ok(sigprocmask(SIG_BLOCK, &block, 0));
	raise(SIGUSR1);
	check_errno(ppoll(0, 0, &ts, &none), EINTR);
}

static void select_sets(void)
{
	int fd[2];
	fd_set in, out;
	struct timeval tv = { 0, 50000 };

	check_ok(pipe(fd));
	FD_ZERO(&in);
	FD_SET(fd[0], &in);
	check_equal(select(fd[0] + 1, &in, 0, 0, &tv), 0);
	check(!FD_ISSET(fd[0], &in));
	FD_SET(fd[0], &in);
	FD_ZERO(&out);
	FD_SET(fd[1], &out);
	check_equal(write(fd[1], "x", 1), 1);
	tv.tv_sec = 5;
	check_equal(select((fd[0] > fd[1] ? fd[0] : fd[1]) + 1, &in, &out, 0, &tv), 2);
	check(FD_ISSET(fd[0], &in) && FD_ISSET(fd[1], &out));
	FD_ZERO(&in);
	FD_SET(30, &in);
	check_errno(select(31, &in, 0, 0, &tv), EBADF);
	check_errno(select(-1, 0, 0, 0, &tv), EINVAL);
	struct timespec ts = { 0, 1000000 };

	check_equal(pselect(0, 0, 0, 0, &ts, 0), 0);
}

static void poll_files_are_ready(void)
{
	int fd = open("file", O_CREAT | O_RDWR, 0600);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	check_equal(poll(&p, 1, 1000), 1);
	check_equal(p.revents, POLLIN | POLLOUT);
}

static void send_file(void)
{
	char buf[32];
	int in = open("in", O_CREAT | O_RDWR, 0600), out = open("out", O_CREAT | O_RDWR, 0600), fd[2];
	off_t at = 3;

	check_equal(write(in, "0123456789", 10), 10);
	check_equal(sendfile(out, in, &at, 100), 7);
	check_equal(at, 10);
	check_equal(pread(out, buf, 32, 0), 7);
	check(!memcmp(buf, "3456789", 7));
	check_equal(lseek(in, 0, SEEK_SET), 0);
	check_ok(pipe(fd));
	check_equal(sendfile(fd[1], in, 0, 4), 4);
	check_equal(read(fd[0], buf, 32), 4);
	check_equal(lseek(in, 0, SEEK_CUR), 4);
}

static void ping_pong(void)
{
	int a[2], b[2];
	int n = 0;

	check_ok(pipe(a));
	check_ok(pipe(b));
	pid_t pid = fork();

	if (pid == 0) {
		while (read(a[0], &n, sizeof n) == sizeof n && n < 1000) {
			n++;
			if (write(b[1], &n, sizeof n) != sizeof n)
				_exit(1);
		}
		_exit(0);
	}
	while (n < 1000) {
		check_equal(write(a[1], &n, sizeof n), sizeof n);
		int before = n;

		check_equal(read(b[0], &n, sizeof n), sizeof n);
		check_equal(n, before + 1);
	}
	check_equal(write(a[1], &n, sizeof n), sizeof n);
	check_equal(wait_for(pid), 0);
}

static const struct test table[] = {
	{ "basics", basics }, { "broken", broken }, { "full-and-empty", full_and_empty },
	{ "blocks-until-read", blocks_until_read }, { "atomic-writes", small_writes_are_atomic }, { "fifo", fifo },
	{ "poll-pipe", poll_pipe }, { "poll-wakes", poll_wakes }, { "poll-interrupted", poll_is_interrupted },
	{ "ppoll-mask", ppoll_mask }, { "select", select_sets }, { "poll-files", poll_files_are_ready },
	{ "sendfile", send_file }, { "ping-pong", ping_pong },
	{ 0 },
};

TEST_MAIN(table)

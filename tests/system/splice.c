/* SPDX-License-Identifier: BSD-2-Clause */
/* splice, tee, vmsplice, sendfile and copy_file_range between files, pipes and sockets. */
#include "test.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BIG 200000

static unsigned char pattern(long at) { return (unsigned char)(at * 7 + at / 251); }

static int big_file(const char *name, long len)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0600);
	unsigned char buf[4096];

	check(fd >= 0);
	for (long at = 0; at < len; at += (long)sizeof buf) {
		int n = len - at < (long)sizeof buf ? (int)(len - at) : (int)sizeof buf;

		for (int i = 0; i < n; i++)
			buf[i] = pattern(at + i);
		check_equal(write(fd, buf, n), n);
	}
	check_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void check_pattern(int fd, long from, long len)
{
	unsigned char buf[4096];

	for (long at = 0; at < len;) {
		ssize_t n = read(fd, buf, sizeof buf);

		check(n > 0);
		for (int i = 0; i < n; i++)
			if (buf[i] != pattern(from + at + i))
				test_fail(__LINE__, "byte %ld differs", from + at + i);
		at += n;
		check(at <= len);
	}
}

static int inside(int fd)
{
	int n = -1;

	check_ok(ioctl(fd, FIONREAD, &n));
	return n;
}

static void file_to_pipe(void)
{
	int in = big_file("in", BIG), fd[2];
	loff_t at = 5;
	ssize_t n;

	check_ok(pipe(fd));
	check_equal(splice(in, &at, fd[1], 0, 3000, 0), 3000);
	check_equal(at, 3005);
	check_equal(lseek(in, 0, SEEK_CUR), 0);
	check_equal(inside(fd[0]), 3000);
	check_pattern(fd[0], 5, 3000);
	/* With the file's own position; no more than the pipe takes comes at once. */
	n = splice(in, 0, fd[1], 0, BIG, SPLICE_F_NONBLOCK);
	check(n > 0 && n <= 65536);
	check_equal(lseek(in, 0, SEEK_CUR), n);
	check_pattern(fd[0], 0, n);
	/* At the end there is nothing. */
	at = BIG;
	check_equal(splice(in, &at, fd[1], 0, 100, 0), 0);
	at = BIG - 10;
	check_equal(splice(in, &at, fd[1], 0, 100, 0), 10);
	check_pattern(fd[0], BIG - 10, 10);
}

static void pipe_to_file(void)
{
	int in = big_file("in", BIG), out = open("out", O_CREAT | O_TRUNC | O_RDWR, 0600), fd[2];
	loff_t at = 100;
	long done = 0;

	check_ok(pipe(fd));
	check_equal(splice(in, 0, fd[1], 0, 5000, 0), 5000);
	check_equal(splice(fd[0], 0, out, &at, 1000, 0), 1000);
	check_equal(at, 1100);
	check_equal(lseek(out, 0, SEEK_CUR), 0);
	check_equal(inside(fd[0]), 4000);
	check_equal(lseek(out, 100, SEEK_SET), 100);
	check_pattern(out, 0, 1000);
	check_equal(splice(fd[0], 0, out, 0, 100000, 0), 4000);
	check_equal(lseek(out, 0, SEEK_CUR), 5100);
	check_equal(lseek(out, 100, SEEK_SET), 100);
	check_pattern(out, 0, 5000);
	/* The whole file through the pipe, as a copying program does. */
	check_ok(ftruncate(out, 0));
	check_equal(lseek(out, 0, SEEK_SET), 0);
	check_equal(lseek(in, 0, SEEK_SET), 0);
	while (done < BIG) {
		ssize_t n = splice(in, 0, fd[1], 0, BIG, 0);

		check(n > 0);
		for (ssize_t left = n; left > 0;) {
			ssize_t m = splice(fd[0], 0, out, 0, (size_t)left, SPLICE_F_MOVE | SPLICE_F_MORE);

			check(m > 0);
			left -= m;
		}
		done += n;
	}
	check_equal(lseek(out, 0, SEEK_SET), 0);
	check_pattern(out, 0, BIG);
}

static void through_sockets(void)
{
	int in = big_file("in", 50000), a[2], b[2], fd[2];
	pid_t pid;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	check_ok(pipe(fd));
	pid = fork();
	if (pid == 0) {
		check_equal(sendfile(a[0], in, 0, 50000), 50000);
		_exit(0);
	}
	close(a[0]);
	if (fork() == 0) {
		ssize_t n;

		while ((n = splice(a[1], 0, fd[1], 0, 65536, 0)) > 0)
			while (n > 0)
				n -= splice(fd[0], 0, b[0], 0, (size_t)n, 0);
		_exit(n < 0);
	}
	check_pattern(b[1], 0, 50000);
	check_equal(wait_for(pid), 0);
	close(a[1]);
	close(fd[1]);
}

static void empty_and_full(void)
{
	int in = big_file("in", BIG), out = open("out", O_CREAT | O_TRUNC | O_RDWR, 0600), fd[2], s[2];

	check_ok(pipe(fd));
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_errno(splice(fd[0], 0, out, 0, 10, SPLICE_F_NONBLOCK), EAGAIN);
	while (splice(in, 0, fd[1], 0, 65536, SPLICE_F_NONBLOCK) > 0)
		;
	check_equal(errno, EAGAIN);
	check_errno(splice(in, 0, fd[1], 0, 10, SPLICE_F_NONBLOCK), EAGAIN);
	check_ok(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	check_errno(splice(in, 0, fd[1], 0, 10, 0), EAGAIN);
	check_errno(splice(s[0], 0, fd[1], 0, 10, SPLICE_F_NONBLOCK), EAGAIN);
	check_ok(fcntl(s[0], F_SETFL, O_NONBLOCK));
	while (splice(fd[0], 0, s[0], 0, 65536, SPLICE_F_NONBLOCK) > 0)
		;
	check(inside(fd[0]) == 0 || errno == EAGAIN);
	close(fd[1]);
	while (splice(fd[0], 0, out, 0, 65536, 0) > 0)
		;
	check_equal(splice(fd[0], 0, out, 0, 10, 0), 0);
}

static void nobody_reads(void)
{
	int in = big_file("in", 100), fd[2];

	signal(SIGPIPE, SIG_IGN);
	check_ok(pipe(fd));
	close(fd[0]);
	check_errno(splice(in, 0, fd[1], 0, 10, 0), EPIPE);
	check_equal(lseek(in, 0, SEEK_CUR), 0);
}

static void waits(void)
{
	int out = open("out", O_CREAT | O_TRUNC | O_RDWR, 0600), fd[2];
	pid_t pid;

	check_ok(pipe(fd));
	pid = fork();
	if (pid == 0) {
		close(fd[1]);
		check_equal(splice(fd[0], 0, out, 0, 100, 0), 5);
		check_equal(splice(fd[0], 0, out, 0, 100, 0), 0);
		_exit(0);
	}
	sleep_ms(50);
	check_equal(write(fd[1], "hello", 5), 5);
	sleep_ms(50);
	close(fd[1]);
	check_equal(wait_for(pid), 0);
	check_equal(lseek(out, 0, SEEK_END), 5);
}

static void wrong_arguments(void)
{
	int in = big_file("in", 100), out = open("out", O_CREAT | O_TRUNC | O_RDWR, 0600), fd[2], other[2];
	int append = open("out", O_WRONLY | O_APPEND), dir = open(".", O_RDONLY | O_DIRECTORY);
	loff_t at = 0, bad = -1;

	check_ok(pipe(fd));
	check_ok(pipe(other));
	check_errno(splice(in, 0, out, 0, 10, 0), EINVAL);
	check_equal(splice(in, 0, out, 0, 0, 0), 0);
	check_errno(splice(in, 0, fd[1], 0, 10, 0x100), EINVAL);
	check_errno(splice(in, 0, fd[1], &at, 10, 0), ESPIPE);
	check_errno(splice(fd[0], &at, out, 0, 10, 0), ESPIPE);
	check_errno(splice(fd[0], 0, other[1], &at, 10, 0), ESPIPE);
	check_errno(splice(fd[0], 0, fd[1], 0, 10, 0), EINVAL);
	check_errno(splice(in, 0, fd[0], 0, 10, 0), EBADF);
	check_errno(splice(fd[1], 0, out, 0, 10, 0), EBADF);
	check_errno(splice(-1, 0, fd[1], 0, 10, 0), EBADF);
	check_errno(splice(in, 0, 77, 0, 10, 0), EBADF);
	check_equal(write(fd[1], "x", 1), 1);
	check_errno(splice(fd[0], 0, append, 0, 10, 0), EINVAL);
	check_errno(splice(fd[0], 0, out, (loff_t *)1, 10, 0), EFAULT);
	check_errno(splice(fd[0], 0, out, &bad, 10, 0), EINVAL);
	check_errno(splice(dir, 0, fd[1], 0, 10, 0), EINVAL);
	check_errno(tee(in, fd[1], 10, 0), EINVAL);
	check_errno(tee(fd[0], fd[1], 10, 0), EINVAL);
	check_errno(tee(fd[0], other[1], 10, 0x100), EINVAL);
	check_equal(inside(fd[0]), 1);
}

static void pipe_to_pipe(void)
{
	int in = big_file("in", BIG), a[2], b[2];
	ssize_t n;

	check_ok(pipe(a));
	check_ok(pipe(b));
	check_equal(splice(in, 0, a[1], 0, 10000, 0), 10000);
	check_equal(splice(a[0], 0, b[1], 0, 3000, 0), 3000);
	check_equal(inside(a[0]), 7000);
	check_equal(inside(b[0]), 3000);
	n = splice(a[0], 0, b[1], 0, 100000, SPLICE_F_NONBLOCK);
	check_equal(n, 7000);
	check_pattern(b[0], 0, 10000);
	check_errno(splice(a[0], 0, b[1], 0, 10, SPLICE_F_NONBLOCK), EAGAIN);
	close(a[1]);
	check_equal(splice(a[0], 0, b[1], 0, 10, 0), 0);
}

static void tees(void)
{
	int in = big_file("in", BIG), a[2], b[2];

	check_ok(pipe(a));
	check_ok(pipe(b));
	check_errno(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK), EAGAIN);
	check_equal(splice(in, 0, a[1], 0, 10000, 0), 10000);
	check_equal(tee(a[0], b[1], 4000, 0), 4000);
	check_equal(inside(a[0]), 10000);
	check_pattern(b[0], 0, 4000);
	/* Always from the beginning of what is there. */
	check_equal(tee(a[0], b[1], 100000, 0), 10000);
	check_pattern(b[0], 0, 10000);
	check_pattern(a[0], 0, 10000);
	close(a[1]);
	check_equal(tee(a[0], b[1], 10, 0), 0);
	check_equal(tee(a[0], b[1], 0, 0), 0);
}

static void vmsplices(void)
{
	static char buf[300000] __attribute__((aligned(4096))), back[1000];
	struct iovec iov[2] = { { "hello ", 6 }, { "world", 5 } }, out = { back, sizeof back };
	int fd[2], file = open("f", O_CREAT | O_RDWR, 0600);
	ssize_t n;

	check_ok(pipe(fd));
	check_equal(vmsplice(fd[1], iov, 2, 0), 11);
	check_equal(inside(fd[0]), 11);
	check_equal(vmsplice(fd[0], &out, 1, 0), 11);
	check(!memcmp(back, "hello world", 11));
	check_errno(vmsplice(file, iov, 2, 0), EBADF);
	check_errno(vmsplice(fd[1], iov, 2, 0x100), EINVAL);
	check_errno(vmsplice(fd[1], iov, 2000, 0), EINVAL);
	check_equal(vmsplice(fd[1], iov, 0, 0), 0);
	/* As much as fits, then EAGAIN. */
	iov[0] = (struct iovec){ buf, sizeof buf };
	n = vmsplice(fd[1], iov, 1, SPLICE_F_NONBLOCK);
	check_equal(n, 65536);
	check_errno(vmsplice(fd[1], iov, 1, SPLICE_F_NONBLOCK), EAGAIN);
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	check_errno(vmsplice(fd[1], iov, 1, 0), EPIPE);
}

/* Two drain one pipe while one fills it by splice and one by write: nothing lost, nothing twice. */
static void together(void)
{
	int fd[2], out[2], in = big_file("in", BIG);
	pid_t pids[4];
	char piece[1000] = { 0 };

	check_ok(pipe(fd));
	for (int i = 0; i < 2; i++) {
		out[i] = open(i ? "o1" : "o0", O_CREAT | O_TRUNC | O_RDWR, 0600);
		pids[i] = fork();
		if (pids[i] == 0) {
			ssize_t n;

			close(fd[1]);
			while ((n = splice(fd[0], 0, out[i], 0, 5000, 0)) > 0)
				;
			_exit(n < 0);
		}
	}
	pids[2] = fork();
	if (pids[2] == 0) {
		for (long done = 0; done < BIG;) {
			ssize_t n = splice(in, 0, fd[1], 0, 7000, 0);

			check(n > 0);
			done += n;
		}
		_exit(0);
	}
	pids[3] = fork();
	if (pids[3] == 0) {
		for (int i = 0; i < 100; i++)
			check_equal(write(fd[1], piece, sizeof piece), sizeof piece);
		_exit(0);
	}
	close(fd[1]);
	for (int i = 0; i < 4; i++)
		check_equal(wait_for(pids[i]), 0);
	check_equal(lseek(out[0], 0, SEEK_END) + lseek(out[1], 0, SEEK_END), BIG + 100000);
}

static void sendfile_rules(void)
{
	int in = big_file("in", BIG), out = open("out", O_CREAT | O_TRUNC | O_RDWR | O_APPEND, 0600), s[2], fd[2];
	off_t at = 10;
	pid_t pid;

	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_ok(pipe(fd));
	check_errno(sendfile(out, in, 0, 10), EINVAL);
	check_errno(sendfile(s[0], s[1], 0, 10), EINVAL);
	check_errno(sendfile(s[0], -1, 0, 10), EBADF);
	check_errno(sendfile(in, fd[1], 0, 10), EBADF);
	pid = fork();
	if (pid == 0) {
		check_pattern(s[1], 10, BIG - 10);
		_exit(0);
	}
	check_equal(sendfile(s[0], in, &at, BIG * 2), BIG - 10);
	check_equal(at, BIG);
	check_equal(wait_for(pid), 0);
	/* A socket that does not wait takes what fits. */
	check_ok(fcntl(s[0], F_SETFL, O_NONBLOCK));
	at = 0;
	while (sendfile(s[0], in, &at, BIG) > 0)
		if (at == BIG)
			at = 0;
	check_equal(errno, EAGAIN);
}

static void copy_range(void)
{
	int in = big_file("in", 10000), out = open("out", O_CREAT | O_TRUNC | O_RDWR, 0600), fd[2];
	int append = open("out", O_WRONLY | O_APPEND), proc = open("/proc/self/status", O_RDONLY);
	loff_t from = 100, to = 50;

	check_ok(pipe(fd));
	check_equal(copy_file_range(in, &from, out, &to, 1000, 0), 1000);
	check_equal(from, 1100);
	check_equal(to, 1050);
	check_equal(lseek(out, 50, SEEK_SET), 50);
	check_pattern(out, 100, 1000);
	/* Within one file, if the ranges lie apart. */
	from = 0;
	to = 20000;
	check_equal(copy_file_range(in, &from, in, &to, 5000, 0), 5000);
	check_equal(lseek(in, 20000, SEEK_SET), 20000);
	check_pattern(in, 0, 5000);
	from = 0;
	to = 4999;
	check_errno(copy_file_range(in, &from, in, &to, 5000, 0), EINVAL);
	from = 100000;
	check_equal(copy_file_range(in, &from, out, 0, 10, 0), 0);
	check_errno(copy_file_range(in, 0, out, 0, 10, 1), EINVAL);
	check_errno(copy_file_range(in, 0, append, 0, 10, 0), EBADF);
	check_errno(copy_file_range(in, 0, fd[1], 0, 10, 0), EINVAL);
	check_errno(copy_file_range(proc, 0, out, 0, 10, 0), EXDEV);
}

static const struct test table[] = {
	{ "file-to-pipe", file_to_pipe }, { "pipe-to-file", pipe_to_file }, { "through-sockets", through_sockets },
	{ "empty-and-full", empty_and_full }, { "nobody-reads", nobody_reads }, { "waits", waits },
	{ "wrong-arguments", wrong_arguments }, { "pipe-to-pipe", pipe_to_pipe }, { "tee", tees },
	{ "vmsplice", vmsplices }, { "together", together }, { "sendfile", sendfile_rules },
	{ "copy-file-range", copy_range },
	{ 0 },
};

TEST_MAIN(table)

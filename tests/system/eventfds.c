/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd and signalfd. */
#include "test.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

static short ready(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static void counter(void)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t v = 4;

	check_errno(eventfd(0, 2), EINVAL);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_equal(ready(fd), POLLIN | POLLOUT);
	check_equal(write(fd, &v, 8), 8);
	check_equal(read(fd, &v, 8), 8);
	check_equal(v, 7);
	check_errno(read(fd, &v, 8), EAGAIN);
	check_equal(ready(fd), POLLOUT);
	check_errno(read(fd, &v, 7), EINVAL);
	check_errno(write(fd, &v, 7), EINVAL);
	v = -1;
	check_errno(write(fd, &v, 8), EINVAL);
	v = -2;
	check_equal(write(fd, &v, 8), 8);
	check_equal(ready(fd), POLLIN);
	v = 1;
	check_errno(write(fd, &v, 8), EAGAIN);
	v = 0;
	check_equal(write(fd, &v, 8), 8);
	check_errno(write(fd, (void *)8, 8), EFAULT);
	check_equal(read(fd, &v, 8), 8);
	check(v == -2ull);
	v = 0;
	check_equal(write(fd, &v, 8), 8);
	check_errno(read(fd, &v, 8), EAGAIN);
}

static void semaphore(void)
{
	int fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
	uint64_t v;

	for (int i = 0; i < 2; i++) {
		check_equal(read(fd, &v, 8), 8);
		check_equal(v, 1);
	}
	check_errno(read(fd, &v, 8), EAGAIN);
}

static void *take_one(void *arg)
{
	uint64_t v;

	return (void *)(long)(read(*(int *)arg, &v, 8) == 8);
}

static void blocking(void)
{
	int fd = eventfd(0, EFD_SEMAPHORE);
	uint64_t v = 3;
	pthread_t t[3];
	void *r;

	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&t[i], NULL, take_one, &fd), 0);
	sleep_ms(50);
	check_equal(write(fd, &v, 8), 8);
	for (int i = 0; i < 3; i++) {
		check_equal(pthread_join(t[i], &r), 0);
		check_equal((long)r, 1);
	}
	fd = eventfd(0, 0);
	v = -2;
	check_equal(write(fd, &v, 8), 8);
	check_equal(pthread_create(&t[0], NULL, take_one, &fd), 0);
	v = 5;
	check_equal(write(fd, &v, 8), 8);	/* waits for the reader */
	check_equal(pthread_join(t[0], &r), 0);
	check_equal(read(fd, &v, 8), 8);
	check_equal(v, 5);
}

static int signal_fd(int sig, int flags)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, flags);
}

static void signals(void)
{
	int fd = signal_fd(SIGUSR1, SFD_NONBLOCK | SFD_CLOEXEC);
	struct signalfd_siginfo i[3];
	union sigval value = { .sival_int = 77 };
	sigset_t set;

	check(fd >= 0);
	check_equal(ready(fd), 0);
	check_errno(read(fd, i, sizeof i), EAGAIN);
	check_errno(read(fd, i, 127), EINVAL);
	check_ok(kill(getpid(), SIGUSR1));
	check_equal(ready(fd), POLLIN);
	check_equal(read(fd, i, sizeof i), 128);
	check_equal(i[0].ssi_signo, SIGUSR1);
	check_equal(i[0].ssi_pid, getpid());
	check_equal(i[0].ssi_code, SI_USER);
	check_equal(ready(fd), 0);
	/* Another mask, real-time signals queue. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	check_equal(signalfd(fd, &set, 0), fd);
	check_ok(sigqueue(getpid(), SIGRTMIN, value));
	value.sival_int = 78;
	check_ok(sigqueue(getpid(), SIGRTMIN, value));
	check_ok(kill(getpid(), SIGUSR1));
	check_equal(read(fd, i, sizeof i), 256);
	check_equal(i[0].ssi_int, 77);
	check_equal(i[1].ssi_int, 78);
	check_equal(i[1].ssi_code, SI_QUEUE);
	sigpending(&set);
	check(sigismember(&set, SIGUSR1));
	check_errno(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	check_errno(syscall(SYS_signalfd4, -1, (void *)8, 8, 0), EFAULT);
	check_errno(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
	check_errno(syscall(SYS_signalfd4, 0, &set, 8, 0), EINVAL);
	check_errno(syscall(SYS_signalfd4, 1234, &set, 8, 0), EBADF);
}

static void signal_waits(void)
{
	int fd = signal_fd(SIGCHLD, 0);
	struct pollfd p = { fd, POLLIN, 0 };
	struct signalfd_siginfo i;
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(50);
		_exit(9);
	}
	check_equal(poll(&p, 1, 5000), 1);
	check_equal(read(fd, &i, sizeof i), 128);
	check_equal(i.ssi_signo, SIGCHLD);
	check_equal(i.ssi_code, CLD_EXITED);
	check_equal(i.ssi_pid, pid);
	check_equal(i.ssi_status, 9);
	check_equal(WEXITSTATUS(wait_for(pid)), 9);
	pid = fork();
	if (pid == 0) {
		sleep_ms(50);
		kill(getppid(), SIGCHLD);
		sleep_ms(5000);
		_exit(0);
	}
	check_equal(read(fd, &i, sizeof i), 128);
	check_equal(i.ssi_code, SI_USER);
	check_equal(i.ssi_pid, pid);
	/* Who reads an inherited descriptor sees its own signals. */
	if (fork() == 0) {
		raise(SIGCHLD);
		_exit(read(fd, &i, sizeof i) != 128 || (pid_t)i.ssi_pid != getpid());
	}
	int status;

	check(waitpid(-1, &status, 0) > 0);
	check_equal(status, 0);
}

static const struct test table[] = {
	{ "counter", counter }, { "semaphore", semaphore }, { "blocking", blocking },
	{ "signals", signals }, { "signal-waits", signal_waits }, { NULL, NULL },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues: order, limits, waiting, notification, rights, bad calls. */
#include "test.h"
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

static mqd_t make(const char *name, long maxmsg, long size)
{
	struct mq_attr a = { .mq_maxmsg = maxmsg, .mq_msgsize = size };
	mqd_t q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a);

	check(q != (mqd_t)-1);
	return q;
}

static struct timespec later(long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void order(void)
{
	mqd_t q = make("/order", 8, 16);
	struct mq_attr a;
	char text[16];
	unsigned priority;

	check_equal(fcntl(q, F_GETFD), FD_CLOEXEC);
	check_ok(mq_send(q, "low", 4, 1));
	check_ok(mq_send(q, "high", 5, 9));
	check_ok(mq_send(q, "low two", 8, 1));
	check_ok(mq_send(q, "high two", 9, 9));
	check_ok(mq_send(q, "", 0, 32767));
	check_ok(mq_getattr(q, &a));
	check(a.mq_curmsgs == 5 && a.mq_maxmsg == 8 && a.mq_msgsize == 16 && a.mq_flags == 0);
	check_equal(mq_receive(q, text, 16, &priority), 0);
	check_equal(priority, 32767);
	check_equal(mq_receive(q, text, 16, &priority), 5);
	check(!strcmp(text, "high") && priority == 9);
	check_equal(mq_receive(q, text, 16, 0), 9);
	check(!strcmp(text, "high two"));
	check_equal(mq_receive(q, text, 16, 0), 4);
	check_equal(mq_receive(q, text, 16, 0), 8);
	check(!strcmp(text, "low two"));
	check_ok(mq_unlink("/order"));
	check_ok(mq_send(q, "still", 6, 0));		/* lives until it is closed */
	check_errno((long)mq_open("/order", O_RDWR), ENOENT);
	check_ok(mq_close(q));
}

static void limits(void)
{
	mqd_t q = make("/limits", 2, 10), r;
	struct timespec ts = later(40);
	struct mq_attr a = { .mq_flags = O_NONBLOCK }, old;
	char text[10];
	long long start = now_ms();

	check_errno(mq_send(q, "0123456789a", 11, 0), EMSGSIZE);
	check_errno(mq_receive(q, text, 9, 0), EMSGSIZE);
	check_errno(mq_send(q, "a", 1, 32768), EINVAL);
	check_errno(mq_timedreceive(q, text, 10, 0, &ts), ETIMEDOUT);
	check(now_ms() - start >= 39);
	check_ok(mq_send(q, "a", 1, 0));
	check_ok(mq_send(q, "b", 1, 0));
	ts = later(40);
	check_errno(mq_timedsend(q, "c", 1, 0, &ts), ETIMEDOUT);
	ts.tv_nsec = -1;
	check_errno(mq_timedsend(q, "c", 1, 0, &ts), EINVAL);
	check_ok(mq_setattr(q, &a, &old));
	check_equal(old.mq_flags, 0);
	check_errno(mq_send(q, "c", 1, 0), EAGAIN);
	check_equal(fcntl(q, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	a.mq_flags = O_APPEND;
	check_errno(mq_setattr(q, &a, 0), EINVAL);
	check((r = mq_open("/limits", O_RDONLY | O_NONBLOCK)) >= 0);
	check_errno(mq_send(r, "c", 1, 0), EBADF);
	check_equal(mq_receive(r, text, 10, 0), 1);
	check_equal(mq_receive(r, text, 10, 0), 1);
	check_errno(mq_receive(r, text, 10, 0), EAGAIN);
	check_errno((long)mq_open("/limits", O_CREAT | O_EXCL | O_RDWR, 0600, 0), EEXIST);
	check_errno(mq_send(0, "c", 1, 0), EBADF);
	check_errno(syscall(SYS_mq_timedsend, q, (void *)8, 5, 0, 0), EFAULT);
	check_errno(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, 0), EACCES);
	check_errno(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, 0), ENOENT);
	check_errno((long)mq_open("/none", O_RDWR), ENOENT);
	check_errno(mq_unlink("/none"), ENOENT);
	a = (struct mq_attr){ .mq_maxmsg = 0, .mq_msgsize = 1 };
	check_errno((long)mq_open("/none", O_CREAT | O_RDWR, 0600, &a), EINVAL);
	a = (struct mq_attr){ .mq_maxmsg = 100000, .mq_msgsize = 1 };
	check_errno((long)mq_open("/none", O_CREAT | O_RDWR, 0600, &a), EINVAL);
	check_ok(mq_unlink("/limits"));
}

static mqd_t shared;
static void *sends(void *arg)
{
	for (int i = 0; i < 300; i++)
		if (mq_send(shared, "x", 1, i & 3))
			return (void *)(long)errno;
	return 0;
}

static void *receives(void *arg)
{
	char c[8];

	for (int i = 0; i < 300; i++)
		if (mq_receive(shared, c, 8, 0) != 1)
			return (void *)(long)errno;
	return 0;
}

static void many(void)
{
	pthread_t t[6];
	void *why;

	shared = make("/many", 4, 8);
	for (int i = 0; i < 6; i++)
		check_equal(pthread_create(&t[i], 0, i & 1 ? sends : receives, 0), 0);
	for (int i = 0; i < 6; i++) {
		pthread_join(t[i], &why);
		check_equal((long)why, 0);
	}
	check_ok(mq_unlink("/many"));
}

static void polled(void)
{
	mqd_t q = make("/polled", 1, 8);
	struct pollfd p = { q, POLLIN | POLLOUT, 0 };
	char c[8];

	check_equal(poll(&p, 1, 0), 1);
	check_equal(p.revents, POLLOUT);
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(50);
		_exit(mq_send(q, "x", 1, 0) ? 1 : 0);
	}
	p.events = POLLIN;
	check_equal(poll(&p, 1, 5000), 1);
	p.events = POLLOUT;
	check_equal(poll(&p, 1, 0), 0);
	check_equal(mq_receive(q, c, 8, 0), 1);
	check_equal(wait_for(pid), 0);
	check_ok(mq_unlink("/polled"));
}

static volatile int caught, code, value;
static volatile pid_t sender;
static void on_info(int sig, siginfo_t *info, void *context)
{
	code = info->si_code;
	value = info->si_value.sival_int;
	sender = info->si_pid;
	caught++;
}

static void notified(void)
{
	mqd_t q = make("/notified", 4, 8);
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	char c[8];
	pid_t pid;

	e.sigev_value.sival_int = 42;
	check_ok(sigaction(SIGUSR1, &sa, 0));
	check_ok(mq_notify(q, &e));
	check_errno(mq_notify(q, &e), EBUSY);
	pid = fork();
	if (pid == 0)
		_exit(mq_notify(q, &e) == -1 && errno == EBUSY && !mq_send(q, "x", 1, 0) ? 0 : 1);
	check_equal(wait_for(pid), 0);
	check_equal(caught, 1);
	check_equal(code, SI_MESGQ);
	check_equal(value, 42);
	check_equal(sender, pid);
	check_ok(mq_send(q, "y", 1, 0));
	check_equal(caught, 1);			/* once, and for an empty queue */
	check_ok(mq_notify(q, &e));
	check_ok(mq_notify(q, 0));
	check_equal(mq_receive(q, c, 8, 0), 1);
	check_equal(mq_receive(q, c, 8, 0), 1);
	check_ok(mq_send(q, "z", 1, 0));
	check_equal(caught, 1);
	e.sigev_signo = 100;
	check_errno(mq_notify(q, &e), EINVAL);
	e.sigev_notify = 77;
	check_errno(mq_notify(q, &e), EINVAL);
	check_ok(mq_unlink("/notified"));
}

static void rights(void)
{
	mqd_t q = make("/rights", 4, 8);
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(setgid(65534));
		check_ok(setuid(65534));
		check_errno((long)mq_open("/rights", O_RDONLY), EACCES);
		check_errno((long)mq_unlink("/rights"), EACCES);
		struct mq_attr a = { .mq_maxmsg = 11, .mq_msgsize = 8 };

		check_errno((long)mq_open("/big", O_CREAT | O_RDWR, 0600, &a), EINVAL);
		for (int i = 0; i < 100; i++) {
			char name[20];

			snprintf(name, sizeof name, "/fill%d", i);
			if (mq_open(name, O_CREAT | O_RDWR, 0600, 0) == (mqd_t)-1) {
				check_equal(errno, EMFILE);	/* RLIMIT_MSGQUEUE */
				check(i >= 5);
				for (int k = 0; k < i; k++) {
					snprintf(name, sizeof name, "/fill%d", k);
					check_ok(mq_unlink(name));
				}
				_exit(0);
			}
		}
		_exit(1);
	}
	check_equal(wait_for(pid), 0);
	check_ok(mq_unlink("/rights"));
	check_ok(mq_close(q));
}

static const struct test table[] = {
	{ "order", order }, { "limits", limits }, { "many", many }, { "polled", polled }, { "notified", notified },
	{ "rights", rights }, { 0 },
};

TEST_MAIN(table)

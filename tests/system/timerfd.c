/* SPDX-License-Identifier: BSD-2-Clause */
/* timerfd: expirations, periods, settings, cancelling when the clock is set, waiting in every way, bad calls. */
#include "test.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#define MS 1000000ll
#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static struct timespec ts_of(long long n)
{
	return (struct timespec){ n / 1000000000, n % 1000000000 };
}

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	check_ok(clock_gettime(id, &ts));
	return ns(&ts);
}

static int make(clockid_t clock, int flags)
{
	int fd = timerfd_create(clock, flags);

	check(fd >= 0);
	return fd;
}

static void set(int fd, int flags, long long value, long long interval)
{
	struct itimerspec v = { ts_of(interval), ts_of(value) };

	check_ok(timerfd_settime(fd, flags, &v, 0));
}

static long long expirations(int fd)
{
	uint64_t n;
	long got = read(fd, &n, sizeof n);

	return got == sizeof n ? (long long)n : -1;
}

static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM,
				    CLOCK_BOOTTIME_ALARM };

static void one_shot(void)
{
	for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		int fd = make(clocks[i], 0);
		struct itimerspec v;
		/* Linux shows the alarm clocks only where hardware can wake the machine. */
		clockid_t shown = clocks[i] == CLOCK_REALTIME_ALARM ? CLOCK_REALTIME : clocks[i] == CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME : clocks[i];
		long long start = clock_ns(shown);

		set(fd, 0, 10 * MS, 0);
		check_ok(timerfd_gettime(fd, &v));
		check(ns(&v.it_value) > 0 && ns(&v.it_value) <= 10 * MS);
		check_equal(expirations(fd), 1);
		check(clock_ns(shown) - start >= 10 * MS);
		check_ok(timerfd_gettime(fd, &v));
		check_equal(ns(&v.it_value), 0);
		start = clock_ns(shown);
		set(fd, TFD_TIMER_ABSTIME, start + 10 * MS, 0);
		check_equal(expirations(fd), 1);
		check(clock_ns(shown) >= start + 10 * MS);
		set(fd, TFD_TIMER_ABSTIME, 1, 0);		/* long past */
		check_equal(expirations(fd), 1);
		check_ok(close(fd));
	}
}

static void periodic(void)
{
	int fd = make(CLOCK_MONOTONIC, TFD_NONBLOCK);
	long long start = clock_ns(CLOCK_MONOTONIC), total = 0, passed;
	struct itimerspec v, old;

	check_errno(expirations(fd), EAGAIN);
	set(fd, 0, 5 * MS, 5 * MS);
	sleep_ms(52);
	total = expirations(fd);
	passed = clock_ns(CLOCK_MONOTONIC) - start;
	check(total >= 10 && total <= passed / (5 * MS));
	for (int i = 0; i < 5; i++) {
		sleep_ms(7);
		total += expirations(fd) > 0 ? 1 : 0;
	}
	check_ok(timerfd_gettime(fd, &v));
	check_equal(ns(&v.it_interval), 5 * MS);
	check(ns(&v.it_value) > 0 && ns(&v.it_value) <= 5 * MS);
	v = (struct itimerspec){ { 0, 0 }, { 100, 0 } };
	check_ok(timerfd_settime(fd, 0, &v, &old));
	check_equal(ns(&old.it_interval), 5 * MS);
	check_errno(expirations(fd), EAGAIN);		/* setting forgets */
	set(fd, 0, 0, 0);
	check_ok(timerfd_gettime(fd, &v));
	check_equal(ns(&v.it_value), 0);
	check_equal(ns(&v.it_interval), 0);
}

/* The shortest period there is: the machine lives on. */
static void one_nanosecond(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	long long start = now_ms();

	set(fd, 0, 1, 1);
	for (int i = 0; i < 50; i++)
		check(expirations(fd) >= 1);
	sleep_ms(5);
	check(expirations(fd) >= 5000000);
	check(now_ms() - start < 15000);
}

static void ways_of_waiting(void)
{
	int fd = make(CLOCK_MONOTONIC, 0), ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET }, got;
	struct pollfd p = { fd, POLLIN, 0 };
	fd_set r;

	check_equal(poll(&p, 1, 0), 0);
	set(fd, 0, 10 * MS, 10 * MS);
	check_equal(poll(&p, 1, 2000), 1);
	check_equal(p.revents, POLLIN);
	FD_ZERO(&r);
	FD_SET(fd, &r);
	check_equal(select(fd + 1, &r, 0, 0, 0), 1);
	check(expirations(fd) >= 1);
	check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	for (int i = 0; i < 3; i++) {
		check_equal(epoll_wait(ep, &got, 1, 2000), 1);
		check_equal(got.events, EPOLLIN);
		check(expirations(fd) >= 1);
	}
	set(fd, 0, 0, 0);
	check_equal(epoll_wait(ep, &got, 1, 20), 0);
}

static volatile int caught;
static void on_signal(int sig)
{
	caught++;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval v = { { 0, 0 }, { 0, 20000 } };
	int fd = make(CLOCK_MONOTONIC, 0);

	check_ok(sigaction(SIGALRM, &sa, 0));
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	check_errno(expirations(fd), EINTR);		/* not armed: for ever */
	check_equal(caught, 1);
	sa.sa_flags = SA_RESTART;
	check_ok(sigaction(SIGALRM, &sa, 0));
	set(fd, 0, 60 * MS, 0);
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	check_equal(expirations(fd), 1);
	check_equal(caught, 2);
}

static void set_wall(long long n)
{
	struct timespec ts = ts_of(n);

	check_ok(clock_settime(CLOCK_REALTIME, &ts));
}

static void cancelled_when_set(void)
{
	int fd = make(CLOCK_REALTIME, 0), other = make(CLOCK_REALTIME, TFD_NONBLOCK), mono = make(CLOCK_MONOTONIC, TFD_NONBLOCK);
	long long wall = clock_ns(CLOCK_REALTIME), start = clock_ns(CLOCK_MONOTONIC);
	struct pollfd p = { fd, POLLIN, 0 };
	struct itimerspec v = { { 0, 0 }, ts_of(wall + 1000000 * MS) };

	set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, wall + 1000000 * MS, 0);
	set(other, TFD_TIMER_ABSTIME, wall + 1000000 * MS, 0);
	set(mono, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, start + 1000000 * MS, 0);
	check_equal(poll(&p, 1, 10), 0);
	set_wall(wall + 5000 * MS);
	check_equal(poll(&p, 1, 1000), 1);
	check_errno(expirations(fd), ECANCELED);
	check_equal(poll(&p, 1, 0), 0);			/* told once */
	check_errno(expirations(other), EAGAIN);
	check_errno(expirations(mono), EAGAIN);
	/* The clock was set since the timer was: settime says so, and arms it. */
	set_wall(wall + 9000 * MS);
	check_errno(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &v, 0), ECANCELED);
	check_equal(poll(&p, 1, 0), 0);
	check_ok(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &v, 0));
	/* A timer follows the clock: set past its time it expires. */
	wall = clock_ns(CLOCK_REALTIME);
	set(fd, TFD_TIMER_ABSTIME, wall + 100000 * MS, 0);
	set_wall(wall + 200000 * MS);
	check_equal(poll(&p, 1, 2000), 1);
	check_equal(expirations(fd), 1);
	set_wall(wall + clock_ns(CLOCK_MONOTONIC) - start);
}

static void *resets(void *arg)
{
	for (int i = 0; i < 2000; i++)
		set(*(int *)arg, 0, i % 3 ? MS / 10 : 0, i % 2 ? MS / 20 : 0);
	return 0;
}

/* Set, read and closed by several threads at once. */
static void storm(void)
{
	int fd = make(CLOCK_MONOTONIC, TFD_NONBLOCK);
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&t[i], 0, resets, &fd), 0);
	for (int i = 0; i < 2000; i++) {
		long long n = expirations(fd);

		check(n > 0 || errno == EAGAIN);
		if (i % 10 == 0) {
			int d = make(CLOCK_REALTIME, 0);

			set(d, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, clock_ns(CLOCK_REALTIME) + MS / 20, 1);
			check_ok(close(d));
		}
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	check_ok(close(fd));
}

static void *blocked_reader(void *arg)
{
	return (void *)(long)expirations(*(int *)arg);
}

/* The file outlives its descriptor while a read is under way. */
static void closed_under_reader(void)
{
	int fd = make(CLOCK_MONOTONIC, 0), copy = fd;
	pthread_t t;
	void *n;

	set(fd, 0, 80 * MS, 0);
	check_equal(pthread_create(&t, 0, blocked_reader, &copy), 0);
	sleep_ms(30);
	check_ok(close(fd));
	pthread_join(t, &n);
	check_equal((long)n, 1);
}

static void passed_on(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	pid_t pid;

	set(fd, 0, 20 * MS, 0);
	pid = fork();
	if (pid == 0)
		_exit(expirations(fd) == 1 ? 0 : 1);
	check_equal(wait_for(pid), 0);
	check_equal(fcntl(make(CLOCK_MONOTONIC, TFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
	check_equal(fcntl(make(CLOCK_MONOTONIC, TFD_NONBLOCK), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

static void fdinfo(void)
{
	int fd = make(CLOCK_BOOTTIME, 0), info;
	char path[60], text[600] = "";

	set(fd, TFD_TIMER_ABSTIME, clock_ns(CLOCK_BOOTTIME) + 500000 * MS, 3000 * MS);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	check((info = open(path, O_RDONLY)) >= 0);
	check(read(info, text, sizeof text - 1) > 0);
	check(strstr(text, "clockid: 7\n"));
	check(strstr(text, "ticks: 0\n"));
	check(strstr(text, "settime flags: 01\n"));
	check(strstr(text, "it_value: (499, "));
	check(strstr(text, "it_interval: (3, 0)\n"));
}

static void bad_calls(void)
{
	int fd = make(CLOCK_MONOTONIC, 0), event = eventfd(0, 0);
	struct itimerspec v = { { 0, 0 }, { 1, 0 } };
	uint64_t n = 0;

	check_errno(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	check_errno(timerfd_create(CLOCK_TAI, 0), EINVAL);
	check_errno(timerfd_create(CLOCK_MONOTONIC_RAW, 0), EINVAL);
	check_errno(timerfd_create(-1, 0), EINVAL);
	check_errno(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	check_errno(timerfd_settime(-1, 0, &v, 0), EBADF);
	check_errno(timerfd_settime(event, 0, &v, 0), EINVAL);
	check_errno(timerfd_gettime(event, &v), EINVAL);
	check_errno(timerfd_gettime(999, &v), EBADF);
	check_errno(timerfd_settime(fd, 4, &v, 0), EINVAL);
	check_errno(syscall(SYS_timerfd_settime, fd, 0, (void *)8, 0), EFAULT);
	check_errno(syscall(SYS_timerfd_settime, fd, 0, &v, (void *)8), EFAULT);
	check_errno(syscall(SYS_timerfd_gettime, fd, (void *)8), EFAULT);
	v.it_value.tv_nsec = 1000000000;
	check_errno(timerfd_settime(fd, 0, &v, 0), EINVAL);
	v.it_value.tv_nsec = -1;
	check_errno(timerfd_settime(fd, 0, &v, 0), EINVAL);
	v = (struct itimerspec){ { -1, 0 }, { 1, 0 } };
	check_errno(timerfd_settime(fd, 0, &v, 0), EINVAL);
	v = (struct itimerspec){ { 0x7fffffffffffffff, 999999999 }, { 0x7fffffffffffffff, 999999999 } };
	check_ok(timerfd_settime(fd, 0, &v, 0));
	check_ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &v, 0));
	check_errno(read(fd, &n, 7), EINVAL);
	check_errno(write(fd, &n, 8), EINVAL);
	check_errno(ioctl(fd, TFD_IOC_SET_TICKS, &n), EINVAL);
	n = 77;
	check_ok(ioctl(fd, TFD_IOC_SET_TICKS, &n));
	check_equal(expirations(fd), 77);
	check_errno(ioctl(fd, 0x1234, &n), ENOTTY);
	set(fd, 0, 1, 0);
	check_errno(read(fd, (void *)8, 8), EFAULT);
	check_ok(setuid(65534));
	check_errno(timerfd_create(CLOCK_REALTIME_ALARM, 0), EPERM);
}

static const struct test table[] = {
	{ "one_shot", one_shot }, { "periodic", periodic }, { "one_nanosecond", one_nanosecond },
	{ "ways_of_waiting", ways_of_waiting }, { "interrupted", interrupted },
	{ "cancelled_when_set", cancelled_when_set }, { "storm", storm }, { "closed_under_reader", closed_under_reader },
	{ "passed_on", passed_on }, { "fdinfo", fdinfo }, { "bad_calls", bad_calls }, { 0 },
};

TEST_MAIN(table)

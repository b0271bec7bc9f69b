/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors for processes and threads: opening, polling, signalling, waiting, taking descriptors, clone's part. */
#include "test.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PIDFD_NONBLOCK O_NONBLOCK
#define PIDFD_THREAD O_EXCL
#define PIDFD_SIGNAL_THREAD 1
#define PIDFD_SIGNAL_THREAD_GROUP 2
#define PIDFD_SIGNAL_PROCESS_GROUP 4
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define CLONE_CLEAR_SIGHAND_ 0x100000000ull

struct args3 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(434, pid, flags);
}

static int pidfd_send(int fd, int sig, const siginfo_t *info, unsigned flags)
{
	return syscall(424, fd, sig, info, flags);
}

static int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	return syscall(438, pidfd, fd, flags);
}

static long clone3(struct args3 *a)
{
	return syscall(435, a, sizeof *a);
}

static int wait_pidfd(int fd, siginfo_t *info, int options)
{
	memset(info, 0, sizeof *info);
	return waitid((idtype_t)P_PIDFD, fd, info, options);
}

static int ready(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

/* A child that sleeps until it is killed. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		while (1)
			pause();
	check(pid > 0);
	return pid;
}

static void polled(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0);
	siginfo_t info;

	check(fd >= 0);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_equal(ready(fd, 20), 0);
	check_ok(kill(pid, SIGTERM));
	check_equal(ready(fd, 5000), POLLIN);
	check_equal(ready(fd, 0), POLLIN);		/* for as long as it is a zombie */
	check_ok(wait_pidfd(fd, &info, WEXITED));
	check_equal(info.si_pid, pid);
	check_equal(info.si_status, SIGTERM);
	check_equal(ready(fd, 1000), POLLIN | POLLHUP);
	check_errno(pidfd_send(fd, 0, 0, 0), ESRCH);
	check_errno(wait_pidfd(fd, &info, WEXITED), ECHILD);
	check_errno(pidfd_getfd(fd, 0, 0), ESRCH);
}

static void watched_by_epoll(void)
{
	int ep = epoll_create1(0), fds[4];
	pid_t pids[4];
	struct epoll_event e = { .events = EPOLLIN }, got;

	for (int i = 0; i < 4; i++) {
		pids[i] = sleeper();
		check((fds[i] = pidfd_open(pids[i], 0)) >= 0);
		e.data.u32 = i;
		check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e));
	}
	check_equal(epoll_wait(ep, &got, 1, 10), 0);
	for (int i = 3; i >= 0; i--) {
		check_ok(kill(pids[i], SIGKILL));
		check_equal(epoll_wait(ep, &got, 1, 5000), 1);
		check_equal(got.data.u32, i);
		check_equal(wait_for(pids[i]), SIGKILL);
		check_ok(close(fds[i]));
	}
}

/* One that nobody waits for tells its end as well. */
static void end_without_zombie(void)
{
	pid_t pid;
	int fd;

	signal(SIGCHLD, SIG_IGN);
	pid = sleeper();
	check((fd = pidfd_open(pid, 0)) >= 0);
	check_ok(kill(pid, SIGKILL));
	check(ready(fd, 5000) & POLLIN);
	for (int i = 0; i < 500 && !(ready(fd, 0) & POLLHUP); i++)
		sleep_ms(2);
	check_equal(ready(fd, 0), POLLIN | POLLHUP);
	check_errno(pidfd_send(fd, SIGTERM, 0, 0), ESRCH);
}

static volatile int caught, code, value;
static volatile pid_t sender, taken_by;
static void on_info(int sig, siginfo_t *info, void *context)
{
	code = info->si_code;
	sender = info->si_pid;
	value = info->si_value.sival_int;
	taken_by = syscall(SYS_gettid);
	caught++;
}

static void catch(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };

	check_ok(sigaction(sig, &sa, 0));
}

static void signals(void)
{
	int me = pidfd_open(getpid(), 0), other;
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	pid_t pid = sleeper();

	check((other = pidfd_open(pid, 0)) >= 0);
	catch(SIGUSR1);
	check_ok(pidfd_send(me, SIGUSR1, 0, 0));
	check_equal(caught, 1);
	check_equal(code, SI_USER);
	check_equal(sender, getpid());
	info.si_value.sival_int = 42;
	info.si_pid = 7;
	check_ok(pidfd_send(me, SIGUSR1, &info, 0));
	check_equal(caught, 2);
	check_equal(code, SI_QUEUE);
	check_equal(value, 42);
	info.si_code = SI_USER;				/* one may lie to oneself only */
	check_ok(pidfd_send(me, SIGUSR1, &info, 0));
	check_errno(pidfd_send(other, SIGUSR1, &info, 0), EPERM);
	info.si_code = SI_QUEUE;
	check_errno(pidfd_send(other, SIGUSR2, &info, 0), EINVAL);
	check_errno(pidfd_send(other, 99, 0, 0), EINVAL);
	check_errno(pidfd_send(other, -1, 0, 0), EINVAL);
	check_errno(pidfd_send(other, SIGUSR1, (void *)8, 0), EFAULT);
	check_errno(pidfd_send(0, SIGUSR1, 0, 0), EBADF);
	check_errno(pidfd_send(-1, SIGUSR1, 0, 0), EBADF);
	check_errno(pidfd_send(other, SIGUSR1, 0, 8), EINVAL);
	check_errno(pidfd_send(other, SIGUSR1, 0, 3), EINVAL);
	check_ok(pidfd_send(other, 0, 0, 0));
	check_ok(setuid(65534));
	check_errno(pidfd_send(other, SIGKILL, 0, 0), EPERM);
	check_ok(pidfd_send(me, SIGUSR1, 0, PIDFD_SIGNAL_THREAD_GROUP));
}

static void group_signal(void)
{
	pid_t leader = sleeper(), member;
	int fd;

	check_ok(setpgid(leader, leader));
	member = sleeper();
	check_ok(setpgid(member, leader));
	check((fd = pidfd_open(leader, 0)) >= 0);
	check_ok(pidfd_send(fd, SIGKILL, 0, PIDFD_SIGNAL_PROCESS_GROUP));
	check_equal(wait_for(leader), SIGKILL);
	check_equal(wait_for(member), SIGKILL);
	check_errno(pidfd_send(fd, SIGKILL, 0, PIDFD_SIGNAL_PROCESS_GROUP), ESRCH);
}

static volatile pid_t thread_tid;
static volatile int leave;
static void *thread(void *arg)
{
	thread_tid = syscall(SYS_gettid);
	while (!leave)
		sleep_ms(1);
	return 0;
}

static void of_a_thread(void)
{
	pthread_t t;
	int fd;

	check_equal(pthread_create(&t, 0, thread, 0), 0);
	while (!thread_tid)
		sleep_ms(1);
	check_errno(pidfd_open(thread_tid, 0), EINVAL);	/* leads no process */
	check((fd = pidfd_open(thread_tid, PIDFD_THREAD)) >= 0);
	catch(SIGUSR1);
	check_ok(pidfd_send(fd, SIGUSR1, 0, 0));
	for (int i = 0; i < 1000 && !caught; i++)
		sleep_ms(1);
	check_equal(taken_by, thread_tid);
	check_equal(code, SI_TKILL);
	check_equal(ready(fd, 10), 0);
	leave = 1;
	check(ready(fd, 5000) & POLLIN);
	pthread_join(t, 0);
	for (int i = 0; i < 1000 && !(ready(fd, 0) & POLLHUP); i++)
		sleep_ms(1);
	check_equal(ready(fd, 0), POLLIN | POLLHUP);
	check_errno(pidfd_send(fd, SIGUSR1, 0, 0), ESRCH);
	check((fd = pidfd_open(getpid(), PIDFD_THREAD)) >= 0);
	check_ok(pidfd_send(fd, SIGUSR1, 0, 0));
	check_equal(taken_by, getpid());
}

static void waiting(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0), patient = pidfd_open(pid, PIDFD_NONBLOCK);
	siginfo_t info;

	check_equal(fcntl(patient, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	check_ok(wait_pidfd(fd, &info, WEXITED | WNOHANG));
	check_equal(info.si_pid, 0);
	check_errno(wait_pidfd(patient, &info, WEXITED), EAGAIN);
	check_ok(wait_pidfd(patient, &info, WEXITED | WNOHANG));
	check_ok(pidfd_send(fd, SIGSTOP, 0, 0));
	check_ok(wait_pidfd(fd, &info, WSTOPPED));
	check_equal(info.si_code, CLD_STOPPED);
	check_ok(pidfd_send(fd, SIGCONT, 0, 0));
	check_ok(wait_pidfd(fd, &info, WCONTINUED));
	check_ok(pidfd_send(fd, SIGKILL, 0, 0));
	check_ok(wait_pidfd(fd, &info, WEXITED | WNOWAIT));
	check_ok(wait_pidfd(fd, &info, WEXITED));
	check_equal(info.si_pid, pid);
	check_errno(wait_pidfd(fd, &info, WEXITED), ECHILD);
	check_errno(wait_pidfd(-1, &info, WEXITED), EINVAL);
	check_errno(wait_pidfd(0, &info, WEXITED), EBADF);
	check_errno(wait_pidfd(900, &info, WEXITED), EBADF);
	check_errno(wait_pidfd(pidfd_open(getpid(), 0), &info, WEXITED), ECHILD);	/* not our child */
}

static void taking_descriptors(void)
{
	int back[2], go[2], fd, mine, their;
	char c;
	pid_t pid;

	check_ok(pipe(back));
	check_ok(pipe(go));
	pid = fork();
	if (pid == 0) {
		int memory[2];

		if (pipe(memory) || write(memory[1], "secret", 6) != 6 || write(back[1], &memory[0], sizeof(int)) != sizeof(int))
			_exit(1);
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	check_equal(read(back[0], &their, sizeof their), sizeof their);
	check((fd = pidfd_open(pid, 0)) >= 0);
	check((mine = pidfd_getfd(fd, their, 0)) >= 0);
	check_equal(fcntl(mine, F_GETFD), FD_CLOEXEC);
	char text[8] = "";

	check_equal(read(mine, text, 6), 6);
	check(!strcmp(text, "secret"));
	check_errno(pidfd_getfd(fd, 900, 0), EBADF);
	check_errno(pidfd_getfd(fd, -1, 0), EBADF);
	check_errno(pidfd_getfd(fd, their, 1), EINVAL);
	check_errno(pidfd_getfd(0, their, 0), EBADF);
	pid_t stranger = fork();

	if (stranger == 0) {
		check_ok(setuid(65534));
		check_errno(pidfd_getfd(fd, their, 0), EPERM);
		_exit(0);
	}
	check_equal(wait_for(stranger), 0);
	check_equal(write(go[1], "x", 1), 1);
	check_equal(ready(fd, 5000), POLLIN);
	check_errno(pidfd_getfd(fd, their, 0), ESRCH);	/* a zombie has none */
	check_equal(wait_for(pid), 0);
}

static void cloned(void)
{
	int fd = -1;
	struct args3 a = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD };
	long pid = clone3(&a);
	siginfo_t info;

	if (pid == 0)
		_exit(3);
	check(pid > 0);
	check(fd >= 0);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_ok(wait_pidfd(fd, &info, WEXITED));
	check_equal(info.si_pid, pid);
	check_equal(info.si_status, 3);
	/* The older call puts it where the parent's tid would go. */
	int second = -1;
#ifdef __x86_64__
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &second, 0, 0);
#else
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &second, 0, 0);
#endif
	if (pid == 0)
		_exit(4);
	check(second >= 0);
	check_ok(wait_pidfd(second, &info, WEXITED));
	check_equal(info.si_status, 4);
	a.pidfd = 8;
	check_errno(clone3(&a), EFAULT);
	check_errno(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &second, 0, 0), EINVAL);
	/* No descriptor is left behind by a failed one. */
	int next = dup(0);

	check_equal(next, second + 1);
}

static void wanted_number(void)
{
	int32_t tid = 31234;
	struct args3 a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1 };
	long pid = clone3(&a);

	if (pid == 0)
		_exit(getpid() == 31234 ? 0 : 1);
	check_equal(pid, 31234);
	check_errno(clone3(&a), EEXIST);
	check_equal(wait_for(pid), 0);
	tid = 0;
	check_errno(clone3(&a), EINVAL);
	tid = 0x7fffffff;
	check_errno(clone3(&a), EINVAL);
	a.set_tid = 8;
	check_errno(clone3(&a), EFAULT);
	a.set_tid_size = 0;
	check_errno(clone3(&a), EINVAL);
	a.set_tid = (uintptr_t)&tid;
	a.set_tid_size = 40;
	check_errno(clone3(&a), EINVAL);
	a.set_tid_size = 1;
	tid = 31234;
	check_ok(setuid(65534));
	check_errno(clone3(&a), EPERM);
}

/* The number goes to another process; the descriptor does not follow. */
static void number_given_again(void)
{
	int32_t tid = 31235;
	struct args3 a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1 };
	long pid = clone3(&a);
	int fd;

	if (pid == 0)
		_exit(0);
	check((fd = pidfd_open(pid, 0)) >= 0);
	check_equal(wait_for(pid), 0);
	pid = clone3(&a);
	if (pid == 0)
		while (1)
			pause();
	check_equal(pid, 31235);
	check_errno(pidfd_send(fd, SIGKILL, 0, 0), ESRCH);
	check_equal(ready(fd, 0), POLLIN | POLLHUP);
	check_equal(waitpid(pid, 0, WNOHANG), 0);
	check_ok(kill(pid, SIGKILL));
	check_equal(wait_for(pid), SIGKILL);
}

static void *opens(void *arg)
{
	for (int i = 0; i < 300; i++) {
		int fd = pidfd_open(*(volatile pid_t *)arg, 0);

		if (fd >= 0) {
			pidfd_send(fd, 0, 0, 0);
			ready(fd, 0);
			close(fd);
		}
	}
	return 0;
}

static void storm(void)
{
	volatile pid_t pid = 1;
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		check_equal(pthread_create(&t[i], 0, opens, (void *)&pid), 0);
	for (int i = 0; i < 100; i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		wait_for(pid);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
}

static void fdinfo(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0);
	char path[60], text[600] = "", line[40];
	int info;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	snprintf(line, sizeof line, "Pid:\t%d\n", pid);
	check((info = open(path, O_RDONLY)) >= 0);
	check(read(info, text, sizeof text - 1) > 0);
	check(strstr(text, line));
	close(info);
	check_ok(kill(pid, SIGKILL));
	wait_for(pid);
	check((info = open(path, O_RDONLY)) >= 0);
	memset(text, 0, sizeof text);
	check(read(info, text, sizeof text - 1) > 0);
	check(strstr(text, "Pid:\t-1\n"));
}

static void bad_opens(void)
{
	int fd = pidfd_open(getpid(), 0);
	char c;

	check_errno(pidfd_open(-1, 0), EINVAL);
	check_errno(pidfd_open(0, 0), EINVAL);
	check_errno(pidfd_open(4000000, 0), ESRCH);
	check_errno(pidfd_open(getpid(), 1), EINVAL);
	check_errno(read(fd, &c, 1), EINVAL);
	check_errno(write(fd, &c, 1), EINVAL);
}

static const struct test table[] = {
	{ "polled", polled }, { "watched_by_epoll", watched_by_epoll }, { "end_without_zombie", end_without_zombie },
	{ "signals", signals }, { "group_signal", group_signal }, { "of_a_thread", of_a_thread }, { "waiting", waiting },
	{ "taking_descriptors", taking_descriptors }, { "cloned", cloned }, { "wanted_number", wanted_number },
	{ "number_given_again", number_given_again }, { "storm", storm }, { "fdinfo", fdinfo },
	{ "bad_opens", bad_opens }, { 0 },
};

TEST_MAIN(table)

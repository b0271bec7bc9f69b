/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling classes, priorities, affinity, deadlines, and their errors. What each class then does is sched_runs.c. */
#include "sched.h"

static void classes(void)
{
	check_equal(getscheduler(0), SCHED_OTHER);
	for (int i = 0; i < 2; i++) {
		int policy = i ? SCHED_RR : SCHED_FIFO;

		check_ok(set(0, policy, 1));
		check_equal(getscheduler(0), policy);
		check_equal(getpriority_of(0), 1);
		check_ok(set(0, policy, 99));
		check_equal(getpriority_of(0), 99);
	}
	check_ok(set(0, SCHED_BATCH, 0));
	check_equal(getscheduler(0), SCHED_BATCH);
	check_ok(set(0, SCHED_IDLE, 0));
	check_equal(getscheduler(0), SCHED_IDLE);
	check_ok(set(0, SCHED_OTHER, 0));
	check_equal(syscall(SYS_sched_get_priority_min, SCHED_FIFO), 1);
	check_equal(syscall(SYS_sched_get_priority_max, SCHED_RR), 99);
	check_equal(syscall(SYS_sched_get_priority_max, SCHED_OTHER), 0);
	check_equal(syscall(SYS_sched_get_priority_max, DEADLINE), 0);
	check_errno(syscall(SYS_sched_get_priority_max, 4), EINVAL);
	check_errno(syscall(SYS_sched_get_priority_min, -1), EINVAL);
}

static void bad_arguments(void)
{
	struct sched_param p = { .sched_priority = 0 };
	struct attr a = { .policy = SCHED_OTHER };
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	wait_for(dead);
	check_errno(set(0, SCHED_FIFO, 0), EINVAL);
	check_errno(set(0, SCHED_RR, 100), EINVAL);
	check_errno(set(0, SCHED_OTHER, 1), EINVAL);
	check_errno(set(0, SCHED_IDLE, 1), EINVAL);
	check_errno(set(0, 4, 0), EINVAL);
	check_errno(set(0, 77, 0), EINVAL);
	check_errno(set(0, -1, 0), EINVAL);
	check_errno(set(-1, SCHED_OTHER, 0), EINVAL);
	check_errno(set(dead, SCHED_OTHER, 0), ESRCH);
	check_errno(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
	check_errno(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, (void *)16), EFAULT);
	check_errno(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	check_errno(syscall(SYS_sched_getparam, dead, &p), ESRCH);
	check_errno(syscall(SYS_sched_getscheduler, -5), EINVAL);
	check_errno(syscall(SYS_sched_getscheduler, dead), ESRCH);
	check_errno(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
	p.sched_priority = 3;
	check_errno(syscall(SYS_sched_setparam, 0, &p), EINVAL);
	check_errno(setattr(0, &a, 1), EINVAL);
	check_errno(setattr(dead, &a, 0), ESRCH);
	a.flags = 1ull << 40;
	check_errno(setattr(0, &a, 0), EINVAL);
	a = (struct attr){ .policy = 9 };
	check_errno(setattr(0, &a, 0), EINVAL);
	a = (struct attr){ .size = 20 };
	check_errno(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
	check_errno(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	check_errno(syscall(SYS_sched_getattr, 0, &a, 20, 0), EINVAL);
	check_errno(syscall(SYS_sched_getattr, 0, &a, sizeof a, 1), EINVAL);
	check_errno(syscall(SYS_sched_getattr, dead, &a, sizeof a, 0), ESRCH);
}

static void attributes(void)
{
	struct attr a = { .policy = SCHED_OTHER, .nice = 7 }, b;

	check_ok(setattr(0, &a, 0));
	check_equal(getpriority(PRIO_PROCESS, 0), 7);
	check_ok(syscall(SYS_sched_getattr, 0, &b, sizeof b, 0));
	check_equal(b.size, sizeof b);
	check_equal(b.policy, SCHED_OTHER);
	check_equal(b.nice, 7);
	check_ok(setpriority(PRIO_PROCESS, 0, -3));
	check_ok(syscall(SYS_sched_getattr, 0, &b, sizeof b, 0));
	check_equal(b.nice, -3);
	a = (struct attr){ .policy = SCHED_RR, .priority = 5 };
	check_ok(setattr(0, &a, 0));
	check_ok(syscall(SYS_sched_getattr, 0, &b, sizeof b, 0));
	check_equal(b.policy, SCHED_RR);
	check_equal(b.priority, 5);
}

static void nice_values(void)
{
	check_equal(getpriority(PRIO_PROCESS, 0), 0);
	check_ok(setpriority(PRIO_PROCESS, 0, 100));
	check_equal(getpriority(PRIO_PROCESS, 0), 19);
	check_ok(setpriority(PRIO_PROCESS, 0, -100));
	check_equal(getpriority(PRIO_PROCESS, 0), -20);
	check_errno(setpriority(17, 0, 0), EINVAL);
	check_errno(setpriority(PRIO_PROCESS, 99999999, 0), ESRCH);
}

/* Without privilege: down is free, up needs the limit; real time needs its limit. */
static void unprivileged(void)
{
	struct rlimit rt = { 10, 10 }, nice = { 15, 15 };	/* nice down to 5 */
	struct attr a = { .policy = DEADLINE, .runtime = 1000000, .deadline = 10000000, .period = 10000000 };

	check_ok(setrlimit(RLIMIT_NICE, &nice));
	check_ok(setuid(1000));
	check_errno(set(0, SCHED_FIFO, 1), EPERM);
	check_errno(setattr(0, &a, 0), EPERM);
	check_errno(set(1, SCHED_OTHER, 0), EPERM);
	check_ok(setpriority(PRIO_PROCESS, 0, 10));
	check_errno(setpriority(PRIO_PROCESS, 0, 2), EACCES);
	check_ok(setpriority(PRIO_PROCESS, 0, 5));
	check_errno(setrlimit(RLIMIT_RTPRIO, &rt), EPERM);
	check_ok(set(0, SCHED_BATCH, 0));
}

static void realtime_limit(void)
{
	struct rlimit rt = { 10, 10 };

	check_ok(setrlimit(RLIMIT_RTPRIO, &rt));
	check_ok(setuid(1000));
	check_ok(set(0, SCHED_FIFO, 10));
	check_errno(set(0, SCHED_FIFO, 11), EPERM);
	check_ok(set(0, SCHED_FIFO, 3));
	check_ok(set(0, SCHED_RR, 7));
	check_ok(set(0, SCHED_OTHER, 0));
}

static void reset_on_fork(void)
{
	struct attr a;
	int status;
	pid_t pid;

	check_ok(setpriority(PRIO_PROCESS, 0, -5));
	check_ok(set(0, SCHED_FIFO | 0x40000000, 20));
	check_equal(getscheduler(0), SCHED_FIFO | 0x40000000);
	check_ok(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0));
	check_equal(a.flags, 1);
	pid = fork();
	if (!pid)
		_exit(getscheduler(0) * 100 + getpriority(PRIO_PROCESS, 0));
	status = wait_for(pid);
	check_equal(WEXITSTATUS(status), 0);
	check_ok(set(0, SCHED_RR, 20));
	pid = fork();
	if (!pid)
		_exit(getscheduler(0) * 10 + getpriority_of(0) / 10);
	status = wait_for(pid);
	check_equal(WEXITSTATUS(status), SCHED_RR * 10 + 2);
}

static void rr_interval(void)
{
	struct timespec ts = { -1, -1 };

	check_ok(set(0, SCHED_RR, 1));
	check_ok(sched_rr_get_interval(0, &ts));
	check(ts.tv_sec == 0 && ts.tv_nsec >= 1000000 && ts.tv_nsec <= 200000000);
	check_ok(set(0, SCHED_FIFO, 1));
	check_ok(sched_rr_get_interval(0, &ts));
	check(ts.tv_sec == 0 && ts.tv_nsec == 0);
	check_ok(set(0, SCHED_OTHER, 0));
	check_ok(sched_rr_get_interval(0, &ts));
	check(ts.tv_sec == 0 && ts.tv_nsec >= 0);
	check_errno(sched_rr_get_interval(-1, &ts), EINVAL);
	check_errno(sched_rr_get_interval(99999999, &ts), ESRCH);
}

static void affinity(void)
{
	unsigned long mask = 0, one, was;
	unsigned cpu = 99;

	check(syscall(SYS_sched_getaffinity, 0, sizeof was, &was) == sizeof was);
	check(was & 1);
	for (int i = 0; i < 64 && was >> i; i++) {
		if (!(was >> i & 1))
			continue;
		one = 1ul << i;
		check_ok(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
		check(syscall(SYS_sched_getaffinity, 0, sizeof mask, &mask) == sizeof mask);
		check_equal(mask, one);
		check_ok(syscall(SYS_getcpu, &cpu, NULL, NULL));
		check_equal(cpu, i);
	}
	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof was, &was));
	mask = 0;
	check_errno(syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask), EINVAL);
	mask = 1ul << 63;
	check_errno(syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask), EINVAL);
	check_errno(syscall(SYS_sched_setaffinity, 99999999, sizeof was, &was), ESRCH);
	check_errno(syscall(SYS_sched_setaffinity, 0, sizeof was, (void *)16), EFAULT);
	check_errno(syscall(SYS_sched_getaffinity, 0, 0, &mask), EINVAL);
	check_errno(syscall(SYS_sched_getaffinity, 0, 3, &mask), EINVAL);
	if (!fork()) {
		setuid(1000);
		_exit(syscall(SYS_sched_setaffinity, 1, sizeof was, &was) == -1 && errno == EPERM ? 0 : 1);
	}
	int status;

	wait(&status);
	check_equal(status, 0);
}

static void deadline_errors(void)
{
	struct attr a = contract(20, 10, 100), b;

	check_errno(setattr(0, &a, 0), EINVAL);		/* runtime > deadline */
	a = contract(5, 100, 50);
	check_errno(setattr(0, &a, 0), EINVAL);		/* deadline > period */
	a = contract(0, 100, 100);
	check_errno(setattr(0, &a, 0), EINVAL);
	a = contract(5, 0, 100);
	check_errno(setattr(0, &a, 0), EINVAL);
	a = contract(5, 50, 100);
	a.runtime = 500;
	check_errno(setattr(0, &a, 0), EINVAL);
	a = contract(5, 50, 100);
	a.priority = 1;
	check_errno(setattr(0, &a, 0), EINVAL);
	a = contract(5, 50, 100);
	check_ok(setattr(0, &a, 0));
	check_ok(syscall(SYS_sched_getattr, 0, &b, sizeof b, 0));
	check_equal(b.policy, DEADLINE);
	check_equal(b.runtime, a.runtime);
	check_equal(b.deadline, a.deadline);
	check_equal(b.period, a.period);
	check_equal(getscheduler(0), DEADLINE);
	check_errno(fork(), EAGAIN);
	check_ok(set(0, SCHED_OTHER, 0));
	a.flags = 1;
	check_ok(setattr(0, &a, 0));
	pid_t pid = fork();

	if (!pid)
		_exit(getscheduler(0));
	int status = wait_for(pid);

	check_equal(WEXITSTATUS(status), SCHED_OTHER);
}

/* An over-full set is refused, and what a thread gave back can be had again. */
static void deadline_admission(void)
{
	struct attr a = contract(40, 100, 100);
	int ok = 0, refused = 0, p[2];
	char c;

	check_ok(pipe(p));
	for (int i = 0; i < 40 && !refused; i++) {
		int q[2];
		pid_t pid;

		check_ok(pipe(q));
		pid = fork();
		if (!pid) {
			char answer = setattr(0, &a, 0) ? errno : 0;

			if (write(q[1], &answer, 1) != 1)
				_exit(1);
			close(p[1]);
			while (read(p[0], &c, 1) > 0)
				;
			_exit(0);
		}
		check_equal(read(q[0], &c, 1), 1);
		close(q[0]);
		close(q[1]);
		ok += c == 0;
		refused += c == EBUSY;
		check(c == 0 || c == EBUSY);
	}
	check_equal(refused, 1);
	check_equal(ok, 2 * sysconf(_SC_NPROCESSORS_ONLN));	/* two of 0.4 on each */
	close(p[1]);
	while (wait(NULL) > 0)
		;
	check_ok(setattr(0, &a, 0));
}

/* Twenty jobs of a tenth of the period each finish in their periods beside a busy normal thread. */
static void deadline_keeps(void)
{
	struct attr a = contract(30, 100, 100);
	long long start, last;
	int late = 0;
	pid_t hog;

	hog = fork();
	if (!hog)
		while (1)
			;
	check_ok(setattr(0, &a, 0));
	start = now_ms();
	for (int i = 0; i < 20; i++) {
		last = now_ms();
		while (now_ms() - last < 8)
			;
		late += now_ms() - last > 100;
		sched_yield();		/* the job is done: until the next period */
	}
	check(now_ms() - start >= 1700);
	check(late <= 5);	/* a loaded host takes the CPU away */
	kill(hog, SIGKILL);
	wait_for(hog);
}

static const struct test table[] = {
	{ "classes", classes }, { "bad-arguments", bad_arguments }, { "attributes", attributes },
	{ "nice-values", nice_values }, { "unprivileged", unprivileged }, { "realtime-limit", realtime_limit },
	{ "reset-on-fork", reset_on_fork }, { "rr-interval", rr_interval }, { "affinity", affinity },
	{ "deadline-errors", deadline_errors }, { "deadline-admission", deadline_admission },
	{ "deadline-keeps", deadline_keeps },
	{ 0 },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling classes, priorities, affinity, deadlines, their errors, and what each class promises.
 * Cases about Trivet's own settings pass by themselves where those do not exist.
 */
#include "test.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define DEADLINE 6
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int setattr(pid_t pid, struct attr *a, unsigned flags)
{
	a->size = sizeof *a;
	return syscall(SYS_sched_setattr, pid, a, flags);
}

static int set(pid_t pid, int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return syscall(SYS_sched_setscheduler, pid, policy, &p);
}

static int getscheduler(pid_t pid) { return syscall(SYS_sched_getscheduler, pid); }

static int getpriority_of(pid_t pid)
{
	struct sched_param p = { .sched_priority = -1 };

	if (syscall(SYS_sched_getparam, pid, &p))
		return -errno;
	return p.sched_priority;
}

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

static struct attr contract(long runtime_ms, long deadline_ms, long period_ms)
{
	return (struct attr){ .policy = DEADLINE, .runtime = runtime_ms * 1000000ull,
			      .deadline = deadline_ms * 1000000ull, .period = period_ms * 1000000ull };
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

static void pin(void)
{
	unsigned long one = 1;

	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
}

static long long cpu_ms(pid_t pid)
{
	char path[64], text[512], *s;
	long long u = 0, v = 0;
	int fd, n;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	s = strrchr(text, ')');
	sscanf(s ? s + 2 : "", "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &u, &v);
	return (u + v) * 10;
}

static pid_t hog(int policy, int priority, int nice)
{
	pid_t pid = fork();

	if (!pid) {
		setpriority(PRIO_PROCESS, 0, nice);
		if (policy)
			set(0, policy, priority);
		while (1)
			;
	}
	return pid;
}

/* On one CPU: the nicer one gets clearly less, but something. */
static void nice_shares(void)
{
	pid_t a, b;

	pin();
	check_ok(set(0, SCHED_FIFO, 50));
	a = fork();
	if (!a) {
		set(0, SCHED_OTHER, 0);
		while (1)
			;
	}
	b = fork();
	if (!b) {
		set(0, SCHED_OTHER, 0);
		setpriority(PRIO_PROCESS, 0, 19);
		while (1)
			;
	}
	for (int i = 0; i < 300 && cpu_ms(a) + cpu_ms(b) < 1500; i++)
		sleep_ms(20);
	long long x = cpu_ms(a), y = cpu_ms(b);

	kill(a, SIGKILL);
	kill(b, SIGKILL);
	if (x * 10 < y * 13 || x < 100)	/* a loaded host adds its own pauses to both */
		test_fail(__LINE__, "nice 0: %lld ms, nice 19: %lld ms", x, y);
}

/* SCHED_IDLE takes what others leave; SCHED_FIFO takes nearly all but not all (sched_rt_runtime_us). */
static void precedence(void)
{
	pid_t normal, other;

	pin();
	check_ok(set(0, SCHED_FIFO, 50));
	normal = fork();
	if (!normal) {
		set(0, SCHED_OTHER, 0);
		while (1)
			;
	}
	other = hog(SCHED_IDLE, 0, 0);
	for (int i = 0; i < 300 && cpu_ms(normal) < 300; i++)
		sleep_ms(20);
	if (cpu_ms(other) > cpu_ms(normal) / 5)
		test_fail(__LINE__, "idle class: %lld ms, normal: %lld ms", cpu_ms(other), cpu_ms(normal));
	kill(other, SIGKILL);
	wait_for(other);
	long long before = cpu_ms(normal);

	other = hog(SCHED_FIFO, 10, 0);
	/* Two periods' shares: begun in the middle of one, it may use the rest of that and nearly all of the next first. */
	for (int i = 0; i < 500 && cpu_ms(other) < 2200; i++)
		sleep_ms(20);
	long long fifo = cpu_ms(other), rest = cpu_ms(normal) - before;

	kill(other, SIGKILL);
	kill(normal, SIGKILL);
	if (rest < 20 || rest > fifo / 4)
		test_fail(__LINE__, "fifo: %lld ms, normal meanwhile: %lld ms", fifo, rest);
}

static void preempts_by_priority(void)
{
	int *order = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static const int priority[4] = { 10, 40, 20, 30 };
	pid_t pid[4];
	int p[2];
	char c;

	pin();
	check_ok(set(0, SCHED_FIFO, 60));
	check_ok(pipe(p));
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			set(0, SCHED_FIFO, 50);
			close(p[1]);
			set(0, SCHED_FIFO, priority[i]);
			if (read(p[0], &c, 1) < 0)
				_exit(1);
			order[__atomic_fetch_add(&order[8], 1, __ATOMIC_SEQ_CST)] = priority[i];
			_exit(0);
		}
	}
	sleep_ms(200);		/* all are in read now */
	close(p[1]);
	for (int i = 0; i < 4; i++)
		check_equal(wait_for(pid[i]), 0);
	for (int i = 0; i < 4; i++)
		check_equal(order[i], 40 - 10 * i);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), n = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		n = errno;
	close(fd);
	return n;
}

#define POLICY "/proc/sys/kernel/sched_policy"

/* Every policy, changed while pairs wake each other, sleepers sleep and others compute: nobody is lost. */
static void policy_storm(void)
{
	static const char *const names[] = { "rr", "priority", "fair", "mlfq" };
	char was[32] = "";
	int fd = open(POLICY, O_RDONLY), n;
	pid_t pid[12];

	if (fd < 0)
		return;		/* not Trivet */
	n = read(fd, was, sizeof was - 1);
	was[n > 0 ? n : 0] = 0;
	check_equal(write_text(POLICY, "lottery"), EINVAL);
	for (int i = 0; i < 12; i++) {
		int a[2], b[2];

		check_ok(pipe(a));
		check_ok(pipe(b));
		pid[i] = fork();
		if (!pid[i]) {
			char c = 0;

			for (int k = 0; i >= 8 && k < 150; k++) {
				if (i & 1)
					sleep_ms(2);
				for (volatile int j = 0; !(i & 1) && j < 100000; j++)
					;
			}
			if (i >= 8)
				_exit(0);
			if (!fork()) {
				for (int k = 0; k < 2000; k++)
					if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1)
						_exit(1);
				_exit(0);
			}
			for (int k = 0; k < 2000; k++)
				if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
					_exit(1);
			_exit(wait(NULL) < 0);
		}
		close(a[0]), close(a[1]), close(b[0]), close(b[1]);
	}
	for (int i = 0; i < 60; i++) {
		check_equal(write_text(POLICY, names[i % 4]), 0);
		sleep_ms(5);
	}
	for (int i = 0; i < 12; i++)
		check_equal(wait_for(pid[i]), 0);
	check_equal(write_text(POLICY, was), 0);
}

static void settings(void)
{
	struct timespec ts;

	if (access(POLICY, F_OK))
		return;
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "0"), EINVAL);
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "x"), EINVAL);
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "40"), 0);
	check_equal(write_text(POLICY, "rr"), 0);
	check_ok(sched_rr_get_interval(0, &ts));
	check_equal(ts.tv_nsec, 40000000);
	check_ok(setpriority(PRIO_PROCESS, 0, 10));
	check_ok(sched_rr_get_interval(0, &ts));
	check_equal(ts.tv_nsec, 20000000);
	check_equal(write_text("/proc/sys/kernel/sched_quantum_ms", "20"), 0);
	check_equal(write_text(POLICY, "mlfq"), 0);
	check_equal(write_text("/proc/sys/kernel/sched_deadline_order", "rm"), 0);
	struct attr a = contract(50, 100, 100);

	check_ok(setattr(0, &a, 0));
	check_equal(write_text("/proc/sys/kernel/sched_deadline_order", "edf"), EBUSY);
	check_ok(set(0, SCHED_OTHER, 0));
	check_equal(write_text("/proc/sys/kernel/sched_deadline_order", "edf"), 0);
	/* CPU sets that do not count. */
	check_equal(write_text("/proc/sys/kernel/sched_affinity", "0"), 0);
	pin();
	check_equal(write_text("/proc/sys/kernel/sched_affinity", "1"), 0);
	unsigned cpu = 9;

	check_ok(syscall(SYS_getcpu, &cpu, NULL, NULL));
	check_equal(cpu, 0);
}

/* /proc tells the class and counts. */
static void shown(void)
{
	char text[4096];
	int fd, n;

	check_ok(set(0, SCHED_RR, 33));
	for (int i = 0; i < 20; i++)
		sleep_ms(1);
	fd = open("/proc/self/sched", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	check(strstr(text, "nr_voluntary_switches"));
	check(strstr(text, "policy"));
	char *s = strstr(text, "nr_voluntary_switches");

	check(atol(strchr(s, ':') + 1) >= 20);
	fd = open("/proc/self/schedstat", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	unsigned long long a = 0, b = 0, c = 0;

	check_equal(sscanf(text, "%llu %llu %llu", &a, &b, &c), 3);
	check(a > 0 && c >= 20);
	fd = open("/proc/schedstat", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	check(!strncmp(text, "version ", 8) && strstr(text, "\ncpu0 "));
}

static const struct test table[] = {
	{ "classes", classes }, { "bad-arguments", bad_arguments }, { "attributes", attributes },
	{ "nice-values", nice_values }, { "unprivileged", unprivileged }, { "realtime-limit", realtime_limit },
	{ "reset-on-fork", reset_on_fork }, { "rr-interval", rr_interval }, { "affinity", affinity },
	{ "deadline-errors", deadline_errors }, { "deadline-admission", deadline_admission },
	{ "deadline-keeps", deadline_keeps }, { "nice-shares", nice_shares }, { "precedence", precedence },
	{ "preempts-by-priority", preempts_by_priority }, { "policy-storm", policy_storm },
	{ "settings", settings }, { "shown", shown },
	{ 0 },
};

TEST_MAIN(table)

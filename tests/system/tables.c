/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a user can see of processes and threads, a case per row of the table of names and defaults: states, priorities,
 * quanta, thread parameters, limits, statistics, and one case for each error.
 */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

static const char *text_of(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY), n = fd < 0 ? -1 : (int)read(fd, text, sizeof text - 1);

	close(fd);
	text[n < 0 ? 0 : n] = 0;
	return text;
}

/* Word number n (from 1) of /proc/PID/stat; the name in brackets is one. */
static long long stat_field(pid_t pid, pid_t tid, int n)
{
	char path[64];
	const char *at;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	at = strrchr(text_of(path), ')');
	check(at != NULL);
	for (int i = 2; at && i < n; i++)
		at = strchr(at + 1, ' ');
	check(at != NULL);
	return n == 3 ? at[1] : atoll(at + 1);
}

static long long number_in(const char *path, const char *name)
{
	const char *at = strstr(text_of(path), name);

	return at ? atoll(at + strlen(name)) : -1;
}

static void wait_for_state(pid_t pid, pid_t tid, char wanted)
{
	for (int i = 0; i < 500; i++) {
		if (stat_field(pid, tid, 3) == wanted)
			return;
		sleep_ms(10);
	}
	check_equal(stat_field(pid, tid, 3), wanted);
}

static void process_states(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		while (1)
			;
	wait_for_state(pid, pid, 'R');
	check_ok(kill(pid, SIGSTOP));
	wait_for_state(pid, pid, 'T');
	check_ok(kill(pid, SIGCONT));
	wait_for_state(pid, pid, 'R');
	check_ok(kill(pid, SIGKILL));
	wait_for_state(pid, pid, 'Z');
	check_equal(waitpid(pid, &status, 0), pid);
	check_errno(kill(pid, 0), ESRCH);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	wait_for_state(pid, pid, 'S');
	check_ok(kill(pid, SIGKILL));
	check_equal(waitpid(pid, &status, 0), pid);
	/* Blocked: a parent whose vfork child has not gone yet. */
	pid = fork();
	if (!pid) {
		if (!vfork()) {
			sleep_ms(1000);
			_exit(0);
		}
		_exit(0);
	}
	wait_for_state(pid, pid, 'D');
	check_equal(waitpid(pid, &status, 0), pid);
}

static volatile int phase;
static volatile pid_t tid_of_other;

static void *change_states(void *unused)
{
	tid_of_other = (pid_t)syscall(SYS_gettid);
	while (phase == 0)
		;
	sem_t never;

	sem_init(&never, 0, 0);
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 1;
	sem_timedwait(&never, &end);
	return NULL;
}

static void thread_states(void)
{
	pthread_t t;
	char path[64];

	check_equal(pthread_create(&t, NULL, change_states, NULL), 0);
	while (!tid_of_other)
		sleep_ms(1);
	wait_for_state(getpid(), tid_of_other, 'R');
	phase = 1;
	wait_for_state(getpid(), tid_of_other, 'S');
	check_equal(pthread_join(t, NULL), 0);
	snprintf(path, sizeof path, "/proc/self/task/%d", tid_of_other);
	for (int i = 0; i < 200 && !access(path, F_OK); i++)
		sleep_ms(10);
	check_errno(access(path, F_OK), ENOENT);
}

static void priority(int policy, int rt, int nice, int shown)
{
	struct sched_param p = { .sched_priority = rt };

	check_ok(setpriority(PRIO_PROCESS, 0, nice));
	check_ok(syscall(SYS_sched_setscheduler, 0, policy, &p));
	check_equal(stat_field(getpid(), getpid(), 18), shown);
	check_equal(stat_field(getpid(), getpid(), 19), nice);
	check_equal(stat_field(getpid(), getpid(), 40), rt);
	check_equal(stat_field(getpid(), getpid(), 41), policy);
}

/* idle, low, normal, high, realtime, critical */
static void priorities(void)
{
	priority(SCHED_IDLE, 0, 0, 20);
	priority(SCHED_OTHER, 0, 10, 30);
	priority(SCHED_OTHER, 0, 0, 20);
	priority(SCHED_OTHER, 0, -10, 10);
	priority(SCHED_RR, 50, 0, -51);
	priority(SCHED_FIFO, 90, 0, -91);
}

/* Only Trivet has round robin: 5, 10, 20, 30, 40 ms by nice. */
static void quanta(void)
{
	static const int nice[] = { 19, 10, 0, -10, -20 }, ms[] = { 5, 10, 20, 30, 40 };
	int fd = open("/proc/sys/kernel/sched_policy", O_WRONLY);
	struct timespec ts;

	if (fd < 0)
		return;
	check_equal(write(fd, "rr", 2), 2);
	for (int i = 0; i < 5; i++) {
		check_ok(setpriority(PRIO_PROCESS, 0, nice[i]));
		check_ok(syscall(SYS_sched_rr_get_interval, 0, &ts));
		check_equal(ts.tv_sec * 1000 + ts.tv_nsec / 1000000, ms[i]);
	}
	check_equal(write(fd, "mlfq", 4), 4);
	close(fd);
}

static void *show_myself(void *out)
{
	int *got = out;
	struct sched_param p;

	pthread_getschedparam(pthread_self(), &got[0], &p);
	got[1] = p.sched_priority;
	got[2] = (int)syscall(SYS_gettid);
	return out;
}

static void thread_parameters(void)
{
	struct sched_param p = { .sched_priority = 20 };
	int got[3], detached;
	char path[64];
	size_t size;
	pthread_attr_t a;
	pthread_t t;
	cpu_set_t cpus;

	check_equal(pthread_attr_init(&a), 0);
	check_equal(pthread_attr_setinheritsched(&a, PTHREAD_EXPLICIT_SCHED), 0);
	check_equal(pthread_attr_setschedpolicy(&a, SCHED_RR), 0);
	check_equal(pthread_attr_setschedparam(&a, &p), 0);
	check_equal(pthread_attr_setstacksize(&a, 256 << 10), 0);
	check_equal(pthread_create(&t, &a, show_myself, got), 0);
	check_equal(pthread_join(t, NULL), 0);
	check_equal(got[0], SCHED_RR);
	check_equal(got[1], 20);
	check_equal(pthread_attr_getstacksize(&a, &size), 0);
	check_equal(size, 256 << 10);
	/* inherited */
	check_equal(pthread_setschedparam(pthread_self(), SCHED_FIFO, &p), 0);
	check_equal(pthread_create(&t, NULL, show_myself, got), 0);
	check_equal(pthread_join(t, NULL), 0);
	check_equal(got[0], SCHED_FIFO);
	p.sched_priority = 0;
	check_equal(pthread_setschedparam(pthread_self(), SCHED_OTHER, &p), 0);
	/* name, affinity */
	check_ok(prctl(PR_SET_NAME, "a-name"));
	snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)syscall(SYS_gettid));
	check(!strcmp(text_of(path), "a-name\n"));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	check_equal(pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus), 0);
	CPU_ZERO(&cpus);
	check_equal(pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus), 0);
	check(CPU_COUNT(&cpus) == 1 && CPU_ISSET(0, &cpus));
	/* detached */
	check_equal(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED), 0);
	check_equal(pthread_attr_getdetachstate(&a, &detached), 0);
	check_equal(detached, PTHREAD_CREATE_DETACHED);
	got[2] = 0;
	check_equal(pthread_create(&t, &a, show_myself, got), 0);
	for (int i = 0; i < 500 && !*(volatile int *)&got[2]; i++)
		sleep_ms(10);
	check(got[2] > 0);
}

static void limit_files(void)
{
	struct rlimit l = { 10, 10 };
	int fd = 0;

	check_ok(setrlimit(RLIMIT_NOFILE, &l));
	while (fd >= 0)
		fd = dup(0);
	check_errno(dup(0), EMFILE);
}

static void limit_file_size(void)
{
	struct rlimit l = { 100, 100 };
	int fd = open("/tmp/limited", O_CREAT | O_RDWR | O_TRUNC, 0600), status;
	char data[200] = { 0 };
	pid_t pid;

	check(fd >= 0);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_FSIZE, &l);
		if (write(fd, data, sizeof data) != 100)	/* up to the limit */
			_exit(1);
		_exit(write(fd, data, 1) < 0 ? 2 : 3);
	}
	status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	unlink("/tmp/limited");
}

static void limit_address_space(void)
{
	struct rlimit l = { 64 << 20, 64 << 20 };

	check_ok(setrlimit(RLIMIT_AS, &l));
	errno = 0;
	check(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
}

static void limit_processes(void)
{
	struct rlimit l = { 3, 3 };
	pid_t pid = 0;
	int n = 0;

	check_ok(setrlimit(RLIMIT_NPROC, &l));
	check_ok(setuid(4321));
	while (n < 10 && (pid = fork()) > 0)
		n++;
	if (!pid) {
		pause();
		_exit(0);
	}
	check_errno(fork(), EAGAIN);
	check_equal(n, 2);		/* and this one */
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
}

static void limit_cpu_time(void)
{
	struct rlimit l = { 1, 2 };
	int status;
	pid_t pid = fork();

	if (!pid) {
		setrlimit(RLIMIT_CPU, &l);
		while (1)
			;
	}
	status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

static void statistics(void)
{
	long long voluntary, written, faults;
	char data[5000] = { 1 };
	int fd;
	struct rusage u;

	voluntary = number_in("/proc/self/status", "\nvoluntary_ctxt_switches:");
	check(voluntary >= 0);
	for (int i = 0; i < 8; i++)
		sleep_ms(30);		/* some may be over before it has left the CPU, on a loaded host */
	check(number_in("/proc/self/status", "\nvoluntary_ctxt_switches:") >= voluntary + 4);
	check(number_in("/proc/self/status", "nonvoluntary_ctxt_switches:") >= 0);
	written = number_in("/proc/self/io", "wchar: ");
	fd = open("/tmp/statistics", O_CREAT | O_WRONLY, 0600);
	check(write(fd, data, sizeof data) == sizeof data);
	close(fd);
	unlink("/tmp/statistics");
	check(number_in("/proc/self/io", "wchar: ") >= written + 5000);
	check(number_in("/proc/self/io", "syscw: ") >= 1);
	check(number_in("/proc/self/status", "VmHWM:") >= number_in("/proc/self/status", "VmRSS:") - 64);
	check(number_in("/proc/self/status", "VmStk:") > 0);
	check(number_in("/proc/self/status", "Threads:") == 1);
	faults = stat_field(getpid(), getpid(), 10);
	volatile char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 1 << 20; i += 4096)
		page[i] = 1;
	check(stat_field(getpid(), getpid(), 10) > faults);
	long long start = now_ms();

	while (now_ms() < start + 200)
		;
	check_ok(getrusage(RUSAGE_SELF, &u));
	check(u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec > 0);
	check(strstr(text_of("/proc/self/limits"), "Max open files") != NULL);
}

static void system_statistics(void)
{
	long long switches = number_in("/proc/stat", "\nctxt "), processes = number_in("/proc/stat", "\nprocesses ");
	pid_t pid;

	check(switches > 0 && processes > 0);
	for (int i = 0; i < 3; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		wait_for(pid);
	}
	check(number_in("/proc/stat", "\nctxt ") > switches);
	check(number_in("/proc/stat", "\nprocesses ") >= processes + 3);
	check(number_in("/proc/stat", "\nprocs_running ") >= 1);
}

static void defaults(void)
{
	struct rlimit l;

	check_ok(getrlimit(RLIMIT_STACK, &l));
	check_equal(l.rlim_cur, 8 << 20);
	check_ok(getrlimit(RLIMIT_NOFILE, &l));
	check_equal(l.rlim_cur, 1024);
	check(number_in("/proc/sys/kernel/pid_max", "") >= 32768);
	/* each can be changed */
	long long max = number_in("/proc/sys/kernel/pid_max", "");
	char text[32];
	int fd = open("/proc/sys/kernel/pid_max", O_WRONLY);

	check(fd >= 0 && write(fd, "20000", 5) == 5);
	check_equal(number_in("/proc/sys/kernel/pid_max", ""), 20000);
	check(pwrite(fd, "1", 1, 0) < 0 && errno == EINVAL);
	snprintf(text, sizeof text, "%lld", max);
	check(pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

/* ---- errors of processes ---- */

static void error_not_found(void) { check_errno(kill(3999999, 0), ESRCH); }
static void error_invalid_id(void) { check_errno(syscall(SYS_sched_getscheduler, -1), EINVAL); }
static void error_invalid_priority(void)
{
	struct sched_param p = { .sched_priority = 100 };

	check_errno(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p), EINVAL);
}

static void error_denied(void)
{
	check_ok(setuid(1000));
	check_errno(kill(1, SIGTERM), EPERM);
	check_errno(setpriority(PRIO_PROCESS, 0, -5), EACCES);
}

#define TOP "/sys/fs/cgroup"

static void error_exists_and_invalid_state(void)
{
	struct statfs st;
	pid_t pid;

	check(statfs(TOP, &st) == 0);
	if (st.f_type != 0x63677270)
		check_ok(mount("none", TOP, "cgroup2", 0, NULL));
	rmdir(TOP "/state");
	check_ok(mkdir(TOP "/state", 0755));
	check_errno(mkdir(TOP "/state", 0755), EEXIST);
	pid = fork();
	if (!pid) {
		int fd = open(TOP "/state/cgroup.procs", O_WRONLY);

		if (write(fd, "0", 1) == 1)
			pause();
		_exit(1);
	}
	while (!strstr(text_of(TOP "/state/cgroup.events"), "populated 1"))
		sleep_ms(5);
	check_errno(rmdir(TOP "/state"), EBUSY);
	kill(pid, SIGKILL);
	wait_for(pid);
	for (int i = 0; i < 200 && rmdir(TOP "/state"); i++)
		sleep_ms(10);
	check_errno(access(TOP "/state", F_OK), ENOENT);
}

static void error_time_out(void)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	struct timespec end;

	pthread_mutex_lock(&m);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 20000000;
	if (end.tv_nsec >= 1000000000)
		end.tv_sec++, end.tv_nsec -= 1000000000;
	check_equal(pthread_mutex_timedlock(&m, &end), ETIMEDOUT);
}

/* ---- errors of threads ---- */

/* A number that is taken cannot be asked for. */
static void error_exists(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
	} args = { .exit_signal = SIGCHLD };
	pid_t mine = getpid();

	args.set_tid = (uint64_t)(uintptr_t)&mine;
	args.set_tid_size = 1;
	check_errno(syscall(SYS_clone3, &args, sizeof args), EEXIST);
}

static void error_thread_not_found(void) { check_errno(syscall(SYS_tgkill, getpid(), 3999999, 0), ESRCH); }
static void error_thread_invalid_id(void)
{
	check_errno(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
	check_errno(syscall(SYS_tgkill, -1, 1, 0), EINVAL);
}
static void *nothing(void *unused) { return unused; }

static void error_thread_limit(void)
{
	struct rlimit l = { 1, 1 };
	pthread_t t;

	check_ok(setrlimit(RLIMIT_NPROC, &l));
	check_ok(setuid(4322));
	check_equal(pthread_create(&t, NULL, nothing, NULL), EAGAIN);
}

static void error_thread_priority(void)
{
	struct sched_param p = { .sched_priority = 500 };

	check_equal(pthread_setschedparam(pthread_self(), SCHED_RR, &p), EINVAL);
}

static void error_thread_denied(void)
{
	struct sched_param p = { .sched_priority = 5 };

	check_ok(setuid(1000));
	check_equal(pthread_setschedparam(pthread_self(), SCHED_RR, &p), EPERM);
}

static void error_thread_stack(void)
{
	pthread_attr_t a;

	pthread_attr_init(&a);
	check_equal(pthread_attr_setstacksize(&a, 16), EINVAL);
}

static void error_thread_memory(void)
{
	struct rlimit l = { 32 << 20, 32 << 20 };
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	check_equal(pthread_attr_setstacksize(&a, 64 << 20), 0);
	check_ok(setrlimit(RLIMIT_AS, &l));
	check_equal(pthread_create(&t, &a, nothing, NULL), EAGAIN);	/* POSIX's word for it; mmap says ENOMEM */
}

static const struct test table[] = {
	{ "process-states", process_states }, { "thread-states", thread_states }, { "priorities", priorities },
	{ "quanta", quanta }, { "thread-parameters", thread_parameters }, { "limit-files", limit_files },
	{ "limit-file-size", limit_file_size }, { "limit-address-space", limit_address_space },
	{ "limit-processes", limit_processes }, { "limit-cpu-time", limit_cpu_time }, { "statistics", statistics },
	{ "system-statistics", system_statistics }, { "defaults", defaults }, { "error-not-found", error_not_found },
	{ "error-invalid-id", error_invalid_id }, { "error-invalid-priority", error_invalid_priority },
	{ "error-denied", error_denied }, { "error-exists-and-invalid-state", error_exists_and_invalid_state },
	{ "error-exists", error_exists }, { "error-time-out", error_time_out }, { "error-thread-not-found", error_thread_not_found },
	{ "error-thread-invalid-id", error_thread_invalid_id }, { "error-thread-limit", error_thread_limit },
	{ "error-thread-priority", error_thread_priority }, { "error-thread-denied", error_thread_denied },
	{ "error-thread-stack", error_thread_stack }, { "error-thread-memory", error_thread_memory },
	{ 0 },
};

TEST_MAIN(table)

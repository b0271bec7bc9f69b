/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU time of cgroup v2 groups: cpu.weight, cpu.max, cpu.stat, and cpu pressure. */
#include "test.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#define TOP "/sys/fs/cgroup"

/* Whole write; 0 or errno. */
static int put(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd, n;

	snprintf(path, sizeof path, TOP "/%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	n = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return n;
}

static const char *get(const char *dir, const char *file)
{
	static char text[4096];
	char path[256];
	int fd, n;

	snprintf(path, sizeof path, TOP "/%s/%s", dir, file);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : (int)read(fd, text, sizeof text - 1);
	close(fd);
	if (n < 0)
		return "unreadable";
	text[n] = 0;
	return text;
}

static long long field(const char *dir, const char *file, const char *name)
{
	const char *at = strstr(get(dir, file), name);

	return at ? atoll(at + strlen(name)) : -1;
}

static void make(const char *dir)
{
	struct statfs st;
	char path[256];

	check(statfs(TOP, &st) == 0);
	if (st.f_type != 0x63677270)
		check_ok(mount("none", TOP, "cgroup2", 0, NULL));
	check_equal(put(".", "cgroup.subtree_control", "+cpu"), 0);
	snprintf(path, sizeof path, TOP "/%s", dir);
	put(dir, "cgroup.kill", "1");
	for (int i = 0; i < 100 && rmdir(path) && errno == EBUSY; i++)
		sleep_ms(20);
	check_ok(mkdir(path, 0755));
}

static void gone(const char *dir)
{
	char path[256];

	put(dir, "cgroup.kill", "1");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	snprintf(path, sizeof path, TOP "/%s", dir);
	for (int i = 0; i < 200 && rmdir(path); i++) {
		check_equal(errno, EBUSY);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sleep_ms(20);
	}
}

/* A process that computes in that group, on CPU 0 if pinned. */
static pid_t hog(const char *dir, bool pinned)
{
	unsigned long one = 1;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (pinned)
		syscall(SYS_sched_setaffinity, 0, sizeof one, &one);
	if (put(dir, "cgroup.procs", "0"))
		_exit(1);
	while (1)
		;
}

static void files(void)
{
	make("c");
	check(!strcmp(get("c", "cpu.weight"), "100\n"));
	check(!strcmp(get("c", "cpu.weight.nice"), "0\n"));
	check(!strcmp(get("c", "cpu.max"), "max 100000\n"));
	check(!strcmp(get("c", "cpu.max.burst"), "0\n"));
	check_equal(put("c", "cpu.weight", "400"), 0);
	check(!strcmp(get("c", "cpu.weight"), "400\n"));
	check_equal(put("c", "cpu.weight.nice", "5\n"), 0);
	check(!strcmp(get("c", "cpu.weight.nice"), "5\n"));
	check_equal(put("c", "cpu.weight.nice", "-20"), 0);
	check(!strcmp(get("c", "cpu.weight.nice"), "-20\n"));
	check_equal(put("c", "cpu.max", "50000"), 0);
	check(!strcmp(get("c", "cpu.max"), "50000 100000\n"));
	check_equal(put("c", "cpu.max", "30000 200000\n"), 0);
	check(!strcmp(get("c", "cpu.max"), "30000 200000\n"));
	check_equal(put("c", "cpu.max.burst", "10000"), 0);
	check(!strcmp(get("c", "cpu.max.burst"), "10000\n"));
	check_equal(put("c", "cpu.max", "max 100000"), 0);
	check(!strcmp(get("c", "cpu.max"), "max 100000\n"));
	check(field("c", "cpu.stat", "usage_usec ") >= 0);
	check(field("c", "cpu.stat", "user_usec ") >= 0);
	check(field("c", "cpu.stat", "system_usec ") >= 0);
	check(field("c", "cpu.stat", "nr_periods ") >= 0);
	check(field("c", "cpu.stat", "nr_throttled ") >= 0);
	check(field("c", "cpu.stat", "throttled_usec ") >= 0);
	check(field(".", "cpu.stat", "usage_usec ") > 0);
	gone("c");
}

static void errors(void)
{
	make("c");
	check_equal(put("c", "cpu.weight", "0"), ERANGE);
	check_equal(put("c", "cpu.weight", "10001"), ERANGE);
	check_equal(put("c", "cpu.weight", "many"), EINVAL);
	check_equal(put("c", "cpu.weight.nice", "20"), ERANGE);
	check_equal(put("c", "cpu.weight.nice", "-21"), ERANGE);
	check_equal(put("c", "cpu.max", "few"), EINVAL);
	check_equal(put("c", "cpu.max", "999 100000"), EINVAL);
	check_equal(put("c", "cpu.max", "50000 999"), EINVAL);
	check_equal(put("c", "cpu.max", "50000 1000001"), EINVAL);
	check_equal(put("c", "cpu.max", "50000"), 0);
	check_equal(put("c", "cpu.max.burst", "50001"), EINVAL);
	gone("c");
}

/* 20 ms of each 100: a busy process gets a fifth of the time, and its group says how often it was stopped. */
static void limit(void)
{
	long long start, used;

	make("c");
	check_equal(put("c", "cpu.max", "20000 100000"), 0);
	hog("c", false);
	sleep_ms(300);
	start = now_ms();
	used = field("c", "cpu.stat", "usage_usec ");
	sleep_ms(2000);
	used = field("c", "cpu.stat", "usage_usec ") - used;
	start = now_ms() - start;
	/* A loaded host takes the CPU away for long, and the clock goes on. */
	check(used <= start * 1000 * 50 / 100);
	check(used > 0);
	check(field("c", "cpu.stat", "nr_throttled ") >= 2);
	check(field("c", "cpu.stat", "nr_periods ") >= field("c", "cpu.stat", "nr_throttled "));
	check(field("c", "cpu.stat", "throttled_usec ") > 100000);
	/* Without the limit it goes on at once. */
	check_equal(put("c", "cpu.max", "max"), 0);
	used = field("c", "cpu.stat", "nr_throttled ");
	sleep_ms(300);
	check(field("c", "cpu.stat", "nr_throttled ") <= used + 1);
	gone("c");
}

/* All threads of a subtree share what its top has. */
static void limit_of_subtree(void)
{
	long long start, used;

	make("c");
	check_equal(put("c", "cgroup.subtree_control", "+cpu"), 0);
	check_ok(mkdir(TOP "/c/a", 0755));
	check_ok(mkdir(TOP "/c/b", 0755));
	check_equal(put("c", "cpu.max", "30000 100000"), 0);
	check_equal(put("c/b", "cpu.max", "90000 100000"), 0);
	for (int i = 0; i < 2; i++) {
		hog("c/a", false);
		hog("c/b", false);
	}
	sleep_ms(300);
	start = now_ms();
	used = field("c", "cpu.stat", "usage_usec ");
	sleep_ms(2000);
	used = field("c", "cpu.stat", "usage_usec ") - used;
	start = now_ms() - start;
	check(used <= start * 1000 * 60 / 100);
	check(used > 0);
	put("c", "cgroup.kill", "1");
	sleep_ms(100);
	gone("c/a");
	gone("c/b");
	gone("c");
}

/* A stopped process can be killed while it is out of time. */
static void killed_while_out_of_time(void)
{
	int status;
	pid_t pid;

	make("c");
	check_equal(put("c", "cpu.max", "1000 1000000"), 0);
	pid = hog("c", false);
	sleep_ms(200);
	check_ok(kill(pid, SIGKILL));
	status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	gone("c");
}

static void shares_of(int in_a, int in_b, const char *weight_b, int wanted_percent, int slack)
{
	long long a, b;

	make("a");
	make("b");
	check_equal(put("b", "cpu.weight", weight_b), 0);
	for (int i = 0; i < in_a; i++)
		hog("a", true);
	for (int i = 0; i < in_b; i++)
		hog("b", true);
	sleep_ms(200);
	a = field("a", "cpu.stat", "usage_usec ");
	b = field("b", "cpu.stat", "usage_usec ");
	sleep_ms(4000);
	a = field("a", "cpu.stat", "usage_usec ") - a;
	b = field("b", "cpu.stat", "usage_usec ") - b;
	check(a > 0 && b > 0);
	int percent = (int)(b * 100 / (a + b));

	if (percent < wanted_percent - slack || percent > wanted_percent + slack)
		test_fail(__LINE__, "%d against %d processes, weight %s: %d %%, want %d", in_a, in_b, weight_b, percent, wanted_percent);
	gone("a");
	gone("b");
}

/* What a group gets does not depend on how many compute in it. */
/* ± as much as a host that runs other things at the same time needs; without weights it would be 50, and 20. */
static void weights(void) { shares_of(1, 1, "400", 80, 20); }
static void weights_of_many(void) { shares_of(4, 1, "200", 67, 35); }

static void nested_weights(void)
{
	long long a, b, top;

	make("c");
	check_equal(put("c", "cgroup.subtree_control", "+cpu"), 0);
	check_ok(mkdir(TOP "/c/a", 0755));
	check_ok(mkdir(TOP "/c/b", 0755));
	make("d");
	check_equal(put("c/b", "cpu.weight", "200"), 0);
	hog("c/a", true);
	hog("c/b", true);
	hog("d", true);
	sleep_ms(200);
	a = field("c/a", "cpu.stat", "usage_usec ");
	b = field("c/b", "cpu.stat", "usage_usec ");
	top = field("d", "cpu.stat", "usage_usec ");
	sleep_ms(4000);
	a = field("c/a", "cpu.stat", "usage_usec ") - a;
	b = field("c/b", "cpu.stat", "usage_usec ") - b;
	top = field("d", "cpu.stat", "usage_usec ") - top;
	/* 1/6, 2/6, 3/6 */
	check(top * 100 / (a + b + top) >= 37 && top * 100 / (a + b + top) <= 63);
	check(b * 100 / (a + b) >= 54 && b * 100 / (a + b) <= 80);
	put("c", "cgroup.kill", "1");
	sleep_ms(100);
	gone("c/a");
	gone("c/b");
	gone("c");
	gone("d");
}

static long long stalled_us(void)
{
	char text[512];
	int fd = open("/proc/pressure/cpu", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	const char *at;

	close(fd);
	if (n <= 0)
		return -1;
	text[n] = 0;
	check(!strncmp(text, "some avg10=", 11) && strstr(text, "\nfull avg10="));
	at = strstr(text, "total=");
	return at ? atoll(at + 6) : -1;
}

/* Two that compute on one CPU: one of them waits all the time. */
static void pressure(void)
{
	long long before = stalled_us(), start;
	pid_t a, b;
	unsigned long one = 1;

	if (before < 0)
		return;		/* a Linux without psi=1 */
	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
	a = fork();
	if (!a)
		while (1)
			;
	b = fork();
	if (!b)
		while (1)
			;
	start = now_ms();
	sleep_ms(3000);
	start = now_ms() - start;
	check(stalled_us() - before > start * 1000 / 4);
	check(stalled_us() - before < start * 1000 * 3 / 2);
	kill(a, SIGKILL);
	kill(b, SIGKILL);
}

static const struct test table[] = {
	{ "files", files }, { "errors", errors }, { "limit", limit }, { "limit-of-subtree", limit_of_subtree },
	{ "killed-while-out-of-time", killed_while_out_of_time }, { "weights", weights },
	{ "weights-of-many", weights_of_many }, { "nested-weights", nested_weights }, { "pressure", pressure },
	{ 0 },
};

TEST_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory controller: what is counted, limits that reclaim, hold back or kill, and what is told about it. */
#include "test.h"
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define TOP "/sys/fs/cgroup"
#define MB (1l << 20)

static const char *path_of(const char *dir, const char *file)
{
	static char path[256];

	snprintf(path, sizeof path, TOP "/%s/%s", dir, file);
	return path;
}

/* Whole write; 0 or errno. */
static int put(const char *dir, const char *file, const char *text)
{
	int fd = open(path_of(dir, file), O_WRONLY), n;

	if (fd < 0)
		return errno;
	n = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return n;
}

static const char *get(const char *dir, const char *file)
{
	static char text[4096];
	int fd = open(path_of(dir, file), O_RDONLY), n;

	check_ok(fd);
	n = (int)read(fd, text, sizeof text - 1);
	check_ok(n);
	close(fd);
	text[n] = 0;
	return text;
}

static long number(const char *dir, const char *file) { return atol(get(dir, file)); }

/* The value of a line "name value". */
static long value(const char *dir, const char *file, const char *name)
{
	const char *text = get(dir, file);
	size_t n = strlen(name);

	for (const char *s = text; s; s = strchr(s, '\n'), s = s ? s + 1 : NULL)
		if (!strncmp(s, name, n) && s[n] == ' ')
			return atol(s + n + 1);
	test_fail(__LINE__, "%s/%s lacks %s: %s", dir, file, name, text);
	return -1;
}

static void make(const char *dir)
{
	struct statfs st;

	check(statfs(TOP, &st) == 0);
	if (st.f_type != 0x63677270)
		check_ok(mount("none", TOP, "cgroup2", 0, NULL));
	check_equal(put(".", "cgroup.subtree_control", "+memory"), 0);
	rmdir(path_of(dir, ""));
	check_ok(mkdir(path_of(dir, ""), 0755));
}

static void gone(const char *dir)
{
	for (int i = 0; i < 200 && rmdir(path_of(dir, "")); i++)
		sleep_ms(10);
	check_errno(access(path_of(dir, ""), F_OK), ENOENT);
}

/* A child in the group that runs fn(arg) and exits with its result. */
static pid_t run_in(const char *dir, int (*fn)(unsigned long), unsigned long arg)
{
	pid_t pid = fork();
	char text[16];

	if (pid)
		return pid;
	snprintf(text, sizeof text, "%d", getpid());
	if (put(dir, "cgroup.procs", text))
		_exit(99);
	_exit(fn(arg));
}

static char *touch(unsigned long bytes)
{
	char *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned long i = 0; p != MAP_FAILED && i < bytes; i += 4096)
		p[i] = 1;
	return p;
}

static int touch_and_exit(unsigned long bytes)
{
	touch(bytes);
	return 0;
}

static __attribute__((noreturn)) int touch_and_wait(unsigned long bytes)
{
	touch(bytes);
	while (1)
		pause();
}

static void until_current(const char *dir, long low, long high)
{
	for (int i = 0; i < 500; i++) {
		long now = number(dir, "memory.current");

		if (now >= low && now <= high)
			return;
		sleep_ms(10);
	}
	test_fail(__LINE__, "%s: current is %ld", dir, number(dir, "memory.current"));
}

static void files(void)
{
	static const struct { const char *in; int err; const char *out; } cases[] = {
		{ "1M", 0, "1048576\n" }, { "4097", 0, "4096\n" }, { "0x10000\n", 0, "65536\n" }, { "2g", 0, "2147483648\n" },
		{ "x", EINVAL, NULL }, { "1Q", EINVAL, NULL }, { "1 M", EINVAL, NULL }, { "maximum", EINVAL, NULL },
		{ "max\n", 0, "max\n" },
	};

	make("m-files");
	check(!strcmp(get("m-files", "memory.max"), "max\n"));
	check(!strcmp(get("m-files", "memory.high"), "max\n"));
	check(!strcmp(get("m-files", "memory.min"), "0\n"));
	check(!strcmp(get("m-files", "memory.low"), "0\n"));
	check(!strcmp(get("m-files", "memory.oom.group"), "0\n"));
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int k = 0; k < 4; k++) {
			const char *name = (const char *[]){ "memory.max", "memory.high", "memory.low", "memory.min" }[k];

			check_equal(put("m-files", name, cases[i].in), cases[i].err);
			if (cases[i].out && strcmp(get("m-files", name), cases[i].out))
				test_fail(__LINE__, "%s after '%s' is %s", name, cases[i].in, get("m-files", name));
		}
	check_equal(put("m-files", "memory.oom.group", "2"), EINVAL);
	check_equal(put("m-files", "memory.oom.group", "1"), 0);
	check_equal(put("m-files", "memory.oom.group", "0"), 0);
	check(access(TOP "/memory.max", F_OK) < 0);
	gone("m-files");
}

static void counted(void)
{
	pid_t pid;

	make("m-count");
	pid = run_in("m-count", touch_and_wait, 6 * MB);
	until_current("m-count", 6 * MB, 9 * MB);
	for (int i = 0; i < 500 && value("m-count", "memory.stat", "anon") < 6 * MB; i++)
		sleep_ms(10);	/* Linux sums up every two seconds */
	check(value("m-count", "memory.stat", "anon") >= 6 * MB);
	check(number("m-count", "memory.peak") >= 6 * MB);
	kill(pid, SIGKILL);
	check_equal(wait_for(pid), SIGKILL);
	until_current("m-count", 0, 2 * MB);
	check(number("m-count", "memory.peak") >= 6 * MB);
	gone("m-count");
}

static long number_at(int fd)
{
	char text[32] = "";

	check(pread(fd, text, sizeof text - 1, 0) > 0);
	return atol(text);
}

/* What is written to an open memory.peak begins anew, for its readers alone. */
static void peak_since(void)
{
	int a, b;

	make("m-peak");
	a = open(path_of("m-peak", "memory.peak"), O_RDWR);
	b = open(path_of("m-peak", "memory.peak"), O_RDWR);
	check(a >= 0 && b >= 0);
	check_equal(wait_for(run_in("m-peak", touch_and_exit, 12 * MB)), 0);
	until_current("m-peak", 0, 2 * MB);
	check(number_at(a) >= 12 * MB);
	check_equal(write(a, "reset", 5), 5);
	check(number_at(a) <= 3 * MB);
	check(number_at(b) >= 12 * MB);
	check_equal(wait_for(run_in("m-peak", touch_and_exit, 5 * MB)), 0);
	until_current("m-peak", 0, 2 * MB);
	check(number_at(a) >= 5 * MB && number_at(a) < 12 * MB);
	check_equal(pwrite(b, "x", 1, 0), 1);
	check(number_at(b) <= 3 * MB);
	check(number("m-peak", "memory.peak") >= 12 * MB);
	close(a);
	check(number_at(b) <= 3 * MB);
	close(b);
	gone("m-peak");
}

/* Stacks and what a process costs otherwise count with whoever made it. */
static __attribute__((noreturn)) int be_many(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		if (fork() == 0)
			while (1)
				pause();
	while (1)
		pause();
}

static void kernel_memory(void)
{
	make("m-kernel");
	run_in("m-kernel", be_many, 40);
	for (int i = 0; i < 500 && value("m-kernel", "memory.stat", "kernel_stack") < 40 * 16384; i++)
		sleep_ms(10);
	check(value("m-kernel", "memory.stat", "kernel_stack") >= 40 * 16384);	/* the first came with its own */
	check(value("m-kernel", "memory.stat", "slab") >= 40 * 4096);
	check(value("m-kernel", "memory.stat", "kernel") >= value("m-kernel", "memory.stat", "kernel_stack") +
	      value("m-kernel", "memory.stat", "slab") + value("m-kernel", "memory.stat", "pagetables") / 2);
	check(number("m-kernel", "memory.current") >= 40 * 20480);
	check_equal(put("m-kernel", "cgroup.kill", "1"), 0);
	wait_for(-1);
	for (int i = 0; i < 500 && value("m-kernel", "memory.stat", "kernel_stack"); i++)
		sleep_ms(10);
	check_equal(value("m-kernel", "memory.stat", "kernel_stack"), 0);
	gone("m-kernel");
}

static int write_file(unsigned long bytes)
{
	static char block[65536];
	int fd = open("/root/big", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return 1;
	unlink("/root/big");
	/* Linux gives up on a small group whose pages are all dirty before a slow disk has taken them. */
	for (unsigned long i = 0; i < bytes; i += sizeof block)
		if (write(fd, block, sizeof block) != sizeof block || (i % (2 * MB) == 0 && fsync(fd)))
			return 2;
	lseek(fd, 0, SEEK_SET);
	for (unsigned long i = 0; i < bytes; i += sizeof block)
		if (read(fd, block, sizeof block) != sizeof block)
			return 3;
	return 0;
}

static void file_pages_make_room(void)
{
	make("m-file");
	check_equal(put("m-file", "memory.max", "8M"), 0);
	check_equal(wait_for(run_in("m-file", write_file, 14 * MB)), 0);
	check(number("m-file", "memory.peak") <= 8 * MB);
	check(value("m-file", "memory.events", "max") > 0);
	check_equal(value("m-file", "memory.events", "oom_kill"), 0);
	gone("m-file");
}

static void kills_at_max(void)
{
	pid_t quiet, protected;

	make("m-oom");
	check_equal(put("m-oom", "memory.max", "8M"), 0);
	quiet = run_in("m-oom", touch_and_wait, 1 * MB);
	protected = run_in("m-oom", touch_and_wait, 3 * MB);
	until_current("m-oom", 4 * MB, 8 * MB);
	{
		char name[64];
		int fd;

		snprintf(name, sizeof name, "/proc/%d/oom_score_adj", protected);
		fd = open(name, O_WRONLY);
		check_equal(write(fd, "-1000", 5), 5);
		close(fd);
		snprintf(name, sizeof name, "/proc/%d/oom_score", protected);
		fd = open(name, O_RDONLY);
		check(read(fd, name, sizeof name) >= 2 && name[0] == '0');
		close(fd);
	}
	check_equal(wait_for(run_in("m-oom", touch_and_exit, 32 * MB)), SIGKILL);
	check_equal(value("m-oom", "memory.events", "oom_kill"), 1);
	check(value("m-oom", "memory.events", "oom") >= 1);
	check(number("m-oom", "memory.current") <= 8 * MB);
	check_ok(kill(quiet, 0));
	check_equal(waitpid(quiet, NULL, WNOHANG), 0);
	check_equal(waitpid(protected, NULL, WNOHANG), 0);
	kill(quiet, SIGKILL);
	kill(protected, SIGKILL);
	check_equal(wait_for(quiet), SIGKILL);
	check_equal(wait_for(protected), SIGKILL);
	gone("m-oom");
}

static void parents_limit_counts(void)
{
	make("m-up");
	check_equal(put("m-up", "cgroup.subtree_control", "+memory"), 0);
	check_ok(mkdir(TOP "/m-up/low", 0755));
	check_equal(put("m-up", "memory.max", "6M"), 0);
	check_equal(wait_for(run_in("m-up/low", touch_and_exit, 3 * MB)), 0);
	check_equal(wait_for(run_in("m-up/low", touch_and_exit, 16 * MB)), SIGKILL);
	check_equal(value("m-up", "memory.events", "oom_kill"), 1);
	check_equal(value("m-up/low", "memory.events", "oom_kill"), 1);
	check_equal(value("m-up/low", "memory.events.local", "oom_kill"), 1);
	check_equal(value("m-up", "memory.events.local", "oom_kill"), 0);
	gone("m-up/low");
	gone("m-up");
}

static void ends_together(void)
{
	pid_t other;

	make("m-all");
	check_equal(put("m-all", "memory.max", "6M"), 0);
	check_equal(put("m-all", "memory.oom.group", "1"), 0);
	other = run_in("m-all", touch_and_wait, 1 * MB);
	until_current("m-all", 1 * MB, 6 * MB);
	check_equal(wait_for(run_in("m-all", touch_and_exit, 32 * MB)), SIGKILL);
	check_equal(wait_for(other), SIGKILL);
	check_equal(value("m-all", "memory.events", "oom_group_kill"), 1);
	check(value("m-all", "memory.events", "oom_kill") >= 2);	/* Linux counts the first twice */
	gone("m-all");
}

static void high_holds_back(void)
{
	make("m-high");
	check_equal(put("m-high", "memory.high", "4M"), 0);
	check_equal(wait_for(run_in("m-high", touch_and_exit, 4 * MB + MB / 16)), 0);
	check(value("m-high", "memory.events", "high") > 0);
	check_equal(value("m-high", "memory.events", "oom_kill"), 0);
	/* File pages above it are simply given back. */
	check_equal(wait_for(run_in("m-high", write_file, 8 * MB)), 0);
	check_equal(value("m-high", "memory.events", "oom_kill"), 0);
	gone("m-high");
}

static int read_and_wait(unsigned long bytes)
{
	char block[4096];
	int fd = open("/root/cached", O_RDONLY);

	for (unsigned long i = 0; i < bytes; i += sizeof block)
		if (read(fd, block, sizeof block) != sizeof block)
			return 1;
	while (1)
		pause();
}

static void reclaim_on_demand(void)
{
	static char block[65536];
	int fd = open("/root/cached", O_RDWR | O_CREAT | O_TRUNC, 0600);
	pid_t pid;

	make("m-want");
	for (int i = 0; i < 64; i++)
		check_equal(write(fd, block, sizeof block), sizeof block);
	check_ok(fsync(fd));
	close(fd);
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	check_equal(write(fd, "1", 1), 1);
	close(fd);
	pid = run_in("m-want", read_and_wait, 4 * MB);
	until_current("m-want", 4 * MB, 8 * MB);
	/* Linux gathers these numbers every two seconds. */
	for (int i = 0; i < 400 && value("m-want", "memory.stat", "file") < 4 * MB; i++)
		sleep_ms(10);
	check(value("m-want", "memory.stat", "file") >= 4 * MB);
	check_equal(put("m-want", "memory.reclaim", "nonsense"), EINVAL);
	check_equal(put("m-want", "memory.reclaim", "2M"), 0);
	check(number("m-want", "memory.current") <= 4 * MB);
	check_equal(put("m-want", "memory.reclaim", "1G"), EAGAIN);
	kill(pid, SIGKILL);
	check_equal(wait_for(pid), SIGKILL);
	unlink("/root/cached");
	gone("m-want");
}

static void pressure(void)
{
	char text[512] = "";
	float avg[6];
	unsigned long total[2];
	int fd = open("/proc/pressure/memory", O_RDONLY);

	check_ok(fd);
	check(read(fd, text, sizeof text - 1) > 0);
	check_equal(sscanf(text, "some avg10=%f avg60=%f avg300=%f total=%lu\nfull avg10=%f avg60=%f avg300=%f total=%lu\n",
			   avg, avg + 1, avg + 2, total, avg + 3, avg + 4, avg + 5, total + 1), 8);
	check(total[1] <= total[0]);
	make("m-press");
	check_equal(put("m-press", "memory.max", "8M"), 0);
	check_equal(wait_for(run_in("m-press", write_file, 12 * MB)), 0);
	check_equal(sscanf(get("m-press", "memory.pressure"), "some avg10=%f avg60=%f avg300=%f total=%lu\n",
			   avg, avg + 1, avg + 2, total), 4);
	check(total[0] > 0);
	gone("m-press");
}

static const struct test table[] = {
	{ "files", files }, { "counted", counted }, { "file-pages-make-room", file_pages_make_room },
	{ "kills-at-max", kills_at_max }, { "parents-limit-counts", parents_limit_counts },
	{ "ends-together", ends_together }, { "high-holds-back", high_holds_back },
	{ "reclaim-on-demand", reclaim_on_demand }, { "pressure", pressure },
	{ "peak-since", peak_since }, { "kernel-memory", kernel_memory }, { 0 },
};

TEST_MAIN(table)

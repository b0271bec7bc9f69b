/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits of open files and pipes in /proc/sys/fs (proc(5), pipe(7)): what they refuse to a user, and not to root. The
 * settings are the machine's: a child does the work as somebody, and its parent puts them back before it judges.
 */
#include "test.h"
#include <sys/resource.h>

#define PAGE 4096

static void sysctl_set(const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/sys/fs/%s", name);
	fd = open(path, O_WRONLY);
	check_ok(fd);
	check_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void sysctl_get(const char *name, char *text, int size)
{
	char path[64];
	int fd, n;

	snprintf(path, sizeof path, "/proc/sys/fs/%s", name);
	fd = open(path, O_RDONLY);
	check_ok(fd);
	n = read(fd, text, size - 1);
	check(n > 1);
	text[n - 1] = 0;	/* the newline */
	close(fd);
}

/* Runs work as user 4242 without capabilities while the setting is value; 0, or the line of work that failed. */
static int with_setting(const char *name, const char *value, int (*work)(void))
{
	char before[64];
	pid_t pid;
	int r;

	sysctl_get(name, before, sizeof before);
	sysctl_set(name, value);
	pid = fork();
	if (!pid) {
		if (setgid(4242) || setuid(4242))
			_exit(255);
		_exit(work());
	}
	r = wait_for(pid);
	sysctl_set(name, before);
	return WIFEXITED(r) ? WEXITSTATUS(r) : 254;
}

#define must(c) do { if (!(c)) return __LINE__ & 0xff; } while (0)

static int soft_work(void)
{
	int a[2], b[2], c[2];

	must(!pipe(a) && !pipe(b) && !pipe(c));
	must(fcntl(a[0], F_GETPIPE_SZ) == 16 * PAGE && fcntl(b[0], F_GETPIPE_SZ) == 16 * PAGE);
	/* 40 pages: the third gets the least there is and may not grow. */
	must(fcntl(c[0], F_GETPIPE_SZ) == 2 * PAGE);
	must(fcntl(c[0], F_SETPIPE_SZ, 16 * PAGE) == -1 && errno == EPERM);
	must(fcntl(c[0], F_GETPIPE_SZ) == 2 * PAGE);
	must(fcntl(a[0], F_SETPIPE_SZ, 2 * PAGE) == 2 * PAGE);
	must(fcntl(c[0], F_SETPIPE_SZ, 16 * PAGE) == 16 * PAGE);
	/* What is closed counts no longer. */
	close(b[0]);
	close(b[1]);
	close(c[0]);
	close(c[1]);
	must(!pipe(b) && fcntl(b[0], F_GETPIPE_SZ) == 16 * PAGE);
	return 0;
}

static void pages_soft(void) { check_equal(with_setting("pipe-user-pages-soft", "40", soft_work), 0); }

static int hard_work(void)
{
	int a[2], b[2];

	must(!pipe(a));
	must(pipe(b) == -1 && errno == ENFILE);
	must(fcntl(a[0], F_SETPIPE_SZ, 32 * PAGE) == -1 && errno == EPERM);
	must(fcntl(a[0], F_SETPIPE_SZ, 4 * PAGE) == 4 * PAGE);
	must(!pipe(b));
	return 0;
}

static void pages_hard(void) { check_equal(with_setting("pipe-user-pages-hard", "20", hard_work), 0); }

static int max_size_work(void)
{
	int a[2];

	must(!pipe(a));
	must(fcntl(a[0], F_SETPIPE_SZ, 131072) == 131072);
	must(fcntl(a[0], F_SETPIPE_SZ, 131073) == -1 && errno == EPERM);
	must(fcntl(a[0], F_SETPIPE_SZ, 1) == PAGE);
	must(fcntl(a[0], F_SETPIPE_SZ, 0x80000001u) == -1 && errno == EINVAL);
	return 0;
}

static void max_size(void)
{
	char text[64];
	int fd = open("/proc/sys/fs/pipe-max-size", O_WRONLY), a[2];

	check_errno(write(fd, "x", 1), EINVAL);
	sysctl_get("pipe-max-size", text, sizeof text);
	check_equal(atoi(text), 1 << 20);
	/* Rounded up to 131072. */
	check_equal(with_setting("pipe-max-size", "100000", max_size_work), 0);
	sysctl_get("pipe-max-size", text, sizeof text);
	check_equal(atoi(text), 1 << 20);
	check_ok(pipe(a));
	check_equal(fcntl(a[1], F_SETPIPE_SZ, 1 << 21), 1 << 21);
}

static void root_is_free(void)
{
	char soft[64];
	int a[2], b[2];

	sysctl_get("pipe-user-pages-soft", soft, sizeof soft);
	sysctl_set("pipe-user-pages-soft", "1");
	int made = pipe(a) || pipe(b) ? -1 : fcntl(b[0], F_GETPIPE_SZ);

	sysctl_set("pipe-user-pages-soft", soft);
	check_equal(made, 16 * PAGE);
}

static int no_files_work(void)
{
	int n = 0;

	/* Linux looks at a rough count first. */
	while (n < 600 && open("/", O_RDONLY) >= 0)
		n++;
	must(n < 600 && errno == ENFILE);
	must(open("/tmp", O_PATH) == -1 && errno == ENFILE);
	must(open("new", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENFILE);
	must(access("new", F_OK) == -1 && errno == ENOENT);
	return 0;
}

static void file_max(void)
{
	char before[64];
	int fd;

	check_ok(chmod(".", 0777));
	check_equal(with_setting("file-max", "1", no_files_work), 0);
	sysctl_get("file-max", before, sizeof before);
	sysctl_set("file-max", "1");
	fd = open("/", O_RDONLY);
	sysctl_set("file-max", before);
	check_ok(fd);
}

static void file_nr(void)
{
	char text[64];
	long open_files, unused, most;

	sysctl_get("file-nr", text, sizeof text);
	check_equal(sscanf(text, "%ld %ld %ld", &open_files, &unused, &most), 3);
	check_equal(unused, 0);
	check(most >= 8192);
	/* Linux sums its CPUs' counts roughly: far more files than it may be off by. */
	for (int i = 0; i < 600; i++)
		check_ok(open("/", O_PATH));
	sysctl_get("file-nr", text, sizeof text);
	check(atol(text) >= open_files + 400);
}

static int nr_open_work(void)
{
	struct rlimit r = { 64, 64 };

	must(!setrlimit(RLIMIT_NOFILE, &r));
	return 0;
}

static void nr_open(void)
{
	struct rlimit r = { 64, 1 << 20 }, high = { 64, (1 << 20) + 1 }, now;
	char before[64];

	sysctl_get("nr_open", before, sizeof before);
	check_equal(atoi(before), 1 << 20);
	check_ok(setrlimit(RLIMIT_NOFILE, &r));
	check_errno(setrlimit(RLIMIT_NOFILE, &high), EPERM);
	check_ok(getrlimit(RLIMIT_NOFILE, &now));
	check_equal(now.rlim_max, 1 << 20);
	check_equal(with_setting("nr_open", "4096", nr_open_work), 0);
	sysctl_set("nr_open", "4096");
	high.rlim_max = 4097;

	int err = setrlimit(RLIMIT_NOFILE, &high) ? errno : 0;

	sysctl_set("nr_open", before);
	check_equal(err, EPERM);
}

static const struct test table[] = {
	{ "pages-soft", pages_soft }, { "pages-hard", pages_hard }, { "max-size", max_size }, { "root", root_is_free },
	{ "file-max", file_max }, { "file-nr", file_nr }, { "nr-open", nr_open },
	{ 0 },
};

TEST_MAIN(table)

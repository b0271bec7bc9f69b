/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No address of the kernel reaches a program without privileges: not in what calls fill (fill.h), not in any file of /proc and
 * /sys that nobody's programs may read, as bytes or as text, and not in the log.
 */
#include "fill.h"
#include <ctype.h>
#include <dirent.h>

#define NOBODY 65534

/*
 * The kernel's linear map, areas and image on the three, of Linux and of Trivet. What looks like a small negative number, or
 * like one behind a 0, is none; nor is kernel.shmall's limit.
 */
static bool is_kernel(uint64_t v)
{
	return (v >= 0xffff000000000000 && v < 0xfffff00000000000) ||
	       (v >= 0xffffffff80000000 && v < 0xffffffffffe00000 && v != 0xfffffffffeffffff);
}

static void tell(const char *where, int at, uint64_t v)
{
	test_fail(at, "%s has 0x%llx, an address of the kernel", where, (unsigned long long)v);
}

static void scan_bytes(const char *where, const char *b, int n)
{
	for (int i = 0; i + 8 <= n; i += 4) {
		uint64_t v;

		memcpy(&v, b + i, 8);
		if (is_kernel(v))
			tell(where, i, v);
	}
}

/* Numbers of 16 hexadecimal digits, and decimal ones of 19 or 20, with or without a sign. */
static void scan_text(const char *where, const char *b, int n)
{
	for (int i = 0; i < n;) {
		int hex = 0, dec = 0;

		while (i + hex < n && isxdigit((unsigned char)b[i + hex]))
			hex++;
		while (i + dec < n && isdigit((unsigned char)b[i + dec]))
			dec++;
		if (hex == 16) {
			uint64_t v = strtoull(strndup(b + i, 16), NULL, 16);

			if (is_kernel(v))
				tell(where, i, v);
		}
		if (dec == hex && dec == 20 && b[i] == '1') {
			uint64_t v = strtoull(strndup(b + i, 20), NULL, 10);

			if (is_kernel(v))
				tell(where, i, v);
		}
		if (dec == hex && dec >= 13 && dec < 20 && i && b[i - 1] == '-') {
			uint64_t v = -strtoull(strndup(b + i, dec), NULL, 10);

			if (is_kernel(v))
				tell(where, i, v);
		}
		i += hex ? hex : 1;
	}
}

static const struct fill *chosen;

static void become_nobody(void)
{
	check_ok(chmod(".", 0777));
	check_ok(setgid(NOBODY));
	check_ok(setuid(NOBODY));
	check_ok(prctl(PR_SET_DUMPABLE, 1));
}

static void look(void)
{
	static char b[FILL_BYTES];
	int n;

	alarm(60);
	become_nobody();
	memset(b, FILL_BLANK, sizeof b);
	n = chosen->run(b);
	scan_bytes(chosen->name, b, n);
	scan_text(chosen->name, b, n);
}

static unsigned files;

static void scan_file(const char *path)
{
	static char b[1 << 18];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY), n = 0, got;

	if (fd < 0)
		return;
	while (n < (int)sizeof b && (got = read(fd, b + n, sizeof b - n > 65536 ? 65536 : sizeof b - n)) > 0)
		n += got;
	close(fd);
	files++;
	scan_bytes(path, b, n);
	scan_text(path, b, n);
}

static bool is_number(const char *s)
{
	while (isdigit((unsigned char)*s))
		s++;
	return !*s;
}

/* Of processes our own, the first and the second: the others' are the same. */
static bool is_worth(const char *dir, const char *name)
{
	if (!strcmp(dir, "/proc") && is_number(name))
		return !strcmp(name, "1") || !strcmp(name, "2") || atoi(name) == getpid();
	return strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "kmsg") && strcmp(name, "thread-self") &&
	       strcmp(name, "clear_refs") && strcmp(name, "trace_pipe") && strcmp(name, "pagemap") &&
	       strcmp(name, "boot_params") && strcmp(name, "notes");	/* of the linked image: Xen's place for it */
}

static void scan_tree(const char *dir, int depth)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];
	struct stat st;

	while (d && (e = readdir(d))) {
		if (!is_worth(dir, e->d_name) || snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path)
			continue;
		scan_bytes(path, e->d_name, strlen(e->d_name));
		scan_text(path, e->d_name, strlen(e->d_name));
		if (lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode) && depth < 12)
			scan_tree(path, depth + 1);
		else if (S_ISREG(st.st_mode))
			scan_file(path);
	}
	if (d)
		closedir(d);
}

static void proc(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "address" };

	alarm(100);
	become_nobody();
	/* A row for /proc/net/unix. */
	check_ok(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name));
	scan_tree("/proc", 0);
	check(files > 80);
}

static void sys(void)
{
	alarm(100);
	become_nobody();
	scan_tree("/sys", 0);
	check(files > 20);
}

/* The scanner finds what it is to find. */
static void finds_planted(void)
{
	uint64_t v = 0xffff888001234568;
	char text[100];
	int n, status, report = test_report;

	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			test_report = open("/dev/null", O_WRONLY);
			n = snprintf(text, sizeof text, i == 1 ? "a %llx b" : i == 2 ? "%llu\n" : "%lld\n", (unsigned long long)v);
			if (i == 0)
				scan_bytes("planted", (char *)&v, 8);
			else if (i < 4)
				scan_text("planted", text, n);
			else
				scan_text("nothing", "ffffffffffffffff 18446744073709551615 -1 ffff 1234567812345678", 60);
			_exit(0);
		}
		status = wait_for(pid);
		check_equal(WEXITSTATUS(status), i < 4);
	}
	check(report == test_report);
}

int main(int argc, char **argv)
{
	static const struct test more[] = {
		{ "finds_planted", finds_planted }, { "proc", proc }, { "sys", sys }, {},
	};
	struct test table[2] = { { NULL, look } };

	if (fill_is_child(argc, argv))
		return 0;
	for (chosen = fills; chosen->name; chosen++) {
		table[0].name = chosen->name;
		test_main(argc, argv, table);
	}
	return test_main(argc, argv, more);
}

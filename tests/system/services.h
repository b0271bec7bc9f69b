/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of init and svctl: each case starts an init of its own with its own units,
 * directories and control groups, as the reaper of its descendants, and ends it again. Needs
 * /sbin/init and /bin/svctl (or INIT_BIN, SVCTL_BIN) and root.
 */
#ifndef TESTS_SYSTEM_SERVICES_H
#define TESTS_SYSTEM_SERVICES_H

#include "test.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

static char home[100], group_root[100];
static pid_t init_pid;

static const char *init_bin(void)
{
	return getenv("INIT_BIN") ? getenv("INIT_BIN") : "/sbin/init";
}

/* Waits until the condition holds, 10 s at most. */
#define wait_until(c) do { \
	long long end_ = now_ms() + 10000; \
	while (!(c)) { \
		if (now_ms() > end_) \
			test_fail(__LINE__, "never came: %s; %s", #c, svctl("list | tail -n 3")); \
		sleep_ms(10); \
	} \
} while (0)

/* The file's text, "" when there is none; static buffer. */
static char *slurp(const char *path)
{
	static char text[16384];
	int fd = open(path, O_RDONLY), n = 0, got;

	while (fd >= 0 && n < (int)sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += got;
	if (fd >= 0)
		close(fd);
	text[n] = 0;
	return text;
}

__attribute__((format(printf, 2, 3)))
static void write_text(const char *path, const char *format, ...)
{
	char text[4000];
	va_list ap;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755), n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	check(fd >= 0 && write(fd, text, n) == n);
	close(fd);
}

/* A unit file; "@" before a slash stands for the case's directory. */
static void unit(const char *name, const char *text)
{
	char path[200], out[4000];
	int n = 0;

	for (; *text; text++)
		if (text[0] == '@' && text[1] == '/')
			n += snprintf(out + n, sizeof out - n, "%s", home);
		else
			out[n++] = *text;
	out[n] = 0;
	snprintf(path, sizeof path, "%s/u/%s", home, name);
	write_text(path, "%s", out);
}

static char self[200];	/* this program: find_self() */

__attribute__((unused)) static void find_self(void)
{
	int n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n > 0 ? n : 0] = 0;
}

/* unit(), with SELF replaced by this program. */
__attribute__((unused)) static void unit_self(const char *name, const char *text)
{
	char out[3000];
	int n = 0;

	for (; *text; text++)
		if (!strncmp(text, "SELF", 4)) {
			n += snprintf(out + n, sizeof out - n, "%s act", self);
			text += 3;
		} else {
			out[n++] = *text;
		}
	out[n] = 0;
	unit(name, out);
}

__attribute__((unused)) static int lines_of(const char *path)
{
	int n = 0;

	for (const char *at = slurp(path); *at; at++)
		n += *at == '\n';
	return n;
}

static int svctl_status;

/* Runs svctl with those words (a shell reads them); what it printed. */
__attribute__((format(printf, 1, 2)))
static char *svctl(const char *format, ...)
{
	static char out[16384];
	char words[600], command[900];
	va_list ap;
	FILE *f;
	int n;

	va_start(ap, format);
	vsnprintf(words, sizeof words, format, ap);
	va_end(ap);
	snprintf(command, sizeof command, "INIT_RUN=%s/run %s %s 2>&1", home,
		 getenv("SVCTL_BIN") ? getenv("SVCTL_BIN") : "/bin/svctl", words);
	f = popen(command, "r");
	check(f);
	n = fread(out, 1, sizeof out - 1, f);
	out[n] = 0;
	n = pclose(f);
	svctl_status = WIFEXITED(n) ? WEXITSTATUS(n) : -1;
	return out;
}

/* One field of a unit as svctl --json shows it. */
static char *get(const char *name, const char *key)
{
	static char value[400];
	char pattern[60], *at = svctl("--json list '%s'", name);

	value[0] = 0;
	snprintf(pattern, sizeof pattern, "\"%s\":", key);
	at = strstr(at, pattern);
	if (!at)
		return value;
	at += strlen(pattern);
	if (*at == '"')
		snprintf(value, sizeof value, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
	else
		snprintf(value, sizeof value, "%.*s", (int)strcspn(at, ",}"), at);
	return value;
}

static bool is_state(const char *name, const char *state)
{
	return !strcmp(get(name, "state"), state);
}

__attribute__((unused)) static int main_pid(const char *name)
{
	return atoi(get(name, "pid"));
}

/* It runs as another process than OLD. */
__attribute__((unused)) static bool is_another(const char *name, int old)
{
	int pid = main_pid(name);

	return pid && pid != old;
}

static char *in_home(const char *name)
{
	static char paths[4][200];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", home, name);
	return paths[turn];
}

static void delegate(const char *dir)
{
	static const char *const words[] = { "+cpu", "+memory", "+pids", "+io" };
	char path[200];

	snprintf(path, sizeof path, "%s/cgroup.subtree_control", dir);
	for (int i = 0; i < 4; i++) {
		int fd = open(path, O_WRONLY);

		if (fd >= 0 && write(fd, words[i], strlen(words[i])) < 0)
			errno = 0;	/* a controller may be missing */
		if (fd >= 0)
			close(fd);
	}
}

static void make_home(void)
{
	const char *root = getenv("GROUP_ROOT") ? getenv("GROUP_ROOT") : "/sys/fs/cgroup";

	snprintf(home, sizeof home, "/tmp/services-%d", (int)getpid());
	check_ok(mkdir(home, 0777));
	check_ok(chmod(home, 0777));
	check_ok(mkdir(in_home("u"), 0755));
	if (access(group_root, F_OK) || !group_root[0]) {
		char probe[120];

		snprintf(probe, sizeof probe, "%s/cgroup.procs", root);
		if (access(probe, F_OK))
			check_ok(mount("cgroup2", root, "cgroup2", 0, NULL));
		delegate(root);
	}
	snprintf(group_root, sizeof group_root, "%s/services-%d", root, (int)getpid());
	check_ok(mkdir(group_root, 0755));
}

__attribute__((unused)) static void launch(const char *more)
{
	if (getenv("SVCTL_BIN")) {	/* on a machine without our files */
		char path[200];

		snprintf(path, sizeof path, "%.*s/balance", (int)(strrchr(init_bin(), '/') - init_bin()), init_bin());
		setenv("INIT_BALANCE", path, 1);
	}
	init_pid = fork();
	if (!init_pid) {
		char *argv[] = { (char *)init_bin(), "--units", in_home("u"), "--run", in_home("run"), "--log",
			in_home("log"), "--group", group_root, "--no-mounts", "--quiet", (char *)more, NULL };
		int out = open(in_home("out"), O_WRONLY | O_CREAT | O_APPEND, 0644);

		dup2(out, 1);
		dup2(out, 2);
		execv(argv[0], argv);
		_exit(9);
	}
	wait_until(!access(in_home("run/control"), F_OK));
}

/* Starts init with the units written so far; default.target wants `wanted`. */
static void boot(const char *wanted)
{
	char text[600];

	snprintf(text, sizeof text, "[Unit]\nWants=%s\n", wanted);
	if (*wanted)
		unit("default.target", text);
	else
		unit("default.target", "[Unit]\nDescription=empty\n");
	launch(NULL);
	wait_until(is_state("default.target", "running"));
}

/* Ends it: everything must be gone. */
static void end(void)
{
	check_ok(kill(init_pid, SIGTERM));
	check_equal(wait_for(init_pid), 0);
}

static void begin(void)
{
	make_home();
}

#endif

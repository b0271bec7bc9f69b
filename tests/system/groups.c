/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup v2: the tree, members, controllers, pids limits, events, freezing, killing, delegation. */
#include "test.h"
#include <dirent.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define TOP "/sys/fs/cgroup"

static void mounted(void)
{
	struct statfs st;

	check(statfs(TOP, &st) == 0);
	if (st.f_type != 0x63677270)
		check_ok(mount("none", TOP, "cgroup2", 0, NULL));
}

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
	static char text[2][8192];
	static int turn;
	char path[256], *t = text[turn ^= 1];
	int fd, n;

	snprintf(path, sizeof path, TOP "/%s/%s", dir, file);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : (int)read(fd, t, sizeof text[0] - 1);
	close(fd);
	if (n < 0)
		return "unreadable";
	t[n] = 0;
	return t;
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = strstr(text, word); s; s = strstr(s + 1, word))
		if ((s == text || s[-1] == ' ' || s[-1] == '\n') && (!s[n] || s[n] == ' ' || s[n] == '\n'))
			return true;
	return false;
}

/* A fresh directory with everything of an earlier run gone. */
static void make(const char *dir)
{
	char path[256];

	mounted();
	snprintf(path, sizeof path, TOP "/%s", dir);
	put(dir, "cgroup.kill", "1");
	for (int i = 0; i < 100 && rmdir(path) && errno == EBUSY; i++)
		sleep_ms(20);
	check_ok(mkdir(path, 0755));
}

static void gone(const char *dir)
{
	char path[256];

	snprintf(path, sizeof path, TOP "/%s", dir);
	for (int i = 0; i < 200 && rmdir(path); i++) {
		check_equal(errno, EBUSY);
		sleep_ms(10);
	}
	check_errno(access(path, F_OK), ENOENT);
}

static pid_t sleeper(const char *dir)
{
	char number[16];
	pid_t pid = fork();

	if (!pid)
		while (1)
			pause();
	snprintf(number, sizeof number, "%d", pid);
	check_equal(put(dir, "cgroup.procs", number), 0);
	return pid;
}

static void kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	check_equal(wait_for(pid), SIGKILL);
}

static void until(const char *dir, const char *file, const char *line)
{
	for (int i = 0; i < 500 && !strstr(get(dir, file), line); i++)
		sleep_ms(10);
	if (!strstr(get(dir, file), line))
		test_fail(__LINE__, "%s/%s lacks '%s': %s", dir, file, line, get(dir, file));
}

static void tree(void)
{
	struct stat st;

	make("t-tree");
	check_errno(mkdir(TOP "/t-tree", 0755), EEXIST);
	check_ok(mkdir(TOP "/t-tree/b", 0755));
	check_ok(stat(TOP "/t-tree", &st));
	check(S_ISDIR(st.st_mode));
	check_errno(rmdir(TOP "/t-tree"), EBUSY);
	check_errno(mkdir(TOP "/t-tree/b/", 0755), EEXIST);
	check_errno(open(TOP "/t-tree/made-up", O_CREAT | O_RDWR, 0644), EACCES);
	check_errno(unlink(TOP "/t-tree/cgroup.procs"), EPERM);
	check(strstr(get("t-tree", "cgroup.stat"), "nr_descendants 1\n"));
	check_ok(rmdir(TOP "/t-tree/b"));
	check_errno(rmdir(TOP "/t-tree/b"), ENOENT);
	gone("t-tree");
}

/* Every name that readdir tells can be looked up, none twice. */
static void listing(void)
{
	char seen[64][64], path[400];
	struct dirent *e;
	int n = 0;
	DIR *d;

	make("t-list");
	check_ok(mkdir(TOP "/t-list/one", 0755));
	check_ok(mkdir(TOP "/t-list/two", 0755));
	d = opendir(TOP "/t-list");
	check(d);
	while ((e = readdir(d)) && n < 64) {
		snprintf(path, sizeof path, TOP "/t-list/%s", e->d_name);
		check_ok(access(path, F_OK));
		for (int i = 0; i < n; i++)
			check(strcmp(seen[i], e->d_name));
		snprintf(seen[n++], sizeof seen[0], "%.60s", e->d_name);
	}
	closedir(d);
	n = 0;
	for (int i = 0; i < 64; i++)
		n += !strcmp(seen[i], "cgroup.procs") || !strcmp(seen[i], "cgroup.threads") ||
		     !strcmp(seen[i], "cgroup.events") || !strcmp(seen[i], "one") || !strcmp(seen[i], "two");
	check_equal(n, 5);
	rmdir(TOP "/t-list/one");
	rmdir(TOP "/t-list/two");
	gone("t-list");
}

static void members(void)
{
	char number[16], path[256], line[300];
	pid_t pid;
	FILE *f;

	make("t-members");
	pid = sleeper("t-members");
	snprintf(number, sizeof number, "%d", pid);
	check(has_word(get("t-members", "cgroup.procs"), number));
	check(has_word(get("t-members", "cgroup.threads"), number));
	check(!has_word(get(".", "cgroup.procs"), number));
	snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	f = fopen(path, "r");
	check(f && fgets(line, sizeof line, f));
	fclose(f);
	check(strstr(line, "0::") && strstr(line, "/t-members\n"));
	check_errno(rmdir(TOP "/t-members"), EBUSY);
	check_equal(put("t-members", "cgroup.procs", "99999999"), ESRCH);
	check_equal(put("t-members", "cgroup.procs", "me"), EINVAL);
	check_equal(put("t-members", "cgroup.procs", "0"), 0);
	check_equal(put(".", "cgroup.procs", "0\n"), 0);
	check_equal(put(".", "cgroup.procs", number), 0);
	check_equal(strlen(get("t-members", "cgroup.procs")), 0);
	kill_and_wait(pid);
	gone("t-members");
}

/* SYS_clone3, 435 on all, which the library does not know. */
struct clone3_args {
	unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* The child's number in the parent, -1 with errno; the child waits until it is killed. */
static pid_t clone_into(unsigned long long fd, unsigned long long flags, size_t size)
{
	struct clone3_args a = { .flags = flags | 0x200000000ull, .exit_signal = SIGCHLD, .cgroup = fd };
	long pid = syscall(435, &a, size);

	if (pid == 0)
		while (1)
			pause();
	return (pid_t)pid;
}

/* CLONE_INTO_CGROUP: born in another group, counted and limited there. */
static void born_elsewhere(void)
{
	char number[16];
	pid_t pid;
	int fd, gone_fd;

	make("t-born");
	fd = open(TOP "/t-born", O_RDONLY | O_DIRECTORY);
	check(fd >= 0);
	check((pid = clone_into(fd, 0, sizeof(struct clone3_args))) > 0);
	snprintf(number, sizeof number, "%d", pid);
	check(has_word(get("t-born", "cgroup.procs"), number));
	check(!has_word(get(".", "cgroup.procs"), number));
	check_errno(rmdir(TOP "/t-born"), EBUSY);
	kill_and_wait(pid);
	check_equal(strlen(get("t-born", "cgroup.procs")), 0);
	check(clone_into(fd, 0, 80) == -1 && errno == EINVAL);		/* a struct from before there was the word */
	check(clone_into(1ull << 32, 0, sizeof(struct clone3_args)) == -1 && errno == EINVAL);
	check(clone_into(9999, 0, sizeof(struct clone3_args)) == -1 && errno == EBADF);
	gone_fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	check(clone_into(gone_fd, 0, sizeof(struct clone3_args)) == -1 && errno == EBADF);
	close(gone_fd);
	gone("t-born");
	check(clone_into(fd, 0, sizeof(struct clone3_args)) == -1 && errno == ENOENT);
	close(fd);
}

/* Children are born where their parent is. */
static void inheritance(void)
{
	int fd[2], status;
	pid_t pid;

	make("t-born");
	check_ok(pipe(fd));
	pid = fork();
	if (!pid) {
		if (put("t-born", "cgroup.procs", "0"))
			_exit(1);
		pid_t child = fork();

		if (!child) {
			char number[16];

			snprintf(number, sizeof number, "%d", getpid());
			_exit(has_word(get("t-born", "cgroup.procs"), number) ? 7 : 8);
		}
		_exit(wait_for(child) >> 8);
	}
	status = wait_for(pid);
	check_equal(WEXITSTATUS(status), 7);
	gone("t-born");
}

static void controllers(void)
{
	make("t-ctl");
	check(has_word(get(".", "cgroup.controllers"), "pids"));
	check_equal(put(".", "cgroup.subtree_control", "+pids"), 0);
	check(has_word(get(".", "cgroup.subtree_control"), "pids"));
	check(has_word(get("t-ctl", "cgroup.controllers"), "pids"));
	check_ok(access(TOP "/t-ctl/pids.max", F_OK));
	check_ok(mkdir(TOP "/t-ctl/low", 0755));
	check_errno(access(TOP "/t-ctl/low/pids.max", F_OK), ENOENT);
	check_equal(put("t-ctl/low", "cgroup.subtree_control", "+pids"), ENOENT);
	check_equal(put("t-ctl", "cgroup.subtree_control", "+nonsense"), EINVAL);
	check_equal(put("t-ctl", "cgroup.subtree_control", "pids"), EINVAL);
	check_equal(put("t-ctl", "cgroup.subtree_control", "+pids"), 0);
	check_ok(access(TOP "/t-ctl/low/pids.max", F_OK));
	check_equal(put("t-ctl/low", "pids.max", "5"), 0);
	check_equal(put("t-ctl", "cgroup.subtree_control", "-pids"), 0);
	check_errno(access(TOP "/t-ctl/low/pids.max", F_OK), ENOENT);
	check_equal(put("t-ctl", "cgroup.subtree_control", "+pids"), 0);
	check(!strcmp(get("t-ctl/low", "pids.max"), "max\n"));	/* back to none */
	rmdir(TOP "/t-ctl/low");
	gone("t-ctl");
}

/* Members beside children that have members: then nobody shares the group's controllers out, as on Linux. */
static void leaves_only(void)
{
	pid_t above, below;

	make("t-leaf");
	check_equal(put(".", "cgroup.subtree_control", "+pids"), 0);
	check_ok(mkdir(TOP "/t-leaf/low", 0755));
	above = sleeper("t-leaf");
	check_equal(put("t-leaf", "cgroup.subtree_control", "+pids"), 0);
	check_equal(put("t-leaf", "cgroup.subtree_control", "-pids"), 0);
	below = sleeper("t-leaf/low");
	check_equal(put("t-leaf", "cgroup.subtree_control", "+pids"), EBUSY);
	kill_and_wait(above);
	check_equal(put("t-leaf", "cgroup.subtree_control", "+pids"), 0);
	check_equal(put("t-leaf", "cgroup.procs", "0"), EBUSY);
	kill_and_wait(below);
	until("t-leaf/low", "cgroup.events", "populated 0\n");
	check_equal(put("t-leaf", "cgroup.procs", "0"), 0);
	check_equal(put(".", "cgroup.procs", "0"), 0);
	check_ok(rmdir(TOP "/t-leaf/low"));
	gone("t-leaf");
}

static void pids_limit(void)
{
	pid_t pid;
	int status;

	make("t-pids");
	check_equal(put(".", "cgroup.subtree_control", "+pids"), 0);
	check(!strcmp(get("t-pids", "pids.max"), "max\n"));
	check_equal(put("t-pids", "pids.max", "-3"), EINVAL);
	check_equal(put("t-pids", "pids.max", "2"), 0);
	check(!strcmp(get("t-pids", "pids.max"), "2\n"));
	pid = fork();
	if (!pid) {
		pid_t one, two;

		if (put("t-pids", "cgroup.procs", "0"))
			_exit(1);
		one = fork();
		if (!one)
			while (1)
				pause();
		two = fork();
		_exit(one > 0 && two < 0 && errno == EAGAIN && !strcmp(get("t-pids", "pids.current"), "2\n") ? 9 : 2);
	}
	status = wait_for(pid);
	check_equal(WEXITSTATUS(status), 9);
	check(strstr(get("t-pids", "pids.events"), "max 1\n"));
	/* Moving in is not refused, as on Linux; forking there is. */
	check_equal(put("t-pids", "pids.max", "0"), 0);
	kill_and_wait(sleeper("t-pids"));
	check_equal(put("t-pids", "cgroup.kill", "1"), 0);
	gone("t-pids");
}

static void events(void)
{
	struct pollfd p = { .events = POLLPRI };
	char text[100];
	pid_t pid;

	make("t-events");
	p.fd = open(TOP "/t-events/cgroup.events", O_RDONLY);
	check(p.fd >= 0);
	check(read(p.fd, text, sizeof text) > 0);
	check(!strncmp(text, "populated 0\n", 12));
	check_equal(poll(&p, 1, 0), 0);
	pid = sleeper("t-events");
	check_equal(poll(&p, 1, 5000), 1);
	check(p.revents & POLLPRI);
	check_equal(lseek(p.fd, 0, SEEK_SET), 0);
	check(read(p.fd, text, sizeof text) > 0);
	check(!strncmp(text, "populated 1\n", 12));
	kill(pid, SIGKILL);
	check_equal(poll(&p, 1, 5000), 1);
	wait_for(pid);
	until("t-events", "cgroup.events", "populated 0\n");
	gone("t-events");
	check_errno(pread(p.fd, text, sizeof text, 0), ENODEV);
}

static void freeze(void)
{
	char number[16], c;
	int p[2], ticks = 0;
	pid_t pid;

	make("t-freeze");
	check_ok(pipe(p));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (!pid)
		while (1) {
			if (write(p[1], "x", 1) != 1)
				_exit(1);
			sleep_ms(2);
		}
	snprintf(number, sizeof number, "%d", pid);
	check_equal(put("t-freeze", "cgroup.procs", number), 0);
	check_equal(put("t-freeze", "cgroup.freeze", "2"), ERANGE);
	check_equal(put("t-freeze", "cgroup.freeze", "1"), 0);
	until("t-freeze", "cgroup.events", "frozen 1\n");
	while (read(p[0], &c, 1) == 1)
		;
	sleep_ms(50);
	check_errno(read(p[0], &c, 1), EAGAIN);	/* it stands still */
	check_equal(put("t-freeze", "cgroup.freeze", "0"), 0);
	until("t-freeze", "cgroup.events", "frozen 0\n");
	for (int i = 0; i < 500 && ticks < 3; i++) {
		ticks += read(p[0], &c, 1) == 1;
		sleep_ms(1);
	}
	check_equal(ticks, 3);			/* its sleep went on */
	/* A frozen group's new member freezes; a killed one dies. */
	check_equal(put("t-freeze", "cgroup.freeze", "1"), 0);
	until("t-freeze", "cgroup.events", "frozen 1\n");
	kill_and_wait(pid);
	pid = sleeper("t-freeze");
	until("t-freeze", "cgroup.events", "frozen 1\n");
	check_equal(put(".", "cgroup.procs", (snprintf(number, sizeof number, "%d", pid), number)), 0);
	kill_and_wait(pid);
	gone("t-freeze");
}

static void kill_all(void)
{
	pid_t pid[4];

	make("t-kill");
	check_ok(mkdir(TOP "/t-kill/low", 0755));
	for (int i = 0; i < 4; i++)
		pid[i] = sleeper(i & 1 ? "t-kill" : "t-kill/low");
	check_equal(put("t-kill", "cgroup.kill", "0"), ERANGE);
	check_equal(put("t-kill", "cgroup.kill", "1"), 0);
	for (int i = 0; i < 4; i++)
		check_equal(wait_for(pid[i]), SIGKILL);
	until("t-kill", "cgroup.events", "populated 0\n");
	check_ok(rmdir(TOP "/t-kill/low"));
	gone("t-kill");
}

static void tree_limits(void)
{
	make("t-max");
	check_equal(put("t-max", "cgroup.max.depth", "1"), 0);
	check_equal(put("t-max", "cgroup.max.descendants", "2"), 0);
	check_ok(mkdir(TOP "/t-max/a", 0755));
	check_errno(mkdir(TOP "/t-max/a/b", 0755), EAGAIN);
	check_ok(mkdir(TOP "/t-max/c", 0755));
	check_errno(mkdir(TOP "/t-max/d", 0755), EAGAIN);
	check_equal(put("t-max", "cgroup.max.depth", "-1"), ERANGE);
	check_ok(rmdir(TOP "/t-max/a"));
	check_ok(rmdir(TOP "/t-max/c"));
	gone("t-max");
}

/* A subtree given to a user: it moves its processes inside, not out and not in. */
static void delegation(void)
{
	int status;
	pid_t pid;

	make("t-user");
	check_ok(mkdir(TOP "/t-user/a", 0755));
	check_ok(chown(TOP "/t-user", 1000, 1000));
	check_ok(chown(TOP "/t-user/cgroup.procs", 1000, 1000));
	check_ok(chown(TOP "/t-user/a/cgroup.procs", 1000, 1000));
	pid = fork();
	if (!pid) {
		if (put("t-user/a", "cgroup.procs", "0"))
			_exit(1);
		if (setgid(1000) || setuid(1000))
			_exit(2);
		if (mkdir(TOP "/t-user/mine", 0755))
			_exit(3);
		if (put("t-user/mine", "cgroup.procs", "0"))
			_exit(4);
		if (put("t-user/a", "cgroup.procs", "0"))
			_exit(5);
		if (put(".", "cgroup.procs", "0") != EACCES)
			_exit(6);
		if (put("t-user", "cgroup.freeze", "1") != EACCES)
			_exit(7);
		if (rmdir(TOP "/t-user/mine"))
			_exit(8);
		_exit(0);
	}
	status = wait_for(pid);
	check_equal(WEXITSTATUS(status), 0);
	check_ok(rmdir(TOP "/t-user/a"));
	gone("t-user");
}

static const struct test table[] = {
	{ "tree", tree }, { "listing", listing }, { "members", members }, { "born", born_elsewhere },
	{ "inheritance", inheritance },
	{ "controllers", controllers }, { "leaves-only", leaves_only }, { "pids-limit", pids_limit },
	{ "events", events }, { "freeze", freeze }, { "kill", kill_all }, { "tree-limits", tree_limits },
	{ "delegation", delegation },
	{ 0 },
};

TEST_MAIN(table)

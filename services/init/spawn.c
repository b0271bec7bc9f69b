/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a unit's keys to a process: everything is prepared in the parent; the child shares its
 * memory until it executes the program (as vfork does), so that PID 1 is never copied. What fails
 * in the child is written where the parent reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define ENV_MAX 96

static int null_fd = -1;	/* /dev/null, once it was needed */

struct child {
	struct unit *u;
	char **argv, *env[ENV_MAX];
	int in, out, err, group, passed[LISTEN_MAX + 1];
	unsigned int env_count, passed_count;
	bool has_user, makes_tty_own;
	uid_t uid;
	gid_t gid, groups[64];
	int group_count;
	char listen_pid[32];
	const char *failed;	/* what did not work in the child */
	int error;
	struct arena arena;	/* for the environment */
};

/* ---- in the child: system calls only ------------------------------------------------------------ */

static int adjust_oom_score(int64_t score)
{
	char text[16];
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof text, "%d", (int)score), error = 0;

	if (fd < 0)
		return -1;
	if (write(fd, text, n) != n)
		error = -1;
	close(fd);
	return error;
}

static int set_affinity(const struct run_config *c)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < CONFIG_CPUS_MAX; i++)
		if (c->cpus[i / 64] >> i % 64 & 1)
			CPU_SET(i, &set);
	return sched_setaffinity(0, sizeof set, &set);
}

static int set_policy(const struct run_config *c)
{
	struct sched_param param = { .sched_priority = c->sched_priority == NOT_SET ? 0 : c->sched_priority };

	/* musl's sched_setscheduler() refuses by design (POSIX's process, Linux's thread). */
	return syscall(SYS_sched_setscheduler, 0, (int)c->sched_policy, &param);
}

static int set_limits(const struct run_config *c)
{
	for (const struct limit *l = c->limits; l; l = l->next)
		if (setrlimit(l->resource, &l->value))
			return -1;
	return 0;
}

/* Puts descriptors where the program expects them: 0, 1, 2 and those passed from 3 on. */
static int place_descriptors(struct child *c)
{
	int want[LISTEN_MAX + 4], count = 3 + c->passed_count;

	want[0] = c->in;
	want[1] = c->out;
	want[2] = c->err;
	for (unsigned int i = 0; i < c->passed_count; i++)
		want[3 + i] = c->passed[i];
	/* Out of the way first, so that none is overwritten before it is moved. */
	for (int i = 0; i < count; i++)
		if (want[i] < count) {
			want[i] = fcntl(want[i], F_DUPFD_CLOEXEC, count);
			if (want[i] < 0)
				return -1;
		}
	for (int i = 0; i < count; i++)
		if (dup2(want[i], i) < 0)
			return -1;
	return 0;
}

static int become_user(const struct child *c)
{
	if (!c->has_user)
		return 0;
	if (setgroups(c->group_count, c->groups) || setgid(c->gid))
		return -1;
	return setuid(c->uid);
}

static const char *prepare(struct child *c)
{
	const struct run_config *run = c->u->c->run;
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);	/* caught ones are reset by execve */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (c->group >= 0 && write(c->group, "0", 1) != 1)
		return "control group";
	if (place_descriptors(c))
		return "descriptors";
	if (c->makes_tty_own)
		ioctl(0, TIOCSCTTY, 1);
	if (set_limits(run))
		return "Limit";
	if (run->nice != NOT_SET && setpriority(PRIO_PROCESS, 0, run->nice))
		return "Nice";
	if (run->sched_policy != NOT_SET && set_policy(run))
		return "CPUSchedulingPolicy";
	if (run->cpus && set_affinity(run))
		return "CPUAffinity";
	if (run->oom_score != NOT_SET && adjust_oom_score(run->oom_score))
		return "OOMScoreAdjust";
	if (run->oom_score == NOT_SET && c->u->c->kind == KIND_MONITORING)
		adjust_oom_score(-1000);	/* what watches is not killed for memory; not every container allows it */
	umask(run->umask == NOT_SET ? 022 : run->umask);
	if (become_user(c))
		return "User";
	if (chdir(run->directory ? run->directory : "/"))
		return "WorkingDirectory";
	if (run->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "NoNewPrivileges";
	return NULL;
}

static int run_child(void *arg)
{
	struct child *c = arg;

	c->failed = prepare(c);
	if (!c->failed) {
		if (c->passed_count)
			snprintf(c->listen_pid, sizeof c->listen_pid, "LISTEN_PID=%d", (int)getpid());
		execve(c->argv[0], c->argv, c->env);
		c->failed = c->argv[0];
	}
	c->error = errno;
	_exit(127);
}

/* ---- in the parent ------------------------------------------------------------------------------ */

static void env_put(struct child *c, const char *text)
{
	size_t name = strcspn(text, "=") + 1;

	for (unsigned int i = 0; i < c->env_count; i++)
		if (!strncmp(c->env[i], text, name)) {
			c->env[i] = (char *)text;
			return;
		}
	if (c->env_count < ENV_MAX - 1)
		c->env[c->env_count++] = (char *)text;
}

__attribute__((format(printf, 2, 3)))
static void env_format(struct child *c, const char *format, ...)
{
	char text[300], *copy;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	copy = arena_text(&c->arena, text, strlen(text));
	if (copy)
		env_put(c, copy);
}

static void env_join(struct child *c, const char *name, const char *value)
{
	size_t n = strlen(name), length = strlen(value);
	char *text = arena_alloc(&c->arena, n + length + 1);

	if (!text)
		return;
	memcpy(text, name, n);
	memcpy(text + n, value, length);
	env_put(c, text);
}

/* NAME=value lines; # comments. A '-' before the path: it may be missing. */
static int env_file(struct child *c, const char *path)
{
	char text[8192], *line, *rest = text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	while ((line = strsep(&rest, "\n")))
		if (*line && *line != '#' && strchr(line, '='))
			env_join(c, line, "");
	return 0;
}

static int build_env(struct child *c, unsigned int flags)
{
	struct unit *u = c->u;

	env_put(c, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
	if (u->c->in == IN_TTY)
		env_put(c, "TERM=vt100");
	env_join(c, "UNIT=", u->name);
	if (u->c->service_type == TYPE_NOTIFY || u->c->notify_all)
		env_format(c, "NOTIFY_SOCKET=%s/notify", init.run_dir);
	if (u->c->watchdog && (flags & SPAWN_MAIN))
		env_format(c, "WATCHDOG_USEC=%llu", (unsigned long long)(u->c->watchdog / 1000));
	if (u->main_pid && !(flags & SPAWN_MAIN))
		env_format(c, "MAINPID=%d", (int)u->main_pid);
	if (!(flags & SPAWN_MAIN) && u->main_ended)
		env_format(c, "EXIT_STATUS=%d", WIFEXITED(u->main_status) ? WEXITSTATUS(u->main_status) : 128 + WTERMSIG(u->main_status));
	if (c->passed_count) {
		env_put(c, c->listen_pid);
		env_format(c, "LISTEN_FDS=%u", c->passed_count);
	}
	for (const struct text_list *item = u->c->run->env_files; item; item = item->next) {
		int error = env_file(c, item->text);

		if (error) {
			c->failed = "EnvironmentFile";
			return error;
		}
	}
	for (const struct text_list *item = u->c->run->env; item; item = item->next)
		env_put(c, item->text);
	return 0;
}

/* User= and Group= by name or number. */
static int find_user(struct child *c)
{
	const struct config *config = c->u->c;
	struct passwd *pw = NULL;
	struct group *gr = NULL;
	int64_t number;

	if (!config->run->user && !config->run->group)
		return 0;
	c->has_user = true;
	if (config->run->user) {
		pw = getpwnam(config->run->user);
		if (!pw && !parse_number(config->run->user, 0, INT32_MAX, &number))
			c->uid = c->gid = number;
		else if (!pw)
			return -ESRCH;
	}
	if (pw) {
		int count = 64;

		c->uid = pw->pw_uid;
		c->gid = pw->pw_gid;
		getgrouplist(pw->pw_name, pw->pw_gid, c->groups, &count);
		c->group_count = count < 0 ? 0 : count > 64 ? 64 : count;
		env_join(c, "USER=", pw->pw_name);
		env_join(c, "HOME=", pw->pw_dir);
	}
	if (config->run->group) {
		gr = getgrnam(config->run->group);
		if (!gr && parse_number(config->run->group, 0, INT32_MAX, &number))
			return -ESRCH;
		c->gid = gr ? gr->gr_gid : (gid_t)number;
	}
	return 0;
}

/* The terminal a console= word names, when the unit wants the console. */
static void console_path(char *out, size_t size)
{
	char text[2048], *word, *rest = text;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	snprintf(out, size, "/dev/console");
	while ((word = strsep(&rest, " \n")))
		if (!strncmp(word, "console=", 8)) {
			char path[64];

			snprintf(path, sizeof path, "/dev/%.*s", (int)strcspn(word + 8, ","), word + 8);
			if (!access(path, R_OK | W_OK))
				snprintf(out, size, "%s", path);
		}
}

static int open_tty(struct child *c)
{
	char path[128];

	if (c->u->c->run->tty && strcmp(c->u->c->run->tty, "/dev/console"))
		snprintf(path, sizeof path, "%s", c->u->c->run->tty);
	else
		console_path(path, sizeof path);
	c->makes_tty_own = true;
	return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* One for all, never closed. */
static int open_null(void)
{
	if (null_fd < 0)
		null_fd = file_open("/dev/null", O_RDWR, 0);
	return null_fd;
}

static int open_output(struct child *c, unsigned int kind, const char *file)
{
	switch (kind) {
	case OUT_LOG:
		return log_pipe(c->u);
	case OUT_INHERIT:
	case OUT_SOCKET:
		return fcntl(c->in, F_DUPFD_CLOEXEC, 3);
	case OUT_CONSOLE: {
		int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

		return fd < 0 ? fcntl(2, F_DUPFD_CLOEXEC, 3) : fd;
	}
	case OUT_APPEND:
	case OUT_FILE:
		return file_open(file, O_WRONLY | O_CREAT | (kind == OUT_APPEND ? O_APPEND : O_TRUNC), 0644);
	default:
		return open_null();
	}
}

static int open_files(struct child *c, unsigned int flags)
{
	const struct config *config = c->u->c;

	c->in = config->in == IN_TTY ? open_tty(c)
		: config->in == IN_SOCKET && c->u->connection >= 0 ? fcntl(c->u->connection, F_DUPFD_CLOEXEC, 3)
		: open_null();
	if (c->in < 0) {
		c->failed = "StandardInput";
		return c->in == -1 ? -errno : c->in;
	}
	/* A terminal or connection that is read is also written, unless something else is said. */
	c->out = open_output(c, config->out == OUT_LOG && config->in != IN_NULL ? OUT_INHERIT : config->out,
			     config->run->out_file);
	if (c->out < 0) {
		c->failed = "StandardOutput";
		return c->out == -1 ? -errno : c->out;
	}
	if (flags & SPAWN_MUTE) {
		c->err = c->out;
		c->out = open_null();
		return c->out < 0 ? c->out : 0;
	}
	c->err = config->err_is_set && config->err != OUT_INHERIT ? open_output(c, config->err, config->run->err_file) : c->out;
	if (c->err < 0) {
		c->failed = "StandardError";
		return c->err == -1 ? -errno : c->err;
	}
	return 0;
}

static void make_directories(struct child *c)
{
	for (const struct text_list *item = c->u->c->run->runtime_dirs; item; item = item->next) {
		char path[300];

		snprintf(path, sizeof path, "/run/%s", item->text);
		mkdir(path, 0755);
		if (c->has_user && chown(path, c->uid, c->gid))
			log_line(c->u, "RuntimeDirectory=: %s: %s", path, strerror(errno));
	}
}

/* Which listening descriptors go along: those of its socket unit, or its own (a balancer). */
static void pass_descriptors(struct child *c)
{
	struct unit *from = c->u->type == UNIT_SOCKET ? c->u : c->u->socket;

	if (from)
		for (unsigned int i = 0; i < from->listen_count; i++)
			c->passed[c->passed_count++] = from->listen_fd[i];
	if (c->u->connection >= 0 && c->u->c->in != IN_SOCKET)
		c->passed[c->passed_count++] = c->u->connection;
}

#define CHILD_STACK (64 * 1024)

pid_t spawn(struct unit *u, const struct command *command, unsigned int flags)
{
	static char stack[CHILD_STACK] __attribute__((aligned(16)));
	struct child c = { .u = u, .argv = command->argv, .in = -1, .out = -1, .err = -1, .group = -1 };
	pid_t pid = -1;
	int error;

	if (flags & SPAWN_MAIN)
		pass_descriptors(&c);
	error = find_user(&c);
	if (error)
		c.failed = "User";
	if (!error)
		error = build_env(&c, flags);
	if (!error)
		error = open_files(&c, flags);
	if (!error) {
		make_directories(&c);
		c.group = group_make(u);
		error = c.group < -1 ? c.group : 0;
		if (error)
			c.failed = "control group";
	}
	if (!error) {
		pid = clone(run_child, stack + CHILD_STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &c);
		error = pid < 0 ? -errno : -c.error;
		if (pid < 0)
			c.failed = "process";
	}
	int close_them[] = { c.in, c.out, c.err == c.out ? -1 : c.err, c.group };

	for (unsigned int i = 0; i < 4; i++)
		if (close_them[i] >= 0 && close_them[i] != null_fd)
			close(close_them[i]);
	arena_free(&c.arena);
	if (!error)
		return pid;
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (!(flags & SPAWN_QUIET))
		log_line(u, "%s: %s", c.failed, strerror(-error));
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control groups: one cgroup v2 directory per service below one per priority class. Where the
 * kernel has none, services are process groups: limits are refused then, and stray children of
 * daemons that left their session are not found.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

static const struct {
	const char *name;
	int weight;
} classes[CLASSES] = {
	[CLASS_SYSTEM] = { "system", 400 }, [CLASS_USER] = { "user", 100 }, [CLASS_SERVICE] = { "service", 200 },
	[CLASS_BACKGROUND] = { "background", 25 }, [CLASS_INTERACTIVE] = { "interactive", 150 },
};

static unsigned int class_of(const struct unit *u)
{
	if (u->c->class)
		return u->c->class;
	return u->c->kind == KIND_SYSTEM ? CLASS_SYSTEM : u->c->kind == KIND_USER ? CLASS_USER : CLASS_SERVICE;
}

const char *group_path(const struct unit *u, const char *file)
{
	static char path[400];
	char *end = path + sizeof path - CONFIG_NAME_MAX - 64;	/* what follows the directory is shorter */
	char *at = path;

	/* Asked for several times at each start: no printf. */
	for (const char *part = init.group_dir; *part && at < end; part++)
		*at++ = *part;
	*at++ = '/';
	at = stpcpy(at, classes[class_of(u)].name);
	*at++ = '/';
	at = stpcpy(at, u->name);
	if (file) {
		*at++ = '/';
		stpcpy(at, file);
	}
	return path;
}

static int write_file(const char *path, const char *text)
{
	int fd = file_open(path, O_WRONLY, 0), error = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* Each controller by itself: one that is missing must not cost the others. */
static void open_controllers(const char *dir)
{
	static const char *const controllers[] = { "+cpu", "+memory", "+pids", "+io" };
	char path[300];

	snprintf(path, sizeof path, "%s/cgroup.subtree_control", dir);
	for (unsigned int i = 0; i < sizeof controllers / sizeof *controllers; i++)
		write_file(path, controllers[i]);
}

void groups_init(void)
{
	char path[300];

	snprintf(path, sizeof path, "%s/cgroup.procs", init.group_dir);
	init.has_groups = !access(path, W_OK);
	if (!init.has_groups)
		return;
	open_controllers(init.group_dir);
	for (int i = CLASS_SYSTEM; i < CLASSES; i++) {
		char weight[16];

		snprintf(path, sizeof path, "%s/%s", init.group_dir, classes[i].name);
		if (mkdir(path, 0755) && errno != EEXIST) {
			init.has_groups = false;
			return;
		}
		open_controllers(path);
		strcat(path, "/cpu.weight");
		snprintf(weight, sizeof weight, "%d", classes[i].weight);
		write_file(path, weight);
	}
}

static int set_one(struct unit *u, const char *file, const char *key, const char *text)
{
	int error = write_file(group_path(u, file), text);

	if (error)
		log_line(u, "%s=: %s: %s", key, file, strerror(-error));
	return error;
}

static int set_number(struct unit *u, const char *file, const char *key, int64_t value)
{
	char text[32] = "max";

	if (value == NOT_SET)
		return 0;
	if (value >= 0)
		snprintf(text, sizeof text, "%lld", (long long)value);
	return set_one(u, file, key, text);
}

/* 0, or why a limit cannot be had: then the service does not start without it. */
static int set_limits(struct unit *u)
{
	const struct config *c = u->c;
	int error = set_number(u, "memory.max", "MemoryMax", c->quota->memory_max);
	char text[48];

	if (!error)
		error = set_number(u, "pids.max", "TasksMax", c->quota->tasks_max);
	if (!error)
		error = set_number(u, "cpu.weight", "CPUWeight", c->quota->cpu_weight);
	if (!error && c->quota->cpu_quota_percent != NOT_SET) {
		snprintf(text, sizeof text, "%lld 100000", (long long)c->quota->cpu_quota_percent * 1000);
		error = set_one(u, "cpu.max", "CPUQuota", text);
	}
	return error;
}

static bool has_limits(const struct config *c)
{
	return c->quota->memory_max != NOT_SET || c->quota->tasks_max != NOT_SET || c->quota->cpu_weight != NOT_SET ||
	       c->quota->cpu_quota_percent != NOT_SET;
}

int group_make(struct unit *u)
{
	int error;

	if (!init.has_groups)
		return has_limits(u->c) ? -EOPNOTSUPP : -1;
	if (!mkdir(group_path(u, NULL), 0755)) {
		error = set_limits(u);
		if (error) {
			rmdir(group_path(u, NULL));
			return error;
		}
	} else if (errno != EEXIST) {
		return -errno;
	}
	return file_open(group_path(u, "cgroup.procs"), O_RDWR, 0);
}

void group_remove(struct unit *u)
{
	if (init.has_groups)
		rmdir(group_path(u, NULL));
}

/* The pids in the group, at most MAX; 0 without groups. */
static int group_pids(struct unit *u, pid_t *pids, int max)
{
	char text[4096];
	int fd, count = 0;
	ssize_t n;

	if (!init.has_groups)
		return 0;
	fd = file_open(group_path(u, "cgroup.procs"), O_RDONLY, 0);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	for (char *at = text; *at && count < max; at = strchr(at, '\n') + 1) {
		pids[count++] = atoi(at);
		if (!strchr(at, '\n'))
			break;
	}
	return count;
}

bool group_is_empty(struct unit *u)
{
	pid_t pid;

	return !group_pids(u, &pid, 1);
}

bool group_has_pid(struct unit *u, pid_t pid)
{
	pid_t pids[512];
	int n = group_pids(u, pids, 512);

	while (n--)
		if (pids[n] == pid)
			return true;
	return false;
}

/* By the last part of its path in /proc; anybody can send anything, so this must be cheap. */
struct unit *group_of_pid(pid_t pid)
{
	char path[40], text[600], *at, *name;
	struct unit *u = NULL;
	ssize_t n;
	int fd;

	if (!init.has_groups)
		return NULL;
	snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	fd = file_open(path, O_RDONLY, 0);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strncmp(text, "0::", 3) ? strstr(text, "\n0::") : text;	/* behind those of version 1 */
	if (!at)
		return NULL;
	at += *at == '\n';
	at[strcspn(at, "\n")] = 0;
	name = strrchr(at, '/');
	u = name ? unit_find(name + 1) : NULL;
	return u && group_has_pid(u, pid) ? u : NULL;
}

void group_signal(struct unit *u, int signal)
{
	pid_t pids[512];
	int n;

	if (signal == SIGKILL && init.has_groups && !write_file(group_path(u, "cgroup.kill"), "1"))
		return;
	n = group_pids(u, pids, 512);
	while (n--)
		kill(pids[n], signal);
	if (!init.has_groups && u->main_pid)
		kill(-u->main_pid, signal);
	if (!init.has_groups && u->control_pid)
		kill(-u->control_pid, signal);
}

/* Frozen processes see no signal, stopped ones do: the second best without groups. */
int group_freeze(struct unit *u, bool freeze)
{
	if (init.has_groups)
		return write_file(group_path(u, "cgroup.freeze"), freeze ? "1" : "0");
	return u->main_pid && kill(-u->main_pid, freeze ? SIGSTOP : SIGCONT) ? -errno : 0;
}

int64_t group_number(struct unit *u, const char *file, const char *key)
{
	char text[1024], *at = text;
	ssize_t n;
	int fd;

	if (!init.has_groups)
		return -1;
	fd = open(group_path(u, file), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	if (key) {
		at = strstr(text, key);
		if (!at)
			return -1;
		at += strlen(key);
	}
	return *at ? strtoll(at, NULL, 10) : -1;
}

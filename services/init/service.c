/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of one unit's processes: conditions, ExecStartPre=, the main process, being ready,
 * ExecStartPost=, then ExecStop=, signals, stragglers, ExecStopPost=. Time limits and what happens
 * next are the engine's: it says start, stop, kill and hears READY, SKIP and EXIT.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

/* ---- small questions ---------------------------------------------------------------------------- */

/* Whether FORMAT, with a folder of DIR and the name put in, is there. */
static bool in_some_folder(const char *dir, const char *format, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool found = false;

	while (d && !found && (entry = readdir(d))) {
		char path[700];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, format, dir, entry->d_name, name);
		found = !access(path, F_OK);
	}
	if (d)
		closedir(d);
	return found;
}

/* A device by its name in /dev, or on any bus or in any class of sysfs. */
static bool device_exists(const char *name)
{
	char path[300];

	snprintf(path, sizeof path, "/dev/%s", name);
	return !access(path, F_OK) || in_some_folder("/sys/class", "%s/%s/%s", name) ||
	       in_some_folder("/sys/bus", "%s/%s/devices/%s", name);
}

bool conditions_hold(const struct unit *u)
{
	for (const struct condition *c = u->c->rare->conditions; c; c = c->next) {
		bool is = c->is_device ? device_exists(c->what) : !access(c->what, F_OK);

		if (is == c->is_negated)
			return false;
	}
	return true;
}

struct unit *unit_of_pid(pid_t pid)
{
	for (uint32_t i = 0; i < init.sup.units; i++)
		if (init.units[i]->main_pid == pid || init.units[i]->control_pid == pid)
			return init.units[i];
	return group_of_pid(pid);
}

/* systemd's notion of a clean end: exit 0 (or what the unit adds), or a polite signal. */
static enum sup_cause cause_of(const struct unit *u, int status)
{
	if (WIFEXITED(status)) {
		int code = WEXITSTATUS(status);

		if (!code || (u->c->rare->success_exits && (u->c->rare->success_exits[code / 32] >> code % 32 & 1)))
			return SUP_CLEAN;
		return SUP_UNCLEAN;
	}
	switch (WTERMSIG(status)) {
	case SIGHUP:
	case SIGINT:
	case SIGTERM:
	case SIGPIPE:
		return SUP_CLEAN;
	default:
		return SUP_SIGNAL;
	}
}

bool service_signal(struct unit *u, int signal, bool main_only)
{
	if (main_only)
		return u->main_pid && !kill(u->main_pid, signal);
	if (!u->main_pid && !u->control_pid && group_is_empty(u))
		return false;
	group_signal(u, signal);
	return true;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void finished(struct unit *u)
{
	enum sup_cause cause = u->main_ended ? cause_of(u, u->main_status) : SUP_CLEAN;

	u->step = STEP_IDLE;
	u->main_pid = u->control_pid = 0;
	timer_clear(&u->step_timer);
	group_remove(u);
	if (u->connection >= 0)
		close(u->connection);
	u->connection = -1;
	/* A balancer that died gets its connections back when it is started again. */
	if (u->type == UNIT_SOCKET && unit_state(u)->state == SUP_STOPPING)
		socket_close(u);
	if (u->socket)
		socket_watch(u->socket, true);
	u->is_draining = false;
	control_backends();
	unit_post(u, SUP_EV_EXIT, cause);
}

/* Runs the next command of a stage; false when there is none left. */
static bool next_command(struct unit *u, enum stage stage, bool first)
{
	u->command = first ? u->c->exec[stage] : u->command ? u->command->next : NULL;
	while (u->command) {
		pid_t pid = spawn(u, u->command, 0);

		if (pid > 0) {
			u->control_pid = pid;
			return true;
		}
		if (!u->command->may_fail && stage == STAGE_PRE) {
			u->main_ended = true;
			u->main_status = 127 << 8;
			return false;
		}
		u->command = u->command->next;
	}
	return false;
}

static void begin_stop_post(struct unit *u)
{
	u->step = STEP_STOP_POST;
	if (!next_command(u, STAGE_STOP_POST, true))
		finished(u);
}

static void stragglers_overdue(struct unit *u)
{
	group_signal(u, SIGKILL);
}

/* The main process is gone: whatever else is in the group ends too, unless KillMode= spares it. */
static void begin_clean(struct unit *u)
{
	u->step = STEP_CLEAN;
	health_stop(u);
	if (u->c->kill_mode == KILL_GROUP || u->c->kill_mode == KILL_MIXED) {
		if (!group_is_empty(u)) {
			group_signal(u, u->c->kill_mode == KILL_MIXED ? SIGKILL : u->c->kill_signal);
			timer_set(&u->step_timer, now_ns() + u->c->timeout_stop, stragglers_overdue, u);
			init.needs_scan = true;
			return;
		}
	}
	begin_stop_post(u);
}

void services_scan(void)
{
	init.needs_scan = false;
	for (uint32_t i = 0; i < init.sup.units; i++)
		if (init.units[i]->step == STEP_CLEAN && !init.units[i]->control_pid) {
			if (group_is_empty(init.units[i]))
				begin_stop_post(init.units[i]);
		}
}

/* ---- the start ---------------------------------------------------------------------------------- */

static void set_ended(struct unit *u, int status)
{
	u->main_ended = true;
	u->main_status = status;
}

static void is_up(struct unit *u)
{
	u->step = STEP_UP;
	if (u->c->rare->backend)
		control_backends();
	health_start(u);
	unit_post(u, SUP_EV_READY, 0);
}

static void begin_post(struct unit *u)
{
	u->step = STEP_POST;
	if (!next_command(u, STAGE_POST, true))
		is_up(u);
}

static void begin_main(struct unit *u, bool first)
{
	pid_t pid;

	u->step = STEP_MAIN;
	u->command = first ? u->c->exec[STAGE_MAIN] : u->command->next;
	pid = spawn(u, u->command, SPAWN_MAIN);
	if (pid < 0) {
		set_ended(u, 127 << 8);
		begin_clean(u);
		return;
	}
	if (u->socket && !u->socket->c->socket->accept)
		socket_watch(u->socket, false);
	if (u->c->service_type == TYPE_FORKING) {
		u->control_pid = pid;	/* the parent, which is to go */
		return;
	}
	u->main_pid = pid;
	if (u->c->service_type == TYPE_SIMPLE || u->c->service_type == TYPE_EXEC)
		begin_post(u);
	else if (u->c->service_type == TYPE_NOTIFY)
		u->step = STEP_WAIT;
}

/* The daemon that a forking service left behind: by its PID file, else the only one in the group. */
static pid_t find_daemon(struct unit *u)
{
	char text[32];
	ssize_t n;
	int fd;

	if (!u->c->rare->pid_file)
		return group_number(u, "cgroup.procs", NULL);
	fd = open(u->c->rare->pid_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return atoi(text) > 1 && !kill(atoi(text), 0) ? atoi(text) : -1;
}

static void parent_left(struct unit *u, int status)
{
	pid_t pid;

	if (cause_of(u, status) != SUP_CLEAN) {
		set_ended(u, status);
		begin_clean(u);
		return;
	}
	pid = find_daemon(u);
	if (pid <= 1) {
		log_line(u, "Type=forking: no daemon found after its parent left");
		set_ended(u, 1 << 8);
		begin_clean(u);
		return;
	}
	u->main_pid = pid;
	begin_post(u);
}

static void start_socket(struct unit *u)
{
	int error = socket_open(u);

	if (error) {
		say("%s: cannot listen: %s", u->name, strerror(-error));
		unit_post(u, SUP_EV_EXIT, SUP_UNCLEAN);
		return;
	}
	u->step = STEP_UP;
	if (u->c->socket->balance) {
		static char *argv[] = { "/usr/lib/init/balance", NULL, NULL, NULL, NULL };
		static const struct command command = { .argv = argv };
		static char path[200];

		snprintf(path, sizeof path, "%s/control", init.run_dir);
		argv[1] = path;
		argv[2] = (char *)u->c->activates;
		argv[3] = u->c->socket->balance == BALANCE_LEAST_LOADED ? "least-loaded" : "round-robin";
		if (getenv("INIT_BALANCE"))
			argv[0] = getenv("INIT_BALANCE");
		u->main_pid = spawn(u, &command, SPAWN_MAIN);
		if (u->main_pid < 0) {
			u->main_pid = 0;
			finished(u);
			return;
		}
	} else {
		socket_watch(u, true);
	}
	unit_post(u, SUP_EV_READY, 0);
}

void service_start(struct unit *u)
{
	unit_refresh(u);
	u->main_pid = u->control_pid = 0;	/* one that not even SIGKILL ended is left behind */
	u->main_ended = false;
	u->main_status = 0;
	u->is_draining = false;
	free(u->notify_text);
	u->notify_text = NULL;
	if (!u->started_at)
		u->started_at = now_ns();
	if (!conditions_hold(u)) {
		unit_post(u, SUP_EV_SKIP, 0);
		return;
	}
	switch (u->type) {
	case UNIT_SERVICE:
		u->step = STEP_PRE;
		if (next_command(u, STAGE_PRE, true))
			return;
		if (u->main_ended)
			begin_clean(u);
		else
			begin_main(u, true);
		break;
	case UNIT_SOCKET:
		start_socket(u);
		break;
	case UNIT_TIMER:
		u->step = STEP_UP;
		u->fired_at = 0;
		unit_post(u, SUP_EV_READY, 0);
		timer_unit_arm(u);
		break;
	default:
		u->step = STEP_UP;
		unit_post(u, SUP_EV_READY, 0);
	}
}

void service_ready(struct unit *u)
{
	if (u->step == STEP_WAIT)
		begin_post(u);
}

/* ---- the stop ----------------------------------------------------------------------------------- */

static void begin_term(struct unit *u)
{
	u->step = STEP_TERM;
	if (!u->main_pid && u->main_ended) {
		begin_clean(u);
		return;
	}
	if (!u->main_pid && group_is_empty(u) && !u->control_pid) {
		begin_clean(u);
		return;
	}
	if (u->c->kill_mode == KILL_NONE)
		return;
	service_signal(u, u->c->kill_signal, u->c->kill_mode != KILL_GROUP && u->main_pid);
	if (!u->main_pid && !u->control_pid) {	/* nobody to wait for but the group */
		u->step = STEP_CLEAN;
		init.needs_scan = true;
	}
}

static void begin_stop_commands(struct unit *u)
{
	timer_clear(&u->step_timer);
	u->step = STEP_STOP;
	if (!u->main_pid || !next_command(u, STAGE_STOP, true))
		begin_term(u);
}

void service_drained(struct unit *u)
{
	if (u->step == STEP_DRAIN)
		begin_stop_commands(u);
}

void service_stop(struct unit *u)
{
	health_stop(u);
	switch (u->type) {
	case UNIT_SOCKET:
		if (!u->main_pid) {
			finished(u);
			return;
		}
		break;
	case UNIT_SERVICE:
		break;
	default:
		timer_clear(&u->unit_timer);
		u->step = STEP_IDLE;
		unit_post(u, SUP_EV_EXIT, SUP_CLEAN);
		return;
	}
	if (u->step == STEP_CLEAN || u->step == STEP_STOP_POST)
		return;		/* ending already */
	if (u->step == STEP_IDLE || (u->step == STEP_UP && !u->main_pid && u->c->service_type == TYPE_ONESHOT)) {
		u->step = STEP_STOP;	/* a finished oneshot: only its ExecStop= is left */
		u->main_ended = true;
		u->main_status = 0;
		if (!next_command(u, STAGE_STOP, true))
			begin_clean(u);
		return;
	}
	if (u->step == STEP_UP && u->c->rare->backend && u->c->rare->drain) {
		u->step = STEP_DRAIN;
		u->is_draining = true;
		timer_set(&u->step_timer, now_ns() + u->c->rare->drain, service_drained, u);
		control_backends();
		return;
	}
	if (u->step == STEP_UP)
		begin_stop_commands(u);
	else
		begin_term(u);
}

void service_abort(struct unit *u)
{
	health_stop(u);
	if (u->type != UNIT_SERVICE || u->step == STEP_CLEAN || u->step == STEP_STOP_POST)
		return;
	u->step = STEP_TERM;
	service_signal(u, SIGABRT, true);
}

void service_kill(struct unit *u)
{
	if (u->type != UNIT_SERVICE && u->type != UNIT_SOCKET)
		return;
	if (u->step == STEP_IDLE) {
		unit_post(u, SUP_EV_EXIT, SUP_CLEAN);
		return;
	}
	if (u->step != STEP_CLEAN && u->step != STEP_STOP_POST)
		u->step = STEP_TERM;
	if (u->control_pid)
		kill(u->control_pid, SIGKILL);
	if (u->main_pid)
		kill(u->main_pid, SIGKILL);
	group_signal(u, SIGKILL);
	init.needs_scan = true;
}

int service_reload(struct unit *u)
{
	pid_t pid;

	if (u->step != STEP_UP || u->control_pid)
		return SUP_ENOTRUNNING;
	if (!u->c->exec[STAGE_RELOAD])
		return SUP_ECONFIG;
	pid = spawn(u, u->c->exec[STAGE_RELOAD], 0);
	if (pid < 0)
		return SUP_EFAILED;
	u->control_pid = pid;
	u->reload_running = true;
	u->command = u->c->exec[STAGE_RELOAD];
	return SUP_OK;
}

/* ---- children ----------------------------------------------------------------------------------- */

static void control_ended(struct unit *u, int status)
{
	bool is_good = cause_of(u, status) == SUP_CLEAN || (u->command && u->command->may_fail);

	u->control_pid = 0;
	if (u->reload_running) {
		u->reload_running = false;
		if (u->step == STEP_UP)
			return;
	}
	switch (u->step) {
	case STEP_PRE:
		if (!is_good) {
			set_ended(u, status);
			begin_clean(u);
		} else if (!next_command(u, STAGE_PRE, false)) {
			if (u->main_ended)
				begin_clean(u);
			else
				begin_main(u, true);
		}
		break;
	case STEP_MAIN:
		parent_left(u, status);
		break;
	case STEP_POST:
		if (!is_good) {
			log_line(u, "ExecStartPost= failed");
			set_ended(u, status);
			begin_term(u);
			if (u->main_pid)
				service_signal(u, u->c->kill_signal, false);
		} else if (!next_command(u, STAGE_POST, false)) {
			is_up(u);
		}
		break;
	case STEP_STOP:
		if (!next_command(u, STAGE_STOP, false))
			begin_term(u);
		break;
	case STEP_TERM:
		if (!u->main_pid)
			begin_clean(u);
		break;
	case STEP_STOP_POST:
		if (!next_command(u, STAGE_STOP_POST, false))
			finished(u);
		break;
	default:
		break;
	}
}

static void main_ended(struct unit *u, int status)
{
	const struct command *command = u->c->service_type == TYPE_ONESHOT ? u->command : u->c->exec[STAGE_MAIN];
	bool may_fail = u->type == UNIT_SERVICE && command && command->may_fail;

	u->main_pid = 0;
	if (may_fail && cause_of(u, status) != SUP_CLEAN)
		status = 0;
	if (!u->main_ended)
		set_ended(u, status);
	if (u->type == UNIT_SOCKET) {
		finished(u);
		return;
	}
	if (u->step == STEP_MAIN && u->c->service_type == TYPE_ONESHOT && cause_of(u, status) == SUP_CLEAN) {
		if (u->command->next) {
			u->main_ended = false;
			begin_main(u, false);
			return;
		}
		u->command = NULL;
		if (u->c->remain) {	/* runs on without a process */
			u->step = STEP_UP;
			unit_post(u, SUP_EV_EXIT, SUP_CLEAN);
			return;
		}
	}
	/* ExecStop= runs, or a command of the start: that one ends first, or by signal. */
	if (u->control_pid && u->step == STEP_STOP)
		return;
	if (u->control_pid)
		kill(u->control_pid, SIGKILL);
	begin_clean(u);
}

void service_child(struct unit *u, pid_t pid, int status)
{
	if (pid == u->health_pid)
		health_child(u, status);
	else if (pid == u->control_pid)
		control_ended(u, status);
	else if (pid == u->main_pid)
		main_ended(u, status);
}

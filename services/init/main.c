/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sbin/init: the phases of start-up, the supervision loop, the orderly end. As PID 1 it mounts
 * what programs expect; started otherwise (tests) it is the reaper of its own descendants and
 * touches nothing outside the directories it is given.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

struct init init;

static volatile sig_atomic_t got_child, got_end;
static struct timer heartbeat_timer, emergency_timer;
static unsigned long orphans;

#define EMERGENCY_NS (10000 * SUP_MS)

/* ---- what the engine asks ----------------------------------------------------------------------- */

int unit_post(struct unit *u, uint8_t kind, uint8_t arg)
{
	if (init.needs_link && !init.is_linking)
		units_link();
	return sup_step(&init.sup, &(struct sup_event){ now_ns(), u ? u->id : SUP_NONE, kind, arg });
}

/* For "%s%s%s": name and description. */
#define LABEL(u) (u)->name, (u)->c->description ? " - " : "", (u)->c->description ? (u)->c->description : ""

static void state_line(struct unit *u, const struct sup_unit *s, uint8_t before)
{
	uint64_t ms = u->attempt_at ? (now_ns() - u->attempt_at) / SUP_MS : 0;

	switch (s->state) {
	case SUP_RUNNING:
		if (before == SUP_PAUSED)
			say_status("OK", "Resumed %s%s%s", LABEL(u));
		else
			say_status("OK", "%s %s%s%s (%llu ms)", u->type == UNIT_TARGET ? "Reached" : "Started", LABEL(u),
				   (unsigned long long)ms);
		break;
	case SUP_PAUSED:
		say_status("OK", "Paused %s%s%s", LABEL(u));
		break;
	case SUP_FAILED:
		say_status("FAILED", "%s%s%s: %s", LABEL(u), sup_result_name(s->result));
		break;
	case SUP_STARTING:
		if (s->is_waiting_restart)
			say_status("AGAIN", "%s%s%s: %s, next start in %llu ms", LABEL(u), sup_result_name(s->result),
				   (unsigned long long)((s->deadline > now_ns() ? s->deadline - now_ns() : 0) / SUP_MS));
		break;
	case SUP_STOPPED:
	case SUP_DISABLED:
		if (s->result == SUP_R_SKIPPED)
			say_status("SKIP", "%s%s%s: a condition does not hold", LABEL(u));
		else if (before == SUP_STARTING)
			say_status("OK", "Finished %s%s%s", LABEL(u));
		else if (before != SUP_STOPPED && before != SUP_DISABLED)
			say_status("OK", "Stopped %s%s%s", LABEL(u));
		break;
	}
}

static void end_actions(struct unit *u, const struct sup_unit *s, uint8_t before)
{
	uint8_t action = END_NONE;

	if (s->state == SUP_FAILED)
		action = u->c->on_failure;
	else if ((s->state == SUP_STOPPED || s->state == SUP_DISABLED) && before != SUP_STOPPING &&
		 (before == SUP_RUNNING || before == SUP_STARTING) && s->result == SUP_R_OK)
		action = u->c->on_success;
	if (action)
		shutdown_begin(action, u->name);
}

static void changed(struct unit *u)
{
	const struct sup_unit *s = unit_state(u);
	uint8_t before = u->shown;

	if (u->c->rare->backend)
		control_backends();

	if (s->state == SUP_RUNNING && before != SUP_RUNNING && !u->ready_at)
		u->ready_at = now_ns();
	if (s->state == before && s->state != SUP_STARTING) {
		if (s->is_unhealthy)
			say_status("SICK", "%s%s%s: health checks fail", LABEL(u));
		state_save(u);
		return;
	}
	u->shown = s->state;
	state_line(u, s, before);
	state_save(u);
	end_actions(u, s, before);
	if (s->state != SUP_STARTING && s->state != SUP_STOPPING)
		timers_unit_changed(u);
	if (s->state == SUP_RUNNING && !strcmp(u->name, init.target) && !init.booted) {
		unsigned int failed = 0, running = 0;

		init.booted = now_ns();
		for (uint32_t i = 0; i < init.sup.units; i++) {
			failed += init.sup.unit[i].state == SUP_FAILED;
			running += init.sup.unit[i].state == SUP_RUNNING;
		}
		say("init: %s after %llu ms: %u running, %u failed", init.target,
		    (unsigned long long)((init.booted - init.began) / SUP_MS), running, failed);
	}
}

static void act(struct unit *u, unsigned int bit)
{
	switch (bit) {
	case SUP_DO_THAW:
		group_freeze(u, false);
		break;
	case SUP_DO_FREEZE:
		if (group_freeze(u, true))
			log_line(u, "cannot be frozen");
		break;
	case SUP_DO_STOP_IT:
		service_stop(u);
		break;
	case SUP_DO_ABORT:
		log_line(u, "watchdog: nothing heard for too long");
		service_abort(u);
		break;
	case SUP_DO_KILL:
		service_kill(u);
		break;
	case SUP_DO_START:
		u->attempt_at = now_ns();
		service_start(u);
		break;
	case SUP_DO_CHANGED:
		changed(u);
		break;
	case SUP_DO_JOB_DONE:
		control_job_done(u);
		break;
	}
}

void engine_drain(void)
{
	unsigned int bit;
	uint32_t id;

	while ((bit = sup_next(&init.sup, &id)))
		act(init.units[id], bit);
}

/* ---- signals and children ----------------------------------------------------------------------- */

static void on_child(int signal)
{
	got_child = 1;
}

static void on_end(int signal)
{
	got_end = signal;
}

static struct unit *owner_of(pid_t pid)
{
	for (uint32_t i = 0; i < init.sup.units; i++) {
		struct unit *u = init.units[i];

		if (u->main_pid == pid || u->control_pid == pid || u->health_pid == pid)
			return u;
	}
	return NULL;
}

static void reap(void)
{
	int status;
	pid_t pid;

	got_child = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct unit *u = owner_of(pid);

		if (u)
			service_child(u, pid, status);
		else if (!control_child(pid, status))
			orphans++;
		init.needs_scan = true;
		engine_drain();
	}
}

static void set_signals(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGPWR };
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaction(SIGCHLD, &action, NULL);
	action.sa_handler = on_end;
	for (unsigned int i = 0; i < sizeof ends / sizeof *ends; i++) {
		sigaddset(&blocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	for (int i = 3; i <= 5; i++) {	/* systemd's: halt, power off, reboot */
		sigaddset(&blocked, SIGRTMIN + i);
		sigaction(SIGRTMIN + i, &action, NULL);
	}
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* What busybox's and systemd's halt, poweroff and reboot send to PID 1. */
static void handle_end_signal(int signal)
{
	got_end = 0;
	if (!init.is_pid1 || signal == SIGUSR2 || signal == SIGPWR || signal == SIGRTMIN + 4)
		shutdown_begin(END_POWEROFF, "signal");
	else if (signal == SIGUSR1 || signal == SIGRTMIN + 3)
		shutdown_begin(END_HALT, "signal");
	else
		shutdown_begin(END_REBOOT, "signal");
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void emergency(struct unit *u)
{
	say("init: not everything stopped in time: killed");
	for (uint32_t i = 0; i < init.sup.units; i++)
		if (sup_is_active(&init.sup.unit[i]))
			service_kill(init.units[i]);
	timer_set(&emergency_timer, now_ns() + EMERGENCY_NS, emergency, NULL);
}

void shutdown_begin(enum end_action action, const char *why)
{
	static const char *const words[] = { "", "Powering off", "Rebooting", "Halting" };

	if (init.is_shutting_down)
		return;
	init.is_shutting_down = true;
	init.end = action;
	say("init: %s (%s)", words[action], why);
	unit_post(NULL, SUP_EV_STOP_ALL, 0);
	timer_set(&emergency_timer, now_ns() + EMERGENCY_NS, emergency, NULL);
}

static bool all_stopped(void)
{
	for (uint32_t i = 0; i < init.sup.units; i++)
		if (sup_is_active(&init.sup.unit[i]))
			return false;
	return true;
}

static void unmount_all(void)
{
	static const char *const mounts[] = { "/dev/pts", "/dev/shm", "/tmp", "/sys/fs/cgroup" };

	for (unsigned int i = 0; i < sizeof mounts / sizeof *mounts; i++)
		umount2(mounts[i], MNT_DETACH);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static void end(void)
{
	static const int commands[] = { 0, RB_POWER_OFF, RB_AUTOBOOT, RB_HALT_SYSTEM };

	say("init: everything is stopped");
	if (!init.is_pid1)
		exit(0);
	kill(-1, SIGTERM);
	for (int i = 0; i < 20 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		usleep(10000);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	sync();
	say_closes();
	if (init.with_mounts)
		unmount_all();
	sync();
	reboot(commands[init.end]);
	exit(0);	/* a container's kernel may refuse */
}

/* ---- start-up ----------------------------------------------------------------------------------- */

static void heartbeat(struct unit *u)
{
	unsigned int counts[SUP_STATES] = { 0 };

	for (uint32_t i = 0; i < init.sup.units; i++)
		counts[init.sup.unit[i].state]++;
	say("init: heartbeat: %u running, %u failed, %u stopped, %lu orphans reaped, up %llu s", counts[SUP_RUNNING],
	    counts[SUP_FAILED], counts[SUP_STOPPED] + counts[SUP_DISABLED], orphans,
	    (unsigned long long)((now_ns() - init.began) / 1000000000));
	timer_set(&heartbeat_timer, now_ns() + init.heartbeat, heartbeat, NULL);
}

static void mount_one(const char *type, const char *at, unsigned long flags, const char *data)
{
	mkdir(at, 0755);
	if (!mount(type, at, type, flags, data) || errno == EBUSY || errno == ENODEV)
		return;
	say("init: cannot mount %s on %s: %s", type, at, strerror(errno));
}

static bool is_mounted(const char *path)
{
	char parent[100];
	struct stat a, b;

	snprintf(parent, sizeof parent, "%s/..", path);
	return !stat(path, &a) && !stat(parent, &b) && a.st_dev != b.st_dev;
}

static void mount_all(void)
{
	static const struct {
		const char *type, *at;
		unsigned long flags;
		const char *data;
	} table[] = {
		{ "proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
		{ "sysfs", "/sys", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
		{ "devtmpfs", "/dev", MS_NOSUID, NULL },
		{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666" },
		{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777" },
		{ "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755" },
		{ "tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777" },
		{ "cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
	};

	mount(NULL, "/", NULL, MS_REMOUNT, NULL);	/* writable, if the kernel was told `ro` */
	for (unsigned int i = 0; i < sizeof table / sizeof *table; i++)
		if (!is_mounted(table[i].at))
			mount_one(table[i].type, table[i].at, table[i].flags, table[i].data);
}

static void set_hostname(void)
{
	char name[65];
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);

	if (fd >= 0)
		close(fd);
	while (n > 0 && name[n - 1] == '\n')
		n--;
	if (n > 0)
		sethostname(name, n);
}

/* Words of the kernel's command line that mean us. */
static void read_cmdline(void)
{
	static char text[2048];
	char *word, *rest = text;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	while ((word = strsep(&rest, " \n"))) {
		if (!strcmp(word, "quiet"))
			init.is_quiet = true;
		else if (!strncmp(word, "systemd.unit=", 13))
			init.target = word + 13;
		else if (!strncmp(word, "init.heartbeat=", 15))
			parse_span(word + 15, &init.heartbeat);
	}
}

static const char *value(char ***argv)
{
	if (!(*argv)[1])
		return "";
	return *++*argv;
}

static bool read_arguments(char **argv)
{
	static char transient[200];
	bool recover = false;
	int dirs = 0;

	for (argv++; *argv; argv++) {
		if (!strcmp(*argv, "--units") && dirs < 3)
			init.unit_dirs[dirs++] = value(&argv);
		else if (!strcmp(*argv, "--run"))
			init.run_dir = value(&argv);
		else if (!strcmp(*argv, "--log"))
			init.log_dir = value(&argv);
		else if (!strcmp(*argv, "--group"))
			init.group_dir = value(&argv);
		else if (!strcmp(*argv, "--target"))
			init.target = value(&argv);
		else if (!strcmp(*argv, "--heartbeat"))
			parse_span(value(&argv), &init.heartbeat);
		else if (!strcmp(*argv, "--no-mounts"))
			init.with_mounts = false;
		else if (!strcmp(*argv, "--quiet"))
			init.is_quiet = true;
		else if (!strcmp(*argv, "--recover"))
			recover = true;
		else if (!strcmp(*argv, "single") || !strcmp(*argv, "rescue"))
			init.target = "rescue.target";
	}
	if (!dirs) {
		init.unit_dirs[0] = "/etc/units";
		init.unit_dirs[1] = "/run/units";
		init.unit_dirs[2] = "/usr/lib/units";
		dirs = 3;
	}
	snprintf(transient, sizeof transient, "%s/transient", init.run_dir);
	init.unit_dirs[dirs] = init.transient_dir = transient;
	return recover;
}

/* PID 1 may have been started without open descriptors. */
static void open_console(void)
{
	while (fcntl(2, F_GETFD) < 0) {
		int fd = open("/dev/console", O_RDWR);

		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
		if (fd < 0 || fd >= 2)
			break;
	}
	init.console = 2;
}

static void raise_limits(void)
{
	struct rlimit files = { 65536, 65536 };

	/* Services get what they ask for by LimitNOFILE=; init needs two for each of them. */
	if (setrlimit(RLIMIT_NOFILE, &files)) {
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void make_directories(void)
{
	char path[300];

	snprintf(path, sizeof path, "%s", init.log_dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
	mkdir(init.log_dir, 0755);
	mkdir(init.run_dir, 0755);
	mkdir(init.unit_dirs[0], 0755);
}

static void open_sockets(void)
{
	int error = control_init();

	if (error)
		say("init: no control socket: %s", strerror(-error));
	error = notify_init();
	if (error)
		say("init: no notify socket: %s", strerror(-error));
}

static void start_target(void)
{
	struct unit *target = unit_get(init.target);
	int error;

	for (uint32_t i = 0; i < init.sup.units; i++)
		init.units[i]->queued_at = 0;
	error = target ? unit_post(target, SUP_EV_START, 0) : SUP_ENOTFOUND;
	for (uint32_t i = 0; i < init.sup.units; i++)
		if (init.sup.unit[i].job)
			init.units[i]->queued_at = now_ns();
	if (error)
		say("init: cannot start %s: %s", init.target, sup_error_name(error));
}

static void loop(void)
{
	for (;;) {
		engine_drain();
		if (init.is_shutting_down && all_stopped())
			end();
		loop_once();
		if (got_child)
			reap();
		if (got_end)
			handle_end_signal(got_end);
		if (init.needs_scan)
			services_scan();
		unit_post(NULL, SUP_EV_TICK, 0);
	}
}

int main(int argc, char **argv)
{
	bool recover;

	init = (struct init){ .run_dir = "/run/init", .log_dir = "/var/log/units", .group_dir = "/sys/fs/cgroup",
		.target = "default.target", .is_pid1 = getpid() == 1, .with_mounts = getpid() == 1,
		.heartbeat = 60000 * SUP_MS, .began = now_ns() };
	open_console();
	recover = read_arguments(argv);
	if (init.is_pid1)
		reboot(RB_DISABLE_CAD);
	else
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (init.with_mounts && !recover) {
		mount_all();
		set_hostname();
	}
	if (init.with_mounts)
		read_cmdline();
	make_directories();
	raise_limits();
	set_signals();
	loop_init();
	if (!recover)
		say("\ninit: Trivet service manager, target %s", init.target);
	groups_init();
	state_init(argv, recover);
	sup_link(&init.sup);
	units_load();
	open_sockets();
	if (recover)
		state_restore();
	else
		start_target();
	if (recover)
		got_child = 1;	/* some may have ended meanwhile */
	if (init.heartbeat)
		timer_set(&heartbeat_timer, now_ns() + init.heartbeat, heartbeat, NULL);
	loop();
	return 0;
}

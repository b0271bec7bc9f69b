/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sbin/init at run time: the units and what its files offer each other. One thread, one loop; the
 * supervisor engine decides, these files act. Everything global is in `init`.
 */
#ifndef SERVICES_INIT_INIT_H
#define SERVICES_INIT_INIT_H

#include <sys/types.h>

#include "config.h"

#define UNITS_MAX	4096
#define CLIENTS_MAX	64
#define LISTEN_MAX	16

/* What a service's processes are doing; the engine's states are coarser. */
enum step {
	STEP_IDLE, STEP_PRE, STEP_MAIN, STEP_WAIT, STEP_POST, STEP_UP,
	STEP_DRAIN, STEP_STOP, STEP_TERM, STEP_CLEAN, STEP_STOP_POST,
};

struct unit;

struct timer {
	struct timer *next;
	uint64_t at;
	void (*fire)(struct unit *u);	/* NULL: not set */
	struct unit *unit;
};

struct unit {
	const struct config *c;	/* never NULL */
	uint32_t id;		/* in init.sup.unit and init.units */
	uint32_t hash;
	struct unit *same_bucket;
	uint8_t type, step, shown;	/* shown: the state in the last status line */
	uint8_t listen_count;
	int log_fd[2];		/* reading ends, 0: none */
	bool is_missing, is_broken, is_transient, is_draining, is_stale;
	bool main_ended, reload_running, health_running, health_sent;
	bool is_mid_line;	/* its log's last byte was no newline */
	pid_t main_pid, control_pid, health_pid;
	int main_status;	/* wait status, once main_ended */
	int connection;		/* accepted for this start, or -1 */
	int health_fd;
	const struct command *command;	/* the one that runs, or ran last */
	char *notify_text;	/* STATUS= */
	int *listen_fd;		/* room for LISTEN_MAX, or NULL: unit_listen_room() */
	struct unit *socket;	/* the one that gives a service its descriptors */
	struct timer step_timer, health_timer, unit_timer;
	uint64_t queued_at, started_at, ready_at;	/* of the first start, for the boot chart; ns */
	uint64_t attempt_at;	/* the last start; 0: never */
	uint64_t fired_at;	/* a timer's: when it last started its unit */
	char *path;		/* the file it came from; NULL for none */
	char *why_broken;	/* first complaint */
	char name[];
};

struct init {
	struct sup sup;
	struct unit **units;
	uint32_t room, edge_room;
	uint64_t began, booted;		/* CLOCK_MONOTONIC, ns */
	const char *unit_dirs[5];	/* the last: transient units, below run_dir */
	const char *transient_dir;
	const char *run_dir, *log_dir, *group_dir;
	const char *target;
	int console;			/* -1: quiet */
	bool is_pid1, is_quiet, is_shutting_down, with_mounts, has_groups;
	bool has_timers;		/* there is a .timer unit */
	bool needs_link, is_linking;	/* a unit was made since the last units_link() */
	bool needs_scan;		/* a child ended: look at groups that should become empty */
	uint8_t end;			/* enum end_action of the shutdown */
	uint64_t heartbeat;
};

extern struct init init;

uint64_t now_ns(void);		/* CLOCK_MONOTONIC */
int file_open(const char *path, int flags, int mode);	/* open(2) with O_CLOEXEC, one system call; -errno */

/* loop.c: descriptors and timers. A watch's function may remove any watch, also its own. */
typedef void watch_fn(int fd, unsigned int events, void *arg);
int watch_add(int fd, unsigned int events, watch_fn *fn, void *arg);	/* poll(2)'s events; 0 or -errno */
void watch_change(int fd, unsigned int events);
void watch_remove(int fd);
void timer_set(struct timer *t, uint64_t at, void (*fire)(struct unit *u), struct unit *u);
void timer_clear(struct timer *t);
void loop_init(void);
void loop_once(void);		/* sleeps until something happens, and handles it */

/* units.c: names to units, files to configurations, configurations to edges. */
struct unit *unit_find(const char *name);
struct unit *unit_get(const char *name);	/* loads or makes it; NULL: bad name or too many */
struct unit *unit_known(const char *name);	/* only if there is a file of that name: who asks makes nothing */
void unit_refresh(struct unit *u);		/* its file changed while it was busy: reads it now that it rests */
int units_load(void);				/* all files; again for a reload; the number refused */
int unit_add_text(const char *name, const char *text, struct unit **out);	/* transient; SUP_* */
int unit_forget(struct unit *u);		/* SUP_* */
int unit_enable(struct unit *u, bool enable);	/* [Install] links; SUP_* */
void units_link(void);
bool unit_listen_room(struct unit *u);		/* for descriptors of a socket; false without memory */
int unit_post(struct unit *u, uint8_t event, uint8_t arg);
struct sup_unit *unit_state(const struct unit *u);
void engine_drain(void);			/* does what the engine asks */

/* service.c: the steps of one unit's processes. */
void service_start(struct unit *u);
void service_stop(struct unit *u);
void service_kill(struct unit *u);
void service_abort(struct unit *u);
void service_drained(struct unit *u);
int service_reload(struct unit *u);		/* SUP_* */
void service_ready(struct unit *u);		/* READY=1 */
void service_child(struct unit *u, pid_t pid, int status);
bool service_signal(struct unit *u, int signal, bool main_only);
void services_scan(void);
struct unit *unit_of_pid(pid_t pid);
bool conditions_hold(const struct unit *u);

/* spawn.c */
enum { SPAWN_MAIN = 1, SPAWN_QUIET = 2, SPAWN_MUTE = 4 };	/* MUTE: what it prints is nobody's business, errors are */
pid_t spawn(struct unit *u, const struct command *c, unsigned int flags);	/* pid or -errno, told in the log */

/* group.c: control groups, if there are any. */
void groups_init(void);
int group_make(struct unit *u);			/* descriptor of cgroup.procs; -1: no groups; else -errno */
void group_remove(struct unit *u);
bool group_is_empty(struct unit *u);
void group_signal(struct unit *u, int signal);
int group_freeze(struct unit *u, bool freeze);
int64_t group_number(struct unit *u, const char *file, const char *key);	/* -1: unknown */
const char *group_path(const struct unit *u, const char *file);		/* static buffer */
bool group_has_pid(struct unit *u, pid_t pid);
struct unit *group_of_pid(pid_t pid);

/* output.c: what people read. */
int log_pipe(struct unit *u);			/* the end to write to, or -errno */
void log_line(struct unit *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_status(const char *mark, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_closes(void);		/* init's own log is not in use: before unmounting */
void audit(uid_t uid, pid_t pid, const char *what, const char *result);
void log_path(const struct unit *u, char *path, size_t size);
void write_stamp(char *out, size_t size);

/* notify.c, sockets.c, timers.c, health.c, control.c, state.c */
int notify_init(void);
int socket_open(struct unit *u);		/* 0 or -errno */
void socket_watch(struct unit *u, bool on);
void socket_close(struct unit *u);
int address_fill(const char *text, void *out, unsigned int *length);	/* sockaddr_storage */
void timer_unit_arm(struct unit *u);		/* to the nearest of its times */
void timers_unit_changed(const struct unit *target);	/* ended, or runs: what counts from that */
void health_start(struct unit *u);
void health_stop(struct unit *u);
void health_child(struct unit *u, int status);
int control_init(void);
void control_job_done(struct unit *u);
bool control_child(pid_t pid, int status);	/* a child that a request had; false: not one of them */
void control_backends(void);			/* tell balancers what changed */
void state_init(char **argv, bool recover);
void state_save(const struct unit *u);
void log_readable(int fd, unsigned int events, void *arg);
void log_adopt(struct unit *u, int fd);
void state_restore(void);
void shutdown_begin(enum end_action action, const char *why);

#endif

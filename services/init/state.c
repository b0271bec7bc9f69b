/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outlives a crash of init: a record per unit in a file in memory, and the handler that
 * executes init again in the same process. Children stay children, descriptors stay open, nobody
 * is restarted. At most one crash per 10 s: the next one waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define STATE_MAGIC	0x54494e4954533031ull
#define CRASH_PAUSE_S	10

#define ROOM		1024	/* units; the others start again */

struct record {
	uint32_t name;		/* in file.names; 0: none */
	uint8_t state, result, step, has_ended;
	int32_t main_pid, log_fd[2], main_status;
	uint32_t listen_count, restarts;
	uint64_t since, queued_at, started_at, ready_at, attempt_at, fired_at;
};

/* What few units have lies apart: pages that nobody wrote take no memory. */
struct file {
	uint64_t magic, crashed_at, began, booted;
	uint32_t crashes, is_shutting_down, names_used;
	struct record records[ROOM];
	char names[1 + ROOM * (CONFIG_NAME_MAX + 1)];
	int32_t listen_fd[ROOM][LISTEN_MAX];
};

static struct file *file;
static char **own_argv;
static char stack[16384] __attribute__((aligned(16)));

/* A unit keeps its number and its name: written once. */
static void save_name(struct record *r, const char *name)
{
	size_t size = strlen(name) + 1;

	if (r->name || file->names_used + size > sizeof file->names)
		return;
	memcpy(file->names + file->names_used, name, size);
	r->name = file->names_used;
	file->names_used += size;
}

void state_save(const struct unit *u)
{
	struct record *r;
	const struct sup_unit *s = unit_state(u);

	if (!file || u->id >= ROOM)
		return;
	r = &file->records[u->id];
	if (!r->name && !sup_is_active(s))
		return;		/* never ran: pages stay untouched */
	save_name(r, u->name);
	r->state = s->state;
	r->result = s->result;
	r->step = u->step;
	r->has_ended = u->main_ended;
	r->main_pid = u->main_pid;
	r->main_status = u->main_status;
	r->restarts = s->restarts;
	r->since = s->since;
	r->queued_at = u->queued_at;
	r->started_at = u->started_at;
	r->ready_at = u->ready_at;
	r->attempt_at = u->attempt_at;
	r->fired_at = u->fired_at;
	memcpy(r->log_fd, u->log_fd, sizeof r->log_fd);
	for (unsigned int i = 0; i < u->listen_count; i++)
		file->listen_fd[u->id][i] = u->listen_fd[i];
	r->listen_count = u->listen_count;
	file->booted = init.booted;
	file->is_shutting_down = init.is_shutting_down;
}

/* Async-signal-safe throughout. */
static void crashed(int signal)
{
	struct timespec now, wait = { 0 };
	char *argv[40] = { "/sbin/init" };
	sigset_t none;
	int n = 1;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (file) {
		int64_t ago = now.tv_sec - (int64_t)file->crashed_at;

		if (file->crashes && ago < CRASH_PAUSE_S)
			wait.tv_sec = CRASH_PAUSE_S - ago;
		for (uint32_t u = 0; u < ROOM; u++) {
			const struct record *r = &file->records[u];

			for (int i = 0; i < 2; i++)
				if (r->log_fd[i])
					fcntl(r->log_fd[i], F_SETFD, 0);
			for (uint32_t i = 0; i < r->listen_count && i < LISTEN_MAX; i++)
				fcntl(file->listen_fd[u][i], F_SETFD, 0);
		}
	}
	nanosleep(&wait, NULL);
	if (file) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		file->crashed_at = now.tv_sec;
		file->crashes++;
	}
	argv[n++] = "--recover";
	for (int i = 1; own_argv[i] && n < 39; i++)
		if (strcmp(own_argv[i], "--recover"))
			argv[n++] = own_argv[i];
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	execv("/sbin/init", argv);
	_exit(128 + signal);
}

static void catch_crashes(char **argv)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER };

	own_argv = argv;
	sigaltstack(&alternate, NULL);
	for (unsigned int i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigaction(fatal[i], &action, NULL);
}

void state_init(char **argv, bool recover)
{
	char path[300];
	void *map;
	int fd;

	snprintf(path, sizeof path, "%s/state", init.run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (recover ? 0 : O_TRUNC), 0600);
	if (fd >= 0 && !ftruncate(fd, sizeof *file)) {
		map = mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED)
			file = map;
	}
	if (fd >= 0)
		close(fd);
	if (file && (!recover || file->magic != STATE_MAGIC)) {
		file->magic = STATE_MAGIC;
		file->began = init.began;
		file->names_used = 1;
	}
	catch_crashes(argv);
}

static void adopt_listeners(struct unit *u, const int32_t *fds, uint32_t count)
{
	if (count > LISTEN_MAX || (count && !unit_listen_room(u)))
		return;
	for (uint32_t i = 0; i < count; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		u->listen_fd[u->listen_count++] = fds[i];
	}
}

static void restore_one(struct unit *u, const struct record *r, const int32_t *listen_fd)
{
	struct sup_unit *s = unit_state(u);
	bool is_alive = r->main_pid > 0 && !kill(r->main_pid, 0);

	s->restarts = r->restarts;
	s->result = r->result;
	u->queued_at = r->queued_at;
	u->started_at = r->started_at;
	u->ready_at = r->ready_at;
	u->attempt_at = r->attempt_at;
	u->fired_at = r->fired_at;
	s->since = r->since;
	for (int i = 0; i < 2; i++)
		if (r->log_fd[i] && fcntl(r->log_fd[i], F_SETFD, FD_CLOEXEC) >= 0 &&
		    !watch_add(r->log_fd[i], POLLIN, log_readable, (void *)(uintptr_t)u->id))
			log_adopt(u, r->log_fd[i]);
	adopt_listeners(u, listen_fd, r->listen_count);
	if (r->state != SUP_RUNNING && r->state != SUP_PAUSED && !is_alive) {
		/* Between two states: begin again from the nearest sure one. */
		if (r->state == SUP_STARTING)
			unit_post(u, SUP_EV_START, 0);
		else if (r->state == SUP_FAILED)
			s->state = u->shown = SUP_FAILED;
		return;
	}
	s->state = u->shown = r->state == SUP_PAUSED ? SUP_PAUSED : SUP_RUNNING;
	u->main_pid = r->main_pid;
	u->main_ended = r->has_ended;
	u->main_status = r->main_status;
	u->step = STEP_UP;
	if (u->type == UNIT_SOCKET && !u->main_pid)
		socket_watch(u, true);
	if (s->state == SUP_RUNNING && s->watchdog)
		unit_post(u, SUP_EV_PING, 0);
	health_start(u);
	if (r->state == SUP_STOPPING)
		unit_post(u, SUP_EV_STOP, 0);
}

/* The file as the crash left it, in private memory; the file itself begins anew. NULL: nothing to take. */
static struct file *take_file(void)
{
	struct file *old;

	if (!file || file->magic != STATE_MAGIC)
		return NULL;
	old = mmap(NULL, sizeof *old, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (old == MAP_FAILED)
		return NULL;
	memcpy(old, file, sizeof *old);
	old->names[sizeof old->names - 1] = 0;
	memset(file->records, 0, sizeof file->records);
	file->names_used = 1;
	return old;
}

/* Takes back what ran before the crash. */
void state_restore(void)
{
	struct file *old = take_file();
	int count = 0;

	if (!old)
		return;
	init.began = old->began;
	init.booted = old->booted;
	for (uint32_t i = 0; i < ROOM; i++) {
		const struct record *r = &old->records[i];
		const char *name = r->name < sizeof old->names ? old->names + r->name : "";
		struct unit *u = r->name && unit_name_type(name) >= 0 ? unit_get(name) : NULL;

		if (!u)
			continue;
		restore_one(u, r, old->listen_fd[i]);
		count += sup_is_active(unit_state(u));
	}
	for (uint32_t i = 0; i < init.sup.units; i++) {
		if (init.units[i]->main_pid && init.units[i]->socket)
			socket_watch(init.units[i]->socket, false);
		if (init.units[i]->type == UNIT_TIMER && init.units[i]->step == STEP_UP)
			timer_unit_arm(init.units[i]);	/* all it counts from is known by now */
	}
	for (uint32_t i = 0; i < init.sup.units; i++)
		state_save(init.units[i]);
	say("init: back after crash %u: %d units taken over, none restarted", old->crashes, count);
	if (old->is_shutting_down)
		shutdown_begin(END_POWEROFF, "the shutdown goes on");
	munmap(old, sizeof *old);
}

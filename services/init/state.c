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

struct record {
	char name[CONFIG_NAME_MAX + 1];
	uint8_t state, result, step, has_ended;
	int32_t main_pid, log_fd[2], listen_fd[LISTEN_MAX], main_status;
	uint32_t listen_count, restarts;
	uint64_t since, queued_at, started_at, ready_at;
};

struct header {
	uint64_t magic, crashed_at, began, booted;
	uint32_t crashes, room, is_shutting_down;
};

static struct header *header;
static struct record *records;
static char **own_argv;
static char stack[16384] __attribute__((aligned(16)));

void state_save(const struct unit *u)
{
	struct record *r;
	const struct sup_unit *s = unit_state(u);

	if (!header || u->id >= header->room)
		return;
	r = &records[u->id];
	if (!r->name[0] && !sup_is_active(s))
		return;		/* never ran: pages stay untouched */
	memcpy(r->name, u->name, strlen(u->name) + 1);
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
	memcpy(r->log_fd, u->log_fd, sizeof r->log_fd);
	memcpy(r->listen_fd, u->listen_fd, sizeof r->listen_fd);
	r->listen_count = u->listen_count;
	header->booted = init.booted;
	header->is_shutting_down = init.is_shutting_down;
}

/* Async-signal-safe throughout. */
static void crashed(int signal)
{
	struct timespec now, wait = { 0 };
	char *argv[40] = { "/sbin/init" };
	sigset_t none;
	int n = 1;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (header) {
		int64_t ago = now.tv_sec - (int64_t)header->crashed_at;

		if (header->crashes && ago < CRASH_PAUSE_S)
			wait.tv_sec = CRASH_PAUSE_S - ago;
		for (uint32_t u = 0; u < header->room; u++) {
			for (int i = 0; i < 2; i++)
				if (records[u].log_fd[i])
					fcntl(records[u].log_fd[i], F_SETFD, 0);
			for (uint32_t i = 0; i < records[u].listen_count; i++)
				fcntl(records[u].listen_fd[i], F_SETFD, 0);
		}
	}
	nanosleep(&wait, NULL);
	if (header) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		header->crashed_at = now.tv_sec;
		header->crashes++;
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
	const uint32_t room = 1024;
	size_t size = sizeof *header + room * sizeof *records;
	char path[300];
	void *map;
	int fd;

	snprintf(path, sizeof path, "%s/state", init.run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (recover ? 0 : O_TRUNC), 0600);
	if (fd >= 0 && !ftruncate(fd, size)) {
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED) {
			header = map;
			records = (struct record *)(header + 1);
		}
	}
	if (fd >= 0)
		close(fd);
	if (header && (!recover || header->magic != STATE_MAGIC)) {
		header->magic = STATE_MAGIC;
		header->room = room;
		header->began = init.began;
	}
	catch_crashes(argv);
}

static void restore_one(struct unit *u, const struct record *r)
{
	struct sup_unit *s = unit_state(u);
	bool is_alive = r->main_pid > 0 && !kill(r->main_pid, 0);

	s->restarts = r->restarts;
	s->result = r->result;
	u->queued_at = r->queued_at;
	u->started_at = r->started_at;
	u->ready_at = r->ready_at;
	for (int i = 0; i < 2; i++)
		if (r->log_fd[i] && fcntl(r->log_fd[i], F_SETFD, FD_CLOEXEC) >= 0 &&
		    !watch_add(r->log_fd[i], POLLIN, log_readable, (void *)(uintptr_t)u->id))
			log_adopt(u, r->log_fd[i]);
	for (uint32_t i = 0; i < r->listen_count; i++) {
		fcntl(r->listen_fd[i], F_SETFD, FD_CLOEXEC);
		u->listen_fd[u->listen_count++] = r->listen_fd[i];
	}
	if (r->state != SUP_RUNNING && r->state != SUP_PAUSED && !is_alive) {
		/* Between two states: begin again from the nearest sure one. */
		if (r->state == SUP_STARTING)
			unit_post(u, SUP_EV_START, 0);
		else if (r->state == SUP_FAILED)
			s->state = u->shown = SUP_FAILED;
		return;
	}
	s->state = u->shown = r->state == SUP_PAUSED ? SUP_PAUSED : SUP_RUNNING;
	s->since = r->since;
	u->main_pid = r->main_pid;
	u->main_ended = r->has_ended;
	u->main_status = r->main_status;
	u->step = STEP_UP;
	if (u->type == UNIT_SOCKET && !u->main_pid)
		socket_watch(u, true);
	if (u->type == UNIT_TIMER)
		timer_unit_arm(u, true);
	if (s->state == SUP_RUNNING && s->watchdog)
		unit_post(u, SUP_EV_PING, 0);
	health_start(u);
	if (r->state == SUP_STOPPING)
		unit_post(u, SUP_EV_STOP, 0);
}

/* Takes back what ran before the crash. */
void state_restore(void)
{
	int count = 0;

	if (!header || header->magic != STATE_MAGIC)
		return;
	init.began = header->began;
	init.booted = header->booted;
	for (uint32_t i = 0; i < header->room; i++) {
		struct record r = records[i];
		struct unit *u;

		r.name[CONFIG_NAME_MAX] = 0;
		records[i].name[0] = 0;
		if (unit_name_type(r.name) < 0)
			continue;
		u = unit_get(r.name);
		if (!u)
			continue;
		restore_one(u, &r);
		count += sup_is_active(unit_state(u));
	}
	for (uint32_t i = 0; i < init.sup.units; i++)
		if (init.units[i]->main_pid && init.units[i]->socket)
			socket_watch(init.units[i]->socket, false);
	for (uint32_t i = 0; i < init.sup.units; i++)
		state_save(init.units[i]);
	say("init: back after crash %u: %d units taken over, none restarted", header->crashes, count);
	if (header->is_shutting_down)
		shutdown_begin(END_POWEROFF, "the shutdown goes on");
}

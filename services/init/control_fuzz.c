/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer's door to the control socket: everything of init but processes, signals and the end of the
 * machine. An input is what a client of root's writes; init hears it over a socket, as always.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_abort(void);

struct init init;

static char home[] = "/tmp/control-fuzz-XXXXXX";
static jmp_buf crashed;		/* `crash` asks for it */

/* ---- what main.c, spawn.c and state.c do in earnest ------------------------------------------------ */

void __wrap_abort(void)
{
	longjmp(crashed, 1);
}

int unit_post(struct unit *u, uint8_t kind, uint8_t arg)
{
	if (init.needs_link && !init.is_linking)
		units_link();
	return sup_step(&init.sup, &(struct sup_event){ now_ns(), u ? u->id : SUP_NONE, kind, arg });
}

void engine_drain(void)
{
	unsigned int bit;
	uint32_t id;

	while ((bit = sup_next(&init.sup, &id))) {
		struct unit *u = init.units[id];

		if (bit == SUP_DO_START)
			service_start(u);
		else if (bit == SUP_DO_STOP_IT)
			service_stop(u);
		else if (bit == SUP_DO_KILL)
			service_kill(u);
		else if (bit == SUP_DO_JOB_DONE)
			control_job_done(u);
	}
}

void shutdown_begin(enum end_action action, const char *why)
{
}

void state_save(const struct unit *u)
{
}

/* Numbers no process can have: signals to them go nowhere. */
pid_t spawn(struct unit *u, const struct command *c, unsigned int flags)
{
	static pid_t next = 1 << 28;

	return next++;
}

/* ---- the door ---------------------------------------------------------------------------------------- */

static char *in_home(const char *name)
{
	static char paths[8][64];
	static int used;

	snprintf(paths[used], sizeof *paths, "%s/%s", home, name);
	return paths[used++];
}

static void write_unit(const char *name, const char *text)
{
	FILE *f = fopen(in_home(name), "w");

	fputs(text, f);
	fclose(f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (!mkdtemp(home))
		exit(1);
	init = (struct init){ .run_dir = home, .log_dir = home, .group_dir = "/nonexistent", .target = "t.target", .console = -1 };
	init.unit_dirs[0] = home;
	init.unit_dirs[1] = init.transient_dir = in_home("transient");
	write_unit("a.service", "[Service]\nExecStart=/bin/x\nExecReload=/bin/y\n[Install]\nWantedBy=t.target\n");
	write_unit("b@.service", "[Unit]\nAfter=a.service\nRequires=a.service\n[Service]\nExecStart=/bin/x\nX-Backend=127.0.0.1:80\n");
	write_unit("c.service", "[Unit]\nConflicts=a.service\n[Service]\nType=oneshot\nExecStart=/bin/x\n");
	write_unit("bad.service", "[Service]\nOops\n");
	write_unit("t.target", "[Unit]\nWants=b@1.service b@2.service\n");
	loop_init();
	sup_link(&init.sup);
	units_load();
	return control_init() ? exit(1), 1 : 0;
}

static void nothing(struct unit *u)
{
}

/* One round of the loop that does not wait. */
static void turn(void)
{
	static struct timer now;

	timer_set(&now, now_ns(), nothing, NULL);
	loop_once();
	engine_drain();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s/control", home);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) || send(fd, data, size, MSG_DONTWAIT) < 0) {
		close(fd);
		return 0;
	}
	if (size && data[size - 1] & 1)
		shutdown(fd, SHUT_WR);
	if (!setjmp(crashed))
		for (int i = 0; i < 5; i++)
			turn();
	close(fd);
	if (!setjmp(crashed))
		for (int i = 0; i < 2; i++)
			turn();
	return 0;
}

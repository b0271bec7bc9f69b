/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One boot, many runs: the init program calls sim_serve, the process waits for lines on its standard input
 * and forks for each. The server's loop runs on a stack of its own, since the child exchanges the RAM
 * that the kernel's stacks lie in.
 */
#include <lib/string.h>
#include "host.h"
#include "sim.h"

#define SERVE_STACK (64u * 1024)
#define STEPS_MAX 300000000ull	/* of a run: more is a live-lock */
#define TIME_MAX (3600ull * 1000000000ull)

static u8 serve_stack[SERVE_STACK] __aligned(4096);

/* "seed=N name=value ...": in the child. */
static void run_line(char *line)
{
	for (char *p = line; *p;) {
		size_t n = 0;

		while (p[n] && p[n] != ' ')
			n++;
		if (n && !sim_settings_add(p, n))
			sim_fail("the setting %s is not understood", p);
		p += n;
		while (*p == ' ')
			p++;
	}
	sim_streams_init(sim_setting("seed", 1));
	sim_schedule_init();
}

static void serve(void) { host_serve(run_line); }

void sim_serve(void)
{
	if (sim_setting("serve", 0)) {
		host_switch_begin(serve_stack, sizeof(serve_stack));
		sim_on_stack((vaddr_t)serve_stack + sizeof(serve_stack), serve);
		host_switch_end();
	}
	sim_steps_max = sim_steps + sim_setting("steps", STEPS_MAX);
	sim_time_max = sim_now + TIME_MAX;
	sim_storebuf_enable(sim_setting("storebuf", 1));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PID 1 of the simulated machine: boots, forks one process per run (sim_serve), runs a workload twice
 * and checks that the second time left no more behind than the first.
 */
#include <kernel/epoch.h>
#include <kernel/mm.h>
#include <lib/string.h>
#include "calls.h"
#include "work.h"

static const struct work {
	const char *name;
	void (*run)(void);
} works[] = {
	{ "sync", work_sync }, { "sched", work_sched }, { "futex", work_futex }, { "aspace", work_aspace },
	{ "pipe", work_pipe }, { "signal", work_signal }, { "files", work_files }, { "net", work_net },
};

static const struct work *choose(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(works); i++)
		if (sim_setting_is("work", works[i].name))
			return &works[i];
	return &works[sim_below(SIM_WORK, ARRAY_LEN(works))];
}

/* The machine has no clock of its own for the time of day; file systems hold small deletion times for something else. */
static void set_clock(void)
{
	sim_store(SIM_USER_DATA, 8, 1700000000);
	sim_store(SIM_USER_DATA + 8, 8, 0);
	if (CALL2(clock_settime, 0, SIM_USER_DATA))
		sim_fail("the clock cannot be set");
}

void work_init(void)
{
	const struct work *w;

	set_clock();
	sim_serve();
	sim_store(SIM_USER_DATA, 8, 42);
	if (sim_load(SIM_USER_DATA, 8) != 42)
		sim_fail("user memory does not keep what is stored");
	if (CALL0(getpid) != 1)
		sim_fail("the first program is not process 1");
	if (sim_setting_is("work", "none"))
		sim_done();
	w = choose();
	sim_note(w->name);
	w->run();
	sim_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PID 1 of the simulated machine: boots, forks one process per run (sim_serve), chooses a scheduling policy and a
 * workload, runs it and checks that it left nothing behind.
 */
#include <kernel/sched.h>
#include <lib/string.h>
#include "calls.h"
#include "work.h"

static const struct work {
	const char *name;
	void (*run)(void);
	bool keeps;		/* leaves things behind on purpose */
} works[] = {
	{ "sync", work_sync }, { "sched", work_sched }, { "futex", work_futex }, { "aspace", work_aspace },
	{ "pipe", work_pipe }, { "signal", work_signal }, { "files", work_files }, { "net", work_net, .keeps = true },
	{ "nomem", work_nomem }, { "tcp", work_tcp, .keeps = true },
};

static const struct work *choose(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(works); i++)
		if (sim_setting_is("work", works[i].name))
			return &works[i];
	return &works[sim_below(SIM_WORK, ARRAY_LEN(works))];
}

/* Half of the runs keep the default, so that it is looked at most. */
static void choose_policy(void *unused)
{
	const char *name = sim_setting_text("policy");
	unsigned n = 0;

	while (sched_system_policy_at(n))
		n++;
	if (!name)
		name = sched_system_policy_at(sim_chance(SIM_WORK, 2) ? 0 : (unsigned)sim_below(SIM_WORK, n));
	if (sched_policy_choose(name))
		sim_fail("there is no scheduling policy %s", name);
	if (sim_chance(SIM_WORK, 2))
		return;
	/* Turns end and threads move often. */
	atomic_store(&sched_settings.quantum_ms, 5u);
	atomic_store(&sched_settings.rr_timeslice_ms, 1u);
	atomic_store(&sched_settings.balance_ms, 1u);
	atomic_store(&sched_settings.boost_ms, 10u);
}

/* The machine has no clock of its own for the time of day; file systems hold small deletion times for something else. */
static void set_clock(void)
{
	sim_store(SIM_USER_DATA, 8, 1700000000);
	sim_store(SIM_USER_DATA + 8, 8, 0);
	if (CALL2(clock_settime, 0, SIM_USER_DATA))
		sim_fail("the clock cannot be set");
}

/* What the kernel makes at the first use and keeps. A child, since workloads want their memory zeroed. */
static void warm_up(u64 unused)
{
	(void)CALL6(mount, put_string(SHARED, "none"), put_string(SHARED + 0x40, "/dev"), put_string(SHARED + 0x80, "devtmpfs"),
		    0, 0, 0);
	mount_work(false);
	unmount_work();
}

void work_init(void)
{
	const struct work *w;

	set_clock();
	spawn(warm_up, 0);
	wait_child(-1, NULL);
	sim_in_kernel(leaks_begin, NULL);
	sim_serve();
	sim_store(SIM_USER_DATA, 8, 42);
	if (sim_load(SIM_USER_DATA, 8) != 42)
		sim_fail("user memory does not keep what is stored");
	if (CALL0(getpid) != 1)
		sim_fail("the first program is not process 1");
	if (sim_setting_is("work", "none"))
		sim_done();
	sim_in_kernel(choose_policy, NULL);
	w = choose();
	sim_note(w->name);
	w->run();
	if (!w->keeps)
		sim_in_kernel(leaks_check, NULL);
	sim_done();
}

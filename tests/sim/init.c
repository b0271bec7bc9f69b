/* SPDX-License-Identifier: BSD-2-Clause */
/* PID 1 of the simulated machine: the first simulated program. Boots, then forks one process per run (sim_serve). */
#include "work.h"

void work_init(void)
{
	sim_serve();
	sim_store(SIM_USER_DATA, 8, 42);
	if (sim_load(SIM_USER_DATA, 8) != 42)
		sim_fail("user memory does not keep what is stored");
	if (sim_call(39, 0, 0, 0, 0, 0, 0) != 1)
		sim_fail("the first program is not process 1");
	sim_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs that the simulated machine finds in its initial RAM disk; the first is /init. */
#include "work.h"

static void just_exit(void) {}

const struct sim_program sim_programs[] = {
	{ "init", work_init },
	{ "true", just_exit },
};
const unsigned sim_nr_programs = ARRAY_LEN(sim_programs);

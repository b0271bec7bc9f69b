/* SPDX-License-Identifier: BSD-2-Clause */
/* What the workloads of the simulation share. */
#ifndef TESTS_SIM_WORK_H
#define TESTS_SIM_WORK_H

#include <native/sim.h>

void work_init(void);

#endif

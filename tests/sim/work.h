/* SPDX-License-Identifier: BSD-2-Clause */
/* The workloads of the simulation: each runs once in the init program and fails the run by sim_fail. */
#ifndef TESTS_SIM_WORK_H
#define TESTS_SIM_WORK_H

#include <native/sim.h>

void work_init(void);		/* /init: boots, serves, runs one of these */
void work_sync(void);		/* the core's locks, wait queues, epochs, kernel threads */
void work_sched(void);		/* who gets a CPU, and when */
void work_futex(void);		/* locks in user memory */
void work_aspace(void);		/* mappings, copy-on-write, flushes */
void work_pipe(void);		/* pipes between processes */
void work_signal(void);		/* signals, waiting, restarting */
void work_net(void);		/* TCP over a bad wire, frames that lie, a flood */
void work_tcp(void);		/* TCP against a peer played segment by segment */
void work_files(void);		/* a file tree in tmpfs or ext4 against one in memory */
void work_nomem(void);		/* calls whose allocations fail */

/* In the kernel: counts what is in use; fails the run when there is more of something than then. */
void leaks_begin(void *unused);
void leaks_check(void *unused);

#endif

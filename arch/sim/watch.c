/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must be true whenever all CPUs wait and time is about to jump (vcpu.c): nobody who can run is left behind on a
 * CPU that sleeps until an interrupt which nobody sent. A wake-up that got lost is thus seen at once, even
 * if some later interrupt would have brought it.
 */
#include <kernel/sched.h>
#include <kernel/thread.h>
#include "sim.h"

/* In the idle loop, and nothing is on its way that would end that. */
static bool sleeps(const struct sim_vcpu *v)
{
	return v->cpu && !v->is_stopped && v->is_waiting && v->busy_until == U64_MAX && !sim_irq_due(v);
}

static int check_thread(struct thread *t, void *unused)
{
	const struct sim_vcpu *v = &sim_vcpus[t->cpu->hwid];

	if (atomic_load(&t->state) == THREAD_RUNNABLE && !t->on_cpu && t != t->cpu->idle && !t->deadline.is_parked && sleeps(v))
		sim_fail("thread %s can run, but CPU %u sleeps and nobody told it", t->name, v->id);
	return 0;
}

void sim_watch_waiting(void) { (void)thread_for_each(check_thread, NULL); }

/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of <kernel/event.h>. */
#include <kernel/event.h>

DEFINE_PERCPU(struct cpu_events, cpu_events);

u64 event_sum(enum cpu_event e)
{
	u64 sum = 0;

	for (unsigned i = 0; i < MAX_CPUS; i++)
		if (cpu_table[i])
			sum += event_of_cpu(e, cpu_table[i]);
	return sum;
}

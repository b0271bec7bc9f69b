/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts of what costs more than the instructions around it: under an emulator and on hardware a flush, a new
 * page-table root or a call of the firmware outweighs hundreds of them. Per CPU; shown in /proc/vmstat.
 */
#ifndef KERNEL_EVENT_H
#define KERNEL_EVENT_H

#include <kernel/cpu.h>

enum cpu_event {
	EVENT_TLB_FLUSH,	/* a range of some space, on one or more CPUs */
	EVENT_ROOT_WRITE,	/* another space's tables */
	EVENT_EXCEPTION,	/* page faults and others; neither system calls nor interrupts */
	EVENT_FIRMWARE_CALL,	/* SBI, PSCI */
	EVENT_IPI,		/* sent */
	CPU_EVENTS
};

struct cpu_events {
	u64 n[CPU_EVENTS];	/* [a] */
};
DECLARE_PERCPU(struct cpu_events, cpu_events);

/* Any context. Atomic, so that it does not matter whether the thread moves in between. */
static inline void event_count(enum cpu_event e)
{
	atomic_add(&percpu_of(cpu_events, arch_cpu_self())->n[e], 1);
}

/* What all CPUs counted, what one did. */
u64 event_sum(enum cpu_event e);
static inline u64 event_of_cpu(enum cpu_event e, struct cpu *cpu) { return atomic_load(&percpu_of(cpu_events, cpu)->n[e]); }

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines on CPU time: timers of timer_create, ITIMER_VIRTUAL and ITIMER_PROF, RLIMIT_CPU and RLIMIT_RTTIME.
 * All functions: the process's signal lock held, unless they say otherwise.
 */
#ifndef PROC_CPU_TIMER_H
#define PROC_CPU_TIMER_H

#include <kernel/cpu_clock.h>

struct cpu_timer {
	struct list link;		/* process.cpu_timers */
	struct thread *thread;		/* the owner's reference; NULL: the process's time */
	enum cpu_clock_kind kind;
	u64 deadline_ns;
	void (*fire)(struct cpu_timer *t);	/* lock held, t not armed; interrupt context */
};
void cpu_timer_arm(struct process *p, struct cpu_timer *t, u64 deadline_ns);	/* or re-arms */
void cpu_timer_cancel(struct cpu_timer *t);
u64 cpu_timer_now(struct process *p, const struct cpu_timer *t);
/* Something was set or changed: limits, interval timers. */
void cpu_timers_update(struct process *p);
/* Not under the lock: the process ends; nothing fires any more. */
void cpu_timers_exit(struct process *p);
void cpu_timers_init(struct process *p);
void cpu_timers_start(struct process *p);	/* a child that inherited limits came to life */
/* WORK_CPU_TIMER: the process runs again. Not under the lock. */
void cpu_timers_resume(void);

#endif

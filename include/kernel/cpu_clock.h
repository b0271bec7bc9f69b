/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks that count CPU time (POSIX 1003.1 CPUTIME): of a process or of a thread, also another's. A negative
 * clock number holds ~pid << 3, a bit for "thread" and what is counted, as Linux has it.
 */
#ifndef KERNEL_CPU_CLOCK_H
#define KERNEL_CPU_CLOCK_H

#include <kernel/process.h>
#include <uapi/time.h>

enum cpu_clock_kind { CPU_CLOCK_PROF, CPU_CLOCK_VIRT, CPU_CLOCK_SCHED, CPU_CLOCK_KINDS };

struct cpu_clock {
	struct process *process;	/* reference */
	struct thread *thread;		/* reference; NULL: the whole process */
	enum cpu_clock_kind kind;
};
/* 0, -EINVAL: no CPU clock, or its process or thread is gone or not to be seen. */
int cpu_clock_open(int clock, struct cpu_clock *c);
void cpu_clock_close(struct cpu_clock *c);
/* User, system and together, in ns; running threads up to now. */
struct cpu_time { u64 user_ns, system_ns, sched_ns; };
void cpu_time_of_thread(struct thread *t, struct cpu_time *out);
void cpu_time_of_process(struct process *p, struct cpu_time *out);	/* its signal lock held */
int cpu_clock_read(int clock, s64 *ns);		/* as cpu_clock_open */
/* clock_nanosleep on such a clock. */
long cpu_clock_sleep(int clock, bool is_absolute, u64 ns, struct timespec64 __user *rem);

#endif

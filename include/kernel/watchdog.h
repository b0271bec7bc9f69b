/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watchdogs: programs that hang in the kernel, CPUs that no longer switch threads or no longer take
 * interrupts. Each is one report in the log with a backtrace, counted here; nothing is killed.
 */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include <kernel/thread.h>

struct watchdog_reports {
	u32 hung, soft, hard;
};
extern struct watchdog_reports watchdog_reports;	/* [a] since boot */

struct watchdog_cpu_reports {
	u32 soft, hard;			/* how often it did not switch, took no interrupts */
	const struct thread *soft_thread;	/* the last that did not let it switch; only to compare */
};
void watchdog_cpu_reports(struct cpu *cpu, struct watchdog_cpu_reports *out);

/* Settings; /proc/sys/kernel/{hung_task_timeout_secs,watchdog_thresh}, 0: off. */
extern u64 watchdog_hung_ns;	/* [a] a thread this long in one uninterruptible sleep is reported */
extern u64 watchdog_lockup_ns;	/* [a] so long without a switch, or without an interrupt */

/* Boot step, all CPUs online: starts the beats and the thread. */
void watchdog_init(void);
void watchdog_restart(void);	/* the beats follow a changed limit at once */
/* One look at all threads, as the thread takes it; kernel threads only if asked for. May not sleep inside. */
void watchdog_scan(bool kernel_threads);

#endif

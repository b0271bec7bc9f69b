/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs about scheduling share: the calls as they are, without a library's opinion. */
#ifndef TESTS_SYSTEM_SCHED_H
#define TESTS_SYSTEM_SCHED_H

#include "test.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define DEADLINE 6
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static inline int setattr(pid_t pid, struct attr *a, unsigned flags)
{
	a->size = sizeof *a;
	return syscall(SYS_sched_setattr, pid, a, flags);
}

static inline int set(pid_t pid, int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return syscall(SYS_sched_setscheduler, pid, policy, &p);
}

static inline int getscheduler(pid_t pid) { return syscall(SYS_sched_getscheduler, pid); }

static inline int getpriority_of(pid_t pid)
{
	struct sched_param p = { .sched_priority = -1 };

	if (syscall(SYS_sched_getparam, pid, &p))
		return -errno;
	return p.sched_priority;
}

static inline struct attr contract(long runtime_ms, long deadline_ms, long period_ms)
{
	return (struct attr){ .policy = DEADLINE, .runtime = runtime_ms * 1000000ull,
			      .deadline = deadline_ms * 1000000ull, .period = period_ms * 1000000ull };
}

static inline void pin(void)
{
	unsigned long one = 1;

	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
}

#endif

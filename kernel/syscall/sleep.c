/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nanosleep and clock_nanosleep. A relative sleep counts on the monotonic clock; an absolute one on the wall
 * clock follows it when it is set (sleep_until_wall); on CPU clocks cpu_clock.c sleeps.
 */
#include <kernel/cpu_clock.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/errno.h>

/* arg[0]: monotonic deadline, arg[1]: where the rest goes (user address or 0). */
static long sleep_relative(struct restart_block *r)
{
	struct timespec64 rest;
	u64 now;

	if (!sleep_until(r->arg[0], true))
		return 0;
	now = time_ns();
	if (now >= r->arg[0])
		return 0;
	if (r->arg[1]) {
		rest = timespec_of((s64)min(r->arg[0] - now, (u64)S64_MAX));
		if (copy_to_user((void __user *)r->arg[1], &rest, sizeof(rest)))
			return -EFAULT;
	}
	r->fn = sleep_relative;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_for(const struct timespec64 *req, struct timespec64 __user *rem)
{
	struct restart_block *r = &current->restart;

	r->arg[0] = time_ns() + timespec_ns(req);
	r->arg[1] = (u64)rem;
	return sleep_relative(r);
}

long sys_nanosleep(const struct timespec64 __user *ureq, struct timespec64 __user *rem)
{
	struct timespec64 req;

	if (copy_from_user(&req, ureq, sizeof(req)))
		return -EFAULT;
	return timespec_ok(&req) ? sleep_for(&req, rem) : -EINVAL;
}

static long sleep_absolute(int clock, u64 ns)
{
	s64 tai = time_tai_offset_ns();
	int err;

	if (clock == CLOCK_TAI)
		err = sleep_until_wall(ns > (u64)tai ? ns - (u64)tai : 0);
	else if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM)
		err = sleep_until_wall(ns);
	else
		err = sleep_until(ns, true);	/* boot time is the monotonic clock: no suspend */
	return err ? -ERESTARTNOHAND : 0;
}

/* 0; -EINVAL no such clock, -EOPNOTSUPP nobody can sleep on it, -EPERM an alarm clock without the right. */
static int clock_check(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	case CLOCK_REALTIME_ALARM:	/* the machine never sleeps, so no clock has to wake it */
	case CLOCK_BOOTTIME_ALARM:
		return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

long sys_clock_nanosleep(int clock, int flags, const struct timespec64 __user *ureq, struct timespec64 __user *rem)
{
	bool is_cpu = clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
	struct timespec64 req;
	int err = is_cpu ? 0 : clock_check(clock);

	if (err)
		return err;
	if (copy_from_user(&req, ureq, sizeof(req)))
		return -EFAULT;
	if (!timespec_ok(&req))
		return -EINVAL;
	if (is_cpu)
		return cpu_clock_sleep(clock, flags & TIMER_ABSTIME, timespec_ns(&req), rem);
	if (flags & TIMER_ABSTIME)
		return sleep_absolute(clock, timespec_ns(&req));
	return sleep_for(&req, rem);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and sleeps: clock_*, nanosleep, gettimeofday and their elders. The clocks themselves are
 * kernel/time/'s. A sleep on CLOCK_REALTIME is turned into a monotonic deadline when it begins.
 */
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/time.h>

static bool timespec_ok(const struct timespec64 *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (s64)NSEC_PER_SEC;
}

/* Far times saturate: nobody waits 70 years. */
static u64 timespec_ns(const struct timespec64 *t)
{
	if (t->tv_sec > S64_MAX / (s64)NSEC_PER_SEC / 4)
		return S64_MAX / 4;
	return (u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_nsec;
}

static struct timespec64 timespec_of(s64 ns)
{
	struct timespec64 t = { ns / (s64)NSEC_PER_SEC, ns % (s64)NSEC_PER_SEC };

	if (t.tv_nsec < 0) {
		t.tv_nsec += NSEC_PER_SEC;
		t.tv_sec--;
	}
	return t;
}

static u64 process_cpu_ns(struct process *p)
{
	unsigned long flags = signal_lock(p);
	u64 ns = p->dead_threads.user_ns + p->dead_threads.system_ns;
	struct thread *t;

	list_for_each(t, &p->threads, process_link)
		if (!t->exiting)
			ns += sched_runtime_ns(t);
	signal_unlock(p, flags);
	return ns;
}

/* 0 or -EINVAL: no such clock. */
static int clock_read(int clock, s64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:		/* no leap-second table is set: TAI equals UTC, as on Linux without one */
		*ns = time_wall_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*ns = (s64)time_ns();
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = (s64)time_boot_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = (s64)process_cpu_ns(current_process());
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = (s64)sched_runtime_ns(current);
		return 0;
	default:
		return -EINVAL;
	}
}

__hot long sys_clock_gettime(int clock, struct timespec64 __user *uts)
{
	struct timespec64 ts;
	s64 ns;
	int err = clock_read(clock, &ns);

	if (err)
		return err;
	ts = timespec_of(ns);
	return copy_to_user(uts, &ts, sizeof(ts));
}

long sys_clock_getres(int clock, struct timespec64 __user *uts)
{
	struct timespec64 ts = { 0, 1 };
	s64 unused;
	int err = clock_read(clock, &unused);

	if (err)
		return err;
	return uts ? copy_to_user(uts, &ts, sizeof(ts)) : 0;
}

static long set_wall(const struct timespec64 *ts)
{
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (!timespec_ok(ts) || ts->tv_sec > S64_MAX / (s64)NSEC_PER_SEC - 1)
		return -EINVAL;
	time_wall_set((s64)timespec_ns(ts));
	return 0;
}

long sys_clock_settime(int clock, const struct timespec64 __user *uts)
{
	struct timespec64 ts;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	return set_wall(&ts);
}

long sys_gettimeofday(struct timeval64 __user *utv, struct timezone_abi __user *utz)
{
	struct timezone_abi tz = {};
	struct timespec64 ts = timespec_of(time_wall_ns());
	struct timeval64 tv = { ts.tv_sec, ts.tv_nsec / (s64)NSEC_PER_USEC };

	if (utv && copy_to_user(utv, &tv, sizeof(tv)))
		return -EFAULT;
	return utz ? copy_to_user(utz, &tz, sizeof(tz)) : 0;
}

long sys_settimeofday(const struct timeval64 __user *utv, const struct timezone_abi __user *utz)
{
	struct timezone_abi tz;
	struct timespec64 ts;
	struct timeval64 tv;

	/* The kernel's zone is always UTC; setting another is refused rather than forgotten. */
	if (utz && (copy_from_user(&tz, utz, sizeof(tz)) || tz.tz_minuteswest))
		return -EINVAL;
	if (!utv)
		return capable(CAP_SYS_TIME) ? 0 : -EPERM;
	if (copy_from_user(&tv, utv, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EINVAL;
	ts = (struct timespec64){ tv.tv_sec, tv.tv_usec * (s64)NSEC_PER_USEC };
	return set_wall(&ts);
}

long sys_time(s64 __user *t)
{
	s64 seconds = timespec_of(time_wall_ns()).tv_sec;

	return t && put_user(seconds, t) ? -EFAULT : seconds;
}

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
		rest = timespec_of((s64)(r->arg[0] - now));
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

long sys_clock_nanosleep(int clock, int flags, const struct timespec64 __user *ureq, struct timespec64 __user *rem)
{
	struct timespec64 req;
	s64 now, wait;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_TAI)
		return clock == CLOCK_PROCESS_CPUTIME_ID ? -EOPNOTSUPP : -EINVAL;
	if (copy_from_user(&req, ureq, sizeof(req)))
		return -EFAULT;
	if (!timespec_ok(&req))
		return -EINVAL;
	if (!(flags & TIMER_ABSTIME))
		return sleep_for(&req, rem);
	(void)clock_read(clock, &now);		/* one of the four above */
	wait = (s64)timespec_ns(&req) - now;
	if (wait <= 0)
		return 0;
	return sleep_until(time_ns() + (u64)wait, true) ? -ERESTARTNOHAND : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and setting the clocks: clock_*, gettimeofday, adjtimex and their elders. The clocks themselves
 * are kernel/time/'s, those that count CPU time kernel/proc/cpu_clock.c's; sleeping is sleep.c. What programs ask most
 * they read from the vDSO (kernel/time/vdso/), which comes here only for what it does not know.
 */
#include <kernel/cpu_clock.h>
#include <kernel/ntp.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/errno.h>

#define WALL_MAX_SEC (S64_MAX / (s64)NSEC_PER_SEC - 30ll * 365 * 86400)	/* 30 years to run on after it */

/* 0, -EINVAL: no such clock, or its process is gone. */
static int clock_read(int clock, s64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
		*ns = time_wall_ns();
		return 0;
	case CLOCK_TAI:
		*ns = time_wall_ns() + time_tai_offset_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
		*ns = (s64)time_ns();
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*ns = (s64)time_raw_ns();
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = (s64)time_boot_ns();
		return 0;
	default:
		return cpu_clock_read(clock, ns);
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

static long set_wall(s64 seconds, s64 nsec)
{
	s64 ns;

	if (seconds < 0 || seconds > WALL_MAX_SEC)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	ns = seconds * (s64)NSEC_PER_SEC + nsec;
	/* The system was never up before 1970. */
	if (ns < (s64)time_ns())
		return -EINVAL;
	time_wall_set(ns);
	ntp_clear();
	return 0;
}

long sys_clock_settime(int clock, const struct timespec64 __user *uts)
{
	struct timespec64 ts;
	s64 unused;

	if (clock != CLOCK_REALTIME)
		return clock < 0 && !cpu_clock_read(clock, &unused) ? -EPERM : -EINVAL;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	return timespec_ok(&ts) ? set_wall(ts.tv_sec, ts.tv_nsec) : -EINVAL;
}

long sys_gettimeofday(struct timeval64 __user *utv, struct timezone_abi __user *utz)
{
	struct timezone_abi tz;
	struct timespec64 ts = timespec_of(time_wall_ns());
	struct timeval64 tv = { ts.tv_sec, ts.tv_nsec / (s64)NSEC_PER_USEC };

	if (utv && copy_to_user(utv, &tv, sizeof(tv)))
		return -EFAULT;
	clock_zone(&tz.tz_minuteswest, &tz.tz_dsttime);
	return utz ? copy_to_user(utz, &tz, sizeof(tz)) : 0;
}

/* The wall clock is UTC whatever the zone says: nothing in the kernel shows local time. */
long sys_settimeofday(const struct timeval64 __user *utv, const struct timezone_abi __user *utz)
{
	struct timezone_abi tz;
	struct timeval64 tv;

	if (utv && copy_from_user(&tv, utv, sizeof(tv)))
		return -EFAULT;
	if (utv && (tv.tv_usec < 0 || tv.tv_usec >= 1000000 || tv.tv_sec < 0))
		return -EINVAL;
	if (utz && copy_from_user(&tz, utz, sizeof(tz)))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (utz) {
		if (tz.tz_minuteswest > 15 * 60 || tz.tz_minuteswest < -15 * 60)
			return -EINVAL;
		clock_zone_set(tz.tz_minuteswest, tz.tz_dsttime);
	}
	return utv ? set_wall(tv.tv_sec, tv.tv_usec * (s64)NSEC_PER_USEC) : 0;
}

long sys_time(s64 __user *t)
{
	s64 seconds = timespec_of(time_wall_ns()).tv_sec;

	return t && put_user(seconds, t) ? -EFAULT : seconds;
}

/* ADJ_SETOFFSET: a step by what time says. 0 or -EINVAL. */
static long step(const struct timex *tx)
{
	s64 sub = tx->time.tv_usec * ((tx->modes & ADJ_NANO) ? 1 : (s64)NSEC_PER_USEC), now = time_wall_ns();

	if (tx->time.tv_sec > WALL_MAX_SEC || tx->time.tv_sec < -WALL_MAX_SEC)
		return -EINVAL;
	if (now / (s64)NSEC_PER_SEC + tx->time.tv_sec > WALL_MAX_SEC)
		return -EINVAL;
	now += tx->time.tv_sec * (s64)NSEC_PER_SEC + sub;
	if (now < (s64)time_ns())
		return -EINVAL;
	time_wall_set(now);
	return 0;
}

static long adjust(struct timex __user *utx)
{
	struct timex tx;
	long result;

	if (copy_from_user(&tx, utx, sizeof(tx)))
		return -EFAULT;
	result = ntp_check(&tx, capable(CAP_SYS_TIME));
	if (!result && (tx.modes & ADJ_SETOFFSET) && !(tx.modes & ADJ_ADJTIME))
		result = step(&tx);
	if (result)
		return result;
	result = ntp_adjust(&tx);
	return copy_to_user(utx, &tx, sizeof(tx)) ? -EFAULT : result;
}

long sys_adjtimex(struct timex __user *utx) { return adjust(utx); }

long sys_clock_adjtime(int clock, struct timex __user *utx)
{
	s64 unused;

	if (clock == CLOCK_REALTIME)
		return adjust(utx);
	return clock_read(clock, &unused) ? -EINVAL : -EOPNOTSUPP;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Time structures and clock numbers of the Linux ABI (64-bit). */
#ifndef UAPI_TIME_H
#define UAPI_TIME_H

#include <lib/types.h>

struct timespec64 {
	s64 tv_sec;
	s64 tv_nsec;
};
struct timeval64 {
	s64 tv_sec;
	s64 tv_usec;
};
struct timezone_abi {
	s32 tz_minuteswest, tz_dsttime;
};
struct itimerspec64 {
	struct timespec64 it_interval, it_value;
};
struct itimerval64 {
	struct timeval64 it_interval, it_value;
};

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11

#define TIMER_ABSTIME 1

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

#define USER_HZ 100		/* clock_t of times(2) and /proc */

#endif

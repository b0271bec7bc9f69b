/* SPDX-License-Identifier: BSD-2-Clause */
/* Between nanoseconds and the ABI's timespec and timeval; far times saturate, as Linux's ktime does. */
#ifndef KERNEL_TIMESPEC_H
#define KERNEL_TIMESPEC_H

#include <kernel/time.h>
#include <uapi/time.h>

static inline bool timespec_ok(const struct timespec64 *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (s64)NSEC_PER_SEC;
}

/* Of a valid one. At most S64_MAX: 292 years. */
static inline u64 timespec_ns(const struct timespec64 *t)
{
	if (t->tv_sec >= S64_MAX / (s64)NSEC_PER_SEC)
		return S64_MAX;
	return (u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_nsec;
}

static inline struct timespec64 timespec_of(s64 ns)
{
	struct timespec64 t = { ns / (s64)NSEC_PER_SEC, ns % (s64)NSEC_PER_SEC };

	if (t.tv_nsec < 0) {
		t.tv_nsec += NSEC_PER_SEC;
		t.tv_sec--;
	}
	return t;
}

static inline bool timeval_ok(const struct timeval64 *t)
{
	return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < 1000000;
}

static inline u64 timeval_ns(const struct timeval64 *t)
{
	if (t->tv_sec >= S64_MAX / (s64)NSEC_PER_SEC)
		return S64_MAX;
	return (u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_usec * NSEC_PER_USEC;
}

static inline struct timeval64 timeval_of(u64 ns)
{
	return (struct timeval64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and sleeping. `clock` goes the library's way (the vDSO where the kernel has one),
 * `clock-call` always enters the kernel.
 */
#include "bench.h"

#include <sys/prctl.h>

static void clock_library(long n)
{
	struct timespec before = { 0, 0 }, now;

	while (n--) {
		must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
		must(now.tv_sec > before.tv_sec || now.tv_nsec >= before.tv_nsec);
		before = now;
	}
}

static void clock_call(long n)
{
	struct timespec before = { 0, 0 }, now;

	while (n--) {
		must(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0);
		must(now.tv_sec > before.tv_sec || now.tv_nsec >= before.tv_nsec);
		before = now;
	}
}

/* Sleeps a millisecond each; `less` takes away the milliseconds, so the lateness is left. */
static void setup_slack(void)
{
	prctl(PR_SET_TIMERSLACK, 1);
}

static void sleep_late(long n)
{
	int64_t start = bench_now();

	for (long i = 0; i < n; i++) {
		struct timespec ts = { 0, 1000000 };

		must(nanosleep(&ts, 0) == 0);
	}
	must(bench_now() - start >= n * 1000000);
}

static void sleep_exact(long n)
{
	int64_t until = bench_now() + n * 1000000;

	while (bench_now() < until)
		;
}

const struct item items_clock[] = {
	{ "clock", 't', 20000, 0, clock_library, 0, 0, 0 },
	{ "clock-call", 't', 20000, 0, clock_call, 0, 0, 0 },
	{ "sleep-late", 't', 20, setup_slack, sleep_late, sleep_exact, 0, 0 },
	{ 0 },
};

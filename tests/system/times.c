/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and sleeps: monotonic, never early, CPU time, the wall clock. */
#include "test.h"
#include <pthread.h>
#include <sys/sysinfo.h>
#include <sys/times.h>

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	check_ok(clock_gettime(id, &ts));
	check(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ns(&ts);
}

static void never_backwards(void)
{
	long long last = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < 100000; i++) {
		long long now = clock_ns(CLOCK_MONOTONIC);

		check(now >= last);
		last = now;
	}
}

static volatile long long shared_last;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *reader(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		long long now = clock_ns(CLOCK_MONOTONIC);

		if (now < shared_last)
			return (void *)1;
		shared_last = now;
		pthread_mutex_unlock(&mutex);
	}
	return 0;
}

static void never_backwards_across_threads(void)
{
	pthread_t t[4];
	void *bad;

	for (int i = 0; i < 4; i++)
		check_equal(pthread_create(&t[i], 0, reader, 0), 0);
	for (int i = 0; i < 4; i++) {
		check_equal(pthread_join(t[i], &bad), 0);
		check(!bad);
	}
}

static void sleeps_are_not_early(void)
{
	static const long lengths[] = { 0, 1, 1000, 50000, 1000000, 5000000, 30000000 };

	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++)
		for (int k = 0; k < 5; k++) {
			struct timespec ts = { 0, lengths[i] };
			long long start = clock_ns(CLOCK_MONOTONIC);

			check_ok(nanosleep(&ts, 0));
			check(clock_ns(CLOCK_MONOTONIC) - start >= lengths[i]);
		}
}

static void absolute_sleep(void)
{
	struct timespec ts;

	check_ok(clock_gettime(CLOCK_MONOTONIC, &ts));
	long long until = ns(&ts) + 60000000;

	ts = (struct timespec){ until / 1000000000, until % 1000000000 };
	check_equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0), 0);
	check(clock_ns(CLOCK_MONOTONIC) >= until);
	check_equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0), 0);
	check_ok(clock_gettime(CLOCK_REALTIME, &ts));
	until = ns(&ts) + 30000000;
	ts = (struct timespec){ until / 1000000000, until % 1000000000 };
	check_equal(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, 0), 0);
	check(clock_ns(CLOCK_REALTIME) >= until);
}

static void bad_arguments(void)
{
	struct timespec ts = { 0, 1000000000 };

	check_errno(nanosleep(&ts, 0), EINVAL);
	ts = (struct timespec){ -1, 0 };
	check_errno(nanosleep(&ts, 0), EINVAL);
	check_equal(clock_nanosleep(99, 0, &ts, 0), EINVAL);
	check_errno(clock_gettime(99, &ts), EINVAL);
	check_errno(clock_getres(99, &ts), EINVAL);
	check_ok(clock_getres(CLOCK_MONOTONIC, &ts));
	check(ts.tv_sec == 0 && ts.tv_nsec > 0);
}

static void wall_clock(void)
{
	struct timeval tv;
	long long a = clock_ns(CLOCK_REALTIME);

	check_ok(gettimeofday(&tv, 0));
	long long b = tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll;

	check(b - a > -2000000 && b - a < 2000000000ll);
	check(time(0) - b / 1000000000 <= 2);
	check(b / 1000000000 > 1700000000);	/* the boards' clocks are set: after 2023 */
}

static void clocks_advance_alike(void)
{
	long long r = clock_ns(CLOCK_REALTIME), m = clock_ns(CLOCK_MONOTONIC), b = clock_ns(CLOCK_BOOTTIME);

	sleep_ms(150);
	r = clock_ns(CLOCK_REALTIME) - r;
	m = clock_ns(CLOCK_MONOTONIC) - m;
	b = clock_ns(CLOCK_BOOTTIME) - b;
	check(m >= 150000000 && r - m < 100000000 && m - r < 100000000 && b - m < 100000000 && m - b < 100000000);
}

static void cpu_time(void)
{
	long long p = clock_ns(CLOCK_PROCESS_CPUTIME_ID), t = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	struct tms before, after;

	check(times(&before) != (clock_t)-1);
	sleep_ms(200);
	check(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - p < 150000000);
	long long until = now_ms() + 200;

	while (now_ms() < until)
		;
	check(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - p > 20000000);
	check(clock_ns(CLOCK_THREAD_CPUTIME_ID) - t > 20000000);
	check(times(&after) != (clock_t)-1);
	check(after.tms_utime + after.tms_stime >= before.tms_utime + before.tms_stime);
}

static void system_facts(void)
{
	struct sysinfo si;

	check_ok(sysinfo(&si));
	check(si.uptime > 0 && si.totalram > si.freeram && si.mem_unit > 0 && si.procs > 1);
}

static const struct test table[] = {
	{ "never-backwards", never_backwards }, { "never-backwards-threads", never_backwards_across_threads },
	{ "sleeps-not-early", sleeps_are_not_early }, { "absolute-sleep", absolute_sleep },
	{ "bad-arguments", bad_arguments }, { "wall-clock", wall_clock }, { "clocks-alike", clocks_advance_alike },
	{ "cpu-time", cpu_time }, { "sysinfo", system_facts },
	{ 0 },
};

TEST_MAIN(table)

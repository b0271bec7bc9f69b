/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks that wake a sleeping machine: timers and sleeps on them, and who may. */
#include "test.h"
#include <poll.h>
#include <sys/timerfd.h>

static const clockid_t clocks[] = { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM };

/* Linux refuses them where no real-time clock can wake the machine: so on RISC-V's virt. Then all calls must say so. */
static bool are_refused(void)
{
#ifdef __riscv
	struct timespec ms = { 0, 1000000 };
	timer_t t;

	if (timer_create(clocks[0], 0, &t) == -1 && errno == EOPNOTSUPP) {
		check_errno(timer_create(clocks[1], 0, &t), EOPNOTSUPP);
		check_equal(clock_nanosleep(clocks[0], 0, &ms, 0), EOPNOTSUPP);
		return true;
	}
#endif
	return false;
}

static volatile sig_atomic_t fired;
static void on_fire(int sig, siginfo_t *info, void *context) { fired += info->si_value.sival_int; }

static void fire(void)
{
	struct sigaction sa = { .sa_sigaction = on_fire, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 3 };
	struct itimerspec at = { .it_value.tv_nsec = 30000000 }, left;
	timer_t t;

	if (are_refused())
		return;
	check_ok(sigaction(SIGUSR1, &sa, 0));
	for (int i = 0; i < 2; i++) {
		long long start = now_ms();

		fired = 0;
		check_ok(timer_create(clocks[i], &ev, &t));
		check_ok(timer_settime(t, 0, &at, 0));
		check_ok(timer_gettime(t, &left));
		check(left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 30000000);
		while (!fired)
			sleep_ms(1);
		check_equal(fired, 3);
		check(now_ms() - start >= 29);
		check_ok(timer_delete(t));
	}
}

static void absolute(void)
{
	struct sigaction sa = { .sa_sigaction = on_fire, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 1 };
	struct itimerspec at = { .it_value.tv_nsec = 0 };
	timer_t t;

	if (are_refused())
		return;
	check_ok(sigaction(SIGUSR1, &sa, 0));
	for (int i = 0; i < 2; i++) {
		struct timespec now, then;

		fired = 0;
		check_ok(timer_create(clocks[i], &ev, &t));
		check_ok(clock_gettime(clocks[i], &now));
		at.it_value = now;
		at.it_value.tv_sec++;
		check_ok(timer_settime(t, TIMER_ABSTIME, &at, 0));
		while (!fired)
			sleep_ms(5);
		check_ok(clock_gettime(clocks[i], &then));
		check(then.tv_sec > at.it_value.tv_sec || (then.tv_sec == at.it_value.tv_sec && then.tv_nsec >= at.it_value.tv_nsec));
		check_ok(timer_delete(t));
	}
}

static void sleeps(void)
{
	struct timespec ms = { 0, 20000000 }, now;

	if (are_refused())
		return;
	for (int i = 0; i < 2; i++) {
		long long start = now_ms();

		check_equal(clock_nanosleep(clocks[i], 0, &ms, 0), 0);
		check(now_ms() - start >= 19);
		check_ok(clock_gettime(clocks[i], &now));
		now.tv_nsec += 20000000;
		if (now.tv_nsec >= 1000000000) {
			now.tv_sec++;
			now.tv_nsec -= 1000000000;
		}
		start = now_ms();
		check_equal(clock_nanosleep(clocks[i], TIMER_ABSTIME, &now, 0), 0);
		check(now_ms() - start >= 15);
	}
}

static void rights(void)
{
	pid_t pid;

	if (are_refused())
		return;
	pid = fork();

	if (pid == 0) {
		struct timespec ms = { 0, 1000000 };
		timer_t t;

		check_ok(setuid(65534));
		for (int i = 0; i < 2; i++) {
			check_errno(timer_create(clocks[i], 0, &t), EPERM);
			check_equal(clock_nanosleep(clocks[i], 0, &ms, 0), EPERM);
			check_errno(timerfd_create(clocks[i], 0), EPERM);
		}
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static const struct test table[] = { { "fire", fire }, { "absolute", absolute }, { "sleeps", sleeps }, { "rights", rights }, { 0 } };

TEST_MAIN(table)

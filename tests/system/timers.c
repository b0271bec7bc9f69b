/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX timers, interval timers, CPU clocks and their limits, clocks that are set under sleepers, adjtimex. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static struct timespec ts_of(long long n)
{
	return (struct timespec){ n / 1000000000, n % 1000000000 };
}

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	check_ok(clock_gettime(id, &ts));
	return ns(&ts);
}

static void burn(long long n)
{
	long long until = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + n;

	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < until)
		;
}

static volatile int caught, last_overrun, last_value;
static void on_info(int sig, siginfo_t *info, void *context)
{
	caught++;
	last_overrun = info->si_overrun;
	last_value = info->si_value.sival_int;
}

static void catch(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };

	check_ok(sigaction(sig, &sa, 0));
}

static timer_t make(clockid_t clock, int notify, int sig)
{
	struct sigevent e = { .sigev_notify = notify, .sigev_signo = sig };
	timer_t id;

	e.sigev_value.sival_int = 77;
	check_ok(timer_create(clock, &e, &id));
	return id;
}

static void set(timer_t id, int flags, long long value, long long interval)
{
	struct itimerspec v = { ts_of(interval), ts_of(value) };

	check_ok(timer_settime(id, flags, &v, 0));
}

static void wait_caught(int n)
{
	for (long long end = now_ms() + 5000; caught < n && now_ms() < end;)
		sleep_ms(1);
	check(caught >= n);
}

static void one_shot(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI };

	catch(SIGUSR1);
	for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		timer_t id = make(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		long long start = clock_ns(clocks[i]);

		caught = 0;
		set(id, 0, 5000000, 0);
		wait_caught(1);
		check(clock_ns(clocks[i]) - start >= 5000000);
		check_equal(last_value, 77);
		caught = 0;
		start = clock_ns(clocks[i]);
		set(id, TIMER_ABSTIME, start + 5000000, 0);
		wait_caught(1);
		check(clock_ns(clocks[i]) >= start + 5000000);
		caught = 0;
		set(id, TIMER_ABSTIME, 1, 0);		/* long past */
		wait_caught(1);
		check_ok(timer_delete(id));
	}
}

static void periodic(void)
{
	timer_t id;
	struct itimerspec v;

	catch(SIGUSR1);
	id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	set(id, 0, 2000000, 2000000);
	wait_caught(10);
	check_ok(timer_gettime(id, &v));
	check_equal(ns(&v.it_interval), 2000000);
	check(ns(&v.it_value) > 0 && ns(&v.it_value) <= 2000000);
	set(id, 0, 0, 0);
	check_ok(timer_gettime(id, &v));
	check_equal(ns(&v.it_value), 0);
	check_equal(ns(&v.it_interval), 0);
}

/* What passes while the signal is blocked is counted, not queued. */
static void overrun(void)
{
	sigset_t mask;
	siginfo_t info;
	timer_t id;

	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN);
	check_ok(sigprocmask(SIG_BLOCK, &mask, 0));
	id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN);
	set(id, 0, 1000000, 1000000);
	sleep_ms(50);
	check_equal(sigwaitinfo(&mask, &info), SIGRTMIN);
	check_equal(info.si_code, SI_TIMER);
	check(info.si_overrun >= 40);
	check_equal(timer_getoverrun(id), info.si_overrun);
	check_equal(sigwaitinfo(&mask, &info), SIGRTMIN);
	check(info.si_overrun < 40);
}

/* The shortest period there is: the machine lives on, the handler runs, nearly all is overrun. */
static void one_nanosecond(void)
{
	timer_t id;

	catch(SIGUSR1);
	id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	set(id, 0, 1, 1);
	for (int i = 0; i < 20 && caught < 20; i++)
		sleep_ms(1);
	check(caught > 0 && last_overrun > 0);
	set(id, 0, 0, 0);
	signal(SIGUSR1, SIG_IGN);
	set(id, 0, 1, 1);
	sleep_ms(30);
	set(id, 0, 0, 0);
	struct itimerval v = { { 0, 1 }, { 0, 1 } };

	signal(SIGALRM, SIG_IGN);
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	sleep_ms(30);
}

static void nobody_notified(void)
{
	struct itimerspec v;
	timer_t id = make(CLOCK_MONOTONIC, SIGEV_NONE, 0);

	set(id, 0, 10000000, 3000000);
	sleep_ms(20);
	check_ok(timer_gettime(id, &v));
	check(ns(&v.it_value) > 0 && ns(&v.it_value) <= 3000000);
	set(id, 0, 5000000, 0);
	sleep_ms(10);
	check_ok(timer_gettime(id, &v));
	check_equal(ns(&v.it_value), 0);
}

static void bad_timers(void)
{
	struct sigevent e = { .sigev_notify = 99, .sigev_signo = SIGUSR1 };
	struct itimerspec v = { { 0, 0 }, { 0, 1000000000 } };
	timer_t id;

	check_errno(timer_create(99, 0, &id), EINVAL);
	check_errno(timer_create(CLOCK_MONOTONIC_RAW, 0, &id), EOPNOTSUPP);
	check_errno(timer_create(CLOCK_MONOTONIC_COARSE, 0, &id), EOPNOTSUPP);
	check_errno(timer_create(CLOCK_MONOTONIC, &e, &id), EINVAL);
	e.sigev_notify = SIGEV_SIGNAL;
	e.sigev_signo = 65;
	check_errno(timer_create(CLOCK_MONOTONIC, &e, &id), EINVAL);
	check_errno(timer_create((clockid_t)((~0x7ffffffu << 3) | 2), 0, &id), EINVAL);	/* no such process */
	id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	check_errno(timer_settime(id, 0, &v, 0), EINVAL);
	v.it_value = (struct timespec){ -1, 0 };
	check_errno(timer_settime(id, 0, &v, 0), EINVAL);
	v.it_value = (struct timespec){ 0, -1 };
	check_errno(timer_settime(id, 0, &v, 0), EINVAL);
	v.it_value = (struct timespec){ 1, 0 };
	v.it_interval = (struct timespec){ 0, 1000000000 };
	check_errno(timer_settime(id, 0, &v, 0), EINVAL);
	v.it_interval = (struct timespec){ 0x7fffffffffffffff, 999999999 };
	v.it_value = (struct timespec){ 0x7fffffffffffffff, 999999999 };
	check_ok(timer_settime(id, 0, &v, 0));
	check_ok(timer_settime(id, TIMER_ABSTIME, &v, 0));
	check_ok(timer_delete(id));
	check_errno(syscall(SYS_timer_delete, id), EINVAL);
	check_errno(syscall(SYS_timer_settime, 12345678, 0, &v, 0), EINVAL);
	check_errno(syscall(SYS_timer_gettime, -1, &v), EINVAL);
	check_errno(syscall(SYS_timer_getoverrun, 12345678), EINVAL);
}

/* ---- the wall clock is set ---- */

static void set_wall(long long n)
{
	struct timespec ts = ts_of(n);

	check_ok(clock_settime(CLOCK_REALTIME, &ts));
}

static void timers_follow_the_wall_clock(void)
{
	long long wall = clock_ns(CLOCK_REALTIME), mono = clock_ns(CLOCK_MONOTONIC);
	timer_t absolute, relative;

	catch(SIGUSR1);
	absolute = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1);
	relative = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1);
	set(absolute, TIMER_ABSTIME, wall + 3600000000000ll, 0);
	set(relative, 0, 3600000000000ll, 0);
	set_wall(wall + 3601000000000ll);
	wait_caught(1);
	sleep_ms(20);
	check_equal(caught, 1);
	set_wall(wall + clock_ns(CLOCK_MONOTONIC) - mono);
}

static void *setter(void *arg)
{
	sleep_ms(30);
	set_wall(*(long long *)arg);
	return 0;
}

static void sleeps_follow_the_wall_clock(void)
{
	long long wall = clock_ns(CLOCK_REALTIME), mono = clock_ns(CLOCK_MONOTONIC), to = wall + 3600000000000ll;
	struct timespec until = ts_of(wall + 1800000000000ll);
	pthread_t t;

	check_equal(pthread_create(&t, 0, setter, &to), 0);
	check_equal(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, 0), 0);
	check(clock_ns(CLOCK_REALTIME) >= ns(&until));
	pthread_join(t, 0);
	set_wall(wall + clock_ns(CLOCK_MONOTONIC) - mono);
	/* Back while asleep: it lasts longer. */
	wall = clock_ns(CLOCK_REALTIME);
	until = ts_of(wall + 60000000);
	to = wall - 100000000;
	mono = clock_ns(CLOCK_MONOTONIC);
	check_equal(pthread_create(&t, 0, setter, &to), 0);
	check_equal(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, 0), 0);
	check(clock_ns(CLOCK_MONOTONIC) - mono >= 130000000);
	pthread_join(t, 0);
	set_wall(wall + clock_ns(CLOCK_MONOTONIC) - mono);
}

static void bad_settings(void)
{
	struct timespec ts = { 0, 1000000000 };
	struct timeval tv = { 1, 1000000 };

	check_errno(clock_settime(CLOCK_REALTIME, &ts), EINVAL);
	ts = (struct timespec){ -1, 0 };
	check_errno(clock_settime(CLOCK_REALTIME, &ts), EINVAL);
	ts = (struct timespec){ 0x7fffffffffffffff, 0 };
	check_errno(clock_settime(CLOCK_REALTIME, &ts), EINVAL);
	ts = (struct timespec){ 0, 0 };
	check_errno(clock_settime(CLOCK_REALTIME, &ts), EINVAL);	/* before the boot */
	ts = (struct timespec){ 1800000000, 0 };
	check_errno(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
	check_errno(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &ts), EINVAL);
	check_errno(syscall(SYS_clock_settime, (~0u << 3) | 2, &ts), EPERM);
	check_errno(clock_settime(99, &ts), EINVAL);
	check_errno(syscall(SYS_settimeofday, &tv, 0), EINVAL);
	check_ok(setuid(65534));
	check_errno(clock_settime(CLOCK_REALTIME, &ts), EPERM);
}

static void years_2038_and_2106(void)
{
	static const long long edges[] = { 0x7fffffff, 0xffffffff, 8000000000 };
	long long wall = clock_ns(CLOCK_REALTIME), mono = clock_ns(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < sizeof edges / sizeof *edges; i++) {
		struct timespec until = { edges[i] + 1, 0 };

		set_wall(edges[i] * 1000000000 + 950000000);
		check_equal(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, 0), 0);
		check(clock_ns(CLOCK_REALTIME) / 1000000000 >= edges[i] + 1);
		check(time(0) >= edges[i] + 1 && time(0) < edges[i] + 10);
	}
	set_wall(wall + clock_ns(CLOCK_MONOTONIC) - mono);
}

/* ---- CPU time ---- */

static void cpu_timers(void)
{
	static const clockid_t clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };

	catch(SIGUSR1);
	for (int i = 0; i < 2; i++) {
		timer_t id = make(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		long long start = clock_ns(clocks[i]);
		struct itimerspec v;

		caught = 0;
		set(id, 0, 20000000, 0);
		sleep_ms(60);
		check_equal(caught, 0);			/* asleep no time passes */
		check_ok(timer_gettime(id, &v));
		check(ns(&v.it_value) > 0 && ns(&v.it_value) <= 20000000);
		while (!caught)
			burn(1000000);
		check(clock_ns(clocks[i]) - start >= 20000000);
		check(clock_ns(clocks[i]) - start < 2000000000);
		caught = 0;
		set(id, 0, 5000000, 5000000);
		while (caught < 5)
			burn(1000000);
		set(id, 0, 0, 0);
	}
}

static void interval_timers_on_cpu_time(void)
{
	static const struct { int which, sig; } kinds[] = { { ITIMER_VIRTUAL, SIGVTALRM }, { ITIMER_PROF, SIGPROF } };

	for (int i = 0; i < 2; i++) {
		struct itimerval v = { { 0, 10000 }, { 0, 10000 } }, got;
		long long start;

		catch(kinds[i].sig);
		caught = 0;
		start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		check_ok(setitimer(kinds[i].which, &v, 0));
		sleep_ms(50);
		/* A slow host makes even this take time of ours; no signal comes before its due. */
		check(caught * 10000000ll <= clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start);
		check(caught < 4);
		check_ok(getitimer(kinds[i].which, &got));
		check(got.it_value.tv_sec == 0 && got.it_value.tv_usec > 0 && got.it_value.tv_usec <= 14000);
		check_equal(got.it_interval.tv_usec, 10000);
		for (volatile long k = 0; caught < 5; k++)
			;
		check(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 48000000);
		memset(&v, 0, sizeof v);
		check_ok(setitimer(kinds[i].which, &v, &got));
		caught = 0;
		burn(30000000);
		check_equal(caught, 0);
	}
	struct itimerval bad = { { 0, 0 }, { 0, 1000000 } };

	check_errno(setitimer(3, &bad, 0), EINVAL);
	check_errno(setitimer(ITIMER_PROF, &bad, 0), EINVAL);
	check_errno(getitimer(-1, &bad), EINVAL);
}

static volatile int stop;
static void *burner(void *arg)
{
	while (!stop)
		;
	return 0;
}

static void sleep_on_cpu_time(void)
{
	struct timespec ts = { 0, 30000000 };
	long long start;
	pthread_t t;

	check_equal(pthread_create(&t, 0, burner, 0), 0);
	start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	check_equal(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, 0), 0);
	check(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 30000000);
	ts = ts_of(clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 30000000);
	check_equal(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &ts, 0), 0);
	check(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= ns(&ts));
	stop = 1;
	pthread_join(t, 0);
	check_errno(syscall(SYS_clock_nanosleep, (~0u << 3) | 6, 0, &ts, 0), EINVAL);	/* one's own thread */
	check_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, 0), EOPNOTSUPP);
}

static void clocks_of_others(void)
{
	clockid_t id;
	long long a, b;
	pid_t pid = fork();

	if (pid == 0)
		while (1)
			;
	check_equal(clock_getcpuclockid(pid, &id), 0);
	a = clock_ns(id);
	sleep_ms(60);
	b = clock_ns(id);
	check(b > a && b - a < 15000000000);
	kill(pid, SIGKILL);
	wait_for(pid);
	struct timespec ts;

	check_errno(clock_gettime(id, &ts), EINVAL);
	check_equal(clock_getcpuclockid(pid, &id), ESRCH);
	/* User and total of oneself, by their numbers: 0 both modes, 1 user, 2 the scheduler's. */
	burn(10000000);
	a = clock_ns((clockid_t)((~0u << 3) | 1));
	b = clock_ns((clockid_t)((~0u << 3) | 2));
	check(a >= 0 && b > 0 && a <= b + 20000000);
	check_errno(clock_gettime((clockid_t)((~0u << 3) | 3), &ts), EINVAL);
	check_errno(clock_gettime((clockid_t)((~1u << 3) | 6), &ts), EINVAL);	/* a thread of another process */
}

static void cpu_limit(void)
{
	pid_t pid = fork();
	struct rusage u;
	int status;

	if (pid == 0) {
		struct rlimit l = { 1, 2 };

		catch(SIGXCPU);
		check_ok(setrlimit(RLIMIT_CPU, &l));
		while (!caught)
			;
		if (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 990000000)
			_exit(9);
		while (1)
			;
	}
	check_equal(wait4(pid, &status, 0, &u), pid);
	check(WIFSIGNALED(status));
	check_equal(WTERMSIG(status), SIGKILL);
	long long used = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000ll + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;

	check(used >= 1900 && used < 15000);	/* a busy host makes it late */
}

static void rt_limit(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		long long longest = 0;
		struct rusage u;
		struct sched_param param = { .sched_priority = 5 };
		struct rlimit l = { 100000, 200000 };

		if (syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param))
			_exit(8);
		check_ok(setrlimit(RLIMIT_RTTIME, &l));
		catch(SIGXCPU);
		for (int i = 0; i < 8; i++) {
			long long start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

			burn(30000000);
			start = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
			longest = start > longest ? start : longest;
			sleep_ms(1);		/* sleeping begins a new account */
		}
		check_ok(getrusage(RUSAGE_SELF, &u));
		/* Else the host stopped us in a round, or for longer than a whole sleep. */
		if (caught && longest < 80000000 && u.ru_nvcsw >= 8)
			_exit(7);
		while (1)
			;
	}
	status = wait_for(pid);
	check_equal(status, SIGKILL);
}

static void usage_is_exact(void)
{
	struct rusage a, b;
	long long cpu, sum;

	check_ok(getrusage(RUSAGE_SELF, &a));
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	burn(200000000);
	check_ok(getrusage(RUSAGE_SELF, &b));
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	sum = (b.ru_utime.tv_sec - a.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_stime.tv_sec) * 1000000ll +
	      b.ru_utime.tv_usec - a.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_stime.tv_usec;
	check(sum > cpu / 1000 - 20000 && sum < cpu / 1000 + 20000);
}

/* ---- adjtimex ---- */

static void adjusting(void)
{
	struct timex t = { .modes = 0 };

	check(adjtimex(&t) >= 0);
	check(t.tick == 10000 && t.tolerance == 500 << 16);
	t = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 100 << 16 };
	check(adjtimex(&t) >= 0);
	t = (struct timex){ 0 };
	check(adjtimex(&t) >= 0);
	check(t.freq > (99 << 16) && t.freq <= (100 << 16));
	t = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 10000 << 16 };
	check(adjtimex(&t) >= 0);
	check_equal(t.freq, 500 << 16);			/* as far as it goes */
	t = (struct timex){ .modes = ADJ_FREQUENCY };
	check(adjtimex(&t) >= 0);
	t = (struct timex){ .modes = ADJ_TICK, .tick = 8999 };
	check_errno(adjtimex(&t), EINVAL);
	t = (struct timex){ .modes = ADJ_TICK, .tick = 11001 };
	check_errno(adjtimex(&t), EINVAL);
	t = (struct timex){ .modes = ADJ_SETOFFSET, .time = { 0, 1000000 } };
	check_errno(adjtimex(&t), EINVAL);
	t = (struct timex){ .modes = ADJ_SETOFFSET | ADJ_NANO, .time = { 0, 1000000000 } };
	check_errno(adjtimex(&t), EINVAL);
	t = (struct timex){ .modes = 0x8000 };
	check_errno(adjtimex(&t), EINVAL);
	check_errno(clock_adjtime(CLOCK_MONOTONIC, &t), EOPNOTSUPP);
	check_errno(clock_adjtime(99, &t), EINVAL);
	check_errno(syscall(SYS_adjtimex, (void *)16), EFAULT);
	t = (struct timex){ .modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, .status = STA_PLL, .maxerror = 1000, .esterror = 7 };
	check_equal(adjtimex(&t), TIME_OK);
	check(!(t.status & STA_UNSYNC) && (t.status & STA_PLL));
	check(t.maxerror >= 1000 && t.maxerror < 100000 && t.esterror == 7);
	t = (struct timex){ .modes = ADJ_STATUS, .status = STA_UNSYNC };
	check_equal(adjtimex(&t), TIME_ERROR);
	check_ok(setuid(65534));
	t = (struct timex){ 0 };
	check(adjtimex(&t) >= 0);
	t = (struct timex){ .modes = ADJ_TICK, .tick = 10000 };
	check_errno(adjtimex(&t), EPERM);
	t = (struct timex){ .modes = ADJ_OFFSET_SINGLESHOT };
	check_errno(adjtimex(&t), EPERM);
	t = (struct timex){ .modes = ADJ_OFFSET_SS_READ };
	check(adjtimex(&t) >= 0);
}

static void stepping_and_tai(void)
{
	struct timex t = { .modes = ADJ_SETOFFSET | ADJ_NANO, .time = { 100, 5 } };
	long long before = clock_ns(CLOCK_REALTIME), after;

	check(adjtimex(&t) >= 0);
	after = clock_ns(CLOCK_REALTIME);
	check(after - before >= 100000000005ll && after - before < 110000000000ll);
	t = (struct timex){ .modes = ADJ_SETOFFSET | ADJ_MICRO, .time = { -101, 999999 } };
	check(adjtimex(&t) >= 0);
	check(clock_ns(CLOCK_REALTIME) < after);
	t = (struct timex){ .modes = ADJ_TAI, .constant = 37 };
	check(adjtimex(&t) >= 0);
	check_equal(t.tai, 37);
	before = clock_ns(CLOCK_REALTIME);
	after = clock_ns(CLOCK_TAI);
	check(after - before >= 37000000000ll && after - before < 38000000000ll);
	struct timespec until = ts_of(after + 20000000);

	check_equal(clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, &until, 0), 0);
	check(clock_ns(CLOCK_TAI) >= ns(&until));
	t = (struct timex){ .modes = ADJ_TAI, .constant = 0 };
	check(adjtimex(&t) >= 0);
}

/* adjtime(3): 500 us in every second, measured against the clock that nobody steers. */
static void slewing(void)
{
	struct timex t = { .modes = ADJ_OFFSET_SINGLESHOT, .offset = 5000 };
	long long raw, mono, gained, passed;

	check(adjtimex(&t) >= 0);
	sleep_ms(1100);
	raw = clock_ns(CLOCK_MONOTONIC_RAW);
	mono = clock_ns(CLOCK_MONOTONIC);
	sleep_ms(2000);
	gained = clock_ns(CLOCK_MONOTONIC) - mono;
	passed = clock_ns(CLOCK_MONOTONIC_RAW) - raw;
	gained -= passed;
	t = (struct timex){ .modes = ADJ_OFFSET_SS_READ };
	check(adjtimex(&t) >= 0);
	check(t.offset >= 0 && t.offset <= 4500);
	/* Unless a busy host let it come to its end. */
	check(!t.offset || (gained > passed / 5000 && gained < passed / 1000));
	t = (struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 0 };
	check(adjtimex(&t) >= 0);
}

static const struct test tests[] = {
	{ "one_shot", one_shot },
	{ "periodic", periodic },
	{ "overrun", overrun },
	{ "one_nanosecond", one_nanosecond },
	{ "nobody_notified", nobody_notified },
	{ "bad_timers", bad_timers },
	{ "timers_follow_the_wall_clock", timers_follow_the_wall_clock },
	{ "sleeps_follow_the_wall_clock", sleeps_follow_the_wall_clock },
	{ "bad_settings", bad_settings },
	{ "years_2038_and_2106", years_2038_and_2106 },
	{ "cpu_timers", cpu_timers },
	{ "interval_timers_on_cpu_time", interval_timers_on_cpu_time },
	{ "sleep_on_cpu_time", sleep_on_cpu_time },
	{ "clocks_of_others", clocks_of_others },
	{ "cpu_limit", cpu_limit },
	{ "rt_limit", rt_limit },
	{ "usage_is_exact", usage_is_exact },
	{ "adjusting", adjusting },
	{ "stepping_and_tai", stepping_and_tai },
	{ "slewing", slewing },
	{ 0 },
};
TEST_MAIN(tests)

/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: handlers, masks, queues, restart, alternate stacks, what a handler sees and may change. */
#include "test.h"
#include <setjmp.h>
#include <sys/syscall.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last;
static volatile siginfo_t last_info;

static void on_signal(int signo)
{
	count++;
	last = signo;
}

static void on_info(int signo, siginfo_t *info, void *context)
{
	count++;
	last = signo;
	last_info = *info;
}

static void handle(int signo, int flags)
{
	struct sigaction sa = { .sa_flags = flags };

	if (flags & SA_SIGINFO)
		sa.sa_sigaction = on_info;
	else
		sa.sa_handler = on_signal;
	check_ok(sigaction(signo, &sa, 0));
}

static sigset_t set_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static void handler_runs(void)
{
	double kept = 1.5;

	handle(SIGUSR1, 0);
	for (int i = 0; i < 50; i++) {
		kept *= 1.25;
		check_ok(raise(SIGUSR1));
		kept /= 1.25;
	}
	check_equal(count, 50);
	check_equal(last, SIGUSR1);
	check(kept > 1.49 && kept < 1.51);
}

static void info_says_who(void)
{
	handle(SIGUSR2, SA_SIGINFO);
	check_ok(kill(getpid(), SIGUSR2));
	check_equal(count, 1);
	check(last_info.si_signo == SIGUSR2 && last_info.si_code == SI_USER);
	check(last_info.si_pid == getpid() && last_info.si_uid == getuid());
	union sigval value = { .sival_int = 77 };

	check_ok(sigqueue(getpid(), SIGUSR2, value));
	check(last_info.si_code == SI_QUEUE && last_info.si_value.sival_int == 77);
}

static void action_is_returned(void)
{
	struct sigaction old;

	handle(SIGUSR1, SA_RESTART);
	check_ok(sigaction(SIGUSR1, 0, &old));
	check(old.sa_handler == on_signal && (old.sa_flags & SA_RESTART));
	check_errno(sigaction(SIGKILL, &old, 0), EINVAL);
	check_errno(sigaction(SIGSTOP, &old, 0), EINVAL);
	check_errno(syscall(SYS_rt_sigaction, 65, 0, 0, 8), EINVAL);
	check_errno(syscall(SYS_rt_sigaction, 1, 0, 0, 4), EINVAL);
	check_ok(syscall(SYS_rt_sigaction, SIGKILL, 0, &old, 8));
}

static void blocked_stays_pending(void)
{
	sigset_t set = set_of(SIGUSR1), pending, old;

	handle(SIGUSR1, 0);
	check_ok(sigprocmask(SIG_BLOCK, &set, &old));
	check(!sigismember(&old, SIGUSR1));
	raise(SIGUSR1);
	raise(SIGUSR1);
	check_equal(count, 0);
	check_ok(sigpending(&pending));
	check(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
	check_ok(sigprocmask(SIG_UNBLOCK, &set, 0));
	check_equal(count, 1);
	check_errno(sigprocmask(99, &set, 0), EINVAL);
	sigfillset(&set);
	check_ok(sigprocmask(SIG_SETMASK, &set, 0));
	check_ok(sigprocmask(SIG_SETMASK, 0, &old));
	check(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP) && sigismember(&old, SIGTERM));
}

static void realtime_signals_queue(void)
{
	sigset_t set = set_of(SIGRTMIN + 1);
	union sigval value;
	siginfo_t info;

	check_ok(sigprocmask(SIG_BLOCK, &set, 0));
	for (int i = 0; i < 10; i++) {
		value.sival_int = i;
		check_ok(sigqueue(getpid(), SIGRTMIN + 1, value));
	}
	for (int i = 0; i < 10; i++) {
		check_equal(sigwaitinfo(&set, &info), SIGRTMIN + 1);
		check_equal(info.si_value.sival_int, i);
	}
	struct timespec ts = { 0, 50000000 };

	check_errno(sigtimedwait(&set, &info, &ts), EAGAIN);
}

static volatile int depth, max_depth;

static void on_nested(int signo)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (count++ == 0)
		raise(signo);
	depth--;
}

static void mask_while_handling(void)
{
	struct sigaction sa = { .sa_handler = on_nested };

	check_ok(sigaction(SIGUSR1, &sa, 0));
	raise(SIGUSR1);
	check(count == 2 && max_depth == 1);
	sa.sa_flags = SA_NODEFER;
	count = max_depth = 0;
	check_ok(sigaction(SIGUSR1, &sa, 0));
	raise(SIGUSR1);
	check(count == 2 && max_depth == 2);
}

static void one_shot(void)
{
	struct sigaction old;

	handle(SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	check_equal(count, 1);
	check_ok(sigaction(SIGUSR1, 0, &old));
	check(old.sa_handler == SIG_DFL);
}

static void interrupts_a_read(void)
{
	int fd[2];
	char c;
	struct itimerval tv = { { 0, 0 }, { 0, 60000 } };

	check_ok(pipe(fd));
	handle(SIGALRM, 0);
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	check_errno(read(fd[0], &c, 1), EINTR);
	check_equal(count, 1);
}

static void restarts_a_read(void)
{
	int fd[2];
	char c = 0;
	struct itimerval tv = { { 0, 0 }, { 0, 60000 } };

	check_ok(pipe(fd));
	handle(SIGALRM, SA_RESTART);
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(250);
		_exit(write(fd[1], "r", 1) != 1);
	}
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	check_equal(read(fd[0], &c, 1), 1);
	check(c == 'r' && count == 1);
}

static void sleep_says_what_is_left(void)
{
	struct timespec ts = { 2, 0 }, left = { 0, 0 };
	struct itimerval tv = { { 0, 0 }, { 0, 100000 } };

	handle(SIGALRM, SA_RESTART);
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	check_errno(nanosleep(&ts, &left), EINTR);
	check(left.tv_sec == 1 && left.tv_nsec > 0);
}

static void suspend_waits(void)
{
	sigset_t block = set_of(SIGALRM), none;
	struct itimerval tv = { { 0, 0 }, { 0, 50000 } };

	handle(SIGALRM, 0);
	sigemptyset(&none);
	check_ok(sigprocmask(SIG_BLOCK, &block, 0));
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	check_errno(sigsuspend(&none), EINTR);
	check_equal(count, 1);
	check_ok(sigprocmask(SIG_SETMASK, 0, &none));
	check(sigismember(&none, SIGALRM));
}

static char alt[65536];
static volatile bool on_alt;

static void on_alternate(int signo)
{
	char here;
	stack_t now;

	on_alt = &here >= alt && &here < alt + sizeof alt && !sigaltstack(0, &now) && (now.ss_flags & SS_ONSTACK);
}

static void alternate_stack(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt }, old;
	struct sigaction sa = { .sa_handler = on_alternate, .sa_flags = SA_ONSTACK };

	check_ok(sigaltstack(&ss, 0));
	check_ok(sigaltstack(0, &old));
	check(old.ss_sp == alt && old.ss_size == sizeof alt && !(old.ss_flags & SS_DISABLE));
	check_ok(sigaction(SIGUSR1, &sa, 0));
	raise(SIGUSR1);
	check(on_alt);
	ss.ss_size = 10;
	check_errno(sigaltstack(&ss, 0), ENOMEM);
	ss.ss_flags = SS_DISABLE;
	check_ok(sigaltstack(&ss, 0));
	raise(SIGUSR1);
	check(!on_alt);
}

static void on_mask_change(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	sigaddset(&uc->uc_sigmask, SIGUSR2);
	count++;
}

static void handler_changes_the_context(void)
{
	struct sigaction sa = { .sa_sigaction = on_mask_change, .sa_flags = SA_SIGINFO };
	sigset_t now;

	check_ok(sigaction(SIGUSR1, &sa, 0));
	raise(SIGUSR1);
	check_ok(sigprocmask(SIG_SETMASK, 0, &now));
	check(count == 1 && sigismember(&now, SIGUSR2));
}

static sigjmp_buf jump;

static void on_jump(int signo)
{
	siglongjmp(jump, signo);
}

static void jump_out(void)
{
	struct sigaction sa = { .sa_handler = on_jump };
	volatile int rounds = 0;

	check_ok(sigaction(SIGUSR1, &sa, 0));
	for (; rounds < 100; rounds++)
		if (!sigsetjmp(jump, 1)) {
			raise(SIGUSR1);
			check(0);
		}
	check_equal(rounds, 100);
}

static void fault_information(void)
{
	struct sigaction sa = { .sa_handler = on_jump };

	check_ok(sigaction(SIGSEGV, &sa, 0));
	check_ok(sigaction(SIGILL, &sa, 0));
	check_ok(sigaction(SIGFPE, &sa, 0));
	check_ok(sigaction(SIGTRAP, &sa, 0));
	int got = sigsetjmp(jump, 1);

	if (!got)
		*(volatile int *)16 = 1;
	check_equal(got, SIGSEGV);
	got = sigsetjmp(jump, 1);
	if (!got)
#if defined(__x86_64__)
		__asm__ volatile("ud2");
#elif defined(__aarch64__)
		__asm__ volatile("udf #0");
#else
		__asm__ volatile("unimp");
#endif
	check_equal(got, SIGILL);
	got = sigsetjmp(jump, 1);
	if (!got)
#if defined(__x86_64__)
		__asm__ volatile("int3");
#elif defined(__aarch64__)
		__asm__ volatile("brk #0");
#else
		__asm__ volatile("ebreak");
#endif
	check_equal(got, SIGTRAP);
}

static void fault_while_blocked_kills(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sigset_t set = set_of(SIGSEGV);

		handle(SIGSEGV, 0);
		sigprocmask(SIG_BLOCK, &set, 0);
		*(volatile int *)16 = 1;
		_exit(0);
	}
	status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void child_signal(void)
{
	handle(SIGCHLD, SA_SIGINFO | SA_RESTART);
	pid_t pid = fork();

	if (pid == 0)
		_exit(4);
	check_equal(wait_for(pid), 4 << 8);
	check(count == 1 && last_info.si_pid == pid && last_info.si_code == CLD_EXITED && last_info.si_status == 4);
}

static void ignored_children_vanish(void)
{
	signal(SIGCHLD, SIG_IGN);
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	check_errno(waitpid(pid, 0, 0), ECHILD);
}

static void defaults(void)
{
	static const int ignored[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };

	for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++)
		check_ok(raise(ignored[i]));
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, SIG_IGN);
		abort();
	}
	check_equal(WTERMSIG(wait_for(pid)), SIGABRT);
}

static void kill_permissions_and_targets(void)
{
	check_errno(kill(999999, 0), ESRCH);
	check_errno(kill(getpid(), 65), EINVAL);
	check_ok(kill(getpid(), 0));
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(setuid(1000));
		check_errno(kill(getppid(), 0), EPERM);
		check_errno(kill(1, SIGTERM), EPERM);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		for (int i = 0; i < 3; i++)
			if (fork() == 0)
				for (;;)
					pause();
		check_ok(kill(0, SIGUSR1));
		_exit(1);
	}
	check_equal(WTERMSIG(wait_for(pid)), SIGUSR1);
	check_errno(kill(-999999, SIGTERM), ESRCH);
}

static void timers(void)
{
	struct itimerval tv = { { 0, 20000 }, { 0, 20000 } }, now;

	handle(SIGALRM, 0);
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	while (count < 5)
		pause();
	check_ok(getitimer(ITIMER_REAL, &now));
	check_equal(now.it_interval.tv_usec, 20000);
	memset(&tv, 0, sizeof tv);
	check_ok(setitimer(ITIMER_REAL, &tv, 0));
	check_equal(alarm(100), 0);
	check(alarm(0) >= 99);
}

static const struct test table[] = {
	{ "handler-runs", handler_runs }, { "siginfo", info_says_who }, { "sigaction", action_is_returned },
	{ "blocked-is-pending", blocked_stays_pending }, { "realtime-queue", realtime_signals_queue },
	{ "mask-while-handling", mask_while_handling }, { "one-shot", one_shot },
	{ "interrupts-read", interrupts_a_read }, { "restarts-read", restarts_a_read },
	{ "sleep-remainder", sleep_says_what_is_left }, { "sigsuspend", suspend_waits },
	{ "alternate-stack", alternate_stack }, { "context-change", handler_changes_the_context },
	{ "jump-out", jump_out }, { "faults", fault_information }, { "blocked-fault-kills", fault_while_blocked_kills },
	{ "child-signal", child_signal }, { "ignored-children", ignored_children_vanish }, { "defaults", defaults },
	{ "kill-targets", kill_permissions_and_targets }, { "interval-timer", timers },
	{ 0 },
};

TEST_MAIN(table)

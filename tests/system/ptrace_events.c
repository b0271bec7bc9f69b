/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2): the events of a tracee's life, its children and threads, group stops, interrupts, the tracer's end. */
#include "ptrace.h"
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static unsigned long message_of(pid_t pid)
{
	unsigned long message = 0;

	check_ok(trace(GETEVENTMSG, pid, 0, &message));
	return message;
}

static void fork_once(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(11);
	waitpid(pid, NULL, 0);
	_exit(12);
}

static void test_fork(void)
{
	pid_t pid = traced_child(fork_once), child;
	siginfo_t info;

	check_ok(trace(SETOPTIONS, pid, 0, (void *)(long)(OPTION(EVENT_FORK) | OPTION(EVENT_EXIT))));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_FORK << 8);
	child = (pid_t)message_of(pid);
	check(child > pid);
	check_ok(trace(GETSIGINFO, pid, 0, &info));
	check_equal(info.si_code, SIGTRAP | EVENT_FORK << 8);
	check_equal(info.si_pid, pid);
	check_stop(child, SIGSTOP);
	check_equal(proc_status(child, "TracerPid", NULL), getpid());
	check_equal(proc_status(child, "PPid", NULL), pid);
	check_ok(go(CONT, child, 0));
	check_ok(go(CONT, pid, 0));
	check_stop(child, SIGTRAP | EVENT_EXIT << 8);
	check_equal(message_of(child), 11 << 8);
	check_ok(go(CONT, child, 0));
	check_exit(child, 11);
	check_stop(pid, SIGCHLD);	/* its own parent hears of it after we did */
	check_ok(go(CONT, pid, SIGCHLD));
	check_stop(pid, SIGTRAP | EVENT_EXIT << 8);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 12);
}

static void vfork_once(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(11);
	_exit(waitpid(pid, NULL, 0) == pid ? 13 : 14);
}
static void test_vfork(void)
{
	pid_t pid = traced_child(vfork_once), child;

	check_ok(trace(SETOPTIONS, pid, 0, (void *)(long)(OPTION(EVENT_VFORK) | OPTION(EVENT_VFORK_DONE))));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_VFORK << 8);
	child = (pid_t)message_of(pid);
	check_stop(child, SIGSTOP);
	check_ok(go(CONT, pid, 0));
	check_ok(go(CONT, child, 0));
	check_exit(child, 11);
	/* The end of the wait and SIGCHLD come in either order. */
	for (int done = 0, heard = 0; !(done && heard);) {
		int status = next_status(pid);

		if (status >> 8 == (SIGTRAP | EVENT_VFORK_DONE << 8)) {
			check_equal(message_of(pid), child);
			done = 1;
		} else {
			check_equal(status >> 8, SIGCHLD);
			heard = 1;
		}
		if (!(done && heard))
			check_ok(go(CONT, pid, 0));
	}
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 13);
}

static void exec_self(void)
{
	char *argv[] = { "true", "-exec", NULL }, *env[] = { NULL };

	execve("/proc/self/exe", argv, env);
	_exit(90);
}
static void test_exec(void)
{
	pid_t pid = traced_child(exec_self);

	check_ok(trace(SETOPTIONS, pid, 0, (void *)(long)OPTION(EVENT_EXEC)));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_EXEC << 8);
	check_equal(message_of(pid), pid);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 77);
	/* Without the option: a plain SIGTRAP. */
	pid = traced_child(exec_self);
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 77);
}

static void *exec_thread(void *arg)
{
	exec_self();
	return arg;
}
static void exec_by_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, exec_thread, NULL);
	while (1)
		pause();
}
/* The thread that execs takes the leader's number; the leader's end is not told. */
static void test_exec_thread(void)
{
	pid_t pid = traced_child(exec_by_thread), tid;

	check_ok(trace(SETOPTIONS, pid, 0, (void *)(long)(OPTION(EVENT_EXEC) | OPTION(EVENT_CLONE))));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_CLONE << 8);
	tid = (pid_t)message_of(pid);
	check_stop(tid, SIGSTOP);
	check_ok(go(CONT, pid, 0));
	check_ok(go(CONT, tid, 0));
	check_stop(pid, SIGTRAP | EVENT_EXEC << 8);
	check_equal(message_of(pid), tid);
	check_errno(go(CONT, tid, 0), ESRCH);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 77);
}

static void *end_thread(void *arg) { return arg; }
static void thread_ends(void)
{
	pthread_t t;

	pthread_create(&t, NULL, end_thread, NULL);
	pthread_join(t, NULL);
	_exit(8);
}
/* A thread's end is told to the tracer, and only after that the process's. */
static void test_threads(void)
{
	pid_t pid = traced_child(thread_ends), tid;
	siginfo_t info = { 0 };

	check_ok(trace(SETOPTIONS, pid, 0, (void *)(long)OPTION(EVENT_CLONE)));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_CLONE << 8);
	tid = (pid_t)message_of(pid);
	check_stop(tid, SIGSTOP);
	check_ok(go(CONT, pid, 0));
	check_ok(go(CONT, tid, 0));
	sleep_ms(200);
	check_equal(waitpid(pid, NULL, WNOHANG | __WALL), 0);	/* its thread is to be waited for first */
	check_ok(waitid(P_PID, (id_t)tid, &info, WEXITED | WNOWAIT | __WALL));
	check_equal(info.si_pid, tid);
	check_equal(info.si_code, CLD_EXITED);
	check_exit(tid, 8);	/* the process has ended: all its threads say that */
	check_exit(pid, 8);
}

static void kill_myself(void)
{
	pthread_t t;

	pthread_create(&t, NULL, end_thread, NULL);
	pthread_join(t, NULL);
	kill(getpid(), SIGKILL);
	_exit(1);
}
/* SIGKILL ends stops of every kind but the one at the end that it brings about. */
static void test_kill(void)
{
	pid_t pid = traced_child(kill_myself);

	check_ok(kill(pid, SIGKILL));
	check_killed(pid, SIGKILL);
	pid = traced_child(kill_myself);
	check_ok(trace(SETOPTIONS, pid, 0, (void *)(long)OPTION(EVENT_EXIT)));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_EXIT << 8);
	check_equal(message_of(pid), SIGKILL);
	check_ok(kill(pid, SIGKILL));
	check_equal(message_of(pid), SIGKILL);
	check_ok(go(CONT, pid, 0));
	check_killed(pid, SIGKILL);
}

static pid_t seized(void (*fn)(void), long options)
{
	int fd[2];
	char c;
	pid_t pid;

	check_ok(pipe(fd));
	pid = fork();
	if (!pid) {
		close(fd[1]);
		if (read(fd[0], &c, 1))
			_exit(98);
		fn();
		_exit(0);
	}
	close(fd[0]);
	check_ok(trace(SEIZE, pid, 0, (void *)options));
	close(fd[1]);
	return pid;
}

static void spin(void) { while (1) sched_yield(); }
static void sleep_long(void)
{
	struct timespec ts = { 1000, 0 };

	_exit(nanosleep(&ts, NULL) ? 4 : 5);
}

static void test_interrupt(void)
{
	pid_t pid = seized(spin, 0);
	siginfo_t info;

	for (int i = 0; i < 20; i++) {
		check_ok(go(INTERRUPT, pid, 0));
		check_ok(go(INTERRUPT, pid, 0));
		check_stop(pid, SIGTRAP | EVENT_STOP << 8);
		check_ok(trace(GETSIGINFO, pid, 0, &info));
		check_equal(info.si_signo, SIGTRAP);
		check_equal(info.si_code, SIGTRAP | EVENT_STOP << 8);
		check_ok(go(CONT, pid, 0));
	}
	check_ok(kill(pid, SIGKILL));
	check_killed(pid, SIGKILL);
}

/* A sleep goes on after an interruption that no signal follows. */
static void nap(void)
{
	struct timespec ts = { 0, 300000000 };

	_exit(nanosleep(&ts, NULL) ? 4 : 5);
}
static void test_restart(void)
{
	pid_t pid = seized(nap, 0);

	sleep_ms(50);
	for (int i = 0; i < 3; i++) {
		check_ok(go(INTERRUPT, pid, 0));
		check_stop(pid, SIGTRAP | EVENT_STOP << 8);
		check_ok(go(CONT, pid, 0));
		sleep_ms(10);
	}
	check_exit(pid, 5);
}

/* Group stops of a seized tracee: told, listened to, ended by SIGCONT. */
static void test_group_stop(void)
{
	pid_t pid = seized(sleep_long, 0);
	siginfo_t info;

	check_ok(kill(pid, SIGTSTP));
	check_stop(pid, SIGTSTP);
	check_ok(go(CONT, pid, SIGTSTP));
	check_stop(pid, SIGTSTP | EVENT_STOP << 8);
	check_ok(go(LISTEN, pid, 0));
	check_errno(go(CONT, pid, 0), ESRCH);
	check_equal(waitpid(pid, NULL, WNOHANG | __WALL), 0);
	check_ok(kill(pid, SIGCONT));
	check_stop(pid, SIGTRAP | EVENT_STOP << 8);
	check_ok(trace(GETSIGINFO, pid, 0, &info));
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGCONT);
	check_errno(go(LISTEN, pid, 0), EIO);
	check_ok(go(CONT, pid, 0));
	check_ok(kill(pid, SIGSTOP));
	check_stop(pid, SIGSTOP);
	check_ok(go(CONT, pid, SIGSTOP));
	check_stop(pid, SIGSTOP | EVENT_STOP << 8);
	check_ok(kill(pid, SIGKILL));
	check_killed(pid, SIGKILL);
}

/* The older kind: a group stop has no siginfo, and PTRACE_CONT overrules it. */
static void test_old_group_stop(void)
{
	pid_t pid = traced_child(sleep_long);
	siginfo_t info;

	check_ok(go(CONT, pid, 0));
	check_ok(kill(pid, SIGTTIN));
	check_stop(pid, SIGTTIN);
	check_ok(trace(GETSIGINFO, pid, 0, &info));
	check_ok(go(CONT, pid, SIGTTIN));
	check_stop(pid, SIGTTIN);
	check_errno(trace(GETSIGINFO, pid, 0, &info), EINVAL);
	check_ok(go(CONT, pid, 0));
	check_ok(kill(pid, SIGUSR1));
	check_stop(pid, SIGUSR1);
	check_ok(go(CONT, pid, SIGUSR1));
	check_killed(pid, SIGUSR1);
}

static void test_attach(void)
{
	pid_t pid = fork();
	char letter;

	if (!pid)
		spin();
	check_ok(go(ATTACH, pid, 0));
	check_stop(pid, SIGSTOP);
	check_ok(go(DETACH, pid, 0));
	/* One that stands still: the trace stop is there when attach returns. */
	check_ok(kill(pid, SIGSTOP));
	check_equal(waitpid(pid, NULL, WUNTRACED), pid);
	check_ok(go(ATTACH, pid, 0));
	check_equal(waitpid(pid, NULL, WNOHANG), pid);
	check_ok(go(DETACH, pid, 0));
	/* Let go of, it stands still again. */
	for (int i = 0; i < 100; i++) {
		proc_status(pid, NULL, &letter);
		if (letter == 'T')
			break;
		sleep_ms(5);
	}
	check_equal(letter, 'T');
	check_ok(kill(pid, SIGKILL));
	check_killed(pid, SIGKILL);
}

/* A tracer that is not the parent hears of the end first; the parent waits until it did. */
static void test_stranger(void)
{
	pid_t pid = fork(), tracer;
	int fd[2], back[2];
	char c;

	check_ok(pipe(fd));
	check_ok(pipe(back));
	if (!pid) {
		pause();
		_exit(1);
	}
	tracer = fork();
	if (!tracer) {
		int status;

		close(back[0]);
		if (trace(SEIZE, pid, 0, NULL))
			_exit(1);
		(void)!write(back[1], "s", 1);
		(void)!read(fd[0], &c, 1);
		sleep_ms(200);
		_exit(waitpid(pid, &status, __WALL) == pid && WTERMSIG(status) == SIGKILL ? 0 : 2);
	}
	check_equal(read(back[0], &c, 1), 1);
	check_ok(kill(pid, SIGKILL));
	sleep_ms(100);
	check_equal(waitpid(pid, NULL, WNOHANG), 0);
	check_equal(write(fd[1], "g", 1), 1);
	check_killed(pid, SIGKILL);
	check_exit(tracer, 0);
}

/* The tracer ends: its tracees go on, or die with it. */
static void test_tracer_ends(void)
{
	for (int kills = 0; kills < 2; kills++) {
		pid_t pid = fork(), tracer;
		char letter = 0;

		if (!pid)
			spin();
		tracer = fork();
		if (!tracer) {
			int status;

			if (trace(SEIZE, pid, 0, (void *)(long)(kills ? EXITKILL : 0)) || go(INTERRUPT, pid, 0))
				_exit(1);
			if (waitpid(pid, &status, __WALL) != pid)
				_exit(2);
			_exit(0);
		}
		check_exit(tracer, 0);
		if (!kills) {
			for (int i = 0; i < 200 && letter != 'R'; i++) {
				proc_status(pid, NULL, &letter);
				sleep_ms(5);
			}
			check_equal(letter, 'R');
			check_equal(proc_status(pid, "TracerPid", NULL), 0);
			check_ok(kill(pid, SIGKILL));
		}
		check_killed(pid, SIGKILL);
	}
}

static int sigchlds;
static siginfo_t last_sigchld;
static void on_sigchld(int sig, siginfo_t *info, void *context)
{
	last_sigchld = *info;
	sigchlds++;
}
/* Each stop is a SIGCHLD with CLD_TRAPPED; waitid tells the same. */
static void test_sigchld(void)
{
	struct sigaction a = { .sa_sigaction = on_sigchld, .sa_flags = SA_SIGINFO };
	pid_t pid = fork();
	siginfo_t info = { 0 };

	if (!pid)
		spin();
	sigaction(SIGCHLD, &a, NULL);
	check_ok(trace(SEIZE, pid, 0, NULL));
	check_ok(go(INTERRUPT, pid, 0));
	while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) && errno == EINTR)
		;
	check_equal(info.si_code, CLD_TRAPPED);
	check_equal(info.si_status, SIGTRAP | EVENT_STOP << 8);
	check_ok(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	check_equal(info.si_pid, pid);
	check_equal(sigchlds, 1);
	check_equal(last_sigchld.si_code, CLD_STOPPED);
	check_equal(last_sigchld.si_pid, pid);
	check_ok(kill(pid, SIGKILL));
	check_killed(pid, SIGKILL);
}

/* Who may trace: the same ids, and only what may be dumped. */
static void test_access(void)
{
	pid_t root = fork(), other, closed;
	int status, fd[2];
	char c;

	if (!root)
		while (1)
			pause();
	check_ok(pipe(fd));
	closed = fork();
	if (!closed) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 0);
		(void)!write(fd[1], "r", 1);
		while (1)
			pause();
	}
	check_equal(read(fd[0], &c, 1), 1);
	other = fork();
	if (!other) {
		long word;
		struct iovec mine = { &word, 8 }, theirs = { &word, 8 };
		pid_t pid;

		if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			_exit(1);
		if (go(ATTACH, root, 0) != -1 || errno != EPERM)
			_exit(2);
		if (go(ATTACH, closed, 0) != -1 || errno != EPERM)
			_exit(3);
		if (syscall(SYS_process_vm_readv, closed, &mine, 1, &theirs, 1, 0) != -1 || errno != EPERM)
			_exit(4);
		prctl(PR_SET_DUMPABLE, 1);
		pid = fork();
		if (!pid)
			while (1)
				pause();
		if (go(ATTACH, pid, 0) || waitpid(pid, &status, __WALL) != pid)
			_exit(5);
		kill(pid, SIGKILL);
		_exit(0);
	}
	check_exit(other, 0);
	kill(root, SIGKILL);
	kill(closed, SIGKILL);
}

static const struct test table[] = {
	{ "fork", test_fork }, { "vfork", test_vfork }, { "exec", test_exec }, { "exec_thread", test_exec_thread },
	{ "threads", test_threads }, { "kill", test_kill }, { "interrupt", test_interrupt }, { "restart", test_restart },
	{ "group_stop", test_group_stop }, { "old_group_stop", test_old_group_stop }, { "attach", test_attach },
	{ "stranger", test_stranger }, { "tracer_ends", test_tracer_ends }, { "sigchld", test_sigchld },
	{ "access", test_access }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-exec"))
		return 77;
	return test_main(argc, argv, table);
}
